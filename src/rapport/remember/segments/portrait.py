"""Who is in a segment, in numbers: the channels they prefer, and what they are worth."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.ids import WorkspaceId
from rapport.remember import membership

__all__ = ["Portrait", "Size", "portrait_of", "sizes_of"]

CHANNELS = 6


class Portrait(NamedTuple):
    """The members of a segment together."""

    channels: list[tuple[str, int]]
    """The channel each uses most, with how many do."""
    worth_minor: int
    """Revenue kept in the shop's currency, of all together."""


class Size(NamedTuple):
    """A day of a segment."""

    day: int
    """Days since 1970."""
    entered: int
    left: int
    size: int


def portrait_of(conn: Connection, workspace: WorkspaceId, segment: int, *, currency: str) -> Portrait:
    """One pass over the members' records."""
    worth = f"net_revenue.{currency}"
    if conn.dialect.name == "sqlite":
        channel, money = "json_extract(r.record, '$.favourite_channel')", "json_extract(r.record, :path)"
    else:
        channel, money = (
            "r.record::jsonb ->> 'favourite_channel'",
            "CAST(r.record::jsonb ->> CAST(:name AS text) AS bigint)",
        )
    query = sa.text(
        f"SELECT COALESCE({channel}, '') AS channel, count(*) AS number, COALESCE(sum({money}), 0) AS worth "
        "FROM segment_members m JOIN segment_records r ON r.workspace = m.workspace AND r.root = m.root "
        "WHERE m.workspace = :workspace AND m.segment = :segment GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    given: dict[str, str | int] = {"workspace": int(workspace), "segment": segment}
    given |= {"path": f'$."{worth}"'} if conn.dialect.name == "sqlite" else {"name": worth}
    rows = conn.execute(query, given).all()
    return Portrait([(row.channel, row.number) for row in rows][:CHANNELS], int(sum(row.worth for row in rows)))


def sizes_of(conn: Connection, workspace: WorkspaceId, segment: int, *, days: int = 60) -> list[Size]:
    """The newest days on which somebody came or left, the newest first."""
    d = membership.days.c
    query = sa.select(d.day, d.entered, d.gone, d.size).where(d.workspace == workspace, d.segment == segment)
    return [Size(*row) for row in conn.execute(query.order_by(d.day.desc()).limit(days))]

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
    worth: list[tuple[str, int]]
    """Revenue kept of all together: currency and minor units, the shop's own first."""


class Size(NamedTuple):
    """A day of a segment."""

    day: int
    """Days since 1970."""
    entered: int
    left: int
    size: int


def portrait_of(conn: Connection, workspace: WorkspaceId, segment: int, *, currency: str) -> Portrait:
    """Two passes over the members' records; the shop's `currency` comes first, the others by what was kept."""
    is_sqlite = conn.dialect.name == "sqlite"
    channel = (
        "json_extract(r.record, '$.favourite_channel')" if is_sqlite else "r.record::jsonb ->> 'favourite_channel'"
    )
    each = "json_each(r.record)" if is_sqlite else "jsonb_each_text(r.record::jsonb)"
    members = (
        "FROM segment_members m JOIN segment_records r ON r.workspace = m.workspace AND r.root = m.root{} "
        "WHERE m.workspace = :workspace AND m.segment = :segment "
    )
    given: dict[str, str | int] = {"workspace": int(workspace), "segment": segment}
    by_channel = sa.text(
        f"SELECT COALESCE({channel}, '') AS channel, count(*) AS number {members.format('')} "
        "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT :most"
    )
    channels = [(row.channel, row.number) for row in conn.execute(by_channel, given | {"most": CHANNELS})]
    kept = sa.text(
        f"SELECT e.key AS name, sum(CAST(e.value AS bigint)) AS minor {members.format(f' CROSS JOIN {each} e')} "
        "AND e.key LIKE 'net_revenue.%' GROUP BY 1"
    )
    worth = {row.name.partition(".")[2]: int(row.minor) for row in conn.execute(kept, given)}
    others = sorted((code for code in worth if code != currency), key=lambda code: (-worth[code], code))
    return Portrait(channels, [(code, worth.get(code, 0)) for code in (currency, *others)])


def sizes_of(conn: Connection, workspace: WorkspaceId, segment: int, *, days: int = 60) -> list[Size]:
    """The newest days on which somebody came or left, the newest first."""
    d = membership.days.c
    query = sa.select(d.day, d.entered, d.gone, d.size).where(d.workspace == workspace, d.segment == segment)
    return [Size(*row) for row in conn.execute(query.order_by(d.day.desc()).limit(days))]

"""The table of alarms that stand, and its queries. Each change is made by one process, whoever else looks."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Integer, Table, Text

from rapport.kernel.ids import WorkspaceId
from rapport.storage.bulk import insert_ignore
from rapport.storage.engine import CText, metadata

__all__ = ["Standing", "begin", "come_back", "end", "forget", "go", "standing", "standing_alarms", "tell_of"]

standing_alarms = Table(
    "standing_alarms",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("name", CText, primary_key=True),
    Column("what", Text, nullable=False),
    Column("to_do", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("told_at", BigInteger),
    Column("gone_at", BigInteger),
)
"""`told_at` is null until it has stood long enough to be told, `gone_at` is set while it is not seen any more."""


class Standing(NamedTuple):
    """An alarm of a shop, as of the last look."""

    workspace: WorkspaceId
    name: str
    """Of the watch that sees it, and what it names or the page it leads to."""
    what: str
    to_do: str
    path: str
    since: int
    told_at: int | None = None
    gone_at: int | None = None


def standing(conn: Connection, workspace: WorkspaceId) -> dict[str, Standing]:
    """All of a shop, by name."""
    query = sa.select(standing_alarms).where(standing_alarms.c.workspace == workspace)
    return {row.name: Standing(*row) for row in conn.execute(query)}


def begin(conn: Connection, alarm: Standing) -> None:
    """Note that it is seen; known ones stay as they are."""
    insert_ignore(conn, standing_alarms, [alarm._asdict()], key=("workspace", "name"))


def tell_of(conn: Connection, alarm: Standing, *, now: int) -> bool:
    """Note that it is told now; False where somebody else does."""
    a = standing_alarms.c
    return _changed(conn, alarm, a.told_at.is_(None), told_at=now, what=alarm.what, to_do=alarm.to_do)


def go(conn: Connection, alarm: Standing, *, now: int) -> bool:
    """Note that it is not seen any more; False where that is known."""
    return _changed(conn, alarm, standing_alarms.c.gone_at.is_(None), gone_at=now)


def come_back(conn: Connection, alarm: Standing) -> bool:
    """Note that it is seen again, before anybody was told that it is over."""
    return _changed(conn, alarm, standing_alarms.c.gone_at.is_not(None), gone_at=None)


def end(conn: Connection, alarm: Standing) -> bool:
    """Forget it; False where somebody else has."""
    a = standing_alarms.c
    query = standing_alarms.delete().where(a.workspace == alarm.workspace, a.name == alarm.name)
    return conn.execute(query.where(a.since == alarm.since, a.gone_at.is_not(None))).rowcount == 1


def forget(conn: Connection, alarm: Standing) -> None:
    """Forget one that nobody was told of."""
    a = standing_alarms.c
    query = standing_alarms.delete().where(a.workspace == alarm.workspace, a.name == alarm.name)
    conn.execute(query.where(a.told_at.is_(None)))


def _changed(conn: Connection, alarm: Standing, condition: sa.ColumnElement[bool], **values: object) -> bool:
    a = standing_alarms.c
    query = standing_alarms.update().where(a.workspace == alarm.workspace, a.name == alarm.name, condition)
    return conn.execute(query.values(**values)).rowcount == 1

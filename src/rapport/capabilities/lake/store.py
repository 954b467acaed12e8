"""Tables of the lake: which lake is this database's own, and who is still to be forgotten in it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, Table, Text

from rapport.kernel.ids import Key, WorkspaceId, new_id
from rapport.storage.bulk import chunks, insert_rows, upsert
from rapport.storage.engine import metadata
from rapport.storage.locks import Lock, lock_alone, lock_shared
from rapport.storage.log import last_given

__all__ = [
    "Forgetting", "Refiling", "claim", "done", "forgettings", "home", "is_forgetting", "is_refiling",
    "lake_forgettings", "lake_home", "lake_refilings", "refiled", "refilings", "to_forget", "to_refile",
]  # fmt: skip

lake_home = Table(
    "lake_home",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("lake", Text, nullable=False),
)
"""One row: the name of the lake that this database's facts are archived to."""

lake_forgettings = Table(
    "lake_forgettings",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("strand", LargeBinary, primary_key=True),
    Column("upto", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
"""Written in the transaction that erases somebody from the database; a row goes once the lake has forgotten, too.
Facts after `upto` are of somebody who came back and stay."""


lake_refilings = Table(
    "lake_refilings",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("mark", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""Facts that left the log or came back to it, written in the transaction in which they did; a row goes once the lake
holds of them what the log does. `mark` is another each time, so that what happened meanwhile is not overlooked."""


class Refiling(NamedTuple):
    """A fact of which the lake is to hold what the log holds."""

    workspace: WorkspaceId
    seq: int
    mark: str


class Forgetting(NamedTuple):
    """A strand whose facts up to a `seq` are to leave the lake."""

    workspace: WorkspaceId
    strand: Key
    upto: int


def claim(conn: Connection, lake: str) -> str:
    """The name of this database's lake: the one it has, or from now on the one that is given."""
    lock_alone(conn, Lock.LAKE_HOME)
    conn.execute(sa.text("INSERT INTO lake_home (id, lake) VALUES (1, :lake) ON CONFLICT DO NOTHING"), {"lake": lake})
    return str(conn.execute(sa.select(lake_home.c.lake)).scalar_one())


def home(conn: Connection) -> str | None:
    """The name of this database's lake; None where nothing was archived yet."""
    return conn.execute(sa.select(lake_home.c.lake)).scalar()


def to_forget(conn: Connection, workspace: WorkspaceId, strands: Collection[Key]) -> int:
    """Note that the lake is to forget these strands; returns how many. Nothing where there is no lake."""
    lock_shared(conn, Lock.LAKE_HOME)
    if not strands or home(conn) is None:
        return 0
    upto = last_given(conn)
    rows = [{"workspace": workspace, "strand": strand, "upto": upto} for strand in sorted(set(strands))]
    conn.execute(
        lake_forgettings.delete().where(
            lake_forgettings.c.workspace == workspace, lake_forgettings.c.strand.in_([row["strand"] for row in rows])
        )
    )
    insert_rows(conn, lake_forgettings, rows)
    return len(rows)


def is_forgetting(conn: Connection) -> bool:
    """Whether somebody is still to be forgotten in the lake."""
    return bool(conn.execute(sa.select(sa.exists().select_from(lake_forgettings))).scalar())


def forgettings(conn: Connection, *, limit: int) -> list[Forgetting]:
    """Who is to be forgotten, at most so many strands."""
    query = sa.select(lake_forgettings).order_by(*lake_forgettings.primary_key).limit(limit)
    return [Forgetting._make(row) for row in conn.execute(query)]


def done(conn: Connection, forgotten: Collection[Forgetting]) -> None:
    """The lake has forgotten these."""
    key = sa.tuple_(*lake_forgettings.primary_key)
    conn.execute(lake_forgettings.delete().where(key.in_([tuple(one) for one in forgotten])))


def to_refile(conn: Connection, workspace: WorkspaceId, seqs: Sequence[int]) -> None:
    """Note that these facts left the log or came back to it. Nothing where there is no lake."""
    lock_shared(conn, Lock.LAKE_HOME)
    if not seqs or home(conn) is None:
        return
    mark = new_id("mark")
    rows = [{"workspace": workspace, "seq": seq, "mark": mark} for seq in sorted(set(seqs))]
    upsert(conn, lake_refilings, rows, key=("workspace", "seq"), update=("mark",))


def is_refiling(conn: Connection) -> bool:
    """Whether there are facts of which the lake does not hold yet what the log does."""
    return bool(conn.execute(sa.select(sa.exists().select_from(lake_refilings))).scalar())


def refilings(conn: Connection, *, limit: int) -> list[Refiling]:
    """Which these are, at most so many, of one shop."""
    query = sa.select(lake_refilings).order_by(*lake_refilings.primary_key).limit(limit)
    found = [Refiling._make(row) for row in conn.execute(query)]
    return [one for one in found if one.workspace == found[0].workspace]


def refiled(conn: Connection, done: Sequence[Refiling]) -> None:
    """The lake holds of these what the log held when they were asked for."""
    r = lake_refilings.c
    by_mark: dict[tuple[WorkspaceId, str], list[int]] = {}
    for one in done:
        by_mark.setdefault((one.workspace, one.mark), []).append(one.seq)
    for (workspace, mark), seqs in by_mark.items():  # a mark stands for some thousand facts
        for some in chunks(seqs, 500):
            conn.execute(lake_refilings.delete().where(r.workspace == workspace, r.mark == mark, r.seq.in_(some)))

"""Tables of segments: their texts, the record of each customer that conditions are asked of, and who is in which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Connection, Index, Integer, LargeBinary, SmallInteger, Table, Text

from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage.bulk import chunks
from rapport.storage.engine import CText, metadata
from rapport.storage.lookup import select_among

__all__ = ["days", "erase_members", "members", "names_by_root", "records", "segments", "versions"]

_MOVES = sa.text("next_at < 4611686018427387904")

records = Table(
    "segment_records",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, primary_key=True),
    Column("bucket", SmallInteger, nullable=False),
    Column("record", Text, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Index("segment_records_by_clock", "bucket", "next_at", sqlite_where=_MOVES, postgresql_where=_MOVES),
)
"""What conditions ask of each customer, as flat JSON (`segments.fields.Record`), written with its line in the list of
customers. `next_at`: not before this time does the clock alone change in which segments it is; 2**62 for never."""

segments = Table(
    "segments",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", CText, nullable=False),
    Column("where_text", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("state", CText, nullable=False),
    Column("error", Text, nullable=False),
    Column("filled_to", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("is_told", Boolean, nullable=False),
    Column("asked_in", Text, nullable=False),
    Index("segments_by_name", "workspace", "name", unique=True),
)
"""`state`: `filling` while customers after `filled_to` have yet to be asked, `live`, `failed` for a text that cannot be
read any more. `size` is changed with the members, in one transaction. `revision` rises with every change.
`is_told`: whether whoever comes in is told by a fact, which is so once all customers were asked.
`asked_in`: the shop's time zone and currency by which customers were asked; empty where that is not known."""

versions = Table(
    "segment_versions",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("segment", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("where_text", Text, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("changed_by", Text, nullable=False),
)

members = Table(
    "segment_members",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("segment", Integer, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, primary_key=True),
    Column("since", BigInteger, nullable=False),
    Index("segment_members_by_root", "workspace", "root"),
)

days = Table(
    "segment_days",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("segment", Integer, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("entered", BigInteger, nullable=False),
    Column("gone", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
)
"""By day of the shop (days since 1970): how many came and went, and how many there were at its end."""


def erase_members(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> int:
    """Take customers out of all segments and of their sizes, in this transaction; returns out of how many."""
    gone = 0
    for some in chunks(sorted(keys), 500):
        theirs = (members.c.workspace == workspace, members.c.root.in_(some))
        here = (segments.c.workspace == workspace, segments.c.id.in_(sa.select(members.c.segment).where(*theirs)))
        number = sa.select(sa.func.count()).where(*theirs, members.c.segment == segments.c.id).scalar_subquery()
        conn.execute(sa.update(segments).where(*here).values(size=segments.c.size - number))
        gone += conn.execute(sa.delete(members).where(*theirs)).rowcount
    return gone


def names_by_root(conn: Connection, workspace: WorkspaceId, roots: Iterable[Key]) -> dict[Key, list[str]]:
    """In which segments customers are, in order of names; who is in none is missing."""
    its = (segments.c.workspace == members.c.workspace) & (segments.c.id == members.c.segment)
    query = sa.select(members.c.root, segments.c.name).select_from(members.join(segments, its))
    found: defaultdict[Key, list[str]] = defaultdict(list)
    for root, name in select_among(conn, query, workspace, members.c.root, roots):
        found[Key(root)].append(name)
    return {root: sorted(names) for root, names in found.items()}

"""Facts that were taken out of the log, kept aside for a while so that they can be put back where they were."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, SmallInteger, Table, Text

from rapport.kernel.ids import WorkspaceId
from rapport.storage.bulk import chunks, insert_ignore
from rapport.storage.engine import metadata
from rapport.storage.log import StoredRow, facts

__all__ = ["kept_of", "let_go", "put_back", "take_out", "withdrawn_facts"]

withdrawn_facts = Table(
    "withdrawn_facts",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("withdrawal", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("strand", LargeBinary, nullable=False),
    Column("bucket", SmallInteger, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("withdrawn_facts_of", "workspace", "withdrawal", "strand"),
    Index("withdrawn_facts_strand", "workspace", "strand"),
)

_w = withdrawn_facts.c


def take_out(conn: Connection, workspace: WorkspaceId, withdrawal: str, rows: Sequence[StoredRow]) -> None:
    """Move facts from the log to here, in this transaction."""
    insert_ignore(
        conn, withdrawn_facts, [{**row._asdict(), "withdrawal": withdrawal} for row in rows], key=("workspace", "seq")
    )
    for some in chunks([row.seq for row in rows], 500):
        conn.execute(facts.delete().where(facts.c.workspace == workspace, facts.c.seq.in_(some)))


def kept_of(conn: Connection, workspace: WorkspaceId, withdrawal: str, *, limit: int) -> list[StoredRow]:
    """Facts of a withdrawal that are still here, people after people."""
    columns = [_w[name] for name in StoredRow._fields]
    query = sa.select(*columns).where(_w.workspace == workspace, _w.withdrawal == withdrawal)
    return [StoredRow._make(row) for row in conn.execute(query.order_by(_w.strand, _w.seq).limit(limit))]


def put_back(
    conn: Connection, workspace: WorkspaceId, rows: Sequence[StoredRow], *, without: Sequence[StoredRow] = ()
) -> list[StoredRow]:
    """Move facts back to their old places in the log, all but those `without`; returns those that are there again.

    One whose message has come once more meanwhile is left out: it is in the log.
    """
    out = {row.seq for row in without}
    wanted = [row for row in rows if row.seq not in out]
    insert_ignore(conn, facts, [row._asdict() for row in wanted], key=("workspace", "message_id"))
    let_go(conn, workspace, [row.seq for row in rows])
    there: set[int] = set()
    for some in chunks([row.seq for row in wanted], 500):
        query = sa.select(facts.c.seq).where(facts.c.workspace == workspace, facts.c.seq.in_(some))
        there.update(conn.execute(query).scalars())
    return [row for row in wanted if row.seq in there]


def let_go(conn: Connection, workspace: WorkspaceId, seqs: Sequence[int]) -> None:
    """Forget facts that are kept here."""
    for some in chunks(seqs, 500):
        conn.execute(withdrawn_facts.delete().where(_w.workspace == workspace, _w.seq.in_(some)))

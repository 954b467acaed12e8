"""What follows from facts that are changed, taken out of the log or put back, made anew in the same transaction.

The states of their strands are folded from what is there, the stages that can be told again are told it, and what is
kept of identifiers that nobody names any more goes as that of the erased does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act.work import BatchWork
from rapport.app import failed_facts
from rapport.app.pipeline import Shops
from rapport.compose.installed import Installed
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Seen
from rapport.remember import customers
from rapport.remember import store as remember
from rapport.remember.strands import Strands
from rapport.resolve.graph.unsaying import Unseen
from rapport.storage import leases, log, withdrawn
from rapport.storage.engine import Database
from rapport.storage.log import StoredRow, to_fact
from rapport.storage.lookup import change_among
from rapport.storage.settings import Cache

__all__ = ["forget_gone", "is_folded_in", "seen_in", "tell_anew"]

_KEPT = frozenset({
    "audit", "audit_subjects", "audit_entries", "audit_parts", "privacy_holds", "privacy_requests",
    "redaction_keys",
    "sign_in_attempts",
})  # fmt: skip
"""What people here did, and what was asked of us, stays; so does whom a redaction is about, who may come again."""

_BOOKS = "loyalty_"
"""So do the books: points were taken back from them, and what was paid with points is paid when facts are put back."""


def seen_in(row: StoredRow) -> Seen:
    """A fact of the log as a stage is given it."""
    return Seen(WorkspaceId(row.workspace), Key(row.strand), to_fact(row))


def is_folded_in(conn: Connection, workspace: WorkspaceId) -> Callable[[StoredRow], bool]:
    """Whether a fact of the shop has had its effects: the cursor of its bucket is past it, and it did not fail."""
    b, f = leases.buckets.c, failed_facts.failed_facts.c
    cursors = {row.bucket: row.cursor for row in conn.execute(sa.select(b.bucket, b.cursor))}
    failed = set(conn.execute(sa.select(f.seq).where(f.workspace == workspace)).scalars())
    return lambda row: row.seq <= cursors.get(row.bucket, 0) and row.seq not in failed


def forget_gone(conn: Connection, slices: Installed, workspace: WorkspaceId, unseen: Unseen) -> None:
    """What is kept of identifiers that nobody else has named goes as that of the erased does."""
    kept = {log.facts.name, withdrawn.withdrawn_facts.name, *_KEPT}
    for one in reversed(slices.slices) if unseen.gone else ():
        for held in reversed(one.holds):
            stays = held.table.name in kept or held.table.name.startswith(_BOOKS)
            if held.erase is not None and not isinstance(held.erase, str) and not stays:
                held.erase(conn, workspace, unseen.gone)
    customers.mark_moved(conn, unseen.moved)  # erasing took their rows away; made anew, they are found gone


def tell_anew(
    conn: Connection, db: Database, slices: Installed, workspace: WorkspaceId, keys: Collection[Key],
    rows: Iterable[StoredRow], *, now: int,
) -> None:  # fmt: skip
    """Make the states of these strands anew, and tell the stages that can be told again what these facts say: all that
    is left of those strands, and what others say of the same people and orders.
    """
    strands = Strands(Shops(db, slices.remembered).traits)
    strands.load(conn, [(workspace, key) for key in keys])
    for key in keys:
        strands.begin_anew(workspace, key, slices.remembered)
    stages = slices.stages()
    work = BatchWork(stages, Cache())
    telling = stages.telling([one.name for one in slices.retold])
    of_shop = slices.vocabulary.of_shop
    for row in sorted(rows, key=lambda one: one.seq):
        seen = seen_in(row)
        if seen.strand in keys and seen.fact.name not in of_shop:
            strands.fold(*seen)
        for handle in telling(seen.fact):
            handle(seen)
    empty = strands.empty()
    strands.flush(conn)
    change_among(conn, remember.strands.delete(), workspace, remember.strands.c.key, empty)
    work.flush(conn, now=now, past=True)

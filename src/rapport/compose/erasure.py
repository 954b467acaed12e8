"""Somebody erased: from the log, their identifiers, every table of every slice, and the bytes that are left on disk.

One transaction forgets the person, or nothing of it happens; from its commit on their facts are left out
(`storage/suppression.py`) and whatever workers hold in memory is read anew. What the law makes a shop keep stays, tied
to nobody. What follows tidies the files, and may be done again: a database keeps the bytes of what it deleted until it
is told not to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.collect import withdrawals
from rapport.collect.sources import identifier_policy
from rapport.compose.holding import Bookkeeping, Sifted
from rapport.compose.mentions import mentions, overwrite
from rapport.compose.person import KeptForBooks, erase_person, keep_for_books
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember import customers
from rapport.resolve.graph import corrections, store
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.graph.resolver import said_of
from rapport.resolve.linking.units import members_of
from rapport.resolve.reading.identities import Member
from rapport.storage import suppression
from rapport.storage.bulk import chunks
from rapport.storage.locks import Lock, lock_alone
from rapport.storage.log import StoredRow, to_fact
from rapport.storage.lookup import select_among
from rapport.storage.tidying import Tidied
from rapport.storage.withdrawn import withdrawn_facts

if TYPE_CHECKING:
    from rapport.compose.installed import Installed

__all__ = ["Proof", "StoreErased", "WithdrawnNames", "erase", "widened", "withdrawn_names"]


Before: TypeAlias = Callable[[Sequence[Member], Sequence[Key]], None]
"""Is told of all identifiers of whoever is about to be erased, and of every key that goes: those that only facts name
which were taken back, too."""


class StoreErased(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of the person in one table, and is gone."""

    slice: str
    table: str
    rows: int


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What an erasure did, without anything of the person; tables without a row of theirs are named, too."""

    identifiers: int
    erased_at: str
    stores: list[StoreErased]
    mentions: list[StoreErased]
    """Rows of others, or of nobody, in which an identifier of the person was overwritten."""
    kept: list[KeptForBooks] = []
    """What the law makes the shop keep of it, tied to nobody, and why."""
    files: str = ""
    """What was done to the database's files afterwards, and what was found there."""
    left: list[str] = []
    """What this cannot reach, in words."""

    @property
    def touched(self) -> list[str]:
        """The tables in which something of the person was; of what is kept for the books the rows before it, too."""
        gone = {one.table for one in (*self.stores, *self.mentions) if one.rows}
        return sorted(gone | {one.table for one in self.kept})

    def with_files(self, tidied: Tidied, beside: Sifted) -> Proof:
        """The proof with what was done to the database's files, and to those beside it."""
        words = "; ".join([tidied.words, *beside.done])
        return msgspec.structs.replace(self, files=words, left=[*tidied.left, *beside.left])


class WithdrawnNames(NamedTuple):
    """Whom facts name that were taken back: together in one fact."""

    version: tuple[tuple[str, str, int], ...]
    """Of the shop's withdrawals when it was read."""
    named: Collection[frozenset[Key]]


def erase(
    conn: Connection, slices: Installed, workspace: WorkspaceId, key: Key, *, now: int, told: str,
    for_good: bool = True, withdrawn: WithdrawnNames | None = None, before: Before = lambda *_: None,
) -> tuple[Proof, list[str]]:  # fmt: skip
    """Erase whoever certainly has this identifier, in this transaction; returns the proof, and what to look for.

    Erasing somebody who is gone already finds nothing, and says so. `told` is the time in words. Who is not erased
    `for_good` may come again, as somebody new. With what `withdrawn_names` told before this transaction began, nobody
    who appends waits until all facts that were taken back are read.

    Who they are is what holds once nobody can merge or part anybody any more; `before` is told so, ahead of the first
    deletion.
    """
    suppression.erasing(conn)
    lock_alone(conn, Lock.APPENDING)
    store.lock(conn, workspace)
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql("PRAGMA secure_delete = ON")
    members = members_of(conn, workspace, key)
    keys = sorted(widened(conn, workspace, {key, *(one.key for one in members)}, withdrawn))
    before(members, keys)
    if for_good:
        suppression.suppress(conn, workspace, keys, now=now)
    texts = mentions(members)
    kept = _for_books(conn, slices, workspace, key, keys, texts, now=now)
    _part_from_others(conn, workspace, keys, now=now)
    gone = erase_person(conn, slices, workspace, keys)
    owner = {held.table.name: one.name for one in slices.slices for held in one.holds}
    found = [
        StoreErased(slice=owner[table], table=str(table), rows=rows)
        for table, rows in sorted(gone.items())
        if table in owner
    ]
    overwritten = [
        StoreErased(slice=owner[table.name], table=str(table.name), rows=rows)
        for table, rows in overwrite(conn, slices, workspace, texts, region=settings_of(conn, workspace).region)
        if rows
    ]
    proof = Proof(identifiers=len(members), erased_at=told, stores=found, mentions=overwritten, kept=kept)
    return proof, texts


def _for_books(
    conn: Connection, slices: Installed, workspace: WorkspaceId, key: Key, keys: Sequence[Key], texts: Sequence[str],
    *, now: int,
) -> list[KeptForBooks]:  # fmt: skip
    """Leave what the law of their market makes the shop keep, tied to nobody."""
    asked = slices.law.books(conn, workspace, key) if slices.law.books is not None else None
    if asked is None:
        return []
    make = suppression.pseudonyms(conn)
    terms = Bookkeeping(
        law=asked.law, years=asked.years, pseudonym=Key(make(keys[0])), texts=texts,
        hashed=lambda text: make(text.encode("utf-8", "surrogatepass")).hex(),
    )  # fmt: skip
    return keep_for_books(conn, slices, workspace, keys, terms, now=now)


def withdrawn_names(conn: Connection, workspace: WorkspaceId) -> WithdrawnNames:
    """Whom facts name that were taken back; for `erase`, read before anybody has to wait. Cost: all such facts."""
    columns = [withdrawn_facts.c[name] for name in StoredRow._fields]
    rows = conn.execute(sa.select(*columns).where(withdrawn_facts.c.workspace == workspace))
    policy = identifier_policy(settings_of(conn, workspace))
    version = _withdrawals_version(conn, workspace)
    named = {
        frozenset({Key(row.strand), *said_of(workspace, to_fact(row), policy).found})
        for row in map(StoredRow._make, rows)
    }
    return WithdrawnNames(version, named)


def _withdrawals_version(conn: Connection, workspace: WorkspaceId) -> tuple[tuple[str, str, int], ...]:
    """It is another one once more facts were taken back; each turn of a withdrawal notes when it was."""
    w = withdrawals.withdrawals.c
    query = sa.select(w.id, w.state, w.changed_at).where(w.workspace == workspace).order_by(w.id)
    return tuple((row.id, row.state, row.changed_at) for row in conn.execute(query))


def widened(conn: Connection, workspace: WorkspaceId, keys: set[Key], known: WithdrawnNames | None) -> set[Key]:
    """The keys with those that only facts name which were taken back, and may be put back: they are the person's, too.

    A key that others have named since is somebody's by what they said.
    """
    if known is None or known.version != _withdrawals_version(conn, workspace):
        known = withdrawn_names(conn, workspace)
    found, more = set[Key](), set(keys)
    while more:
        found |= more
        near = set[Key]().union(*(names for names in known.named if names & found)) - found
        query = sa.select(store.identifiers.c.key)
        more = near - {Key(row.key) for row in select_among(conn, query, workspace, store.identifiers.c.key, near)}
    return found


def _part_from_others(conn: Connection, workspace: WorkspaceId, keys: Sequence[Key], *, now: int) -> None:
    """Take back what ties the person to others (a learned link, a shared browser), so that those stay who they are."""
    e = store.evidence.c
    ties: list[bytes] = []
    for some in chunks(keys, 500):
        query = sa.select(e.id, e.a, e.b).where(e.workspace == workspace, sa.or_(e.a.in_(some), e.b.in_(some)))
        own = set(keys)
        ties += [row.id for row in conn.execute(query) if not {row.a, row.b} <= own]
    if ties:
        policy = identifier_policy(settings_of(conn, workspace))
        moved = corrections.withdraw(conn, workspace, ties, policy, author="rapport", reason="erased", now=now)
        customers.mark_moved(conn, moved)

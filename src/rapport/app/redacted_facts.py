"""Facts of the log that lose a field, in one transaction with all that follows: who is who, states, slices, copies.

A fact keeps its place and its id. Where the field named its person it is somebody's else from now on: of the most
stable identifier that is left; where none is left the fact goes, as nobody could ever ask for it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.app import failed_facts
from rapport.app.anew import forget_gone, is_folded_in, seen_in, tell_anew
from rapport.compose.copies import Copied, overwrite_copies
from rapport.compose.installed import Installed
from rapport.compose.redactions import RedactionProof
from rapport.compose.unsaid import Around, Looked, around, look, orders_of
from rapport.kernel.facts import OWN_SOURCE
from rapport.kernel.identifiers import IdentifierPolicy, bucket_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Unsaid
from rapport.remember import customers
from rapport.resolve.graph import store as identities
from rapport.resolve.graph.resolver import Resolver, said_of
from rapport.resolve.graph.unsaying import Unseen, unsay
from rapport.storage import leases, log
from rapport.storage.bulk import chunks
from rapport.storage.engine import Database
from rapport.storage.log import Horizon, StoredRow, to_fact
from rapport.storage.redaction import Rule

__all__ = ["Change", "Changing", "changes_of", "write_changes"]


class Change(NamedTuple):
    """One fact, before and after."""

    old: StoredRow
    new: StoredRow | None
    """None where it names nobody any more."""
    values: list[Any]
    """What was taken out of it."""


def changes_of(rule: Rule, rows: Sequence[StoredRow], policy: IdentifierPolicy) -> list[Change]:
    """Those of these facts that a redaction changes."""
    found = []
    for row in rows:
        made = rule.applied(row.workspace, row.body, policy) if rule.means(row) else None
        if made is not None:
            new = None if made.strand is None else row._replace(
                body=made.body, strand=bytes(made.strand), bucket=bucket_of(made.strand)
            )  # fmt: skip
            found.append(Change(row, new, made.values))
    return found


def write_changes(conn: Connection, table: sa.Table, workspace: WorkspaceId, changes: Sequence[Change]) -> None:
    """Have a table that holds facts by their numbers hold them as they are now."""
    c = table.c
    gone = [one.old.seq for one in changes if one.new is None]
    for some in chunks(gone, 500):
        conn.execute(table.delete().where(c.workspace == workspace, c.seq.in_(some)))
    values = [
        {"of": one.new.seq, "to_body": one.new.body, "to_strand": one.new.strand, "to_bucket": one.new.bucket}
        for one in changes if one.new is not None
    ]  # fmt: skip
    if values:
        update = table.update().where(c.workspace == workspace, c.seq == sa.bindparam("of"))
        conn.execute(update.values({name: sa.bindparam(f"to_{name}") for name in ("body", "strand", "bucket")}), values)


class Changing:
    """The facts of one redaction in the log of one shop."""

    def __init__(
        self, db: Database, slices: Installed, workspace: WorkspaceId, policy: IdentifierPolicy, rule: Rule, *,
        cause: str, now: int,
    ) -> None:  # fmt: skip
        self._db, self._slices, self._workspace = db, slices, workspace
        self._policy, self._rule, self._cause, self._now = policy, rule, cause, now

    def look(self, rows: Sequence[StoredRow]) -> Looked:
        """Look through the log for what these facts name, while others go on appending."""
        with self._db.look() as conn:
            upto = Horizon().advance(conn)
            folded = conn.execute(sa.select(sa.func.min(leases.buckets.c.cursor))).scalar_one()
        with self._db.read() as conn:
            changes = changes_of(self._rule, rows, self._policy)
            told = [*(one.old for one in changes), *(one.new for one in changes if one.new is not None)]
            return look(conn, self._workspace, self._policy, told, upto=max(upto, int(folded or 0)))

    def change(
        self, conn: Connection, seqs: Sequence[int], looked: Looked
    ) -> tuple[RedactionProof, Copied]:  # fmt: skip
        """Take the field out of these facts and of what was made of them. Nobody appends or changes identities.

        Raises LookAgain where the facts name what was not looked for.
        """
        changes = changes_of(self._rule, self._rows(conn, seqs), self._policy)
        copied = Copied.of(self._rule.path[-1], [value for one in changes for value in one.values])
        is_folded = is_folded_in(conn, self._workspace)
        old = [one.old for one in changes if is_folded(one.old)]
        new = [one.new for one in changes if one.new is not None and is_folded(one.new)]
        near = around(
            conn, self._workspace, self._policy, self._slices.wording, [*old, *new], is_folded=is_folded, looked=looked
        )
        strands = {Key(row.strand) for row in (*old, *new)}
        own, rest = self._ours(near, strands, copied)
        every = [*changes, *own]
        told = [*(one.new for one in own if one.new is not None), *new]
        touched = self._roots(conn, [one.old for one in every])
        write_changes(conn, log.facts, self._workspace, every)
        self._refiled(conn, every)
        self._move_failed(conn, changes)
        unseen = self._identities(conn, [one for one in changes if is_folded(one.old)], [*rest, *told])
        self._unsay(conn, [one for one in every if is_folded(one.old)])
        if unseen is not None:
            forget_gone(conn, self._slices, self._workspace, unseen)
            customers.mark_moved(conn, self._observe(conn, new))
        tell_anew(conn, self._db, self._slices, self._workspace, strands, [*rest, *told], now=self._now)
        customers.mark_stale(conn, self._workspace, touched)
        people = {Key(row.strand) for row in (*(one.old for one in every), *told)} | touched
        stores = overwrite_copies(conn, self._slices, self._workspace, people, copied)
        return self._proof(changes, unseen, stores, own=len(own)), copied

    # -- steps

    def _rows(self, conn: Connection, seqs: Sequence[int]) -> list[StoredRow]:
        f = log.facts.c
        query = sa.select(log.facts).where(f.workspace == self._workspace, f.seq.in_(seqs)).order_by(f.seq)
        return [StoredRow._make(row) for row in conn.execute(query)]

    def _ours(self, near: Around, strands: set[Key], copied: Copied) -> tuple[list[Change], list[StoredRow]]:
        """Our own facts about these people in which the same value stands under the same name; and all the others."""
        own, rest = [], []
        for row in sorted({row.seq: row for row in (*near.rest, *near.followed)}.values(), key=lambda one: one.seq):
            clean = copied.clean(row.body) if row.source == OWN_SOURCE and Key(row.strand) in strands else row.body
            if isinstance(clean, bytes) and clean != row.body and _is_fact(clean):
                own.append(Change(row, row._replace(body=clean), []))
            else:
                rest.append(row)
        return own, rest

    def _roots(self, conn: Connection, rows: Sequence[StoredRow]) -> set[Key]:
        keys = {Key(row.strand) for row in rows}
        keys |= {key for row in rows for key in said_of(self._workspace, to_fact(row), self._policy).found}
        return set(identities.roots_of(conn, self._workspace, keys).values())

    def _refiled(self, conn: Connection, changes: Sequence[Change]) -> None:
        for one in self._slices.slices:
            if one.refiled is not None:
                one.refiled(conn, self._workspace, [change.old.seq for change in changes])

    def _move_failed(self, conn: Connection, changes: Sequence[Change]) -> None:
        """What was set aside with an error follows its fact to another bucket, or goes with it."""
        failed = failed_facts.failed_facts.c
        moved = [one for one in changes if one.new is None or one.new.bucket != one.old.bucket]
        waiting = set(failed_facts.seqs(conn, sorted({one.old.bucket for one in moved}))) if moved else set()
        for one in moved:
            if one.old.seq not in waiting:
                continue
            here = (failed.workspace == self._workspace, failed.seq == one.old.seq)
            table = failed_facts.failed_facts
            conn.execute(
                table.delete().where(*here) if one.new is None
                else table.update().where(*here).values(bucket=one.new.bucket)
            )  # fmt: skip

    def _identities(self, conn: Connection, changes: Sequence[Change], rest: Sequence[StoredRow]) -> Unseen | None:
        """Take back what these facts have said of who is who and do not say any more; None where that is nothing."""
        said = [to_fact(one.old) for one in changes if self._says(one.old) != self._says(one.new)]
        if not said:
            return None
        unseen = unsay(
            conn, self._workspace, self._policy, said=said, rest=[to_fact(row) for row in rest], now=self._now
        )
        customers.mark_moved(conn, unseen.moved)
        return unseen

    def _says(self, row: StoredRow | None) -> object:
        if row is None:
            return None
        said = said_of(self._workspace, to_fact(row), self._policy)
        return row.strand, set(said.found), dict(said.evidence), set(said.maybe)

    def _unsay(self, conn: Connection, changes: Sequence[Change]) -> None:
        """Take out of the slices' tables what those stages wrote of these facts that will be told them again."""
        stays = [one for one in changes if one.new is not None and one.new.strand == one.old.strand]
        moved = [one for one in changes if one.new is None or one.new.strand != one.old.strand]
        for some, reads in (
            (stays, {to_fact(one.new).id: seen_in(one.new) for one in stays if one.new is not None}), (moved, {}),
        ):  # fmt: skip
            said = [seen_in(one.old) for one in some]
            orders = orders_of([one.fact for one in said])
            unsaid = Unsaid(self._workspace, said, orders, (), self._cause, self._now, reads)
            for one in self._slices.slices if said else ():
                if one.unsay is not None and one.retelling is not None:
                    one.unsay(conn, unsaid)

    def _observe(self, conn: Connection, rows: Sequence[StoredRow]) -> Sequence[Any]:
        resolver = Resolver(lambda _: self._policy)
        for row in rows:
            resolver.observe(self._workspace, to_fact(row), Key(row.strand))
        return list(resolver.flush(conn))

    def _proof(self, changes: Sequence[Change], unseen: Unseen | None, stores: Any, *, own: int) -> RedactionProof:
        happened = [one.old.occurred_at for one in changes]
        found = Counter(stores)
        if own:
            found["facts"] += own
        return RedactionProof(
            facts=len(changes), nobodys=sum(one.new is None for one in changes),
            identifiers=len(unseen.gone) if unseen is not None else 0, first_at=min(happened, default=None),
            last_at=max(happened, default=None), kinds=dict(Counter(to_fact(one.old).name for one in changes)),
            stores=dict(found),
        )  # fmt: skip


def _is_fact(body: bytes) -> bool:
    tree = msgspec.json.decode(body)
    return isinstance(tree, dict) and {"id", "type", "name"} <= tree.keys()

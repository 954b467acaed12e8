"""A batch of facts on its way through resolve, remember and the slices: what the worker does with it, and undoes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from rapport.act.work import BatchWork
from rapport.app import failed_facts
from rapport.app.wiring import installed
from rapport.collect.sources import identifier_policy
from rapport.compose.installed import Installed
from rapport.kernel.errors import NotFound
from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Seen
from rapport.remember import backfill, customers, retelling
from rapport.remember.backfill import Gap, Learner
from rapport.remember.registry import Registry, Remembered
from rapport.remember.retelling import RetoldStage
from rapport.remember.strands import Strand, Strands
from rapport.resolve.graph.resolver import Resolver
from rapport.storage import log
from rapport.storage.engine import Database
from rapport.storage.leases import LeaseLost
from rapport.storage.log import StoredRow, to_fact
from rapport.storage.settings import Cache
from rapport.storage.suppression import guard, version_of
from rapport.storage.workspaces import Workspace, all_workspaces

__all__ = ["Pipeline"]

_logger = logging.getLogger(__name__)


class Filled(NamedTuple):
    """How many facts of a gap were folded, and the `seq` up to which it is filled then."""

    facts: int
    upto: int


class Pipeline:
    """What a worker is made of: a batch of facts through resolve, remember and the slices, and its one flush."""

    def __init__(self, db: Database, *, slices: Installed | None = None) -> None:
        self.db = db
        self.slices = installed() if slices is None else slices
        self._stages = self.slices.stages()
        self._shops = Shops(db, self.slices.remembered)
        self._resolver = Resolver(self._shops.policy, forget_policies=self._shops.forget)
        self._strands = Strands(self._shops.traits)
        self._settings = Cache()
        self._work = BatchWork(self._stages, self._settings)
        self._erasures: int | None = None
        """How many people had been erased when what is in memory here began to be read."""
        self.learners: list[Learner] = [*self.slices.remembered.parts.values(), *self.slices.retold]

    def begin(self, conn: Connection) -> None:
        """Note, before anything is read, how many people were erased by now."""
        if self._erasures is None:
            self._erasures = version_of(conn)

    def is_anybody_erased(self, conn: Connection) -> bool:
        """Whether somebody was erased who may be in memory here; `forget_all` forgets them."""
        return self._erasures not in (None, version_of(conn))

    def preload(self, conn: Connection, rows: Sequence[StoredRow]) -> None:
        """Read the strands of these facts where a connection is at hand; `handle` then needs none.

        A strand that cannot be read is left to `handle`, which finds out whose it is.
        """
        try:
            self._strands.load(conn, _strands_of(rows))
        except msgspec.MsgspecError:
            self._strands.forget_all()

    def handle(self, rows: Sequence[StoredRow]) -> None:
        """Take a batch in, in memory. What it raises concerns one of these facts."""
        wanted = _strands_of(rows)
        if not self._strands.holds(wanted):
            with self.db.look() as conn:
                self._strands.load(conn, wanted)
        facts = [(WorkspaceId(row.workspace), Key(row.strand), to_fact(row)) for row in rows]
        observe, fold, listening = self._resolver.observe, self._strands.fold, self._stages.listening
        of_shop = self.slices.vocabulary.of_shop
        for workspace, strand, fact in facts:
            if fact.name not in of_shop:
                observe(workspace, fact, strand)
                fold(workspace, strand, fact)
            seen = Seen(workspace, strand, fact)
            for handle in listening(fact):
                handle(seen)

    def flush(self, conn: Connection, *, now: int) -> None:
        """Write all effects of the batch in this transaction; `now` is by the clock all workers share.

        Raises LeaseLost where somebody was erased meanwhile: what was read may be theirs, and is to be read anew.
        """
        self._refuse_erased(conn)
        moved = self._resolver.flush(conn)
        self._strands.flush(conn)
        customers.mark_moved(conn, moved)
        self._work.flush(conn, now=now)

    def committed(self) -> None:
        """The transaction of the last `flush` is in the database for good."""
        self._strands.committed()

    def abandon(self) -> None:
        """The transaction did not happen: forget the batch and whatever is uncertain."""
        self._resolver.abandon()
        self._strands.abandon()
        self._work.abandon()

    def forget_all(self) -> None:
        """Other workers may have written what is cached here."""
        self.abandon()
        self._strands.forget_all()
        self._shops.forget()
        self._settings.forget()
        self._erasures = None

    def are_settings_changed(self, conn: Connection) -> bool:
        """Whether settings were changed since the last call; `forget_all` has them taken up."""
        changed = self._settings.changed(conn)
        return self._shops.changed(conn) or changed

    def install(self, conn: Connection, cursors: Mapping[int, int]) -> None:
        """Note that the parts of this installation fold these buckets from here on; what they missed is filled."""
        backfill.install(conn, self.learners, cursors)

    def gap(self, buckets: Collection[int]) -> Gap | None:
        """Something of the log that a part has not folded; None where all have folded everything."""
        with self.db.read() as conn:
            return backfill.next_gap(conn, self.learners, buckets)

    def fill(self, gap: Gap, *, limit: int) -> Filled:
        """Fold, in memory, at most `limit` facts of a gap, and tell them to the stages that have it."""
        parts = [name for name in gap.parts if name in self.slices.remembered.parts]
        with self.db.read() as conn:
            rows = log.read_after(conn, after=gap.upto, upto=gap.target, buckets=gap.buckets, limit=limit)
            waiting = failed_facts.seqs(conn, gap.buckets)
            if parts:
                self._strands.load(conn, _strands_of(rows))
        listening = self._stages.telling(gap.parts)
        for row in rows:
            if row.seq in waiting:  # it is folded by all parts when it is replayed
                continue
            seen = Seen(WorkspaceId(row.workspace), Key(row.strand), to_fact(row))
            if parts and seen.fact.name not in self.slices.vocabulary.of_shop:
                self._strands.refill(*seen, self._shops.some_traits(seen.workspace, parts))
            for handle in listening(seen.fact):
                _tell(handle, seen)
        return Filled(len(rows), rows[-1].seq if len(rows) == limit else gap.target)

    def filled(self, conn: Connection, gap: Gap, upto: int, *, now: int) -> None:
        """Write what was filled, and how far, in this transaction."""
        self._refuse_erased(conn)
        self._strands.flush(conn)
        self._work.flush(conn, now=now, past=True)
        backfill.advance(conn, gap, upto)

    def _refuse_erased(self, conn: Connection) -> None:
        erasures = guard(conn)
        if self._erasures not in (None, erasures):
            raise LeaseLost("somebody was erased while a batch was read")

    def unfinished(self) -> RetoldStage | None:
        """A stage that was told all of the past and has still to finish; None where there is none."""
        with self.db.read() as conn:
            return retelling.unfinished(conn, self.slices.retold)


def _tell(handle: Callable[[Seen], None], seen: Seen) -> None:
    try:
        handle(seen)
    except Exception:  # it was told once already, or its slice was not there: whoever comes after it is told
        _logger.exception("fact %s could not be told again", seen.fact.seq)


def _strands_of(rows: Sequence[StoredRow]) -> list[Strand]:
    return list(dict.fromkeys((WorkspaceId(row.workspace), Key(row.strand)) for row in rows))


class Shops:
    """The settings of each shop, as the worker needs them; read again when leases change."""

    def __init__(self, db: Database, remembered: Remembered) -> None:
        self._db = db
        self._remembered = remembered
        self._found: dict[WorkspaceId, Workspace] = {}
        self._policies: dict[WorkspaceId, IdentifierPolicy] = {}

    def policy(self, workspace: WorkspaceId) -> IdentifierPolicy:
        """What identifies people in this shop."""
        policy = self._policies.get(workspace)
        if policy is None:
            policy = self._policies[workspace] = identifier_policy(self._shop(workspace).settings)
        return policy

    def traits(self, workspace: WorkspaceId) -> Registry:
        """What is remembered of people in this shop."""
        settings = self._shop(workspace).settings
        blocked = self.policy(workspace).blocked
        return self._remembered.registry(currency=settings.currency, region=settings.region, blocked=blocked)

    def some_traits(self, workspace: WorkspaceId, parts: Collection[str]) -> Registry:
        """The same of these parts alone."""
        settings = self._shop(workspace).settings
        some = self._remembered.without(self._remembered.parts.keys() - set(parts))
        blocked = self.policy(workspace).blocked
        return some.registry(currency=settings.currency, region=settings.region, blocked=blocked)

    def forget(self) -> None:
        """Read anew at the next use."""
        self._found.clear()
        self._policies.clear()

    def changed(self, conn: Connection) -> bool:
        """True where somebody changed a setting since it was read here."""
        return any(self._found.get(shop.id, shop) != shop for shop in all_workspaces(conn))

    def _shop(self, workspace: WorkspaceId) -> Workspace:
        if workspace not in self._found:
            with self._db.read() as conn:
                # What is known stays: only `changed` may find out that it is another, or nobody would forget the rest.
                self._found = {shop.id: shop for shop in all_workspaces(conn)} | self._found
        if workspace not in self._found:
            raise NotFound(f"no workspace {workspace}")
        return self._found[workspace]

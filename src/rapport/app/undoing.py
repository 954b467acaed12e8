"""Withdrawals carried out: what a source sent is taken out of the log, and everything made of it is made anew.

A turn is one transaction over some thousand facts, people after people: the facts leave the log, what they alone said
of who is who is gone, the states of their strands are folded from what is left, and the slices take back what their
tables have of them. So whatever is killed, each part has happened whole or not at all, and the next turn goes on.
Nothing is sent, and what was sent cannot be taken back.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from rapport.act.jobs import Job, Turn
from rapport.app import failed_facts
from rapport.app.anew import forget_gone, is_folded_in, seen_in, tell_anew
from rapport.app.pipeline import Pipeline
from rapport.app.redacted_facts import changes_of
from rapport.collect import withdrawals
from rapport.collect.sources import identifier_policy
from rapport.collect.withdrawals import Effects, Withdrawal
from rapport.compose import redactions
from rapport.compose.unsaid import Around, LookAgain, Looked, around, look, orders_of
from rapport.compose.withdrawn_held import held_of_withdrawn
from rapport.kernel.clock import HOUR, MINUTE
from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Unsaid
from rapport.measure.store import add_minutes, minutes_of
from rapport.remember import backfill, customers
from rapport.resolve.graph import store as identities
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.graph.resolver import Resolver, said_of
from rapport.resolve.graph.unsaying import Unseen, unsay
from rapport.storage import leases, suppression, withdrawn
from rapport.storage.engine import Database
from rapport.storage.leases import LeaseLost
from rapport.storage.locks import Lock, lock_alone
from rapport.storage.log import Horizon, StoredRow, to_fact
from rapport.storage.redaction import rules_of
from rapport.storage.workspaces import all_workspaces

__all__ = ["FORGETTING", "UNDOING", "learning", "undoing"]

_logger = logging.getLogger(__name__)

UNDOING = "collect.undoing"

AT_ONCE = 500
"""Facts taken back in one transaction, while nobody appends."""
_FIRST_REST, _LONGEST_REST = MINUTE, HOUR
"""How long a withdrawal that failed rests."""
LOOKED_AT = 500
"""Facts whose withdrawal is tried to tell what would go; of more, these are the first. Nobody appends meanwhile."""


def undoing(pipeline: Pipeline, *, at_once: int = AT_ONCE) -> Job:
    """The job of the worker that has this pipeline."""
    failed = _Failed()  # not what a turn keeps: that is let go when the job fails

    def is_held_up(conn: Connection) -> bool:
        return learning(conn, pipeline) or redactions.is_under_way(conn)

    def due(conn: Connection, turn: Turn) -> bool:
        return withdrawals.waiting(conn, without=failed.resting(turn.now)) is not None and not is_held_up(conn)

    def run(turn: Turn) -> int:  # also when a person asks for it, whatever is due
        with turn.db.read() as conn:
            found = None if is_held_up(conn) else withdrawals.waiting(conn, without=failed.resting(turn.now))
        if found is None:
            return 0
        with failed.resting_after(turn, found.id):
            one_part(turn, found)
        return 1

    def one_part(turn: Turn, found: Withdrawal) -> None:
        undo = _Undo(pipeline, turn.db, found, now=turn.now)
        turn.again()
        if found.state == "asked":
            _tell(turn, undo, found, at_once)
            return
        step = undo.take_back if found.state == "wanted" else undo.put_back
        looked = undo.look(limit=at_once)
        with suppress(LookAgain), turn.write() as conn:
            done = step(conn, limit=at_once, looked=looked)
            effects = found.effects or Effects()
            if found.state == "wanted" and done is not None:
                effects.add(done)
            state = found.state if done is not None else "done" if found.state == "wanted" else "back"
            withdrawals.note(conn, found, state=state, effects=effects, now=turn.now)

    return Job(
        name=UNDOING, title="What a source sent is taken back where somebody said so", due=due, run=run, at_most=1,
        pause_seconds=1.0, waiting_seconds=0.0,
    )  # fmt: skip


class _Failed:
    """The withdrawals that failed, with how often and when they are tried again, in the memory of one worker alone."""

    def __init__(self) -> None:
        self._until: dict[str, tuple[int, int]] = {}

    def resting(self, now: int) -> list[str]:
        """Those whose time has not come again."""
        return [ident for ident, (_, until) in self._until.items() if until > now]

    @contextmanager
    def resting_after(self, turn: Turn, ident: str) -> Iterator[None]:
        """Have this one rest should it fail, twice as long each time, while the others have their turn.

        Where none is left to have it the job fails with this one, which is what alarms are told of.
        """
        try:
            yield
        except LeaseLost:
            raise
        except Exception as error:
            times = self._until.get(ident, (0, 0))[0] + 1
            self._until[ident] = times, turn.now + min(_FIRST_REST * 2 ** min(times - 1, 9), _LONGEST_REST)
            _logger.error(  # what a database says of its failure may name people
                "the withdrawal %s failed for the %dth time: %s; the others have their turn", ident, times,
                type(error).__name__, exc_info=not isinstance(error, DBAPIError),
            )  # fmt: skip
            with turn.db.read() as conn:
                others = withdrawals.waiting(conn, without=list(self._until))
            if others is None:
                raise
            turn.again()
        else:
            self._until.pop(ident, None)


def learning(conn: Connection, pipeline: Pipeline) -> bool:
    """Whether an installed part still learns the past: it would fold facts twice that are folded anew here."""
    installed = {(part.name, part.version) for part in pipeline.learners}
    return any((one.part, one.version) in installed for one in backfill.progress(conn))


def _tell(turn: Turn, undo: _Undo, found: Withdrawal, at_once: int) -> None:
    """Do it, look at what went, and take that back."""
    told, looked = Effects(), undo.look(limit=LOOKED_AT)
    # Counted before anybody has to wait; in a window of the past no fact appears any more.
    with turn.db.read() as conn:
        query = sa.select(sa.func.count()).select_from(withdrawals.facts_between(conn, found).subquery())
        every = int(conn.execute(query).scalar_one())
    try:
        with _for_show(turn.db) as conn:
            limit = min(at_once, LOOKED_AT)
            while told.facts < LOOKED_AT and (done := undo.take_back(conn, limit=limit, looked=looked)) is not None:
                told.add(done)
    except LookAgain:
        if not told.facts:
            return
    told.whole = told.facts >= every
    told.facts = max(told.facts, every)
    with turn.write() as conn:
        withdrawals.note(conn, found, state="told", told=told, now=turn.now)


class _Shown(Exception):
    """Ends a transaction in which nothing was to happen."""


@contextmanager
def _for_show(db: Database) -> Iterator[Connection]:
    """A write transaction of which nothing stays."""
    try:
        with db.write() as conn:
            yield conn
            raise _Shown
    except _Shown:
        return


class _Undo:
    """One withdrawal, there and back."""

    def __init__(self, pipeline: Pipeline, db: Database, found: Withdrawal, *, now: int) -> None:
        self._slices = pipeline.slices
        self._db, self._found, self._now = db, found, now
        self._workspace: WorkspaceId = found.workspace

    def look(self, *, limit: int) -> Looked:
        """Look through the log for what the next facts name, while others go on appending."""
        with self._db.look() as conn:
            upto = Horizon().advance(conn)
            folded = conn.execute(sa.select(sa.func.min(leases.buckets.c.cursor))).scalar_one()
        with self._db.read() as conn:
            policy = self._policy(conn)
            if self._found.state == "back_wanted":
                kept = withdrawn.kept_of(conn, self._workspace, self._found.id, limit=limit)
                rows = self._redacted(conn, kept, policy)
            else:
                rows = self._next(conn, limit)
            return look(conn, self._workspace, policy, rows, upto=max(upto, int(folded or 0)))

    def take_back(self, conn: Connection, *, limit: int, looked: Looked) -> Effects | None:
        """Take some of the facts back; None where none is left."""
        self._alone(conn)
        rows = self._next(conn, limit)
        if not rows:
            return None
        policy = self._policy(conn)
        is_folded = is_folded_in(conn, self._workspace)
        near = around(
            conn, self._workspace, policy, self._slices.wording, [row for row in rows if is_folded(row)],
            is_folded=is_folded, looked=looked,
        )  # fmt: skip
        touched = self._roots(conn, near.said, policy)
        unseen = unsay(
            conn, self._workspace, policy, said=[to_fact(row) for row in near.said],
            rest=[to_fact(row) for row in near.rest], now=self._now,
        )  # fmt: skip
        customers.mark_moved(conn, unseen.moved)
        customers.mark_stale(conn, self._workspace, touched)
        out = [*rows, *near.followed]
        withdrawn.take_out(conn, self._workspace, self._found.id, out)
        self._refiled(conn, out)
        numbers = self._unsay(conn, near)
        self._forget(conn, unseen, [row.seq for row in out])
        tell_anew(conn, self._db, self._slices, self._workspace, near.strands, near.rest, now=self._now)
        return self._effects(rows, near, unseen, len(touched), numbers)

    def put_back(self, conn: Connection, *, limit: int, looked: Looked) -> Effects | None:
        """Put some of the facts back to where they were; None where none is left."""
        self._alone(conn)
        kept = withdrawn.kept_of(conn, self._workspace, self._found.id, limit=limit)
        if not kept:
            return None
        policy = self._policy(conn)
        rows = self._redacted(conn, kept, policy)
        refused = self._erased(conn, rows, policy)
        withdrawn.let_go(conn, self._workspace, sorted({row.seq for row in kept} - {row.seq for row in rows}))
        there = withdrawn.put_back(conn, self._workspace, rows, without=refused)
        self._refiled(conn, there)
        is_folded = is_folded_in(conn, self._workspace)
        folded = [row for row in there if is_folded(row)]
        near = around(conn, self._workspace, policy, self._slices.wording, folded, is_folded=is_folded, looked=looked)
        resolver = Resolver(lambda _: policy)
        for row in folded:
            resolver.observe(self._workspace, to_fact(row), Key(row.strand))
        customers.mark_moved(conn, resolver.flush(conn))
        strands = {Key(row.strand) for row in folded}
        told = [*near.rest, *near.followed, *folded]
        tell_anew(conn, self._db, self._slices, self._workspace, strands, told, now=self._now)
        add_minutes(conn, minutes_of((self._workspace, row.received_at, row.source) for row in folded))
        return Effects(facts=len(kept))

    # -- steps

    def _alone(self, conn: Connection) -> None:
        """Whoever has read of these people reads anew, and nobody appends or changes identities meanwhile.

        Raises LookAgain where a redaction was wanted since this turn began: no fact may pass it by.
        """
        suppression.erasing(conn)
        lock_alone(conn, Lock.APPENDING)
        if redactions.is_under_way(conn):
            raise LookAgain
        identities.lock(conn, self._workspace)

    def _next(self, conn: Connection, limit: int) -> list[StoredRow]:
        query = withdrawals.facts_between(conn, self._found)
        return [StoredRow._make(row) for row in conn.execute(query.limit(limit))]

    def _policy(self, conn: Connection) -> IdentifierPolicy:
        return identifier_policy(settings_of(conn, self._workspace))

    def _roots(self, conn: Connection, rows: Sequence[StoredRow], policy: IdentifierPolicy) -> set[Key]:
        keys = {key for row in rows for key in said_of(self._workspace, to_fact(row), policy).found}
        return set(identities.roots_of(conn, self._workspace, keys).values())

    def _erased(self, conn: Connection, rows: Sequence[StoredRow], policy: IdentifierPolicy) -> list[StoredRow]:
        """Facts that name somebody who was erased meanwhile: they do not come back."""
        names = {row.seq: {Key(row.strand), *said_of(self._workspace, to_fact(row), policy).found} for row in rows}
        gone = suppression.is_suppressed(conn, self._workspace, set().union(*names.values()))
        return [row for row in rows if names[row.seq] & gone]

    def _redacted(self, conn: Connection, rows: Sequence[StoredRow], policy: IdentifierPolicy) -> list[StoredRow]:
        """These facts as they may be kept: without the fields that were redacted; one that names nobody is left out."""
        kept = list(rows)
        for rule in rules_of(conn, [self._workspace]).get(self._workspace, ()):
            changed = {one.old.seq: one.new for one in changes_of(rule, kept, policy)}
            kept = [new for row in kept if (new := changed.get(row.seq, row)) is not None]
        return kept

    def _refiled(self, conn: Connection, rows: Sequence[StoredRow]) -> None:
        for one in self._slices.slices:
            if one.refiled is not None:
                one.refiled(conn, self._workspace, [row.seq for row in rows])

    def _unsay(self, conn: Connection, near: Around) -> Counter[str]:
        said = [seen_in(row) for row in near.said]
        orders = orders_of([one.fact for one in said])
        unsaid = Unsaid(
            self._workspace, said, orders, orders - orders_of([to_fact(row) for row in near.rest]), self._found.id,
            self._now,
        )  # fmt: skip
        numbers: Counter[str] = Counter()
        for one in self._slices.slices:
            if one.unsay is not None and said:
                numbers.update(one.unsay(conn, unsaid))
        return numbers

    def _forget(self, conn: Connection, unseen: Unseen, seqs: Sequence[int]) -> None:
        failed = failed_facts.failed_facts
        conn.execute(failed.delete().where(failed.c.workspace == self._workspace, failed.c.seq.in_(seqs)))
        forget_gone(conn, self._slices, self._workspace, unseen)

    def _effects(
        self, rows: Sequence[StoredRow], near: Around, unseen: Unseen, touched: int, numbers: Counter[str]
    ) -> Effects:
        received = [row.received_at for row in rows]
        return Effects(
            facts=len(rows), followed=len(near.followed), first_at=min(received), last_at=max(received),
            kinds=dict(Counter(to_fact(row).name for row in rows)), customers=touched, parted=unseen.parted,
            gone=len(unseen.gone), evidence=unseen.evidence,
            numbers={name: number for name, number in numbers.items() if number},
        )  # fmt: skip


class _Look:
    """When it is looked again, where all that is left is of people who are held."""

    def __init__(self) -> None:
        self.next_at = 0


def _anything_to_forget(conn: Connection, turn: Turn) -> bool:
    return turn.kept(_Look).next_at <= turn.now and withdrawals.is_anything_old(conn, turn.now)


def _forget_old(turn: Turn) -> int:
    with turn.write() as conn:
        stay = {shop.id: held_of_withdrawn(conn, shop.id, now=turn.now) for shop in all_workspaces(conn)}
        gone = withdrawals.forget_old(conn, turn.now, limit=turn.at_most, without=stay)
    if not gone:
        turn.kept(_Look).next_at = turn.now + HOUR
    return gone


FORGETTING = Job(
    name="collect.forgetting", title="What was taken back 30 days ago is forgotten",
    due=_anything_to_forget, run=_forget_old, at_most=500,
    pause_seconds=600.0,
)  # fmt: skip

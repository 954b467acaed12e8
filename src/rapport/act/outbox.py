"""The outbox: intentions written in the worker's transaction, carried out here, outside of it.

A message is claimed with a lease, delivered, and marked; one that fails is tried again over days and then given up.
Each destination has its own small share of the threads and its own circuit, so a dead one delays nobody else.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import NamedTuple, TypeAlias

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act import store
from rapport.act.channels import AfterDelivery, Channel, Delivered, Outcome, Outgoing, PreparingChannel
from rapport.act.recording import LONGEST_REST, RETRIES, Destination, Recorder, destination_of
from rapport.act.send_rules import AFTER_FAILURE, Drop, SendRule, Verdict, verdicts
from rapport.kernel.clock import DAY, MINUTE, SECOND, now_us
from rapport.kernel.ids import WorkspaceId, new_id
from rapport.kernel.tracing import span
from rapport.kernel.work import Message
from rapport.storage.bulk import insert_ignore
from rapport.storage.engine import ChangeWatch, Database

__all__ = [
    "EXPIRY",
    "HELD_BACK",
    "RETRIES",
    "Dispatcher",
    "extend",
    "write",
    "write_one",
]

EXPIRY = 5 * DAY
"""A message that could not be delivered for so long is given up, however seldom it was tried."""

HELD_BACK = "held back"
"""The status of a message that a send rule dropped."""

_ASKING_SECONDS = 10.0
"""Rules that take longer leave too little of the lease to deliver in."""
_IN_A_ROW = 8
"""So many messages one thread is given at once for one destination, where the channel writes many at a time."""
_FRESH_SECONDS = 4.0
"""What was not begun so long after the rules were asked is put back, and they are asked again."""
_HOUSEKEEPING = MINUTE

_logger = logging.getLogger(__name__)

_PENDING: sa.ColumnElement[str] = sa.literal_column("'pending'")
"""Literal, so that both engines can use the partial index."""

_FIRST = sa.and_(store.outbox.c.status == _PENDING, store.outbox.c.purpose != sa.literal_column("'marketing'"))
"""What goes before news and offers."""


_OUTGOING = [store.outbox.c[name] for name in Outgoing.__struct_fields__]
_Carry: TypeAlias = Callable[[], Delivered]


class _Share(NamedTuple):
    """Messages to start for one destination, and over how many threads at most."""

    destination: Destination
    ids: Sequence[str]
    threads: int


def write_one(conn: Connection, message: Message, *, now: int) -> str:
    """Put one message into the outbox, in this transaction, and return its id."""
    write(conn, [message], now=now)
    o = store.outbox.c
    of = (o.workspace == message.workspace, o.idempotency_key == message.idempotency_key)
    return str(conn.execute(sa.select(o.id).where(*of)).scalar_one())


def write(conn: Connection, messages: Sequence[Message], *, now: int) -> None:
    """Put messages into the outbox, in this transaction; known idempotency keys are left out."""
    rows = [
        {
            "workspace": message.workspace, "id": new_id("msg"), "channel": message.channel,
            "destination": message.destination, "idempotency_key": message.idempotency_key,
            "payload": message.payload, "strand": message.strand, "purpose": message.purpose,
            "created_at": now, "due_at": message.due_at or now,
            "expires_at": max(message.due_at, now) + EXPIRY, "attempts": 0, "status": "pending", "leased_until": 0,
            "finished_at": None, "last_error": "",
        }
        for message in sorted(messages, key=lambda m: (m.workspace, m.idempotency_key))
    ]  # fmt: skip
    insert_ignore(conn, store.outbox, rows, key=("workspace", "idempotency_key"))


def extend(db: Database, message: Outgoing) -> bool:
    """Keep a message that is being delivered from being taken up by others for as long as a lease may last.

    False where it is somebody else's by now.
    """
    with db.write() as conn:
        changing = store.outbox.update().where(*_is_of(message))
        return bool(conn.execute(changing.values(leased_until=db.now_us(conn) + store.LONGEST_LEASE)).rowcount)


class Dispatcher:
    """Delivers what is due. One per worker process; `run_once` is called again and again from one thread."""

    def __init__(
        self,
        db: Database,
        channels: Iterable[Channel],
        *,
        rules: Iterable[SendRule] = (),
        listeners: Iterable[AfterDelivery] = (),
        threads: int = 16,
        per_destination: int = 4,
        rng: random.Random | None = None,
    ) -> None:
        self._db = db
        self._channels = {channel.name: channel for channel in channels}
        self._rules = tuple(rules)
        self._recorder = Recorder(db, self._channels, tuple(listeners), rng or random.Random())
        self._threads = threads
        self._per_destination = per_destination
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="outbox")
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._under_way: dict[Future[None], Destination] = {}
        self._housekept_at = 0
        self._watch = ChangeWatch(db)
        self._is_empty = False
        """Nothing was pending when it was looked last; then nothing is until somebody commits."""
        self._last_served: dict[bool, Destination] = {}

    def run_once(self, now: int | None = None) -> int:
        """Start the deliveries that are due and return how many were taken up; does not wait for them.

        `now` is by the clock that all workers share where it is not said: of two machines whose own clocks differ by
        more than a lease, one would take up what the other is delivering.

        Of those the send rules are asked first; what they hold or hold back is not delivered.

        A destination has at most `per_destination` under way, one that failed last time has one, and all of those
        together at most half of the threads. What is about an order goes before news and offers, and each pass begins
        after the destination that was served last.
        """
        if not self._watch.changed() and self._is_empty:
            return 0
        self._is_empty = False  # what has changed is noticed once: a read that fails must be made again
        with self._db.read() as conn:
            now = self._db.now_us(conn) if now is None else now
            wanted = list(self._wanted(conn, now))
            self._is_empty = not wanted and next(_with_pending(conn, None, first=False), None) is None
        if not 0 <= now - self._housekept_at < _HOUSEKEEPING:
            self._housekept_at = now
            self._expire(now)
        if not wanted:
            return 0
        asked_at = time.monotonic()
        claimed = self._claim(wanted, now)
        by_destination: defaultdict[Destination, list[Outgoing]] = defaultdict(list)
        for message in self._let_through(claimed, now):
            by_destination[destination_of(message)].append(message)
        ready = self._prepared(by_destination, now)
        threads: Counter[Destination] = Counter()
        for share in wanted:
            threads[share.destination] += share.threads
        for destination, several in by_destination.items():
            number = min(threads[destination], len(several))
            for first in range(number):
                self._start(destination, several[first::number], ready, asked_at)
        return len(claimed)

    def rest(self, seconds: float) -> None:
        """Wait so long, or until a thread has become free."""
        if self._ended.wait(seconds):
            self._ended.clear()

    def drain(self, timeout_seconds: float | None = None) -> None:
        """Wait until nothing is under way."""
        with self._lock:
            futures = list(self._under_way)
        wait(futures, timeout=timeout_seconds)

    def close(self) -> None:
        """Finish what is under way, then stop."""
        self._pool.shutdown(wait=True)
        self._watch.close()

    def _wanted(self, conn: Connection, now: int) -> Iterator[_Share]:
        """The messages to start, within each destination's share."""
        circuits = {
            Destination(row.workspace, row.channel, row.destination): (row.failures, row.closed_until)
            for row in conn.execute(sa.select(store.destinations).where(store.destinations.c.failures > 0))
        }
        with self._lock:
            taken = Counter(self._under_way.values())
        suspects_left = self._threads // 2 - sum(taken[destination] for destination in circuits)
        found: set[tuple[WorkspaceId, str]] = set()
        for first in (True, False):
            for destination, due_at in _with_pending(conn, self._last_served.get(first), first=first):
                left = self._threads - taken.total()
                if left <= 0:
                    return
                failures, closed_until = circuits.get(destination, (0, 0))
                share = 1 if failures else self._per_destination
                room = min(left, share - taken[destination], suspects_left if failures else left)
                if due_at > now or room <= 0 or _rests(closed_until, now) or destination.channel not in self._channels:
                    continue
                each = 1 if failures else self._in_a_row(destination.channel)
                several = _due(conn, destination, now, share * each, first=first)
                new = [one for one in several if (destination.workspace, one) not in found][: room * each]
                if not new:
                    continue
                self._last_served[first] = destination
                used = min(room, len(new))
                taken[destination] += used
                suspects_left -= used if failures else 0
                found.update((destination.workspace, one) for one in new)
                yield _Share(destination, new, used)

    def _in_a_row(self, channel: str) -> int:
        return _IN_A_ROW if isinstance(self._channels[channel], PreparingChannel) else 1

    def _claim(self, wanted: Sequence[_Share], now: int) -> list[Outgoing]:
        o = store.outbox.c
        by_workspace: defaultdict[WorkspaceId, list[str]] = defaultdict(list)
        for share in wanted:
            by_workspace[share.destination.workspace] += share.ids
        claimed: list[Outgoing] = []
        with self._db.write() as conn:
            for workspace, ids in by_workspace.items():
                rows = conn.execute(
                    store.outbox.update()
                    .where(o.workspace == workspace, o.id.in_(ids), o.status == _PENDING, store.unclaimed(now))
                    .values(leased_until=now + store.LEASE, attempts=o.attempts + 1)
                    .returning(*_OUTGOING)
                )
                claimed.extend(Outgoing(**row._mapping) for row in rows)
        return claimed

    def _let_through(self, claimed: Sequence[Outgoing], now: int) -> list[Outgoing]:
        """Those that no rule is against; the others are marked."""
        asked_at = time.monotonic()
        against = verdicts(self._db, self._rules, claimed, now=now)
        if against:
            with self._db.write() as conn:
                _mark(conn, claimed, against, lease=now + store.LEASE, now=now)
                self._recorder.tell(conn, [_outcome_of(m, against[m.id]) for m in claimed if m.id in against], now)
        if time.monotonic() - asked_at > _ASKING_SECONDS:
            _logger.warning("the send rules took too long; the messages are taken up again when their lease has ended")
            return []
        return [message for message in claimed if message.id not in against]

    def _prepared(
        self, by_destination: Mapping[Destination, Sequence[Outgoing]], now: int
    ) -> dict[tuple[WorkspaceId, str], _Carry]:
        """What channels have made ready of many messages at once; of one that fails, each is delivered by itself."""
        by_channel: defaultdict[str, list[Outgoing]] = defaultdict(list)
        for destination, several in by_destination.items():
            by_channel[destination.channel] += several
        found: dict[tuple[WorkspaceId, str], _Carry] = {}
        for name, messages in by_channel.items():
            channel = self._channels[name]
            if isinstance(channel, PreparingChannel):
                try:
                    found |= channel.prepare(messages, now=now)
                except Exception:
                    _logger.exception("channel %s could not prepare %d messages", name, len(messages))
        return found

    def _start(
        self, destination: Destination, messages: Sequence[Outgoing], ready: Mapping[tuple[WorkspaceId, str], _Carry],
        asked_at: float,
    ) -> None:  # fmt: skip
        with self._lock:
            future = self._pool.submit(self._deliver_all, messages, ready, asked_at)
            self._under_way[future] = destination
        future.add_done_callback(self._done)

    def _done(self, future: Future[None]) -> None:
        with self._lock:
            del self._under_way[future]
        self._ended.set()
        error = future.exception()
        if error is not None:  # the result could not be written: the lease ends and the message is taken up again
            _logger.error("the outcome of a delivery was not recorded: %s", type(error).__name__)

    def _deliver_all(
        self, messages: Sequence[Outgoing], ready: Mapping[tuple[WorkspaceId, str], _Carry], asked_at: float
    ) -> None:
        """One after the other; each outcome is on disk before the next is begun. After a failure, or where the rules
        were asked too long ago, the rest is put back.
        """
        for number, message in enumerate(messages):
            if number and time.monotonic() - asked_at > _FRESH_SECONDS:
                self._put_back(messages[number:])
                return
            outcome = self._deliver(message, ready.get((message.workspace, message.id)))
            self._recorder.record(message, outcome)
            if outcome.result in ("retry", "gone"):
                self._put_back(messages[number + 1 :])
                return

    def _deliver(self, message: Outgoing, ready: _Carry | None) -> Delivered:
        with span(f"deliver {message.channel}", {"rapport.attempt": message.attempts}, kind="client") as told:
            outcome = self._attempted(message, ready)
            told.note("rapport.result", outcome.result)
            if outcome.result != "delivered":
                told.fail(outcome.result)
        return outcome

    def _attempted(self, message: Outgoing, ready: _Carry | None) -> Delivered:
        channel = self._channels[message.channel]
        try:
            return channel.deliver(message, now=now_us()) if ready is None else ready()
        except Exception as error:  # a channel's bug is a failed attempt, not the end of the outbox
            _logger.exception("channel %s raised", message.channel)
            return Delivered(result="retry", detail=type(error).__name__)

    def _put_back(self, messages: Sequence[Outgoing]) -> None:
        """Let others take up what was claimed and not begun; it was no attempt."""
        if not messages:
            return
        o, param = store.outbox.c, sa.bindparam
        update = (
            store.outbox.update()
            .where(
                o.workspace == param("of_workspace"), o.id == param("of_id"), o.status == _PENDING,
                o.attempts == param("of_attempts"),
            )
            .values(leased_until=0, attempts=o.attempts - 1)
        )  # fmt: skip
        with self._db.write() as conn:
            conn.execute(update, [
                {"of_workspace": one.workspace, "of_id": one.id, "of_attempts": one.attempts} for one in messages
            ])  # fmt: skip

    def _expire(self, now: int) -> None:
        o = store.outbox.c
        late = (o.status == _PENDING, o.expires_at <= now, store.unclaimed(now))
        with self._db.read() as conn:
            if conn.execute(sa.select(o.id).where(*late).limit(1)).first() is None:
                return
        with self._db.write() as conn:
            update = store.outbox.update().where(*late).values(status="dead", finished_at=now)
            gone = [Outgoing(**row._mapping) for row in conn.execute(update.returning(*_OUTGOING))]
            over = [Outcome(message, "dead", "given up: its days are over") for message in gone]
            self._recorder.tell(conn, over, now)


def _is_of(message: Outgoing) -> tuple[sa.ColumnElement[bool], ...]:
    """The entry while this attempt holds it."""
    o = store.outbox.c
    held = o.attempts == message.attempts
    return o.workspace == message.workspace, o.id == message.id, o.status == _PENDING, held


def _outcome_of(message: Outgoing, verdict: Verdict) -> Outcome:
    return Outcome(message, "dropped" if isinstance(verdict, Drop) else "later", verdict.reason)


def _mark(
    conn: Connection, claimed: Sequence[Outgoing], against: Mapping[str, Verdict], *, lease: int, now: int
) -> None:
    """Write what the rules said, where the claim still holds; nothing of it was an attempt.

    The days in which a held message is tried begin when it is due again.
    """
    o, param = store.outbox.c, sa.bindparam
    expiry = param("said_expiry", type_=sa.BigInteger)
    update = (
        store.outbox.update()
        .where(
            o.workspace == param("of_workspace"), o.id == param("of_id"), o.status == _PENDING,
            o.leased_until == lease,
        )
        .values(
            status=param("said_status"), finished_at=param("said_finish", type_=sa.BigInteger), leased_until=0,
            due_at=param("said_due", type_=sa.BigInteger), attempts=o.attempts - 1, last_error=param("said_reason"),
            expires_at=sa.case((o.expires_at < expiry, expiry), else_=o.expires_at),
        )
    )  # fmt: skip
    said = [(message, against[message.id]) for message in claimed if message.id in against]
    conn.execute(update, [_said(message, verdict, now) for message, verdict in said])


def _said(message: Outgoing, verdict: Verdict, now: int) -> dict[str, object]:
    row: dict[str, object] = {
        "of_workspace": message.workspace, "of_id": message.id, "said_reason": verdict.reason[:500],
    }  # fmt: skip
    if isinstance(verdict, Drop):
        return row | {"said_status": HELD_BACK, "said_finish": now, "said_due": now, "said_expiry": 0}
    due_at = max(verdict.until, now + SECOND)
    expiry = due_at + EXPIRY if due_at - now > AFTER_FAILURE else 0
    return row | {"said_status": "pending", "said_finish": None, "said_due": due_at, "said_expiry": expiry}


def _rests(closed_until: int, now: int) -> bool:
    """Whether a destination rests; no rest is much longer than the longest, whatever a wrong clock has written.

    What a worker's clock is ahead of the database's is no reason to knock again at once.
    """
    return now < closed_until <= now + 2 * LONGEST_REST


def _with_pending(conn: Connection, last: Destination | None, *, first: bool) -> Iterator[tuple[Destination, int]]:
    """Destinations that have something pending, with when the earliest of it is due; those after `last`, then the rest.

    Cost: one index step each, however much is pending.
    """
    o = store.outbox.c
    columns = (o.workspace, o.channel, o.destination)
    query = (
        sa.select(*columns, o.due_at)
        .where(_FIRST if first else o.status == _PENDING).order_by(*columns, o.due_at).limit(1)
    )  # fmt: skip
    here, wrapped = last, last is None
    while True:
        row = conn.execute(query if here is None else query.where(sa.tuple_(*columns) > sa.tuple_(*here))).first()
        if row is None:
            if wrapped:
                return
            here, wrapped = None, True
            continue
        here = Destination(row.workspace, row.channel, row.destination)
        if wrapped and last is not None and here > last:
            return
        yield here, row.due_at


def _due(conn: Connection, destination: Destination, now: int, limit: int, *, first: bool) -> list[str]:
    o = store.outbox.c
    query = (
        sa.select(o.id)
        .where(
            o.workspace == destination.workspace, o.channel == destination.channel,
            o.destination == destination.destination, _FIRST if first else o.status == _PENDING, o.due_at <= now,
            store.unclaimed(now), o.expires_at > now,
        )
        .order_by(o.due_at, o.id)
        .limit(limit)
    )  # fmt: skip
    return list(conn.execute(query).scalars())

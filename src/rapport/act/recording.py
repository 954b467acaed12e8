"""What became of deliveries, written down: those that end at the same moment in one transaction, each before its thread
goes on, so that of a process that is killed only what was just under way is tried again.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act import store
from rapport.act.channels import AfterDelivery, Channel, Delivered, Outcome, Outgoing
from rapport.kernel.clock import HOUR, MINUTE, SECOND, now_us
from rapport.kernel.ids import WorkspaceId
from rapport.storage.bulk import upsert
from rapport.storage.engine import Database
from rapport.storage.lookup import among, select_among

__all__ = ["LONGEST_REST", "RETRIES", "Destination", "Recorder", "destination_of"]

RETRIES = (
    5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR,
)  # fmt: skip
"""Waits between attempts. **Source:** Standard Webhooks 1.0, "Deliverability and reliability"."""

LONGEST_REST = 10 * MINUTE
_JITTER = 0.2
_CIRCUIT_AFTER = 3
_STATUS: Mapping[object, Literal["delivered", "dead"]] = {"delivered": "delivered", "dead": "dead"}

_logger = logging.getLogger(__name__)


class Destination(NamedTuple):
    """Whom messages are for; they share one circuit."""

    workspace: WorkspaceId
    channel: str
    destination: str


def destination_of(message: Outgoing) -> Destination:
    """Whom a message is for."""
    return Destination(message.workspace, message.channel, message.destination)


class _Waiting:
    """An outcome that a thread waits to see written."""

    __slots__ = ("error", "is_done", "message", "outcome")

    def __init__(self, message: Outgoing, outcome: Delivered) -> None:
        self.message = message
        self.outcome = outcome
        self.is_done = False
        self.error: Exception | None = None


class Recorder:
    """Writes what became of messages, and tells the slices. For the threads of one dispatcher."""

    def __init__(
        self, db: Database, channels: Mapping[str, Channel], listeners: Sequence[AfterDelivery], rng: random.Random
    ) -> None:
        self._db = db
        self._channels = channels
        self._listeners = listeners
        self._rng = rng
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._waiting: list[_Waiting] = []

    def record(self, message: Outgoing, outcome: Delivered) -> None:
        """Write down how an attempt went; returns once it is on disk. Raises what kept it from being written.

        Whoever comes while another writes is written by the next who has the turn, together with all who wait.
        """
        mine = _Waiting(message, outcome)
        with self._lock:
            self._waiting.append(mine)
        with self._turn:
            if not mine.is_done:
                with self._lock:
                    several, self._waiting = self._waiting, []
                self._write_all(several)
        if mine.error is not None:
            raise mine.error

    def tell(self, conn: Connection, outcomes: Sequence[Outcome], now: int) -> None:
        """Tell the slices. One that raises changes nothing: what was sent is never sent again for its sake.

        What cannot be told of several is told of each, so that nobody's news is lost by another's.
        """
        for listener in self._listeners if outcomes else ():
            if len(outcomes) > 1 and _told(conn, listener, outcomes, now):
                continue
            for one in outcomes:
                if not _told(conn, listener, [one], now):
                    _logger.error("a slice could not be told what became of message %s", one.message.id)

    def _write_all(self, several: Sequence[_Waiting]) -> None:
        """In one transaction; where that fails, each in its own."""
        try:
            self._write(several)
        except Exception as error:
            if len(several) == 1:
                several[0].error = error
            else:
                _logger.exception("%d outcomes could not be written together; each is by itself", len(several))
                for one in several:
                    self._write_all([one])
        for one in several:
            one.is_done = True

    def _write(self, several: Sequence[_Waiting]) -> None:
        now = now_us()
        with self._db.write() as conn:
            changes = [(one, self._change(one.message, one.outcome, now)) for one in several]
            ours = self._mark(conn, changes)
            for one in several:
                if one.outcome.result == "gone":
                    channel = self._channels[one.message.channel]
                    channel.switch_off(conn, one.message, reason=one.outcome.detail)
                    _give_up(conn, destination_of(one.message), now, reason=one.outcome.detail)
            _keep_circuits(conn, several, now)
            told = [
                Outcome(
                    one.message,
                    _STATUS.get(change["status"], "later"),
                    one.outcome.detail,
                    one.outcome.address,
                    one.outcome.units,
                )
                for one, change in changes
                if one in ours
            ]
            self.tell(conn, told, now)
        for one in several:
            _logger.info("delivery %s by %s: %s", one.message.id, one.message.channel, one.outcome.result)

    def _change(self, message: Outgoing, outcome: Delivered, now: int) -> dict[str, object]:
        if outcome.result == "retry" and message.attempts <= len(RETRIES):
            pause = RETRIES[message.attempts - 1] * self._rng.uniform(1 - _JITTER, 1 + _JITTER)
            due_at = now + max(int(pause), int(outcome.retry_after_seconds * SECOND))
            return {"status": "pending", "due_at": due_at, "finished_at": None, "last_error": outcome.detail}
        status = "delivered" if outcome.result == "delivered" else "dead"
        return {"status": status, "due_at": None, "finished_at": now, "last_error": outcome.detail}

    def _mark(self, conn: Connection, changes: Sequence[tuple[_Waiting, dict[str, object]]]) -> set[_Waiting]:
        """Change the entries that these attempts hold; which they were. The rows stay locked until the end."""
        held = _attempts(conn, [one.message for one, _ in changes])
        o, param = store.outbox.c, sa.bindparam
        update = (
            store.outbox.update()
            .where(o.workspace == param("of_workspace"), o.id == param("of_id"), o.status == "pending")
            .values(
                status=param("said_status"), leased_until=0, last_error=param("said_error"),
                due_at=sa.func.coalesce(param("said_due", type_=sa.BigInteger), o.due_at),
                finished_at=param("said_finish", type_=sa.BigInteger),
            )
        )  # fmt: skip
        ours, rows = set(), []
        for one, change in changes:
            attempts = held.get((one.message.workspace, one.message.id))
            if attempts is None or not _holds(one, attempts):
                continue
            ours.add(one)
            rows.append({
                "of_workspace": one.message.workspace, "of_id": one.message.id, "said_status": change["status"],
                "said_error": change["last_error"], "said_due": change["due_at"], "said_finish": change["finished_at"],
            })  # fmt: skip
        if rows:
            conn.execute(update, rows)
        return ours


def _holds(one: _Waiting, attempts: int) -> bool:
    """Whether this attempt holds the entry; of what was delivered, also where a later one has it under way."""
    made = one.message.attempts
    return attempts >= made if one.outcome.result == "delivered" else attempts == made


def _attempts(conn: Connection, messages: Sequence[Outgoing]) -> dict[tuple[WorkspaceId, str], int]:
    """How often each of these that still waits was tried, its row locked until the transaction ends."""
    o = store.outbox.c
    query = sa.select(o.id, o.attempts).where(o.status == "pending").order_by(o.id)  # two that record lock in one order
    if conn.dialect.name == "postgresql":
        query = query.with_for_update(of=store.outbox)
    found: dict[tuple[WorkspaceId, str], int] = {}
    for workspace in sorted({message.workspace for message in messages}):
        ids = sorted(message.id for message in messages if message.workspace == workspace)
        for row in select_among(conn, query, workspace, o.id, ids):
            found[workspace, row.id] = row.attempts
    return found


def _told(conn: Connection, listener: AfterDelivery, outcomes: Sequence[Outcome], now: int) -> bool:
    try:
        with conn.begin_nested():
            listener(conn, outcomes, now)
    except Exception as error:
        if isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated:
            raise
        _logger.exception("a slice could not be told what became of %d messages", len(outcomes))
        return False
    return True


def _give_up(conn: Connection, destination: Destination, now: int, *, reason: str) -> None:
    o = store.outbox.c
    conn.execute(
        store.outbox.update()
        .where(
            o.workspace == destination.workspace, o.channel == destination.channel,
            o.destination == destination.destination, o.status == "pending",
        )
        .values(status="dead", finished_at=now, last_error=reason)
    )  # fmt: skip


def _keep_circuits(conn: Connection, several: Sequence[_Waiting], now: int) -> None:
    """Count the failures in a row; from the third on the destination rests, ever longer."""
    ends: dict[Destination, list[bool]] = {}
    for one in several:
        ends.setdefault(destination_of(one.message), []).append(one.outcome.result == "retry")
    before = _failures(conn, list(ends))
    rows = []
    for destination, failed in ends.items():
        failures = before.get(destination, 0)
        for each in failed:
            failures = failures + 1 if each else 0
        if failures == before.get(destination, 0):
            continue
        over = failures - _CIRCUIT_AFTER
        rest = 0 if over < 0 else min(5 * SECOND << min(over, 12), LONGEST_REST)
        rows.append({**destination._asdict(), "failures": failures, "closed_until": now + rest if rest else 0})
    upsert(
        conn, store.destinations, sorted(rows, key=lambda row: (row["workspace"], row["channel"], row["destination"])),
        key=("workspace", "channel", "destination"), update=("failures", "closed_until"),
    )  # fmt: skip


def _failures(conn: Connection, wanted: Sequence[Destination]) -> dict[Destination, int]:
    d = store.destinations.c
    found = {}
    for workspace in {one.workspace for one in wanted}:
        names = sorted({one.destination for one in wanted if one.workspace == workspace})
        query = sa.select(d.channel, d.destination, d.failures).where(among(conn, workspace, d.destination, names))
        for row in conn.execute(query):
            found[Destination(workspace, row.channel, row.destination)] = int(row.failures)
    return found

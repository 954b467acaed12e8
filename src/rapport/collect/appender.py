"""Group commit: every waiting request's facts go to the log in one transaction, and only then are they answered.

One thread owns the writing. While it commits, the next group gathers; so the number of transactions follows the disk
and not the number of requests. What waits is bounded: beyond it requests are refused before memory grows. Groups are
small, and filled by each sender in turn: a source, of a public key one address. Beside those who send much, those who
send little have a group of their own before them. So whoever sends much makes nobody else wait longer than for one
group. What a group holds is chosen once the writer has its turn, so whoever came while it waited is among the first.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter, deque
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack

from sqlalchemy import Connection

from rapport.collect.model import QuarantineRow
from rapport.collect.store import insert_quarantined, new_in_each
from rapport.kernel.errors import Overloaded, Unavailable
from rapport.storage import log
from rapport.storage.engine import Database
from rapport.storage.log import LogRow
from rapport.storage.outage import OUTAGE, is_outage

__all__ = ["Appender"]

_logger = logging.getLogger(__name__)

Group = list["_Waiting"]

GROUP_ROWS = 1_000
"""Rows of one transaction, but for a request that alone has more. Four times as many gain a tenth of throughput."""

FEW_ROWS = 50
"""A sender of whom so many rows wait sends little: shoppers and servers that tell one thing after the other. What is
written for such alone takes a millisecond, and the worker makes its own turns short for it (`Database.write`)."""

Sender = tuple[int, str, str]


class _Waiting:
    __slots__ = ("count", "done", "quarantined", "rows", "sender", "size")

    def __init__(self, rows: Sequence[LogRow], quarantined: Sequence[QuarantineRow], address: str) -> None:
        self.rows = rows
        self.quarantined = quarantined
        self.count = len(rows) + len(quarantined)
        first = rows[0] if rows else quarantined[0]
        self.sender: Sender = (first.workspace, first.source, address)
        self.size = sum(len(row.body) for row in rows) + sum(len(row.body) for row in quarantined)
        self.done: Future[int] = Future()


class Appender:
    """Appends facts durably. One per process; `append` from the event loop, `append_sync` from threads."""

    def __init__(
        self,
        db: Database,
        *,
        max_pending_bytes: int = 48 * 1024 * 1024,
        max_group_rows: int = GROUP_ROWS,
    ) -> None:
        self._db = db
        self._max_pending_bytes = max_pending_bytes
        self._max_group_rows = max_group_rows
        self._pending: Group = []
        self._pending_bytes = 0
        self._writing_bytes = 0
        """Of those that are being written, still counted among the pending."""
        self._served: set[Sender] = set()
        self._let_past = False
        """Whether the last group went past senders of much."""
        self._rows_of: Counter[Sender] = Counter()
        """What waits, by sender: who is patient is told by each one's own rows, however many they are together."""
        self._waits_patiently = False
        """The writer waits for its turn, and nobody is told."""
        self._told = ExitStack()
        """What tells that it waits for somebody of little, until it has its turn."""
        self._wake = threading.Condition()
        self._closing = False
        self.appended = 0
        """Facts new to the log since start."""
        self.duplicates = 0
        """Facts that the log knew already since start."""
        self._thread = threading.Thread(target=self._run, name="appender", daemon=True)
        self._thread.start()

    @property
    def pending_bytes(self) -> int:
        """Bytes of bodies that wait for their commit."""
        return self._pending_bytes

    async def append(
        self, rows: Sequence[LogRow], quarantined: Sequence[QuarantineRow] = (), *, address: str = ""
    ) -> int:
        """Return how many were new, once all rows are on disk. `address` tells the senders of a public key apart.

        Raises Overloaded at once when too much waits, Unavailable when writing failed.
        """
        return await asyncio.wrap_future(self._submit(rows, quarantined, address)) if rows or quarantined else 0

    def append_sync(self, rows: Sequence[LogRow], quarantined: Sequence[QuarantineRow] = ()) -> int:
        """As `append`, for callers outside the event loop."""
        return self._submit(rows, quarantined).result() if rows or quarantined else 0

    def close(self) -> None:
        """Commit what waits, then stop. Later calls raise Unavailable."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _submit(self, rows: Sequence[LogRow], quarantined: Sequence[QuarantineRow], address: str = "") -> Future[int]:
        waiting = _Waiting(rows, quarantined, address)
        with self._wake:
            if self._closing:
                raise Unavailable("the server is stopping", hint="send again in a few seconds")
            if self._pending and self._pending_bytes + waiting.size > self._max_pending_bytes:
                raise Overloaded(
                    f"{self._pending_bytes} bytes wait to be written", retry_after_seconds=1,
                    hint="slow down and send again",
                )  # fmt: skip
            self._pending.append(waiting)
            self._pending_bytes += waiting.size
            self._rows_of[waiting.sender] += waiting.count
            if self._waits_patiently and self._rows_of[waiting.sender] <= FEW_ROWS:
                self._waits_patiently = False
                self._told.enter_context(self._db.waiting())
            self._wake.notify()
        return waiting.done

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._pending and not self._closing:
                    self._wake.wait()
                if not self._pending:
                    return
                self._waits_patiently = min(self._rows_of.values()) > FEW_ROWS
            self._write_next()

    def _write_next(self) -> None:
        """Wait for the writer's turn, then write the next group and answer it."""
        group: Group | None = None
        try:
            with self._db.write(patient=self._waits_patiently) as conn:
                group = self._next_group()
                new = self._write(conn, group)
        except Exception as error:  # noqa: BLE001 - whoever waits for it is told
            self._fail(self._next_group() if group is None else group, error)
        else:
            self._answer(group, new)
        with self._wake:
            self._pending_bytes -= self._writing_bytes

    def _next_group(self) -> Group:
        """Those that are written now. From here a caller that goes away cannot withdraw its request; one that has gone
        already is dropped.
        """
        with self._wake:
            self._waits_patiently = False
            self._told.close()
            taken = self._take()
            self._rows_of = Counter()
            for waiting in self._pending:
                self._rows_of[waiting.sender] += waiting.count
            self._writing_bytes = sum(waiting.size for waiting in taken)
        return [waiting for waiting in taken if waiting.done.set_running_or_notify_cancel()]

    def _of_few(self) -> set[int]:
        """The places of requests by senders of little; none where all are, or none is."""
        few = {sender for sender, rows in self._rows_of.items() if rows <= FEW_ROWS}
        if len(few) == len(self._rows_of):
            return set()
        return {number for number, waiting in enumerate(self._pending) if waiting.sender in few}

    def _take(self) -> Group:
        """The next group: of each sender the request that waits longest, then of each the next, while there is room.

        Where some send much, every second group is that of the others alone, and those between are small.
        """
        few = set[int]() if self._let_past else self._of_few()
        room = self._max_group_rows // (4 if self._let_past else 1)
        self._let_past = bool(few)
        if not few and sum(waiting.count for waiting in self._pending) <= room:
            group, self._pending = self._pending, []
            return group
        rows, taken = 0, set[int]()
        for number in sorted(few) or _in_turn(self._pending, served=self._served):
            rows += self._pending[number].count
            if taken and rows > room:
                break
            taken.add(number)
        group = [waiting for number, waiting in enumerate(self._pending) if number in taken]
        self._served = {waiting.sender for waiting in group}
        self._pending = [waiting for number, waiting in enumerate(self._pending) if number not in taken]
        return group

    def _fail(self, group: Group, error: Exception) -> None:
        """Nothing of the group was kept: in an outage its callers are told so, else each is tried by itself."""
        if is_outage(error):
            OUTAGE.note(error, doing="facts were to be stored")
            refused = Unavailable(
                "the facts could not be stored", hint="nothing of this request was kept: send it again"
            )
            for waiting in group:
                waiting.done.set_exception(refused)
        elif len(group) > 1:
            for waiting in group:
                self._write_alone(waiting)
        elif group:
            _logger.error("a request's facts could not be written", exc_info=error)
            group[0].done.set_exception(error)

    def _write_alone(self, waiting: _Waiting) -> None:
        try:
            with self._db.write(patient=waiting.count > FEW_ROWS) as conn:
                new = self._write(conn, [waiting])
        except Exception as error:  # noqa: BLE001 - whoever waits for it is told
            self._fail([waiting], error)
        else:
            self._answer([waiting], new)

    def _answer(self, group: Group, new: list[int]) -> None:
        OUTAGE.over()
        self.appended += sum(new)
        self.duplicates += sum(len(waiting.rows) for waiting in group) - sum(new)
        for waiting, number in zip(group, new, strict=True):
            waiting.done.set_result(number)

    def _write(self, conn: Connection, group: Group) -> list[int]:
        """How many rows of each request were new."""
        quarantined = [row for waiting in group for row in waiting.quarantined]
        if quarantined:
            insert_quarantined(conn, quarantined)
        rows = [row for waiting in group for row in waiting.rows]
        if log.append(conn, rows) == len(rows):
            return [len(waiting.rows) for waiting in group]
        return new_in_each(conn, [waiting.rows for waiting in group])


def _in_turn(pending: Group, *, served: Collection[Sender]) -> Iterator[int]:
    """The places of what waits: each sender's first, then each one's second; those who were not `served` by the last
    group come before those who were. Requests of a sender keep their order.
    """
    of_sender: dict[Sender, deque[int]] = {}
    for number, waiting in enumerate(pending):
        of_sender.setdefault(waiting.sender, deque()).append(number)
    turns = deque(of_sender[sender] for sender in sorted(of_sender, key=served.__contains__))
    while turns:
        mine = turns.popleft()
        yield mine.popleft()
        if mine:
            turns.append(mine)

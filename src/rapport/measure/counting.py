"""Counts what pages ask, so that none waits longer than a moment, however large the shop.

What is counted in time is told as it is now. What takes longer is counted once for all who ask, is kept with the moment
it is of, and told again while it is fresh; meanwhile a page shows what was kept before and says of when it is, or that
the numbers are being counted. Small shops never wait and keep nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from threading import Lock
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, Table

from rapport.kernel.clock import DAY, MINUTE, SECOND
from rapport.kernel.ids import WorkspaceId
from rapport.storage.bulk import upsert
from rapport.storage.engine import CText, Database, metadata
from rapport.storage.suppression import version_of

__all__ = ["Counted", "Counting", "counted_answers"]

PATIENCE_SECONDS = 0.4
"""So long a page waits for its numbers."""
WORTH_KEEPING_SECONDS = 0.3
"""What takes longer is kept."""
AT_ONCE = 2
"""Questions of one server that are counted at a time: two cores are not to be taken from the shop."""
FRESH_TIMES = 60
"""What took a second is told again for a minute, so that counting it takes a sixtieth of a core at most …"""
FRESH_MOST = 15 * MINUTE
"""… but nothing for longer than this."""
SHOWN_MOST = 7 * DAY
"""Older numbers are not shown while newer ones are counted."""

counted_answers = Table(
    "counted_answers",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("asked", CText, primary_key=True),
    Column("as_of", BigInteger, nullable=False),
    Column("took_us", BigInteger, nullable=False),
    Column("erasures", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
"""Answers that took long, by the question as a page asked it. `erasures`: how many there had been; after another one
the answer is not told any more."""

_c = counted_answers.c

T = TypeVar("T")


class Counted(NamedTuple, Generic[T]):
    """What a page is told."""

    answer: T | None
    """None where nothing was counted yet."""
    under_way: bool
    """Whether newer numbers are being counted."""


class _Kept(NamedTuple):
    as_of: int
    took_us: int
    body: bytes

    def is_fresh(self, now: int) -> bool:
        return now - self.as_of < min(FRESH_MOST, self.took_us * FRESH_TIMES)


class Counting:
    """Counts in threads of its own, each question once at a time. Thread-safe."""

    def __init__(self, db: Database, *, patience: float = PATIENCE_SECONDS) -> None:
        self._db = db
        self._patience = patience
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="counting")
        self._lock = Lock()
        self._under_way: dict[tuple[WorkspaceId, str], Future[Any]] = {}

    def ask(
        self, workspace: WorkspaceId, asked: Mapping[str, object], kind: type[T], count: Callable[[Connection], T]
    ) -> Counted[T]:
        """What `count` answers, within a moment; `asked` says what is asked, all of it. Raises what `count` raises.

        `count` is given a connection and must not use another's; its answer is kept as JSON and read as `kind`.
        """
        key = (workspace, msgspec.json.encode(asked, order="sorted").decode())
        kept, now = self._kept(*key)
        if kept is not None and kept.is_fresh(now):
            return Counted(msgspec.json.decode(kept.body, type=kind), under_way=False)
        found = self._counted(key, count)
        try:
            return Counted(found.result(timeout=self._patience), under_way=False)
        except TimeoutError:
            if found.done():  # just now, or it was counting that raised this
                return Counted(found.result(), under_way=False)
        return Counted(None if kept is None else msgspec.json.decode(kept.body, type=kind), under_way=True)

    def close(self) -> None:
        """Begin nothing more; what is being counted ends first."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _kept(self, workspace: WorkspaceId, asked: str) -> tuple[_Kept | None, int]:
        """What was kept, unless it is too old or somebody was erased since; and the time."""
        with self._db.look() as conn:
            now, erasures = self._db.now_us(conn), version_of(conn)
            query = sa.select(_c.as_of, _c.took_us, _c.body).where(
                _c.workspace == workspace, _c.asked == asked, _c.erasures == erasures, _c.as_of > now - SHOWN_MOST
            )
            row = conn.execute(query).first()
        return None if row is None else _Kept(*row), now

    def _counted(self, key: tuple[WorkspaceId, str], count: Callable[[Connection], T]) -> Future[T]:
        """The counting of this question that is under way, begun where none is."""
        with self._lock:
            found = self._under_way.get(key)
            if found is None:
                found = self._under_way[key] = self._threads.submit(copy_context().run, self._count, key, count)
            return found

    def _count(self, key: tuple[WorkspaceId, str], count: Callable[[Connection], T]) -> T:
        try:
            began = time.monotonic()
            with self._db.read() as conn:
                as_of, erasures = self._db.now_us(conn), version_of(conn)
                answer = count(conn)
            took = time.monotonic() - began
            if took > WORTH_KEEPING_SECONDS:
                self._keep(key, _Kept(as_of, round(took * SECOND), msgspec.json.encode(answer)), erasures)
            return answer
        finally:
            with self._lock:
                self._under_way.pop(key, None)

    def _keep(self, key: tuple[WorkspaceId, str], kept: _Kept, erasures: int) -> None:
        """Keep it, and let go of what nobody is shown any more."""
        workspace, asked = key
        row = {"workspace": workspace, "asked": asked, **kept._asdict(), "erasures": erasures}
        with self._db.write(patient=True) as conn:
            old = (_c.as_of < kept.as_of - SHOWN_MOST) | (_c.erasures < erasures)
            conn.execute(counted_answers.delete().where(old))
            upsert(
                conn, counted_answers, [row], key=("workspace", "asked"),
                update=("as_of", "took_us", "erasures", "body"),
            )  # fmt: skip

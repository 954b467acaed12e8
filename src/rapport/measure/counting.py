"""Counts what pages ask, so that none waits longer than a moment, however large the shop.

What is counted in time is told as it is now. What takes longer is counted once for all who ask, is kept with the moment
it is of, and told again while it is fresh; meanwhile a page shows what was kept before and says of when it is, or that
the numbers are being counted. Small shops never wait and keep nothing.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
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

_logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.4
"""So long a page waits for its numbers."""
WORTH_KEEPING_SECONDS = 0.3
"""What takes longer is kept."""
AT_ONCE = 2
"""Questions of one server that are counted at a time: two cores are not to be taken from the shop."""
MOST_OF_SHOP = 4
"""Questions of one shop that are counted or wait for it; another one begins when one of them has ended."""
FAILED_SECONDS = 60.0
"""So long whoever asks again is told why counting failed, where nobody waited for it, instead of counting again."""
MOST_FAILED = 100
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


_Key = tuple[WorkspaceId, str]
"""A shop and what is asked."""


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
        self._under_way: dict[_Key, Future[Any]] = {}
        self._failed: OrderedDict[_Key, tuple[float, Exception]] = OrderedDict()

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
        self._tell_failed(key)
        until = time.monotonic() + self._patience
        while (found := self._counted(key, count)) is None and (left := until - time.monotonic()) > 0:
            wait(self._of_shop(workspace), timeout=left, return_when=FIRST_COMPLETED)
        if found is not None:
            try:
                return Counted(found.result(timeout=max(0.0, until - time.monotonic())), under_way=False)
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

    def _counted(self, key: _Key, count: Callable[[Connection], T]) -> Future[T] | None:
        """The counting of this question that is under way, begun where none is; None where its shop has too many."""
        with self._lock:
            found = self._under_way.get(key)
            if found is None and sum(shop == key[0] for shop, _ in self._under_way) < MOST_OF_SHOP:
                found = self._threads.submit(copy_context().run, self._count, key, count, time.monotonic())
                self._under_way[key] = found
            return found

    def _of_shop(self, workspace: WorkspaceId) -> list[Future[Any]]:
        with self._lock:
            return [found for (shop, _), found in self._under_way.items() if shop == workspace]

    def _count(self, key: _Key, count: Callable[[Connection], T], asked_at: float) -> T:
        try:
            began = time.monotonic()
            with self._db.read() as conn:
                as_of, erasures = self._db.now_us(conn), version_of(conn)
                answer = count(conn)
            ended = time.monotonic()
            # Also what was quick and came too late, as others were counted first: it would be asked for ever.
            if ended - began > WORTH_KEEPING_SECONDS or ended - asked_at > self._patience:
                self._keep(key, _Kept(as_of, round((ended - began) * SECOND), msgspec.json.encode(answer)), erasures)
            return answer
        except Exception as error:
            if time.monotonic() - asked_at > self._patience:  # nobody is there any more to be told
                self._note_failed(key, error)
            raise
        finally:
            with self._lock:
                self._under_way.pop(key, None)

    def _note_failed(self, key: _Key, error: Exception) -> None:
        page = msgspec.json.decode(key[1], type=dict[str, Any]).get("page", "")
        _logger.error("counting for the page %s of shop %s failed: %s", page, key[0], type(error).__name__)
        with self._lock:
            self._failed.pop(key, None)
            self._failed[key] = (time.monotonic(), error)
            if len(self._failed) > MOST_FAILED:
                self._failed.popitem(last=False)

    def _tell_failed(self, key: _Key) -> None:
        """Raises what counting this has raised within the last minute."""
        with self._lock:
            at, error = self._failed.get(key, (0.0, None))
            if error is not None and time.monotonic() - at >= FAILED_SECONDS:
                del self._failed[key]
                return
        if error is not None:
            raise error.with_traceback(None)

    def _keep(self, key: _Key, kept: _Kept, erasures: int) -> None:
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

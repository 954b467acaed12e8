"""Flow, before collect: how an import shows that it goes on.

Bars on a terminal; elsewhere a plain line now and then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from rapport.adapters.files.model import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

__all__ = ["shown_progress"]

_LINE_EVERY_SECONDS = 2.0


@contextmanager
def shown_progress(stream: TextIO, *, clock: Callable[[], float] = time.monotonic) -> Iterator[Progress]:
    """Progress on this stream: one bar for each thing done, or plain lines where it is no terminal."""
    if not stream.isatty():
        yield _Lines(stream, clock)
        return
    # Here, for every command would wait for it.
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Bars(*columns, console=Console(file=stream), refresh_per_second=5) as bars:
        yield _Bars(bars)


class _Bars:
    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(what, total=None)
        self._bars.update(self._tasks[what], completed=done, total=total or None)


class _Lines:
    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._clock = clock
        self._last = clock()
        self._open: set[str] = set()
        """What has shown a line and has not shown its end yet."""

    def __call__(self, what: str, done: int, total: int) -> None:
        now = self._clock()
        ended = total > 0 and done >= total
        if ended and what in self._open:
            self._open.discard(what)
        elif now - self._last < _LINE_EVERY_SECONDS:
            return
        elif not ended:
            self._open.add(what)
        self._last = now
        share = f"{100 * done // total} %" if total else f"{done:,}"
        self._stream.write(f"{what}: {share}\n")
        self._stream.flush()

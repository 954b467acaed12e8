"""Looking for facts from the newest backwards, within bounded work however long the log is.

What a fact is called stands in its body, where no index reaches. So a reader goes back in chunks, and where it has
looked at enough it says how far it came: the next look goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rapport.kernel.facts import name_of
from rapport.storage.log import StoredRow

__all__ = ["MOST", "Look", "look_back", "named"]

MOST = 20_000
"""Facts that one look goes through at most: about a fifth of a second."""

_CHUNK = 2_000

Read = Callable[[StoredRow | None, int], Sequence[StoredRow]]
"""The facts that come after a row in the reader's order (the first ones for None), at most so many."""


class Look(NamedTuple):
    """What was found, in the reader's order."""

    rows: list[StoredRow]
    first: StoredRow | None
    """The first fact that was looked at, wanted or not."""
    last: StoredRow | None
    """Where to go on; None where there is nothing more."""
    looked_at: int


def look_back(read: Read, wanted: Callable[[StoredRow], bool] | None, *, limit: int, most: int = MOST) -> Look:
    """Find `limit` facts that are wanted (any for None), looking at `most` at most.

    Fewer rows than `limit` with a `last` mean that the look ended before the log did.
    """
    found: list[StoredRow] = []
    first = last = None
    looked_at, size = 0, limit + 1
    while looked_at < most:
        size = min(size, most - looked_at)
        rows = read(last, size)
        looked_at += len(rows)
        first = first or next(iter(rows), None)
        found += rows if wanted is None else [row for row in rows if wanted(row)]
        if len(found) > limit:
            return Look(found[:limit], first, found[limit - 1], looked_at)
        if len(rows) < size:
            return Look(found, first, None, looked_at)
        last, size = rows[-1], min(2 * size, _CHUNK)
    return Look(found, first, last, looked_at)


def named(part: str) -> Callable[[StoredRow], bool]:
    """Whether a fact's name has this part, in any case."""
    sought = part.casefold()
    return lambda row: sought in name_of(row.body).casefold()

"""How many facts arrived when: read off the log's numbers, so that it costs the same however long the log is.

Facts are numbered as they are received, so the number reached at a moment is found by bisection over the primary key,
and the difference of two such numbers is how many came between. Past moments never change and are remembered.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from sqlalchemy import Connection

from rapport.storage.log import newest_seq

__all__ = ["Arrivals"]

_KEPT = 2_000


class Arrivals:
    """Counts of arriving facts by time, of all shops together. One per process; cheap to share between threads."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, int] = OrderedDict()
        self._lock = Lock()

    def counts(self, conn: Connection, *, now: int, step: int, steps: int) -> list[tuple[int, int]]:
        """(moment, facts since the moment before) for each whole step until now; the last step is still running."""
        last = now - now % step
        moments = [last - step * (steps - 1 - i) for i in range(steps)]
        newest = newest_seq(conn)
        reached = [*(self._reached(conn, moment, newest) for moment in moments), newest]
        return [(moment, max(0, reached[i + 1] - reached[i])) for i, moment in enumerate(moments)]

    def _reached(self, conn: Connection, moment: int, newest: int) -> int:
        """The number of the last fact received before the moment; 0 where all came later."""
        with self._lock:
            known = self._known.get(moment)
            least = max((s for m, s in self._known.items() if m <= moment), default=0)
        if known is not None:
            return known
        low, high = least, newest
        while low < high:
            middle = (low + high + 1) // 2
            if _received_at(conn, middle) < moment:
                low = middle
            else:
                high = middle - 1
        with self._lock:
            self._known[moment] = low
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return low


def _received_at(conn: Connection, seq: int) -> int:
    """When the fact with this number, or the next one there is, was received."""
    mark = "?" if conn.dialect.name == "sqlite" else "%s"
    query = f"SELECT received_at FROM facts WHERE seq >= {mark} ORDER BY seq LIMIT 1"
    found = conn.exec_driver_sql(query, (seq,)).scalar()
    return 0 if found is None else int(found)

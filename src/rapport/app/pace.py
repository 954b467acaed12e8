"""How many facts a worker folds in one transaction: many, and fewer while somebody waits to write.

On SQLite whoever appends waits until the worker's transaction ends. Large ones cost least, since a strand is written
once for all of its facts in it; so they become small only while there is somebody who waits.
"""

from __future__ import annotations

__all__ = ["Pace"]

LEAST = 250
"""Below it the work that each transaction costs outweighs what is won."""

TURN_SECONDS = 0.03
"""For how long a transaction may hold the writer's turn while somebody waits for it."""

CALM = 6
"""So many transactions in a row that nobody waited for, until they grow: who writes one thing after the other does not
stand there at the end of each.
"""


class Pace:
    """At most `most` facts at once, and as many as fit into `TURN_SECONDS` while somebody waits."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._calm = 0
        self.batch = most
        """Facts of the next transaction."""

    def note(self, facts: int, seconds: float, *, waited_for: bool) -> None:
        """A transaction of so many facts had the turn for so long, and somebody waited for it or not."""
        if not waited_for:
            self._calm += 1
            if self._calm >= CALM:
                self.batch = min(self._most, self.batch * 2)
            return
        self._calm = 0
        fitting = int(facts * TURN_SECONDS / max(seconds, 1e-6))
        self.batch = min(self._most, max(LEAST, min(fitting, self.batch * 2)))

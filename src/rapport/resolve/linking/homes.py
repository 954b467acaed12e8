"""Who lives together, kept up to date record by record: as persons are formed, by what a shop's model says of homes."""

from __future__ import annotations

from collections.abc import Mapping

from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.linking.clusters import WORTH_A_LOOK, Clusters
from rapport.resolve.linking.households import Living, household_named
from rapport.resolve.linking.model import probability
from rapport.resolve.linking.scorer import LiveIndex

__all__ = ["Homes"]

_SURE, _TOGETHER = 2.0, -4.0
"""Log2 odds that the best pair of a record with a household is to reach, and that all pairs are to reach together: of a
family half the records may tell no address.
"""
_REASONS = 2
_MOST = 40
"""Records of a household; more are a block of flats."""


class Homes:
    """Filed records by household; a record alone is a household of one."""

    def __init__(self, index: LiveIndex) -> None:
        self._index = index
        self._clusters = Clusters(index.living, threshold=_SURE, mean=_TOGETHER, most=_MOST)
        self.changed: set[int] = set()
        """Records whose household may be another since `taken` was asked."""

    def add(self, record: int) -> None:
        """Take in a record that is filed."""
        self.changed |= self._clusters.add(record, self._index.housemates(record, above=WORTH_A_LOOK))

    def remove(self, record: int, *, is_gone: bool = True) -> None:
        """Forget a record; the others stay together. One that is only not remembered still lives where it did."""
        if is_gone:
            self.changed |= set(self.members(record))
        self.changed.discard(record)
        self._clusters.remove(record)

    def members(self, record: int) -> list[int]:
        """Whoever lives where a record does, with itself."""
        return self._clusters.members(self._clusters.person_of(record))

    def taken(self, workspace: WorkspaceId, keys: Mapping[int, Key]) -> dict[Key, Living | None]:
        """By key where those that changed belong now, None for alone; then nothing has changed."""
        found = {keys[record]: self._living(workspace, record, keys) for record in sorted(self.changed)}
        self.changed.clear()
        return found

    def _living(self, workspace: WorkspaceId, record: int, keys: Mapping[int, Key]) -> Living | None:
        members = self.members(record)
        others = [other for other in members if other != record]
        if not others:
            return None
        nearest = max(others, key=lambda other: (self._index.living(record, other), -other))
        because = ", ".join(one.said for one in self._index.why_together(record, nearest)[:_REASONS])
        likely = probability(self._index.living(record, nearest))
        return Living(household_named(workspace, [keys[one] for one in members]), because, round(1000 * likely))

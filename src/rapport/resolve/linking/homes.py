"""Who lives together and who buys for one company, kept up to date record by record: as persons are formed, by what a
shop's model says of homes and of companies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.linking.clusters import WORTH_A_LOOK, Clusters
from rapport.resolve.linking.households import Living, household_named
from rapport.resolve.linking.model import GroupKind, probability
from rapport.resolve.linking.scorer import LiveIndex, Match

__all__ = ["Homes"]


class _Bounds(NamedTuple):
    """Log2 odds that the best pair of a record with a group is to reach, and that all pairs are to reach together (half
    the records of a family may tell no address); and the most records of one.
    """

    sure: float
    together: float
    most: int


_BOUNDS: Mapping[GroupKind, _Bounds] = {
    GroupKind.HOME: _Bounds(0.0, -1.0, 40), GroupKind.COMPANY: _Bounds(1.0, -2.0, 400),
}  # fmt: skip
_REASONS = 2


class Homes:
    """Filed records by household and by company; a record alone is a group of one."""

    def __init__(self, index: LiveIndex, persons: Clusters | None = None) -> None:
        """`persons`: who is one person, kept up to date by the caller before a record comes here."""
        self._index = index
        self._persons = persons
        self._groups = {kind: self._clusters(kind) for kind in index.model.kinships()}
        self.changed: set[int] = set()
        """Records whose household or company may be another since `taken` was asked."""

    def _clusters(self, kind: GroupKind) -> Clusters:
        def score(a: int, b: int, /, *, above: float) -> float:
            return self._index.together(a, b, kind)

        bounds = _BOUNDS[kind]
        return Clusters(score, threshold=bounds.sure, mean=bounds.together, most=bounds.most, whose=self._whose)

    def _whose(self, record: int) -> int:
        return record if self._persons is None else self._persons.person_of(record)

    def add(self, record: int) -> None:
        """Take in a record that is filed."""
        near = self._index.neighbours(record)
        for kind, clusters in self._groups.items():
            scored = [Match(other, self._index.together(record, other, kind)) for other in near]
            matches = [match for match in scored if match.score >= WORTH_A_LOOK]
            self.changed |= clusters.add(record, sorted(matches, key=lambda match: (-match.score, match.record)))

    def remove(self, record: int, *, is_gone: bool = True) -> None:
        """Forget a record; the others stay together. One that is only not remembered still lives where it did."""
        for kind, clusters in self._groups.items():
            if is_gone:
                self.changed |= set(self.members(record, kind))
            clusters.remove(record)
        self.changed.discard(record)

    def members(self, record: int, kind: GroupKind = GroupKind.HOME) -> list[int]:
        """Whoever is of one group with a record, with itself."""
        clusters = self._groups[kind]
        return clusters.members(clusters.person_of(record))

    def taken(self, workspace: WorkspaceId, keys: Mapping[int, Key]) -> dict[Key, Living | None]:
        """By key where those that changed belong now, None for alone; then nothing has changed.

        All records of one person belong where most of them stand beside others: who has moved, or is known by a card
        alone, lives where the others live.
        """
        changed = sorted({other for record in self.changed for other in self._of_person(record)})
        self.changed.clear()
        stands = {record: self._stands(workspace, record, keys) for record in changed}
        found: dict[Key, Living | None] = {}
        for record in changed:
            votes = Counter(one.household for other in self._of_person(record) if (one := stands[other]) is not None)
            those = [one for other in self._of_person(record) if (one := stands[other]) is not None]
            found[keys[record]] = max(
                those, key=lambda one: (votes[one.household], one.per_mille, one.household), default=None
            )
        return found

    def _of_person(self, record: int) -> list[int]:
        return [record] if self._persons is None else self._persons.members(self._whose(record))

    def _stands(self, workspace: WorkspaceId, record: int, keys: Mapping[int, Key]) -> Living | None:
        """Of a household and a company the likelier."""
        both = [one for kind in self._groups if (one := self._of_kind(workspace, record, keys, kind)) is not None]
        return max(both, key=lambda one: one.per_mille, default=None)

    def _of_kind(
        self, workspace: WorkspaceId, record: int, keys: Mapping[int, Key], kind: GroupKind
    ) -> Living | None:  # fmt: skip
        members = self.members(record, kind)
        mine = self._whose(record)
        others = [other for other in members if self._whose(other) != mine]
        if not others:
            return None
        nearest = max(others, key=lambda other: (self._index.together(record, other, kind), -other))
        because = ", ".join(one.said for one in self._index.why_together(record, nearest, kind)[:_REASONS])
        likely = probability(self._index.together(record, nearest, kind))
        named = household_named(workspace, [keys[one] for one in members], kind)
        return Living(named, because, round(1000 * likely), kind.value)

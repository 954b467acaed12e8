"""Identifiers joined so far, and the limits: how many of a namespace one customer may have, in all or within a time.

And one name: evidence that asks for it joins only where no name of one side contradicts one of the other.

Union-find with a count for each group. A sliding limit counts when identifiers were first seen, so it is asked of the
identifiers alone, whichever evidence ties them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from rapport.kernel.clock import DAY
from rapport.kernel.identifiers import NAMED, IdentifierPolicy
from rapport.kernel.ids import Key
from rapport.kernel.person_names import PersonName, may_be_one, read_name

__all__ = ["Forest", "contradict", "most_within", "named", "too_many"]


class Forest:
    """Identifiers joined so far, and what each group holds against the policy's limits."""

    def __init__(self, policy: IdentifierPolicy) -> None:
        self._limit = policy.limit
        self._days = policy.limit_days
        self._max = policy.max_identifiers
        self._one_name = policy.one_name
        self._parent: dict[Key, Key] = {}
        self._groups: dict[Key, _Group] = {}

    def add(
        self, key: Key, namespace: str, value: str, first_seen_at: int, forbidden: Iterable[Key] = (),
        *, certain: bool = False,
    ) -> None:  # fmt: skip
        """Put in an identifier that stands alone; `forbidden` are those it must never be joined with."""
        self._parent[key] = key
        people = frozenset((named(value),)) if namespace == NAMED else _NOBODY
        if namespace in self._days:
            self._groups[key] = _Group({}, {namespace: [(first_seen_at,)]}, 1, set(forbidden), people, int(certain))
        else:
            self._groups[key] = _Group({namespace: 1}, {}, 1, set(forbidden), people, int(certain))

    def find(self, key: Key) -> Key:
        """The identifier that stands for the group."""
        parent = self._parent
        while (up := parent[key]) != key:
            parent[key] = key = parent[up]
        return key

    def may_join(self, a: Key, b: Key, *, contracting: bool, asking: bool = False, renaming: bool = False) -> bool:
        """False where the two groups together would be more than the policy allows, or are forbidden.

        Or, `asking` for names, where they are called what no one person is; or, `renaming`, both are
        certain. A group that grows is refused all the more.
        """
        root_a, root_b = self.find(a), self.find(b)
        if root_a == root_b:
            return True
        group_a, group_b = self._groups[root_a], self._groups[root_b]
        too_many = group_a.size + group_b.size > self._max or (renaming and group_a.certain + group_b.certain > 1)
        if too_many or self._is_forbidden(root_a, root_b):
            return False
        if asking and self._one_name and contradict(group_a.people, group_b.people):
            return False
        limit = self._limit
        for namespace, count in _together(group_a.counts, group_b.counts, contracting=contracting).items():
            if count > limit(namespace):
                return False
        for namespace, names in _names_together(group_a.names, group_b.names, contracting=contracting).items():
            most = limit(namespace)
            if len(names) > most and most_within(names, self._days[namespace]) > most:
                return False
        return True

    def join(self, a: Key, b: Key, *, contracting: bool, renaming: bool = False) -> None:
        """Make the two groups one, unasked."""
        root_a, root_b = self.find(a), self.find(b)
        if root_a == root_b:
            return
        group_a, group_b = self._groups[root_a], self._groups[root_b]
        if group_a.size < group_b.size:
            root_a, root_b, group_a, group_b = root_b, root_a, group_b, group_a
        self._parent[root_b] = root_a
        counts = _together(group_a.counts, group_b.counts, contracting=contracting)
        names = _names_together(group_a.names, group_b.names, contracting=contracting)
        people = group_a.people | group_b.people if group_b.people else group_a.people
        forbidden = group_a.forbidden | group_b.forbidden
        certain = group_a.certain + group_b.certain
        if contracting and not renaming:  # two names of one account
            certain = max(group_a.certain, group_b.certain)
        self._groups[root_a] = _Group(counts, names, group_a.size + group_b.size, forbidden, people, certain)
        del self._groups[root_b]

    def _is_forbidden(self, root_a: Key, root_b: Key) -> bool:
        for mine, other in ((root_a, root_b), (root_b, root_a)):
            for key in self._groups[mine].forbidden:
                if key in self._parent and self.find(key) == other:
                    return True
        return False


_Name = tuple[int, ...]
"""When a name was first seen; of several identifiers that are said to be one name, when each of them was.

That it counts in every span in which any of them came makes a customer of whom only a part is known hold no more than
the whole: what is refused for the part would be refused for the whole."""


class _Group(NamedTuple):
    counts: dict[str, int]
    """Of namespaces whose limit holds for ever."""
    names: dict[str, list[_Name]]
    """Of namespaces whose limit slides."""
    size: int
    forbidden: set[Key]
    people: frozenset[PersonName]
    """What its named contacts are called."""
    certain: int
    """How many of its accounts the shop's own software knows, those it says to be one counted once."""


_NOBODY: frozenset[PersonName] = frozenset()


def named(value: str) -> PersonName:
    """The name in a named contact."""
    return read_name(value.partition(" ")[2])


def contradict(some: Iterable[PersonName], others: Collection[PersonName]) -> bool:
    """True where a name on one side and one on the other cannot be one person's."""
    return any(not may_be_one(*sorted((one, other))) for one in some for other in others)


def _together(a: Mapping[str, int], b: Mapping[str, int], *, contracting: bool) -> dict[str, int]:
    """Identifiers of each namespace in both groups. Contracting edges come first, so both groups are one name then."""
    counts = dict(a)
    for namespace, count in b.items():
        before = counts.get(namespace, 0)
        counts[namespace] = max(before, count) if contracting else before + count
    return counts


def _names_together(
    a: dict[str, list[_Name]], b: dict[str, list[_Name]], *, contracting: bool
) -> dict[str, list[_Name]]:
    if not a or not b:
        return a or b
    together = dict(a)
    for namespace, names in b.items():
        both = [*together.get(namespace, ()), *names]
        together[namespace] = [tuple(at for name in both for at in name)] if contracting else both
    return together


def most_within(names: Collection[_Name], days: int) -> int:
    """The most names of which one was first seen within any span of so many days; n log n.

    >>> most_within([(0,), (29 * DAY,), (30 * DAY,)], 30)
    2
    """
    times = sorted((at, number) for number, name in enumerate(names) for at in name)
    inside: Counter[int] = Counter()
    start = most = 0
    for at, number in times:
        inside[number] += 1
        while times[start][0] <= at - days * DAY:
            left = times[start][1]
            inside[left] -= 1
            if not inside[left]:
                del inside[left]
            start += 1
        most = max(most, len(inside))
    return most


def too_many(members: Iterable[tuple[str, int]], policy: IdentifierPolicy) -> list[str]:
    """Namespaces of which these identifiers, (namespace, first seen at), are more than one customer may have.

    >>> too_many([("user_id", 0), ("user_id", 5), ("email", 0)], IdentifierPolicy())
    ['user_id']
    """
    names: defaultdict[str, list[_Name]] = defaultdict(list)
    for namespace, first_seen_at in members:
        names[namespace].append((first_seen_at,))
    return sorted(name for name, times in names.items() if _count(name, times, policy) > policy.limit(name))


def _count(namespace: str, names: Collection[_Name], policy: IdentifierPolicy) -> int:
    days = policy.limit_days.get(namespace)
    return len(names) if days is None else most_within(names, days)

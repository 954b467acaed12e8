"""Persons of a whole table, group by group: records that no chain of matches ties never meet, so groups go separately.

Weak matches can tie half a table into one group, which would be one executor's work. Such a group is cut at its weakest
matches, again and again, until its parts are small enough; whom the stronger matches hold together stays together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from rapport.resolve.linking.clusters import WORTH_A_LOOK, Clusters
from rapport.resolve.linking.comparer import Comparer, Prepared
from rapport.resolve.linking.model import LinkModel
from rapport.resolve.linking.scorer import Match

__all__ = ["CUTS", "LARGEST_GROUP", "Group", "form_persons", "groups_of", "match_of"]

CUTS = (WORTH_A_LOOK, 0.0, 2.0, 4.0, 8.0)
"""Log2 odds a match needs to hold a group together; the next for what is still too large, the last whatever it is."""
LARGEST_GROUP = 20_000
"""Records, some 3 kilobytes each while their persons are formed."""


class Group(NamedTuple):
    """Records whose persons are formed together, and the cut: weaker matches between them are not looked at."""

    records: list[int]
    cut: float


def match_of(record: int, log2_odds: float) -> Match:
    """What Splink found; rounded, since engines differ in the last digits and the order of equals must not."""
    return Match(record, round(log2_odds, 6))


def groups_of(
    records: Iterable[int],
    matches: Mapping[int, Sequence[Match]],
    *,
    largest: int,
    cuts: Sequence[float] = CUTS,
) -> Iterator[Group]:
    """Divide records into groups of which, but for the last cut, none is too large."""
    cut, *higher = cuts
    for group in _tied(records, matches, cut):
        if len(group) > largest and higher:
            yield from groups_of(group, matches, largest=largest, cuts=higher)
        else:
            yield Group(group, cut)


def form_persons(
    model: LinkModel,
    comparer: Comparer,
    prepared: Mapping[int, Prepared] | Sequence[Prepared],
    group: Group,
    matches: Mapping[int, Sequence[Match]],
) -> dict[int, int]:
    """Record → person, who is called by the first of the records. `matches`: of each record among those before it."""
    clusters = Clusters(
        lambda a, b, *, above: comparer.tying(prepared[a], prepared[b], above=above),
        threshold=model.thresholds.link,
        mean=model.thresholds.mean,
    )
    for record in sorted(group.records):
        strong = [match for match in matches.get(record, ()) if match.score >= group.cut]
        clusters.add(record, sorted(strong, key=lambda match: (-match.score, match.record)))
    return {record: clusters.person_of(record) for record in group.records}


def _tied(records: Iterable[int], matches: Mapping[int, Sequence[Match]], least: float) -> Iterable[list[int]]:
    """The connected components of the records by matches of at least so much; a match with another record is none."""
    top = {record: record for record in records}

    def find(record: int) -> int:
        while top[record] != record:
            top[record] = record = top[top[record]]
        return record

    for record in list(top):
        for match in matches.get(record, ()):
            if match.score >= least and match.record in top:
                top[find(record)] = find(match.record)
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for record in top:
        groups[find(record)].append(record)
    return groups.values()

"""Whether a judge of pairs can be believed: what it calls sure, what it links by itself and what it asks about.

Used by `benchmarks.identity`, for a table of one's own and for tables of the project's own world.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from rapport.resolve.linking.clusters import WORTH_A_LOOK, Clusters
from rapport.resolve.linking.model import LinkModel, probability
from rapport.resolve.linking.scorer import LiveIndex

__all__ = ["Judged", "honesty", "judge_all", "totals"]

_SURE = 0.999
_BINS = 10

Relation = Callable[[int, int], str | None]
"""How the people of two records are related; None for one person."""


class Judged(NamedTuple):
    """Every pair that was looked at, with its log2 odds; who was tied by itself; what was asked about."""

    odds: dict[tuple[int, int], float]
    tied: set[tuple[int, int]]
    asked: set[tuple[int, int]]


def judge_all(rows: Sequence[dict[str, Any]], model: LinkModel, seed: int = 1) -> Judged:
    """Put in every record as a shop's live linker does, one at a time in a random order, by its cautious rule."""
    index = LiveIndex(model)
    clusters = Clusters(index.cautious, threshold=model.thresholds.automatic, mean=model.thresholds.mean)
    order = list(range(len(rows)))
    random.Random(seed).shuffle(order)
    odds: dict[tuple[int, int], float] = {}
    for record in order:
        matches = index.put(record, rows[record], above=WORTH_A_LOOK)
        clusters.add(record, matches)
        odds |= {(min(record, match.record), max(record, match.record)): match.score for match in matches}
    tied = {
        (a, b)
        for person in map(sorted, clusters.persons())
        for at, a in enumerate(person)
        for b in person[at + 1 :]
    }  # fmt: skip
    asked = {pair for pair, said in odds.items() if said >= model.thresholds.review and pair not in tied}
    return Judged(odds, tied, asked)


def honesty(judged: Judged, relation: Relation, true_pairs: int) -> dict[str, Any]:
    """The figures, each with what it is made of, so that tables can be added up by `totals`.

    Over all pairs that were looked at (log2 odds of at least -2, or p of .2): `ece`, the expected calibration error,
    the mean distance of what was said from what was so in ten bins of p, weighted by their pairs;
    `over_999_true_share`, of the pairs that the judge called .999 or surer those that are one person. `auto_precision`
    and `auto_recall`: of the pairs that end in one person by the live rule, and of all `true_pairs`. `queue_pairs`:
    those called as likely as not or likelier that end in two persons and so wait for somebody to decide;
    `queue_right_share` of them are one person.
    """
    bins = [[0.0, 0.0, 0.0] for _ in range(_BINS)]
    sure = sure_right = pair_right = pairs = 0
    wrong_sure: Counter[str] = Counter()
    for (a, b), odds in judged.odds.items():
        p, related = probability(odds), relation(a, b)
        right = related is None
        each = bins[min(_BINS - 1, int(p * _BINS))]
        each[0] += 1
        each[1] += p
        each[2] += right
        pairs += odds >= 0
        pair_right += odds >= 0 and right
        if p >= _SURE:
            sure += 1
            sure_right += right
            if related is not None:
                wrong_sure[related] += 1
    tied, asked = _by_relation(judged.tied, relation), _by_relation(judged.asked, relation)
    return {
        "bins": bins, "sure": sure, "sure_right": sure_right, "pairs": pairs, "pair_right": pair_right,
        "true_pairs": true_pairs, "tied": dict(tied), "asked": dict(asked), "wrong_sure": dict(wrong_sure),
    }  # fmt: skip


def totals(counted: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The report of what `honesty` counted over one or more tables."""
    all_of = list(counted)

    def summed(name: str) -> int:
        return sum(each[name] for each in all_of)

    def merged(name: str) -> Counter[str]:
        return sum((Counter(each[name]) for each in all_of), Counter())

    tied, asked, true = merged("tied"), merged("asked"), max(1, summed("true_pairs"))
    precision, recall = summed("pair_right") / max(1, summed("pairs")), summed("pair_right") / true
    bins = [[sum(each["bins"][at][k] for each in all_of) for k in range(3)] for at in range(_BINS)]
    looked_at = max(1, sum(each[0] for each in bins))
    return {
        "shop_pair_f1": round(2 * precision * recall / max(1e-9, precision + recall), 4),
        "shop_pair_precision": round(precision, 4),
        "shop_pair_recall": round(recall, 4),
        "ece": round(sum(abs(said - right) for _, said, right in bins) / looked_at, 4),
        "over_999_true_share": round(summed("sure_right") / max(1, summed("sure")), 4),
        "over_999_pairs": summed("sure"),
        "auto_precision": round(tied[_ONE] / max(1, tied.total()), 4),
        "auto_recall": round(tied[_ONE] / true, 4),
        "queue_pairs": asked.total(),
        "queue_right_share": round(asked[_ONE] / max(1, asked.total()), 4),
        "auto_wrong_by_relation": {name: n for name, n in tied.most_common() if name != _ONE},
        "over_999_wrong_by_relation": dict(merged("wrong_sure").most_common()),
        "queue_by_relation": dict(asked.most_common()),
    }


_ONE = "one person"


def _by_relation(pairs: Iterable[tuple[int, int]], relation: Relation) -> Counter[str]:
    return Counter(relation(a, b) or _ONE for a, b in pairs)

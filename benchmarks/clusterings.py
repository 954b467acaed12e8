"""Tables of records whose persons are known, and how well a clustering of them is: pairs, and B-cubed."""

from __future__ import annotations

import hashlib
import resource
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple

from rapport.resolve.linking.kinds import Layout

__all__ = ["Measures", "Table", "in_tuning_part", "measure_clusters", "measure_held_out", "pairs_of", "peak_rss_mb",
           "rates"]  # fmt: skip


class Table(NamedTuple):
    """Records and whose they are; the truth is looked at by the measures alone."""

    name: str
    rows: list[dict[str, Any]]
    truth: list[str]
    layout: Layout


def pairs_of(groups: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in groups)


def f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def rates(right: int, said: int, true: int) -> tuple[float, float, float]:
    """Precision, recall and F1 of sets of pairs."""
    precision, recall = right / max(1, said), right / max(1, true)
    return precision, recall, f1(precision, recall)


class Measures(NamedTuple):
    """Of a clustering: over pairs, and B-cubed over records."""

    precision: float
    recall: float
    f1: float
    b_precision: float
    b_recall: float
    b_f1: float

    def named(self, prefix: str = "") -> dict[str, float]:
        """The figures under the names of the report."""
        names = ("cluster_precision", "cluster_recall", "cluster_f1", "b_cubed_precision", "b_cubed_recall")
        return {prefix + name: round(value, 4) for name, value in zip((*names, "b_cubed_f1"), self, strict=True)}


def measure_clusters(said: Sequence[Hashable], truth: Sequence[str]) -> Measures:
    """**Source** of B-cubed: Bagga and Baldwin, Entity-Based Cross-Document Coreferencing, 1998."""
    both = Counter(zip(said, truth, strict=True))
    by_said, by_truth = Counter(said), Counter(truth)
    pairs = rates(pairs_of(both.values()), pairs_of(by_said.values()), pairs_of(by_truth.values()))
    b_precision = sum(n * n / by_said[cluster] for (cluster, _), n in both.items()) / len(truth)
    b_recall = sum(n * n / by_truth[person] for (_, person), n in both.items()) / len(truth)
    return Measures(*pairs, b_precision, b_recall, f1(b_precision, b_recall))


def in_tuning_part(person: str) -> bool:
    """The quarter of the persons on which levels and measures were tried out while they were written."""
    return hashlib.blake2b(person.encode(), digest_size=4).digest()[0] < 64


def measure_held_out(said: Sequence[Hashable], truth: Sequence[str]) -> Measures:
    """Of the other persons' records, as they came out among all records."""
    kept = [at for at, person in enumerate(truth) if not in_tuning_part(person)]
    return measure_clusters([said[at] for at in kept], [truth[at] for at in kept])


def peak_rss_mb() -> int:
    """Of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

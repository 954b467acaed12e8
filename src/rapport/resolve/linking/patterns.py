"""How the pairs of a table agree: the levels of its candidates, counted. What training weighs a shop's habits by."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from rapport.resolve.linking.blocking import Blocks, keys_of
from rapport.resolve.linking.comparer import Comparer, Prepared
from rapport.resolve.linking.comparisons.comparison import Level

__all__ = ["candidate_patterns"]

_SAMPLED = 3_000


def candidate_patterns(
    comparer: Comparer, prepared: Sequence[Prepared], seed: int
) -> tuple[Counter[tuple[Level, ...]], int]:
    """The levels of the candidates of at most 3,000 records, each pair by either of its records, and how many records
    these are.
    """
    blocks = Blocks()
    for number, record in enumerate(prepared):
        blocks.add(number, keys_of(comparer.aspects, record))
    asked = random.Random(seed).sample(range(len(prepared)), min(_SAMPLED, len(prepared)))
    patterns: Counter[tuple[Level, ...]] = Counter()
    for number in asked:
        record = prepared[number]
        for other in blocks.candidates(keys_of(comparer.aspects, record)):
            if other != number:
                patterns[comparer.levels(record, prepared[other])] += 1
    return patterns, len(asked)

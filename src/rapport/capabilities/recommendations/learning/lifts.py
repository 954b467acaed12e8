"""How much more often each item is met in certain surroundings than anywhere: by the hour, the weather, the device …

A lift is the logarithm of an item's share in these surroundings over the share that all items have there, shrunk
towards none for what was met seldom. The ranker sees one for each facet; surroundings nobody knows lift nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rapport.capabilities.recommendations.learning.rows import Floats, Ints
from rapport.capabilities.recommendations.surroundings import FACETS, Surroundings

__all__ = ["LIFTS", "Arounds", "Lifts", "learn_lifts"]

LIFTS = tuple(f"suits_{facet}" for facet in FACETS)
"""The ranker's features of surroundings."""

MOST_VALUES = 20
"""Of each facet, the most frequent."""

_SHRUNK = 20.0
"""Meetings that all items are given of the usual surroundings before their own count."""

Arounds = Sequence[Sequence[Surroundings]]
"""Of each session the surroundings of each step."""


class Lifts(NamedTuple):
    """The lift of each item by value; `values` names for each facet the rows of the table."""

    values: tuple[dict[str, int], ...]
    table: NDArray[np.float16]

    def of(self, around: Surroundings, items: Ints) -> Floats:
        """A row of LIFTS for each item."""
        found = np.zeros((len(items), len(FACETS)), dtype=np.float32)
        for column, (value, rows) in enumerate(zip(around, self.values, strict=True)):
            row = rows.get(value)
            if row is not None:
                found[:, column] = self.table[row, items]
        return found


def learn_lifts(sessions: Sequence[Sequence[int]], arounds: Arounds, *, items: int) -> Lifts | None:
    """The lifts of items below `items` by these sessions; None where nothing is known of any surroundings.

    Two bytes for each item and value, at most MOST_VALUES of a facet.
    """
    flat = np.fromiter((item for session in sessions for item in session), dtype=np.int64)
    told = [around for session in arounds for around in session]
    met = np.bincount(flat, minlength=items).astype(np.float64)
    values: list[dict[str, int]] = []
    rows: list[NDArray[np.float16]] = []
    for facet in range(len(FACETS)):
        column = [around[facet] for around in told]
        named = [value for value, _ in Counter(value for value in column if value).most_common(MOST_VALUES)]
        numbers = {value: number for number, value in enumerate(sorted(named))} if len(named) > 1 else {}
        values.append({value: len(rows) + number for value, number in numbers.items()})
        which = np.fromiter((numbers.get(value, -1) for value in column), dtype=np.int64, count=len(column))
        known = np.bincount(flat[which >= 0], minlength=items).astype(np.float64)
        rows += [_lift(np.bincount(flat[which == n], minlength=items), known) for n in range(len(numbers))]
    return Lifts(tuple(values), np.stack(rows)) if rows and met.any() else None


def _lift(here: NDArray[np.int64], known: NDArray[np.float64]) -> NDArray[np.float16]:
    usual = here.sum() / max(known.sum(), 1.0)
    found: NDArray[np.float64] = np.log((here + _SHRUNK * usual) / (known + _SHRUNK) / max(usual, 1e-9))
    return found.astype(np.float16)

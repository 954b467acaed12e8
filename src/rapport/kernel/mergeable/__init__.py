"""Mergeable values: what a strand remembers of its facts, small and independent of the order in which they came.

A kind of value is `zero` (no fact yet), `fold` (one more fact, in place), `merge` (two sets of facts), `trim` (the one
canonical form) and `read` (plain data). For every kind, with distinct facts A, B, C folded to states a, b, c:

    order does not matter    trim(fold all of A + B in any order) == trim(merge(a, b))
    commutative              trim(merge(a, b)) == trim(merge(b, a))
    associative              trim(merge(merge(a, b), c)) == trim(merge(a, merge(b, c)))
    neutral element          trim(merge(a, zero())) == trim(a)
    one canonical form       trim(trim(a)) == trim(a)

Trimmed states are thus a commutative monoid; the order of keys in a state has no meaning. They are not idempotent: a
fact that is folded twice counts twice, and the log sees to it that none is.

>>> facts = [(3, "f1", "shop", [("red", 1)]), (1, "f2", "shop", [("blue", 2)]), (2, "f3", "app", [("blue", 5)])]
>>> kind = KeyedLatest(limit=2)
>>> one, other, all_backwards = kind.zero(), kind.zero(), kind.zero()
>>> kind.fold(one, *facts[0])
>>> for fact in facts[1:]:
...     kind.fold(other, *fact)
>>> for fact in reversed(facts):
...     kind.fold(all_backwards, *fact)
>>> kind.merge(other, one) == kind.trim(all_backwards)
True
>>> kind.read(kind.merge(one, other)), kind.stamp(kind.merge(one, other))
([('red', 1, 3), ('blue', 5, 2)], [3, 'f1', 'shop'])

Three rules make the laws hold for a new kind, and `tests/laws/test_mergeable.py` tries them:

- Nothing adds floats; sums of integers wrap at 64 bits.
- Ties are broken by `(occurred_at, fact_id)`, never by arrival.
- Every container is bounded by a rule that only looks at the whole (the newest n by `(occurred_at, fact_id)`, the k
  smallest hashes, a window below the newest time), so that what is dropped early would have been dropped late too.

`fold` is the hot path: it changes a plain list in place, and may let a container grow a quarter above its bound before
it trims, so that the bound costs nothing per fact.
"""

from __future__ import annotations

from rapport.kernel.mergeable.activity import Activity, Presence
from rapport.kernel.mergeable.base import EVER, NEVER, Mergeable, Stamp, State, hash64, wrap64
from rapport.kernel.mergeable.counted import Counted
from rapport.kernel.mergeable.decayed import Decayed
from rapport.kernel.mergeable.distinct import Distinct
from rapport.kernel.mergeable.extremes import First, Latest, Max, Min
from rapport.kernel.mergeable.histogram import Histogram
from rapport.kernel.mergeable.newest import KeyedLatest, Recent
from rapport.kernel.mergeable.totals import Count, Sum

__all__ = [
    "EVER",
    "NEVER",
    "Activity",
    "Count",
    "Counted",
    "Decayed",
    "Distinct",
    "First",
    "Histogram",
    "KeyedLatest",
    "Latest",
    "Max",
    "Mergeable",
    "Min",
    "Presence",
    "Recent",
    "Stamp",
    "State",
    "Sum",
    "hash64",
    "wrap64",
]

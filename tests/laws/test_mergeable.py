"""Laws of the mergeable values: any order, any grouping, one state. Each kind is small-bounded so that bounds bite."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.kernel.clock import DAY, HOUR, MINUTE
from rapport.kernel.mergeable import (
    Activity,
    Count,
    Counted,
    Decayed,
    Distinct,
    First,
    Histogram,
    KeyedLatest,
    Latest,
    Max,
    Mergeable,
    Min,
    Recent,
    State,
    Sum,
    wrap64,
)

KEYS = [f"k{n}" for n in range(12)]
WIDE = st.integers(-(2**63), 2**63 - 1)


class Folded(NamedTuple):
    """One fact as a kind sees it; fact ids are unique."""

    at: int
    fact_id: str
    value: Any


def facts_of(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Folded]]:
    """Up to 60 facts with times that collide, lie close together or years apart."""
    near = st.integers(0, 5)
    times = st.one_of(near, st.integers(0, 3 * HOUR), st.integers(0, 900).map(lambda day: day * DAY))
    pairs = st.lists(st.tuples(times, values), max_size=60)
    return pairs.map(lambda found: [Folded(at, f"f{n:02}", value) for n, (at, value) in enumerate(found)])


def pairs_of(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[tuple[str, Any]]]:
    return st.lists(st.tuples(st.sampled_from(KEYS), values), max_size=4)


KINDS: dict[str, tuple[Mergeable, st.SearchStrategy[Any]]] = {
    "count": (Count(), st.just(None)),
    "sum": (Sum(limit=3), st.tuples(st.sampled_from(KEYS), WIDE)),
    "min": (Min(), st.integers(-3, 3)),
    "max": (Max(), st.integers(-3, 3)),
    "first": (First(), st.sampled_from(KEYS)),
    "latest": (Latest(), st.tuples(st.integers(0, 1), st.sampled_from(KEYS))),
    "counted": (Counted(limit=3), st.sampled_from(KEYS)),
    "keyed latest": (KeyedLatest(limit=3), pairs_of(st.booleans())),
    "recent": (Recent(limit=5), st.sampled_from(KEYS)),
    "decayed": (Decayed(limit=3, weeks=5), pairs_of(st.integers(1, 9))),
    "distinct": (Distinct(limit=4), st.sampled_from(KEYS)),
    "histogram": (Histogram(limit=2), st.tuples(st.sampled_from(KEYS[:4]), st.integers(1, 10**15))),
    "activity": (Activity(days=30), st.just(None)),
}


def folded(kind: Mergeable, facts: list[Folded]) -> State:
    state = kind.zero()
    for fact in facts:
        kind.fold(state, fact.at, fact.fact_id, f"src-{fact.fact_id}", fact.value)
    return state


def canonical(kind: Mergeable, state: State) -> State:
    """The trimmed state; the order of keys in it has no meaning."""
    return kind.trim(copy.deepcopy(state))


each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
Kind = tuple[Mergeable, st.SearchStrategy[Any]]


@each_kind
@settings(max_examples=30)
@given(data=st.data())
def test_the_order_of_facts_does_not_matter(kind: Kind, data: st.DataObject) -> None:
    value, values = kind
    facts = data.draw(facts_of(values))
    shuffled = data.draw(st.permutations(facts))
    assert canonical(value, folded(value, shuffled)) == canonical(value, folded(value, facts))


@each_kind
@settings(max_examples=30)
@given(data=st.data())
def test_merging_is_folding_what_both_have_seen(kind: Kind, data: st.DataObject) -> None:
    value, values = kind
    facts = data.draw(facts_of(values))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(facts)), min_size=2, max_size=2)))
    whole = canonical(value, folded(value, facts))
    a, b, c = (folded(value, part) for part in (facts[: cuts[0]], facts[cuts[0] : cuts[1]], facts[cuts[1] :]))
    assert canonical(value, value.merge(value.merge(a, b), c)) == whole, "associative"
    assert canonical(value, value.merge(a, value.merge(b, c))) == whole, "associative"
    assert canonical(value, value.merge(c, value.merge(b, a))) == whole, "commutative"


@each_kind
@settings(max_examples=30)
@given(data=st.data())
def test_zero_changes_nothing_and_merging_leaves_its_arguments_alone(kind: Kind, data: st.DataObject) -> None:
    value, values = kind
    state = folded(value, data.draw(facts_of(values)))
    other = folded(value, data.draw(facts_of(values)))
    before = copy.deepcopy((state, other))
    assert canonical(value, value.merge(state, value.zero())) == canonical(value, state)
    assert canonical(value, value.merge(value.zero(), state)) == canonical(value, state)
    value.merge(state, other)
    assert (state, other) == before


@each_kind
@settings(max_examples=30)
@given(data=st.data())
def test_a_state_survives_being_written_and_trimming_twice_is_trimming_once(kind: Kind, data: st.DataObject) -> None:
    value, values = kind
    facts = data.draw(facts_of(values))
    cut = data.draw(st.integers(0, len(facts)))
    state: State = msgspec.msgpack.decode(msgspec.msgpack.encode(folded(value, facts[:cut])))
    for fact in facts[cut:]:
        value.fold(state, fact.at, fact.fact_id, f"src-{fact.fact_id}", fact.value)
    assert canonical(value, state) == canonical(value, folded(value, facts))
    once = value.trim(copy.deepcopy(state))
    assert value.trim(copy.deepcopy(once)) == once


@each_kind
@settings(max_examples=30)
@given(data=st.data())
def test_every_value_names_the_fact_it_came_from(kind: Kind, data: st.DataObject) -> None:
    value, values = kind
    facts = data.draw(facts_of(values))
    state = value.trim(folded(value, facts))
    if value.read(state) is None:
        return
    at, fact_id, source = value.stamp(state)
    assert (at, fact_id) in {(fact.at, fact.fact_id) for fact in facts}
    assert source == f"src-{fact_id}"


def _sizes(kind: Mergeable, value_of: Callable[[int], Any], number: int) -> int:
    state = kind.zero()
    for n in range(number):
        kind.fold(state, n * HOUR, f"f{n}", "s", value_of(n))
    return len(msgspec.msgpack.encode(state))


@pytest.mark.parametrize(
    ("kind", "value_of"),
    [
        (Sum(limit=8), lambda n: (f"unit {n}", 1)),
        (Counted(limit=8), lambda n: f"text {n}"),
        (KeyedLatest(limit=8), lambda n: [(f"key {n}", True)]),
        (Recent(limit=8), lambda n: n),
        (Decayed(limit=8, weeks=4), lambda n: [(f"key {n}", 1)]),
        (Distinct(limit=8), lambda n: f"text {n}"),
        (Histogram(limit=8), lambda n: (f"unit {n}", 1 + n)),
        (Activity(days=10), lambda n: None),
    ],
    ids=lambda given: type(given).__name__,
)
def test_states_stop_growing_however_hostile_the_keys(kind: Mergeable, value_of: Callable[[int], Any]) -> None:
    assert _sizes(kind, value_of, 6_000) <= _sizes(kind, value_of, 3_000) * 1.1


def test_a_favourite_of_long_ago_gives_way() -> None:
    likes = Decayed(half_life=4)
    state = likes.zero()
    for week in range(8):
        likes.fold(state, week * 7 * DAY, f"a{week}", "s", [("red", 1)])
    likes.fold(state, 20 * 7 * DAY, "b", "s", [("white", 1)])
    assert [key for key, _ in likes.read(likes.trim(state)) or []] == ["white", "red"]


def test_decay_matches_its_formula() -> None:
    likes = Decayed(half_life=8)
    state = likes.zero()
    likes.fold(state, 0, "a", "s", [("red", 4)])
    likes.fold(state, 8 * 7 * DAY, "b", "s", [("white", 1)])
    assert likes.read(state) == [("red", 2 * Decayed.ONE), ("white", Decayed.ONE)]


def test_visits_are_parted_by_half_an_hour_of_silence() -> None:
    activity = Activity()
    state = activity.zero()
    for n, minutes in enumerate((0, 20, 49, 84, 200)):
        activity.fold(state, 100 * HOUR + minutes * MINUTE, f"f{n}", "s", None)
    presence = activity.read(state)
    assert presence is not None
    assert presence.visits == 3
    assert (presence.first[1], presence.last[1]) == ("f0", "f4")


def test_distinct_is_exact_while_small_and_close_when_large() -> None:
    distinct = Distinct()
    state = distinct.zero()
    for n in range(200):
        distinct.fold(state, n, f"f{n}", "s", f"product {n % 100}")
    assert distinct.read(state) == 100
    for n in range(20_000):
        distinct.fold(state, n, f"g{n}", "s", f"product {n}")
    estimate = distinct.read(state)
    assert estimate is not None
    assert 0.85 * 20_000 < estimate < 1.15 * 20_000


def test_price_bands_lie_near_the_true_quartiles() -> None:
    rng = random.Random(7)
    prices = sorted(rng.randrange(100, 20_000) for _ in range(2_000))
    histogram = Histogram()
    state = histogram.zero()
    for n, price in enumerate(prices):
        histogram.fold(state, n, f"f{n}", "s", ("EUR", price))
    bands = histogram.read(state)
    assert bands is not None
    for found, quarter in zip(bands["EUR"], (500, 1_000, 1_500), strict=True):
        assert found == pytest.approx(prices[quarter], rel=0.12)


@given(st.integers(1, 10**15))
def test_every_amount_lies_in_its_band(amount: int) -> None:
    band = Histogram.band(amount)
    assert Histogram.lower(band) <= amount < Histogram.lower(band + 1)


@given(st.lists(WIDE, max_size=30))
def test_sums_beyond_64_bits_wrap_the_same_way_in_any_order(numbers: list[int]) -> None:
    forwards = backwards = 0
    for number in numbers:
        forwards = wrap64(forwards + number)
    for number in reversed(numbers):
        backwards = wrap64(backwards + number)
    assert forwards == backwards
    assert -(2**63) <= forwards < 2**63

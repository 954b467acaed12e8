"""What is learnt from whole visits: the index, candidates from it, and the order the trees put them in."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.capabilities.recommendations.learning.candidates import FEATURES, CandidateFinder
from rapport.capabilities.recommendations.learning.index import build_index
from rapport.capabilities.recommendations.learning.lifts import LIFTS, learn_lifts
from rapport.capabilities.recommendations.learning.ranker import (
    Recommender,
    Settings,
    collect_examples,
    learn,
    queries_of,
    train,
)
from rapport.capabilities.recommendations.learning.rows import gather, pack, strongest
from rapport.capabilities.recommendations.surroundings import Surroundings, said_by, surroundings_of
from rapport.kernel.errors import InvalidInput
from rapport.kernel.facts import Fact
from rapport.remember.inputs import ReadingSettings

ITEMS = 60


def visits(number: int, *, seed: int) -> list[list[int]]:
    """Visitors walk on from an item to the next higher one, now and then to the one after; some go astray."""
    rng = random.Random(seed)
    found = []
    for _ in range(number):
        session = [rng.randrange(ITEMS)]
        while len(session) < 2 or rng.random() < 0.7:
            step = rng.choices((1, 2, rng.randrange(ITEMS)), (6, 2, 2))[0]
            session.append((session[-1] + step) % ITEMS)
        found.append(session)
    return found


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=60), st.integers(1, 4))
def test_rows_hold_what_was_packed_and_the_strongest_pairs_are_those_of_a_count(
    pairs: list[tuple[int, int]], most: int
) -> None:
    owners = np.array([owner for owner, _ in pairs], dtype=np.int32)
    others = np.array([other for _, other in pairs], dtype=np.int32)
    rows = pack(owners, others, rows=10)
    kept = strongest(owners, others, np.ones(len(pairs), dtype=np.float32), rows=10, most=most)
    for number in range(10):
        mine = [other for owner, other in pairs if owner == number]
        assert rows.row(number).tolist() == mine
        assert gather(rows, np.array([number, number], dtype=np.int32))[0].tolist() == mine * 2
        counted = sorted((-mine.count(other), other) for other in set(mine))[:most]
        assert [(-int(weight), other) for other, weight in zip(*kept.row(number), strict=True)] == counted


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(st.integers(0, 11), min_size=1, max_size=6), max_size=30), st.data())
def test_any_sessions_make_an_index_that_answers_each_item_once_and_alike(
    sessions: list[list[int]], data: st.DataObject
) -> None:
    """However few sessions there are, and whatever is asked: also what nobody ever met."""
    finder = CandidateFinder(build_index(sessions, items=12), most=5)
    asked = data.draw(st.lists(st.integers(0, 11), min_size=1, max_size=15))
    first, again = finder.find(asked), finder.find(asked)
    assert len(first.items) <= 5
    assert len(set(first.items.tolist())) == len(first.items)
    assert np.isfinite(first.features).all()
    assert first.items.tolist() == again.items.tolist()
    assert np.array_equal(first.features, again.features)


def test_later_visits_are_foretold_better_than_by_the_blend_and_threads_answer_alike() -> None:
    recommender = learn(visits(1_500, seed=1), items=ITEMS)
    queries = queries_of(visits(300, seed=2), known=np.arange(ITEMS, dtype=np.int32), most=400)
    alone = [recommender.rank(session, limit=3)[0].tolist() for session, _ in queries]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda query: recommender.rank(query[0], limit=3)[0].tolist(), queries))
    assert together == alone
    ours = sum(following == best[0] for best, (_, following) in zip(alone, queries, strict=True))
    blend = sum(int(recommender.finder.find(session).items[0]) == following for session, following in queries)
    assert ours > 0.5 * len(queries)
    assert ours > blend


def test_a_visitor_nothing_is_known_of_sees_what_is_popular_now() -> None:
    sessions = [[5, 6]] * 400 + [[7, 8, 7, 8]] * 30
    recommender = learn(visits(500, seed=3) + sessions, items=ITEMS)
    popular = recommender.rank([], limit=2)[0].tolist()
    assert sorted(popular) == [7, 8]
    assert recommender.rank([ITEMS + 5, -1], limit=2)[0].tolist() == popular


@pytest.mark.parametrize("sessions", [[], [[1]], [[1, 2]], [[1], [2], [3]]])
def test_too_few_sessions_are_told_with_what_to_do(sessions: list[list[int]]) -> None:
    with pytest.raises(InvalidInput, match="too little to learn an order from") as refused:
        learn(sessions, items=5)
    assert "train again" in str(refused.value.hint)


def test_what_is_wanted_in_the_rain_comes_first_in_the_rain() -> None:
    """After any item an umbrella in the rain and sun cream in the sun; the model without surroundings cannot tell."""
    rng = random.Random(4)
    umbrella, cream = ITEMS - 2, ITEMS - 1
    sessions: list[list[int]] = []
    arounds: list[list[Surroundings]] = []
    for _ in range(2_000):
        weather = rng.choice(("rain", "sun"))
        wanted = umbrella if weather == "rain" else cream
        following = wanted if rng.random() < 0.9 else rng.randrange(ITEMS)
        sessions.append([rng.randrange(ITEMS - 2), following])
        arounds.append([Surroundings(weather=weather)] * 2)
    examples = collect_examples(sessions, items=ITEMS, arounds=arounds)
    assert examples.features.shape[1] == len(FEATURES) + len(LIFTS)
    trees = train(examples, Settings(rounds=60))
    lifts = learn_lifts(sessions, arounds, items=ITEMS)
    recommender = Recommender(build_index(sessions, items=ITEMS), trees, lifts=lifts)
    for weather, wanted in (("rain", umbrella), ("sun", cream)):
        first = [
            int(recommender.rank([item], limit=1, around=Surroundings(weather=weather))[0][0]) for item in range(20)
        ]
        assert first.count(wanted) >= 18
    plain = learn(sessions, items=ITEMS, settings=Settings(rounds=60))
    assert plain.rank([3], limit=1)[0].tolist() == plain.rank([3], limit=1, around=arounds[0][0])[0].tolist()


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["", "rain", "sun"])), min_size=1), max_size=12),
    st.sampled_from(["rain", "sun", "hail", ""]),
)
def test_a_lift_is_above_nothing_exactly_where_an_item_is_met_more_often_than_others(
    told: list[list[tuple[int, str]]], weather: str
) -> None:
    sessions = [[item for item, _ in session] for session in told]
    arounds = [[Surroundings(weather=word) for _, word in session] for session in told]
    lifts = learn_lifts(sessions, arounds, items=6)
    steps = [step for session in told for step in session if step[1]]
    if len({word for _, word in steps}) < 2:
        assert lifts is None
        return
    assert lifts is not None
    found = lifts.of(Surroundings(weather=weather), np.arange(6, dtype=np.int32))
    assert np.isfinite(found).all()
    for item in range(6):
        lift = found[item, LIFTS.index("suits_weather")]
        if weather not in ("rain", "sun"):
            assert lift == 0
            continue
        usual = sum(word == weather for _, word in steps) / len(steps)
        mine = [word == weather for other, word in steps if other == item]
        assert np.sign(np.round(lift, 3)) == np.sign(np.round(sum(mine) - usual * len(mine), 3)) or abs(lift) < 0.01


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=5,
)  # fmt: skip
_NAMES = ("local_time", "device", "device.type", "referrer", "location", "weather", "weather.temperature", "page")


@given(st.dictionaries(st.sampled_from(_NAMES), _json), st.integers(0, 4 * 10**15))
def test_whatever_a_context_says_surroundings_are_short_words(said: dict[str, object], at: int) -> None:
    around = surroundings_of(at, ZoneInfo("Asia/Bangkok"), said)
    assert all(len(word) <= 40 for word in around)
    page = Fact(id="f", type="track", name="Product Viewed", context=said, properties=said)
    assert len(surroundings_of(at, ZoneInfo("UTC"), said_by(page, ReadingSettings())).device) <= 40

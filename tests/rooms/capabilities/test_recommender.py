"""What is learnt from whole visits: the index, candidates from it, and the order the trees put them in."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.capabilities.recommendations.learning.candidates import CandidateFinder
from rapport.capabilities.recommendations.learning.index import build_index
from rapport.capabilities.recommendations.learning.ranker import learn, queries_of
from rapport.capabilities.recommendations.learning.rows import gather, pack, strongest
from rapport.kernel.errors import InvalidInput

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

"""A policy's odds are the odds it really has."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.decide.model import Candidate
from rapport.decide.policies import EpsilonGreedy


def candidates(scores: list[float]) -> list[Candidate]:
    return [Candidate(kind="product", item_id=f"p{n}", score=score, reasons=[]) for n, score in enumerate(scores)]


def test_without_exploration_the_best_come_first_and_are_certain() -> None:
    policy = EpsilonGreedy(name="greedy", version="1", epsilon=0.0, pool=10)
    slate = policy.choose(candidates([1, 3, 2]), limit=2, rng=random.Random(0))
    assert [(choice.candidate.item_id, choice.odds) for choice in slate] == [("p1", 1.0), ("p2", 1.0)]


def test_the_stated_odds_are_the_frequencies() -> None:
    policy = EpsilonGreedy(name="e", version="1", epsilon=0.4, pool=10)
    rng = random.Random(11)
    shown: Counter[str] = Counter()
    stated: dict[str, float] = {}
    for _ in range(20_000):
        first = policy.choose(candidates([1, 3, 2, 0]), limit=3, rng=rng)[0]
        shown[first.candidate.item_id] += 1
        stated[first.candidate.item_id] = first.odds
    assert sum(stated.values()) == pytest.approx(1.0)
    for item_id, odds in stated.items():
        assert abs(shown[item_id] / 20_000 - odds) < 0.01


def test_only_the_pool_is_explored() -> None:
    policy = EpsilonGreedy(name="e", version="1", epsilon=1.0, pool=3)
    rng = random.Random(3)
    shown = {policy.choose(candidates([5, 4, 3, 2, 1]), limit=1, rng=rng)[0].candidate.item_id for _ in range(200)}
    assert shown == {"p0", "p1", "p2"}


@given(
    scores=st.lists(st.floats(0, 100), max_size=30), limit=st.integers(1, 10), seed=st.integers(0, 999),
    epsilon=st.floats(0.01, 1),
)  # fmt: skip
def test_a_slate_has_no_repeats_and_odds_between_0_and_1(
    scores: list[float], limit: int, seed: int, epsilon: float
) -> None:
    policy = EpsilonGreedy(name="e", version="1", epsilon=epsilon, pool=20)
    slate = policy.choose(candidates(scores), limit=limit, rng=random.Random(seed))
    shown = [choice.candidate.item_id for choice in slate]
    assert len(shown) == len(set(shown)) == min(limit, len(scores))
    assert all(0 < choice.odds <= 1 + 1e-12 for choice in slate)


def test_the_same_chance_gives_the_same_slate() -> None:
    policy = EpsilonGreedy(name="e", version="1", epsilon=0.5, pool=10)
    once, again = (policy.choose(candidates([1, 2, 3, 4]), limit=3, rng=random.Random(5)) for _ in range(2))
    assert once == again

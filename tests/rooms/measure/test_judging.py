"""Another policy is judged on what was logged: the truth lies within the interval."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.decide.model import PRODUCT, Candidate
from rapport.decide.policies import EpsilonGreedy
from rapport.kernel.clock import DAY, HOUR, MINUTE
from rapport.kernel.errors import InvalidInput, NotFound
from rapport.measure.judging import _places, _Shown, judge
from rapport.measure.off_policy import ESTIMATORS, Place, effective_size, estimate, logged_value
from tests.shop import NOON, Shop

ODDS = st.floats(0.05, 1)
PLACES = st.lists(
    st.lists(st.builds(Place, st.floats(0, 5), ODDS, st.floats(0, 1), st.floats(0, 2), st.floats(0, 2)), max_size=4),
    min_size=1, max_size=12,
)  # fmt: skip

WORTH = {f"i{n}": worth for n, worth in enumerate((0.5, 0.9, 0.6, 0.8, 0.4, 0.7))}
"""How likely a click is; the shop's own order puts the worst first."""


def candidates() -> list[Candidate]:
    return [Candidate(kind=PRODUCT, item_id=item, score=10.0 - n, reasons=[]) for n, item in enumerate(WORTH)]


def logged(number: int, *, epsilon: float, seed: int) -> tuple[list[_Shown], dict[tuple[str, str], float]]:
    """Decisions of the shop's own policy, with clicks as they are worth."""
    rng = random.Random(seed)
    policy = EpsilonGreedy(name="p", version="1", epsilon=epsilon, pool=50)
    shown, rewards = [], {}
    for n in range(number):
        slate = policy.choose(candidates(), limit=2, rng=rng)
        places = [(choice.candidate.item_id, choice.odds) for choice in slate]
        scores = {one.item_id: one.score for one in candidates()}
        shown.append(_Shown(f"d{n}", "p 1", len(WORTH), scores, places))
        for item, _ in places:
            if rng.random() < WORTH[item]:
                rewards[f"d{n}", item] = 1.0
    return shown, rewards


def brought(epsilon: float) -> float:
    """What a policy truly brings, by trying it often."""
    shown, _ = logged(20_000, epsilon=epsilon, seed=99)
    return sum(WORTH[item] for one in shown for item, _ in one.places) / len(shown)


@pytest.mark.parametrize(("policy", "epsilon"), [("greedy", 0.0), ("random", 1.0), ("epsilon=0.3", 0.3)])
def test_the_truth_lies_within_the_intervals(policy: str, epsilon: float) -> None:
    """Of 20 logs the interval of 95 % may miss the truth in a few. (By weights alone it misses more: they are skew.)"""
    truth, chance = brought(epsilon), {"greedy": 0.0, "random": 1.0}.get(policy, 0.3)
    hits = dict.fromkeys(("snips", "dr"), 0)
    for seed in range(20):
        shown, rewards = logged(800, epsilon=0.6, seed=seed)
        places = _places(shown, rewards, policy, chance)
        for how in hits:
            found = estimate(places, how)
            hits[how] += found.low <= truth <= found.high
    assert min(hits.values()) >= 16


def test_doubly_robust_errs_less_than_weights_alone() -> None:
    truth = brought(0.0)
    errors = dict.fromkeys(ESTIMATORS, 0.0)
    for seed in range(15):
        shown, rewards = logged(600, epsilon=0.6, seed=seed)
        places = _places(shown, rewards, "greedy", 0.0)
        for how in errors:
            errors[how] += (estimate(places, how).value - truth) ** 2
    assert errors["dr"] < errors["ips"]
    assert errors["dros"] < errors["ips"]


@given(PLACES)
def test_the_policy_that_was_logged_brings_what_was_brought(decisions: list[list[Place]]) -> None:
    same = [[place._replace(other=place.odds) for place in decision] for decision in decisions]
    value = logged_value(same).value
    assert estimate(same, "ips").value == pytest.approx(value)
    assert estimate(same, "snips").value == pytest.approx(value)
    assert effective_size(same) == pytest.approx(len(same))


@given(PLACES, st.permutations(range(12)))
@settings(max_examples=40)
def test_the_order_of_decisions_changes_nothing(decisions: list[list[Place]], order: Sequence[int]) -> None:
    other = [decisions[n] for n in order if n < len(decisions)]
    for how in ESTIMATORS:
        one, two = estimate(decisions, how), estimate(other, how)
        assert one.value == pytest.approx(two.value)
        assert one.low <= one.value <= one.high


def test_a_shops_own_decisions_are_judged(any_shop: Shop) -> None:
    shop = any_shop
    for n in range(4):
        for product in ("a", "b", "c", "d"):
            shop.send(shop.message("Product Viewed", at=NOON + n * HOUR, browser=f"v{n}", product_id=product))
    shop.fold()
    for n in range(12):
        decision = shop.decide(at=NOON + DAY + n * MINUTE, product_id="a", limit=2)
        clicked = decision.items[0]["product_id"]
        if n % 3 == 0:
            shop.send(shop.message("Product Clicked", at=NOON + DAY + n * MINUTE + 1, browser="v9", product_id=clicked,
                                   decision_id=decision.decision_id))  # fmt: skip
    shop.fold()
    asked = {"placement": "product.also", "since": NOON, "until": NOON + 3 * DAY}
    with shop.db.read() as conn:
        found = judge(conn, shop.id, policy="greedy", **asked)  # type: ignore[arg-type]
        bought = judge(conn, shop.id, policy="logged", reward="revenue", **asked)  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="no policy that can be judged"):
            judge(conn, shop.id, policy="best", **asked)  # type: ignore[arg-type]
        with pytest.raises(NotFound, match="no decisions"):
            judge(conn, shop.id, placement="home", policy="greedy", since=NOON, until=NOON + DAY)
    assert (found.decisions, found.left_out) == (12, 0)
    assert found.logged["value"] == pytest.approx(4 / 12)
    assert set(found.estimates) == set(ESTIMATORS)
    assert 0 < found.effective_sample_size <= 12
    assert bought.logged["value"] == 0

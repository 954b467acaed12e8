"""Another policy is judged on what was logged: the truth lies within the interval."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.decide.asked import Decision
from rapport.decide.logged import Made, decision_fact
from rapport.decide.model import PRODUCT, Candidate, Choice, Pin, PolicyName
from rapport.decide.policies import EpsilonGreedy
from rapport.decide.service import _around
from rapport.kernel.clock import DAY, HOUR, MINUTE
from rapport.kernel.errors import InvalidInput, NotFound
from rapport.kernel.ids import WorkspaceId
from rapport.measure.judging import _places, _Shown, _shown, judge
from rapport.measure.off_policy import ESTIMATORS, Estimate, Place, effective_size, estimate, logged_value
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
        shown.append(_Shown(f"d{n}", "p 1", list(WORTH), places))
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


def told(
    offered: Sequence[Candidate], worth: Callable[[str], float], policy: str, *, epsilon: float, pins: dict[str, Pin]
) -> tuple[Estimate, float]:
    """What the log of 1,500 decisions, written and read as facts are, says of a policy; and the truth."""
    rng, known = random.Random(3), {one.item_id: one for one in offered}
    rest = [one for one in offered if one.item_id not in pins]

    def slates(epsilon: float, number: int) -> Iterator[list[Choice]]:
        rule = EpsilonGreedy(name="p", version="1", epsilon=epsilon, pool=50)
        for _ in range(number):
            yield _around(rule.choose(rest, limit=6 - len(pins), rng=rng), pins, known)

    shown, rewards = [], {}
    for number, slate in enumerate(slates(epsilon, 1_500)):
        decision = Decision(
            decision_id=f"d{number}", placement="home", items=[], policy=PolicyName(name="p", version="1"),
            guardrails=[], personal=False, personal_reason="",
        )  # fmt: skip
        row = decision_fact(WorkspaceId(1), decision, {}, Made(offered, [], slate, {}), None, now=NOON)
        one = _shown(row.body)
        assert one is not None
        shown.append(one)
        for choice in slate:
            if rng.random() < worth(choice.candidate.item_id):
                rewards[f"d{number}", choice.candidate.item_id] = 1.0
    chance = 1.0 if policy == "random" else 0.0
    truth = sum(worth(choice.candidate.item_id) for slate in slates(chance, 3_000) for choice in slate) / 3_000
    return estimate(_places(shown, rewards, policy, chance), "dr"), truth


def test_any_of_many_is_judged_by_all_of_them() -> None:
    """Of fifty that may be shown only the best twenty are ever clicked."""
    offered = [Candidate(kind=PRODUCT, item_id=f"i{n:02}", score=1 - n / 100, reasons=[]) for n in range(50)]
    found, truth = told(offered, lambda item: 0.2 * (int(item[1:]) < 20), "random", epsilon=0.9, pins={})
    assert found.low <= truth <= found.high
    assert found.high < 0.8


def test_scores_that_differ_by_a_hair_are_told_apart() -> None:
    """What is popular in the whole shop has scores of a millionth: their order is logged, not only their digits."""
    offered = [
        Candidate(kind=PRODUCT, item_id=f"p{n * 37 % 50:02}", score=1e-6 * (900 - 15 * n) / 901, reasons=[])
        for n in range(50)
    ]
    found, truth = told(offered, lambda item: 0.2, "greedy", epsilon=0.05, pins={})
    assert found.low <= truth <= found.high


def test_a_pin_is_what_any_policy_would_have_shown() -> None:
    offered = [Candidate(kind=PRODUCT, item_id=f"i{n:02}", score=1 - n / 100, reasons=[]) for n in range(15)]
    pins = {"i07": Pin(position=1, reason="x")}
    found, truth = told(offered, lambda item: 0.5 if item == "i07" else 0.2, "greedy", epsilon=0.05, pins=pins)
    assert found.low <= truth <= found.high


def test_a_log_that_does_not_say_what_could_be_chosen_is_left_out() -> None:
    """As decisions were logged before: twenty candidates of fifty, or scores that round to one."""
    said = {
        "decision_id": "d", "policy": {"name": "p", "version": "1"}, "candidate_count": 2,
        "candidates": [{"item_id": "a", "score": 0.2}, {"item_id": "b", "score": 0.1}],
        "chosen": [{"item_id": "b", "odds": 0.025}],
    }  # fmt: skip
    read = _shown(msgspec.json.encode({"properties": said}))
    assert read is not None
    assert read.pool == ["a", "b"]
    tied = [{"item_id": "a", "score": 0.0}, {"item_id": "b", "score": 0.0}]
    pinned = [{"item_id": "b", "odds": 1.0}]
    for more in ({"candidate_count": 50}, {"candidates": tied}, {"chosen": pinned}):
        assert _shown(msgspec.json.encode({"properties": said | more})) is None


def test_a_shops_own_decisions_are_judged(any_shop: Shop) -> None:
    shop = any_shop
    for n in range(4):
        for product in ("a", "b", "c", "d"):
            shop.send(shop.message("Product Viewed", at=NOON + n * HOUR, browser=f"v{n}", product_id=product))
    shop.fold()
    for n in range(60):
        decision = shop.decide(at=NOON + DAY + n * MINUTE, product_id="a", limit=2)
        clicked = decision.items[0]["product_id"]
        if n % 3 == 0:
            shop.send(shop.message("Product Clicked", at=NOON + DAY + n * MINUTE + 1, browser="v9", product_id=clicked,
                                   decision_id=decision.decision_id))  # fmt: skip
    shop.fold()
    asked = {"placement": "product.also", "since": NOON, "until": NOON + 3 * DAY}
    with shop.db.read() as conn:
        found = judge(conn, shop.id, policy="greedy", **asked)  # type: ignore[arg-type]
        unknown = judge(conn, shop.id, policy="greedy", most=20, **asked)  # type: ignore[arg-type]
        bought = judge(conn, shop.id, policy="logged", reward="revenue", **asked)  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="no policy that can be judged"):
            judge(conn, shop.id, policy="best", **asked)  # type: ignore[arg-type]
        with pytest.raises(NotFound, match="no decisions"):
            judge(conn, shop.id, placement="home", policy="greedy", since=NOON, until=NOON + DAY)
    assert (found.decisions, found.left_out) == (60, 0)
    assert found.logged["value"] == pytest.approx(20 / 60)
    assert set(found.estimates) == set(ESTIMATORS)
    assert 30 < found.effective_sample_size <= 60
    assert unknown.effective_sample_size < 30
    assert unknown.estimates == {}
    assert bought.logged["value"] == 0

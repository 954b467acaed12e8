"""What customers will probably do: finite for any history, judged beside a plain baseline, said where it changes."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.app.wiring import installed
from rapport.capabilities.prediction.bgnbd import BgNbd, FitFailed, fit, log_likelihood
from rapport.capabilities.prediction.facts import MADE
from rapport.capabilities.prediction.jobs import jobs
from rapport.capabilities.prediction.model import Baseline, Buyer, Foretold, ModelCard, baseline_of, calibration_of
from rapport.capabilities.prediction.service import modelled, telling
from rapport.capabilities.prediction.service.buyers import Days
from rapport.capabilities.prediction.spend import fit_spend
from rapport.capabilities.prediction.store import cards, fits, latest_fit, predictions
from rapport.compose.slice import Joined
from rapport.decide.people import roots_of
from rapport.kernel.clock import DAY, to_iso
from rapport.kernel.gate import closed
from rapport.kernel.ids import Key
from rapport.remember.golden import find_key, golden_record
from rapport.remember.segments.fields import Fields
from rapport.storage.workspaces import create_workspace
from tests.jobs import turns
from tests.remembered import REMEMBERED
from tests.shop import NOON, Shop

FITTING, TELLING, ENDING = (
    next(job for job in installed().jobs if job.name == f"prediction.{name}")
    for name in ("fitting", "telling", "ending")
)
BUYER = st.builds(
    lambda repeats, last, more: Buyer(repeats, last if repeats else 0, last + more),
    st.integers(0, 500), st.integers(0, 3_000), st.integers(0, 3_000),
)  # fmt: skip
PARAMETER = st.floats(0.01, 60) | st.floats(-12, 12).map(math.exp)
"""Ordinary ones, and any that a fit may end at."""


@settings(max_examples=100)
@given(PARAMETER, PARAMETER, PARAMETER, PARAMETER, BUYER, st.floats(1, 1_000))
def test_whatever_a_customer_did_all_that_is_foretold_is_finite_and_possible(
    r: float, alpha: float, a: float, b: float, buyer: Buyer, days: float
) -> None:
    model = BgNbd(r, alpha, a, b, 0.0)
    x, tx, age = (np.asarray([float(value)]) for value in buyer)
    assert np.isfinite(log_likelihood((r, alpha, a, b), x, tx, age)).all()
    assert 0 <= model.buys(x, tx, age, days)[0] <= model.present(x, tx, age)[0] <= 1
    expected = model.expected(x, tx, age, days)[0]
    assert np.isfinite(expected)
    assert expected >= 0
    early, late = (model.window(x, age, share, 365)[0] for share in (0.25, 0.75))
    assert 0 <= early <= late <= 365 + 1e-6


def test_a_fit_that_cannot_be_believed_is_refused_with_its_reason() -> None:
    with pytest.raises(FitFailed, match="second time"):
        fit([Buyer(0, 0, 30)] * 50)
    with pytest.raises(FitFailed, match="fewer than three"):
        fit_spend([1, 2], [10.0, 20.0])


def test_parameters_that_made_a_shop_are_found_again() -> None:
    rng = np.random.default_rng(5)
    made, buyers = (0.5, 20.0, 0.8, 2.5), []
    for _ in range(2_000):
        rate, leaves = rng.gamma(made[0], 1 / made[1]), rng.beta(made[2], made[3])
        age, at, times = int(rng.integers(100, 400)), 0.0, []
        while True:
            at += rng.exponential(1 / rate)
            if at > age:
                break
            times.append(int(at))
            if rng.random() < leaves:
                break
        buyers.append(Buyer(len(times), times[-1] if times else 0, age))
    model = fit(buyers)
    x, tx, age_ = np.asarray(buyers, dtype=float).T
    truly = float(log_likelihood(made, x, tx, age_).sum())
    assert model.log_likelihood >= truly - 1e-6
    assert model.r == pytest.approx(made[0], rel=0.35)


@given(st.lists(st.tuples(BUYER, st.integers(0, 9)), min_size=1, max_size=60))
def test_the_baseline_expects_of_all_together_about_what_all_did(seen: list[tuple[Buyer, int]]) -> None:
    baseline = baseline_of(seen)
    for buyer, _ in seen:
        orders, buys = baseline.foretell(buyer)
        assert 0 <= buys <= 1
        assert 0 <= orders <= max(came for _, came in seen)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=80))
def test_a_calibration_holds_everybody_once(pairs: list[tuple[float, bool]]) -> None:
    bins = calibration_of([said for said, _ in pairs], [came for _, came in pairs])
    assert sum(one.customers for one in bins) == len(pairs)
    assert sum(one.customers * one.came for one in bins) == pytest.approx(sum(came for _, came in pairs), abs=1e-3)


def a_year_of_orders(shop: Shop) -> None:
    """120 customers who order at rates of their own and then leave; u0 buys coffee every month, u1 bought once."""
    rng, messages = random.Random(3), []
    for n in range(120):
        began = rng.randrange(200, 360)
        gaps = [float(began), *_until_they_leave(rng, began)]
        if n < 2:
            gaps = [350.0 - 30 * month for month in range(12)] if n == 0 else [350.0]
        for back in gaps:
            coffee = [{"product_id": "coffee", "name": "Coffee", "price": 8, "quantity": 1}]
            messages.append(shop.message(
                "Order Completed", at=NOON - round(back * DAY), user=f"u{n}", order_id=f"o{n}-{back}",
                revenue=5 + rng.randrange(12) + n % 7, currency="EUR", products=coffee,
            ))  # fmt: skip
    shop.send(*messages)
    shop.fold()


def _until_they_leave(rng: random.Random, began: int) -> Iterator[float]:
    """Days before today on which a customer orders again."""
    rate, leaves, left = rng.gammavariate(0.9, 1 / 25), rng.betavariate(1, 4), float(began)
    while rng.random() > leaves and (left := left - rng.expovariate(rate)) > 0:
        yield left


def test_a_fit_is_judged_said_once_and_asked_by_segments(any_shop: Shop) -> None:
    shop = any_shop
    assert turns(shop.db, FITTING, now=NOON) == [0]
    a_year_of_orders(shop)
    assert turns(shop.db, FITTING, now=NOON) == [1]
    turns(shop.db, TELLING, now=NOON, at_most=50)
    shop.fold()
    with shop.db.read() as conn:
        [card] = cards(conn, shop.id, limit=9)
    assert (card.customers, card.currency, card.served in ("bgnbd", "baseline")) == (120, "EUR", True)
    assert card.model is not None
    assert card.baseline is not None
    assert card.model.actual == card.baseline.actual > 0
    assert (card.served == "bgnbd") == (card.model.rmse <= card.baseline.rmse)
    assert len(shop.facts(MADE)) == len(shop.rows(predictions)) == 120
    regular, lost = traits(shop, "u0"), traits(shop, "u1")
    assert regular["churn_risk"].value < 50 < lost["churn_risk"].value
    assert regular["expected_orders"].value > 1 > lost["expected_orders"].value
    assert regular["expected_value"].value["EUR"] > lost["expected_value"].value.get("EUR", 0)
    assert regular["prediction"].value["fitted_on"] == card.fitted_at[:10]
    fields = Fields(REMEMBERED).all
    assert {fields[name].type for name in ("churn_risk", "expected_orders")} == {"number"}
    assert (fields["expected_value"].type, fields["next_order_from"].type) == ("money", "date")
    # The same again a week later: only of whom something else is foretold a fact is stated.
    assert turns(shop.db, FITTING, now=NOON + DAY) == []
    assert turns(shop.db, FITTING, now=NOON + 8 * DAY) == [1]
    turns(shop.db, TELLING, now=NOON + 8 * DAY)
    assert 120 < len(shop.facts(MADE)) <= 240
    assert [row["told_to"] for row in shop.rows(fits)] == [None, None]


def traits(shop: Shop, user: str) -> dict[str, Any]:
    with shop.db.read() as conn:
        key = find_key(conn, shop.id, f"user_id:{user}")
        return golden_record(conn, shop.id, key, now=NOON, remembered=REMEMBERED).traits


def test_what_runs_out_is_told_before_it_is_empty(shop: Shop) -> None:
    a_year_of_orders(shop)
    turns(shop.db, FITTING, now=NOON)
    turns(shop.db, TELLING, now=NOON)
    shop.fold()
    [coffee] = traits(shop, "u0")["running_out"].value
    assert (coffee["product_id"], coffee["name"]) == ("coffee", "Coffee")
    assert 25 <= coffee["every_days"] <= 35
    assert "running_out" not in traits(shop, "u1")


def test_of_who_objects_nothing_is_learnt_and_what_was_foretold_ends(any_shop: Shop) -> None:
    shop = any_shop
    a_year_of_orders(shop)
    turns(shop.db, FITTING, now=NOON)
    turns(shop.db, TELLING, now=NOON)
    shop.send(shop.message(
        "Consent Preference Updated", at=NOON + DAY, user="u0",
    ) | {"context": {"consent": {"categoryPreferences": {"personalisation": False}}}})  # fmt: skip
    shop.fold()
    assert "churn_risk" in traits(shop, "u0")
    turns(shop.db, FITTING, now=NOON + 8 * DAY)
    turns(shop.db, TELLING, now=NOON + 8 * DAY)
    shop.fold()
    with shop.db.read() as conn:
        assert [card.customers for card in cards(conn, shop.id, limit=2)] == [119, 120]
    names = {"churn_risk", "expected_orders", "expected_value", "next_order_from", "running_out", "prediction"}
    assert not names & set(traits(shop, "u0"))
    assert "churn_risk" in traits(shop, "u1")
    assert (len(shop.rows(predictions)), [told.properties for told in shop.facts(MADE)].count(
        {"withheld": "personalisation"})) == (119, 1)  # fmt: skip


def test_what_may_not_be_said_any_more_ends_without_another_fit(any_shop: Shop) -> None:
    """Where too few are left to learn from there is no fit for ever; and nobody is told of days that are over."""
    shop = any_shop
    a_year_of_orders(shop)
    turns(shop.db, FITTING, now=NOON)
    with shop.db.write() as conn:  # as if the baseline had been better
        row = latest_fit(conn, shop.id)
        card = {**json.loads(row.card), "served": "baseline"}
        conn.execute(fits.update().values(card=json.dumps(card)))
    turns(shop.db, TELLING, now=NOON)
    assert card["parameters"]
    assert not [one for one in shop.facts(MADE) if "next_order_from" in one.properties]
    shop.send(shop.message(
        "Consent Preference Updated", at=NOON + DAY, user="u0",
    ) | {"context": {"consent": {"categoryPreferences": {"personalisation": False}}}})  # fmt: skip
    shop.fold()
    told = len(shop.rows(predictions))
    turns(shop.db, ENDING, now=NOON + 2 * DAY)
    shop.fold()
    assert "churn_risk" not in traits(shop, "u0")
    assert "churn_risk" in traits(shop, "u1")
    assert len(shop.rows(predictions)) == told - 1
    turns(shop.db, ENDING, now=NOON + 59 * DAY)
    assert len(shop.rows(predictions)) == told - 1
    turns(shop.db, ENDING, now=NOON + 61 * DAY)
    shop.fold()
    assert shop.rows(predictions) == []
    assert "churn_risk" not in traits(shop, "u1")


def test_who_objects_under_another_root_than_was_told_of_is_foretold_nothing_either(any_shop: Shop) -> None:
    """Told of, then merged with an older browser: what was said under the former root ends, too."""
    shop = any_shop
    a_year_of_orders(shop)
    turns(shop.db, FITTING, now=NOON)
    turns(shop.db, TELLING, now=NOON)
    shop.fold()
    before = [row["strand"] for row in shop.rows(predictions)]
    for number in range(12):  # the root is the smallest key: one of so many browsers is smaller
        shop.send(shop.message("Product Viewed", at=NOON - 500 * DAY, browser=f"old-{number}", product_id="p"))
        shop.send({"type": "identify", "messageId": f"i{number}", "anonymousId": f"old-{number}", "userId": "u0",
                   "timestamp": to_iso(NOON + DAY), "traits": {}})  # fmt: skip
    shop.send(shop.message(
        "Consent Preference Updated", at=NOON + DAY, user="u0",
    ) | {"context": {"consent": {"categoryPreferences": {"personalisation": False}}}})  # fmt: skip
    shop.fold()
    with shop.db.read() as conn:
        key = find_key(conn, shop.id, "user_id:u0")
        assert roots_of(conn, shop.id, [key])[key] not in before
    turns(shop.db, FITTING, now=NOON + 8 * DAY)
    turns(shop.db, TELLING, now=NOON + 8 * DAY)
    shop.fold()
    assert "churn_risk" not in traits(shop, "u0")
    assert len(shop.rows(predictions)) == 119


def test_a_shop_whose_fit_fails_holds_up_no_other(shop: Shop) -> None:
    asked = []

    def gate(conn: Any, workspace: Any, *more: Any) -> Any:
        asked.append(workspace)
        if workspace == shop.id:
            raise RuntimeError("its data cannot be read")
        return closed(conn, workspace, *more)

    fitting, *_ = jobs(Joined(REMEMBERED, installed().deciding, gate))
    with shop.db.write() as conn:
        other = create_workspace(conn, slug="other", name="Other", now=NOON)
    with pytest.raises(RuntimeError):
        turns(shop.db, fitting, now=NOON)
    assert turns(shop.db, fitting, now=NOON + DAY // 24) == [0]
    assert asked == [shop.id, other.id]
    with pytest.raises(RuntimeError):
        turns(shop.db, fitting, now=NOON + DAY)


def test_what_a_model_cannot_say_in_numbers_the_baseline_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of whom the formula says nothing takes nobody else's answer away, and is answered all the same."""
    nan = float("nan")
    monkeypatch.setattr(modelled, "foretold", lambda *_: [Foretold(nan, nan), Foretold(2.0, 0.5)])
    monkeypatch.setattr(modelled, "windows", lambda *_: [None, (3, 9)])
    card = ModelCard(
        fitted_at="2026-09-20T00:00:00Z", served="bgnbd", why="", customers=2, sampled=2, horizon_days=90,
        parameters={"r": 1.0}, currency="EUR",
    )  # fmt: skip
    people = [Days(Key(bytes([n]) * 16), [0, 30], [100, 100]) for n in (1, 2)]
    odd, plain = telling._asked(people, card, Baseline(orders={}, buys={}, of_all=(0.7, 0.4)), today=60)
    assert telling._said(odd, card, 60)["expected_orders"] == 0.7
    assert telling._said(plain, card, 60) | {"fitted_on": ""} == {
        "churn_risk": 50, "expected_orders": 2.0, "model": "bgnbd", "fitted_on": "", "next_order_from": "1970-03-05",
        "next_order_until": "1970-03-11",
    }  # fmt: skip


def test_a_window_without_an_end_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BgNbd, "window", lambda *_: np.array([np.nan, 3.4]))
    parameters = {"r": 0.3, "alpha": 1.0, "a": 1.0, "b": 1.0}
    assert modelled.windows(parameters, [Buyer(0, 0, 0), Buyer(1, 9, 9)]) == [None, (3, 3)]

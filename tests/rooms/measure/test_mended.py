"""Numbers of decisions: by weight, by the hour, by what was shown; and periods that are none."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from rapport.decide.model import EligibilityRule
from rapport.decide.service import CustomerNamed, DecisionAsked
from rapport.kernel.clock import DAY, HOUR, MINUTE
from rapport.kernel.errors import InvalidInput
from rapport.kernel.facts import Fact
from rapport.measure.decision_report import report_of
from rapport.measure.model import Question
from rapport.measure.periods import period_of
from rapport.measure.sales import paid_for
from rapport.remember.inputs import ReadingSettings
from tests.shop import NOON, Shop


@pytest.mark.parametrize(("kilograms", "minor"), [(0.3, 300), (1.5, 1500), ("0.25", 250), (2, 2000)])
def test_goods_by_weight_are_worth_what_they_weigh(kilograms: Any, minor: int) -> None:
    said = {"order_id": "o", "currency": "EUR", "products": [{"product_id": "ham", "price": 10, "quantity": kilograms}]}
    paid = paid_for(Fact(id="f", type="track", name="Order Completed", properties=said), ReadingSettings())
    assert {product: one.minor for product, one in paid.items()} == {"ham": minor}


@pytest.mark.parametrize(
    ("by", "name"), [("week", "x"), ("month", "2026"), ("day", ""), ("month", "9999-12"), ("day", "2026-13-40")]
)
def test_a_period_that_is_none_is_refused(by: str, name: str) -> None:
    with pytest.raises(InvalidInput):
        period_of(name, Question(workspace=0, since=0, until=NOON, by=by, zone="UTC"))  # type: ignore[arg-type]


def grown(shop: Shop) -> None:
    for number in range(5):
        for product in "AB":
            shop.send(shop.message("Product Viewed", at=NOON - DAY, browser=f"b{number}", product_id=product, price=1))
    shop.fold()


def test_an_eligibility_rule_that_fails_shows_nothing_and_spoils_no_other_placement(any_shop: Shop) -> None:
    shop = any_shop
    grown(shop)

    def broken(conn: Any, ask: Any, candidates: Any) -> set[str]:
        conn.execute(sa.text("SELECT nothing FROM nowhere"))
        return set()

    steps = shop.decider._steps
    one = EligibilityRule(
        name="broken", title="Broken", order=1, barred=broken, kinds=("product",), placements=("home",)
    )
    steps._rules = (one, *steps._rules)
    asked = DecisionAsked(placements=["home", "product"], context={"product_id": "A"})
    made = [decision for decision, _ in shop.decider.compute_all(shop.id, asked, now=NOON)]
    nothing, fine = made[0], made[-1]
    assert (nothing.items, [item["item_id"] for item in fine.items]) == ([], ["B"])
    assert [one.failed for one in nothing.guardrails if one.name == "broken"] != [""]


def test_the_days_before_end_at_the_hour_that_it_is_now(shop: Shop) -> None:
    """In the morning the running day is compared with a morning: what was sold in the evening then does not count."""
    grown(shop)
    for number, at in enumerate((NOON, NOON + 6 * HOUR)):
        decision = shop.decide(at=at, customer=CustomerNamed(namespace="user_id", value=f"u{number}"), product_id="A")
        shop.send(
            shop.message("Product Clicked", at=at + MINUTE, user=f"u{number}", product_id="B",
                         decision_id=decision.decision_id),
            shop.message("Order Completed", at=at + 2 * MINUTE, user=f"u{number}", order_id=f"o{number}",
                         currency="EUR", products=[{"product_id": "B", "price": 10}]),
        )  # fmt: skip
    shop.fold()
    with shop.db.read() as conn:
        for hour, words in ((HOUR, "10.00"), (9 * HOUR, "20.00")):
            report = report_of(conn, shop.id, shop.metrics, now=NOON + 28 * DAY + hour, days=28)
            assert words in report.revenue_before

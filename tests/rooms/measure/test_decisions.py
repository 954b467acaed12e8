"""From decided to clicked to bought; revenue and facts, each by one definition."""

from __future__ import annotations

from typing import Any

import pytest

from rapport.decide.service import CustomerNamed, Decision, DecisionAsked
from rapport.kernel.clock import DAY, HOUR, MINUTE, to_iso
from rapport.kernel.errors import InvalidInput, NotFound
from rapport.kernel.identifiers import BUCKETS
from rapport.kernel.ids import Key
from rapport.measure.clicks import clicks_since
from rapport.measure.store import decision_items, decision_outcomes, items_of
from rapport.measure.unseen import orders_after
from rapport.measure.watches import WATCHES
from rapport.remember import customers
from rapport.remember.golden import find_key, golden_record
from rapport.storage import log
from tests.remembered import REMEMBERED
from tests.shop import NOON, Shop

BAROLO = [{"product_id": "barolo"}]
ADA = CustomerNamed(namespace="user_id", value="ada")


def shown(shop: Shop, *, at: int = NOON + HOUR) -> Decision:
    """A decision for Ada that shows barolo beside chianti."""
    shop.send(
        shop.message("Product Viewed", at=NOON, browser="v1", product_id="chianti"),
        shop.message("Product Viewed", at=NOON, browser="v1", product_id="barolo"),
    )
    shop.fold()
    return shop.decide(at=at, customer=ADA, product_id="chianti")


def funnel(shop: Shop) -> tuple[int, int, int]:
    [row] = shop.metric("decisions").rows
    assert row["placement"] == "product.also"
    return row["decided"], row["clicked"], row["bought"]


def test_a_click_that_names_the_decision_then_an_order(any_shop: Shop) -> None:
    shop = any_shop
    decision = shown(shop)
    assert funnel(shop) == (1, 0, 0)
    shop.send(shop.message("Product Clicked", at=NOON + 2 * HOUR, user="ada", product_id="barolo",
                           decision_id=decision.decision_id))  # fmt: skip
    shop.fold()
    assert funnel(shop) == (1, 1, 0)
    shop.send(shop.message("Order Completed", at=NOON + DAY, user="ada", order_id="o", products=BAROLO))
    shop.fold()
    assert funnel(shop) == (1, 1, 1)


def test_a_view_of_a_shown_product_within_half_an_hour_is_a_click(shop: Shop) -> None:
    shown(shop)
    shop.send(shop.message("Product Viewed", at=NOON + HOUR + 29 * MINUTE, user="ada", product_id="barolo"))
    shop.fold()
    assert funnel(shop) == (1, 1, 0)


def test_a_view_too_late_or_of_another_product_or_by_another_person_is_not(shop: Shop) -> None:
    shown(shop)
    shop.send(
        shop.message("Product Viewed", at=NOON + HOUR + 31 * MINUTE, user="ada", product_id="barolo"),
        shop.message("Product Viewed", at=NOON + HOUR + MINUTE, user="ada", product_id="chianti"),
        shop.message("Product Viewed", at=NOON + HOUR + MINUTE, user="bo", product_id="barolo"),
    )
    shop.fold()
    assert funnel(shop) == (1, 0, 0)


def test_a_click_on_what_the_decision_did_not_show_is_none_of_its_clicks(any_shop: Shop) -> None:
    """A client may name any decision with any product."""
    shop = any_shop
    decision = shown(shop)
    for product in ("never-shown", "barolo"):
        shop.send(shop.message("Product Clicked", at=NOON + HOUR + 1, user="ada", product_id=product,
                               decision_id=decision.decision_id))  # fmt: skip
    shop.fold()
    assert [row["product_id"] for row in shop.rows(decision_outcomes)] == ["barolo"]
    assert funnel(shop) == (1, 1, 0)


def test_a_click_is_one_however_often(shop: Shop) -> None:
    decision = shown(shop)
    for n in range(3):
        shop.send(shop.message("Product Clicked", at=NOON + HOUR + n * MINUTE, user="ada", product_id="barolo",
                               decision_id=decision.decision_id))  # fmt: skip
    shop.fold()
    assert len(shop.rows(decision_outcomes)) == 1


def test_the_order_may_come_from_another_device_of_the_same_customer(shop: Shop) -> None:
    decision = shown(shop)
    shop.send(
        {"type": "identify", "messageId": "i", "userId": "ada", "anonymousId": "phone", "timestamp": to_iso(NOON)},
        shop.message("Product Clicked", at=NOON + HOUR + 1, user="ada", product_id="barolo",
                     decision_id=decision.decision_id),
        shop.message("Order Completed", at=NOON + DAY, browser="phone", order_id="o", products=BAROLO),
    )  # fmt: skip
    shop.fold()
    assert funnel(shop) == (1, 1, 1)


def test_an_order_after_a_week_is_not_the_decisions_merit(shop: Shop) -> None:
    decision = shown(shop)
    shop.send(
        shop.message("Product Clicked", at=NOON + HOUR + 1, user="ada", product_id="barolo",
                     decision_id=decision.decision_id),
        shop.message("Order Completed", at=NOON + 8 * DAY, user="ada", order_id="o", products=BAROLO),
    )  # fmt: skip
    shop.fold()
    assert funnel(shop) == (1, 1, 0)


def test_nobody_but_rapport_decides(shop: Shop) -> None:
    shop.send(shop.message("Decision Made", at=NOON, user="eve", placement="product.also", chosen=[]), forged=True)
    shop.fold()
    assert shop.metric("decisions").rows == []


def test_revenue_by_country_is_a_straight_sum(any_shop: Shop) -> None:
    shop = any_shop

    def order(order_id: str, total: float, country: str, currency: str = "EUR", *, at: int = NOON) -> None:
        shop.send(shop.message("Order Completed", at=at, user="ada", order_id=order_id, revenue=total,
                               currency=currency, shipping_address={"country": country}))  # fmt: skip

    order("o1", 10.10, "DE")
    order("o1", 10.10, "DE", at=NOON + MINUTE)  # reported twice
    order("o2", 5.55, "DE")
    order("o3", 700, "JP", "JPY", at=NOON + DAY)
    order("o4", 99, "FR")
    shop.send(shop.message("Order Cancelled", at=NOON + HOUR, user="ada", order_id="o4"))
    shop.send(shop.message("Order Updated", at=NOON + HOUR, user="ada", order_id="o2", revenue=4.55, currency="EUR"))
    shop.send(shop.message("Order Refunded", at=NOON + HOUR, user="ada", order_id="o1", total=3, currency="EUR"))
    shop.fold()
    germany, france, japan = shop.metric("revenue_by", by="country").rows
    assert germany == {
        "country": "DE", "currency": "EUR", "orders": 2, "revenue_minor": 1465, "cancelled_minor": 0,
        "refunds_minor": 300, "net_minor": 1165,
    }  # fmt: skip
    assert (france["revenue_minor"], france["cancelled_minor"], france["net_minor"]) == (9900, 9900, 0)
    assert (japan["country"], japan["currency"], japan["revenue_minor"]) == ("JP", "JPY", 700)
    assert [row["day"] for row in shop.metric("revenue_by").rows] == [to_iso(NOON)[:10], to_iso(NOON + DAY)[:10]]


def test_an_order_corrected_to_another_currency_counts_in_that_one_alone(any_shop: Shop) -> None:
    shop = any_shop
    for order_id, currency in (("o1", "USD"), ("o2", "EUR")):
        shop.send(shop.message("Order Completed", at=NOON, user="ada", order_id=order_id, revenue=5, currency=currency))
    shop.send(shop.message("Order Updated", at=NOON + 1, user="ada", order_id="o2", revenue=7, currency="USD"))
    shop.fold()
    [dollars] = shop.metric("revenue_by", by="currency").rows
    assert (dollars["currency"], dollars["orders"], dollars["revenue_minor"]) == ("USD", 2, 1200)


@pytest.mark.parametrize(("report", "correction"), [("a", "b"), ("b", "a"), ("B", "a"), ("a", "B")])
def test_a_correction_in_the_moment_of_the_order_counts_as_the_customers_trait_has_it(
    any_shop: Shop, report: str, correction: str
) -> None:
    """Of two facts of one microsecond the greater message id is the later one, in the trait and in the metric."""
    shop = any_shop
    order = shop.message("Order Completed", at=NOON, user="ada", order_id="o", revenue=5, currency="EUR")
    updated = shop.message("Order Updated", at=NOON, user="ada", order_id="o", revenue=7, currency="EUR")
    shop.send(order | {"messageId": report}, updated | {"messageId": correction})
    shop.fold()
    with shop.db.read() as conn:
        key = find_key(conn, shop.id, "user_id:ada", region=None)
        record = golden_record(conn, shop.id, key, now=NOON, remembered=REMEMBERED)
    [row] = shop.metric("revenue_by").rows
    assert {"EUR": row["revenue_minor"]} == record.traits["revenue"].value
    assert row["revenue_minor"] == (700 if correction > report else 500)


def test_an_order_without_a_country_counts_for_the_customers(any_shop: Shop) -> None:
    shop = any_shop
    shop.send(shop.message("Order Completed", at=NOON, user="bo", order_id="o1", revenue=5, currency="EUR"))
    shop.send({"type": "identify", "userId": "bo", "messageId": "i", "traits": {"address": {"country": "IT"}}})
    shop.fold()
    with shop.db.write() as conn:
        customers.refresh(conn, limit=10, buckets=range(BUCKETS), remembered=REMEMBERED)
    (row,) = shop.metric("revenue_by", by="country").rows
    assert (row["country"], row["revenue_minor"]) == ("IT", 500)


def test_facts_are_counted_by_the_minute_they_came_in(any_shop: Shop) -> None:
    shop = any_shop
    for n in range(3):
        shop.send(shop.message("Product Viewed", at=NOON + n * 40_000_000, user="ada", product_id="p"))
        shop.fold()
    assert [(row["minute"], row["facts"]) for row in shop.metric("facts").rows] == [
        (to_iso(NOON), 2), (to_iso(NOON + MINUTE), 1),
    ]  # fmt: skip
    assert shop.metric("facts", by="source").rows == [{"source": "website", "facts": 3}]


def test_an_unknown_metric_or_group_is_said(shop: Shop) -> None:
    with pytest.raises(NotFound, match="no metric"):
        shop.metric("nonsense")
    with pytest.raises(InvalidInput, match="cannot be grouped"):
        shop.metric("decisions", by="country")


def test_a_second_order_of_a_product_within_the_week_counts_and_one_told_twice_does_not(any_shop: Shop) -> None:
    shop = any_shop
    decision = shown(shop)
    shop.send(shop.message("Product Clicked", at=NOON + 2 * HOUR, user="ada", product_id="barolo",
                           decision_id=decision.decision_id))  # fmt: skip
    line = [{"product_id": "barolo", "price": 30, "quantity": 1}]
    for number, order in enumerate(("o1", "o1", "o2", None, None)):  # two systems tell of o1; two orders have no number
        named = {"order_id": order} if order else {}
        shop.send(shop.message("Order Completed", at=NOON + DAY + number * HOUR, user="ada", currency="EUR",
                               products=line, **named))  # fmt: skip
        shop.fold()
    [sold] = shop.metric("decision_sales").rows
    assert (sold["orders"], sold["products"], sold["revenue_minor"]) == (4, 4, 12_000)
    assert funnel(shop) == (1, 1, 1)


def test_an_order_that_is_folded_before_its_decision_counts_once(any_shop: Shop) -> None:
    """Another device's facts are another worker's, which may be ahead."""
    shop = any_shop
    shown(shop)
    shop.send(
        {"type": "identify", "messageId": "i", "userId": "ada", "anonymousId": "phone", "timestamp": to_iso(NOON)}
    )
    shop.fold()
    asked = DecisionAsked(placement="product.also", customer=ADA, context={"product_id": "chianti"})
    decision, row = shop.decider.compute(shop.id, asked, now=NOON + 3 * HOUR)
    shop.send(
        shop.message("Product Clicked", at=NOON + 4 * HOUR, user="ada", product_id="barolo",
                     decision_id=decision.decision_id),
        shop.message("Order Completed", at=NOON + 5 * HOUR, browser="phone", order_id="o", products=BAROLO),
        shop.message("Order Completed", at=NOON + HOUR, browser="phone", order_id="before", products=BAROLO),
    )  # fmt: skip
    shop.fold(batch=1)
    with shop.db.write() as conn:
        log.append(conn, [row])
    shop.fold()
    bought = [one for one in shop.rows(decision_outcomes) if one["kind"] == "bought"]
    assert [one["order_id"] for one in bought if one["decision_id"] == decision.decision_id] == ["o"]


def test_orders_after_what_was_shown_are_found_page_by_page(any_shop: Shop) -> None:
    """However many facts stand at one moment where a page ends."""
    shop = any_shop
    decision = shown(shop)
    shop.send(*(
        shop.message(name, at=NOON + hours * HOUR, user="ada", order_id=f"{name} {hours} {n}", products=BAROLO)
        for name in ("Order Completed", "Cart Viewed") for hours in (0, 2, 3) for n in range(3)
    ))  # fmt: skip
    shop.fold()
    with shop.db.read() as conn:
        items = items_of(
            conn,
            shop.id,
            [Key(bytes(shop.rows(decision_items)[0]["strand"]))],
            kind="product",
            since=NOON,
            until=NOON + DAY,
        )
        assert {item.decision_id for item in items} == {decision.decision_id}
        found = [
            sorted(fact.id for _, fact in orders_after(conn, shop.id, items, ordered="Order Completed", page=page))
            for page in (1, 2, 1_000)
        ]
    assert len(found[0]) == 6
    assert found[0] == found[1] == found[2]


def test_an_order_noted_by_its_report_is_not_noted_again_by_its_number(any_shop: Shop) -> None:
    """Rows from before migration 0081 bear the id of the fact."""
    shop = any_shop
    shown(shop)
    for order in ("o", "o", "p"):
        shop.send(shop.message("Order Completed", at=NOON + 2 * HOUR, user="ada", order_id=order, products=BAROLO))
        shop.fold()
        with shop.db.write() as conn:
            conn.execute(decision_outcomes.update().values(order_id=decision_outcomes.c.fact_id))
    assert len(shop.rows(decision_outcomes)) == 2


def test_clicks_without_a_decision_are_counted_apart_and_too_many_are_an_alarm(any_shop: Shop) -> None:
    shop = any_shop
    decision = shown(shop)

    def click(product: str, made: str) -> None:
        shop.send(shop.message("Product Clicked", at=NOON + 2 * HOUR, user="ada", product_id=product, decision_id=made))

    def alarms() -> list[str]:
        with shop.db.read() as conn:
            return [one.what for watch in WATCHES if watch.read for one in watch.read(conn, shop.id, NOON + DAY)]

    for n in range(45):
        click("barolo", decision.decision_id)
        if n < 6:
            click("barolo", f"dec_invented_{n}")
            click("never-shown", decision.decision_id)
            shop.fold()
            assert alarms() == []
    shop.fold(batch=7)
    with shop.db.read() as conn:
        counted = {(one.placement, one.stray): one.clicks for one in clicks_since(conn, shop.id, NOON)}
    assert counted == {("product.also", ""): 45, ("", "unknown"): 6, ("product.also", "not_shown"): 6}
    assert [row["decision_id"] for row in shop.rows(decision_outcomes)] == [decision.decision_id]
    assert len(shop.facts("Product Clicked")) == 57
    [told] = alarms()
    assert told.startswith("12 of 57 clicks")


def test_a_place_that_gets_all_clicks_is_an_alarm(any_shop: Shop) -> None:
    shop = any_shop
    for product in ("chianti", "barolo", "soave"):
        shop.send(shop.message("Product Viewed", at=NOON, browser="v1", product_id=product))
    shop.fold()
    decision = shop.decide(at=NOON + HOUR, customer=ADA, product_id="chianti")
    assert len(decision.items) == 2

    def click(times: int, **more: Any) -> list[str]:
        for _ in range(times):
            shop.send(shop.message("Product Clicked", at=NOON + 2 * HOUR, user="ada", product_id="barolo",
                                   decision_id=decision.decision_id, **more))  # fmt: skip
        shop.fold()
        with shop.db.read() as conn:
            return [one.what for watch in WATCHES if watch.read for one in watch.read(conn, shop.id, NOON + DAY)]

    assert click(60) == click(49, position="1") == []
    [told] = click(1, position=1)
    assert told.startswith("All 50 clicks on “product.also”")
    assert click(1, position=2) == []


def test_an_order_in_the_instant_of_a_decision_counts_and_one_told_in_whole_seconds_before_it_does_not(
    shop: Shop,
) -> None:
    """A decision of a page of thanks is made within the second of the order that it thanks for: no merit of its own."""
    shop.send(shop.message("Product Viewed", at=NOON, user="ada", product_id="chianti"),
              shop.message("Product Viewed", at=NOON, user="ada", product_id="barolo"))  # fmt: skip
    shop.fold()
    at = NOON + HOUR + 400_000
    decision = shop.decide(at=at, customer=ADA, product_id="chianti")
    assert [item["product_id"] for item in decision.items] == ["barolo"]
    shop.send(
        shop.message("Order Completed", at=NOON + HOUR, user="ada", order_id="thanked", products=BAROLO),
        shop.message("Order Completed", at=at, user="ada", order_id="then", products=BAROLO),
    )  # fmt: skip
    shop.fold()
    bought = [one["order_id"] for one in shop.rows(decision_outcomes) if one["kind"] == "bought"]
    assert bought == ["then"]

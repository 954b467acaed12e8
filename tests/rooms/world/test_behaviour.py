"""What people of the town do follows rules that a shop could find in its facts."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime

import pytest

from rapport.kernel.clock import SECOND
from rapport.world.catalogue import the_catalogue
from rapport.world.messages import Delivery
from tests.rooms.world.conftest import Past


def orders(past: Past, *channels: str) -> list[Delivery]:
    return [
        d
        for d in past.firsts
        if d.message.get("event") == "Order Completed" and (not channels or d.channel in channels)
    ]


def minor(amount: float) -> int:
    return round(amount * 100)


def test_everything_ordered_on_a_screen_was_added_to_that_cart_before(past: Past) -> None:
    added: dict[str, Counter[tuple[str, str | None]]] = defaultdict(Counter)
    checked = 0
    for delivery in past.firsts:
        event, properties = delivery.message.get("event"), delivery.message.get("properties", {})
        if event in ("Product Added", "Wishlist Product Added to Cart"):
            added[properties["cart_id"]][properties["product_id"], properties.get("variant")] += properties["quantity"]
        elif event == "Product Removed":
            del added[properties["cart_id"]][properties["product_id"], properties.get("variant")]
        elif event == "Order Completed" and delivery.channel in ("web", "app"):
            checked += 1
            assert properties["products"]
            bought = {(p["product_id"], p.get("variant")): p["quantity"] for p in properties["products"]}
            assert bought == dict(added[properties["cart_id"]])
    assert checked > 200


def test_every_order_adds_up(past: Past) -> None:
    """Lines less discount are revenue and tax; the total has the delivery as well."""
    for delivery in orders(past):
        properties = delivery.message["properties"]
        lines = sum(minor(p["price"]) * p["quantity"] for p in properties["products"])
        revenue, tax = minor(properties["revenue"]), minor(properties["tax"])
        assert lines - minor(properties["discount"]) == revenue + tax
        assert minor(properties["total"]) == revenue + tax + minor(properties["shipping"])
        assert properties["currency"] in ("GBP", "EUR")
        assert all(0 < p["cost"] < p["price"] for p in properties["products"])


def test_an_order_has_one_id_and_a_refund_names_an_order_that_was_paid(past: Past) -> None:
    paid = {d.message["properties"]["order_id"]: d for d in orders(past)}
    assert len(paid) == len(orders(past))
    refunds = [d for d in past.firsts if d.message.get("event") == "Order Refunded"]
    assert len(refunds) > 30
    for refund in refunds:
        properties = refund.message["properties"]
        order = paid[properties["order_id"]]
        assert order.occurred_at < refund.occurred_at
        assert order.person == refund.person
        assert 0 < properties["total"] <= order.message["properties"]["total"]
        kept = {p["product_id"]: p["quantity"] for p in order.message["properties"]["products"]}
        assert all(p["product_id"] in kept for p in properties["products"])


def test_carts_are_abandoned_and_some_are_fetched_again(past: Past) -> None:
    opened = {d.message["properties"]["cart_id"] for d in past.firsts if d.message.get("event") == "Product Added"}
    bought = {d.message["properties"].get("cart_id") for d in orders(past, "web", "app")}
    assert 0.3 < 1 - len(opened & bought) / len(opened) < 0.9
    added_at = {
        d.message["properties"]["cart_id"]: d.occurred_at
        for d in reversed(past.firsts)
        if d.message.get("event") == "Product Added"
    }
    waits = [
        d.occurred_at - added_at[d.message["properties"]["cart_id"]]
        for d in orders(past, "web", "app")
        if d.message["properties"]["cart_id"] in added_at
    ]
    assert sum(wait > 3_600 * SECOND for wait in waits) > 10


def test_baskets_before_the_weekend_hold_more_and_cheaper_things(past: Past) -> None:
    pieces: dict[bool, list[int]] = {True: [], False: []}
    prices: dict[bool, list[float]] = {True: [], False: []}
    catalogue = the_catalogue()
    for delivery in orders(past):
        eve = datetime.fromtimestamp(delivery.occurred_at / SECOND, tz=UTC).weekday() in (3, 4)
        products = delivery.message["properties"]["products"]
        pieces[eve].append(sum(p["quantity"] for p in products))
        prices[eve] += [catalogue.by_id[p["product_id"]].price_minor["GBP"] for p in products]
    more = sum(pieces[True]) / len(pieces[True]) / (sum(pieces[False]) / len(pieces[False]))
    cheaper = sum(prices[True]) / len(prices[True]) / (sum(prices[False]) / len(prices[False]))
    assert more > 1.15
    assert cheaper < 0.9


def test_evenings_are_busier_than_mornings_and_nights_are_quiet(past: Past) -> None:
    hours = Counter(datetime.fromtimestamp(d.occurred_at / SECOND, tz=UTC).hour for d in past.firsts)
    assert hours[20] > 1.4 * hours[10] > 5 * hours[3]


def test_the_corkscrew_goes_with_the_red(past: Past) -> None:
    """What is looked at after a red wine is mostly wine, and corkscrews more often than chance would have it."""
    catalogue = the_catalogue()
    last: dict[str, str] = {}
    after_red: Counter[str] = Counter()
    overall: Counter[str] = Counter()
    for delivery in past.firsts:
        if delivery.message.get("event") != "Product Viewed":
            continue
        product = catalogue.by_id[delivery.message["properties"]["product_id"]]
        label = "corkscrew" if "corkscrew" in product.tags else product.department
        overall[label] += 1
        if last.get(delivery.person) == "red":
            after_red[label] += 1
        last[delivery.person] = "red" if "red" in product.tags else product.department
    share = after_red["corkscrew"] / after_red.total()
    assert share > 2 * overall["corkscrew"] / overall.total()
    assert after_red["Wine"] / after_red.total() > 0.5


def test_people_are_true_to_their_taste(past: Past) -> None:
    """Half of what somebody buys comes from the two categories they buy most of: there is something to learn."""
    bought: dict[str, Counter[str]] = defaultdict(Counter)
    for delivery in orders(past):
        bought[delivery.person].update(p["category"] for p in delivery.message["properties"]["products"])
    shares = [
        sum(n for _, n in counts.most_common(2)) / counts.total() for counts in bought.values() if counts.total() >= 8
    ]
    assert len(shares) > 50
    assert sum(shares) / len(shares) > 0.5


def test_campaigns_say_what_they_cost(past: Past) -> None:
    campaigns = [d.message["context"]["campaign"] for d in past.firsts if "campaign" in d.message["context"]]
    assert len(campaigns) > 1_000
    for campaign in campaigns:
        assert campaign["name"]
        assert campaign["source"] == "newsletter" or campaign["cost"] > 0


def test_people_become_known_in_every_way_a_shop_knows_them(past: Past) -> None:
    namespaces = Counter(identifier.namespace for s in past.world.shoppers.values() for identifier in s.used)
    assert set(namespaces) == {
        "anonymous_id", "user_id", "email", "phone", "device", "loyalty_card", "card", "marketplace_buyer",
    }  # fmt: skip


def test_clothes_come_back_more_often_than_wine(past: Past) -> None:
    sold: Counter[str] = Counter()
    back: Counter[str] = Counter()
    for delivery in past.firsts:
        counter = {"Order Completed": sold, "Order Refunded": back}.get(delivery.message.get("event", ""))
        if counter is not None:
            counter.update(
                the_catalogue().by_id[p["product_id"]].department for p in delivery.message["properties"]["products"]
            )
    assert back["Clothing"] / sold["Clothing"] > 4 * back["Wine"] / sold["Wine"]


@pytest.mark.parametrize("currency", ["GBP", "EUR"])
def test_every_product_earns_something(currency: str) -> None:
    catalogue = the_catalogue()
    assert 270 <= len(catalogue.products) == len(catalogue.by_slug) <= 330
    for product in catalogue.products:
        assert product.cost_minor[currency] < product.price_minor[currency] / (1 + product.vat("GB"))


def test_stores_keep_stock_that_runs_down_and_is_filled_up() -> None:
    catalogue = the_catalogue()
    chianti = catalogue.products[0]
    fortnight = [catalogue.stock(catalogue.stores[0], chianti, day=day) for day in range(14)]
    assert max(fortnight) > min(fortnight) >= 0

"""Olist (Brazilian E-Commerce Public Dataset by Olist, CC BY-NC-SA 4.0; the sample in the shared data): what the import
states, and what the Golden Records say, equals plain sums over the tables made with Python's csv module alone."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from rapport.adapters.files import ImportReport, import_olist
from rapport.kernel.money import to_minor
from tests.published.importing import Shop, folded, open_shop

pytestmark = pytest.mark.data

Table = list[dict[str, str]]


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    """The folder with the tables."""
    return shared_data / "olist"


@pytest.fixture(scope="module")
def shop(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop into which the tables were imported."""
    with open_shop(tmp_path_factory.mktemp("olist")) as opened:
        opened.report = import_olist(opened.db, folder, workspace=opened.workspace)
        yield opened


def _table(folder: Path, name: str) -> Table:
    with (folder / f"olist_{name}_dataset.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_of_the_tables_is_a_fact(folder: Path, shop: Shop) -> None:
    orders = _table(folder, "orders")
    stated = Counter(fact.name for fact in shop.facts())

    assert stated["Order Completed"] == stated["Identified"] == len(orders) == 8_135
    assert stated["Product Reviewed"] == len(_table(folder, "order_reviews")) == 8_225
    assert stated["Order Cancelled"] == sum(order["order_status"] == "canceled" for order in orders) == 625
    assert stated["Order Shipped"] == sum(order["order_delivered_carrier_date"] != "" for order in orders)
    assert stated["Order Delivered"] == sum(order["order_delivered_customer_date"] != "" for order in orders) == 5_170
    assert shop.report.refusals == 0
    assert shop.report.added == sum(stated.values())


def test_revenue_and_shipping_are_the_sums_of_prices_and_freight(folder: Path, shop: Shop) -> None:
    items = _table(folder, "order_items")
    revenue = shipping = pieces = 0
    for fact in shop.facts("Order Completed"):
        properties = fact.properties
        assert properties["currency"] == "BRL"
        revenue += to_minor(properties["revenue"], "BRL") or 0
        shipping += to_minor(properties["shipping"], "BRL") or 0
        pieces += sum(product["quantity"] for product in properties["products"])

    assert revenue == sum(Decimal(item["price"]) for item in items) * 100
    assert shipping == sum(Decimal(item["freight_value"]) for item in items) * 100
    assert pieces == len(items)


def test_what_was_paid_is_the_sum_of_payments(folder: Path, shop: Shop) -> None:
    paid = sum(to_minor(fact.properties["paid"], "BRL") or 0 for fact in shop.facts("Order Completed"))

    assert paid == sum(Decimal(payment["payment_value"]) for payment in _table(folder, "order_payments")) * 100


def test_a_person_is_the_same_over_all_orders(folder: Path, shop: Shop) -> None:
    people = {customer["customer_unique_id"] for customer in _table(folder, "customers")}

    assert {fact.user_id for fact in shop.facts()} == people
    assert len(people) == 8_016


def test_late_deliveries_and_their_ratings_are_as_published(shop: Shop) -> None:
    """**Source:** the data set's own notes: 6.6 % arrived after the promised day; 2.18 stars late, 4.27 on time."""
    late = {fact.properties["order_id"]: fact.properties["late"] for fact in shop.facts("Order Delivered")}
    ratings: dict[bool, list[int]] = {True: [], False: []}
    for fact in shop.facts("Product Reviewed"):
        if fact.properties["order_id"] in late:
            ratings[late[fact.properties["order_id"]]].append(fact.properties["rating"])

    assert round(sum(late.values()) / len(late), 3) == 0.066
    assert round(sum(ratings[True]) / len(ratings[True]), 2) == 2.18
    assert round(sum(ratings[False]) / len(ratings[False]), 2) == 4.27


def test_importing_again_adds_nothing(folder: Path, shop: Shop) -> None:
    before = shop.count()

    repeated = import_olist(shop.db, folder, workspace=shop.workspace)
    again: ImportReport = import_olist(shop.db, folder, workspace=shop.workspace, again=True)

    assert repeated.repeated
    assert (again.added, again.known) == (0, before)
    assert shop.count() == before


@pytest.mark.slow
def test_the_people_of_olist_have_their_orders_and_their_money(folder: Path, shop: Shop, tmp_path: Path) -> None:
    """8,016 people with 8,135 orders; what cancelled ones would have brought is off the revenue that was kept."""
    with folded(shop, tmp_path) as after:
        people, nameless = after.known()

    person = {c["customer_id"]: c["customer_unique_id"] for c in _table(folder, "customers")}
    price: dict[str, Decimal] = defaultdict(Decimal)
    for item in _table(folder, "order_items"):
        price[item["order_id"]] += Decimal(item["price"])
    orders, cancelled, centavos, kept = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for order in _table(folder, "orders"):
        buyer = person[order["customer_id"]]
        orders[buyer] += 1
        centavos[buyer] += int(price[order["order_id"]] * 100)
        if order["order_status"] == "canceled":
            cancelled[buyer] += 1
        else:
            kept[buyer] += int(price[order["order_id"]] * 100)

    assert nameless == {}
    assert people.keys() == set(person.values())
    assert len(people) == 8_016
    assert Counter({who: traits.get("orders", 0) for who, traits in people.items()}) == orders
    assert Counter({who: traits.get("cancelled_orders", 0) for who, traits in people.items()}) == cancelled
    assert {who: traits.get("revenue", {}).get("BRL", 0) for who, traits in people.items()} == {
        who: centavos[who] for who in people
    }
    assert {who: traits.get("net_revenue", {}).get("BRL", 0) for who, traits in people.items()} == {
        who: kept[who] for who in people
    }
    assert (orders.total(), centavos.total()) == (8_135, 109_326_435)
    assert {traits["country"] for traits in people.values()} == {"BR"}

"""From files to Golden Records: each customer's orders and money are what plain sums over the tables say."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rapport.adapters.files import import_olist, import_online_retail
from tests.published.importing import Shop, open_shop

pytestmark = [pytest.mark.data, pytest.mark.slow]

Known = dict[str, dict[str, Any]]


def _known(shop: Shop) -> tuple[Known, Known]:
    """Values of the traits of all customers, by user id, and those of customers without one, by anonymous id."""
    named: Known = {}
    nameless: Known = {}
    for (identifier,), traits in shop.golden_records():
        (named if identifier.namespace == "user_id" else nameless)[identifier.value] = traits
    return named, nameless


def _table(path: Path) -> list[dict[str, str]]:
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_people_of_olist_have_their_orders_and_their_money(shared_data: Path, tmp_path: Path) -> None:
    """8,016 people with 8,135 orders; what cancelled ones would have brought is off the revenue that was kept."""
    folder = shared_data / "olist"
    with open_shop(tmp_path) as shop:
        import_olist(shop.db, folder, workspace=shop.workspace)
        shop.fold()
        people, nameless = _known(shop)

    person = {c["customer_id"]: c["customer_unique_id"] for c in _table(folder / "olist_customers_dataset.csv")}
    price: dict[str, Decimal] = defaultdict(Decimal)
    for item in _table(folder / "olist_order_items_dataset.csv"):
        price[item["order_id"]] += Decimal(item["price"])
    orders, cancelled, centavos, kept = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for order in _table(folder / "olist_orders_dataset.csv"):
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


def test_the_customers_of_online_retail_have_their_money_and_their_refunds(shared_data: Path, tmp_path: Path) -> None:
    """4,372 known customers; the whole file's trade is in their Golden Records and those of nameless buyers."""
    file = shared_data / "retail" / "online_retail.csv.gz"
    with open_shop(tmp_path) as shop:
        import_online_retail(shop.db, file, workspace=shop.workspace)
        shop.fold()
        customers, nameless = _known(shop)

    bought: dict[str, Decimal] = defaultdict(Decimal)
    returned: dict[str, Decimal] = defaultdict(Decimal)
    trade = Decimal(0)
    for line in _table(file):
        amount = Decimal(line["Quantity"]) * Decimal(line["UnitPrice"])
        if line["InvoiceNo"].startswith("A"):
            continue
        trade += amount
        if line["CustomerID"]:
            side = returned if line["InvoiceNo"].startswith("C") else bought
            side[line["CustomerID"].removesuffix(".0")] += amount

    assert len(customers) == 4_372
    for who, traits in customers.items():
        assert traits.get("revenue", {}).get("GBP", 0) == round(bought[who] * 100), who
        assert traits.get("refunds", {}).get("GBP", 0) == round(-returned[who] * 100), who
    everyone = [*customers.values(), *nameless.values()]
    kept = sum(t.get("revenue", {}).get("GBP", 0) - t.get("refunds", {}).get("GBP", 0) for t in everyone)
    assert kept == round(trade * 100)

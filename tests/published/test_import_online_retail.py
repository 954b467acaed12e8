"""UCI Online Retail (Daqing Chen, 2015, CC BY 4.0), complete: 541,909 invoice lines. What the import states equals
plain sums over the file made with Python's csv module and exact decimals alone."""

from __future__ import annotations

import csv
import gzip
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from rapport.adapters.files import import_online_retail
from rapport.adapters.files.online_retail import COUNTRIES
from rapport.app.wiring import installed
from rapport.kernel.clock import now_us
from rapport.kernel.facts import Fact
from rapport.kernel.money import to_minor
from rapport.measure.model import Question
from rapport.measure.service import Metrics
from tests.published.importing import Shop, folded, open_shop

pytestmark = pytest.mark.data

Line = dict[str, str]


@pytest.fixture(scope="module")
def file(shared_data: Path) -> Path:
    """The table."""
    return shared_data / "retail" / "online_retail.csv.gz"


@pytest.fixture(scope="module")
def lines(file: Path) -> list[Line]:
    """Its lines."""
    with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


@pytest.fixture(scope="module")
def shop(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop into which the table was imported."""
    with open_shop(tmp_path_factory.mktemp("retail")) as opened:
        opened.report = import_online_retail(opened.db, file, workspace=opened.workspace)
        yield opened


def _pence(lines: list[Line]) -> dict[str, int]:
    """The straight sum of quantity x price by country."""
    total: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        total[COUNTRIES.get(line["Country"], line["Country"])] += Decimal(line["Quantity"]) * Decimal(line["UnitPrice"])
    return {country: int((amount * 100).to_integral_value(ROUND_HALF_UP)) for country, amount in total.items()}


def _stated(shop: Shop, name: str, field: str) -> dict[str, int]:
    total: dict[str, int] = defaultdict(int)
    for fact in shop.facts(name):
        assert fact.properties["currency"] == "GBP"
        minor = to_minor(fact.properties[field], "GBP")
        assert minor is not None
        total[fact.properties["country"]] += minor
    return total


def test_revenue_of_each_country_is_a_straight_sum_over_the_file(lines: list[Line], shop: Shop) -> None:
    """Orders less refunds are all lines but the three of bad debt; with those they are the whole file, to the penny."""
    orders, refunds = _stated(shop, "Order Completed", "revenue"), _stated(shop, "Order Refunded", "revenue")
    debt = _stated(shop, "Bad Debt Adjusted", "amount")
    trade = [line for line in lines if not line["InvoiceNo"].startswith("A")]

    assert {country: orders[country] - refunds[country] for country in orders} == _pence(trade)
    assert {country: orders[country] - refunds[country] + debt[country] for country in orders} == _pence(lines)
    assert sum(_pence(lines).values()) == 974_774_793
    assert len(orders) == 38


def test_refunds_of_each_country_are_its_credit_notes(lines: list[Line], shop: Shop) -> None:
    credit = _pence([line for line in lines if line["InvoiceNo"].startswith("C")])

    assert {country: -pence for country, pence in _stated(shop, "Order Refunded", "revenue").items()} == credit


def test_every_invoice_is_one_fact(lines: list[Line], shop: Shop) -> None:
    invoices = {line["InvoiceNo"] for line in lines}
    stated = Counter(fact.name for fact in shop.facts())

    assert stated["Order Refunded"] == sum(number.startswith("C") for number in invoices) == 3_836
    assert stated["Bad Debt Adjusted"] == sum(number.startswith("A") for number in invoices) == 3
    counted = {fact.properties["adjustment_id"] for fact in shop.facts("Stock Adjusted")}
    assert stated["Order Completed"] + stated["Order Refunded"] + 3 + len(counted) == len(invoices) == 25_900
    assert shop.report.rows == len(lines) == 541_909
    assert (shop.report.refusals, shop.report.added) == (0, sum(stated.values()))


def _lines_of(fact: Fact) -> list[dict[str, Any]]:
    return [*fact.properties["products"], *fact.properties.get("charges", [])]


def test_every_piece_sold_or_returned_is_kept(lines: list[Line], shop: Shop) -> None:
    pieces = sum(line["quantity"] for fact in shop.facts("Order Completed") for line in _lines_of(fact))
    back = sum(line["quantity"] for fact in shop.facts("Order Refunded") for line in _lines_of(fact))
    stock = sum(fact.properties["quantity"] for fact in shop.facts("Stock Adjusted"))
    debt = 3

    assert pieces - back + stock + debt == sum(int(line["Quantity"]) for line in lines)


def test_known_customers_are_those_of_the_file(lines: list[Line], shop: Shop) -> None:
    known = {line["CustomerID"].removesuffix(".0") for line in lines} - {""}

    assert {fact.user_id for fact in shop.facts() if fact.user_id} == known
    assert len(known) == 4_372
    buyers = {line["InvoiceNo"] for line in lines if not line["CustomerID"]}
    assert {(fact.anonymous_id or "").removeprefix("invoice:") for fact in shop.facts() if not fact.user_id} <= {
        *buyers, "shop:online-retail",
    }  # fmt: skip


def test_the_longest_invoice_is_kept_whole(lines: list[Line], shop: Shop) -> None:
    """573585 has 1,114 lines: more than 32 KiB of JSON, which the limits of an import allow."""
    (longest,) = (fact for fact in shop.facts() if fact.properties.get("order_id") == "573585")

    assert len(longest.properties["products"]) + len(longest.properties["charges"]) == 1_114


def test_importing_again_adds_nothing(file: Path, shop: Shop) -> None:
    before = shop.count()

    assert import_online_retail(shop.db, file, workspace=shop.workspace).repeated
    assert shop.count() == before


def _is_of_a_third(number: str) -> bool:
    """Of customers by their number, and of nameless buyers by their invoice's."""
    return sum(map(ord, number)) % 3 == 0


@pytest.fixture(scope="module")
def third(lines: list[Line]) -> list[Line]:
    """The lines of every third customer and every third nameless buyer, each with `who`."""
    return [
        line | {"who": who}
        for line in lines
        if _is_of_a_third(who := line["CustomerID"].removesuffix(".0") or line["InvoiceNo"])
        and not line["InvoiceNo"].startswith("A")
    ]


@pytest.fixture(scope="module")
def after(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The shop with what those did, folded."""
    with folded(
        shop, tmp_path_factory.mktemp("third"),
        among=lambda fact: _is_of_a_third(fact.user_id or (fact.anonymous_id or "")[len("invoice:") :]),
    ) as found:  # fmt: skip
        yield found


@pytest.mark.slow
def test_the_customers_of_online_retail_have_their_money_and_their_refunds(third: list[Line], after: Shop) -> None:
    """Every third customer and every third nameless buyer: what they bought and gave back is in their records."""
    customers, nameless = after.known()
    bought: dict[str, Decimal] = defaultdict(Decimal)
    returned: dict[str, Decimal] = defaultdict(Decimal)
    for line in third:
        side = returned if line["InvoiceNo"].startswith("C") else bought
        side[line["who"]] += Decimal(line["Quantity"]) * Decimal(line["UnitPrice"])

    assert len(customers) == len({line["who"] for line in third if line["CustomerID"]}) > 1_400
    for who, traits in customers.items():
        assert traits.get("revenue", {}).get("GBP", 0) == round(bought[who] * 100), who
        assert traits.get("refunds", {}).get("GBP", 0) == round(-returned[who] * 100), who
    everyone = [*customers.values(), *nameless.values()]
    kept = sum(t.get("revenue", {}).get("GBP", 0) - t.get("refunds", {}).get("GBP", 0) for t in everyone)
    assert kept == round((sum(bought.values()) + sum(returned.values())) * 100)


COHORTS = """
WITH orders AS (
    SELECT who, invoice, min(month) AS month, (sum(pieces * mills) + 5) / 10 AS pence, min(named) AS named
    FROM lines WHERE invoice NOT LIKE 'C%' GROUP BY who, invoice HAVING min(named) OR max(mills) > 0
), first AS (SELECT who, min(month) AS month FROM orders GROUP BY who)
SELECT f.month, o.month, count(DISTINCT o.who), count(*), sum(o.pence)
FROM orders o JOIN first f USING (who) GROUP BY f.month, o.month ORDER BY f.month, o.month
"""


@pytest.mark.slow
def test_revenue_new_customers_and_monthly_cohorts_are_those_of_straight_sql(third: list[Line], after: Shop) -> None:
    """By London's calendar; each nameless invoice is a buyer of its own."""
    with sqlite3.connect(":memory:") as straight:
        straight.execute("CREATE TABLE lines (who, invoice, month, pieces, mills, named)")
        straight.executemany("INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?)", (
            (line["who"], line["InvoiceNo"], line["InvoiceDate"][:7], int(line["Quantity"]),
             int(Decimal(line["UnitPrice"]) * 1000), bool(line["CustomerID"])) for line in third
        ))  # fmt: skip
        cells = straight.execute(COHORTS).fetchall()
    assert {int(Decimal(line["UnitPrice"]) * 1000) / 1000 - float(line["UnitPrice"]) for line in third} == {0.0}

    metrics = Metrics(installed().metrics)
    asked = Question(workspace=after.workspace.id, since=0, until=now_us(), by="month", zone="Europe/London")
    with after.db.read() as conn:
        rows = {name: metrics.answer(conn, name, asked).rows for name in ("retention", "revenue", "new_customers")}
    assert [(row["month"], row["period"], row["active"]) for row in rows["retention"] if row["active"]] == [
        cell[:3] for cell in cells
    ]  # fmt: skip
    first = {row["month"]: row["new_customers"] for row in rows["new_customers"] if row["new_customers"]}
    assert first == {cohort: active for cohort, month, active, *_ in cells if cohort == month}
    for name, column in (("orders", 3), ("revenue_minor", 4)):
        straight_sums = Counter[str]()
        for cell in cells:
            straight_sums[cell[1]] += cell[column]
        # Months with refunds alone have a row, too.
        assert {row["month"]: row[name] for row in rows["revenue"] if row["orders"]} == straight_sums, name

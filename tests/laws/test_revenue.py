"""Law of revenue: the numbers of the shop are the sums of what its customers' records say, whatever was told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rapport.capabilities.orders.kept_sums import SUMMING, revenue_marks
from rapport.kernel.clock import DAY, HOUR
from rapport.kernel.errors import NotFound
from rapport.remember.golden import find_key, golden_record
from rapport.storage.workspaces import WorkspaceSettings, create_workspace
from tests.databases import ENGINES, database_at
from tests.jobs import turns
from tests.remembered import REMEMBERED
from tests.shop import NOON, Message, Shop

USERS = ("ada", "bo")

CREDIT_NOTE = "Credit Note"
"""A refund that names no order, told of the browser of whoever placed it."""

ORDER = st.integers(0, 3)
AT = st.sampled_from([0, 1, 2, 13 * HOUR, 30 * HOUR])
AMOUNT = st.sampled_from([-3, 0, 5, 7.25, 100, "abc"])
CURRENCY = st.sampled_from(["EUR", "USD", "JPY", "KWD", "POINTS", None])
PRODUCT = st.fixed_dictionaries(
    {"product_id": st.sampled_from("pq")},
    optional={"price": st.sampled_from([2, 0.335, "3.10"]), "quantity": st.sampled_from([1, 2, "1.5", -1, 0])},
)
MONEY = st.fixed_dictionaries(
    {},
    optional={
        "revenue": AMOUNT, "total": AMOUNT, "tax": st.sampled_from([0, 1, 19]), "tip": st.sampled_from([0, 2]),
        "currency": CURRENCY,
        "products": st.lists(PRODUCT, max_size=2),
    },
)  # fmt: skip
STATE = st.sampled_from(["processing", "Storniert", "wc-cancelled", "refunded"])
SAID = st.builds(lambda money, state: money | state, MONEY, st.just({}) | st.fixed_dictionaries({"status": STATE}))
NOTHING: st.SearchStrategy[dict[str, Any]] = st.just({})
TOLD = st.one_of(
    st.tuples(st.just("Order Completed"), ORDER, AT, SAID, st.none(), st.booleans()),
    st.tuples(st.just("Order Updated"), ORDER, AT, SAID, st.none(), st.booleans()),
    st.tuples(st.just("Order Cancelled"), ORDER, AT, NOTHING, st.none(), st.booleans()),
    st.tuples(st.just("Order Refunded"), ORDER, AT, MONEY | NOTHING, st.none() | st.integers(0, 1), st.booleans()),
    st.tuples(st.just(CREDIT_NOTE), ORDER, AT, MONEY | NOTHING, st.integers(0, 1), st.booleans()),
)
"""A fact, its order, microseconds after noon, what it says of money and state, refund id, whether a browser says it.
An order is of one customer, and orders have refunds of the same ids."""

COLUMNS = {
    "orders": "orders", "revenue": "revenue_minor", "refunds": "refunds_minor", "net_revenue": "net_minor",
    "cancelled": "cancelled_minor",
}  # fmt: skip

_numbers = count()


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with database_at(request.param, tmp_path_factory.mktemp("revenue")) as url:
        found = Shop(url)
        yield found
        found.close()


def begin(shop: Shop, zone: str) -> None:
    """Another shop of the installation, with nothing in it."""
    number = next(_numbers)
    with shop.db.write() as conn:
        made = WorkspaceSettings(time_zone=zone)
        shop.id = create_workspace(conn, slug=f"shop-{number}", name="Shop", now=NOON, settings=made).id


def message(shop: Shop, told: tuple[Any, ...]) -> Message:
    name, order, at, money, refund, *_ = told
    said = money if refund is None else {**money, "refund_id": str(refund)}
    user = USERS[order % 2]
    if name == CREDIT_NOTE:
        return shop.message("Order Refunded", at=NOON + at, browser=f"{user}-b", **said)
    return shop.message(name, at=NOON + at, user=user, order_id=f"o{order}", **said)


def sign_in(shop: Shop) -> None:
    """Each browser turns out to be its customer's."""
    shop.send(*(shop.message("Page Viewed", at=NOON, user=user, browser=f"{user}-b") for user in USERS))


def of_customers(shop: Shop) -> dict[str, Counter[str]]:
    """The customers' traits, summed by currency."""
    sums = {name: Counter[str]() for name in ("orders", "revenue", "refunds", "net_revenue")}
    with shop.db.read() as conn:
        for user in USERS:
            try:
                key = find_key(conn, shop.id, f"user_id:{user}")
                record = golden_record(conn, shop.id, key, now=NOON, remembered=REMEMBERED)
            except NotFound:
                continue
            for name, total in sums.items():
                value = record.traits[name].value if name in record.traits else {}
                total.update({"": value} if isinstance(value, int) else value)
    lost = {code: sums["revenue"][code] - sums["refunds"][code] - kept for code, kept in sums["net_revenue"].items()}
    return sums | {"cancelled": Counter(lost)}


def of_the_shop(shop: Shop, by: str) -> dict[str, Counter[str]]:
    """The metric by this, summed by currency."""
    sums = {name: Counter[str]() for name in COLUMNS}
    for row in shop.metric("revenue_by", by=by).rows:
        for name, column in COLUMNS.items():
            sums[name]["" if name == "orders" else row["currency"]] += row[column]
    return sums


def without_zeros(sums: dict[str, Counter[str]]) -> dict[str, dict[str, int]]:
    return {name: {code: minor for code, minor in total.items() if minor} for name, total in sums.items()}


@settings(max_examples=20, deadline=None)
@given(
    facts=st.lists(TOLD, max_size=14), strange=st.lists(TOLD, max_size=4), batch=st.sampled_from([1, 3, 1000]),
    summed=st.integers(0, 14), zone=st.sampled_from(["UTC", "Asia/Kolkata"]), known=st.booleans(),
)  # fmt: skip
@example(
    facts=[
        ("Order Completed", 0, 0, {"revenue": 100, "currency": "EUR"}, None, False),
        ("Order Refunded", 0, 1, {"revenue": 5, "currency": "EUR"}, 0, False),
        ("Order Cancelled", 0, 2, {}, None, False),
    ],
    strange=[],
    batch=1000,
    summed=2,
    zone="UTC",
    known=True,
)
@example(
    facts=[
        ("Order Completed", 0, 0, {"revenue": 100, "currency": "EUR"}, None, False),
        ("Order Refunded", 0, 1, {"revenue": 5, "currency": "EUR"}, 1, False),
        (CREDIT_NOTE, 0, 0, {"revenue": 5, "currency": "EUR"}, 1, False),
        (CREDIT_NOTE, 1, 0, {"revenue": 7, "currency": "EUR"}, 1, False),
    ],
    strange=[],
    batch=1000,
    summed=4,
    zone="UTC",
    known=False,
)
@example(
    facts=[
        ("Order Refunded", 0, 2, {"revenue": 2, "currency": "EUR"}, 1, True),
        ("Order Cancelled", 0, 1, {}, None, True),
        ("Order Completed", 0, 1, {"revenue": 5, "currency": "EUR", "status": "processing"}, None, True),
        ("Order Completed", 0, 2, {"revenue": 7, "currency": "EUR"}, None, False),
    ],
    strange=[
        ("Order Completed", 0, 0, {"revenue": 1, "currency": "EUR"}, None, True),
        ("Order Refunded", 0, 0, {}, 1, True),
        ("Order Cancelled", 0, 0, {}, None, True),
    ],
    batch=1,
    summed=2,
    zone="UTC",
    known=True,
)
@example(
    facts=[
        ("Order Refunded", 0, 2, {}, 1, False),
        ("Order Refunded", 0, 1, {"total": 7.25}, 0, False),
        ("Order Updated", 0, 1, {"revenue": 7}, None, False),
        ("Order Completed", 0, 0, {"total": 5, "tax": 1, "currency": "KWD"}, None, False),
        ("Order Cancelled", 0, 2, {}, None, False),
    ],
    strange=[],
    batch=1000,
    summed=3,
    zone="Asia/Kolkata",
    known=False,
)
def test_the_customers_records_add_up_to_the_shops_numbers(
    shop: Shop, facts: list[tuple[Any, ...]], strange: list[tuple[Any, ...]], batch: int, summed: int, zone: str,
    *, known: bool,
) -> None:  # fmt: skip
    """In every currency, in any order of arrival: orders, before refunds, refunds, cancelled, and what was kept.

    Whether the days were summed before the last of them came or after, whether it was known before or turns out last
    whose browsers are, and whatever a stranger says of these orders with the key of the website.
    """
    begin(shop, zone)
    if known:
        sign_in(shop)
    for some in (facts[:summed], facts[summed:]):
        turns(shop.db, SUMMING, now=NOON)
        for told in some:
            shop.send(message(shop, told), public=told[5])
        shop.fold(batch=batch)
        reported = {told[1] for told in facts if told[0] == "Order Completed"}
        lies = [
            message(shop, told) | {"userId": "mallory"}
            for told in strange
            if told[1] in reported and told[0] != CREDIT_NOTE
        ]
        shop.send(*lies, public=True, received_at=NOON + DAY * 9)
        shop.fold(batch=batch)
    turns(shop.db, SUMMING, now=NOON)
    if not known:
        sign_in(shop)
        shop.fold(batch=batch)
    add_up(shop)
    days = of_each_day(shop)
    turns(shop.db, SUMMING, now=NOON)
    add_up(shop)
    assert (days, shop.rows(revenue_marks)) == (of_each_day(shop), [])


def of_each_day(shop: Shop) -> list[dict[str, Any]]:
    return [row for row in shop.metric("revenue_by", by="day").rows if any(row[name] for name in COLUMNS.values())]


def add_up(shop: Shop) -> None:
    """The shop's number is the sum of its customers', by whatever it is asked."""
    expected = without_zeros(of_customers(shop))
    assert {by: without_zeros(of_the_shop(shop, by)) for by in ("currency", "day", "country")} == dict.fromkeys(
        ("currency", "day", "country"), expected
    )


def test_each_order_has_its_own_first_refund_and_one_that_names_no_order_is_not_another(shop: Shop) -> None:
    """Whichever comes first; a customer's, not another's."""
    begin(shop, "UTC")
    bought = [shop.message("Order Completed", at=NOON, user="ada", order_id=f"o{n}", revenue=50) for n in (1, 2)]
    back = [shop.message("Order Refunded", at=NOON + n, user="ada", order_id=f"o{n}", refund_id="1", revenue=n)
            for n in (1, 2)]  # fmt: skip
    unnamed = [shop.message("Order Refunded", at=NOON + n, user="ada", refund_id="1", revenue=7) for n in (0, 3)]
    shop.send(unnamed[0], *bought)
    shop.fold()
    assert of_the_shop(shop, "currency")["refunds"] == {"EUR": 700}
    shop.send(*back, unnamed[1])
    shop.send(shop.message("Order Refunded", at=NOON, user="bo", refund_id="1", revenue=4))
    shop.fold()
    add_up(shop)
    assert of_the_shop(shop, "currency")["refunds"] == {"EUR": 100 + 200 + 400}

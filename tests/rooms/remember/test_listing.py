"""Customers are found by whatever an agent has in hand, filtered as a marketer asks, and listed both ways."""

from __future__ import annotations

from typing import Any

import pytest

from rapport.capabilities.orders.finding import BY_NUMBER
from rapport.capabilities.orders.saving import save_orders
from rapport.capabilities.orders.store import OrderPart
from rapport.kernel.clock import DAY
from rapport.remember import listing, searching
from rapport.remember.listing import CustomerQuery, Listed
from rapport.web.finder import Lookups
from tests.rooms.remember.shop import START, Shop, bought, did

LOOKUPS = Lookups([BY_NUMBER])


def told(user: str, days: float = 0, **traits: Any) -> Any:
    """Somebody who said who they are, on the web, by a campaign named after them."""
    context = {"channel": "web", "campaign": {"name": f"of {user}"},
               "consent": {"categoryPreferences": {"marketing": user != "bo"}}}  # fmt: skip
    return did("Identified", days, user=user, traits=traits, context=context)


@pytest.fixture
def people(shop: Shop) -> Shop:
    """Ada, who buys most; Bo, who bought once, long ago; Cleo, who never did; and a visitor."""
    shop.take(
        told("ada", 1, name="Ada Lovelace", email="ada@example.com", phone="+49 30 1234567",
             address={"country": "DE", "postalCode": "10 115", "city": "Berlin"}),
        told("bo", 2, name="Bo Diddley", address={"country": "GB", "postalCode": "SW1A 1AA"}),
        told("cleo", 3, name="Cleo Love", phone="+49 151 23456789"),
        did("Page Viewed", 4, web="w-visitor", context={"channel": "web"}),
        bought("A-1001", 10, 5, user="bo"), bought("A-1002", 300, 90, user="ada"), bought("A-1003", 5, 91, user="ada"),
    )  # fmt: skip
    with shop.db.write() as conn:  # what the slice of orders keeps of them
        save_orders(conn, [
            OrderPart(shop.workspace, "A-1001", shop.key("user_id", "bo"), rank=0, at=START, currency="EUR"),
            OrderPart(shop.workspace, "A-1002", shop.key("user_id", "ada"), rank=0, at=START, currency="EUR"),
        ])  # fmt: skip
    return shop


def listed(shop: Shop, **wanted: Any) -> Listed:
    with shop.db.read() as conn:
        query = CustomerQuery(**wanted)
        return listing.list_counted(conn, shop.workspace, query, region="DE", lookups=LOOKUPS)


def labels(shop: Shop, **wanted: Any) -> list[str]:
    return [one.label for one in listed(shop, **wanted).page.customers]


FOUND = {
    "A-1001": "Bo", "#a-1002": "Ada", "A-10": "Ada Bo", "4567": "Ada", "123 4567": "Ada", "030 1234567": "Ada",
    "0151 23": "Cleo", "0151-234 56789": "Cleo",
    "6789": "Cleo", "567": "", "10115": "Ada", "SW1A1AA": "Bo", "sw1a 1": "Bo", "user_id:bo": "Bo",
    "email:ADA@example.com": "Ada", "ada@": "Ada", "lovelace ada": "Ada", "w-vis": "w-visitor", "cus_nonsense": "",
    "user_id:nobody": "", "%": "", "\x00": "Ada Bo Cleo w-visitor",
}  # fmt: skip


def test_somebody_is_found_by_whatever_is_at_hand(people: Shop) -> None:
    found = {typed: " ".join(sorted(label.split()[0] for label in labels(people, prefix=typed, sort="best")))
             for typed in FOUND}  # fmt: skip
    assert found == FOUND


def test_a_customer_id_finds_its_customer(people: Shop) -> None:
    assert labels(people, prefix=people.record("user_id:bo").id, sort="best") == ["Bo Diddley"]


def test_who_fits_best_comes_first_and_of_equals_who_was_seen_last(people: Shop) -> None:
    people.take(told("lo", 200, name="Lo Vester"), told("love", 1, name="X Y"))
    assert labels(people, prefix="love", sort="best") == ["X Y", "Cleo Love", "Ada Lovelace"]
    with people.db.read() as conn:
        asked, seen, cursor = CustomerQuery(prefix="lo", sort="best"), [], None
        while True:
            page = listing.list_customers(conn, people.workspace, asked, cursor=cursor, limit=2)
            seen += [one.label for one in page.customers]
            if (cursor := page.cursor) is None:
                break
    assert seen == ["Lo Vester", "Ada Lovelace", "Cleo Love", "X Y"]


FILTERED: list[tuple[dict[str, Any], str]] = [
    ({"who": "customers"}, "Ada Bo Cleo"), ({"who": "visitors"}, "w-visitor"),
    ({"ordered_after": START + 30 * DAY}, "Ada"), ({"ordered_before": START + 30 * DAY}, "Bo"),
    ({"who": "customers", "max_orders": 0}, "Cleo"), ({"min_orders": 1, "max_orders": 1}, "Bo"),
    ({"min_revenue": 20_000, "currency": "EUR"}, "Ada"), ({"max_revenue": 20_000, "currency": "EUR"}, "Bo"),
    ({"min_revenue": 1, "currency": "USD"}, ""), ({"campaign": "of bo"}, "Bo"),
    ({"consent": "email_marketing=yes"}, "Ada Cleo"), ({"consent": "email_marketing=no"}, "Bo"),
    ({"channel": "web", "who": "visitors"}, "w-visitor"), ({"country": "Germany", "min_orders": 2}, "Ada"),
    ({"country": "DE", "campaign": "of bo"}, ""), ({"prefix": "love", "has_email": False}, "Cleo"),
]  # fmt: skip


def test_customers_are_filtered_as_a_marketer_asks(people: Shop) -> None:
    for wanted, expected in FILTERED:
        found = listed(people, sort="name", **wanted)
        names = [one.label.split()[0] for one in found.page.customers]
        assert names == expected.split(), wanted
        assert (found.matches, found.more) == (len(names), False)


def test_filters_that_leave_many_find_the_same_as_those_that_leave_few(
    people: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list is walked instead of what a filter leaves; which way was taken must not show."""
    asked: list[dict[str, Any]] = [
        {"campaign": "of bo"}, {"country": "DE", "min_orders": 1},
        {"consent": "email_marketing=yes", "who": "customers"},
        {"ordered_before": START + 30 * DAY},
    ]  # fmt: skip
    few = [labels(people, sort="orders", **wanted) for wanted in asked]
    monkeypatch.setattr(listing, "NARROW", 0)
    assert [labels(people, sort="orders", **wanted) for wanted in asked] == few


def test_either_way_of_a_sort_is_the_other_backwards_and_pages_show_everybody_once(shop: Shop) -> None:
    shop.take(
        *[bought(f"o-{n}", n % 3, n % 4, user=f"u-{n:02}") for n in range(9)],
        *[did("Page Viewed", n, web=f"w-{n}") for n in range(5)],
    )
    for sort in listing.SORTS:
        for who in ("customers", "everybody"):
            _both_ways(shop, sort, who)


def _both_ways(shop: Shop, sort: listing.Sort, who: listing.Who) -> None:
    ways = []
    for ascending in (True, False):
        seen, cursor = [], None
        with shop.db.read() as conn:
            wanted = CustomerQuery(sort=sort, who=who, ascending=ascending, currency="EUR")
            while True:
                page = listing.list_customers(conn, shop.workspace, wanted, cursor=cursor, limit=4)
                seen += [(one.currency, one.id) for one in page.customers]
                if (cursor := page.cursor) is None:
                    break
        ways.append(seen)
    up, down = ways
    assert len(up) == len(set(up)) == (9 if who == "customers" else 14)
    if sort == "revenue":  # who bought nothing comes last either way
        bought_up, bought_down = ([one for one in way if one[0]] for way in ways)
        assert up[: len(bought_up)] == bought_up
        assert bought_up == bought_down[::-1]
    else:
        assert up == down[::-1]


def test_amounts_of_the_shops_currency_come_first_and_others_are_not_compared_with_them(shop: Shop) -> None:
    shop.take(
        bought("o-1", 5, user="e-small"), bought("o-2", 50, user="e-large"),
        bought("o-3", 9_000, user="yen", properties={"order_id": "o-3", "revenue": 9_000, "currency": "JPY"}),
        bought("o-4", 20, user="dollar", properties={"order_id": "o-4", "revenue": 20, "currency": "USD"}),
    )  # fmt: skip
    assert labels(shop, sort="revenue", currency="EUR") == ["e-large", "e-small", "yen", "dollar"]
    assert labels(shop, sort="revenue", currency="USD") == ["dollar", "e-large", "e-small", "yen"]


def test_a_visitor_who_says_who_they_are_is_a_customer_from_then_on(shop: Shop) -> None:
    shop.take(did("Page Viewed", 0, web="w-1"))
    assert (labels(shop, who="visitors"), labels(shop, who="customers")) == (["w-1"], [])
    shop.take(bought("o-1", 5, 1, web="w-1"))
    assert (labels(shop, who="visitors"), labels(shop, who="customers")) == ([], ["w-1"])


def test_filters_offer_the_values_there_are(people: Shop) -> None:
    with people.db.read() as conn:
        offered = {name: searching.facet_values(conn, people.workspace, name) for name in ("country", "consent")}
    assert offered == {"country": ["DE", "GB"], "consent": ["email_marketing=no", "email_marketing=yes"]}


def test_what_somebody_is_no_more_finds_them_no_more(people: Shop) -> None:
    people.take(told("ada", 99, name="Ada King", phone="+49 30 7654321", address={"country": "FR"}))
    assert labels(people, country="DE") == []
    assert labels(people, country="FR") == ["Ada King"]
    assert labels(people, prefix="lovelace", sort="best") == []


def test_matches_are_counted_up_to_a_bound(people: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "COUNTED", 2)
    monkeypatch.setattr(listing, "NARROW", 0)
    assert listed(people, channel="web")[1:] == (2, True)
    assert listed(people, channel="web", country="DE")[1:] == (1, False)

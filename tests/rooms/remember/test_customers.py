"""The list of customers follows the records, through merges and splits, and pages evenly."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rapport.kernel.errors import InvalidInput
from rapport.kernel.identifiers import IdentifierPolicy, bucket_of
from rapport.remember import customers, listing
from rapport.remember.listing import CustomerQuery, Sort
from rapport.resolve.graph import corrections
from rapport.resolve.graph.model import Kind, evidence_id
from tests.remembered import REMEMBERED
from tests.rooms.remember.shop import ALL_BUCKETS, Shop, bought, did


def known(shop: Shop) -> None:
    """Ada and Bo have accounts; a visitor has not told anything."""
    shop.take(
        did("Identified", 1, user="ada", traits={"name": "Ada Lovelace", "email": "ada@example.com"},
            context={"channel": "web"}),
        did("Identified", 2, user="bo", traits={"name": "Bo Diddley", "address": {"country": "US", "city": "Chicago"}},
            context={"channel": "store"}),
        did("Page Viewed", 3, web="w-visitor"),
        bought("o-1", 10, 4, user="ada"), bought("o-2", 30, 5, user="bo"), bought("o-3", 5, 6, user="ada"),
    )  # fmt: skip


def test_the_list_shows_what_the_records_say(shop: Shop) -> None:
    known(shop)
    ada, bo, visitor = shop.listed()
    assert (ada.label, ada.email, ada.orders, ada.revenue_minor, ada.currency) == (
        "Ada Lovelace", "ada@example.com", 2, 1500, "EUR",
    )  # fmt: skip
    assert (bo.country, bo.city, bo.channels) == ("US", "Chicago", ["store"])
    assert (visitor.label, visitor.orders, visitor.channels) == ("w-visitor", 0, ["web"])
    assert ada.id == shop.record("user_id:ada").id
    assert ada.last_seen_at == shop.record("user_id:ada").traits["last_seen_at"].value


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("last_seen", ["Ada Lovelace", "Bo Diddley", "w-visitor"]),
        ("orders", ["Ada Lovelace", "Bo Diddley", "w-visitor"]),
        ("revenue", ["Bo Diddley", "Ada Lovelace", "w-visitor"]),
        ("name", ["Ada Lovelace", "Bo Diddley", "w-visitor"]),
    ],
)
def test_the_list_is_sorted_as_asked(shop: Shop, sort: Sort, expected: list[str]) -> None:
    known(shop)
    assert shop.labels(sort=sort) == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"has_email": True}, ["Ada Lovelace"]),
        ({"has_email": False}, ["Bo Diddley", "w-visitor"]),
        ({"channel": "store"}, ["Bo Diddley"]),
        ({"channel": "%"}, []),
        ({"country": "US"}, ["Bo Diddley"]),
        ({"country": "United States"}, ["Bo Diddley"]),
        ({"min_orders": 2}, ["Ada Lovelace"]),
        ({"prefix": "ADA"}, ["Ada Lovelace"]),
        ({"prefix": "love"}, ["Ada Lovelace"]),
        ({"prefix": "ada@"}, ["Ada Lovelace"]),
        ({"prefix": "w-vis"}, ["w-visitor"]),
        ({"prefix": "zz"}, []),
        ({"prefix": "\x00", "channel": "\x00", "country": "\x00"}, ["Ada Lovelace", "Bo Diddley", "w-visitor"]),
    ],
)
def test_the_list_is_filtered_as_asked(shop: Shop, wanted: dict[str, Any], expected: list[str]) -> None:
    known(shop)
    assert shop.labels(**wanted) == expected


NAMES = ["Vincent van Gogh", "María José García López", "Sean O'Neil", "Zoe\u0308 Łukasz-Straße", "山田 太郎"]
SEARCHES = {
    "van Gogh": 0, "gogh": 0, "Gogh, Vincent": 0, "VAN GO": 0, "García": 1, "garcia lo": 1, "lopez maria": 1,
    "Garci\u0301a": 1, "o'neil": 2, "ONeil": 2, "neil sean": 2, "O\u2019Neil": 2, "zoë": 3, "lukasz": 3, "strasse": 3,
    "Łukasz-Straße": 3, "太郎": 4, "vincent neil": None, "ogh": None, "'": None,
}  # fmt: skip


def test_people_are_found_by_any_words_of_their_name_however_they_are_typed(shop: Shop) -> None:
    for number, name in enumerate(NAMES):
        shop.take(did("Identified", number, user=f"u{number}", traits={"name": name}))
    found = {asked: shop.labels(prefix=asked) for asked in SEARCHES}
    assert found == {asked: [] if at is None else [NAMES[at]] for asked, at in SEARCHES.items()}
    shop.take(did("Identified", 9, user="u0", traits={"name": "Theo Doe"}))
    assert shop.labels(prefix="doe") == ["Theo Doe"]
    assert shop.labels(prefix="gogh") == []


def test_merged_customers_become_one_row_and_nobody_is_listed_twice(shop: Shop) -> None:
    shop.take(did("Page Viewed", 0, web="w-1"), bought("o-1", 5, 1, user="ada"))
    assert len(shop.listed()) == 2
    shop.take(did("Identified", 2, user="ada", web="w-1", traits={"name": "Ada"}))
    (ada,) = shop.listed()
    assert (ada.label, ada.identifiers, ada.orders) == ("Ada", 2, 1)
    with shop.db.read() as conn:
        assert listing.count_customers(conn, shop.workspace) == 1


def test_taking_evidence_back_restores_both_customers_exactly(shop: Shop) -> None:
    shop.take(did("Product Viewed", 0, web="w-1", properties={"product_id": "p"}), bought("o-1", 5, 1, user="ada"))
    before = shop.listed(), [shop.record(reference).traits for reference in ("user_id:ada", "anonymous_id:w-1")]
    tie = did("Page Viewed", 0.5, user="ada", web="w-1")
    shop.take(tie)
    assert len(shop.listed()) == 1
    ends = shop.key("user_id", "ada"), shop.key("anonymous_id", "w-1")
    ident = evidence_id(*ends, Kind.SEEN)
    with shop.db.write() as conn:
        moved = corrections.withdraw(conn, shop.workspace, [ident], shop.policy, author="bo", reason="", now=0)
        customers.mark_moved(conn, moved)
    shop.refresh()
    ada, visitor = shop.listed()
    assert [visitor] == [one for one in before[0] if one.label == "w-1"]
    assert (ada.label, ada.orders, ada.identifiers) == ("ada", 1, 1)
    assert shop.record("anonymous_id:w-1").traits == before[1][1]
    assert shop.record("user_id:ada").traits["revenue"] == before[1][0]["revenue"]


def test_several_workers_refresh_at_a_time_without_losing_a_change(shop: Shop) -> None:
    """Ada's two strands lie in different halves of the buckets; each half is refreshed by a worker of its own."""
    halves = [list(ALL_BUCKETS)[:32], list(ALL_BUCKETS)[32:]]
    names = [f"w-{n}" for n in range(999)]
    webs = [next(w for w in names if bucket_of(shop.key("anonymous_id", w)) in half) for half in halves]
    shop.take(*[did("Identified", 0, user="ada", web=web) for web in webs])

    def work(web: str, buckets: list[int]) -> None:
        worker = Shop.beside(shop)
        for n in range(15):
            worker.take(bought(f"{web}-{n}", 1, n, web=web), refresh=False)
            with shop.db.write() as conn:
                customers.refresh(conn, limit=100, buckets=buckets, remembered=REMEMBERED)

    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(work, web, half) for web, half in zip(webs, halves, strict=True)]:
            done.result()
    (ada,) = shop.listed()
    assert (ada.orders, ada.revenue_minor) == (30, 3000)


def test_refreshing_ends_when_nothing_has_changed(shop: Shop) -> None:
    shop.take(did("Page Viewed", 0, web="w-1"), refresh=False)
    with shop.db.read() as conn:
        assert customers.pending(conn, buckets=ALL_BUCKETS)
    assert shop.refresh() == 1
    assert shop.refresh() == 0
    with shop.db.read() as conn:
        assert not customers.pending(conn, buckets=ALL_BUCKETS)


@pytest.mark.parametrize("sort", ["last_seen", "orders", "revenue", "name"])
def test_pages_show_everybody_once(shop: Shop, sort: Sort) -> None:
    shop.take(*[bought(f"o-{n}", n % 3, n % 4, user=f"u-{n:02}") for n in range(23)])
    seen: list[str] = []
    cursor: str | None = None
    with shop.db.read() as conn:
        while True:
            page = listing.list_customers(conn, shop.workspace, CustomerQuery(sort=sort), cursor=cursor, limit=5)
            seen += [one.label for one in page.customers]
            cursor = page.cursor
            if cursor is None:
                break
    assert sorted(seen) == sorted(f"u-{n:02}" for n in range(23))


@pytest.mark.parametrize("cursor", ["x", "bm8", "WzEsMl0", "W10", "é"])
def test_a_cursor_that_cannot_be_read_is_refused(shop: Shop, cursor: str) -> None:
    with shop.db.read() as conn, pytest.raises(InvalidInput):
        listing.list_customers(conn, shop.workspace, CustomerQuery(), cursor=cursor)


def test_a_value_that_is_blocked_later_is_nobodys_trait_until_it_is_freed(shop: Shop) -> None:
    """Also of those whom it never tied, because it was somebody else's already."""
    counter = "kasse@marlow.example"
    shop.take(
        did("Identified", 1, user="ada", traits={"email": counter, "phone": "+49301234567"}),
        did("Identified", 2, user="bo", traits={"email": counter, "name": "Bo Diddley"}),
        did("Identified", 3, user="cy", traits={"email": "cy@example.com"}),
    )
    assert sorted(one.email for one in shop.listed()) == ["cy@example.com", counter, counter]
    for blocked, shown in (((r"kasse@.*", r"\+49301234567"), False), ((), True)):
        shop.policy = IdentifierPolicy(blocked=blocked)
        with shop.db.write() as conn:
            customers.mark_moved(conn, corrections.rebuild(conn, shop.workspace, shop.policy, now=9))
        shop.refresh()
        assert sorted(one.email for one in shop.listed() if one.email) == ["cy@example.com", *[counter] * 2 * shown]
        assert [("email" in shop.record(f"user_id:{user}").traits) for user in ("ada", "bo", "cy")] == [
            shown,
            shown,
            True,
        ]
        assert ("phone" in shop.record("user_id:ada").traits) is shown

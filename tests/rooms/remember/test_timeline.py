"""The timeline: every fact of a customer once, in the order of happening, each page as quick as the first."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection

from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import Key
from rapport.remember.golden import find_root
from rapport.remember.timeline import cursor_at, event_names, read_page, timeline
from rapport.storage.log import LogRow, append
from rapport.storage.lookback import MOST
from tests.rooms.remember.shop import START, Shop, did

NAMES = ("Page Viewed", "Product Viewed", "Order Completed")


def fill(shop: Shop, strands: int, facts: int, *, seed: int = 1) -> list[Key]:
    """So many facts over these strands, late ones among them and many in the same microsecond, and other people's."""
    rng = random.Random(seed)
    keys = [shop.key("anonymous_id", f"w-{n}") for n in range(strands)]
    others = [shop.key("anonymous_id", f"other-{n}") for n in range(5)]
    rows = []
    for n in range(facts):
        strand = rng.choice(others) if rng.random() < 0.2 else rng.choice(keys)
        body = f'{{"id":"{shop.slug}-{n}","type":"track","name":"{rng.choice(NAMES)}"}}'.encode()
        at = START + rng.randrange(facts // 2)
        rows.append(LogRow(shop.workspace, "src_web", f"{shop.slug}-{n}", strand, 0, at, at, body))
    with shop.db.write() as conn:
        append(conn, rows)
    return keys


def pages(shop: Shop, keys: Sequence[Key], **options: Any) -> list[list[tuple[int, int]]]:
    """Every page as (occurred at, seq)."""
    found, cursor = [], None
    with shop.db.read() as conn:
        while True:
            page = read_page(conn, shop.workspace, keys, cursor=cursor, **options)
            found.append([(row.occurred_at, row.seq) for row in page.rows])
            cursor = page.cursor
            if cursor is None:
                return found


def everything(shop: Shop, keys: Sequence[Key], *, event: str = "") -> list[tuple[int, int]]:
    """The same, the simple way."""
    query = f"SELECT occurred_at, seq, strand, body FROM facts WHERE workspace = {shop.workspace}"
    with shop.db.read() as conn:
        rows = [row for row in conn.exec_driver_sql(query) if row.strand in keys and event.encode() in row.body]
    return sorted(((row.occurred_at, row.seq) for row in rows), reverse=True)


@pytest.mark.parametrize(("strands", "limit"), [(1, 7), (5, 40), (5, 1), (60, 33)])
def test_pages_hold_every_fact_of_all_strands_once_in_the_order_of_happening(
    shop: Shop, strands: int, limit: int
) -> None:
    keys = fill(shop, strands, 300)
    found = pages(shop, keys, limit=limit)
    assert [one for page in found for one in page] == everything(shop, keys)
    assert all(len(page) == limit for page in found[:-1])


def test_an_event_is_found_wherever_in_the_past_it_stands(shop: Shop) -> None:
    keys = fill(shop, 3, 400)
    found = pages(shop, keys, event="order", limit=20)
    assert [one for page in found for one in page] == everything(shop, keys, event="Order Completed")
    assert pages(shop, keys, event="refund", limit=20) == [[]]


def test_a_rare_event_is_looked_for_in_bounded_steps(shop: Shop) -> None:
    """A page may be empty and yet tell where to go on."""
    keys = fill(shop, 2, MOST * 5 // 4 + 500)
    with shop.db.write() as conn:
        body = b'{"id":"x","type":"track","name":"Gift Wrapped"}'
        append(conn, [LogRow(shop.workspace, "src", f"{shop.slug}-gift", keys[0], 0, START - 1, START, body)])
    assert [len(page) for page in pages(shop, keys, event="gift", limit=20)] == [0, 1]


def test_what_lands_meanwhile_moves_no_page(shop: Shop) -> None:
    keys = fill(shop, 2, 100)
    before = everything(shop, keys)
    with shop.db.read() as conn:
        first = read_page(conn, shop.workspace, keys, limit=10)
    shop.take(did("Page Viewed", 400, web="w-0"), did("Page Viewed", 399, web="w-1"))
    with shop.db.read() as conn:
        second = read_page(conn, shop.workspace, keys, cursor=first.cursor, limit=10)
    assert [row.seq for row in (*first.rows, *second.rows)] == [seq for _, seq in before[:20]]


def test_a_day_is_a_place_to_start_from(shop: Shop) -> None:
    shop.take(*[did("Page Viewed", day, web="w-1") for day in range(5)])
    with shop.db.read() as conn:
        keys = [shop.key("anonymous_id", "w-1")]
        page = read_page(conn, shop.workspace, keys, cursor=cursor_at(START + 2 * 86_400_000_000), limit=10)
    assert [(row.occurred_at - START) // 86_400_000_000 for row in page.rows] == [1, 0]


def test_two_customers_who_become_one_have_one_timeline(shop: Shop) -> None:
    shop.take(*[did("Page Viewed", n, web="w-1") for n in (0, 2, 4)], did("Page Viewed", 1, user="ada"))
    with shop.db.read() as conn:
        alone = timeline(conn, shop.workspace, shop.key("user_id", "ada"))
    assert len(alone.facts) == 1
    shop.take(did("Identified", 3, user="ada", web="w-1"))
    with shop.db.read() as conn:
        root = find_root(conn, shop.workspace, "user_id:ada")
        newest = timeline(conn, shop.workspace, root, limit=2)
        rest = timeline(conn, shop.workspace, root, cursor=newest.cursor)
    story = [fact.strand.namespace for fact in (*newest.facts, *rest.facts)]
    assert story == ["anonymous_id", "user_id", "anonymous_id", "user_id", "anonymous_id"]


def test_suggested_events_are_the_customers_own_most_frequent_first(shop: Shop) -> None:
    shop.take(*[did(name, n, web="w-1") for n, name in enumerate(["A", "B", "B"])], did("C", 1, web="w-2"))
    with shop.db.read() as conn:
        assert event_names(conn, shop.workspace, [shop.key("anonymous_id", "w-1")]) == ["B", "A"]
        assert event_names(conn, shop.workspace, []) == []


@pytest.mark.parametrize("cursor", ["nonsense", "1", "1.", ".1", "1.x", f"{2**63}.1", "1.2.3"])
def test_a_cursor_that_cannot_be_read_is_refused(shop: Shop, cursor: str) -> None:
    with shop.db.read() as conn, pytest.raises(InvalidInput):
        read_page(conn, shop.workspace, [], cursor=cursor, limit=5)


def rows_touched(conn: Connection, read: Callable[[], object]) -> int:
    """How much the database does for a read: rows on PostgreSQL, hundreds of steps of its machine on SQLite."""
    if conn.dialect.name == "sqlite":
        steps = 0

        def count() -> int:
            nonlocal steps
            steps += 1
            return 0

        driver: Any = conn.connection.driver_connection
        driver.set_progress_handler(count, 100)
        try:
            read()
        finally:
            driver.set_progress_handler(None, 0)
        return steps
    query = "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = 'facts'"
    before = int(conn.exec_driver_sql(query).scalar_one())
    read()
    return int(conn.exec_driver_sql(query).scalar_one()) - before


def crowd(shop: Shop, number: int) -> None:
    """So many customers of one fact each."""
    body = b'{"id":"x","type":"track","name":"Page Viewed"}'
    rows = [
        LogRow(shop.workspace, "src", f"{shop.slug}-crowd-{n}", shop.key("device", f"{n}"), 0, START, START, body)
        for n in range(number)
    ]
    with shop.db.write() as conn:
        append(conn, rows)


@pytest.mark.parametrize("limit", [40, 500])
def test_a_page_costs_the_same_however_long_the_story_and_however_far_back(shop: Shop, limit: int) -> None:
    """Also where the database has no statistics yet, and where those say that customers have a fact or two."""
    keys = fill(shop, 5, 12_000)
    crowd(shop, 6_000)
    for statistics in (False, True):
        with shop.db.write() as conn:
            if statistics:
                conn.exec_driver_sql("ANALYZE")
        for cursor in (None, cursor_at(START + 3_000)):
            with shop.db.read() as conn:
                read = partial(read_page, conn, shop.workspace, keys, cursor=cursor, limit=limit)
                assert len(read().rows) == limit
                assert 0 < rows_touched(conn, read) < 10 * limit + 100

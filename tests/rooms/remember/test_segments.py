"""Segments follow facts, the clock, merges and splits, and edits; hostile texts are refused with their place."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rapport.compose import upkeep
from rapport.compose.holdings import SEGMENTS
from rapport.kernel.clock import DAY, MINUTE
from rapport.kernel.errors import Conflict, NotFound
from rapport.kernel.identifiers import bucket_of
from rapport.kernel.ids import Key
from rapport.remember import customers, membership
from rapport.remember.segments import service
from rapport.remember.segments.book import Library
from rapport.remember.segments.fields import Fields
from rapport.remember.segments.following import Following
from rapport.remember.segments.language import BadSegment
from rapport.remember.segments.parsing import parse
from rapport.remember.segments.service import Segment
from rapport.resolve.graph import corrections
from rapport.resolve.graph.customer_ids import ensure_secret
from rapport.resolve.graph.model import Kind, evidence_id
from rapport.storage import log
from rapport.storage.shops import ShopWanted, change_shop
from tests.jobs import turns
from tests.remembered import REMEMBERED
from tests.rooms.remember.shop import START, Shop, bought, did

FIELDS = Fields(REMEMBERED)
ADA = {"name": "Ada Lovelace", "email": "ada@example.com"}


class Segments:
    """The segments of a shop as its worker keeps them."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.db, self.workspace = shop, shop.db, shop.workspace

    def add(self, name: str, where: str, *, at: float = 0) -> Segment:
        with self.db.write() as conn:
            return service.add(
                conn, self.workspace, name=name, where=where, fields=FIELDS, by="Ada", now=START + int(at * DAY)
            )

    def change(self, name: str, where: str | None = None, **more: Any) -> Segment:
        given: Mapping[str, Any] = {"new_name": None, "by": "Bo", "now": START, **more}
        with self.db.write() as conn:
            return service.change(conn, self.workspace, name, where=where, fields=FIELDS, **given)

    def work(self, at: float = 0) -> None:
        """All jobs of segments, so many days after the start."""
        now = START + int(at * DAY)
        for make in (upkeep.summaries, upkeep.filling, upkeep.clock, upkeep.summaries):
            turns(self.db, make(REMEMBERED), now=now, at_most=50)

    def members(self, name: str) -> set[str]:
        """Who is in it, by the e-mail or name of the list of customers."""
        with self.db.read() as conn:
            found = service.members_of(conn, self.workspace, name)
            size = service.find(conn, self.workspace, name, fields=FIELDS).size
        labels = {one.id: one.label for one in self.shop.listed()}
        assert size == len(found.members)
        return {labels[one.customer_id] for one in found.members}

    def count(self, where: str, *, at: float = 0) -> int:
        with self.db.read() as conn:
            found = service.preview(conn, self.workspace, where, fields=FIELDS, now=START + int(at * DAY))
        assert found.count is not None
        return found.count

    def facts(self) -> list[tuple[str, str, str]]:
        with self.db.read() as conn:
            rows = log.read_after(conn, after=0, upto=2**60, buckets=None, limit=100_000)
        facts = [log.to_fact(row) for row in rows if row.workspace == self.workspace]
        return [
            (one.name, one.properties["segment"], one.properties["cause"])
            for one in facts if one.name.startswith("Segment ")
        ]  # fmt: skip


@pytest.fixture
def segments(shop: Shop) -> Segments:
    return Segments(shop)


def test_a_fact_brings_somebody_in_and_the_record_says_so(segments: Segments) -> None:
    shop = segments.shop
    shop.take(did("Identified", user="ada", traits=ADA), refresh=False)
    segments.work()
    segments.add("Regulars", "orders >= 2 AND last_order_at > now() - INTERVAL 60 DAY")
    segments.work()
    assert segments.members("Regulars") == set()
    shop.take(bought("o-1", 10, 1, user="ada"), bought("o-2", 10, 2, user="ada"), refresh=False)
    segments.work(2)
    assert segments.members("Regulars") == {"Ada Lovelace"}
    assert shop.record("user_id:ada").segments == ["Regulars"]
    assert segments.facts() == [("Segment Entered", "Regulars", "fact")]


def test_the_clock_takes_somebody_out_at_the_instant_and_not_before(segments: Segments) -> None:
    segments.shop.take(did("Identified", user="ada", traits=ADA), bought("o", 10, user="ada"), refresh=False)
    segments.work()
    segments.add("Fresh", "last_order_at > now() - INTERVAL 60 DAY")
    segments.work()
    segments.work(60 - 1 / 86_400)
    assert segments.members("Fresh") == {"Ada Lovelace"}
    segments.work(60)
    assert segments.members("Fresh") == set()
    assert segments.facts() == [("Segment Left", "Fresh", "clock")]


def test_absence_changes_with_the_clock(segments: Segments) -> None:
    segments.shop.take(did("Identified", user="ada", traits=ADA), bought("o", 10, user="ada"), refresh=False)
    segments.work()
    segments.add("Lapsed", "NOT (last_order_at > now() - INTERVAL 30 DAY)")
    segments.work()
    assert segments.members("Lapsed") == set()
    segments.work(30)
    assert segments.members("Lapsed") == {"Ada Lovelace"}


def test_a_merge_carries_memberships_and_a_split_gives_them_back(segments: Segments) -> None:
    shop = segments.shop
    shop.take(did("Identified", user="ada", traits=ADA), bought("o-1", 10, user="ada"), refresh=False)
    shop.take(bought("o-2", 10, web="tablet"), refresh=False)
    segments.work()
    segments.add("One", "orders = 1")
    segments.add("Two", "orders >= 2")
    segments.work()
    assert len(segments.members("One")) == 2
    shop.take(did("Identified", 1, user="ada", web="tablet"), refresh=False)
    segments.work(1)
    assert len(segments.members("Two")) == 1
    assert segments.members("One") == set()
    tablet, ada = shop.key("anonymous_id", "tablet"), shop.key("user_id", "ada")
    with shop.db.write() as conn:
        ident = evidence_id(ada, tablet, Kind.SEEN)
        moved = corrections.withdraw(
            conn, shop.workspace, [ident], shop.policy, reason="not hers", author="ada", now=START + DAY
        )
        customers.mark_moved(conn, moved)
    segments.work(2)
    assert segments.members("Two") == set()
    assert len(segments.members("One")) == 2


def test_an_edit_says_who_left_and_what_it_was_stays_in_the_history(segments: Segments) -> None:
    segments.shop.take(did("Identified", user="ada", traits=ADA), bought("o", 10, user="ada"), refresh=False)
    segments.work()
    made = segments.add("Buyers", "orders >= 1")
    segments.work()
    seen = service.tag_of(made)
    segments.change("Buyers", "orders >= 5", seen=seen)
    segments.work()
    assert segments.members("Buyers") == set()
    assert segments.facts() == [("Segment Left", "Buyers", "edited")]
    with segments.db.read() as conn:
        versions = service.history(conn, segments.workspace, "Buyers")
    assert [(one.version, one.where) for one in versions] == [(2, "orders >= 5"), (1, "orders >= 1")]
    with pytest.raises(Conflict, match="has changed the segment"):
        segments.change("Buyers", "orders >= 6", seen=seen)


def test_a_segment_may_name_another_but_not_in_a_circle(segments: Segments) -> None:
    segments.shop.take(did("Identified", user="ada", traits=ADA), bought("o", 10, user="ada"), refresh=False)
    segments.work()
    segments.add("Buyers", "orders >= 1")
    segments.add("Known buyers", "in_segment('Buyers') AND has_email")
    segments.work()
    assert segments.members("Known buyers") == {"Ada Lovelace"}
    with pytest.raises(BadSegment, match="circle: Buyers → Known buyers → Buyers"):
        segments.change("Buyers", "in_segment('Known buyers')")
    segments.change("Buyers", "orders >= 2")
    segments.work()
    assert segments.members("Known buyers") == set()
    with segments.db.write() as conn, pytest.raises(Conflict, match="Known buyers names it"):
        service.remove(conn, segments.workspace, "Buyers", fields=FIELDS)


def test_a_visitor_is_in_a_segment_only_where_it_asks_for_visitors(segments: Segments) -> None:
    segments.shop.take(did("Page Viewed", web="w"), did("Identified", user="ada", traits=ADA), refresh=False)
    segments.work()
    assert segments.count("orders = 0") == 1
    assert segments.count("visitor AND orders = 0") == 1
    assert segments.count("orders = 0 AND (visitor OR NOT visitor)") == 2


def test_the_preview_counts_as_the_members_are(segments: Segments) -> None:
    segments.shop.take(
        *(did("Identified", user=f"u{n}", traits={"address": {"city": "ZÜRICH"}}) for n in range(7)), refresh=False
    )
    segments.work()
    segments.add("Zurich", "city = 'zürich'")
    segments.work()
    assert segments.count("city = 'Zurich'") == len(segments.members("Zurich")) == 7


def test_while_somebody_types_some_of_very_many_are_asked_and_told_as_all(
    segments: Segments, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    rng = random.Random(7)
    rows = [
        {"workspace": segments.workspace, "root": rng.randbytes(16), "bucket": 0, "next_at": 2**62,
         "record": json.dumps({"orders": n % 4, "visitor": False})}
        for n in range(8_192)
    ]  # fmt: skip
    with segments.db.write() as conn:
        ensure_secret(conn)
        conn.execute(membership.records.insert(), rows)
    monkeypatch.setattr(service, "AT_A_GLANCE", 600)
    with segments.db.read() as conn:
        asked = (conn, segments.workspace, "orders >= 3")
        few, one_in, too_few = service.glance(*asked, fields=FIELDS, now=START)
        rare = service.glance(conn, segments.workspace, "orders >= 4", fields=FIELDS, now=START)
        every = service.preview(*asked, fields=FIELDS, now=START).count
    assert (every, one_in in (8, 16, 32), too_few) == (2_048, True, False)
    assert rare.too_few, "none of those asked is not none of all"
    assert few.count is not None
    assert few.count % one_in == 0
    assert abs(few.count - 2_048) < 5 * (2_048 * one_in) ** 0.5
    monkeypatch.setattr(service, "AT_A_GLANCE", 10**6)
    with segments.db.read() as conn:
        exact = service.glance(conn, segments.workspace, "orders >= 3", fields=FIELDS, now=START)
        nobody = service.glance(conn, segments.workspace, "orders >= 4", fields=FIELDS, now=START)
    assert (exact.found.count, exact.one_in) == (every, 1)
    assert (nobody.found.count, nobody.too_few) == (0, False), "all were asked"


def test_two_segments_tell_whom_they_share(segments: Segments) -> None:
    segments.shop.take(did("Identified", user="ada", traits=ADA), bought("o", 10, user="ada"), refresh=False)
    segments.shop.take(bought("o-2", 10, user="bo"), refresh=False)
    segments.work()
    segments.add("Buyers", "orders >= 1")
    segments.add("Reachable", "has_email")
    segments.work()
    with segments.db.read() as conn:
        shared = service.overlap(conn, segments.workspace, "Buyers", "Reachable")
        with pytest.raises(NotFound):
            service.overlap(conn, segments.workspace, "Buyers", "Nobody")
    assert (shared.first, shared.second, shared.both) == (2, 1, 1)


HOSTILE = [
    ("orders >= 1; DROP TABLE facts", 11), ("SELECT 1", 0), ("orders > (SELECT 1)", 10), ("ATTACH 'x' AS y", 0),
    ("orders > 1 UNION SELECT 1", 11), ("(" * 40 + "orders" + ")" * 40, 12), ("NOT " * 90 + "visitor", 48),
    ("country LIKE '%a%a%a%a%a%a%a'", 13), ("country ~ '(a+)+$'", 8), ("pg_sleep(10)", 0), ("read_csv('x')", 0),
    ("orders >= 1 -- all", 11), ("orders > 1 /* x */", 10), ("orders::text = 'a'", 6), ("passwords > 1", 0),
    ("load_extension('x') = 1", 0), ("x'41' = country", 0), ("country = 'a", 10), ("orders = 1e999", 9),
    ("users.password = 'x'", 0), ("orders > 1 AND", 0), ("1 = 1 ) OR ( 1 = 1", 6), ("has(channels, channels)", 0),
    ("a" * 5_000, 2_000), ("orders + " * 30 + "orders > 1", 0), ("last_order_at > '2026-02-31'", 16),
    ("now() - INTERVAL 9999999 DAY > last_order_at", 0), ("orders IN (" + "1," * 500 + "1)", 0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "position"), HOSTILE, ids=[text[:24] for text, _ in HOSTILE])
def test_what_is_no_condition_is_refused_with_its_place(text: str, position: int) -> None:
    with pytest.raises(BadSegment) as refused:
        parse(text, FIELDS.all, currency="EUR", zone=ZoneInfo("UTC"))
    assert 0 <= refused.value.position <= max(len(text), 2_000)
    if position:
        assert refused.value.position == position


def test_a_minute_is_a_minute_and_not_a_day(segments: Segments) -> None:
    segments.shop.take(did("Identified", user="ada", traits=ADA), bought("o", 10, user="ada"), refresh=False)
    segments.work()
    segments.add("Just now", "last_order_at > now() - INTERVAL 10 MINUTE")
    segments.work()
    assert segments.members("Just now") == {"Ada Lovelace"}
    segments.work(10 * MINUTE / DAY)
    assert segments.members("Just now") == set()


def test_a_worker_asks_the_segment_that_took_the_place_of_one_removed(segments: Segments) -> None:
    library = Library(FIELDS)
    for name in ("Gone", "There", "Last"):
        segments.add(name, "orders >= 1")
        segments.work()
        with segments.db.write() as conn:
            assert [one.name for one in library.book(conn, segments.workspace).ready] == [name]
            service.remove(conn, segments.workspace, name, fields=FIELDS)


def test_segments_that_name_each_other_many_times_are_refused_before_they_cost(segments: Segments) -> None:
    segments.add("A", "country = 'DE' OR orders >= 1")
    segments.add("B", " OR ".join(["in_segment('A')"] * 70))
    with pytest.raises(BadSegment, match=r"'B', asks .* 2,000 are the most"):
        segments.count(" OR ".join(["in_segment('B')"] * 70))
    with pytest.raises(BadSegment, match="'B', asks"):
        segments.add("C", " AND ".join(["in_segment('B')"] * 70))
    for depth in range(6):
        below = f"in_segment('D{depth - 1}') AND orders >= {depth}" if depth else "orders >= 0"
        segments.add(f"D{depth}", below)
    with pytest.raises(BadSegment, match="too deeply: D6 → D5"):
        segments.add("D6", "in_segment('D0') OR in_segment('D5')")
    segments.shop.take(did("Identified", user="ada", traits=ADA), bought("o", 10, user="ada"), refresh=False)
    segments.work()
    assert segments.members("B") == {"Ada Lovelace"}
    assert segments.count("NOT in_segment('A')") == segments.count("NOT in_segment('B')") == 0
    with segments.db.read() as conn:
        assert service.find(conn, segments.workspace, "B", fields=FIELDS).reads.startswith("is in “A”; or is in “A”")


def test_a_long_chain_of_conditions_is_counted_by_the_database(segments: Segments) -> None:
    segments.add("Long", " OR ".join(["visitor"] * 180))
    for number in range(4):
        inner = f"in_segment('{'Long' if not number else f'Long {number - 1}'}')"
        segments.add(f"Long {number}", " OR ".join([*["visitor"] * 170, inner]))
    assert segments.count("in_segment('Long 3')") == 0


def test_whoever_is_erased_counts_in_no_size(segments: Segments) -> None:
    shop = segments.shop
    shop.take(did("Identified", user="ada", traits=ADA), bought("o-1", 10, user="ada"), refresh=False)
    shop.take(bought("o-2", 10, user="bo"), refresh=False)
    segments.work()
    segments.add("Buyers", "orders >= 1")
    segments.add("Reachable", "has_email")
    segments.work()
    assert len(segments.members("Buyers")) == 2
    erase = next(one.erase for one in SEGMENTS if one.table is membership.members)
    with shop.db.write() as conn:
        assert callable(erase)
        assert erase(conn, shop.workspace, [shop.key("user_id", "ada"), shop.key("user_id", "nobody")]) == 2
    assert len(segments.members("Buyers")) == 1
    assert segments.members("Reachable") == set()


@pytest.mark.parametrize("old_first", [True, False])
def test_a_merge_that_two_workers_see_in_turn_keeps_since_when_somebody_is_in_it(
    segments: Segments, *, old_first: bool
) -> None:
    shop = segments.shop
    shop.take(did("Identified", user="ada", traits=ADA), bought("o-1", 10, user="ada"), refresh=False)
    shop.take(bought("o-2", 10, web="tablet"), refresh=False)
    segments.work()
    segments.add("Buyers", "orders >= 1")
    segments.work()
    tablet, ada = shop.key("anonymous_id", "tablet"), shop.key("user_id", "ada")
    assert bucket_of(tablet) != bucket_of(ada)
    shop.take(did("Identified", 1, user="ada", web="tablet"), refresh=False)
    following = Following(REMEMBERED)
    stated = []

    class Follow:
        parts = following.parts

        def __call__(self, conn: Any, workspace: Any, told: Any, gone: Any) -> None:
            stated.extend(following.follow(conn, workspace, told, gone, START + DAY))

    for root in (tablet, ada) if old_first else (ada, tablet):
        with shop.db.write() as conn:
            customers.refresh(conn, limit=9, buckets=[bucket_of(root)], remembered=REMEMBERED, follower=Follow())
    with shop.db.read() as conn:
        (one,) = service.members_of(conn, segments.workspace, "Buyers").members
        assert service.find(conn, segments.workspace, "Buyers", fields=FIELDS).size == 1
    assert one.since.startswith("2023-11-14")  # the start
    assert stated == []


def test_while_a_segment_is_filled_only_who_comes_in_is_told(segments: Segments) -> None:
    shop = segments.shop
    names = [f"u{number}" for number in range(6)]
    for name in names:
        shop.take(bought(f"o-{name}", 10, user=name), refresh=False)
    shop.take(did("Identified", user="new", traits=ADA), refresh=False)
    segments.work()
    segments.add("Buyers", "orders >= 1")
    with shop.db.write() as conn:
        assert Following(REMEMBERED).fill(conn, segments.workspace, now=START, limit=1)[0] == 1
        s = membership.segments
        mine = (s.c.workspace == segments.workspace, s.c.name == "Buyers")
        reached = Key(conn.execute(s.select().where(*mine)).one().filled_to)
    later = [name for name in names if shop.key("user_id", name) > reached]
    assert len(later) == 6 - (shop.key("user_id", "new") > reached)
    shop.take(*(bought(f"p-{name}", 10, 1, user=name) for name in later), bought("first", 10, 1, user="new"),
              refresh=False)  # fmt: skip
    turns(segments.db, upkeep.summaries(REMEMBERED), now=START + DAY, at_most=50)
    segments.work(1)
    assert len(segments.members("Buyers")) == 7
    assert segments.facts() == [("Segment Entered", "Buyers", "fact")]


def test_another_currency_of_the_shop_asks_all_customers_anew(segments: Segments) -> None:
    segments.shop.take(did("Identified", user="ada", traits=ADA), bought("o", 150, user="ada"), refresh=False)
    segments.work()
    segments.add("Good", "revenue >= 100")
    segments.work()
    assert segments.members("Good") == {"Ada Lovelace"}
    with segments.db.write() as conn:
        change_shop(conn, segments.workspace, ShopWanted(currency="CZK"))
    segments.work()
    assert segments.members("Good") == set()
    assert segments.count("revenue >= 100") == 0
    assert segments.facts() == [("Segment Left", "Good", "edited")]
    segments.work()
    with segments.db.read() as conn:
        assert service.find(conn, segments.workspace, "Good", fields=FIELDS).state == "live"

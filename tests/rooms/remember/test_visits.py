"""A timeline that people can read: what was looked at in one go is one line, the days are the viewer's."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from rapport.kernel.clock import MINUTE, from_iso
from rapport.kernel.facts import Fact
from rapport.remember.visits import Entry, Visit, entries_of, page_of, told_in_visits
from tests.slices import WORDING

NOON = from_iso("2026-01-01T12:00:00Z")


def fact(name: str, minutes: float, source: str = "src", **properties: Any) -> Fact:
    return Fact(
        id=f"{name}{minutes}", type="track", name=name, properties=properties, source=source,
        occurred_at=NOON + int(minutes * MINUTE), seq=int(minutes * 1_000),
    )  # fmt: skip


def entries(*facts: Fact, zone: str = "UTC") -> list[Entry]:
    latest_first = sorted(facts, key=lambda one: -one.occurred_at)
    return entries_of(latest_first, wording=WORDING, sources={"src": "Website"}, zone=ZoneInfo(zone))


def told(*facts: Fact) -> list[str]:
    return [line.words if isinstance(line, Visit) else line.told.title for line in told_in_visits(entries(*facts))]


def test_the_timeline_has_the_viewers_days_and_the_sources_names() -> None:
    (there,) = entries(fact("Product Viewed", 11.5 * 60), zone="Europe/Berlin")
    assert (there.day, there.source) == ("2026-01-02", "Website")


def test_a_visit_says_how_many_pages_were_seen_and_what_the_basket_was_worth() -> None:
    pounds = {"currency": "GBP"}
    assert told(
        fact("Page Viewed", 0), fact("Product Viewed", 0.1), fact("Page Viewed", 1), fact("Products Searched", 2),
        fact("Product Added", 3, price=5, quantity=2, **pounds), fact("Product Added", 4, price=7, **pounds),
        fact("Product Removed", 5, price=7, **pounds), fact("Checkout Started", 6),
    ) == ["2 pages, 1 search, basket £10.00, went to the checkout"]  # fmt: skip
    assert told(fact("Page Viewed", 0), fact("Product Removed", 1, price=7, **pounds)) == ["1 page"]
    assert told(fact("Coupon Entered", 0), fact("Coupon Denied", 1)) == ["2 steps"]


def test_half_an_hour_without_anything_ends_a_visit_and_what_stands_alone_is_told_itself() -> None:
    assert told(fact("Page Viewed", 0), fact("Page Viewed", 29), fact("Page Viewed", 58)) == ["3 pages"]
    assert told(fact("Page Viewed", 0), fact("Page Viewed", 1), fact("Page Viewed", 31)) == ["Page Viewed", "2 pages"]


def test_an_order_stays_a_line_of_its_own_and_does_not_end_the_visit_nor_does_what_we_showed() -> None:
    lines = told_in_visits(entries(
        fact("Page Viewed", 0), fact("Order Completed", 1, order_id="o"), fact("Decision Made", 2, source="rapport"),
        fact("Page Viewed", 3), fact("Decision Made", 4, source="rapport"), fact("Call Started", 5),
    ))  # fmt: skip
    assert [line.told.title if isinstance(line, Entry) else line.words for line in lines] == [
        "Call Started", "2 pages", "Order Completed",
    ]  # fmt: skip
    assert lines[1].source == "Website"


def test_kinds_of_facts_are_found_under_what_people_look_for() -> None:
    found = {name: WORDING.topic_of(name) for name in (
        "Order Completed", "Order Refunded", "Payment Info Entered", "Checkout Started", "Product Viewed",
        "Page Viewed", "Email Opened", "SMS Sent", "Call Ended", "Support Ticket Opened", "Product Reviewed",
        "Cart Abandoned", "Customer Merged", "Parcel Returned", "Something Else",
    )}  # fmt: skip
    assert found == {
        "Order Completed": "orders", "Order Refunded": "orders", "Payment Info Entered": "visits",
        "Checkout Started": "visits", "Product Viewed": "visits", "Page Viewed": "visits", "Email Opened": "messages",
        "SMS Sent": "messages", "Call Ended": "service", "Support Ticket Opened": "service", "Product Reviewed": "",
        "Cart Abandoned": "", "Customer Merged": "", "Parcel Returned": "orders", "Something Else": "",
    }  # fmt: skip


@given(
    gaps=st.lists(st.tuples(st.sampled_from(["Page Viewed", "Order Completed"]), st.sampled_from([1, 20, 45])),
                  min_size=1, max_size=40),
    most=st.integers(1, 6), read=st.integers(1, 12),
)  # fmt: skip
def test_pages_show_every_fact_once_whatever_a_page_ends_in(gaps: list[tuple[str, int]], most: int, read: int) -> None:
    at = 0
    facts = []
    for name, gap in gaps:
        at += gap
        facts.append(fact(name, at))
    left, seen = entries(*facts), []
    while left:
        page = left[:read]
        lines, used = page_of(page, most=most, more=len(left) > len(page))
        assert 0 < used <= len(page)
        assert len(lines) <= most
        seen += [one.seq for line in lines for one in ([line] if isinstance(line, Entry) else line.entries)]
        left = left[used:]
    assert sorted(seen) == sorted(one.seq for one in entries(*facts))

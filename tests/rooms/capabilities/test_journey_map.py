"""Journeys as a graph: what follows what, where they end, and numbers that add up at any detail."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.capabilities.insights.comparing import differences
from rapport.capabilities.insights.drawing import drawn
from rapport.capabilities.insights.journey_map import JourneyMap, Point, journeys_of, map_of, roots_of, told_apart
from rapport.capabilities.insights.touchpoints import touchpoint_of
from rapport.kernel.clock import HOUR, SECOND
from rapport.kernel.facts import OWN_SOURCE, Fact, FactType

KINDS = ("Home", "List", "Product", "Cart", "Order", "Help")
POINTS = st.lists(
    st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.integers(0, 20), st.sampled_from(KINDS)), max_size=60
).map(lambda some: [Point(root, at * HOUR, kind) for root, at, kind in sorted(some, key=lambda one: one[:2])])


@given(POINTS, st.integers(2, 8), st.integers(0, 9))
def test_at_any_detail_ways_on_and_ends_are_the_visits_of_each_kind(
    points: list[Point], kinds: int, apart: int
) -> None:  # fmt: skip
    whole = list(journeys_of(points, apart=apart * HOUR))
    found = map_of(told_apart(whole, kinds))
    onward, inward = Counter[str](), Counter[str]()
    for edge in found.edges:
        onward[edge.source] += edge.times
        inward[edge.target] += edge.times
        assert edge.source != edge.target
        assert 0 <= edge.median_seconds <= edge.p90_seconds
    for kind in found.kinds:
        assert kind.visits == onward[kind.name] + kind.ends == inward[kind.name] + kind.starts
    assert found.journeys == len(whole) == sum(kind.ends for kind in found.kinds)
    assert len(found.kinds) <= max(kinds, 1)
    assert ("Order" in {kind.name for kind in found.kinds}) == any(point.kind == "Order" for point in points)


@given(POINTS, st.integers(2, 8))
def test_who_is_opened_are_as_many_as_the_map_says(points: list[Point], kinds: int) -> None:
    journeys = told_apart(journeys_of(points, apart=3 * HOUR), kinds)
    found = map_of(journeys)
    assert len(roots_of(journeys)) == found.customers
    for kind in found.kinds:
        assert len(roots_of(journeys, source=kind.name)) == kind.customers
        assert bool(roots_of(journeys, source=kind.name, ended=True)) == bool(kind.ends)
    for edge in found.edges:
        assert len(roots_of(journeys, source=edge.source, target=edge.target)) == edge.customers


@given(POINTS)
def test_a_journey_has_no_break_and_never_the_same_twice_in_a_row(points: list[Point]) -> None:
    for journey in journeys_of(points, apart=2 * HOUR):
        for one, following in pairwise(journey.visits):
            assert one.kind != following.kind
            assert 0 <= following.began_at - one.ended_at <= 2 * HOUR


def test_times_on_a_way_are_the_median_and_the_ninth_decile() -> None:
    points = [
        point
        for n in range(1, 11)
        for point in (Point(bytes([n]), 0, "Cart"), Point(bytes([n]), n * 60 * SECOND, "Order"))
    ]
    found = map_of(journeys_of(points, apart=HOUR))
    assert [(edge.times, edge.median_seconds, edge.p90_seconds, edge.share) for edge in found.edges] == [
        (10, 300, 540, 1.0)
    ]  # fmt: skip
    assert [(one.kinds, one.journeys) for one in found.variants] == [(["Cart", "Order"], 10)]


def test_the_picture_has_every_kind_in_the_order_of_journeys_and_fits_its_frame() -> None:
    points = [Point(b"a", n * SECOND, kind) for n, kind in enumerate(("Home", "List", "Product", "List", "Cart"))]
    found = map_of(journeys_of(points, apart=HOUR))
    picture = drawn(found.kinds, found.edges)
    assert [box.kind.name for box in picture.boxes] == ["Home", "List", "Product", "Cart"]
    assert {(arc.edge.source, arc.back) for arc in picture.arcs} == {
        ("Home", False),
        ("List", False),
        ("Product", True),
    }
    assert max(box.y + picture.box for box in picture.boxes) <= picture.height
    assert drawn([], []).arcs == []


@pytest.mark.parametrize(
    ("kind", "name", "address", "touchpoint"),
    [
        ("page", "Page Viewed", "https://shop.example/en-gb/products/chianti-2019?utm_source=x", "Product"),
        ("page", "Page Viewed", "/", "Home"), ("page", "Page Viewed", "/collections/red#top", "List"),
        ("page", "Page Viewed", "/landing/ada@example.com", "Page landing"),
        ("page", "Page Viewed", "/orders-2024-11/4711", "Page orders"),
        ("track", "Product Viewed", "", "Product"), ("track", "Order Shipped", "", "Order Shipped"),
        ("track", "Survey 4711 Opened", "", "Survey Opened"), ("track", "4711", "", None),
        ("track", "Promise Broken", "", None), ("track", "Order Updated", "", None),
        ("identify", "Identified", "", None),
        ("screen", "Screen Viewed", "", "Screen"),
    ],
)  # fmt: skip
def test_a_touchpoint_is_a_template_never_an_address(
    kind: FactType, name: str, address: str, touchpoint: str | None
) -> None:
    fact = Fact(id="m", type=kind, name=name, properties={"url": address} if address else {})
    assert touchpoint_of(fact) == touchpoint


def test_a_broken_promise_is_a_touchpoint_where_we_state_it_alone() -> None:
    assert touchpoint_of(Fact(id="m", type="track", name="Promise Broken", source=OWN_SOURCE)) == "Promise broken"
    assert touchpoint_of(Fact(id="m", type="track", name="Decision Made", source=OWN_SOURCE)) is None
    for odd in ({"url": 7}, {"path": ["x"]}, {"path": "x" * 9_000}, {"url": "http://[::1"}):
        assert touchpoint_of(Fact(id="m", type="page", name="Page Viewed", properties=odd))


def way(share: float, of: int) -> JourneyMap:
    """So many customers look; this share of them goes on to order within a minute."""
    number = round(share * of)
    points = [point for n in range(of) for point in (
        Point(b"%05d" % n, 0, "Product"), *([Point(b"%05d" % n, 60_000_000, "Order")] if n < number else []),
    )]  # fmt: skip
    return map_of(journeys_of(points, apart=3_600_000_000))


def test_of_two_maps_the_ways_that_surely_differ_come_first_and_chance_is_not_called_sure() -> None:
    (found,) = differences(way(0.30, 1_000), way(0.20, 1_000))
    assert (found.share, found.other_share, found.is_sure, found.median_seconds) == (0.3, 0.2, True, 60)
    (alike,) = differences(way(0.30, 100), way(0.28, 100))
    assert not alike.is_sure
    assert differences(way(0.5, 19), way(0.1, 1_000)) == [], "too few to compare"
    (none,) = differences(way(0.5, 40), way(0.0, 40))
    assert (none.other_customers, none.other_median_seconds, none.is_sure) == (0, None, True)

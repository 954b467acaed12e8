"""Merchandising: what people want on a placement, and to what it bows; versions, contradictions, hostile rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.capabilities.merchandising import pages
from rapport.capabilities.merchandising.model import Rule, Thing, checked, conflicts_of, is_about
from rapport.capabilities.merchandising.service.applying import meant
from rapport.capabilities.merchandising.service.changing import in_force, put_back, save
from rapport.capabilities.merchandising.service.trying import Tried, try_rules
from rapport.decide.model import Candidate, Choice, Pin
from rapport.decide.service import CustomerNamed, Decision, DecisionAsked, _around
from rapport.kernel.clock import DAY, to_iso
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.moments import read_moment
from tests.shop import NOON, Shop

PLACES = ("home", "product", "search")
GOODS = ("a", "b", "c", "d", "e")


@pytest.fixture
def stocked(any_shop: Shop) -> Shop:
    """Five products, `a` the most looked at, all of one category; `d` and `e` are of one brand."""
    for number, one in enumerate(GOODS):
        for visitor in range(len(GOODS) - number):
            any_shop.send(any_shop.message(
                "Product Viewed", at=NOON, browser=f"v{number}{visitor}", product_id=one, name=one.upper(),
                category="Wine", brand="Fonte" if one in "de" else "", price=10, currency="EUR", cost=4,
            ))  # fmt: skip
    any_shop.fold()
    return any_shop


def write(shop: Shop, *rules: Rule, seen: int | None = None) -> int:
    with shop.db.write() as conn:
        now = in_force(conn, shop.id)[0] if seen is None else seen
        return save(conn, shop.id, rules, seen=now, placements=PLACES, what="test", by="Ada", now=NOON)


def shown(shop: Shop, *, placement: str = "home", at: int = NOON, limit: int = 5, **context: Any) -> list[str]:
    return [str(item["item_id"]) for item in decided(shop, placement=placement, at=at, limit=limit, **context).items]


def decided(
    shop: Shop, *, placement: str = "home", at: int = NOON, limit: int = 5, user: str = "", **context: Any
) -> Decision:
    customer = CustomerNamed(namespace="user_id", value=user) if user else None
    asked = DecisionAsked(placement=placement, context=context, customer=customer, limit=limit)
    return shop.decider.compute(shop.id, asked, now=at, trial={"another slice": ()})[0]


def test_what_is_pinned_has_its_place_for_sure_and_says_who_wants_it(stocked: Shop) -> None:
    write(stocked, Rule(name="new", action="pin", products=["e", "d"], position=2))
    decision = decided(stocked)
    assert [item["item_id"] for item in decision.items] == ["a", "e", "d", "b", "c"]
    pinned = decision.items[1]
    assert (pinned["odds"], pinned["reasons"][0]) == (1.0, "put forward by the shop")


def test_a_pin_bows_to_stock_to_exclusion_and_to_the_shoppers_own_sort(stocked: Shop) -> None:
    pin = Rule(name="new", action="pin", products=["e"], position=1)
    write(stocked, pin)
    assert shown(stocked)[0] == "e"
    assert shown(stocked, sort="price")[0] != "e"
    write(stocked, pin, Rule(name="gone", action="exclude", brand="fonte"))
    assert set(shown(stocked)) == {"a", "b", "c"}
    write(stocked, pin)
    place = stocked.message("Location Stated", at=NOON, location_id="w", name="W", roles=["ships"])
    level = stocked.message("Stock Level Changed", at=NOON, location_id="w", product_id="e", on_hand=0)
    stocked.send(place | {"properties": {"location_id": "w", "name": "W", "roles": ["ships"]}}, level)
    stocked.fold()
    assert "e" not in shown(stocked)


def test_a_pin_in_a_search_shows_nothing_that_was_not_found(stocked: Shop) -> None:
    write(stocked, Rule(name="new", action="pin", products=["e"], position=1))
    assert shown(stocked, placement="search", results=["a", "b"], query="wine") == ["a", "b"]
    assert shown(stocked, placement="search", results=["a", "e"], query="wine") == ["e", "a"]


def test_boost_and_bury_move_by_a_part_of_the_way_and_include_shows_only_these(stocked: Shop) -> None:
    write(stocked, Rule(name="up", action="boost", brand="Fonte", strength=100))
    assert set(shown(stocked)[:2]) & {"d", "e"}
    write(stocked, Rule(name="down", action="bury", products=["a"], strength=100))
    assert shown(stocked)[-1] == "a"
    write(stocked, Rule(name="only", action="include", brand="Fonte", placements=["home"]))
    assert set(shown(stocked)) == {"d", "e"}


def test_a_rule_holds_from_its_first_moment_until_its_last(stocked: Shop) -> None:
    write(stocked, Rule(name="sale", action="exclude", products=["a"], since=to_iso(NOON), until=to_iso(NOON + DAY)))
    assert "a" in shown(stocked, at=NOON - 1)
    assert "a" not in shown(stocked, at=NOON)
    assert "a" in shown(stocked, at=NOON + DAY)
    write(stocked, Rule(name="sale", action="exclude", products=["a"], enabled=False))
    assert "a" in shown(stocked)


def test_two_who_change_at_once_do_not_lose_each_others_rules_and_what_was_can_be_put_back(stocked: Shop) -> None:
    first = write(stocked, Rule(name="one", action="exclude", products=["a"]))
    write(stocked, Rule(name="two", action="exclude", products=["b"]), seen=first)
    with pytest.raises(Conflict):
        write(stocked, seen=first)
    with stocked.db.write() as conn:
        put_back(conn, stocked.id, first, seen=first + 1, placements=PLACES, by="Bo", now=NOON)
        version, rules = in_force(conn, stocked.id)
        assert (version, [rule.name for rule in rules]) == (first + 2, ["one"])
        with pytest.raises(NotFound):
            put_back(conn, stocked.id, 99, seen=version, placements=PLACES, by="Bo", now=NOON)
    assert "a" not in shown(stocked)


def test_what_rules_would_do_is_told_before_they_hold(stocked: Shop) -> None:
    asked = DecisionAsked(placement="home", limit=2)
    rules = [Rule(name="new", action="pin", products=["e"])]
    found: Tried = try_rules(stocked.db, stocked.decider, stocked.id, asked, rules, currency="EUR", now=NOON)
    assert [item["item_id"] for item in found.without] == ["a", "b"]
    assert [item["item_id"] for item in found.shown] == ["e", "a"]
    assert (found.margin_shown.mean_minor, found.margin_shown.unknown) == (600, 0)
    assert shown(stocked)[0] == "a"


@pytest.mark.parametrize(
    "rule",
    [
        {"action": "pin", "category": "Wine"}, {"action": "pin"}, {"action": "boost"},
        {"action": "exclude", "products": ["a"], "placements": ["nowhere"]},
        {"action": "exclude", "products": ["a"], "segment": "nobody's"},
        {"action": "exclude", "products": ["a"], "since": "soon"},
        {"action": "exclude", "products": ["a"], "since": "2026-02-01T00:00Z", "until": "2026-01-01T00:00Z"},
        {"action": "exclude", "products": ["a"], "name": "\x00"},
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_refused_by_name(rule: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="the rule"):
        checked([Rule(**({"name": "wrong"} | rule))], placements=PLACES, segments=())


def test_rules_that_contradict_each_other_are_named_and_those_that_never_meet_are_not() -> None:
    pin = Rule(name="pin", action="pin", products=["a"])
    gone = Rule(name="gone", action="exclude", products=["a"])
    assert [one.rules for one in conflicts_of([pin, gone])] == [("pin", "gone")]
    elsewhere = Rule(name="gone", action="exclude", products=["a"], placements=["search"])
    at_home = Rule(name="pin", action="pin", products=["a"], placements=["home"])
    assert conflicts_of([at_home, elsewhere]) == []
    earlier = Rule(name="gone", action="exclude", products=["a"], until="2026-01-01T00:00Z")
    later = Rule(name="pin", action="pin", products=["a"], since="2026-01-01T00:00Z")
    assert conflicts_of([earlier, later]) == []
    both = [Rule(name=n, action="pin", products=[n], position=1) for n in "ab"]
    assert "one place" in conflicts_of(both)[0].what


@given(
    chosen=st.integers(0, 8), limit=st.integers(1, 8),
    pins=st.dictionaries(st.sampled_from("xyz"), st.integers(1, 8), max_size=3).filter(
        lambda pins: len(set(pins.values())) == len(pins)
    ),
)  # fmt: skip
def test_a_slate_has_every_pin_once_at_its_place_or_before_and_keeps_the_policys_order(
    chosen: int, limit: int, pins: dict[str, int]
) -> None:
    pins = {name: place for name, place in pins.items() if place <= limit}
    some = [_choice(str(number)) for number in range(min(chosen, limit - len(pins)))]
    known = {name: _choice(name).candidate for name in pins}
    slate = _around(some, {name: Pin(position=place, reason="r") for name, place in pins.items()}, known)
    ids = [choice.candidate.item_id for choice in slate]
    assert len(set(ids)) == len(ids) == len(some) + len(pins) <= limit
    assert [one for one in ids if one not in pins] == [choice.candidate.item_id for choice in some]
    for name, place in pins.items():
        assert ids.index(name) + 1 <= place
        if len(some) + len(pins) == limit:
            assert ids.index(name) + 1 == place


def _choice(item_id: str) -> Choice:
    candidate = Candidate(kind="product", item_id=item_id, score=1.0, reasons=[])
    return Choice(candidate=candidate, odds=0.5, explored=False)


@pytest.mark.parametrize(
    ("said", "shown"), [("2026-12-24T18:00:00+01:00", "2026-12-24T17:00"), ("2026-12-24T17:00Z", "2026-12-24T17:00"),
                        ("2026-12-24", "2026-12-24T00:00"), ("", "")],
)  # fmt: skip
def test_the_form_shows_the_end_of_a_rule_however_it_was_written(said: str, shown: str) -> None:
    """A field for day and hour shows nothing of what it cannot read, and saving would take the end away."""
    fields = pages._fields(Rule(name="gold", action="boost", products=["a"], until=said))
    assert fields["until"] == shown
    moment = pages._moment(fields["until"])
    assert (moment and read_moment(moment)) == (said and read_moment(said))


_WORD = st.sampled_from(["", "wine", "Wine", "WEIN", "straße", "STRASSE", "ſ", "s"])
_RULES = st.lists(
    st.builds(
        Rule, name=st.just("r"), action=st.just("boost"), products=st.lists(st.sampled_from(GOODS), max_size=3),
        category=_WORD, brand=_WORD,
    ), max_size=6,
)  # fmt: skip


@given(_RULES, st.lists(st.tuples(st.sampled_from(GOODS), _WORD, _WORD), unique_by=lambda one: one[0]))
def test_what_is_looked_up_is_what_asking_each_rule_of_each_product_says(
    rules: list[Rule], goods: list[tuple[str, str, str]]
) -> None:
    groups = {product_id: (category or None, brand or None) for product_id, category, brand in goods}
    found = meant(rules, list(groups), groups)
    for product_id, category, brand in goods:
        asked = [rule for rule in rules if is_about(rule, Thing(product_id, category, brand))]
        assert sorted(map(id, found.get(product_id, []))) == sorted(map(id, asked))

"""Facts in words: what the feed and the timeline say, whatever a fact holds."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.app.wiring import installed
from rapport.kernel.facts import Fact, FactType
from rapport.kernel.wording import LONGEST, FactKind, Wording, channel_of
from rapport.web.console import STATIC

WORDING = installed().wording

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from([*WORDING.kinds, "Something Else"])
KEYS = st.sampled_from(
    ["products", "order_id", "name", "price", "currency", "total", "query", "coupon", "chosen", "path", "title",
     "email", "category", "channel", "traits", "page", "externalIds"]
)  # fmt: skip
TABLES = st.dictionaries(KEYS, JSON, max_size=6)


def fact(name: str, **parts: Any) -> Fact:
    return Fact(id="m1", type="track", name=name, user_id="ada", **parts)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (fact("Order Completed", properties={"total": 30, "currency": "EUR", "order_id": "A-1",
              "products": [{"quantity": 2}, {"product_id": "x"}]}), "€30.00 · 3 items · order A-1"),
        (fact("Order Completed", properties={"revenue": 25, "total": 30, "currency": "EUR"}),
         "€25.00 without shipping and tax"),
        (fact("Order Completed", properties={"total": 30, "tax": 5, "currency": "EUR"}),
         "€25.00 without shipping and tax"),
        (fact("Order Refunded", properties={"amount": 3, "currency": "EUR"}), "€3.00"),
        (fact("Order Updated", properties={"revenue": "12.50"}), "12.5"),
        (fact("Product Viewed", properties={"name": "Merlot", "price": "12.5", "currency": "EUR"}), "Merlot · €12.50"),
        (fact("Product Viewed", properties={"product_id": "p1", "price": 9}), "p1 · 9"),
        (fact("Products Searched", properties={"query": "  corkscrew "}), "“corkscrew”"),
        (fact("Page Viewed", title="Home", properties={"path": "/"}), "Home"),
        (fact("Page Viewed", context={"page": {"path": "/wine"}}), "/wine"),
        (fact("Identified", traits={"name": "Ada", "email": "ada@example.com", "phone": "1"}), "Ada · ada@example.com"),
        (fact("Identified"), "as ada"),
        (fact("Cart Abandoned", properties={"value": 20, "currency": "JPY"}), "¥20"),
        (fact("Something Else", properties={"checkout_id": "c", "step": 2, "note": "x"}), "step: 2, note: x"),
    ],
)  # fmt: skip
def test_a_fact_is_told_in_one_line(told: Fact, words: str) -> None:
    assert WORDING.tell(told).detail == words


def test_unknown_events_get_an_icon_by_their_words() -> None:
    assert WORDING.icon_of("Email Opened")[0] == "mail"
    assert WORDING.icon_of("Parcel Delivery Promised")[0] == "box"
    assert WORDING.icon_of("Xyzzy")[0] == "pulse"


@given(
    kind=st.sampled_from(get_args(FactType)), name=NAMES, title=st.none() | st.text(), properties=TABLES, traits=TABLES,
    context=TABLES,
)  # fmt: skip
def test_no_fact_is_too_odd_to_be_told(
    kind: FactType,
    name: str,
    title: str | None,
    properties: dict[str, Any],
    traits: dict[str, Any],
    context: dict[str, Any],
) -> None:
    odd = Fact(id="m", type=kind, name=name, title=title, properties=properties, traits=traits, context=context)
    assert len(WORDING.tell(odd).detail) <= LONGEST
    assert len(channel_of(odd)) <= 30


def test_every_kind_says_its_own_words_of_every_odd_fact_or_none() -> None:
    """`Wording` would contain a kind that fails; none of ours does."""
    odd = {name: [{"x": 1}] for kind in WORDING.kinds.values() for name in kind.properties}
    for kind in WORDING.kinds.values():
        for properties in ({}, odd, dict.fromkeys(odd, 7), dict.fromkeys(odd)):
            if kind.tell is not None:
                assert isinstance(kind.tell(fact(kind.name, properties=properties)), str)


def test_a_kind_whose_words_fail_is_told_by_its_properties() -> None:
    broken = FactKind(name="Card Given", meaning="", icon="card", tell=lambda fact: fact.properties["missing"])
    told = Wording([broken]).tell(fact("Card Given", properties={"note": "for Bo"}))
    assert told == ("card", "", "Card Given", "note: for Bo")


def test_every_kind_has_an_icon_of_the_console() -> None:
    drawn = (STATIC.parent / "templates" / "parts.html").read_text()
    assert [kind.name for kind in WORDING.kinds.values() if f'"{kind.icon}":' not in drawn] == []


def test_two_kinds_of_one_name_are_refused() -> None:
    kind = FactKind(name="Card Given", meaning="given", icon="card")
    with pytest.raises(ValueError, match="of kind fact are named 'Card Given'"):
        Wording([kind, kind])

"""Laws of traits: whatever facts say and in whichever order they come, a customer's record is the same."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.capabilities.orders.cart import Cart
from rapport.capabilities.orders.ledger import Orders
from rapport.kernel.clock import DAY, HOUR, MINUTE
from rapport.kernel.facts import Fact, FactType
from rapport.remember.inputs import ReadingSettings
from rapport.remember.registry import Part, Registry, StrandState
from rapport.remember.strands import decode_state, encode_state
from tests.remembered import REMEMBERED

REGISTRY = REMEMBERED.registry(currency="EUR", region="DE")
_SMALL = {"orders": Orders(limit=3), "cart": Cart(limit=3)}
TIGHT = Registry(
    [Part(**{**msgspec.structs.asdict(p), "kind": _SMALL.get(p.name, p.kind)}) for p in REMEMBERED.parts.values()],
    REMEMBERED.traits.values(),
    settings=ReadingSettings(currency="EUR"),
)
"""The same traits with bounds that are reached after three orders and three changes of the cart."""

TEXTS = st.one_of(st.sampled_from(["a", "b", "c", "Wine", "EUR", "JPY", "eur", "1", " "]), st.text(max_size=6))
ODD = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)
IDS = st.sampled_from(["o-1", "o-2", "o-3", "o-4", "o-5"])
AMOUNTS = st.one_of(st.integers(0, 50), st.sampled_from([9.99, "12.50", -3, "x", None, 1e300]))
PRODUCT = st.fixed_dictionaries(
    {"product_id": st.sampled_from(["p-1", "p-2", "p-3", 4])},
    optional={
        "price": AMOUNTS, "cost": AMOUNTS, "quantity": st.one_of(st.integers(-1, 4), st.sampled_from(["2", 1.5, None])),
        "category": TEXTS, "brand": TEXTS, "name": TEXTS, "coupon": TEXTS, "cart_id": TEXTS, "currency": TEXTS,
    },
)  # fmt: skip
ORDER = st.fixed_dictionaries(
    {"order_id": IDS},
    optional={
        "revenue": AMOUNTS, "total": AMOUNTS, "tax": AMOUNTS, "currency": st.sampled_from(["EUR", "JPY", "KWD", 7]),
        "products": st.lists(PRODUCT, max_size=3), "coupon": TEXTS, "margin": AMOUNTS,
        "refund_id": st.sampled_from(["r-1", "r-2", "r-3", "r-4"]),
    },
)  # fmt: skip
TRAITS_GIVEN = st.dictionaries(
    st.sampled_from(["email", "phone", "name", "firstName", "lastName", "birthday", "address", "city", "language"]),
    st.one_of(
        ODD, st.sampled_from(["ada@example.com", "+4930123456", "2001-02-03", "de_AT"]),
        st.fixed_dictionaries({"city": TEXTS, "country": TEXTS}),
    ),
    max_size=4,
)  # fmt: skip
CONTEXT = st.fixed_dictionaries(
    {},
    optional={
        "channel": TEXTS, "userAgent": TEXTS, "locale": TEXTS, "timezone": TEXTS, "traits": TRAITS_GIVEN,
        "campaign": st.one_of(ODD, st.fixed_dictionaries({"name": TEXTS, "cost": AMOUNTS})),
        "page": st.one_of(ODD, st.fixed_dictionaries({"url": TEXTS, "referrer": st.just("https://blog.example/x")})),
        "consent": st.fixed_dictionaries({"categoryPreferences": st.dictionaries(TEXTS, st.booleans(), max_size=3)}),
        "location": ODD, "device": ODD, "library": ODD,
    },
)  # fmt: skip
TRACKS = (
    "Product Viewed", "Product Added", "Product Removed", "Wishlist Product Added to Cart", "Products Searched",
    "Product Added to Wishlist", "Product Removed from Wishlist", "Cart Viewed", "Checkout Started", "Invented",
)  # fmt: skip
ORDERS = ["Order Completed", "Order Updated", "Order Cancelled", "Order Refunded"] * 3
TIMES = st.one_of(
    st.integers(0, 4), st.integers(0, 50).map(lambda n: n * 13 * MINUTE), st.integers(0, 900).map(lambda n: n * DAY)
)


@st.composite
def fact(draw: st.DrawFn, names: tuple[str, ...]) -> Fact:
    """One fact of a shop: mostly sensible, with odd values anywhere."""
    name = draw(st.sampled_from(names))
    kind: FactType = {"Identified": "identify", "Page Viewed": "page", "Group Joined": "group"}.get(name, "track")  # type: ignore[assignment]
    properties: Any = draw(ORDER if name in ORDERS else PRODUCT)
    if draw(st.integers(0, 3)) == 0:
        properties = {**properties, **draw(st.dictionaries(st.sampled_from(["query", "products", "order_id"]), ODD))}
    return Fact(
        id="", type=kind, name=name, properties=properties, context=draw(CONTEXT),
        traits=draw(TRAITS_GIVEN) if kind in ("identify", "group") else {},
        occurred_at=draw(TIMES), source=draw(st.sampled_from(["src_web", "src_server", "rapport"])),
    )  # fmt: skip


def _numbered(found: list[Fact]) -> list[Fact]:
    for number, one in enumerate(found):
        one.id = f"m-{number:02}"
    return found


EVERYTHING = (*TRACKS, *ORDERS, "Identified", "Page Viewed", "Group Joined")
FACTS = st.one_of(st.lists(fact(EVERYTHING), max_size=25), st.lists(fact(tuple(ORDERS)), max_size=12)).map(_numbered)


def folded(registry: Registry, facts: list[Fact]) -> StrandState:
    state: StrandState = {}
    for one in facts:
        registry.fold(state, one)
    return state


def record(registry: Registry, *states: StrandState) -> tuple[StrandState, bytes]:
    """The merged state, and the Golden Record's traits read of it."""
    merged = registry.merge(copy.deepcopy(states))
    read = {name: list(held) for name, held in registry.read(merged, now=400 * DAY).items()}
    return merged, msgspec.json.encode(read, order="deterministic")


@given(facts=FACTS, data=st.data())
@settings(max_examples=70)
def test_any_order_of_facts_gives_the_same_record(facts: list[Fact], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(facts))
    for registry in (REGISTRY, TIGHT):
        assert record(registry, folded(registry, shuffled)) == record(registry, folded(registry, facts))


@given(facts=FACTS, data=st.data())
@settings(max_examples=70)
def test_strands_merged_are_the_record_of_all_their_facts(facts: list[Fact], data: st.DataObject) -> None:
    strand_of = data.draw(st.lists(st.integers(0, 2), min_size=len(facts), max_size=len(facts)))
    for registry in (REGISTRY, TIGHT):
        strands = [
            folded(registry, [one for one, where in zip(facts, strand_of, strict=True) if where == n]) for n in range(3)
        ]
        whole = record(registry, folded(registry, facts))
        assert record(registry, *strands) == whole
        assert record(registry, *reversed(strands)) == whole
        assert record(registry, *[decode_state(encode_state(state)) for state in strands]) == whole


@given(properties=st.dictionaries(TEXTS, ODD, max_size=4), product=st.dictionaries(st.sampled_from(
    ["product_id", "price", "quantity", "category", "brand", "name", "products", "order_id", "revenue", "currency",
     "coupon", "query", "cart_id", "refund_id", "total", "margin", "channel", "shipping_address"]), ODD, max_size=10),
    context=st.dictionaries(st.sampled_from(
        ["channel", "library", "device", "userAgent", "locale", "timezone", "traits", "campaign", "page", "consent",
         "location"]), ODD, max_size=8),
    name=st.sampled_from([*TRACKS, *ORDERS, "Identified"]))  # fmt: skip
@settings(max_examples=120)
def test_no_value_of_a_hostile_client_can_stop_the_fold(
    properties: dict[str, Any], product: dict[str, Any], context: dict[str, Any], name: str
) -> None:
    state: StrandState = {}
    for at in (0, HOUR):
        REGISTRY.fold(
            state,
            Fact(
                id=f"m-{at}", type="identify" if name == "Identified" else "track", name=name, traits=properties,
                properties={**properties, **product, "products": [product, properties]}, context=context,
                occurred_at=at,
            ),
        )  # fmt: skip
    record(REGISTRY, decode_state(encode_state(state)))

"""Goals: what showing a product brings, in money and said what of it is not known; a mix that keeps its word."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.capabilities.goals.model import GOALS, Figures, left_of_a_piece, mixed, worth_of
from rapport.capabilities.goals.service.reckoning import RECKONING, reckon
from rapport.capabilities.goals.service.scoring import TRIED
from rapport.capabilities.goals.service.trying import GoalsTried, try_goals
from rapport.capabilities.goals.settings import GOALS_SETTINGS, GoalsSettings
from rapport.capabilities.goals.store import figures_of
from rapport.capabilities.merchandising.model import Rule
from rapport.capabilities.merchandising.service.changing import save as save_rules
from rapport.decide.components import _public
from rapport.decide.model import Worth
from rapport.decide.service import Decision, DecisionAsked
from rapport.kernel.clock import DAY
from rapport.kernel.errors import InvalidInput
from rapport.storage import settings
from tests.jobs import turns
from tests.shop import NOON, Shop

LATER = NOON + 30 * DAY
GOODS = {"trinket": (1_000, 900), "ring": (2_000, 400), "hat": (3_000, None)}
"""Price and cost, the most looked at first."""

worths = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3),
    st.builds(
        Worth, currency=st.just("EUR"), looks=st.floats(0, 1), bought=st.floats(0, 1), kept=st.floats(0, 1),
        revenue=st.none() | st.floats(0, 1e6), contribution=st.none() | st.floats(-1e6, 1e6),
    ),
    max_size=12,
)  # fmt: skip


@pytest.fixture
def stocked(any_shop: Shop) -> Shop:
    """Three products looked at by many and bought by some; every second ring comes back, hardly any trinket."""
    shop = any_shop
    for place, (one, (price, cost)) in enumerate(GOODS.items()):
        said: dict[str, Any] = {"product_id": one, "name": one.title(), "price": price / 100, "currency": "EUR"}
        said |= {} if cost is None else {"cost": cost / 100}
        for visitor in range(60 - 10 * place):
            shop.send(shop.message("Product Viewed", at=NOON, browser=f"{one}{visitor}", **said))
        for number in range(30):
            order: dict[str, Any] = {
                "order_id": f"{one}{number}",
                "products": [said],
                "currency": "EUR",
                "revenue": price / 100,
            }
            shop.send(shop.message("Order Completed", at=NOON, browser=f"{one}{number}", **order))
            if one == "ring" and number % 2:
                back: dict[str, Any] = {
                    "order_id": f"{one}{number}",
                    "refund_id": f"r{number}",
                    "products": [{"product_id": one}],
                }
                shop.send(shop.message("Order Refunded", at=NOON + DAY, browser=f"{one}{number}", **back))
    shop.fold()
    turns(shop.db, RECKONING, now=LATER)
    return shop


def decided(shop: Shop, *, trial: dict[str, Any] | None = None, **context: Any) -> Decision:
    asked = DecisionAsked(placement="home", context=context, limit=3)
    return shop.decider.compute(shop.id, asked, now=LATER, trial={"another": ()} if trial is None else trial)[0]


def order_of(decision: Decision) -> list[str]:
    return [str(item["item_id"]) for item in decision.items]


def put(shop: Shop, goals: GoalsSettings) -> None:
    with shop.db.write() as conn:
        seen = settings.load(conn, shop.id, GOALS_SETTINGS).version
        settings.save(conn, shop.id, GOALS_SETTINGS, goals, version=seen, by="Ada", now=LATER)


def test_each_item_says_what_showing_it_brings_and_names_what_is_not_known(stocked: Shop) -> None:
    put(stocked, GoalsSettings(sending_minor=50, return_minor=300))
    items = {item["item_id"]: item["expected"] for item in decided(stocked).items}
    ring, trinket, hat = items["ring"], items["trinket"], items["hat"]
    assert sum(one["looks"] for one in items.values()) == pytest.approx(1, abs=1e-5)
    assert trinket["returned"] < 0.1 < 0.3 < ring["returned"] < 0.5
    kept = 1 - ring["returned"]
    assert ring["piece_minor"] == pytest.approx(kept * 1_600 - ring["returned"] * 300 - 50, abs=1)
    assert ring["contribution"] == pytest.approx(ring["bought"] * ring["piece_minor"], rel=0.01)
    assert ("unknown" in ring, hat["unknown"], hat.get("contribution")) == (False, ["cost"], None)
    assert trinket["piece_minor"] < ring["piece_minor"]


def test_looks_alone_leave_the_order_and_the_scores_as_they_are(stocked: Shop) -> None:
    plain = decided(stocked)
    put(stocked, GoalsSettings(looks=30))
    assert [(item["item_id"], item["score"]) for item in decided(stocked).items] == [
        (item["item_id"], item["score"]) for item in plain.items
    ]


def test_a_mix_in_force_orders_by_what_a_sale_leaves_and_pins_keep_the_last_word(stocked: Shop) -> None:
    assert order_of(decided(stocked))[0] == "trinket"
    put(stocked, GoalsSettings(looks=0, contribution=100))
    assert order_of(decided(stocked)).index("ring") < order_of(decided(stocked)).index("trinket")
    put(stocked, GoalsSettings(looks=0, kept=100))
    assert order_of(decided(stocked)).index("trinket") < order_of(decided(stocked)).index("ring")
    rule = Rule(name="hat first", action="pin", products=["trinket"], position=3)
    with stocked.db.write() as conn:
        save_rules(conn, stocked.id, [rule], seen=0, placements=["home"], what="", by="Ada", now=LATER)
    assert order_of(decided(stocked))[2] == "trinket"


def test_what_is_tried_changes_nothing_and_says_what_it_would(stocked: Shop) -> None:
    wanted = GoalsSettings(looks=0, contribution=100)
    before, facts = decided(stocked), len(stocked.facts("Decision Made"))
    found = tried(stocked, wanted)
    goals = {one.goal: one for one in found.goals}
    assert (goals["contribution"].after or 0) > (goals["contribution"].before or 0) > 0
    assert found.changed_places > 0
    assert [page.placement for page in found.pages].count("home") == 1
    assert (decided(stocked).items, len(stocked.facts("Decision Made"))) == (before.items, facts)
    assert order_of(decided(stocked, trial={TRIED: wanted})) != order_of(before)


def tried(shop: Shop, wanted: GoalsSettings) -> GoalsTried:
    return try_goals(
        shop.db, shop.decider, shop.id, wanted, held=GoalsSettings(), currency="EUR", now=LATER
    )  # fmt: skip


def test_neither_a_browser_nor_the_customer_s_own_facts_learn_what_a_product_leaves_the_shop(stocked: Shop) -> None:
    decision = stocked.decide(at=LATER, product_id="hat")
    [fact] = stocked.facts("Decision Made")
    assert "expected" not in str(fact.properties)
    assert "contribution" not in str(fact.properties)
    assert "expected" in str(decision.items)
    assert "expected" not in str(_public(decision))
    assert "minor" not in str(_public(decision)).replace("price_minor", "")


def test_figures_are_written_where_they_changed_and_a_second_walk_writes_nothing(stocked: Shop) -> None:
    assert sum(turns(stocked.db, RECKONING, now=LATER)) == 0
    stocked.send(stocked.message("Product Viewed", at=LATER, browser="new", product_id="cape", price=5, currency="EUR"))
    stocked.fold()
    assert sum(turns(stocked.db, RECKONING, now=LATER, at_most=2)) >= 1
    with stocked.db.read() as conn:
        known = figures_of(conn, stocked.id, [*GOODS, "cape", "nobody's"])
        again = {one.product_id: one for one in reckon(conn, stocked.id, [*GOODS, "cape"], now=LATER)}
    assert known == again


def test_a_shop_without_orders_or_products_still_decides(any_shop: Shop) -> None:
    put(any_shop, GoalsSettings(looks=0, contribution=100))
    assert decided(any_shop).items == []
    any_shop.send(any_shop.message("Product Viewed", at=NOON, browser="v", product_id="a", price=3, currency="USD"))
    any_shop.fold()
    [item] = decided(any_shop).items
    assert item["expected"]["unknown"] == ["price", "cost", "returns"]
    turns(any_shop.db, RECKONING, now=LATER)
    [item] = decided(any_shop).items
    assert "price" in item["expected"]["unknown"]  # dollars, in a shop of euros


@given(worths, st.fixed_dictionaries({goal: st.integers(0, 100) for goal in GOALS}))
def test_no_mix_fails_or_leaves_its_bounds(given: dict[str, Worth], weights: dict[str, int]) -> None:
    scores = mixed(given, weights)
    assert scores.keys() == given.keys()
    assert all(-1 - 1e-9 <= one <= 1 + 1e-9 for one in scores.values())


@given(worths)
def test_one_goal_orders_by_it_alone(given: dict[str, Worth]) -> None:
    scores = mixed(given, {"kept": 7})
    assert all(scores[a] <= scores[b] + 1e-12 for a in given for b in given if given[a].kept <= given[b].kept)  # type: ignore[operator]


@given(st.integers(1, 10**7), st.integers(0, 10**7), st.integers(0, 10**6), st.integers(0, 10**4))
def test_a_piece_never_leaves_more_than_its_price_and_less_when_more_comes_back(
    price: int, cost: int, back: int, sending: int
) -> None:
    goals = GoalsSettings(sending_minor=sending, return_minor=100)
    some, more = (
        left_of_a_piece(Figures("a", price, cost, "EUR", 0, share), goals, currency="EUR")[0]
        for share in (back // 2, back)
    )
    assert some is not None
    assert more is not None
    assert some <= price
    assert more <= some + 1 or cost > price


def test_a_worth_in_another_currency_is_not_money_here() -> None:
    worth = worth_of(0.5, Figures("a", 100, 50, "USD", 500_000, 0), GoalsSettings(), currency="EUR")
    assert (worth.revenue, worth.contribution, worth.bought) == (None, None, 0.25)


@pytest.mark.parametrize("typed", [{"looks": "101"}, {"kept": "-1"}, {"revenue": "much"}, {"tax_percent": "1e9"}])
def test_a_mix_that_cannot_be_is_refused_by_name(typed: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        GOALS_SETTINGS.convert(typed)

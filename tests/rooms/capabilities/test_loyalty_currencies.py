"""A programme of several currencies and markets: each amount is said, nothing is converted in silence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rapport.capabilities.loyalty import redeeming, store
from rapport.capabilities.loyalty.checking import UnfitTerms, read_programme
from rapport.capabilities.loyalty.currencies import Place, first_for, from_own, in_own, terms_in
from rapport.capabilities.loyalty.plain import sentences
from rapport.capabilities.loyalty.quoting import CartAsked, Destination, LineAsked, Quote, holder_of, quote
from rapport.capabilities.loyalty.versions import versions_of
from rapport.kernel.clock import DAY, HOUR
from rapport.kernel.errors import Conflict, InvalidInput
from tests.databases import ENGINES, database_at
from tests.loyal import CLUB, begin, key, order, tell, wallet
from tests.shop import NOON, Shop

DELIVERY = {"kind": "delivery", "title": "Free delivery above 90", "above_minor": 9000, "above_in": {"CHF": 9900}}
TWO: dict[str, Any] = {
    "pending_days": 0, "plans": [], "currencies": [{"currency": "CHF", "minor": 110, "counts_as": 100}],
    "worth": {"points": 1, "minor": 1, "minor_in": {"CHF": 2}},
    "tiers": [{"name": "friend", "title": "Friend", "benefits": [DELIVERY]},
              {"name": "gold", "title": "Gold", "at": 20_000,
               "benefits": [{"kind": "delivery", "title": "Always free delivery"}]}],
    "earning": [{"name": "base", "title": "Points", "points": 1, "per_minor": 100, "per_in": {"CHF": 200}}],
}  # fmt: skip


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with database_at(request.param, tmp_path_factory.mktemp("currencies")) as url:
        made = Shop(url)
        begin(made, name="club", **TWO)
        begin(made, name="paris", pending_days=0, plans=[], only={"countries": ["FR"]})
        yield made
        made.close()


def cart(currency: str, minor: int, *, country: str = "", redeem: int = 0) -> CartAsked:
    line = LineAsked(line_id="1", product_id="p", quantity=1, unit_price_minor=minor)
    return CartAsked(currency=currency, lines=[line], shipping_minor=490, redeem_points=redeem,
                     destination=Destination(country=country))  # fmt: skip


def asked(shop: Shop, user: str, wanted: CartAsked, name: str = "club") -> Quote:
    with shop.db.read() as conn:
        versions = versions_of(conn, shop.id)[name]
        return quote(holder_of(conn, shop.id, versions, name, key(shop, user), now=NOON), wanted, now=NOON)


def francs(shop: Shop, user: str, order_id: str, price: float) -> Any:
    products = [{"product_id": "p", "price": price, "quantity": 1}]
    return shop.message("Order Completed", at=NOON, user=user, order_id=order_id, currency="CHF", products=products)


def test_what_is_promised_in_a_currency_is_booked_in_it(shop: Shop) -> None:
    there = asked(shop, "cy", cart("CHF", 9_899))
    assert (there.points_earned, there.missing_for_delivery_minor) == (49, 1)
    assert [one.kind for one in asked(shop, "cy", cart("CHF", 9_900)).benefits] == ["delivery"]
    assert there.next_tier is not None
    assert there.next_tier.missing == 22_000  # francs of the cart, not euros
    tell(shop, francs(shop, "cy", "cy-1", 98.99))
    assert wallet(shop, "cy", now=NOON).balance == 49


def test_francs_count_for_a_tier_as_the_terms_say(shop: Shop) -> None:
    tell(shop, francs(shop, "di", "di-1", 110), order(shop, "di", "di-2", 99.99))
    near = wallet(shop, "di", now=NOON)
    assert (near.tier, near.next_tier and near.next_tier.missing) == ("friend", 1)
    tell(shop, order(shop, "di", "di-3", 0.01))
    assert wallet(shop, "di", now=NOON).tier == "gold"


def test_points_pay_in_the_checkout_s_currency(shop: Shop) -> None:
    tell(shop, francs(shop, "ed", "ed-1", 100))
    held = redeeming.hold(
        shop.db, shop.id, "user_id:ed", 10, request_id="ed", programme="club", place=Place("CHF"), now=NOON
    )
    assert (held.value_minor, held.currency) == (20, "CHF")
    assert asked(shop, "ed", cart("CHF", 9_000, redeem=10)).redeemable.value_minor == 20
    with pytest.raises(InvalidInput, match="pay nothing in 'USD'"):
        redeeming.hold(
            shop.db, shop.id, "user_id:ed", 10, request_id="ed2", programme="club", place=Place("USD"), now=NOON
        )


def test_an_order_in_another_currency_earns_nothing_and_says_so(shop: Shop) -> None:
    tell(shop, shop.message("Order Completed", at=NOON, user="fu", order_id="fu-1", currency="USD", revenue=50))
    there = wallet(shop, "fu", now=NOON)
    assert (there.balance, there.next_tier and there.next_tier.missing) == (0, 20_000)
    with shop.db.read() as conn:
        lots = store.lots_named(conn, shop.id, ["order:fu-1"])
    assert "is in USD" in lots["club", "order:fu-1"].words
    with pytest.raises(InvalidInput, match="counts in EUR, CHF"):
        asked(shop, "fu", cart("USD", 100))


def test_each_market_has_its_own_programme(shop: Shop) -> None:
    tell(shop, order(shop, "gu", "gu-1", 30, shipping_address={"country": "France"}),
         order(shop, "gu", "gu-2", 50, shipping_address={"country": "DE"}), order(shop, "gu", "gu-3", 70))  # fmt: skip
    with shop.db.read() as conn:
        lots = store.lots_named(conn, shop.id, ["order:gu-1", "order:gu-2", "order:gu-3"])
    assert {lot for name, lot in lots if name == "paris"} == {"order:gu-1"}
    assert lots["paris", "order:gu-1"].given == 30
    with pytest.raises(InvalidInput, match="does not count a cart that goes to 'DE'") as refused:
        asked(shop, "gu", cart("EUR", 100, country="DE"), "paris")
    assert "countries: FR" in refused.value.hint
    assert asked(shop, "gu", cart("EUR", 100, country="fr"), "paris").points_earned == 1
    with shop.db.read() as conn:
        newest = {name: several[-1].programme for name, several in versions_of(conn, shop.id).items()}
    assert first_for(newest, Place("CHF", "DE")) == "club"
    assert first_for({"paris": newest["paris"], **newest}, Place("EUR", "DE")) == "club"


def test_a_refund_in_francs_takes_its_share(shop: Shop) -> None:
    back = shop.message("Order Refunded", at=NOON + HOUR, user="hy", order_id="hy-1", currency="CHF", amount=50)
    tell(shop, francs(shop, "hy", "hy-1", 100), back)
    assert wallet(shop, "hy", now=NOON + DAY).balance == 25


def test_amounts_go_there_and_back_without_a_cent_too_many() -> None:
    terms = read_programme(CLUB | TWO)
    for minor in (0, 1, 99, 100, 20_000, 10**12):
        assert in_own(terms, "CHF", from_own(terms, "CHF", minor)) >= minor
        assert from_own(terms, "CHF", in_own(terms, "CHF", minor)) <= minor + 1
    here = terms_in(terms, "CHF")
    assert here is not None
    assert [tier.at for tier in here.tiers] == [0, 22_000]
    assert (here.currency, here.earning[0].per_minor, terms_in(terms, "USD")) == ("CHF", 200, None)
    told = [one.replace("\xa0", " ") for one in sentences(terms)]
    assert [one for one in told if one.startswith("Orders in CHF count, too: ") and "1.10" in one and "1.00" in one]


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"worth": {"points": 1, "minor": 1}}, "worth.minor_in", "not said in CHF"),
        ({"earning": [{"name": "base", "title": "B", "per_minor": 100}]}, "earning.0.per_in", "not said in CHF"),
        ({"tiers": [{"name": "a", "title": "A", "benefits": [DELIVERY | {"above_in": {}}]}]},
         "tiers.0.benefits.0.above_in", "not said in CHF"),
        ({"worth": {"points": 1, "minor": 1, "minor_in": {"CHF": 1, "USD": 1}}}, "worth.minor_in", "does not count in"),
        ({"currencies": [{"currency": "EUR", "minor": 1, "counts_as": 1}]}, "currencies.0.currency", "own currency"),
        ({"currencies": [{"currency": "XXZ", "minor": 1, "counts_as": 1}]}, "currencies.0.currency", "no currency"),
        ({"currencies": TWO["currencies"] * 2}, "currencies.1.currency", "two of the currency"),
    ],
)  # fmt: skip
def test_an_amount_that_is_not_said_in_a_currency_is_refused_at_its_field(
    changes: dict[str, Any], path: str, words: str
) -> None:
    with pytest.raises(UnfitTerms, match=words) as found:
        read_programme(CLUB | TWO | changes)
    assert found.value.path == path


def test_a_hold_that_names_no_programme_is_in_the_one_that_the_quote_is_about(shop: Shop) -> None:
    """The last here: it begins programmes that come first by name."""
    tell(shop, order(shop, "iv", "iv-1", 40, shipping_address={"country": "FR"}), francs(shop, "iv", "iv-2", 100))
    begin(shop, name="abroad", pending_days=0, plans=[], only={"countries": ["US"]})
    held = {
        place: redeeming.hold(shop.db, shop.id, "user_id:iv", 1, request_id=f"iv-{n}", place=place, now=NOON).programme
        for n, place in enumerate((Place("EUR", "FR"), Place("CHF"), Place("EUR", "DE")))
    }
    assert [*held.values()] == ["club", "club", "club"]
    begin(shop, name="basel", pending_days=0, plans=[], currency="CHF", only={"countries": ["CH"]})
    with shop.db.read() as conn:
        newest = {name: several[-1].programme for name, several in versions_of(conn, shop.id).items()}
    assert first_for(newest, Place("CHF", "CH")) == "basel"
    with pytest.raises(Conflict, match="0 can be redeemed"):
        redeeming.hold(shop.db, shop.id, "user_id:iv", 1, request_id="iv-x", place=Place("CHF", "CH"), now=NOON)

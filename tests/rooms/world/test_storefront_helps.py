"""What helps a shopper: a search that forgives, honest reviews, days of delivery, stock of the chosen store."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.world.catalogue import the_catalogue
from rapport.world.storefront.delivery import STORES, delivered_by, delivery_words, leaves_words, pickup, steps_done
from rapport.world.storefront.finding import find
from rapport.world.storefront.forms import checked
from rapport.world.storefront.reviews import reviews_of
from rapport.world.storefront.words.opinions import OPINIONS, fits

PRODUCTS = the_catalogue().products
BY_NAME = {product.name: product for product in PRODUCTS}
TODAY = date(2026, 3, 2)
YEAR = datetime(2024, 1, 1)  # noqa: DTZ001 hypothesis adds the zone


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("chianti", "Chianti Classico"), ("chinati", "Chianti Classico"), ("CHIANTI  ", "Chianti Classico"),
        ("jamon", "Jamón Ibérico"), ("saint emilion", "Saint-Émilion Grand Cru"), ("rosé", "Provence Rosé"),
        ("cardigans", "Cashmere cardigan"), ("cashmire cardigan", "Cashmere cardigan"), ("sweater", "Merino jumper"),
        ("sneakers", "Canvas trainers"), ("red wine", "Chianti Classico"), ("olive oil", "Arbequina olive oil"),
        ("chef knife", "Chef's knife 20 cm"), ("T-shirt", "Cotton T-shirt"), ("box of coffee", "Coffee lover's box"),
    ],
)  # fmt: skip
def test_a_search_forgives(typed: str, found: str) -> None:
    """Slips, accents, plurals, capitals, small words, and other people's words for the same thing."""
    assert BY_NAME[found] in find(typed).products[:6]


def test_a_search_says_what_it_looked_for_instead() -> None:
    assert find("chinati").read_as == "chianti"
    assert find("chianti").read_as == ""
    assert find("unicorn cardigan").partly
    assert find("qwertzuiop").products == []
    assert find("  ").products == find("the of").products == []


@given(st.sampled_from(PRODUCTS))
def test_every_product_is_found_by_its_own_name(product: object) -> None:
    assert product in find(product.name).products[:8]  # type: ignore[attr-defined]


@given(st.text(max_size=60))
def test_whatever_is_typed_is_answered(typed: str) -> None:
    find(typed)


def test_reviews_are_the_same_at_every_look_and_what_stands_does_not_change() -> None:
    for product in PRODUCTS[::9]:
        today = reviews_of(product, TODAY, seed=7)
        assert today == reviews_of(product, TODAY, seed=7)
        assert sum(today.counts) == today.count
        later = reviews_of(product, TODAY + timedelta(days=1), seed=7)
        kept = [one for one in today.newest if one in later.newest]
        assert len(kept) >= len(today.newest) - 1
        assert all(one.on < TODAY for one in today.newest)


def test_no_shelf_is_all_praise() -> None:
    """Marks of the whole shop: most are good, some are not, as the world's own reviews are."""
    counts = [0] * 5
    for product in PRODUCTS:
        for place, count in enumerate(reviews_of(product, TODAY, seed=7).counts):
            counts[place] += count
    share = [count / sum(counts) for count in counts]
    assert 0.25 < share[0] < 0.6
    assert share[0] + share[1] > 0.6
    assert share[3] + share[4] > 0.01


@given(
    st.datetimes(timezones=st.just(UTC), min_value=YEAR, max_value=YEAR.replace(year=2030)),
    st.sampled_from(["GB", "IT"]),
)
def test_nothing_arrives_on_a_sunday_nor_before_it_left(now: datetime, country: str) -> None:
    day = delivered_by(now, country)
    assert day.weekday() != 6
    assert day > now.date() + timedelta(days=0 if now.hour < 15 else 1)
    assert delivered_by(now.replace(hour=16), country) >= delivered_by(now.replace(hour=9), country)
    assert delivery_words(now, country)


def test_what_the_store_has_is_ready_and_what_it_has_not_comes_back() -> None:
    """As the catalogue counts the pieces, on every day of a fortnight."""
    store = the_catalogue().stores[0]
    for ahead in range(14):
        now = datetime(2026, 3, 2, 9, 30, tzinfo=UTC) + timedelta(days=ahead)
        for product in PRODUCTS[::11]:
            pieces = the_catalogue().stock(store, product, day=(now.date() - date(1970, 1, 1)).days)
            found = pickup(product, store, now)
            assert found.pieces == pieces
            assert found.when.startswith("ready" if pieces else ("back", "not kept"))
    assert {store.key for store in the_catalogue().stores} == set(STORES)


def test_a_form_for_collection_asks_for_no_address() -> None:
    values, errors = checked({"email": "a@b.example", "given": "A", "family": "B", "method": "pickup", "street": "x"})
    assert errors == {}
    assert values["street"] == ""


@given(st.datetimes(timezones=st.just(UTC), min_value=YEAR, max_value=YEAR.replace(year=2030)), st.booleans())
def test_an_order_goes_its_way_and_never_back(placed: datetime, collected: bool) -> None:  # noqa: FBT001 drawn
    """From hour to hour; it is delivered on the day that was promised and not before, and what is collected waits."""
    hours = [placed + timedelta(hours=hour) for hour in range(0, 170, 2)]
    steps = [steps_done(placed, now, "GB", collected=collected) for now in hours]
    assert steps == sorted(steps)
    assert steps[0] == 2
    assert leaves_words(placed) == ("today" if placed.hour < 15 else "tomorrow")
    if collected:
        assert steps[1:] == [3] * (len(steps) - 1)
    else:
        assert next(now.date() for now, step in zip(hours, steps, strict=True) if step == 4) == delivered_by(
            placed, "GB"
        )


def test_nobody_praises_the_sleeves_of_a_shoe() -> None:
    """And of everything something can be said at every mark."""
    for product in PRODUCTS:
        by_mark = OPINIONS[product.department]
        assert all(any(fits(one, product.tags) for one in by_mark[mark]) for mark in (1, 2, 3, 4, 5)), product.name
        texts = " ".join(review.text for review in reviews_of(product, TODAY, seed=7).newest)
        assert "shoe" not in product.tags or "leeve" not in texts

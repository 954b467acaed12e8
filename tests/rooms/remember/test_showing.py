"""Golden Records in words: traits by their type."""

from __future__ import annotations

from typing import Any

from rapport.kernel.clock import from_iso
from rapport.kernel.ids import CustomerId
from rapport.remember.golden import GoldenRecord, TraitShown
from rapport.remember.showing import money_words, trait_groups
from tests.remembered import REMEMBERED

TRAITS = REMEMBERED.traits


def words(**values: Any) -> dict[str, str]:
    traits = {
        name: TraitShown(value=value, source="s", occurred_at="2026-01-01T00:00:00Z", fact_id="f", rule="")
        for name, value in values.items()
    }
    groups = trait_groups(GoldenRecord(id=CustomerId("cus_x"), identifiers=[], traits=traits), TRAITS)
    return {line.name: line.words for lines in groups.values() for line in lines}


def test_traits_are_worded_by_their_type() -> None:
    said = words(
        revenue={"EUR": 1050, "JPY": 300},
        orders=1234,
        categories=[{"name": "Red wine", "share": 0.75}, {"name": "Cheese", "share": 0.25}],
        channels=[{"name": "web", "count": 12}],
        location={"city": "Bath", "country": "GB"},
        cart={
            "products": [{"quantity": 2}],
            "value_minor": 500,
            "currency": "GBP",
            "abandoned_at": "2026-01-01T00:00:00Z",
        },
        price_band={"EUR": {"low": 100, "middle": 200, "high": 300}},
        consent={"advertising": {"state": "denied", "since": "2026-01-01T00:00:00Z"}},
    )
    assert said == {
        "revenue": "€10.50 + ¥300", "orders": "1,234", "categories": "Red wine 75 %, Cheese 25 %", "channels": "web 12",
        "location": "Bath, GB", "cart": "2 pieces, £5.00, abandoned",
        "price_band": "€1.00 to €3.00, mostly about €2.00", "consent": "advertising: denied",
    }  # fmt: skip


def test_a_trait_that_is_a_time_is_told_in_the_viewers_zone_by_the_page() -> None:
    at = "2026-01-01T00:00:00.000Z"
    shown = TraitShown(value=at, source="s", occurred_at=at, fact_id="f", rule="")
    record = GoldenRecord(id=CustomerId("cus_x"), identifiers=[], traits={"last_order_at": shown})
    ((line,),) = trait_groups(record, TRAITS).values()
    assert (line.words, line.at) == ("", from_iso(at))


def test_what_is_no_money_has_no_words() -> None:
    assert money_words(None) == money_words({"gold": 5}) == money_words([1]) == ""

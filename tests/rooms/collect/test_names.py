"""Names of events mean what they say, however they are spelled."""

import pytest

from rapport.app.wiring import installed
from rapport.collect.names import SPECIFICATION, Vocabulary
from rapport.kernel.wording import FactKind

PAGES_AND_PEOPLE = {"Identified", "Page Viewed", "Screen Viewed", "Group Joined", "Aliased"}
"""What messages of other types than `track` become."""


@pytest.mark.parametrize(
    "name", ["Order Completed", "order_completed", "Order completed", "orderCompleted", "ORDER-COMPLETED",
             " order  completed", "Completed Order", "completed_order", "order.completed"],
)  # fmt: skip
def test_a_known_event_is_known_in_any_case_and_with_any_separators(name: str) -> None:
    assert SPECIFICATION.modernise(name, {}) == "Order Completed"


@pytest.mark.parametrize("name", ["Order Complted", "Orders Completed", "completed", "Bestellung", "!", "注文"])
def test_any_other_name_is_the_shop_s_own(name: str) -> None:
    assert SPECIFICATION.modernise(name, {}) == name


def test_every_event_of_ours_that_clients_state_is_among_them() -> None:
    slices = installed()
    names = {kind.name for kind in slices.wording.kinds.values() if kind.stated_by == "clients"} - PAGES_AND_PEOPLE
    assert {name for name in names if slices.vocabulary.modernise(name.replace(" ", "_").upper(), {}) != name} == set()


@pytest.mark.parametrize("name", ["Gift Card Sold", "gift_card_sold", "giftCardSold", "GIFT-CARD-SOLD"])
def test_what_a_slice_of_others_declares_is_known_however_it_is_spelled(name: str) -> None:
    kind = FactKind(name="Gift Card Sold", meaning="somebody bought a gift card", icon="card")
    own = FactKind(name="Card Expired", meaning="a card is worth nothing any more", icon="card", stated_by="rapport")
    vocabulary = Vocabulary([kind, own])
    assert vocabulary.modernise(name, {}) == "Gift Card Sold"
    assert vocabulary.modernise("card_expired", {}) == "card_expired", "nobody states it in Rapport's place"
    assert SPECIFICATION.modernise("gift_card_sold", {}) == "gift_card_sold"

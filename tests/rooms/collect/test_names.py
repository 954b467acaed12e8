"""Names of events mean what they say, however they are spelled."""

import pytest

from rapport.app.wiring import installed
from rapport.collect.names import SPECIFICATION

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
    kinds = installed().wording.kinds.values()
    names = {kind.name for kind in kinds if kind.stated_by == "clients"} - PAGES_AND_PEOPLE
    assert {name for name in names if SPECIFICATION.modernise(name.replace(" ", "_").upper(), {}) != name} == set()

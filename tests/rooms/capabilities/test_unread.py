"""What of a fact's money could not be read is told by field, so that nobody takes a missing amount for none."""

from __future__ import annotations

from typing import Any

import pytest

from rapport.remember.unread import unread
from tests.rooms.remember.shop import did, traits_of


@pytest.mark.parametrize(
    ("stated", "fields"),
    [
        ({"revenue": 10, "currency": "EUR", "products": [{"price": "2.50", "quantity": "3.0000"}]}, []),
        ({"revenue": None, "total": "", "currency": None, "quantity": ""}, []),
        ({"revenue": True}, ["revenue"]),
        ({"revenue": 1e30, "tax": "abc", "currency": "POINTS"}, ["currency", "revenue", "tax"]),
        ({"currency": {"code": "EUR"}}, ["currency"]),
        ({"currency": "XXX"}, []),
        (
            {"products": [{"price": "x", "quantity": "two"}, {"price": [], "cost": False}, "no product"]},
            ["products[].price", "products[].quantity", "products[].cost"],
        ),
    ],
)
def test_each_field_that_states_money_and_is_no_number_is_named_once(stated: dict[str, Any], fields: list[str]) -> None:
    assert sorted(unread(did("Order Completed", properties=stated))) == sorted(fields)


def test_an_order_whose_money_is_unread_counts_as_an_order() -> None:
    found = traits_of(did("Order Completed", properties={"order_id": "o", "revenue": "abc"}))
    assert (found["orders"], "revenue" in found) == (1, False)

"""An order, correction or refund whose money nobody can read waits in quarantine, mended it counts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rapport.app.wiring import installed
from rapport.collect.model import Envelope, internal_source
from rapport.collect.prepare import prepare_all
from rapport.kernel.errors import InvalidFact
from rapport.kernel.ids import WorkspaceId
from tests.rooms.remember.shop import did

VOCABULARY = installed().vocabulary


def refused(event: str, /, **stated: Any) -> str | None:
    """Where what cannot be read stands, if the fact is refused in a shop whose currency is the euro."""
    try:
        VOCABULARY.refuse(did(event, properties=stated), "EUR")
    except InvalidFact as error:
        return error.path.removeprefix("$.properties.")
    return None


@pytest.mark.parametrize("event", ["Order Completed", "Order Updated", "Order Refunded"])
@pytest.mark.parametrize(
    ("stated", "path"),
    [
        ({"revenue": "a lot"}, "revenue"), ({"total": True}, "total"), ({"total": 1e30}, "total"),
        ({"total": "1.234"}, "total"), ({"total": "1.234", "currency": "JPY"}, None),
        ({"revenue": "abc", "subtotal": 20}, None), ({"revenue": 20, "tax": "abc"}, None),
        ({"total": 20, "tax": "abc"}, "tax"), ({"total": 20, "shipping": "free"}, "shipping"),
        ({"revenue": 5, "currency": "POINTS"}, None), ({}, None), ({"revenue": None, "total": ""}, None),
        ({"products": [{"price": 2}, {"price": "two"}]}, "products[1].price"),
        ({"products": ["x", {"price": 2, "quantity": "a pair"}]}, "products[1].quantity"),
        ({"revenue": "abc", "products": [{"price": 2}]}, None),
        ({"revenue": 3, "products": [{"price": "two"}]}, None), ({"status": "shipped"}, None),
    ],
)  # fmt: skip
def test_what_is_worth_something_is_refused_only_where_nothing_in_it_says_how_much(
    event: str, stated: dict[str, Any], path: str | None
) -> None:
    assert refused(event, order_id="o", **stated) == path


def test_a_refund_by_products_needs_their_number_and_an_amount_of_its_own_is_enough() -> None:
    assert refused("Order Refunded", products=[{"product_id": "p", "quantity": "two"}]) == "products[0].quantity"
    assert refused("Order Completed", products=[{"product_id": "p", "quantity": "two"}]) is None
    assert refused("Order Refunded", amount="abc") == "amount"
    assert refused("Order Completed", amount="abc") is None


def test_what_changes_no_money_is_never_refused() -> None:
    assert refused("Product Viewed", price="a lot") is None
    assert refused("Order Cancelled", revenue="a lot") is None


def test_it_waits_with_its_place_and_its_reason_and_counts_once_it_is_mended() -> None:
    message = {
        "type": "track",
        "event": "order_refunded",
        "userId": "ada",
        "properties": {"order_id": "o", "total": "x"},
    }
    source = internal_source(WorkspaceId(1), "website", currency="EUR")
    rows, (aside,) = prepare_all(
        [json.dumps(message).encode()], source=source, received_at=10**15, envelope=Envelope(), vocabulary=VOCABULARY
    )
    assert (rows, aside.path, aside.reason) == ([], "$.properties.total", "total: “x” is no number")
    mended = aside.body.replace(b'"x"', b'"24,90"')
    rows, left = prepare_all([mended], source=source, received_at=10**15, envelope=Envelope(), vocabulary=VOCABULARY)
    assert (len(rows), left) == (1, [])

"""The facts of this slice: those it listens to and the one it states."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from rapport.capabilities.orders.model import CartStory
from rapport.kernel.clock import to_iso
from rapport.kernel.money import exponent

__all__ = ["CART_ABANDONED", "CART_EVENTS", "ORDER_EVENTS", "cart_abandoned", "cart_abandoned_id"]

CART_ABANDONED = "Cart Abandoned"

CART_EVENTS = ("Product Added", "Product Removed", "Cart Viewed", "Checkout Started", "Order Completed")
"""What changes a cart."""

ORDER_EVENTS = ("Order Completed", "Order Updated", "Order Cancelled", "Order Refunded")


def cart_abandoned_id(story: CartStory) -> str:
    """The message id of the fact: one for each cart, so that stating it again changes nothing."""
    key = f"cart:{story.cart_id}" if story.cart_id else f"fact:{story.started_by}"
    return f"cart-abandoned-{blake2b(key.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"


def cart_abandoned(story: CartStory) -> dict[str, Any]:
    """The properties of `Cart Abandoned`. `value` is in whole units of `currency`, as in every e-commerce fact."""
    return {
        "cart_id": story.cart_id or story.started_by,
        "started_at": to_iso(story.started_at),
        "last_changed_at": to_iso(story.changed_at),
        "products": [
            {
                "product_id": line["product_id"], "name": line["name"], "quantity": line["quantity"],
                "price": _amount(line["price_minor"], story.currency),
            }
            for line in story.products
        ],
        "value": _amount(story.value_minor, story.currency),
        "currency": story.currency,
    }  # fmt: skip


def _amount(minor: int | None, currency: str) -> float | int | None:
    decimals = exponent(currency)
    return minor if minor is None or decimals == 0 else round(minor / 10**decimals, decimals)

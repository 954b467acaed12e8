"""Names of events: whatever their case and separators, and in the words of the first e-commerce specification. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

__all__ = ["V1_NAMES", "modernise"]

V1_NAMES: dict[str, str] = {
    "Searched Products": "Products Searched",
    "Viewed Product Category": "Product List Viewed",
    "Viewed Product List": "Product List Viewed",
    "Filtered Product List": "Product List Filtered",
    "Clicked Product": "Product Clicked",
    "Viewed Product": "Product Viewed",
    "Added Product": "Product Added",
    "Removed Product": "Product Removed",
    "Viewed Cart": "Cart Viewed",
    "Viewed Promotion": "Promotion Viewed",
    "Clicked Promotion": "Promotion Clicked",
    "Started Order": "Checkout Started",
    "Started Checkout": "Checkout Started",
    "Viewed Checkout Step": "Checkout Step Viewed",
    "Completed Checkout Step": "Checkout Step Completed",
    "Entered Payment Info": "Payment Info Entered",
    "Completed Order": "Order Completed",
    "Updated Order": "Order Updated",
    "Refunded Order": "Order Refunded",
    "Cancelled Order": "Order Cancelled",
    "Canceled Order": "Order Cancelled",
    "Order Canceled": "Order Cancelled",
    "Entered Coupon": "Coupon Entered",
    "Applied Coupon": "Coupon Applied",
    "Denied Coupon": "Coupon Denied",
    "Removed Coupon": "Coupon Removed",
    "Added Product to Wishlist": "Product Added to Wishlist",
    "Removed Product from Wishlist": "Product Removed from Wishlist",
    "Added Wishlist Product to Cart": "Wishlist Product Added to Cart",
    "Added Product to Cart from Wishlist": "Wishlist Product Added to Cart",
    "Shared Product": "Product Shared",
    "Shared Cart": "Cart Shared",
    "Reviewed Product": "Product Reviewed",
}
"""Names of the first specification, and what they are called in the second."""

_BESIDE = (
    "Checkout Step Viewed", "Order Shipped", "Order Delivered", "Cart Viewed", "Coupon Entered", "Coupon Applied",
)  # fmt: skip
"""Events of the second specification that the first did not have, or did not rename."""


def _plain(name: str) -> str:
    """A name without case and separators: `order_completed`, `orderCompleted` and `ORDER-COMPLETED` are one."""
    return "".join(filter(str.isalnum, name)).casefold()


_MEANT = {_plain(name): name for name in (*V1_NAMES.values(), *_BESIDE)} | {
    _plain(old): modern for old, modern in V1_NAMES.items()
}


@lru_cache(maxsize=4_096)
def _meant(name: str) -> str:
    return _MEANT.get(_plain(name), name)


def modernise(name: str, properties: dict[str, Any]) -> str:
    """The second specification's name of an event, however it is spelled; one that is not known stays as it is.

    A name that is changed has its old property names given their new ones beside.

    >>> modernise("order_completed", {}), modernise("orderCompleted", {}), modernise("order_complted", {})
    ('Order Completed', 'Order Completed', 'order_complted')
    >>> properties = {"orderId": "o-1", "products": [{"id": "p-1"}]}
    >>> modernise("Completed Order", properties), properties["order_id"], properties["products"][0]["product_id"]
    ('Order Completed', 'o-1', 'p-1')
    """
    modern = _meant(name)
    if modern == name:
        return name
    _rename(properties, "orderId", "order_id")
    if modern.startswith(("Product ", "Wishlist Product ")) and "List" not in modern:
        _rename(properties, "id", "product_id")
    products = properties.get("products")
    if isinstance(products, list):
        for product in products:
            if isinstance(product, dict):
                _rename(product, "id", "product_id")
    return modern


def _rename(values: dict[str, Any], old: str, new: str) -> None:
    if old in values and new not in values:
        values[new] = values[old]

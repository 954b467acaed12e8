"""Event names of the first e-commerce specification and what they are called in the second. Pure."""

from __future__ import annotations

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
"""Exact names only: another spelling (`completed order`) is a name of the shop's own and is kept."""


def modernise(name: str, properties: dict[str, Any]) -> str:
    """The second specification's name of an event. An old name's old property names are given their new ones beside.

    >>> properties = {"orderId": "o-1", "products": [{"id": "p-1"}]}
    >>> modernise("Completed Order", properties), properties["order_id"], properties["products"][0]["product_id"]
    ('Order Completed', 'o-1', 'p-1')
    """
    modern = V1_NAMES.get(name)
    if modern is None:
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

"""Carts and orders: what was put together, bought, or left; `Cart Abandoned` is stated here.

For whoever acts on a cart that was left, and for the numbers of the shop.
"""

from rapport.capabilities.orders.amounts import margin_of, revenue_of
from rapport.capabilities.orders.metrics import REVENUE
from rapport.capabilities.orders.rows import given_back, paid_back_at, sold
from rapport.capabilities.orders.shown import OrderShown, find_order

__all__ = [
    "REVENUE", "OrderShown", "find_order", "given_back", "margin_of", "paid_back_at", "revenue_of", "sold",
]  # fmt: skip

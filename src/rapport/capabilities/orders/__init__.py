"""Carts and orders: what was put together, bought, or left; `Cart Abandoned` is stated here.

For whoever acts on a cart that was left, and for the numbers of the shop.
"""

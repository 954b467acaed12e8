"""Plain sums over reports of orders and refunds, in which every report counts: what a ledger's tail is made of. Pure.

Sums: {currency: n}, {currency: revenue}, {currency: margin}, coupons, pieces, first stamp, last stamp.
"""

from __future__ import annotations

from rapport.kernel.mergeable import State, wrap64

__all__ = ["Amounts", "add", "added"]

Amounts = dict[str, int]


def add(left: State | None, right: State | None) -> State | None:
    """Both together; None is nothing."""
    if left is None or right is None:
        return left or right
    return [
        added(left[0], right[0]), added(left[1], right[1]), added(left[2], right[2]), left[3] + right[3],
        wrap64(left[4] + right[4]), min(left[5], right[5]), max(left[6], right[6]),
    ]  # fmt: skip


def added(left: Amounts, right: Amounts) -> Amounts:
    """Both together, by currency."""
    total = dict(left)
    for currency, amount in right.items():
        total[currency] = wrap64(total.get(currency, 0) + amount)
    return total

"""Rows of money in several currencies, as one line says them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from rapport.kernel.money import UNKNOWN_CURRENCY, format_minor

__all__ = ["Money", "main_currency", "money_of"]


class Money(NamedTuple):
    """Orders and revenue kept of a period, one entry a currency, the largest first."""

    orders: int
    words: str
    others: str


def money_of(rows: Iterable[Mapping[str, Any]]) -> Money:
    """The rows of the metric `revenue_by` in words."""
    sums, orders = dict[str, int](), 0
    for row in rows:
        sums[row["currency"]] = sums.get(row["currency"], 0) + row["net_minor"]
        orders += row["orders"]
    ranked = sorted(sums.items(), key=lambda pair: (pair[0] == UNKNOWN_CURRENCY, -pair[1]))
    words = [format_minor(minor, code) for code, minor in ranked if code]
    return Money(orders, words[0] if words else "–", " + ".join(words[1:4]))


def main_currency(rows: Iterable[Mapping[str, Any]], *, own: str) -> str:
    """Which currency a page tells of these rows: the shop's own where any of them is in it, else that with the most
    revenue before refunds; the unknown one only where there is no other, and the shop's own where there is nothing.
    """
    sums: dict[str, int] = {}
    for row in rows:
        sums[row["currency"]] = sums.get(row["currency"], 0) + row["revenue_minor"]
    return max(sums, key=lambda code: (code == own, code != UNKNOWN_CURRENCY, sums[code])) if sums else own

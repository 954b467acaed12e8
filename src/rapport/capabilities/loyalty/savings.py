"""What benefits saved in an order that was placed: by which tier or membership, and how much. Pure.

Told honestly: what the tier brings anyway is not the membership's saving, what is free for everybody is nobody's, and
a discount that a coupon gave is not taken for a benefit.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from rapport.capabilities.loyalty.cart import Cart, counted
from rapport.capabilities.loyalty.programme import Benefit, Counting, Programme

__all__ = ["Saving", "best_delivery", "reaches", "savings_of"]


class Saving(NamedTuple):
    """One benefit of an order."""

    kind: str
    source: str
    """`tier:gold`, `plan:plus`: what brought it."""
    title: str
    minor: int
    points: int
    """More points than without it."""


def reaches(total: int, above_minor: int, counting: Counting) -> bool:
    """Whether a sum of goods is enough for a benefit that begins there."""
    return total > above_minor if above_minor and counting.border == "above" else total >= above_minor


def best_delivery(benefits: Collection[Benefit]) -> Benefit | None:
    """The benefit of delivery that begins earliest."""
    return min((b for b in benefits if b.kind == "delivery"), key=lambda b: b.above_minor, default=None)


def savings_of(terms: Programme, cart: Cart, tier: str, plans: Collection[str], *, points: int) -> tuple[Saving, ...]:
    """What the benefits of this tier and these memberships saved in an order that earned so many points."""
    if cart.currency != terms.currency or not cart.lines:
        return ()
    found = terms.tier_named(tier)
    sources: list[tuple[str, tuple[Benefit, ...]]] = [(f"tier:{tier}", found.benefits)] if found else []
    sources += [(f"plan:{plan.name}", plan.benefits) for plan in terms.plans if plan.name in plans]
    stated = {one.kind: one.saving_minor for one in cart.benefits}
    return (
        *_of_delivery(terms, cart, sources, stated.get("delivery")),
        *_of_price(cart, sources, stated.get("price")),
        *_of_points(sources, points),
    )


_Sources = list[tuple[str, tuple[Benefit, ...]]]


def _of_delivery(terms: Programme, cart: Cart, sources: _Sources, stated: int | None) -> list[Saving]:
    total = sum(counted(cart, terms.counting))
    usual = terms.delivery
    is_free_for_all = bool(usual.free_from_minor) and total >= usual.free_from_minor
    if stated is None and (cart.shipping_minor != 0 or is_free_for_all):
        return []
    for source, benefits in sources:
        best = best_delivery(benefits)
        if best is not None and reaches(total, best.above_minor, terms.counting):
            return [Saving("delivery", source, best.title, usual.fee_minor if stated is None else stated, 0)]
    return []


def _of_price(cart: Cart, sources: _Sources, stated: int | None) -> list[Saving]:
    """Each source is given what it takes off beyond the ones before it."""
    off = sum(line.discount_minor for line in cart.lines)
    if stated is None and (not off or cart.has_coupon):
        return []
    found, had = [], 0
    for source, benefits in sources:
        best = max((b for b in benefits if b.kind == "price"), key=lambda b: b.percent, default=None)
        if best is None or best.percent <= had:
            continue
        full = sum((line.minor + line.discount_minor) * best.percent // 100 for line in cart.lines)
        before = sum((line.minor + line.discount_minor) * had // 100 for line in cart.lines)
        minor = min(full, off if stated is None else stated) - before
        if minor > 0:
            found.append(Saving("price", source, best.title, minor, 0))
            had = best.percent
    return found


def _of_points(sources: _Sources, points: int) -> list[Saving]:
    best: tuple[str, Benefit] | None = None
    for source, benefits in sources:
        for one in benefits:
            if one.kind == "points" and (best is None or one.percent > best[1].percent):
                best = (source, one)
    if best is None or not points:
        return []
    return [Saving("points", best[0], best[1].title, 0, points - points * 100 // best[1].percent)]

"""What is remembered of a customer's carts and orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rapport.capabilities.orders import cart, ledger
from rapport.capabilities.orders.changes import CHANGES
from rapport.capabilities.orders.ledger import OrdersRead
from rapport.kernel.clock import HOUR, to_iso
from rapport.kernel.mergeable import Count, Stamp
from rapport.kernel.money import UNKNOWN_CURRENCY
from rapport.remember.registry import Part, Pick, SummaryColumn, Trait, yes

__all__ = ["PARTS", "TRAITS"]

_ADDED = ("Product Added", "Wishlist Product Added to Cart")
_PRODUCT = ("properties.product_id", "properties.sku")


def _summary(ledger: OrdersRead) -> dict[SummaryColumn, int | str]:
    """The currency is the one in which the revenue is largest, the unknown one only where there is no other."""
    revenue = ledger.revenue
    currency = max(revenue, key=lambda code: (code != UNKNOWN_CURRENCY, revenue[code], code), default="")
    return {
        "orders": sum(ledger.orders.values()), "revenue_minor": revenue.get(currency, 0), "currency": currency,
        "last_order_at": ledger.last[0] if ledger.last else 0,
    }  # fmt: skip


PARTS: tuple[Part, ...] = (
    Part(name="adds_to_cart", kind=Count(), take=yes, on=_ADDED),
    Part(name="checkouts_started", kind=Count(), take=yes, on=("Checkout Started",)),
    Part(
        name="cart", version=2, kind=cart.Cart(), take=cart.cart_change,
        on=(*_ADDED, "Product Removed", "Cart Viewed", "Checkout Started", "Order Completed"),
        reads=(*_PRODUCT, "properties.quantity", "properties.price", "properties.currency", "properties.cart_id",
               "properties.variant", "properties.products[]"),
    ),
    Part(
        name="orders", version=5, kind=ledger.Orders(),
        on=("Order Completed", "Order Updated", "Order Cancelled", "Order Refunded"),
        take=lambda fact, settings: CHANGES[fact.name](fact, settings),
        reads=("properties.order_id", "properties.refund_id", "properties.revenue", "properties.subtotal",
               "properties.total", "properties.shipping", "properties.tax", "properties.tip", "properties.duties",
               "properties.margin", "properties.currency",
               "properties.coupon", "properties.products[].price", "properties.products[].cost",
               "properties.products[].quantity"),
        summary=_summary,
    ),
)  # fmt: skip


def _cart(value: dict[str, Any], stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    return cart.read_cart(value, now=now, abandoned_after=HOUR), stamp


def _ledger(read: Callable[[OrdersRead], Any], stamp_of: Callable[[OrdersRead], Stamp | None]) -> Pick:
    """A trait of the ledger; zero and empty are no value."""

    def pick(value: OrdersRead, stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
        return read(value) or None, stamp_of(value)

    return pick


def _net(ledger: OrdersRead) -> dict[str, int]:
    currencies = sorted({*ledger.revenue, *ledger.refunds})
    return {c: ledger.revenue.get(c, 0) - ledger.refunds.get(c, 0) - ledger.lost.get(c, 0) for c in currencies}


def _average(ledger: OrdersRead) -> dict[str, int]:
    """Half up to whole minor units."""
    return {c: (2 * total + ledger.orders[c]) // (2 * ledger.orders[c]) for c, total in ledger.revenue.items()
            if ledger.orders.get(c)}  # fmt: skip


def _latest_money(ledger: OrdersRead) -> Stamp | None:
    stamps = [stamp for stamp in (ledger.last, ledger.last_refund) if stamp is not None]
    return max(stamps, key=lambda stamp: stamp[:2], default=None)


def _last(ledger: OrdersRead) -> Stamp | None:
    return ledger.last


_COMPLETED, _SOLD = ("Order Completed",), ("Order Completed", "Order Updated")
_REFUNDED, _CANCELLED = ("Order Refunded",), ("Order Cancelled",)

TRAITS: tuple[Trait, ...] = (
    Trait(name="orders", title="Orders", type="integer", part="orders",
          pick=_ledger(lambda o: sum(o.orders.values()), _last),
          of=_COMPLETED,
          rule="Different orders completed; one reported twice counts once, one cancelled later still counts."),
    Trait(name="revenue", title="Revenue before refunds", type="money", part="orders",
          pick=_ledger(lambda o: o.revenue, _last),
          of=_SOLD,
          rule="Revenue of those orders without shipping, tax, tips and duties, cancelled too; the latest correction "
               "counts."),
    Trait(name="refunds", title="Refunds", type="money", part="orders",
          pick=_ledger(lambda o: o.refunds, lambda o: o.last_refund),
          of=_REFUNDED,
          rule="Money given back, each refund once, of an order at most its revenue; one without an amount is what was "
               "left of its order."),
    Trait(name="net_revenue", title="Revenue kept", type="money", part="orders",
          pick=_ledger(_net, _latest_money),
          rule="Revenue before refunds, less refunds and what was not refunded of cancelled orders."),
    Trait(name="margin", title="Margin", type="money", part="orders",
          pick=_ledger(lambda o: o.margin, lambda o: o.last_margin),
          of=_SOLD,
          rule="Margin of the orders that state it, or that state the cost of every product; others count nothing."),
    Trait(name="average_order", title="Average order", type="money", part="orders", pick=_ledger(_average, _last),
          of=_SOLD,
          rule="Revenue before refunds by order, in each currency."),
    Trait(name="returns", title="Pieces returned", type="integer", part="orders",
          pick=_ledger(lambda o: o.pieces_returned, lambda o: o.last_refund),
          of=_REFUNDED,
          rule="Pieces of the products named in refunds."),
    Trait(name="cancelled_orders", title="Cancelled orders", type="integer", part="orders",
          pick=_ledger(lambda o: o.cancelled, lambda o: o.last_cancelled),
          of=_CANCELLED,
          rule="Different orders that were completed and then cancelled."),
    Trait(name="coupons", title="Coupons", type="object", part="orders",
          pick=_ledger(lambda o: o.coupons, lambda o: o.last_coupon),
          of=_COMPLETED,
          rule="Coupon codes with the number of orders they were used in."),
    Trait(name="first_order_at", title="First order", type="time", part="orders",
          pick=_ledger(lambda o: o.first and to_iso(o.first[0]), lambda o: o.first),
          of=_COMPLETED,
          rule="The time of the earliest order."),
    Trait(name="last_order_at", title="Last order", type="time", part="orders",
          pick=_ledger(lambda o: o.last and to_iso(o.last[0]), _last),
          of=_COMPLETED,
          rule="The time of the latest order."),
    Trait(name="cart", title="Cart now", type="object", part="cart", pick=_cart,
          rule="What was put in and not taken out since the last order or the last look at the whole cart; abandoned "
               "an hour after the last change."),
    Trait(name="adds_to_cart", title="Adds to cart", type="integer", part="adds_to_cart",
          rule="Number of times something was put into the cart."),
    Trait(name="checkouts_started", title="Checkouts started", type="integer", part="checkouts_started",
          rule="Number of times a checkout was started."),
)  # fmt: skip

"""The facts of this slice: those it listens to and the one it states."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import msgspec

from rapport.capabilities.orders.amounts import revenue_of
from rapport.capabilities.orders.model import CartStory
from rapport.capabilities.orders.readable import refuse_unreadable_money
from rapport.kernel.clock import to_iso
from rapport.kernel.facts import Fact
from rapport.kernel.language import gettext, ngettext
from rapport.kernel.money import currency_code, exponent, format_minor
from rapport.kernel.wording import FactKind, amount_text, joined, short
from rapport.remember import inputs
from rapport.remember.unread import unread

__all__ = ["CART_ABANDONED", "CART_EVENTS", "FACT_KINDS", "ORDER_EVENTS", "cart_abandoned", "cart_abandoned_id"]

CART_ABANDONED = "Cart Abandoned"

CART_EVENTS = ("Product Added", "Product Removed", "Cart Viewed", "Checkout Started", "Order Completed")
"""What changes a cart."""

ORDER_EVENTS = ("Order Completed", "Order Updated", "Order Cancelled", "Order Refunded")


def _cart(fact: Fact) -> str:
    return _told(fact.properties, amount_text(fact.properties, "total", "revenue", "value"))


def _order(fact: Fact) -> str:
    return _told(fact.properties, _revenue_text(fact.properties))


def _revenue_text(properties: dict[str, Any]) -> str:
    """The amount the customer's ledger counts; where the fact has another total, it is said which one this is."""
    stated = properties.get("currency")
    code = currency_code(stated) if isinstance(stated, str) else None
    minor = revenue_of(properties, code or "EUR")
    if minor is None:
        return amount_text(properties, "amount")
    words = format_minor(minor, code) if code else f"{Decimal(minor) / 100:f}"
    total = inputs.amount(properties.get("total"), code or "EUR")
    if total in (None, minor):
        return words
    return gettext("%(amount)s without shipping and tax", amount=words)


def _told(properties: dict[str, Any], amount: str) -> str:
    number = sum(inputs.pieces(product) for product in inputs.products(properties))
    order_id = short(properties.get("order_id"))
    return joined(
        amount,
        ngettext("%(num)s item", "%(num)s items", number) if number else "",
        gettext("order %(order)s", order=order_id) if order_id else "",
    )


_STEP = {"checkout_id": "which checkout", "order_id": "of which order", "step": "which step"}
_DELIVERY = {"order_id": "which order", "promised_at": "for when it was promised", "late": "whether that was missed"}

_CARTS = (
    FactKind(name="Cart Viewed", meaning="somebody looked at the cart", icon="cart", tell=_cart,
             properties={"cart_id": "which cart", "products": "what is in it"}),
    FactKind(name="Cart Shared", meaning="a cart was passed on", icon="cart",
             properties={"cart_id": "which cart", "products": "what is in it"}),
    FactKind(name=CART_ABANDONED,
             meaning="a cart with something in it was left for an hour (a setting of the shop)", stated_by="rapport",
             icon="cart", tone="loss", tell=_cart,
             properties={"cart_id": "which cart", "products": "what is in it", "value": "what that is worth",
                         "currency": "in which currency", "started_at": "since when", "last_changed_at": "until when"}),
    FactKind(name="Checkout Started", meaning="somebody began to pay", icon="card", tone="cart", tell=_cart,
             properties=_STEP),
    FactKind(name="Checkout Step Viewed", meaning="a step of paying was seen", icon="card", tone="cart",
             properties=_STEP),
    FactKind(name="Checkout Step Completed", meaning="a step of paying was done", icon="card", tone="cart",
             properties=_STEP),
    FactKind(name="Payment Info Entered", meaning="somebody said how they will pay", icon="card", tone="cart",
             topic="visits", properties=_STEP),
)  # fmt: skip

_ORDERS = (
    FactKind(name="Order Completed", meaning="somebody bought", icon="bag", tone="buy", tell=_order,
             properties={"order_id": "which order", "revenue": "without shipping, tax, tip and duties",
                         "total": "with them",
                         "subtotal": "before discounts", "shipping": "for bringing it", "tax": "for the state",
                         "tip": "for whoever served", "duties": "at the border",
                         "discount": "how much less", "coupon": "by which coupon", "currency": "in which currency",
                         "products": "what was bought"}),
    FactKind(name="Order Updated", meaning="an order was set right, or has another status", icon="box", tell=_order,
             properties={"order_id": "which order", "status": "what it is now"}),
    FactKind(name="Order Refunded", meaning="money was given back", icon="refund", tone="loss", tell=_order,
             properties={"order_id": "which order", "revenue": "how much, without shipping, tax, tip and duties",
                         "total": "how much, with them", "products": "for what"}),
    FactKind(name="Order Cancelled", meaning="an order does not count any more", icon="x", tone="loss", tell=_order,
             properties={"order_id": "which order"}),
    FactKind(name="Order Shipped", meaning="an order is on its way", icon="bag", properties=_DELIVERY),
    FactKind(name="Order Delivered", meaning="an order has arrived", icon="bag", properties=_DELIVERY),
)  # fmt: skip

_ALSO: Mapping[str, str] = {
    "Cart Viewed": "view cart, cart",
    "Checkout Started": (
        "begin checkout, initiate checkout, started checkout process, checkout begun, checkout initiated"
    ),
    "Payment Info Entered": "add payment info, payment info submitted",
    "Order Completed": (
        "purchase, purchased, order placed, placed order, order created, order paid, order confirmed, order "
        "complete, checkout completed, checkout complete, completed checkout, ecommerce purchase, order success, "
        "order submitted, transaction, transaction completed, payment completed, sale, order received, new order, "
        "place order, complete payment, product purchased, ordered product"
    ),
    "Order Updated": "order edited, order changed",
    "Order Refunded": "refund, refunded, refund created, partial refund, order refund created, refund order",
    "Order Cancelled": "order voided, cancel order, order cancel",
    "Order Shipped": "order fulfilled, fulfilled order, shipment created, shipped order",
    "Order Delivered": "delivered order, delivery completed",
}
"""What other systems call them, with commas between.

**Sources:** Google Analytics 4, recommended events; Meta, standard events; Shopify, web pixels' standard events;
Klaviyo, metrics of its shop integrations.
"""

_WORTH = ("Order Completed", "Order Updated", "Order Refunded")

FACT_KINDS = tuple(
    msgspec.structs.replace(
        kind,
        unread=unread,
        also=tuple(_ALSO.get(kind.name, "").split(", ")),
        refuse=refuse_unreadable_money if kind.name in _WORTH else None,
    )
    for kind in (*_CARTS, *_ORDERS)
)


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
                **({"variant": line["variant"]} if "variant" in line else {}),
            }
            for line in story.products
        ],
        "value": _amount(story.value_minor, story.currency),
        "currency": story.currency,
    }  # fmt: skip


def _amount(minor: int | None, currency: str) -> float | int | None:
    decimals = exponent(currency)
    return minor if minor is None or decimals == 0 else round(minor / 10**decimals, decimals)

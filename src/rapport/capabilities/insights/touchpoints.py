"""What a fact is as a touchpoint: the kind of place or moment in which a customer met the shop. No I/O.

A page is known by its template, not by its address: `/products/chianti-classico?utm_source=x` is the same touchpoint
as any other product's page, and as the fact `Product Viewed` that was sent from it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from rapport.kernel.facts import OWN_SOURCE, Fact
from rapport.kernel.language import noted
from rapport.remember import inputs

__all__ = ["ADDED", "BROKEN", "CHECKOUT", "CONTACT", "KEPT", "ORDERED", "OTHER", "VIEWED", "step_of", "touchpoint_of"]

VIEWED, ADDED, CHECKOUT, ORDERED = 1, 2, 3, 4
"""Steps towards an order, in this order; 0 is none of them."""

CONTACT, KEPT, BROKEN = noted("Contact"), noted("Promise kept"), noted("Promise broken")
OTHER = noted("Other")
"""What is too rare to be told apart."""

LONGEST = 60

_BY_NAME = {
    "Product Viewed": noted("Product"), "Product Clicked": "Product", "Product List Viewed": noted("List"),
    "Product List Filtered": "List", "Products Searched": noted("Search"), "Product Added": noted("Added to cart"),
    "Wishlist Product Added to Cart": "Added to cart", "Product Removed": noted("Taken out of the cart"),
    "Cart Viewed": noted("Cart"), "Checkout Started": noted("Checkout"), "Checkout Step Viewed": "Checkout",
    "Checkout Step Completed": "Checkout", "Payment Info Entered": noted("Payment"), "Order Completed": noted("Order"),
    "Order Refunded": noted("Refund"), "Order Cancelled": noted("Cancellation"),
    "Product Added to Wishlist": noted("Wish list"), "Promotion Viewed": noted("Promotion seen"),
    "Promotion Clicked": noted("Promotion followed"), "Product Reviewed": "Review",
    "Email Opened": noted("Mail opened"), "Email Link Clicked": noted("Mail followed"),
    "Email Unsubscribed": noted("Unsubscribed"),
    "Call Started": CONTACT, "Conversation Started": CONTACT, "Live Chat Conversation Started": CONTACT,
    "Ticket Created": CONTACT, "Support Ticket Created": CONTACT, "Contact Form Submitted": CONTACT,
}  # fmt: skip

_OUR_NAMES = {
    "Promise Kept": KEPT, "Promise Broken": BROKEN, "Message Opened": "Mail opened", "Message Clicked": "Mail followed",
    "Message Unsubscribed": "Unsubscribed", "Message Complained": noted("Called spam"),
    "Delivery Choice Made": noted("Delivery choice"),
}  # fmt: skip
"""Of what we state ourselves, that which the customer felt or did."""

_NONE = frozenset({
    "Call Ended", "Email Sent", "Email Delivered", "Email Bounced", "SMS Sent", "SMS Delivered", "Message Sent",
    "Message Delivered", "Order Updated", "Order Approved", "Order Fulfilled", "Order Packed", "Stock Adjusted",
    "Bad Debt Adjusted", "Stock Level Changed", "Location Stated", "Bundle Stated", "Product Stated",
    "Product Withdrawn", "Product Pictured", "Shipment Updated", "Promise Kept", "Promise Broken", "Decision Made",
})  # fmt: skip
"""What the shop did, or its books and carriers say: no moment with the customer."""

_STEPS = {
    "Product": VIEWED, "Added to cart": ADDED, "Checkout": CHECKOUT, "Payment": CHECKOUT, "Order": ORDERED,
}  # fmt: skip

_FOLDERS = {
    "product": "Product", "products": "Product", "p": "Product", "item": "Product", "dp": "Product",
    "category": "List", "categories": "List", "collections": "List", "collection": "List", "c": "List", "shop": "List",
    "search": "Search", "cart": "Cart", "basket": "Cart", "checkout": "Checkout", "checkouts": "Checkout",
    "account": noted("Account"), "blog": noted("Story"), "blogs": "Story", "help": noted("Help"), "faq": "Help",
    "contact": "Help",
}  # fmt: skip


def touchpoint_of(fact: Fact) -> str | None:
    """What a fact is as a touchpoint; None where the customer did not meet the shop in it."""
    if fact.source == OWN_SOURCE:
        return _OUR_NAMES.get(fact.name)
    if fact.type == "track":
        return _named(fact.name)
    if fact.type == "page":
        return _page(_path(fact), inputs.text(fact.title, LONGEST) or "")
    return _screen(inputs.text(fact.title, LONGEST) or "") if fact.type == "screen" else None


def step_of(touchpoint: str) -> int:
    """Which step towards an order it is.

    >>> step_of("Added to cart") == ADDED, step_of("Home")
    (True, 0)
    """
    return _STEPS.get(touchpoint, 0)


@lru_cache(maxsize=4_096)
def _named(name: str) -> str | None:
    known = _BY_NAME.get(name)
    return known if known is not None or name in _NONE else _plain(name) or None


@lru_cache(maxsize=4_096)
def _screen(title: str) -> str:
    """A screen is the page of its name, where it has one.

    >>> _screen("Home"), _screen("Product"), _screen("Store finder")
    ('Home', 'Product', 'Screen Store finder')
    """
    return _FOLDERS.get(title.lower()) or ("Home" if title.lower() == "home" else f"Screen {_plain(title)}".strip())


def _plain(words: str) -> str:
    """Words without what counts something, so that a thousand numbered names are one."""
    return re.sub(r"[\W_]*\d[\w.-]*", "", inputs.text(words, LONGEST) or "").strip()


def _path(fact: Fact) -> str:
    said: Any = fact.properties.get("path") or inputs.table(fact.context, "page").get("path")
    if type(said) is not str:
        address = fact.properties.get("url") or inputs.table(fact.context, "page").get("url")
        said = re.sub(r"^[a-z]+://[^/?#]*", "", address) if type(address) is str else ""
    return re.split(r"[?#]", said[:200], maxsplit=1)[0]


@lru_cache(maxsize=4_096)
def _page(path: str, title: str) -> str:
    """A page by its folder; by its title where it lies in none and the title is short enough to be a kind.

    >>> _page("/en/products/chianti-2019", "Chianti 2019"), _page("/", "Marlow & Reed"), _page("/terms", "Terms")
    ('Product', 'Home', 'Page terms')
    """
    parts = [part for part in path.lower().split("/") if part]
    if parts and re.fullmatch(r"[a-z]{2}([-_][a-z]{2})?", parts[0]) and parts[0] not in _FOLDERS:
        parts = parts[1:]
    if not parts:
        return "Home" if path.startswith("/") else f"Page {_plain(title)}".strip()
    return _FOLDERS.get(parts[0]) or f"Page {_plain(parts[0])[:40]}".strip()

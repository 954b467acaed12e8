"""Facts in words: the icon, tone and one line with which the console shows a fact in the feed and on a timeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from rapport.kernel.facts import Fact
from rapport.kernel.money import currency_code, format_minor, to_minor

__all__ = ["Told", "amount_text", "channel_of", "icon_of", "tell"]

LONGEST = 160


class Told(NamedTuple):
    """How a fact looks: an icon, a tone for its colour, the name and what there is to say."""

    icon: str
    tone: str
    title: str
    detail: str


_LOOKS: dict[str, tuple[str, str]] = {
    "Products Searched": ("search", ""),
    "Product List Viewed": ("book", ""),
    "Product List Filtered": ("book", ""),
    "Product Clicked": ("eye", ""),
    "Product Viewed": ("eye", ""),
    "Product Added": ("cart", "cart"),
    "Product Removed": ("cart", ""),
    "Cart Viewed": ("cart", ""),
    "Cart Abandoned": ("cart", "loss"),
    "Checkout Started": ("card", "cart"),
    "Checkout Step Viewed": ("card", "cart"),
    "Checkout Step Completed": ("card", "cart"),
    "Payment Info Entered": ("card", "cart"),
    "Order Completed": ("bag", "buy"),
    "Order Updated": ("box", ""),
    "Order Refunded": ("refund", "loss"),
    "Order Cancelled": ("x", "loss"),
    "Product Added to Wishlist": ("heart", ""),
    "Product Removed from Wishlist": ("heart", ""),
    "Wishlist Product Added to Cart": ("heart", "cart"),
    "Product Reviewed": ("star", ""),
    "Coupon Entered": ("tag", ""),
    "Coupon Applied": ("tag", ""),
    "Coupon Denied": ("tag", "loss"),
    "Identified": ("person", "who"),
    "Aliased": ("merge", "who"),
    "Customer Merged": ("merge", "who"),
    "Customer Split": ("link", "who"),
    "Group Joined": ("people", "who"),
    "Page Viewed": ("globe", ""),
    "Screen Viewed": ("device", ""),
    "Decision Made": ("spark", "own"),
}

_WORDS = (
    ("mail", "mail"), ("call", "phone"), ("phone", "phone"), ("return", "refund"), ("refund", "refund"),
    ("order", "bag"), ("store", "store"), ("cart", "cart"), ("review", "star"), ("product", "eye"), ("stock", "box"),
    ("delivery", "box"), ("shipment", "box"), ("promotion", "tag"), ("coupon", "tag"),
)  # fmt: skip


def icon_of(name: str) -> tuple[str, str]:
    """Icon and tone for an event name, known or not."""
    known = _LOOKS.get(name)
    if known is not None:
        return known
    lower = name.lower()
    return next(((icon, "") for word, icon in _WORDS if word in lower), ("pulse", ""))


def tell(fact: Fact) -> Told:
    """The fact in one line, made of what it carries and never longer than a line."""
    icon, tone = icon_of(fact.name)
    telling = _TELLING.get(fact.name)
    detail = telling(fact) if telling is not None else ""
    return Told(icon, tone, fact.name[:120], (detail or _plain(fact.properties or fact.traits))[:LONGEST])


def channel_of(fact: Fact) -> str:
    """Where it happened, as far as the fact says: `web`, `app`, `store` …"""
    for place in (fact.context.get("channel"), fact.properties.get("channel")):
        if isinstance(place, str) and 0 < len(place) <= 30:
            return place
    return ""


def amount_text(properties: Mapping[str, Any], *names: str) -> str:
    """The first of these amounts that is there, in the fact's currency."""
    stated = properties.get("currency")
    currency = currency_code(stated) if isinstance(stated, str) else None
    for name in names:
        minor = to_minor(properties.get(name), currency or "EUR")
        if minor is not None:
            return format_minor(minor, currency) if currency else f"{properties[name]}"[:20]
    return ""


def _product(fact: Fact) -> str:
    return _join(_thing(fact.properties), amount_text(fact.properties, "price"))


def _order(fact: Fact) -> str:
    properties = fact.properties
    products = properties.get("products")
    number = sum(_quantity(p) for p in products) if isinstance(products, list) else 0
    order_id = _short(properties.get("order_id"))
    return _join(
        amount_text(properties, "total", "revenue", "value"),
        f"{number} item{'s' if number != 1 else ''}" if number else "",
        f"order {order_id}" if order_id else "",
    )


def _page(fact: Fact) -> str:
    properties, page = fact.properties, fact.context.get("page")
    places = [fact.title, properties.get("title"), properties.get("path"), properties.get("url")]
    if isinstance(page, dict):
        places += [page.get("title"), page.get("path"), page.get("url")]
    return next((_short(place, 100) for place in places if isinstance(place, str) and place.strip()), "")


def _identified(fact: Fact) -> str:
    context = fact.context.get("traits")
    traits = {**(context if isinstance(context, dict) else {}), **fact.traits}
    names = [_short(traits.get(key)) for key in ("name", "firstName", "first_name", "email", "phone")]
    return _join(*[name for name in names if name][:2]) or (f"as {_short(fact.user_id)}" if fact.user_id else "")


def _searched(fact: Fact) -> str:
    query = _short(fact.properties.get("query"), 80)
    return f"“{query}”" if query else ""


def _listed(fact: Fact) -> str:
    return _short(fact.properties.get("category")) or _short(fact.properties.get("list_id"))


def _decided(fact: Fact) -> str:
    chosen = fact.properties.get("chosen") or fact.properties.get("items")
    number = len(chosen) if isinstance(chosen, list) else 0
    return _join(_short(fact.properties.get("placement")), f"{number} shown" if number else "")


def _coupon(fact: Fact) -> str:
    return _short(fact.properties.get("coupon_name")) or _short(
        fact.properties.get("coupon_id") or fact.properties.get("coupon")
    )


_TELLING: dict[str, Callable[[Fact], str]] = {
    **dict.fromkeys(
        (
            "Product Viewed", "Product Clicked", "Product Added", "Product Removed", "Product Added to Wishlist",
            "Product Removed from Wishlist", "Wishlist Product Added to Cart", "Product Reviewed",
        ),
        _product,
    ),
    **dict.fromkeys(
        (
            "Order Completed", "Order Updated", "Order Refunded", "Order Cancelled", "Cart Abandoned", "Cart Viewed",
            "Checkout Started",
        ),
        _order,
    ),
    **dict.fromkeys(("Coupon Entered", "Coupon Applied", "Coupon Denied"), _coupon),
    **dict.fromkeys(("Product List Viewed", "Product List Filtered"), _listed),
    "Page Viewed": _page,
    "Screen Viewed": _page,
    "Identified": _identified,
    "Products Searched": _searched,
    "Decision Made": _decided,
    "Customer Merged": lambda _: "two records became one",
    "Customer Split": lambda _: "one record became two",
}  # fmt: skip


def _thing(properties: Mapping[str, Any]) -> str:
    return _short(properties.get("name"), 80) or _short(properties.get("product_id")) or _short(properties.get("sku"))


def _quantity(product: Any) -> int:
    quantity = product.get("quantity", 1) if isinstance(product, dict) else 0
    return quantity if isinstance(quantity, int) and 0 < quantity < 10_000 else 1


def _plain(properties: Mapping[str, Any]) -> str:
    shown = [
        f"{_short(key, 30).replace('_', ' ')}: {_short(value, 40)}"
        for key, value in list(properties.items())[:12]
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "" and not _is_id(key)
    ]
    return ", ".join(shown[:3])


def _is_id(key: str) -> bool:
    """Ids say nothing to people."""
    return key == "id" or key.endswith(("_id", "Id"))


def _short(value: Any, longest: int = 60) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = str(value)[: longest * 2].strip()
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _join(*parts: str) -> str:
    return " · ".join(part for part in parts if part)

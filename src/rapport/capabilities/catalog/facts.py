"""The kinds of facts about products: looking for them, looking at them, wishing for them, paying less for them."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from rapport.kernel.facts import Fact
from rapport.kernel.wording import FactKind, amount_text, joined, short, thing_text
from rapport.remember.unread import unread

__all__ = ["FACT_KINDS"]

_PRODUCT = {"product_id": "which product", "name": "what it is called", "price": "what a piece costs"}
_LIST = {"list_id": "which list", "category": "of which category", "products": "what was on it"}
_COUPON = {"coupon_id": "which coupon", "coupon_name": "what it is called", "discount": "how much less it makes it"}
_PROMOTION = {"promotion_id": "which promotion", "name": "what it is called", "creative": "in which form",
              "position": "where"}  # fmt: skip


def _product(fact: Fact) -> str:
    return joined(thing_text(fact.properties), amount_text(fact.properties, "price"))


def _searched(fact: Fact) -> str:
    query = short(fact.properties.get("query"), 80)
    return f"“{query}”" if query else ""


def _listed(fact: Fact) -> str:
    return short(fact.properties.get("category")) or short(fact.properties.get("list_id"))


def _coupon(fact: Fact) -> str:
    return short(fact.properties.get("coupon_name")) or short(
        fact.properties.get("coupon_id") or fact.properties.get("coupon")
    )


_LOOKING = (
    FactKind(name="Products Searched", meaning="somebody searched", icon="search", tell=_searched,
             properties={"query": "for what"}),
    FactKind(name="Product List Viewed", meaning="a list of products was seen", icon="book", tell=_listed,
             properties=_LIST),
    FactKind(name="Product List Filtered", meaning="a list of products was narrowed", icon="book", tell=_listed,
             properties=_LIST),
    FactKind(name="Product Clicked", meaning="a product of a list was opened", icon="eye", tell=_product,
             properties=_PRODUCT),
    FactKind(name="Product Viewed", meaning="a product's page was seen", icon="eye", tell=_product,
             properties=_PRODUCT),
    FactKind(name="Product Shared", meaning="a product was passed on", icon="eye", properties=_PRODUCT),
    FactKind(name="Product Reviewed", meaning="a product was judged", icon="star", tell=_product,
             properties={"product_id": "which product", "review_id": "which review", "review_body": "in words",
                         "rating": "in numbers"}),
)  # fmt: skip

_CHOOSING = (
    FactKind(name="Product Added", meaning="a product was put into the cart", icon="cart", tone="cart", tell=_product,
             properties=_PRODUCT | {"cart_id": "which cart"}),
    FactKind(name="Product Removed", meaning="a product was taken out of the cart", icon="cart", tell=_product,
             properties=_PRODUCT | {"cart_id": "which cart"}),
    FactKind(name="Product Added to Wishlist", meaning="a product was put on a wish list", icon="heart",
             tell=_product, properties=_PRODUCT | {"wishlist_id": "which list"}),
    FactKind(name="Product Removed from Wishlist", meaning="a product was taken off a wish list", icon="heart",
             tell=_product, properties=_PRODUCT | {"wishlist_id": "which list"}),
    FactKind(name="Wishlist Product Added to Cart", meaning="a wish became part of the cart", icon="heart",
             tone="cart", tell=_product, properties=_PRODUCT | {"wishlist_id": "which list"}),
)  # fmt: skip

_PAYING_LESS = (
    FactKind(name="Promotion Viewed", meaning="a promotion was seen", icon="tag", properties=_PROMOTION),
    FactKind(name="Promotion Clicked", meaning="a promotion was followed", icon="tag", properties=_PROMOTION),
    FactKind(name="Coupon Entered", meaning="a coupon was typed in", icon="tag", tell=_coupon, properties=_COUPON),
    FactKind(name="Coupon Applied", meaning="a coupon holds", icon="tag", tell=_coupon, properties=_COUPON),
    FactKind(name="Coupon Denied", meaning="a coupon does not hold", icon="tag", tone="loss", tell=_coupon,
             properties=_COUPON),
    FactKind(name="Coupon Removed", meaning="a coupon was taken back", icon="tag", properties=_COUPON),
)  # fmt: skip

_ALSO: Mapping[str, str] = {
    "Products Searched": "search, search submitted, view search results, site search",
    "Product List Viewed": "view item list, collection viewed, category viewed, view category",
    "Product Clicked": "select item",
    "Product Viewed": "view item, view content, viewed item, item viewed, product detail viewed, product page viewed",
    "Product Added": (
        "add to cart, added to cart, product added to cart, cart add, item added to cart, add to basket, added to "
        "basket"
    ),
    "Product Removed": (
        "remove from cart, removed from cart, product removed from cart, cart remove, item removed from cart"
    ),
    "Product Added to Wishlist": "add to wishlist, added to wishlist, wishlist add",
    "Product Removed from Wishlist": "remove from wishlist, removed from wishlist",
    "Promotion Viewed": "view promotion",
    "Promotion Clicked": "select promotion",
}
"""What other systems call them, with commas between.

**Sources:** Google Analytics 4, recommended events; Meta, standard events; Shopify, web pixels' standard events;
Klaviyo, metrics of its shop integrations.
"""

FACT_KINDS = tuple(
    msgspec.structs.replace(kind, unread=unread, also=tuple(_ALSO.get(kind.name, "").split(", ")))
    for kind in (*_LOOKING, *_CHOOSING, *_PAYING_LESS)
)

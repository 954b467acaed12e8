"""Pages to look around: home, departments, shelves, search, a product."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rapport.world.catalogue import Product, the_catalogue
from rapport.world.people import season
from rapport.world.storefront.delivery import delivery_words, pickup
from rapport.world.storefront.finding import find
from rapport.world.storefront.reviews import reviews_of
from rapport.world.storefront.serving import Reply, Request
from rapport.world.storefront.shop import DEPARTMENTS, Shop, slug_of
from rapport.world.storefront.statements import Facts, look, track
from rapport.world.storefront.words import said_of

__all__ = ["category", "department", "home", "product", "search"]

_SLUGS = {slug: (name, here) for here, shelves in DEPARTMENTS.items() for slug, name in shelves}
_FACES = {"Wine": "Barolo", "Food": "Comté 18 months", "Home": "Stoneware mug", "Clothing": "Cashmere cardigan"}
"""The product that stands for its department on the home page."""
_ORDERS = {"": "As on the shelf", "price": "Price, lowest first", "-price": "Price, highest first", "name": "Name"}
_WANTED = 8


async def home(shop: Shop, request: Request, name: str) -> Reply | None:
    """The shop window."""
    if name:
        return None
    now, person = shop.local_now(request), shop.person(request)
    pool: Iterable[Product] = person.pool if person else the_catalogue().products[::7]
    by_name = {product.name: product for product in the_catalogue().products}
    return shop.page(
        request, "home", "Good things", [look("Home")],
        products=_varied(sorted(pool, key=lambda p: -season(p, now.month))),
        faces={department: by_name[face] for department, face in _FACES.items()},
        eve=now.weekday() in (3, 4), cold=now.month in (10, 11, 12, 1, 2),
    )  # fmt: skip


def _varied(products: Iterable[Product]) -> list[Product]:
    """The first of these, from all departments, and no shelf twice if it can be helped."""
    left = list(dict.fromkeys(products))
    found: list[Product] = []
    for most in (1, 2, _WANTED):
        for one in left:
            same = [other for other in found if other.department == one.department]
            if len(same) < 2 * most and sum(other.category == one.category for other in same) < most:
                found.append(one)
        left = [one for one in left if one not in found]
    return found[:_WANTED]


async def category(shop: Shop, request: Request, slug: str) -> Reply | None:
    """One shelf."""
    if slug not in _SLUGS:
        return None
    name, here = _SLUGS[slug]
    products = the_catalogue().by_category[name]
    currency = shop.currency(request)
    shown = [one.card(currency, position=place) for place, one in enumerate(products[:8], start=1)]
    facts = [look(name), track("Product List Viewed", {"list_id": slug, "category": name, "products": shown})]
    return _list(shop, request, name, products, facts, here=here, shelf=name)


async def department(shop: Shop, request: Request, slug: str) -> Reply | None:
    """All shelves of a department."""
    name = slug.capitalize()
    if name not in DEPARTMENTS:
        return None
    products = [one for one in the_catalogue().products if one.department == name]
    return _list(shop, request, name, products, [look(name)], here=name)


async def search(shop: Shop, request: Request, name: str) -> Reply | None:
    """What somebody typed."""
    query = request.query.get("q", "").strip()[:100]
    found = find(query)
    facts = [look("Search"), track("Products Searched", {"query": query})] if query else []
    return _list(shop, request, "Search", found.products, facts, query=query, found=found)


def _list(
    shop: Shop, request: Request, title: str, products: list[Product], facts: Facts, *,
    here: str = "", **more: Any,
) -> Reply:  # fmt: skip
    """A page of products, in the order and from the store that is asked for."""
    order = request.query.get("sort", "")
    order = order if order in _ORDERS else ""
    store, currency = shop.store(request), shop.currency(request)
    only_here = request.query.get("here") == "1"
    if only_here:
        day = (shop.local_now(request).date().toordinal()) - 719_163
        products = [one for one in products if the_catalogue().stock(store, one, day=day)]
    if order == "name":
        products = sorted(products, key=lambda one: one.name)
    elif order:
        products = sorted(products, key=lambda one: one.price_minor[currency], reverse=order.startswith("-"))
    return shop.page(
        request, "list", title, facts, products=products, here=here, shelves=DEPARTMENTS.get(here, []),
        orders=_ORDERS, order=order, only_here=only_here, **more,
    )  # fmt: skip


async def product(shop: Shop, request: Request, slug: str) -> Reply | None:
    """One product, with what else one may like as Rapport decides it."""
    one = the_catalogue().by_slug.get(slug)
    if one is None:
        return None
    currency, person = shop.currency(request), shop.person(request)
    now = shop.local_now(request)
    also = await shop.rapport.also(
        one,
        user_id=person.user_id if person else "",
        visitor=request.cookies.get("shop_visitor", ""),
        currency=currency,
        store=shop.store(request).key,
    )
    return shop.page(
        request, "product", one.name, [look(one.name), track("Product Viewed", one.card(currency))],
        product=one, said=said_of(one), also=also, category_slug=slug_of(one.category), here=one.department,
        reviews=reviews_of(one, now.date(), seed=shop.seed), pickup=pickup(one, shop.store(request), now),
        delivery=delivery_words(now, shop.country(request)), usual_size=person.size if person else "",
        may_review=_may_review(shop, request, one), thanked=request.query.get("reviewed") == "1",
    )  # fmt: skip


def _may_review(shop: Shop, request: Request, one: Product) -> bool:
    return any(line.product is one for placed in shop.all_placed(request) for line in placed.order.lines)

"""From the basket to the order: what is put in, how many, where it goes, and who it is for."""

from __future__ import annotations

import json
import secrets
from typing import Any

from rapport.world.catalogue import the_catalogue
from rapport.world.orders import Line
from rapport.world.storefront.basket import MAX_LINES, MAX_PIECES, read_lines, write_facts, write_lines
from rapport.world.storefront.delivery import COUNTRIES, STORES, delivery_words, leaves_words, pickup
from rapport.world.storefront.forms import checked, filled
from rapport.world.storefront.serving import Reply, Request, to
from rapport.world.storefront.shop import Placed, Shop
from rapport.world.storefront.statements import identify, lines_of, look, track

__all__ = ["cart", "change", "checkout", "order", "review", "thanks"]

_MINE = 12
"""So many of its own orders a browser remembers."""


async def cart(shop: Shop, request: Request, name: str) -> Reply | None:
    """The basket."""
    found, asked = await shop.order_of_member(request)
    token, _ = await shop.wallet(request) if asked else ("", "")
    viewed = {"cart_id": request.cookies.get("shop_cart_id", ""), "products": lines_of(found)}
    facts = [look("Cart"), track("Cart Viewed", viewed)]
    delivery = delivery_words(shop.local_now(request), shop.country(request))
    return shop.page(
        request,
        "cart",
        "Basket",
        facts,
        order=found,
        delivery=delivery,
        most=MAX_PIECES,
        asked=json.dumps(asked) if asked else "",
        token=token,
    )


async def change(shop: Shop, request: Request, action: str) -> Reply | None:
    """Put something in, take it out, or have more or fewer of it."""
    lines = shop.lines(request)
    changes = {"add": _add, "remove": _remove, "quantity": _quantity}
    if action not in changes:
        return None
    told = changes[action](request, lines)
    if told is None:
        return None if action == "add" else to("/cart")
    event, line = told
    cart_id = request.cookies.get("shop_cart_id") or f"cart-{secrets.token_hex(8)}"
    fact = track(event, {**line.properties(shop.currency(request)), "cart_id": cart_id})
    return to("/cart", shop_cart=write_lines(lines), shop_cart_id=cart_id, shop_facts=write_facts([fact]))


def _add(request: Request, lines: list[Line]) -> tuple[str, Line] | None:
    product = the_catalogue().by_id.get(request.form.get("product", ""))
    if product is None:
        return None
    quantity = request.form.get("quantity", "1")
    text = f"{product.id}:{quantity if quantity.isdecimal() else 1}:{request.form.get('variant', '')}"
    line = read_lines(text)[0]
    if product.sizes and line.variant is None:
        line.variant = product.sizes[len(product.sizes) // 2]
    same = next((one for one in lines if one.product is product and one.variant == line.variant), None)
    if same is not None:
        same.quantity = min(MAX_PIECES, same.quantity + line.quantity)
    elif len(lines) < MAX_LINES:
        lines.append(Line(product, line.quantity, line.variant))
    return "Product Added", line


def _remove(request: Request, lines: list[Line]) -> tuple[str, Line] | None:
    place = _place(request, lines)
    return None if place is None else ("Product Removed", lines.pop(place))


def _quantity(request: Request, lines: list[Line]) -> tuple[str, Line] | None:
    """Another number of pieces: what is more is added, what is less is removed."""
    place, wanted = _place(request, lines), request.form.get("quantity", "")
    if place is None or not wanted.isdecimal():
        return None
    line, pieces = lines[place], min(MAX_PIECES, int(wanted[:4]))
    more = pieces - line.quantity
    if not more:
        return None
    if pieces:
        line.quantity = pieces
    else:
        lines.pop(place)
    return "Product Added" if more > 0 else "Product Removed", Line(line.product, abs(more), line.variant)


def _place(request: Request, lines: list[Line]) -> int | None:
    text = request.form.get("place", "")
    return int(text) if text.isdecimal() and int(text[:4]) < len(lines) else None


async def checkout(shop: Shop, request: Request, name: str) -> Reply | None:
    """The form of the order."""
    found = shop.order(request)
    if found is None:
        return to("/cart")
    facts = [
        look("Checkout"),
        track(
            "Checkout Started",
            {
                "cart_id": request.cookies.get("shop_cart_id", ""), "revenue": found.revenue_minor / 100,
                "currency": found.currency, "products": lines_of(found),
            },
        ),
    ]  # fmt: skip
    return await _form(shop, request, filled(shop.person(request)), {}, facts)


async def _form(
    shop: Shop, request: Request, values: dict[str, str], errors: dict[str, str], facts: list[dict[str, Any]]
) -> Reply:
    now, store = shop.local_now(request), shop.store(request)
    lacking = [line.product.name for line in shop.lines(request) if not pickup(line.product, store, now).pieces]
    return shop.page(
        request, "checkout", "Checkout", facts, status=422 if errors else 200, values=values, errors=errors,
        order=(await shop.order_of_member(request))[0], countries=COUNTRIES, lacking=lacking,
        collected=(await shop.order_of_member(request, delivered=False))[0],
        delivery=delivery_words(now, values.get("country", "GB")),
    )  # fmt: skip


async def order(shop: Shop, request: Request, name: str) -> Reply | None:
    """Place the order, or say what of the form is to be mended."""
    if name:
        return None
    if shop.order(request) is None:
        return to("/cart")
    values, errors = checked(request.form)
    now, store = shop.local_now(request), shop.store(request)
    collects = values["method"] == "pickup"
    if collects and not all(pickup(line.product, store, now).pieces for line in shop.lines(request)):
        errors["method"] = f"Not everything is in {store.city} today. Choose delivery, or another store."
    if errors:
        return await _form(shop, request, values, errors, [])
    country = STORES[store.key].country if collects else values["country"]
    found, _ = await shop.order_of_member(request, country=country, delivered=not collects)
    if found is None:
        return to("/cart")
    due = pickup(found.lines[0].product, store, now).when if collects else delivery_words(now, country)
    shop.keep(Placed(found, now, values, STORES[store.key] if collects else None, due))
    earlier = [one for one in request.cookies.get("shop_orders", "").split(".") if one and one != found.id]
    return to(
        f"/thanks/{found.id}", shop_cart="", shop_cart_id="", shop_facts=write_facts([identify(values)]),
        shop_orders=".".join([found.id, *earlier][:_MINE]),
    )  # fmt: skip


async def thanks(shop: Shop, request: Request, order_id: str) -> Reply | None:
    """The order is placed: said here and stated as a fact, once however often the page is looked at."""
    placed = shop.placed(request, order_id)
    if placed is None:
        return None
    method = {"shipping_method": "pickup" if placed.store else "delivery"}
    if placed.store:
        method["store"] = placed.store.key
    fact = track("Order Completed", placed.order.properties(affiliation="Webshop", **method))
    facts = [look("Thank you"), {**fact, "messageId": f"order-{placed.order.id}"}]
    return shop.page(
        request, "thanks", "Thank you", facts, placed=placed, order=placed.order, leaves=leaves_words(placed.at)
    )


async def review(shop: Shop, request: Request, name: str) -> Reply | None:
    """What somebody says of a thing that was bought here."""
    product = the_catalogue().by_id.get(request.form.get("product", ""))
    rating = request.form.get("rating", "")
    bought = product is not None and any(
        line.product is product for placed in shop.all_placed(request) for line in placed.order.lines
    )
    if product is None or not bought:
        return None
    if rating not in ("1", "2", "3", "4", "5"):
        return to(product.url)
    said = {
        "product_id": product.id, "review_id": f"rv-{secrets.token_hex(8)}", "rating": int(rating),
        "review_body": request.form.get("text", "").strip()[:1_000],
    }  # fmt: skip
    return to(f"{product.url}?reviewed=1", shop_facts=write_facts([track("Product Reviewed", said)]))

"""Who one is: signing in as somebody of the town, the account with its orders, the chosen store."""

from __future__ import annotations

import asyncio

from rapport.world.people import Person
from rapport.world.storefront.asking import Earlier
from rapport.world.storefront.basket import write_facts
from rapport.world.storefront.delivery import STORES, steps_done
from rapport.world.storefront.serving import Reply, Request, to
from rapport.world.storefront.shop import PEOPLE, Placed, Shop
from rapport.world.storefront.statements import look, track

__all__ = ["account", "choose", "choose_store", "one_order", "sign_in"]


async def choose(shop: Shop, request: Request, name: str) -> Reply | None:
    """Whom one can be."""
    people = [{"number": n, "person": shop.somebody(n), "likes": _likes(shop.somebody(n))} for n in range(PEOPLE)]
    return shop.page(request, "sign-in", "Sign in", [look("Sign in")], people=people)


async def sign_in(shop: Shop, request: Request, name: str) -> Reply | None:
    """Be somebody from now on, or nobody."""
    number = request.form.get("person", "")
    if not number.isdecimal() or int(number[:4]) >= PEOPLE:
        return to("/", shop_person="", shop_facts=write_facts([track("Signed Out", {})]))
    person = shop.somebody(int(number))
    traits = {"email": person.email, "firstName": person.given, "lastName": person.family}
    facts = [{"type": "identify", "traits": traits}, track("Signed In", {"method": "storefront"})]
    return to("/account", shop_person=number, shop_facts=write_facts(facts))


async def account(shop: Shop, request: Request, name: str) -> Reply | None:
    """The account: orders on all channels as Rapport knows them, and those of this browser."""
    person = shop.person(request)
    earlier: list[Earlier] | None = []
    token = wallet = ""
    if person:
        earlier, (token, wallet) = await asyncio.gather(shop.rapport.orders(person.user_id), shop.wallet(request))
    placed = shop.all_placed(request)
    known = {one.order.id for one in placed}
    others = [one for one in earlier or [] if one.id not in known]
    return shop.page(
        request, "account", "Your account", [look("Account")], placed=placed, earlier=others, away=earlier is None,
        token=token, wallet=wallet,
    )  # fmt: skip


async def one_order(shop: Shop, request: Request, order_id: str) -> Reply | None:
    """One order: of this browser, or of who has signed in."""
    placed: Placed | None = shop.placed(request, order_id)
    person = shop.person(request)
    found: Earlier | None = None
    if placed is None and person is not None:
        found = next((one for one in await shop.rapport.orders(person.user_id) or [] if one.id == order_id), None)
    if placed is None and found is None:
        return None
    done = 0
    if placed is not None:
        country, now = placed.form.get("country", "GB"), shop.local_now(request)
        done = steps_done(placed.at, now, country, collected=placed.store is not None)
    return shop.page(request, "order", f"Order {order_id}", [look("Order")], placed=placed, earlier=found, done=done)


async def choose_store(shop: Shop, request: Request, name: str) -> Reply | None:
    """Choose the store whose shelves one wants to see."""
    key, back = request.form.get("store", ""), request.form.get("back", "/")
    if not back.startswith("/") or back.startswith(("//", "/\\")) or not back.isprintable():
        back = "/"
    return to(back[:300], shop_store=key) if key in STORES else to("/stores")


def _likes(person: Person) -> str:
    said = {
        "Women": "women's clothing",
        "Men": "men's clothing",
        "Children": "children's clothing",
        "Kitchen": "kitchenware",
        "Table": "tableware",
        "Living": "things for the home",
    }
    categories = list(dict.fromkeys(said.get(p.category, p.category.lower()) for p in person.pool[:6]))
    return ", ".join(categories[:2])

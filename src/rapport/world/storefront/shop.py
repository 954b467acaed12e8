"""What all pages of the storefront share: who is there, what is in the basket, and how a page is made."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import jinja2

from rapport.kernel.clock import now_us, to_datetime
from rapport.kernel.money import format_minor
from rapport.world.catalogue import Store, the_catalogue
from rapport.world.orders import FREE_DELIVERY_MINOR, Line, Order
from rapport.world.people import Person, household_at, households, person_at
from rapport.world.storefront.asking import Rapport, cart_of
from rapport.world.storefront.basket import read_facts, read_lines
from rapport.world.storefront.delivery import STORES, StorePlace
from rapport.world.storefront.pictures import picture
from rapport.world.storefront.pictures.scenes import scene
from rapport.world.storefront.serving import Reply, Request, asset
from rapport.world.storefront.statements import Facts
from rapport.world.storefront.words import size_words

__all__ = ["DEPARTMENTS", "PEOPLE", "Placed", "Shop", "slug_of"]

PEOPLE = 12
"""So many people of the town one can be."""
_KEPT_ORDERS = 500
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Placed:
    """An order placed in this shop window, with what its form said."""

    order: Order
    at: datetime
    form: dict[str, str]
    store: StorePlace | None
    """Where it is collected; None where it is delivered."""
    due: str
    """When it arrives or is ready, in words."""


class Shop:
    """The shop window's state. Nothing of it outlives the process but what browsers and Rapport keep."""

    def __init__(self, *, rapport: str, write_key: str, api_key: str, seed: int = 7) -> None:
        self.seed = seed
        self.rapport = Rapport(rapport, api_key)
        self._rapport_url = rapport
        self.rapport_port = urlsplit(rapport).port or 80
        self._write_key = write_key
        self._salt = secrets.token_bytes(16)
        self._placed: OrderedDict[str, Placed] = OrderedDict()
        self._people: dict[int, Person] = {}
        self._pages = jinja2.Environment(loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True)
        self._pages.filters.update(
            money=format_minor,
            size=lambda text, product: size_words(product, text),
            picture=lambda product, near=False: picture(product, near=near).url,
        )
        self._pages.globals.update(asset=asset, scene=lambda name: scene(name).url, stores=STORES)

    # -- who is there ----------------------------------------------------------------------------------------------

    def somebody(self, number: int) -> Person:
        """One of the town's first people."""
        person = self._people.get(number)
        if person is None:
            household, first = households(self.seed, PEOPLE)[number]
            home = household_at(self.seed, household, first=first)
            person = self._people[number] = person_at(self.seed, number, home)
        return person

    def person(self, request: Request) -> Person | None:
        """Who has signed in."""
        text = request.cookies.get("shop_person", "")
        return self.somebody(int(text)) if text.isdecimal() and int(text) < PEOPLE else None

    def currency(self, request: Request) -> str:
        """What prices are shown in."""
        person = self.person(request)
        return person.currency if person else "GBP"

    def country(self, request: Request) -> str:
        """Where the visitor is taken to live."""
        person = self.person(request)
        return person.country.code if person else "GB"

    def local_now(self, request: Request) -> datetime:
        """What the clock says where the visitor is."""
        person = self.person(request)
        zone = person.country.timezone if person else "Europe/London"
        return to_datetime(now_us()).astimezone(ZoneInfo(zone))

    def store(self, request: Request) -> Store:
        """The store the visitor has chosen, else the one of the person, else the first."""
        all_stores = the_catalogue().stores
        chosen = request.cookies.get("shop_store", "")
        person = self.person(request)
        usual = all_stores[person.store] if person else all_stores[0]
        return next((store for store in all_stores if store.key == chosen), usual)

    async def wallet(self, request: Request) -> tuple[str, str]:
        """The token of the wallet of who has signed in, and the address of its page; empty for nobody."""
        person = self.person(request)
        token, path = await self.rapport.wallet(person.user_id) if person else ("", "")
        return token, f"{self._rapport_url}{path}" if path else ""

    # -- what is bought --------------------------------------------------------------------------------------------

    def lines(self, request: Request) -> list[Line]:
        """What lies in the basket."""
        return read_lines(request.cookies.get("shop_cart", ""))

    async def order_of_member(
        self, request: Request, *, country: str = "", delivered: bool = True
    ) -> tuple[Order | None, dict[str, Any]]:
        """The basket with what the club takes off it, and as Rapport was asked about it; empty without an answer."""
        plain = self.order(request, country=country, delivered=delivered)
        if plain is None:
            return None, {}
        person, country = self.person(request), country or self.country(request)
        found = await self.rapport.benefits(plain, user_id=person.user_id if person else "", country=country)
        if found is None:
            return plain, {}
        return self.order(request, country=country, delivered=delivered, benefits=found), cart_of(plain, country)

    def order(
        self, request: Request, *, country: str = "", delivered: bool = True, benefits: dict[str, int] | None = None
    ) -> Order | None:
        """The basket as an order that could be placed; None where it is empty. One basket is always one order."""
        lines = self.lines(request)
        if not lines:
            return None
        cart = request.cookies.get("shop_cart_id") or secrets.token_hex(8)
        number = hashlib.blake2b(cart.encode(), key=self._salt, digest_size=5).hexdigest().upper()
        return Order(
            f"W-{number}", lines, currency=self.currency(request), country=country or self.country(request),
            coupon=None, delivered=delivered, benefits=benefits,
        )  # fmt: skip

    def keep(self, placed: Placed) -> None:
        """Remember an order; the first under a number stands, the oldest is forgotten."""
        self._placed.setdefault(placed.order.id, placed)
        if len(self._placed) > _KEPT_ORDERS:
            self._placed.popitem(last=False)

    def placed(self, request: Request, order_id: str) -> Placed | None:
        """An order that this browser has placed."""
        mine = request.cookies.get("shop_orders", "").split(".")
        return self._placed.get(order_id) if order_id in mine else None

    def all_placed(self, request: Request) -> list[Placed]:
        """All orders that this browser has placed and the shop still knows, newest first."""
        found = [self.placed(request, order_id) for order_id in request.cookies.get("shop_orders", "").split(".")]
        return sorted((one for one in found if one is not None), key=lambda one: one.at, reverse=True)

    # -- pages -----------------------------------------------------------------------------------------------------

    def page(
        self, request: Request, template: str, title: str, facts: Facts | None = None, *, status: int = 200, **more: Any
    ) -> Reply:
        """A page; facts are sent by the browser, with those that an earlier answer left."""
        told = read_facts(request.cookies.get("shop_facts", ""))
        currency = self.currency(request)
        store = self.store(request)
        values: dict[str, Any] = {
            "title": title,
            "facts": [*told, *(facts or [])],
            "rapport_port": self.rapport_port,
            "rapport_url": self._rapport_url,
            "write_key": self._write_key,
            "person": self.person(request),
            "currency": currency,
            "country": self.country(request),
            "free_from": format_minor(FREE_DELIVERY_MINOR, currency).removesuffix(".00"),
            "store": STORES[store.key],
            "basket_count": sum(line.quantity for line in self.lines(request)),
            "departments": list(DEPARTMENTS),
            "here": "",
            "path": request.path,
            "query": "",
            **more,
        }
        body = self._pages.get_template(f"{template}.html").render(values).encode()
        return Reply(status=status, body=body, cookies={"shop_facts": ""} if told else {})


def slug_of(category: str) -> str:
    """A category's name in an address."""
    return category.lower().replace(" ", "-")


def _departments() -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for name, products in the_catalogue().by_category.items():
        found.setdefault(products[0].department, []).append((slug_of(name), name))
    return found


DEPARTMENTS = _departments()
"""Per department its categories, each with its slug."""

"""The storefront's pages: a raw ASGI application of a dozen routes."""

from __future__ import annotations

import gzip
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

import httpx
import jinja2

from rapport.kernel.clock import DAY, now_us, to_datetime
from rapport.kernel.money import format_minor
from rapport.world.catalogue import Product, the_catalogue
from rapport.world.orders import Line, Order
from rapport.world.people import Person, household_at, households, person_at, season
from rapport.world.storefront.basket import read_facts, read_lines, write_facts, write_lines
from rapport.world.storefront.pictures import picture, picture_at

__all__ = ["Reply", "Request", "Storefront"]

_HERE = Path(__file__).parent
_MAX_FORM = 10_000
_ASK_SECONDS = 1.5
_PEOPLE = 12
_POLICY = (
    b"default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; img-src 'self' data:; connect-src *; "
    b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"content-security-policy", _POLICY),
]

Facts: TypeAlias = list[dict[str, Any]]


@dataclass(slots=True)
class Request:
    """What a handler needs to know of a request."""

    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    cookies: dict[str, str]

    def person(self) -> int | None:
        """The number of the person the visitor shops as."""
        text = self.cookies.get("shop_person", "")
        return int(text) if text.isdecimal() and int(text) < _PEOPLE else None


@dataclass(slots=True)
class Reply:
    """An answer: a page, or the way to one."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    location: str | None = None
    cookies: dict[str, str] = field(default_factory=dict)
    """Cookies to set; an empty value takes one away."""


class Storefront:
    """The shop window. `rapport` is where the server finds Rapport; browsers find it at the same port of their host."""

    def __init__(self, *, rapport: str, write_key: str, api_key: str, seed: int = 7) -> None:
        self._rapport = rapport
        self._write_key = write_key
        self._seed = seed
        self._ask = httpx.AsyncClient(
            base_url=rapport, timeout=_ASK_SECONDS, headers={"Authorization": f"Bearer {api_key}"}
        )
        self._orders: OrderedDict[str, Order] = OrderedDict()
        self._slugs = {_slug(name): name for name in the_catalogue().by_category}
        self._people: dict[int, Person] = {}
        self._pages = jinja2.Environment(loader=jinja2.FileSystemLoader(_HERE / "templates"), autoescape=True)
        self._pages.filters.update(money=format_minor, picture=lambda p, near=False: picture(p, near=near).url)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            reply = await self._answer(await _read(scope, receive))
            await _write(reply, send)

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def aclose(self) -> None:
        """Close the connections to Rapport."""
        await self._ask.aclose()

    async def _answer(self, request: Request) -> Reply:
        if request.path.startswith("/static/"):
            return _static(request.path.removeprefix("/static/"))
        if request.path.startswith("/pictures/"):
            return _picture(request.path.removeprefix("/pictures/"))
        folder, _, name = request.path.strip("/").partition("/")
        route = _ROUTES.get((request.method, folder))
        found = await route(self, request, name) if route is not None else None
        return found or self._page(
            request, "list", "Not found", heading="There is no such page", products=[], status=404
        )

    # -- looking ---------------------------------------------------------------------------------------------------

    async def home(self, request: Request, name: str) -> Reply | None:
        if name:
            return None
        month = to_datetime(now_us()).month
        wanted = self._person(request)
        pool: Iterable[Product] = wanted.pool if wanted else the_catalogue().products[::7]
        liked = sorted(pool, key=lambda p: -season(p, month))[:10]
        catalogue = the_catalogue()
        still = [catalogue.products[0], catalogue.with_tag("corkscrew")[0], catalogue.with_tag("cheese")[0]]
        eve = to_datetime(now_us()).weekday() in (3, 4)
        headline = "Before the weekend: fill the larder" if eve else "A table worth sitting down to"
        facts = [{"type": "page", "name": "Home"}]
        return self._page(request, "home", "Good things", facts, products=liked, still=still, headline=headline)

    async def category(self, request: Request, slug: str) -> Reply | None:
        name = self._slugs.get(slug)
        if name is None:
            return None
        products = the_catalogue().by_category[name]
        currency = self._currency(request)
        shown = [product.card(currency, position=place) for place, product in enumerate(products[:8], start=1)]
        facts = [
            {"type": "page", "name": name},
            _track("Product List Viewed", {"list_id": slug, "category": name, "products": shown}),
        ]
        here = products[0].department
        return self._page(
            request, "list", name, facts, heading=name, products=products, here=here, shelves=_DEPARTMENTS[here]
        )

    async def department(self, request: Request, slug: str) -> Reply | None:
        name = slug.capitalize()
        if name not in _DEPARTMENTS:
            return None
        products = [product for product in the_catalogue().products if product.department == name]
        facts = [{"type": "page", "name": name}]
        return self._page(
            request, "list", name, facts, heading=name, products=products, here=name, shelves=_DEPARTMENTS[name]
        )

    async def search(self, request: Request, name: str) -> Reply | None:
        query = request.query.get("q", "").strip()[:100]
        words = query.lower().split()
        products = [p for p in the_catalogue().products if words and all(word in _text(p) for word in words)]
        facts = [{"type": "page", "name": "Search"}, _track("Products Searched", {"query": query})] if words else []
        heading = f"{len(products)} found for “{query}”" if words else "What are you looking for?"
        return self._page(request, "list", "Search", facts, heading=heading, products=products, query=query)

    async def product(self, request: Request, slug: str) -> Reply | None:
        product = the_catalogue().by_slug.get(slug)
        if product is None:
            return None
        currency = self._currency(request)
        facts = [{"type": "page", "name": product.name}, _track("Product Viewed", product.card(currency))]
        today = now_us() // DAY
        stock = [(store, the_catalogue().stock(store, product, day=today)) for store in the_catalogue().stores[:5]]
        return self._page(
            request, "product", product.name, facts, product=product, stock=stock,
            category_slug=_slug(product.category), here=product.department, also=await self._also(request, product),
        )  # fmt: skip

    async def _also(self, request: Request, product: Product) -> list[dict[str, Any]] | None:
        """What Rapport would show beside a product, with its reasons; None where it does not answer in time."""
        asked: dict[str, Any] = {"placement": "product.also", "limit": 4, "context": {"product_id": product.id}}
        person, visitor = self._person(request), request.cookies.get("shop_visitor", "")
        if person is not None:
            asked["customer"] = {"namespace": "user_id", "value": person.user_id}
        elif visitor:
            asked["customer"] = {"namespace": "anonymous_id", "value": visitor[:100]}
        try:
            answer = await self._ask.post("/api/v1/decisions", json=asked)
            decision = answer.json() if answer.status_code == 200 else None
        except (httpx.HTTPError, ValueError):
            decision = None
        if decision is None:
            return None
        return list(_shown(decision, self._currency(request)))

    # -- buying ----------------------------------------------------------------------------------------------------

    async def add(self, request: Request, action: str) -> Reply | None:
        lines = self._lines(request)
        if action == "remove":
            place = request.form.get("place", "")
            if not place.isdecimal() or int(place) >= len(lines):
                return _to("/cart")
            line, event = lines.pop(int(place)), "Product Removed"
        else:
            product = the_catalogue().by_id.get(request.form.get("product", ""))
            if product is None or action != "add":
                return None
            quantity = request.form.get("quantity", "1")
            text = f"{product.id}:{quantity if quantity.isdecimal() else 1}:{request.form.get('variant', '')}"
            line, event = read_lines(text)[0], "Product Added"
            lines.append(line)
        cart = request.cookies.get("shop_cart_id") or f"cart-{secrets.token_hex(8)}"
        fact = _track(event, {**line.properties(self._currency(request)), "cart_id": cart})
        return _to("/cart", shop_cart=write_lines(lines), shop_cart_id=cart, shop_facts=write_facts([fact]))

    async def cart(self, request: Request, name: str) -> Reply | None:
        order = self._order(request)
        viewed = {"cart_id": request.cookies.get("shop_cart_id", ""), "products": _lines_of(order)}
        facts = [{"type": "page", "name": "Cart"}, _track("Cart Viewed", viewed)]
        return self._page(request, "cart", "Basket", facts, order=order)

    async def checkout(self, request: Request, name: str) -> Reply | None:
        order = self._order(request)
        if order is None:
            return _to("/cart")
        facts = [
            {"type": "page", "name": "Checkout"},
            _track(
                "Checkout Started",
                {
                    "cart_id": request.cookies.get("shop_cart_id", ""), "revenue": order.revenue_minor / 100,
                    "currency": order.currency, "products": _lines_of(order),
                },
            ),
        ]  # fmt: skip
        return self._page(request, "checkout", "Checkout", facts, order=order)

    async def order(self, request: Request, name: str) -> Reply | None:
        order = self._order(request)
        if order is None:
            return _to("/cart")
        self._orders[order.id] = order
        if len(self._orders) > 500:
            self._orders.popitem(last=False)
        return _to(f"/thanks/{order.id}", shop_cart="", shop_cart_id="", shop_facts=write_facts([_who(request)]))

    async def thanks(self, request: Request, order_id: str) -> Reply | None:
        order = self._orders.get(order_id)
        if order is None:
            return None
        fact = _track("Order Completed", order.properties(affiliation="Webshop"))
        facts = [{"type": "page", "name": "Thank you"}, {**fact, "messageId": f"order-{order.id}"}]
        return self._page(request, "thanks", "Thank you", facts, order=order)

    # -- who it is -------------------------------------------------------------------------------------------------

    async def choose(self, request: Request, name: str) -> Reply | None:
        people = [{"number": n, "person": self._at(n), "likes": _likes(self._at(n))} for n in range(_PEOPLE)]
        return self._page(request, "sign-in", "Sign in", people=people)

    async def sign_in(self, request: Request, name: str) -> Reply | None:
        number = request.form.get("person", "")
        if not number.isdecimal() or int(number) >= _PEOPLE:
            return _to("/", shop_person="", shop_facts=write_facts([_track("Signed Out", {})]))
        person = self._at(int(number))
        traits = {"email": person.email, "firstName": person.given, "lastName": person.family}
        facts = [{"type": "identify", "traits": traits}, _track("Signed In", {"method": "storefront"})]
        return _to("/", shop_person=number, shop_facts=write_facts(facts))

    # -- shared by the pages ---------------------------------------------------------------------------------------

    def _page(
        self, request: Request, template: str, title: str, facts: Facts | None = None, *, status: int = 200, **more: Any
    ) -> Reply:
        told = read_facts(request.cookies.get("shop_facts", ""))
        values: dict[str, Any] = {
            "title": title,
            "facts": [*told, *(facts or [])],
            "rapport_port": urlsplit(self._rapport).port or 80,
            "rapport_url": self._rapport,
            "write_key": self._write_key,
            "person": self._person(request),
            "currency": self._currency(request),
            "basket_count": sum(line.quantity for line in self._lines(request)),
            "departments": list(_DEPARTMENTS),
            "here": "",
            "shelves": [],
            "query": "",
            **more,
        }
        body = self._pages.get_template(f"{template}.html").render(values).encode()
        return Reply(status=status, body=body, cookies={"shop_facts": ""} if told else {})

    def _at(self, number: int) -> Person:
        """One of the town's first people."""
        person = self._people.get(number)
        if person is None:
            household, first = households(self._seed, _PEOPLE)[number]
            home = household_at(self._seed, household, first=first)
            person = self._people[number] = person_at(self._seed, number, home)
        return person

    def _person(self, request: Request) -> Person | None:
        number = request.person()
        return None if number is None else self._at(number)

    def _currency(self, request: Request) -> str:
        person = self._person(request)
        return person.currency if person else "GBP"

    def _lines(self, request: Request) -> list[Line]:
        return read_lines(request.cookies.get("shop_cart", ""))

    def _order(self, request: Request) -> Order | None:
        """The basket as an order that could be placed; None where it is empty."""
        lines, person = self._lines(request), self._person(request)
        if not lines:
            return None
        country = person.country.code if person else "GB"
        number = f"W-{secrets.token_hex(5).upper()}"
        return Order(number, lines, currency=self._currency(request), country=country, coupon=None, delivered=True)


_Handler: TypeAlias = Callable[[Storefront, Request, str], Awaitable[Reply | None]]
_ROUTES: dict[tuple[str, str], _Handler] = {
    ("GET", ""): Storefront.home,
    ("GET", "c"): Storefront.category,
    ("GET", "d"): Storefront.department,
    ("GET", "p"): Storefront.product,
    ("GET", "search"): Storefront.search,
    ("GET", "cart"): Storefront.cart,
    ("POST", "cart"): Storefront.add,
    ("GET", "checkout"): Storefront.checkout,
    ("POST", "order"): Storefront.order,
    ("GET", "thanks"): Storefront.thanks,
    ("GET", "sign-in"): Storefront.choose,
    ("POST", "sign-in"): Storefront.sign_in,
}


def _slug(category: str) -> str:
    return category.lower().replace(" ", "-")


def _departments() -> dict[str, list[tuple[str, str]]]:
    """Per department its categories, each with its slug."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, products in the_catalogue().by_category.items():
        found.setdefault(products[0].department, []).append((_slug(name), name))
    return found


_DEPARTMENTS = _departments()


def _track(event: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "track", "event": event, "properties": properties}


def _who(request: Request) -> dict[str, Any]:
    """What the checkout's form says of the visitor."""
    first, _, last = request.form.get("name", "").strip()[:100].partition(" ")
    return {
        "type": "identify",
        "traits": {"email": request.form.get("email", "").strip()[:200], "firstName": first, "lastName": last},
    }


def _shown(decision: dict[str, Any], currency: str) -> Iterable[dict[str, Any]]:
    for place, item in enumerate(decision.get("items", []), start=1):
        product = the_catalogue().by_id.get(str(item.get("product_id")))
        if product is None:
            continue
        more = {"position": place, "decision_id": decision.get("decision_id"), "placement": decision.get("placement")}
        reasons = item.get("reasons") or [""]
        yield {"product": product, "reason": str(reasons[0]), "clicked": product.card(currency, **more)}


def _lines_of(order: Order | None) -> list[dict[str, Any]]:
    return [line.properties(order.currency) for line in order.lines] if order else []


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


def _text(product: Product) -> str:
    return f"{product.name} {product.brand} {product.category} {product.origin} {' '.join(product.tags)}".lower()


def _to(location: str, **cookies: str) -> Reply:
    return Reply(status=303, location=location, cookies=cookies)


def _static(name: str) -> Reply:
    kinds = {"shop.css": "text/css; charset=utf-8", "shop.js": "text/javascript; charset=utf-8"}
    if name not in kinds:
        return Reply(status=404, content_type="text/plain")
    return Reply(body=(_HERE / "static" / name).read_bytes(), content_type=kinds[name])


def _picture(name: str) -> Reply:
    found = picture_at(name)
    if found is None:
        return Reply(status=404, content_type="text/plain")
    return Reply(body=gzip.decompress(found.packed), content_type="image/svg+xml")


async def _read(scope: Any, receive: Any) -> Request:
    headers = dict(scope["headers"])
    body = b""
    more = scope["method"] == "POST"
    while more and len(body) <= _MAX_FORM:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    form = parse_qs(body[:_MAX_FORM].decode("utf-8", "replace"), keep_blank_values=True)
    query = parse_qs(scope["query_string"].decode("latin-1"))
    cookies: SimpleCookie = SimpleCookie()
    try:
        cookies.load(headers.get(b"cookie", b"").decode("latin-1"))
    except CookieError:
        cookies.clear()
    return Request(
        method="GET" if scope["method"] == "HEAD" else scope["method"],
        path=scope["path"],
        query={name: values[0] for name, values in query.items()},
        form={name: values[0] for name, values in form.items()},
        cookies={name: morsel.value for name, morsel in cookies.items()},
    )


async def _write(reply: Reply, send: Any) -> None:
    headers = [*_HEADERS, (b"content-type", reply.content_type.encode()), (b"cache-control", b"no-store")]
    if reply.location is not None:
        headers.append((b"location", reply.location.encode()))
    for name, value in reply.cookies.items():
        age = 86_400 * 30 if value else 0
        headers.append((b"set-cookie", f"{name}={value}; Path=/; Max-Age={age}; SameSite=Lax; HttpOnly".encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})

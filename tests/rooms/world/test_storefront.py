"""The shop window: a person can walk through it, and every step is stated as a fact for the browser to send."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Awaitable, Callable, Iterator
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from rapport.kernel.clock import DAY, now_us
from rapport.world.catalogue import the_catalogue
from rapport.world.storefront.app import Storefront
from rapport.world.storefront.asking import Rapport
from rapport.world.storefront.serving import kept_file
from rapport.world.storefront.stating import state_catalogue

CHIANTI = the_catalogue().products[0]
CORKSCREW = the_catalogue().with_tag("corkscrew")[0]
SHIRT = next(product for product in the_catalogue().products if product.name == "Oxford shirt")
ADA = {
    "email": "ada@mail.example", "given": "Ada", "family": "Reid", "street": "3 Mill Lane", "postcode": "ba1 1bp",
    "city": "Bath", "country": "GB", "method": "delivery",
}  # fmt: skip


class Decisions(BaseHTTPRequestHandler):
    """A Rapport that always suggests the corkscrew, and remembers what it was asked."""

    asked: list[dict[str, Any]] = []

    def do_POST(self) -> None:
        assert self.headers["Authorization"] == "Bearer secret"
        self.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        items = [{"product_id": CORKSCREW.id, "reasons": ["looked at with <Chianti>"]}, {"product_id": "unknown"}]
        body = json.dumps({"decision_id": "dec_1", "placement": "product.also", "items": items}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def rapport() -> Iterator[str]:
    Decisions.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Decisions) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def walk(rapport: str, story: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
    async def run() -> None:
        shop = Storefront(rapport=rapport, write_key="wk", api_key="secret")
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=shop), base_url="http://shop.test", follow_redirects=True
        ) as browser:
            await story(browser)
        await shop.aclose()

    asyncio.run(run())


def facts_of(page: httpx.Response) -> list[dict[str, Any]]:
    found = re.search(r'<script type="application/json" id="facts">(.*?)</script>', page.text, re.DOTALL)
    assert found
    facts: list[dict[str, Any]] = json.loads(found[1])
    return facts


def test_ada_buys_a_chianti(rapport: str) -> None:
    """From the shelf to the order: the facts are those of any shop, in order."""

    async def story(browser: httpx.AsyncClient) -> None:
        told: list[dict[str, Any]] = []
        for path in ("/", "/d/wine", "/c/red-wine", CHIANTI.url):
            page = await browser.get(path)
            assert page.status_code == 200
            told += facts_of(page)
        for path, form in (
            ("/cart/add", {"product": CHIANTI.id, "quantity": "2"}),
            ("/cart/add", {"product": CORKSCREW.id, "quantity": "1"}),
            ("/cart/remove", {"place": "1"}),
        ):
            page = await browser.post(path, data=form)
            assert page.url.path == "/cart"
            told += facts_of(page)
        assert "£24.00" in page.text
        told += facts_of(await browser.get("/checkout"))
        page = await browser.post("/order", data=ADA)
        told += facts_of(page)
        assert "Thank you" in page.text
        names = [fact.get("event", fact["type"]) for fact in told]
        assert names == [
            "page", "page", "page", "Product List Viewed", "page", "Product Viewed",
            "Product Added", "page", "Cart Viewed", "Product Added", "page", "Cart Viewed",
            "Product Removed", "page", "Cart Viewed", "page", "Checkout Started", "identify", "page", "Order Completed",
        ]  # fmt: skip
        assert told[-3]["traits"] == {
            "email": "ada@mail.example", "firstName": "Ada", "lastName": "Reid",
            "address": {"street": "3 Mill Lane", "city": "Bath", "postalCode": "BA1 1BP", "country": "GB"},
        }  # fmt: skip
        order = told[-1]["properties"]
        assert [(p["product_id"], p["quantity"]) for p in order["products"]] == [(CHIANTI.id, 2)]
        assert facts_of(await browser.get("/cart")) == [
            {"type": "page", "name": "Cart"},
            {"type": "track", "event": "Cart Viewed", "properties": {"cart_id": "", "products": []}},
        ]

    walk(rapport, story)


def test_what_else_one_may_like_is_asked_of_rapport_with_its_reason(rapport: str) -> None:
    async def story(browser: httpx.AsyncClient) -> None:
        await browser.post("/sign-in", data={"person": "3"})
        page = await browser.get(CHIANTI.url)
        assert CORKSCREW.name in unescape(page.text)
        assert "Looked at with &lt;Chianti&gt;" in page.text
        clicked = re.search(r'data-clicked="(.*?)"', page.text)
        assert clicked
        properties = json.loads(unescape(clicked[1]))
        assert (properties["decision_id"], properties["position"]) == ("dec_1", 1)

    walk(rapport, story)
    asked = Decisions.asked[-1]
    assert asked["placement"] == "product.also"
    assert asked["context"]["product_id"] == CHIANTI.id
    assert asked["context"]["location"]
    assert asked["customer"]["namespace"] == "user_id"


def test_without_rapport_the_shop_stays_open_and_says_so() -> None:
    async def story(browser: httpx.AsyncClient) -> None:
        page = await browser.get(CHIANTI.url)
        assert page.status_code == 200
        assert "Rapport does not answer just now" in page.text

    walk("http://127.0.0.1:1", story)


def test_signing_in_says_who_it_is_and_signing_out_forgets(rapport: str) -> None:
    async def story(browser: httpx.AsyncClient) -> None:
        page = await browser.post("/sign-in", data={"person": "0"})
        identify = next(fact for fact in facts_of(page) if fact["type"] == "identify")
        assert identify["traits"]["email"].endswith((".example", ".com", ".net", ".org"))
        assert re.search(r'data-user="u-1\d+"', page.text)
        page = await browser.post("/sign-in", data={"person": ""})
        assert 'data-user=""' in page.text

    walk(rapport, story)


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/pictures/x",
        "/pictures/scene-x.svg",
        "/orders/W-1",
        "/delivery/x",
        "/review",
        "/static/shop.css",
        "/p/nothing",
        "/c/none",
        "/d/none",
        "/thanks/W-1",
        "/cart/else",
        "/static/../app.py",
        "/%00",
    ],
)
def test_what_is_not_there_is_not_found(path: str) -> None:
    async def story(browser: httpx.AsyncClient) -> None:
        assert (await browser.get(path)).status_code in (200, 404)
        assert (await browser.post(path, data={"x": "1"})).status_code in (200, 404)

    walk("http://127.0.0.1:1", story)


def test_a_search_shows_what_was_typed_and_nothing_of_it_runs() -> None:
    async def story(browser: httpx.AsyncClient) -> None:
        page = await browser.get("/search", params={"q": "</script><script>alert(1)</script>"})
        assert "<script>alert" not in page.text
        page = await browser.get("/search", params={"q": "chianti"})
        assert CHIANTI.name in page.text
        browser.cookies.set("shop_cart", "%ff|P1:x:|P1000:999999:XXL")
        browser.cookies.set("shop_facts", "%7Bbroken")
        browser.cookies.set("shop_person", "99999")
        assert (await browser.get("/cart")).status_code == 200
        assert (await browser.post("/cart/remove", data={"place": "77"})).status_code == 200

    walk("http://127.0.0.1:1", story)


def test_sizes_are_lines_of_their_own_and_pieces_can_be_changed(rapport: str) -> None:
    """The same shirt in two sizes is two lines; the same size again is one line with more pieces."""

    async def story(browser: httpx.AsyncClient) -> None:
        for size in ("M", "L", "M"):
            page = await browser.post("/cart/add", data={"product": SHIRT.id, "quantity": "1", "variant": size})
        viewed = facts_of(page)[-1]["properties"]["products"]
        assert [(line["variant"], line["quantity"]) for line in viewed] == [("M", 2), ("L", 1)]
        added = facts_of(await browser.post("/cart/quantity", data={"place": "1", "quantity": "3"}))[0]
        assert (added["event"], added["properties"]["quantity"], added["properties"]["variant"]) == (
            "Product Added",
            2,
            "L",
        )
        removed = facts_of(await browser.post("/cart/quantity", data={"place": "0", "quantity": "0"}))[0]
        assert (removed["event"], removed["properties"]["quantity"]) == ("Product Removed", 2)
        page = await browser.post("/cart/quantity", data={"place": "0", "quantity": "9999"})
        assert facts_of(page)[-1]["properties"]["products"][0]["quantity"] == 24
        assert "£1,416.00" in page.text

    walk(rapport, story)


def test_an_order_that_lacks_something_says_what_and_keeps_what_was_typed(rapport: str) -> None:
    async def story(browser: httpx.AsyncClient) -> None:
        await browser.post("/cart/add", data={"product": CHIANTI.id})
        typed = {**ADA, "email": "ada", "postcode": "x1", "street": "", "given": "<Ada>"}
        page = await browser.post("/order", data=typed)
        assert page.status_code == 422
        text = unescape(page.text)
        assert "3 things need mending" in text
        for words in ("it needs an @ and a domain", "Enter the street and number.", "They look like BA1 1BP."):
            assert text.count(words) == 2, f"{words}: once above the form, once at its field"
        assert 'value="&lt;Ada&gt;"' in page.text
        assert facts_of(page) == []
        assert (await browser.get("/cart")).text.count(CHIANTI.name) >= 1

    walk(rapport, story)


def test_what_is_collected_costs_no_delivery_and_asks_no_address(rapport: str) -> None:
    async def story(browser: httpx.AsyncClient) -> None:
        stores, today = the_catalogue().stores, now_us() // DAY
        store = next(
            store for store in stores if store.country == "GB" and the_catalogue().stock(store, CHIANTI, day=today)
        )
        without = next((store for store in stores if not the_catalogue().stock(store, CHIANTI, day=today)), None)
        await browser.post("/cart/add", data={"product": CHIANTI.id})
        form = {"email": "ada@mail.example", "given": "Ada", "family": "Reid", "method": "pickup"}
        if without is not None:
            await browser.post("/store", data={"store": without.key, "back": "/checkout"})
            page = await browser.post("/order", data=form)
            assert page.status_code == 422
            assert f"Not everything is in {without.city} today" in page.text
        page = await browser.post("/store", data={"store": store.key, "back": "/checkout"})
        assert page.url.path == "/checkout"
        page = await browser.post("/order", data=form)
        assert page.status_code == 200
        order = facts_of(page)[-1]["properties"]
        assert (order["shipping"], order["shipping_method"], order["store"]) == (0, "pickup", store.key)
        assert "address" not in facts_of(page)[0]["traits"]

    walk(rapport, story)


def test_an_order_is_placed_once_and_seen_by_who_placed_it_alone(rapport: str) -> None:
    """A second press on the button, with the basket that the browser still had, is the same order."""

    async def story(browser: httpx.AsyncClient) -> None:
        await browser.post("/cart/add", data={"product": CHIANTI.id})
        basket = {name: browser.cookies[name] for name in ("shop_cart", "shop_cart_id")}
        first = await browser.post("/order", data=ADA)
        for name, value in basket.items():
            browser.cookies.set(name, value)
        second = await browser.post("/order", data=ADA)
        assert first.url == second.url
        number = first.url.path.rpartition("/")[2]
        assert "3 Mill Lane" in (await browser.get(f"/orders/{number}")).text
        assert number in (await browser.get("/account")).text
        browser.cookies.clear()
        for path in (f"/orders/{number}", f"/thanks/{number}"):
            assert (await browser.get(path)).status_code == 404

    walk(rapport, story)


def test_who_bought_a_thing_may_review_it_and_nobody_else(rapport: str) -> None:
    said = {"product": CHIANTI.id, "rating": "4", "text": "Good with ragù."}

    async def story(browser: httpx.AsyncClient) -> None:
        assert (await browser.post("/review", data=said)).status_code == 404
        await browser.post("/cart/add", data={"product": CHIANTI.id})
        await browser.post("/order", data=ADA)
        assert "Write a review" in (await browser.get(CHIANTI.url)).text
        fact = facts_of(await browser.post("/review", data=said))[0]
        assert fact["event"] == "Product Reviewed"
        assert (fact["properties"]["rating"], fact["properties"]["review_body"]) == (4, "Good with ragù.")
        assert "rv-" not in str(facts_of(await browser.post("/review", data={**said, "rating": "9"})))

    walk(rapport, story)


def test_the_way_back_leads_nowhere_else(rapport: str) -> None:
    async def story(browser: httpx.AsyncClient) -> None:
        for back in ("//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nx: y"):
            page = await browser.post("/store", data={"store": "bath", "back": back}, follow_redirects=False)
            assert page.headers["location"] == "/"

    walk(rapport, story)


@pytest.mark.parametrize("path", ["/delivery", "/returns", "/about", "/privacy", "/contact", "/stores", "/account"])
def test_every_page_to_read_says_something_of_this_shop(path: str) -> None:
    async def story(browser: httpx.AsyncClient) -> None:
        page = await browser.get(path)
        assert page.status_code == 200
        words = re.sub(r"<[^>]+>", " ", page.text.partition("<main")[2].partition("</main")[0]).split()
        assert len(words) > 25
        assert "lorem" not in page.text.lower()

    walk("http://127.0.0.1:1", story)


def test_what_never_changes_is_kept_for_ever_and_comes_packed(rapport: str) -> None:
    async def story(browser: httpx.AsyncClient) -> None:
        page = await browser.get("/")
        assert page.headers["content-encoding"] == "gzip"
        assert "unsafe-inline" not in page.headers["content-security-policy"]
        kept = re.findall(r'(?:src|href)="(/(?:static|pictures)/[^"]+)"', page.text)
        assert len(kept) > 10
        for url in kept:
            file = await browser.get(url)
            assert file.status_code == 200, url
            assert "immutable" in file.headers["cache-control"]
            assert file.headers["content-encoding"] == "gzip"
        plain = await browser.get(kept[0], headers={"accept-encoding": "identity"})
        assert plain.text == (await browser.get(kept[0])).text

    walk(rapport, story)


def test_the_shop_tells_rapport_all_it_sells_with_the_prices_of_each_market(rapport: str) -> None:
    """In a few messages, each with a picture that the shop has and the price of every market in its currency."""

    async def tell() -> bool:
        asking = Rapport(rapport, "secret")
        try:
            return await state_catalogue(asking)
        finally:
            await asking.aclose()

    assert asyncio.run(tell())
    told = {one["product_id"]: one for message in Decisions.asked for one in message["products"]}
    assert told.keys() == the_catalogue().by_id.keys()
    assert all(len(message["products"]) <= 200 for message in Decisions.asked)
    prices = {price["market"]: (price["price"], price["currency"]) for price in told[CHIANTI.id]["prices"]}
    assert prices["GB"] == prices[""] == (CHIANTI.price_minor["GBP"] / 100, "GBP")
    assert prices["DE"] == (CHIANTI.price_minor["EUR"] / 100, "EUR")
    assert kept_file(told[CHIANTI.id]["image_url"].removeprefix("https://shop.example")) is not None

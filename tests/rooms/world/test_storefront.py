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

from rapport.world.catalogue import the_catalogue
from rapport.world.storefront.app import Storefront

CHIANTI = the_catalogue().products[0]
CORKSCREW = the_catalogue().with_tag("corkscrew")[0]


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
        page = await browser.post("/order", data={"name": "Ada Reid", "email": "ada@mail.example"})
        told += facts_of(page)
        assert "Thank you" in page.text
        names = [fact.get("event", fact["type"]) for fact in told]
        assert names == [
            "page", "page", "page", "Product List Viewed", "page", "Product Viewed",
            "Product Added", "page", "Cart Viewed", "Product Added", "page", "Cart Viewed",
            "Product Removed", "page", "Cart Viewed", "page", "Checkout Started", "identify", "page", "Order Completed",
        ]  # fmt: skip
        assert told[-3]["traits"] == {"email": "ada@mail.example", "firstName": "Ada", "lastName": "Reid"}
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
        assert "looked at with &lt;Chianti&gt;" in page.text
        clicked = re.search(r'data-clicked="(.*?)"', page.text)
        assert clicked
        properties = json.loads(unescape(clicked[1]))
        assert (properties["decision_id"], properties["position"]) == ("dec_1", 1)

    walk(rapport, story)
    asked = Decisions.asked[-1]
    assert asked["placement"] == "product.also"
    assert asked["context"] == {"product_id": CHIANTI.id}
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
    "path", ["/nowhere", "/p/nothing", "/c/none", "/d/none", "/thanks/W-1", "/cart/else", "/static/../app.py", "/%00"]
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

"""Unmodified analytics-next in Chromium, on another origin than the server: what it sent is what is kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rapport.kernel.facts import Fact
from tests.running import Server
from tests.stories.kept import eventually, facts_of, golden_record, trait

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request

pytestmark = [pytest.mark.sdk, pytest.mark.browser]

SHOP_PAGE = (
    b"<!doctype html><html><head><title>Chianti</title></head><body><script src='/index.js'></script></body></html>"
)


class ShopSite(SimpleHTTPRequestHandler):
    """A shop's own website: one page with the SDK, everything else from the SDK's folder."""

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/shop":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(SHOP_PAGE)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(node_modules: Path) -> Iterator[str]:
    """The address of the shop's page."""
    folder = node_modules / "@segment" / "analytics-next" / "dist" / "umd"
    web = ThreadingHTTPServer(("127.0.0.1", 0), partial(ShopSite, directory=str(folder)))
    thread = threading.Thread(target=web.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{web.server_address[1]}/shop"
    web.shutdown()
    thread.join()
    web.server_close()


@pytest.fixture
def requests(page: Page, module_server: Server) -> list[Request]:
    """Every request the page makes to the server."""
    made: list[Request] = []
    page.on("request", lambda request: made.append(request) if request.url.startswith(module_server.url) else None)
    return made


def open_shop(page: Page, site: str, server: Server, *, query: str = "", options: dict[str, Any] | None = None) -> None:
    """Open the page and load the SDK as its documentation says, with our server as its CDN."""
    page.goto(site + query)
    page.evaluate(
        """async ([writeKey, cdnURL, options]) => {
            const [analytics] = await window.AnalyticsNext.AnalyticsBrowser.load({ writeKey, cdnURL }, options);
            window.analytics = analytics;
        }""",
        [server.write_key, server.url, options or {}],
    )


def kept(server: Server, number: int, person: str) -> list[Fact]:
    """The facts of a person once there are so many."""

    def read() -> list[Fact]:
        return [fact for fact in facts_of(server) if person in (fact.user_id, fact.anonymous_id)]

    return eventually(read, until=lambda found: len(found) >= number)


def test_a_visit_of_ada_s_arrives_call_by_call(
    page: Page, site: str, module_server: Server, requests: list[Request]
) -> None:
    """Anonymous first, then known: each call is its own post, each post has its preflight."""
    open_shop(page, site, module_server, query="?utm_source=news&utm_campaign=spring")
    anonymous_id = page.evaluate("analytics.user().anonymousId()")
    page.evaluate("analytics.page('Wines', 'Chianti')")
    page.evaluate(
        "analytics.track('Product Viewed', { product_id: 'p1', name: 'Chianti', price: 12, currency: 'GBP' })"
    )
    page.evaluate("analytics.identify('ada-web', { email: 'ada-web@example.com' })")
    page.evaluate("analytics.track('Order Completed', { order_id: 'o-web', revenue: 36, currency: 'GBP' })")
    page.evaluate("analytics.group('household-7', { name: 'Lovelace' })")
    facts = {fact.name: fact for fact in kept(module_server, 5, anonymous_id)}
    assert set(facts) == {"Page Viewed", "Product Viewed", "Identified", "Order Completed", "Group Joined"}
    viewed = facts["Page Viewed"]
    assert (viewed.title, viewed.properties["category"], viewed.properties["title"]) == ("Chianti", "Wines", "Chianti")
    assert viewed.context["campaign"] == {"source": "news", "name": "spring"}
    assert viewed.context["page"]["path"] == "/shop"
    assert "Chrom" in viewed.context["userAgent"]
    assert viewed.context["ip"] == "127.0.0.1"
    assert facts["Order Completed"].user_id == "ada-web"
    posts = {request.url.rpartition("/")[2] for request in requests if request.method == "POST"}
    assert posts <= {"p", "t", "i", "g", "m"}
    failed = [request.url for request in requests if request.failure]
    assert failed == []
    record = golden_record(module_server, "user_id:ada-web", until=lambda r: trait(r, "orders") == 1)
    assert (trait(record, "orders"), trait(record, "product_views")) == (1, 1)
    assert {"namespace": "anonymous_id", "value": anonymous_id} in record["identifiers"]


def test_batching_sends_everything(page: Page, site: str, module_server: Server, requests: list[Request]) -> None:
    batching = {"integrations": {"Segment.io": {"deliveryStrategy": {"strategy": "batching", "config": {"size": 10}}}}}
    open_shop(page, site, module_server, options=batching)
    anonymous_id = page.evaluate("analytics.user().anonymousId()")
    page.evaluate(
        "Promise.all([...Array(30).keys()].map((i) => analytics.track('Product Viewed', { product_id: `p${i}` })))"
    )
    facts = kept(module_server, 30, anonymous_id)
    assert {fact.properties["product_id"] for fact in facts} == {f"p{i}" for i in range(30)}
    assert any(request.url.endswith("/b") for request in requests)


def test_what_is_sent_while_the_page_closes_arrives(page: Page, site: str, module_server: Server) -> None:
    batching = {"integrations": {"Segment.io": {"deliveryStrategy": {"strategy": "batching", "config": {"size": 100}}}}}
    open_shop(page, site, module_server, options=batching)
    anonymous_id = page.evaluate("analytics.user().anonymousId()")
    page.evaluate("analytics.track('Cart Viewed', { cart_id: 'c1' })")
    page.goto("about:blank")
    assert [fact.name for fact in kept(module_server, 1, anonymous_id)] == ["Cart Viewed"]


def test_a_page_that_only_has_sendbeacon_is_heard(page: Page, site: str, module_server: Server) -> None:
    page.goto(site)
    sent = page.evaluate(
        """([url, key]) => navigator.sendBeacon(`${url}/beacon/v1/batch?writeKey=${key}`,
            JSON.stringify({ batch: [
                { type: 'track', event: 'Cart Viewed', anonymousId: 'beacon-1', messageId: 'b1' }] }))""",
        [module_server.url, module_server.write_key],
    )
    assert sent is True
    assert [fact.id for fact in kept(module_server, 1, "beacon-1")] == ["b1"]


def test_an_image_is_enough(page: Page, site: str, module_server: Server) -> None:
    page.goto(site)
    width = page.evaluate(
        """async ([url, writeKey]) => {
            const image = new Image();
            image.src = `${url}/pixel/v1/track?data=` + btoa(JSON.stringify(
                { writeKey, event: 'Email Opened', anonymousId: 'pixel-1' }));
            await image.decode();
            return image.width;
        }""",
        [module_server.url, module_server.write_key],
    )
    assert width == 1
    assert [fact.name for fact in kept(module_server, 1, "pixel-1")] == ["Email Opened"]

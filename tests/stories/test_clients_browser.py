"""Unmodified clients of others in Chromium, on another origin than the server: what they sent is what is kept.

Segment's analytics-next, RudderStack's analytics-js and Jitsu's @jitsu/js, as their packages carry them.
"""

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

SEGMENT = "/@segment/analytics-next/dist/umd/index.js"
RUDDERSTACK = "/@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js"
JITSU = "/@jitsu/js/dist/jitsu.es.js"

SHOP_PAGE = (
    b"<!doctype html><html><head><title>Chianti</title><link rel=icon href=data:></head>"
    b"<body><script src='" + SEGMENT.encode() + b"'></script></body></html>"
)


class ShopSite(SimpleHTTPRequestHandler):
    """A shop's own website: one page with Segment's SDK, everything else from the folder of all SDKs."""

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
    web = ThreadingHTTPServer(("127.0.0.1", 0), partial(ShopSite, directory=str(node_modules)))
    thread = threading.Thread(target=web.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{web.server_address[1]}/shop"
    web.shutdown()
    thread.join()
    web.server_close()


@pytest.fixture
def requests(page: Page, shop_server: Server) -> list[Request]:
    """Every request the page makes to the server."""
    made: list[Request] = []
    page.on("request", lambda request: made.append(request) if request.url.startswith(shop_server.url) else None)
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
    page: Page, site: str, shop_server: Server, requests: list[Request]
) -> None:
    """Anonymous first, then known: each call is its own post, each post has its preflight."""
    open_shop(page, site, shop_server, query="?utm_source=news&utm_campaign=spring")
    anonymous_id = page.evaluate("analytics.user().anonymousId()")
    page.evaluate("analytics.page('Wines', 'Chianti')")
    page.evaluate(
        "analytics.track('Product Viewed', { product_id: 'p1', name: 'Chianti', price: 12, currency: 'GBP' })"
    )
    page.evaluate("analytics.identify('ada-web', { email: 'ada-web@example.com' })")
    page.evaluate("analytics.track('Order Completed', { order_id: 'o-web', revenue: 36, currency: 'GBP' })")
    page.evaluate("analytics.group('household-7', { name: 'Lovelace' })")
    facts = {fact.name: fact for fact in kept(shop_server, 5, anonymous_id)}
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
    record = golden_record(shop_server, "user_id:ada-web", until=lambda r: trait(r, "orders") == 1)
    assert (trait(record, "orders"), trait(record, "product_views")) == (1, 1)
    assert {"namespace": "anonymous_id", "value": anonymous_id} in record["identifiers"]


def test_batching_sends_everything(page: Page, site: str, shop_server: Server, requests: list[Request]) -> None:
    batching = {"integrations": {"Segment.io": {"deliveryStrategy": {"strategy": "batching", "config": {"size": 10}}}}}
    open_shop(page, site, shop_server, options=batching)
    anonymous_id = page.evaluate("analytics.user().anonymousId()")
    page.evaluate(
        "Promise.all([...Array(30).keys()].map((i) => analytics.track('Product Viewed', { product_id: `p${i}` })))"
    )
    facts = kept(shop_server, 30, anonymous_id)
    assert {fact.properties["product_id"] for fact in facts} == {f"p{i}" for i in range(30)}
    assert any(request.url.endswith("/b") for request in requests)


def test_what_is_sent_while_the_page_closes_arrives(page: Page, site: str, shop_server: Server) -> None:
    batching = {"integrations": {"Segment.io": {"deliveryStrategy": {"strategy": "batching", "config": {"size": 100}}}}}
    open_shop(page, site, shop_server, options=batching)
    anonymous_id = page.evaluate("analytics.user().anonymousId()")
    page.evaluate("analytics.track('Cart Viewed', { cart_id: 'c1' })")
    page.goto("about:blank")
    assert [fact.name for fact in kept(shop_server, 1, anonymous_id)] == ["Cart Viewed"]


def test_a_page_that_only_has_sendbeacon_is_heard(page: Page, site: str, shop_server: Server) -> None:
    page.goto(site)
    sent = page.evaluate(
        """([url, key]) => navigator.sendBeacon(`${url}/beacon/v1/batch?writeKey=${key}`,
            JSON.stringify({ batch: [
                { type: 'track', event: 'Cart Viewed', anonymousId: 'beacon-1', messageId: 'b1' }] }))""",
        [shop_server.url, shop_server.write_key],
    )
    assert sent is True
    assert [fact.id for fact in kept(shop_server, 1, "beacon-1")] == ["b1"]


def test_an_image_is_enough(page: Page, site: str, shop_server: Server) -> None:
    page.goto(site)
    width = page.evaluate(
        """async ([url, writeKey]) => {
            const image = new Image();
            image.src = `${url}/pixel/v1/track?data=` + btoa(JSON.stringify(
                { writeKey, event: 'Email Opened', anonymousId: 'pixel-1' }));
            await image.decode();
            return image.width;
        }""",
        [shop_server.url, shop_server.write_key],
    )
    assert width == 1
    assert [fact.name for fact in kept(shop_server, 1, "pixel-1")] == ["Email Opened"]


def open_rudderstack(page: Page, site: str, server: Server, *, options: dict[str, Any] | None = None) -> str:
    """Open the page and load RudderStack's SDK with our server as data and control plane; answers the anonymous id."""
    page.goto(site)
    page.add_script_tag(url=RUDDERSTACK)
    page.evaluate(
        """([writeKey, url, options]) => new Promise((ready) => {
            window.analytics = new window.rudderanalytics.RudderAnalytics();
            analytics.load(writeKey, url, { configUrl: url, onLoaded: ready, ...options });
        })""",
        [server.write_key, server.url, options or {}],
    )
    anonymous_id: str = page.evaluate("analytics.getAnonymousId()")
    return anonymous_id


def test_rudderstack_s_calls_arrive_once_each(
    page: Page, site: str, shop_server: Server, requests: list[Request]
) -> None:
    anonymous_id = open_rudderstack(page, site, shop_server)
    page.evaluate("analytics.page('Wines', 'Chianti')")
    page.evaluate("analytics.identify('ada-rudder', { email: 'ada-rudder@example.com' })")
    page.evaluate("analytics.track('Order Completed', { order_id: 'o-rudder', revenue: 36, currency: 'GBP' })")
    page.evaluate("analytics.group('household-7', { name: 'Lovelace' })")
    page.evaluate("analytics.alias('ada-rudder', 'old-rudder')")
    facts = {fact.name: fact for fact in kept(shop_server, 5, anonymous_id)}
    assert set(facts) == {"Page Viewed", "Identified", "Order Completed", "Group Joined", "Aliased"}
    assert (facts["Page Viewed"].title, facts["Page Viewed"].properties["category"]) == ("Chianti", "Wines")
    assert facts["Identified"].traits["email"] == "ada-rudder@example.com"
    assert (facts["Order Completed"].user_id, facts["Aliased"].previous_id) == ("ada-rudder", "old-rudder")
    assert len(kept(shop_server, 5, anonymous_id)) == 5
    assert [request.url for request in requests if request.failure] == []
    assert any("/sourceConfig/" in request.url for request in requests)
    record = golden_record(shop_server, "email:ada-rudder@example.com", until=lambda r: trait(r, "orders") == 1)
    assert {"namespace": "anonymous_id", "value": anonymous_id} in record["identifiers"]


def test_rudderstack_s_batches_arrive_whole(
    page: Page, site: str, shop_server: Server, requests: list[Request]
) -> None:
    batching = {"queueOptions": {"batch": {"enabled": True, "maxItems": 10, "flushInterval": 500}}}
    anonymous_id = open_rudderstack(page, site, shop_server, options=batching)
    page.evaluate("for (let i = 0; i < 25; i++) analytics.track('Product Viewed', { product_id: `p${i}` })")
    facts = kept(shop_server, 25, anonymous_id)
    assert sorted(fact.properties["product_id"] for fact in facts) == sorted(f"p{i}" for i in range(25))
    assert any(request.url.endswith("/v1/batch") for request in requests)


@pytest.mark.parametrize(("policy", "address"), [("keep", "127.0.0.1"), ("stripLastOctet", "127.0.0.0")])
def test_jitsu_s_calls_arrive_once_each(
    page: Page, site: str, shop_server: Server, requests: list[Request], policy: str, address: str
) -> None:
    """Its key is a key and a secret; the first alone tells the source."""
    person = f"ada-jitsu-{policy.lower()}"
    page.goto(site)
    anonymous_id = page.evaluate(
        """async ([module, writeKey, host, person, ipPolicy]) => {
            const { jitsuAnalytics } = await import(module);
            const privacy = { ipPolicy };
            const analytics = jitsuAnalytics({ host, writeKey: `${writeKey}:secret`, debug: true, privacy });
            await analytics.page({ name: 'Chianti' });
            await analytics.identify(person, { email: `${person}@example.com` });
            await analytics.track('Order Completed', { order_id: `o-${person}`, revenue: 36, currency: 'GBP' });
            await analytics.group('household-7', { name: 'Lovelace' });
            return analytics.user().anonymousId;
        }""",
        [JITSU, shop_server.write_key, shop_server.url, person, policy],
    )
    found = kept(shop_server, 4, anonymous_id)
    facts = {fact.name: fact for fact in found}
    assert [fact.name for fact in found] == ["Page Viewed", "Identified", "Order Completed", "Group Joined"]
    assert (facts["Page Viewed"].title, facts["Page Viewed"].context["page"]["path"]) == ("Chianti", "/shop")
    assert (facts["Order Completed"].user_id, facts["Group Joined"].group_id) == (person, "household-7")
    assert facts["Identified"].context["ip"] == address
    assert [request.url for request in requests if request.failure] == []
    record = golden_record(shop_server, f"email:{person}@example.com", until=lambda r: trait(r, "orders") == 1)
    assert {"namespace": "anonymous_id", "value": anonymous_id} in record["identifiers"]

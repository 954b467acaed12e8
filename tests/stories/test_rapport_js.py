"""`rapport.js` in a shop's own pages: nothing leaves before it may, everybody can use its parts, clicks say which."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import rapport.web
from tests.running import Server, http, wait_until
from tests.stories.console import STILL, Complaints, tell, track
from tests.stories.site import site
from tests.stories.test_console_looks import axe, violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request, Response

__all__ = ["axe"]

pytestmark = pytest.mark.browser

MOST = 12 * 1024
"""Bytes of the script as it travels."""
SHOP = "http://shop.test"
ALLOWED = json.dumps({"Analytics": True, "Personalisation": True})
POLICY = (
    "default-src 'none'; script-src {rapport}; style-src 'self'; img-src 'self'; connect-src {rapport}; form-action *"
)
GOODS = {"chianti": 12, "barolo": 40, "corkscrew": 9}


@pytest.fixture(scope="module")
def shop(shop_server: Server) -> Server:
    """Three products that people look at together, two of them in Bath."""
    server = shop_server
    key = {"Authorization": f"Bearer {server.api_key}"}
    for product, price in GOODS.items():
        said = {
            "product_id": product, "name": product.title(), "brand": "Antinori", "url": f"{SHOP}/p/{product}",
            "currency": "EUR", "prices": [{"price": price, "currency": "EUR"}, {"price": price - 1, "currency": "GBP",
                                                                                 "market": "GB"}],
        }  # fmt: skip
        http.post(f"{server.url}/api/v1/products", headers=key, json={"products": [said]}).raise_for_status()
        for visitor in ("v1", "v2"):
            tell(server, track("Product Viewed", visitor=visitor, product_id=product, price=3, currency="USD"))
    place = {"location_id": "bath", "name": "Bath", "roles": ["pickup"]}
    http.post(f"{server.url}/api/v1/locations", headers=key, json={"locations": [place]}).raise_for_status()
    levels = [{"location_id": "bath", "product_id": one, "on_hand": n} for one, n in (("chianti", 2), ("barolo", 0))]
    http.post(f"{server.url}/api/v1/stock", headers=key, json={"levels": levels}).raise_for_status()
    # Seen before they were stated: until both places know what they cost.
    wait_until(lambda: [one.get("currency") for one in _shown(server, "home")] == ["GBP"] * 3)
    wait_until(lambda: {one.get("currency") for one in _shown(server, "product", product_id="chianti")} == {"GBP"})
    wait_until(lambda: _stock(server)["state"] == "in_stock")
    return server


def _shown(server: Server, placement: str, **context: str) -> list[dict[str, Any]]:
    asked = {"placement": placement, "context": {"currency": "GBP", "market": "GB", **context}}
    answer = http.post(f"{server.url}/components/decide/decisions", params={"key": server.write_key}, json=asked)
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def _asked(server: Server, product: str = "chianti", **more: str) -> httpx.Response:
    asked = {"key": server.write_key, "product": product, "location": "bath", **more}
    return http.get(f"{server.url}/components/supply/availability", params=asked)


def _stock(server: Server, product: str = "chianti") -> dict[str, Any]:
    answer = _asked(server, product)
    return dict(answer.json()) if answer.status_code == 200 else {"state": ""}


Told = list[dict[str, Any]]


@contextmanager
def opened(
    browser: Browser,
    server: Server,
    body: str,
    *,
    consent: str = ALLOWED,
    scripts: int = 1,
    away: bool = False,
    **options: Any,
) -> Iterator[tuple[Page, Told, Complaints]]:
    """A page of a shop on a host of its own, under a strict policy, with the batches its browser sends to Rapport."""
    source = f"{server.url}/static/rapport.js"
    tag = f"<script src='{source}' data-key='{server.write_key}' data-consent='{consent}'></script>"
    html = (
        f"<!doctype html><html lang=en><head><meta name=viewport content='width=device-width'><title>Shop</title>{tag}"
        f"</head><body><main><h1>Shop</h1>{body}</main>{tag * (scripts - 1)}</body></html>"
    )
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **STILL, **options})
    if away:
        context.route(f"{server.url}/components/**", lambda route: route.abort())
    page = context.new_page()
    told: Told = []
    complaints = Complaints()
    complaints.watch(page)

    def remember(request: Request) -> None:
        if "/v1/batch" in request.url and request.post_data:
            told.extend(json.loads(request.post_data)["batch"])

    page.on("request", remember)
    with site(html, POLICY.format(rapport=server.url)) as address:
        page.goto(address)
        yield page, told, complaints
    context.close()


def until(page: Page, done: Callable[[], bool]) -> None:
    """Let the page go on until something is so."""
    for _ in range(400):
        if done():
            return
        page.wait_for_timeout(25)
    raise AssertionError("it did not happen within ten seconds")


def events(told: Told) -> list[str]:
    return [fact.get("event") or fact["type"] for fact in told]


def test_the_script_is_small_and_kept_by_browsers(shop: Server) -> None:
    script = Path(rapport.web.__file__).parent / "static" / "rapport.js"
    assert len(gzip.compress(script.read_bytes(), 9)) <= MOST
    answer = http.get(f"{shop.url}/static/rapport.js")
    assert answer.headers["content-encoding"] == "gzip"
    assert "max-age" in answer.headers["cache-control"]


def test_nothing_is_sent_or_kept_before_the_visitor_allows_it(shop: Server, browser: Browser) -> None:
    """What happened meanwhile follows the yes; a no is told, is the last that is, and leaves nothing in the browser."""
    with opened(browser, shop, "", consent="") as (page, told, complaints):
        page.evaluate("rapport.track('Product Viewed', {product_id: 'chianti'})")
        page.wait_for_timeout(400)
        assert told == []
        assert page.evaluate("document.cookie + localStorage.length") == "0"
        page.evaluate("rapport.consent({Analytics: true})")
        until(page, lambda: len(told) == 2)
        assert events(told) == ["page", "Product Viewed"]
        consent = told[0]["context"]["consent"]
        assert (consent["categoryPreferences"], set(consent)) == (
            {"Analytics": True}, {"categoryPreferences", "answeredAt"}
        )  # fmt: skip
        visitor = told[0]["anonymousId"]
        assert visitor in page.evaluate("document.cookie")
        page.evaluate("rapport.consent({Analytics: false}); rapport.track('Product Viewed', {product_id: 'barolo'})")
        until(page, lambda: len(told) == 3)
        assert told[2]["type"] == "identify"
        assert told[2]["anonymousId"] == visitor
        assert told[2]["context"]["consent"]["categoryPreferences"] == {"Analytics": False}
        assert page.evaluate("document.cookie") == ""
        assert complaints == []


def test_however_much_has_waited_arrives_in_batches_that_a_browser_lets_go(shop: Server, browser: Browser) -> None:
    """A request that may outlive its page holds 64 KiB; names in Japanese take three bytes a letter."""
    number, name = 150, "ギフトカードと日本のウイスキー特別限定品セット" * 4
    with opened(browser, shop, "", consent="{}") as (page, _, complaints):
        taken: list[str] = []
        sizes: list[int] = []

        def count(response: Response) -> None:
            if "/v1/batch" in response.url and response.ok:
                sizes.append(len(response.request.post_data_buffer or b""))
                batch = json.loads(response.request.post_data or "{}")["batch"]
                taken.extend(fact["messageId"] for fact in batch if fact.get("event") == "Product Viewed")

        page.on("response", count)
        page.evaluate(
            "([n, name]) => { while (n--) rapport.track('Product Viewed', {product_id: `p${n}`, name}); }",
            [number, name],
        )
        page.evaluate("rapport.consent({Analytics: true}, {wording: 'v1', language: 'en', at: Date.now() - 1000})")
        until(page, lambda: len(set(taken)) == number)
        assert len(taken) == number, "each is sent once"
        assert max(sizes) <= 50_000
        assert complaints == []


def test_each_fact_says_when_the_answer_was_given_also_in_a_later_visit(shop: Server, browser: Browser) -> None:
    with opened(browser, shop, "", consent="") as (page, told, _):
        page.evaluate("rapport.consent({Analytics: true}, {wording: 'v1', language: 'en', at: 1767225600000})")
        until(page, lambda: "page" in events(told))
        page.reload()
        page.evaluate("rapport.consent({Analytics: true})")  # as a consent tool says again on every page
        until(page, lambda: len([fact for fact in told if fact["type"] == "page"]) >= 2)
        assert {fact["context"]["consent"].get("answeredAt") for fact in told} == {"2026-01-01T00:00:00.000Z"}
        page.evaluate("rapport.consent({Analytics: true, Personalisation: true})")
        page.evaluate("rapport.track('Product Viewed', {product_id: 'p'})")
        until(page, lambda: "Product Viewed" in events(told))
        last = told[-1]["context"]["consent"]
        assert last["answeredAt"] > "2026-01-01T00:00:00.000Z"


def test_twice_in_a_page_is_once(shop: Server, browser: Browser) -> None:
    part = "<rapport-recommendations placement=home></rapport-recommendations>"
    with opened(browser, shop, part, scripts=3) as (page, told, complaints):
        page.locator("rapport-recommendations .card .name").first.wait_for()
        page.evaluate("rapport.flush()")
        until(page, lambda: bool(told))
        assert events(told) == ["page"]
        assert complaints == []


def test_recommendations_say_why_and_a_click_names_decision_and_place(shop: Server, browser: Browser) -> None:
    """Each at the price of its market; two placements repeat nothing; a machine's click is none."""
    parts = "".join(
        f"<rapport-recommendations placement={name} heading='{name}' limit=1 product=chianti currency=GBP market=GB>"
        "</rapport-recommendations>"
        for name in ("home", "product")
    )
    with opened(browser, shop, parts) as (page, told, complaints):
        cards = page.locator("rapport-recommendations .card:not(.ghost)")
        until(page, lambda: cards.count() == 2)
        names = [cards.nth(n).locator(".name").inner_text() for n in range(2)]
        assert len(set(names)) == 2
        assert {cards.nth(n).locator(".price").inner_text() for n in range(2)} <= {"£39.00", "£8.00"}
        cards.nth(1).get_by_text("Why this?").click()
        assert cards.nth(1).locator(".reason").first.is_visible()
        link = cards.nth(1).locator("a")
        link.evaluate("link => { link.addEventListener('click', event => event.preventDefault()); link.click() }")
        link.click()
        until(page, lambda: "Product Clicked" in events(told))
        assert events(told).count("Product Clicked") == 1
        said = next(fact for fact in told if fact.get("event") == "Product Clicked")["properties"]
        assert said["decision_id"].startswith("dec_")
        assert (said["placement"], said["position"], said["name"]) == ("product", 1, names[1])
        assert complaints == []


@pytest.mark.parametrize("width", [390, 1280])
def test_the_parts_move_nothing_and_everybody_can_use_them(
    shop: Server, browser: Browser, axe: str, width: int
) -> None:
    parts = (
        "<rapport-search><form action=/search><label>Search <input type=search name=q></label></form></rapport-search>"
        "<rapport-product-availability product=chianti location=bath stores></rapport-product-availability>"
        "<rapport-recommendations placement=home heading='For you' limit=4></rapport-recommendations><p>Below</p>"
        "<rapport-product-availability product=barolo location=bath lang=de></rapport-product-availability>"
    )
    size = {"width": width, "height": 800}
    with opened(browser, shop, parts, viewport=size, bypass_csp=True) as (page, _, complaints):
        page.locator(".card:not(.ghost)").first.wait_for()
        page.locator(".state").nth(1).wait_for()
        assert "Only 2 left in Bath" in page.locator(".state").first.inner_text()
        assert "Ausverkauft in Bath" in page.locator(".state").nth(1).inner_text()
        moved = page.evaluate(
            """new Promise((resolve) => { setTimeout(() => resolve(0), 200);
                new PerformanceObserver((list) => resolve(list.getEntries().reduce((sum, one) => sum + one.value, 0)))
                    .observe({type: 'layout-shift', buffered: true}); })"""
        )
        assert moved < 0.01
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        page.get_by_label("Search").fill("chi")
        page.locator(".hit").first.wait_for()
        assert violations(page, axe) == []
        assert complaints == []


def test_search_is_used_by_keys_alone(shop: Server, browser: Browser) -> None:
    """Down goes to what is found, Escape back to the box; Enter in the box is the shop's own search."""
    body = "<rapport-search><form action=/search><input type=search name=q aria-label=Search></form></rapport-search>"
    with opened(browser, shop, body) as (page, _, complaints):
        page.keyboard.press("Tab")
        page.keyboard.type("chianti")
        page.locator(".hit").first.wait_for()
        page.keyboard.press("ArrowDown")
        inside = "document.querySelector('rapport-search').shadowRoot.activeElement?.textContent || ''"
        assert "Chianti" in page.evaluate(inside)
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.name") == "q"
        assert page.locator(".panel").is_hidden()
        page.keyboard.press("Enter")
        page.wait_for_url("**/search?q=chianti")
        assert complaints == []


def test_where_rapport_is_away_the_page_keeps_what_it_had(shop: Server, browser: Browser) -> None:
    body = "<rapport-recommendations placement=home eager><a href=/p/1>The shop's own</a></rapport-recommendations>"
    with opened(browser, shop, body, away=True) as (page, _, _):
        page.locator("rapport-recommendations:not([aria-busy])").wait_for()
        assert page.get_by_role("link", name="The shop's own").is_visible()


def test_a_stranger_learns_that_there_is_stock_and_not_how_much(shop: Server) -> None:
    key = {"Authorization": f"Bearer {shop.api_key}"}
    levels = [{"location_id": "bath", "product_id": "corkscrew", "on_hand": 800}]
    http.post(f"{shop.url}/api/v1/stock", headers=key, json={"levels": levels}).raise_for_status()
    wait_until(lambda: _stock(shop, "corkscrew")["state"] == "in_stock")
    found = _stock(shop, "corkscrew")
    assert (found["left"], found["location"], [one["name"] for one in found["places"]]) == (None, "Bath", ["Bath"])
    assert "800" not in json.dumps(found)
    assert _asked(shop, location="nowhere").json()["state"] == "unknown"
    assert _asked(shop, key="wk_nobodys").status_code == 401


ASKING = "<rapport-consent></rapport-consent><p><a href=/privacy data-rapport-consent>Privacy choices</a></p>"
SIZES = "[...document.querySelector('rapport-consent').shadowRoot.querySelectorAll('.answer')].map(one => [one.offsetWidth, one.offsetHeight, getComputedStyle(one).backgroundColor].join())"  # noqa: E501
MOVED = """new Promise((resolve) => { setTimeout(() => resolve(0), 200);
    new PerformanceObserver((list) => resolve(list.getEntries().reduce((sum, one) => sum + one.value, 0)))
        .observe({type: 'layout-shift', buffered: true}); })"""


@pytest.mark.parametrize("width", [390, 1280])
def test_the_banner_asks_before_anything_is_sent_and_remembers_what_was_said(
    shop: Server, browser: Browser, axe: str, width: int
) -> None:
    """No is as easy as yes, keys are enough, nothing moves, it can be opened again; the answer carries its wording."""
    size = {"width": width, "height": 800}
    with opened(browser, shop, ASKING, consent="", viewport=size, bypass_csp=True) as (page, told, complaints):
        banner = page.get_by_role("dialog", name="You decide what we may do")
        banner.wait_for()
        assert page.evaluate(MOVED) < 0.01
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert len(set(page.evaluate(SIZES))) == 1, "refusing is as prominent as accepting"
        assert violations(page, axe) == []
        assert told == []
        assert page.evaluate("document.cookie + localStorage.length") == "0"
        banner.get_by_role("button", name="Choose by purpose").press("Enter")
        assert [one.is_checked() for one in banner.get_by_role("checkbox").all()] == [False, True, False]
        banner.get_by_role("checkbox", name="May we measure").press("Space")
        assert violations(page, axe) == []
        banner.get_by_role("button", name="Save my choices").press("Enter")
        banner.wait_for(state="detached")
        until(page, lambda: bool(told))
        said = told[0]["context"]["consent"]
        assert said["categoryPreferences"] == {"analytics": True, "personalisation": True, "advertising": False}
        assert (said["wording"], said["language"]) == ("eu_uk-0", "en")
        page.reload()
        until(page, lambda: len(told) >= 2)
        assert not banner.is_visible(), "who has answered is not asked again"
        page.get_by_text("Privacy choices").press("Enter")
        banner.wait_for()
        assert [one.is_checked() for one in banner.get_by_role("checkbox").all()] == [True, True, False]
        page.keyboard.press("Escape")
        assert not banner.is_visible()
        assert page.evaluate("document.activeElement.textContent") == "Privacy choices"
        page.get_by_text("Privacy choices").click()
        banner.get_by_role("button", name="Refuse all").click()
        until(page, lambda: told[-1]["type"] == "identify")
        assert set(told[-1]["context"]["consent"]["categoryPreferences"].values()) == {False}
        assert page.evaluate("document.cookie") == ""
        assert complaints == []


def test_a_browser_that_sends_the_signal_is_believed_unless_its_visitor_ticks_the_box(
    shop: Server, browser: Browser
) -> None:
    asking = "<rapport-consent lang=de></rapport-consent>"
    with opened(browser, shop, "", consent="") as (page, told, _):
        page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
        page.reload()
        page.evaluate(f"document.querySelector('main').insertAdjacentHTML('beforeend', `{asking}`)")
        page.add_script_tag(url=f"{shop.url}/static/consent.js")
        page.get_by_role("button", name="Alle annehmen").click()
        until(page, lambda: bool(told))
        context = told[0]["context"]
        assert context["globalPrivacyControl"] is True
        assert context["consent"]["categoryPreferences"] == {
            "analytics": True, "personalisation": True, "advertising": False,
        }  # fmt: skip


def test_what_visitors_are_asked_is_the_policys_of_their_country_in_its_languages(shop: Server) -> None:
    def asked(**more: str) -> dict[str, Any]:
        path = f"{shop.url}/components/consent/choices"
        found: dict[str, Any] = http.get(path, params={"key": shop.write_key, **more}).json()
        return found

    european, californian = asked(country="DE", lang="de-AT"), asked(country="US", lang="fr")
    assert (european["language"], californian["language"]) == ("de", "en")
    assert {one["name"]: one["before_answer"] for one in european["purposes"]}["analytics"] is False
    assert {one["name"] for one in european["purposes"]}.isdisjoint({"service"})
    assert californian["wording"] != european["wording"]
    refused = http.get(f"{shop.url}/components/consent/choices", params={"key": "wk_nobodys"})
    assert refused.status_code == 401

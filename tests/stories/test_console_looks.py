"""The console in the hand: keyboard, phone, light and dark, and nothing sticks out anywhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.running import Server
from tests.stories.console import add_owner, identify, settle, signed_in, tell, track
from tests.stories.kept import golden_record

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

LONG = "Adolphine Blaine Charlotte Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh the Younger of Ravensbourne"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PATHS = ("", "/customers", "/identity", "/identity/policy", "/identity/review", "/identity/model", "/feed", "/sources",
         "/imports", "/quarantine", "/failed-facts", "/sales", "/carts", "/decisions", "/placements", "/webhooks",
         "/system", "/settings", "/promises", "/team", "/keys", "/account", "/components",
         "/customers?who=everybody&campaign=x&q=long", "/insights", "/insights/retention", "/insights/products",
         "/insights/channels", "/insights/campaigns", "/insights/journeys",
         "/insights/journeys/who?of=Order", "/insights/patterns")  # fmt: skip


AXE_AT = {1440: "light", 390: "dark"}


@pytest.fixture(scope="module")
def axe(node_modules: Path) -> str:
    """The script of axe-core, which finds what keeps people with other eyes, ears and hands from using a page."""
    return (node_modules / "axe-core" / "axe.min.js").read_text()


def violations(page: Page, axe: str) -> list[str]:
    """What axe finds on the page: rule, what is wrong, where."""
    page.evaluate(axe)
    ask = "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations)"
    found: list[dict[str, Any]] = page.evaluate(ask)
    return [
        f"{one['id']}: {node['target'][0]}: {node['failureSummary'].splitlines()[-1].strip()}"
        for one in found
        for node in one["nodes"][:3]
    ]


@pytest.fixture(scope="module")
def shop(shop_server: Server) -> Server:
    """A server with an owner and somebody whose every field is long."""
    add_owner(shop_server)
    tell(
        shop_server,
        identify("long" * 40, name=LONG, email="a.very.long.local.part.that.goes.on@" + "sub." * 20 + "example.com"),
        track("A Rather Long Event Name That Somebody Thought Of", user="long" * 40, note="x" * 4000),
        track("Order Completed", user="long" * 40, order_id="O" * 60, revenue=123456789.5, currency="EUR"),
        {"type": "track", "userId": "x"},
    )
    golden_record(shop_server, f"user_id:{'long' * 40}", until=lambda r: "orders" in r.get("traits", {}))
    return shop_server


@pytest.mark.parametrize("width", [390, 1440])
def test_every_page_fits_the_screen_and_can_be_used_by_everybody(
    shop: Server, browser: Browser, width: int, axe: str
) -> None:
    """On a phone and on a desk, light and dark, with long names; axe finds nothing (light on the desk, dark on the
    phone). Leaves screenshots where RAPPORT_SCREENSHOTS says.
    """
    folder = os.environ.get("RAPPORT_SCREENSHOTS")
    with signed_in(browser, shop, viewport={"width": width, "height": 850}) as (page, _):
        page.goto(f"{shop.url}/console/customers")
        customer = page.locator("table a[data-row]").first.get_attribute("href") or ""
        record = customer.removeprefix("/console")
        wrong: list[str] = []
        for path in (*PATHS, *(f"{record}?tab={tab}" for tab in ("overview", "traits", "identity", "json"))):
            page.goto(f"{shop.url}/console{path}")
            name = path.replace(record, "/customer").strip("/").replace("/", "-").replace("?tab=", "-") or "home"
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                settle(page)
                beyond = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                assert beyond <= 0, f"{path} is {beyond} pixels too wide at {width}, {scheme}"
                if scheme == AXE_AT[width]:
                    wrong += [f"{name}: {one}" for one in violations(page, axe)]
                if folder:
                    page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png", full_page=True)
        assert not wrong, "\n".join(wrong)


def test_everything_can_be_reached_by_keys(shop: Server, browser: Browser) -> None:
    """`/` searches, `g` and a letter go somewhere, Tab starts with the way past the menu, `?` tells the rest."""
    with signed_in(browser, shop) as (page, _):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to content"
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        for key, path in (("c", "customers"), ("f", "feed"), ("s", "sources"), ("d", "decisions")):
            page.keyboard.press("g")
            page.keyboard.press(key)
            page.wait_for_url(f"**/console/{path}")
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.id") == "search"
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        assert page.get_by_role("dialog", name="Keyboard shortcuts").is_visible()


def test_the_palette_leads_to_pages_and_customers_by_keys_alone(shop: Server, browser: Browser, axe: str) -> None:
    """Ctrl K, a few letters, arrows, Enter; Escape gives the page back."""
    with signed_in(browser, shop) as (page, _):
        page.keyboard.press("Control+k")
        found = page.locator("#palette-found a[role=option]")
        found.first.wait_for()
        assert violations(page, axe) == []
        page.keyboard.type("web")
        page.keyboard.press("Enter")  # sooner than the answer: it is waited for
        page.wait_for_url("**/console/webhooks")
        page.keyboard.press("Control+k")
        page.keyboard.type("Adolphine")
        person = found.filter(has_text="Adolphine")
        person.wait_for()
        if folder := os.environ.get("RAPPORT_SCREENSHOTS"):
            page.screenshot(path=Path(folder) / "palette.png")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Escape")
        assert not page.get_by_role("dialog", name="Go anywhere").is_visible()
        page.keyboard.press("Control+k")
        page.keyboard.type("Adolphine")
        person.wait_for()
        page.keyboard.press("Enter")
        page.get_by_role("heading", name=LONG).wait_for()


def test_the_focus_can_be_seen_on_whatever_has_it(shop: Server, browser: Browser) -> None:
    """Two pixels of outline, or the field's own, on the first forty stops of a page full of controls."""
    seen = "(e => { const s = getComputedStyle(e); return [s.outlineStyle, parseFloat(s.outlineWidth)] })"
    with signed_in(browser, shop) as (page, _):
        page.goto(f"{shop.url}/console/customers")
        for _stop in range(40):
            page.keyboard.press("Tab")
            style, width = page.evaluate(f"{seen}(document.activeElement)")
            where = page.evaluate("document.activeElement.outerHTML.slice(0, 80)")
            assert where.startswith("<body") or (style, width) == ("solid", 2), where


def test_a_page_says_within_seconds_that_the_server_is_gone_and_takes_it_back(shop: Server, browser: Browser) -> None:
    with signed_in(browser, shop) as (page, complaints):
        page.route("**/healthz", lambda route: route.abort())
        banner = page.get_by_text("The server does not answer")
        banner.wait_for(timeout=15_000)
        page.unroute("**/healthz")
        banner.wait_for(state="hidden", timeout=15_000)
        complaints.clear()


def test_the_theme_stays_as_chosen(shop: Server, browser: Browser) -> None:
    """The toggle wins over the system's wish, on every page, without a flash: the server writes it."""
    with signed_in(browser, shop, color_scheme="light") as (page, _):
        ground = "getComputedStyle(document.body).backgroundColor"
        light = page.evaluate(ground)
        page.get_by_role("button", name="Light or dark").click()
        assert page.evaluate(ground) != light
        page.goto(f"{shop.url}/console/customers")
        assert page.locator("html").get_attribute("data-theme") == "dark"
        assert page.evaluate(ground) != light


def test_the_menu_opens_on_a_phone(shop: Server, browser: Browser) -> None:
    """A tap opens it, a tap beside it closes it."""
    with signed_in(browser, shop, viewport={"width": 390, "height": 844}, has_touch=True) as (page, _):
        link = page.get_by_role("navigation", name="Main").get_by_role("link", name="Customers")
        assert not link.is_visible()
        page.get_by_role("button", name="Menu").tap()
        link.wait_for()
        page.touchscreen.tap(370, 500)
        link.wait_for(state="hidden")
        page.get_by_role("button", name="Menu").tap()
        link.tap()
        page.get_by_role("heading", name="Customers").wait_for()


def test_times_are_told_in_the_viewers_zone(shop: Server, browser: Browser) -> None:
    """Also in what the server writes, once it knows the zone."""
    with signed_in(browser, shop, timezone_id="Pacific/Auckland", locale="en-NZ") as (page, _):
        page.goto(f"{shop.url}/console/feed")
        moment = page.locator("#feed-rows time").first
        shown = page.evaluate("t => new Date(t).toLocaleTimeString('en-NZ')", moment.get_attribute("datetime"))
        assert moment.inner_text() == shown
        assert "Pacific/Auckland" in str(page.context.cookies())

"""What an agent and a marketer ask of the customers' pages, at a desk, on a tablet and on a phone."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from rapport.kernel.clock import DAY, MINUTE, now_us, to_iso
from tests.running import Server
from tests.stories.console import add_owner, add_person, identify, settle, signed_in, tell, track
from tests.stories.kept import golden_record

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser

ORDERS = 21
WIDTHS = (390, 768, 1024, 1440)
BROWSERS = [f"{n:08x}-0000-4000-8000-00000000000{n % 10}" for n in range(18)]


def ago(message: dict[str, Any], days: float, minutes: float = 0) -> dict[str, Any]:
    return message | {"timestamp": to_iso(now_us() - int(days * DAY - minutes * MINUTE))}


def traits(record: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = record.get("traits", {}).get(name, {})
    return found


@pytest.fixture(scope="module")
def shop(shop_server: Server) -> Server:
    """Mía, who bought 21 times and has 18 browsers; Noa, whose name reads from the right; Lena, who lapsed."""
    add_owner(shop_server)
    add_person(shop_server, email="agent@example.com", role="agent")
    mia: dict[str, Any] = {"user": "mia"}
    tell(
        shop_server,
        ago(identify("mia", visitor=BROWSERS[0], name="Mía García López", email="mia@example.com",
                     phone="+49 151 23456789", address={"country": "DE", "postalCode": "10115", "city": "Berlin"}), 90),
        *[ago(identify("mia", visitor=browser), 80) for browser in BROWSERS[1:]],
        *[ago(track("Order Completed", **mia, order_id=f"M-{n}", revenue=10 + n, currency="EUR"), 40 + n)
          for n in range(ORDERS)],
        *[ago(track("Page Viewed", **mia) | {"type": "page", "name": "Shop"}, 2, n) for n in range(14)],
        ago(track("Product Added", **mia, product_id="p", name="Wine", price=15, currency="GBP"), 2, 14),
        ago(track("Call Started", **mia, reason="where is my parcel"), 1),
        ago(track("Email Delivered", **mia, campaign="spring"), 0.5),
        ago(identify("noa", name="נועה כהן", address={"country": "IL"}), 3),
        ago(identify("lapsed", name="Lena Lapsed", address={"country": "FR"}), 400),
        ago(track("Order Completed", user="lapsed", order_id="L-1", revenue=500, currency="EUR"), 400),
        track("Page Viewed", visitor="passer-by"),
    )  # fmt: skip
    until = {"value": ORDERS}
    golden_record(shop_server, "user_id:mia", until=lambda r: until.items() <= traits(r, "orders").items())
    golden_record(shop_server, "user_id:lapsed", until=lambda r: bool(traits(r, "orders")))
    return shop_server


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("RAPPORT_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def filters(page: Page) -> Locator:
    return page.get_by_role("search", name="Filter customers")


def names(page: Page) -> list[str]:
    return [text.strip() for text in page.locator("table a[data-row]").all_inner_texts()]


def test_an_agent_finds_the_caller_by_what_the_caller_says(shop: Server, browser: Browser) -> None:
    """An order number, the last digits of the phone as it is dialled, half a name without accents, a postcode."""
    with signed_in(browser, shop, email="agent@example.com", viewport={"width": 390, "height": 850}) as (page, _):
        page.goto(f"{shop.url}/console/customers")
        search = filters(page).get_by_label("Search", exact=True)
        for said in ("M-7", "6789", "0151 23456789", "garcia mi", "10115", "user_id:mia"):
            search.fill(said)
            search.press("Enter")
            page.wait_for_url(re.compile(r"[?&]q="))
            expect(page.locator("table a[data-row]")).to_have_text(["Mía García López"])
            page.goto(f"{shop.url}/console/customers")


def test_the_palette_leads_from_an_order_to_its_customer(shop: Server, browser: Browser) -> None:
    with signed_in(browser, shop) as (page, _):
        page.keyboard.press("Control+k")
        page.keyboard.type("M-20")
        page.locator("#palette-found a").filter(has_text="Order M-20").click()
        page.get_by_role("heading", name="Mía García López").wait_for()


def test_a_marketer_keeps_the_lapsed_ones_as_a_view_and_takes_some_as_a_file(
    shop: Server, browser: Browser, tmp_path: Path
) -> None:
    with signed_in(browser, shop) as (page, _):
        page.goto(f"{shop.url}/console/customers")
        expect(page.get_by_role("navigation", name="Who")).to_contain_text("Customers 3")
        expect(page.get_by_role("navigation", name="Who")).to_contain_text("Visitors 1")
        filters(page).get_by_label("Last order").select_option("over-180")
        expect(page.get_by_role("status")).to_have_text(re.compile(r"1\s+matches"))
        assert names(page) == ["Lena Lapsed"]
        page.get_by_text("Views", exact=True).click()
        page.get_by_label("Name of the view").fill("Lapsed, to win back")
        page.get_by_role("button", name="Save as new").click()
        page.wait_for_url("**view=view_**")
        page.goto(f"{shop.url}/console/customers?sort=revenue")
        assert names(page) == ["Lena Lapsed", "Mía García López", "נועה כהן"]
        page.get_by_role("link", name="Revenue").click()
        page.wait_for_url("**dir=up**")
        assert names(page)[:2] == ["Mía García López", "Lena Lapsed"]
        page.get_by_text("Views", exact=True).click()
        page.get_by_role("link", name="Lapsed, to win back").click()
        expect(page.locator("table a[data-row]")).to_have_text(["Lena Lapsed"])
        page.get_by_label("Choose Lena Lapsed").check()
        expect(page.get_by_text("1 chosen")).to_be_visible()
        page.locator("#bulk").get_by_label("What is the file for?").select_option("service")
        with page.expect_download() as download:
            page.get_by_role("button", name="Save these as CSV").click()
        download.value.save_as(tmp_path / "some.csv")
        rows = list(csv.DictReader((tmp_path / "some.csv").read_text("utf-8-sig").splitlines()))
        assert [(row["Name"], row["Revenue before refunds"]) for row in rows] == [("Lena Lapsed", "500.00")]


def test_a_sum_lists_all_facts_behind_it(shop: Server, browser: Browser) -> None:
    """All 21 orders, in the drawer and as a page."""
    with signed_in(browser, shop) as (page, _):
        page.goto(f"{shop.url}/console/customers/user_id:mia")
        page.locator(".stats").get_by_role("link", name="why?").nth(1).click()
        drawer = page.get_by_role("dialog", name="Details")
        drawer.get_by_text(f"{ORDERS} facts behind it").wait_for()
        assert drawer.locator(".behind li").count() == ORDERS
        drawer.get_by_role("link", name="Open page").click()
        page.wait_for_url("**/why/revenue")
        assert page.locator(".behind li").count() == ORDERS


def test_the_timeline_tells_visits_in_a_line_and_keeps_to_what_is_looked_for(shop: Server, browser: Browser) -> None:
    with signed_in(browser, shop) as (page, _):
        page.goto(f"{shop.url}/console/customers/user_id:mia")
        timeline = page.locator("#timeline")
        visit = timeline.get_by_text("14 pages, basket £15.00")
        visit.click()
        assert timeline.get_by_text("Wine", exact=False).first.is_visible()
        for chip, shown, hidden in (("Service", "Call Started", "Email Delivered"),
                                    ("Messages", "Email Delivered", "Order Completed"),
                                    ("Orders", "Order Completed", "Call Started")):  # fmt: skip
            timeline.get_by_role("link", name=chip, exact=True).click()
            page.wait_for_url(f"**topic={chip.lower()}**")
            assert timeline.locator("li a").filter(has_text=shown).first.is_visible()
            assert timeline.locator("li a").filter(has_text=hidden).count() == 0


def test_nothing_is_hidden_or_cut_at_any_width(shop: Server, browser: Browser) -> None:
    """Every column has its place at 390, 768 and 1,024 pixels; a picture of twenty identifiers fits at 1,440."""
    beyond = """() => [...document.querySelectorAll('main td, main th, main .stats dd, .graph svg')]
        .filter(e => e.checkVisibility()).map(e => [e.className.baseVal ?? e.className, e.getBoundingClientRect()])
        .filter(([, r]) => r.width && (r.right > innerWidth + 1 || r.left < -1)).map(([c]) => c)"""
    with signed_in(browser, shop) as (page, _):
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 850})
            for name, path in (("list", "?sort=orders"), ("person", "/user_id:mia"), ("why", "/user_id:mia/why/orders"),
                               ("identity", "/user_id:mia?tab=identity")):  # fmt: skip
                page.goto(f"{shop.url}/console/customers{path}")
                settle(page)
                wide = name == "identity" and width < 860  # the picture scrolls there
                assert page.evaluate(beyond) == [] or wide, f"{name} at {width}"
                if name == "list":
                    mia = page.get_by_role("row").filter(has_text="García")
                    for told in ("21", "€420.00", "DE", "Berlin", "last month"):
                        assert mia.get_by_text(told).first.is_visible(), f"{told} at {width}"
                shot(page, f"customers-{name}-{width}")
        assert BROWSERS[3] not in page.locator(".graph").inner_text()


def test_orders_and_identifiers_come_before_the_timeline_on_a_phone(shop: Server, browser: Browser) -> None:
    with signed_in(browser, shop, viewport={"width": 390, "height": 850}) as (page, _):
        page.goto(f"{shop.url}/console/customers/user_id:mia")
        tops = [page.get_by_role("heading", name=name, exact=True).bounding_box() for name in
                ("Orders", "Identifiers", "Timeline")]  # fmt: skip
        heights = [top["y"] for top in tops if top]
        assert len(heights) == 3
        assert heights == sorted(heights)


def test_a_record_can_be_read_without_javascript_printed_and_from_the_right(shop: Server, browser: Browser) -> None:
    with signed_in(browser, shop, java_script_enabled=False) as (page, _):
        page.goto(f"{shop.url}/console/customers")
        filters(page).get_by_label("Country").select_option("DE")
        page.get_by_role("button", name="Show").click()
        page.wait_for_url("**country=DE**")
        assert names(page) == ["Mía García López"]
        page.goto(f"{shop.url}/console/customers/user_id:mia")
        page.locator("#timeline summary").first.click()
        assert page.locator("#timeline").get_by_role("link", name="Page Viewed").first.is_visible()
        page.emulate_media(media="print")
        assert not page.get_by_role("navigation", name="Main").is_visible()
        assert not page.get_by_label("Event").is_visible()
        assert page.get_by_text("All amounts are without tax and delivery").is_visible()
    with signed_in(browser, shop) as (page, _):
        page.goto(f"{shop.url}/console/customers/user_id:noa")
        name = page.get_by_role("heading", name="נועה כהן")
        assert name.evaluate("e => getComputedStyle(e).direction") == "rtl"

"""Looking back: all of a long story can be paged through, with and without JavaScript, and old facts are found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from rapport.kernel.clock import from_iso, to_iso
from tests.running import Server
from tests.stories.console import add_owner, signed_in, tell, track
from tests.stories.kept import facts_of, golden_record

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

DAY = 86_400_000_000
FIRST = from_iso("2026-03-01T12:00:00Z")
VISITS, PAGE = 150, 40


@pytest.fixture(scope="module")
def shop(shop_server: Server) -> Server:
    """Ada came on 150 days, half of them unknown, and bought on the first and the hundredth."""
    add_owner(shop_server)
    messages: list[dict[str, Any]] = [{"type": "identify", "userId": "ada", "anonymousId": "w-1",
                                       "traits": {"name": "Ada Lovelace"}, "timestamp": to_iso(FIRST)}]  # fmt: skip
    for n in range(VISITS):
        who: dict[str, Any] = {"user": "ada"} if n % 2 else {"visitor": "w-1"}
        messages.append(track("Product Viewed", name=f"Wine {n}", **who) | {"timestamp": to_iso(FIRST + n * DAY + 1)})
    for n in (0, 99):
        order = track("Order Completed", user="ada", order_id=f"A-{n}", revenue=10 + n, currency="EUR")
        messages.append(order | {"timestamp": to_iso(FIRST + n * DAY + 2)})
    tell(shop_server, *messages)
    tell(shop_server, *[track("Page Viewed", visitor=f"other-{n}") for n in range(70)])
    viewed = {"value": VISITS}
    golden_record(
        shop_server,
        "user_id:ada",
        until=lambda r: viewed.items() <= r.get("traits", {}).get("product_views", {}).items(),
    )
    return shop_server


def open_ada(page: Page, shop: Server, asked: str = "") -> None:
    page.goto(f"{shop.url}/console/customers/user_id:ada{asked}")
    page.get_by_role("heading", name="Ada Lovelace").wait_for()


def wines(page: Page) -> list[int]:
    return [int(found) for found in re.findall(r"Wine (\d+)", page.locator("#timeline").inner_text())]


@pytest.mark.parametrize("options", [{}, {"java_script_enabled": False}], ids=["script", "no script"])
def test_the_whole_timeline_can_be_paged_through(shop: Server, browser: Browser, options: dict[str, Any]) -> None:
    """Older leads to the very first visit, each address can be kept, Newest leads back."""
    with signed_in(browser, shop, **options) as (page, _):
        open_ada(page, shop, "?every=yes")
        seen, addresses = wines(page), [page.url]
        while page.get_by_role("link", name="Older").count():
            page.get_by_role("link", name="Older").click()
            page.wait_for_url(lambda url: url not in addresses)
            seen += wines(page)
            addresses.append(page.url)
        assert seen == list(range(VISITS))[::-1]
        assert len(addresses) == -(-(VISITS + 3) // PAGE)
        page.goto(addresses[-1])
        assert wines(page)[-1] == 0
        page.get_by_role("link", name="Newest").first.click()
        page.wait_for_url(lambda url: "before" not in url)
        assert wines(page)[0] == VISITS - 1


def test_an_event_stays_chosen_and_a_day_is_one_step_away(shop: Server, browser: Browser) -> None:
    """Both orders are found among all visits; a day shows what happened up to its end."""
    with signed_in(browser, shop) as (page, _):
        open_ada(page, shop)
        page.get_by_label("Event").fill("product")
        page.keyboard.press("Enter")
        page.wait_for_url("**event=product**")
        page.get_by_role("link", name="Older").click()
        page.wait_for_url("**before=**")
        assert page.get_by_label("Event").input_value() == "product"
        page.get_by_label("Event").fill("order comp")
        page.keyboard.press("Enter")
        expect(page.locator("#timeline li")).to_have_count(2)
        page.get_by_role("link", name="Clear").click()
        expect(page.locator("#timeline li")).to_have_count(40)
        page.get_by_label("Up to the day").fill("2026-03-11")
        page.wait_for_url("**until=2026-03-11**")
        assert wines(page) == list(range(10, 0, -1))  # on the first day she came and signed in: one visit
        page.get_by_label("Event").fill("refund")
        page.keyboard.press("Enter")
        page.get_by_text("Nothing here").wait_for()


def test_the_feed_finds_an_old_event_behind_newer_ones_and_stays_live(shop: Server, browser: Browser) -> None:
    """The orders lie behind seventy newer facts; a new one joins them by itself; older pages are not live."""
    with signed_in(browser, shop) as (page, _):
        page.goto(f"{shop.url}/console/feed?event=order")
        rows = page.locator("#feed-rows tr")
        assert rows.count() == 2
        tell(shop, track("Order Refunded", user="ada", order_id="A-0"), track("Page Viewed", visitor="other-1"))
        expect(page.locator("#feed-rows tr")).to_have_count(3)
        page.goto(f"{shop.url}/console/feed")
        newest = rows.first.get_attribute("data-seq")
        page.get_by_role("link", name="Older").click()
        page.wait_for_url("**before=**")
        assert page.locator("#feed-poll").count() == 0
        assert int(rows.first.get_attribute("data-seq") or 0) == int(newest or 0) - 60
        while page.get_by_role("link", name="Older").count():
            here = page.url
            page.get_by_role("link", name="Older").click()
            expect(page).not_to_have_url(here)
        assert rows.last.get_attribute("data-seq") == str(facts_of(shop)[0].seq)
        page.get_by_role("link", name="Back to live").first.click()
        page.locator("#feed-poll").wait_for(state="attached")

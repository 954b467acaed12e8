"""The first hour with the console: first account, empty pages, a colleague joins, first facts land."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.running import Server
from tests.stories.console import PASSWORD, Complaints, add_owner, identify, setup_link, signed_in, tell, track

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

PAGES = {
    "/console": "Nothing has landed yet",
    "/console/customers": "No customers yet",
    "/console/feed": "Waiting for the first fact",
    "/console/sources": "never heard of",
    "/console/quarantine": "All clear",
    "/console/failed-facts": "All clear",
    "/console/decisions": "No decisions yet",
    "/console/placements": "You may also like",
    "/console/webhooks": "No webhooks yet",
    "/console/system": "Bucket leases",
    "/console/team": "What each role may do",
    "/console/keys": "operator",
    "/console/account": "Where you are signed in",
}


def make_first_account(server: Server, page: Page) -> None:
    page.goto(setup_link(server))
    page.get_by_label("E-mail").fill("Ada@Example.com")
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    page.wait_for_url(f"{server.url}/console")


def test_the_first_person_makes_an_account_sees_helpful_empty_pages_and_invites_bo(
    server: Server, page: Page, browser: Browser
) -> None:
    """The server prints a link; whoever opens it owns the shop. Every page says what to do while there is nothing."""
    complaints = Complaints()
    complaints.watch(page)
    make_first_account(server, page)
    for path, words in PAGES.items():
        answer = page.goto(f"{server.url}{path}")
        assert answer
        assert answer.status == 200, path
        assert words in page.content(), path
    assert complaints == []
    page.goto(f"{server.url}/console/team")
    page.get_by_role("button", name="Invite").click()
    page.get_by_label("E-mail").fill("bo@example.com")
    page.get_by_role("dialog").get_by_label("Role").select_option("viewer")
    page.get_by_role("button", name="Make the link").click()
    link = page.locator("#invitation-link").inner_text()

    bo = browser.new_context().new_page()
    bo.goto(link)
    assert "bo@example.com" in bo.content()
    bo.get_by_label("Password").fill(PASSWORD)
    bo.get_by_role("button", name="Join").click()
    bo.wait_for_url(f"{server.url}/console")
    menu = bo.get_by_role("navigation", name="Main")
    assert menu.get_by_role("link", name="Decisions").is_visible()
    assert menu.get_by_role("link", name="Customers").count() == 0
    refused = bo.goto(f"{server.url}/console/customers")
    assert refused
    assert refused.status == 403
    assert bo.get_by_role("heading", name="Not allowed").is_visible()
    bo.context.close()


@pytest.fixture(scope="module")
def shop(shop_server: Server) -> Server:
    """A server with an owner, whichever of these tests a process runs."""
    add_owner(shop_server)
    return shop_server


def test_facts_land_while_one_watches_and_can_be_paused_and_opened(shop: Server, browser: Browser) -> None:
    """The feed shows a fact within moments, without a reload; a click shows its JSON and leads to the customer."""
    with signed_in(browser, shop) as (page, _):
        page.goto(f"{shop.url}/console/feed")
        page.get_by_text("Waiting for the first fact").wait_for()
        tell(
            shop,
            identify("ada", name="Ada Lovelace", email="ada@example.com"),
            track("Product Viewed", user="ada", product_id="p1", name="Chianti Classico", price=12.5, currency="EUR"),
        )
        page.get_by_role("cell", name="Chianti Classico").wait_for(timeout=20_000)
        assert not page.get_by_text("Waiting for the first fact").is_visible()
        page.get_by_role("button", name="Pause").click()
        tell(shop, track("Product Viewed", user="ada", product_id="p2", name="Barolo"))
        page.wait_for_timeout(2500)
        assert page.get_by_text("Barolo").count() == 0
        page.get_by_role("button", name="Resume").click()
        page.get_by_text("Barolo").wait_for(timeout=20_000)
        page.get_by_role("link", name="Identified").click()
        drawer = page.get_by_role("dialog", name="Details")
        drawer.get_by_text('"ada@example.com"').first.wait_for()
        assert "Website" in drawer.inner_text()
        page.keyboard.press("Escape")
        assert not drawer.is_visible()
        page.get_by_role("link", name="Ada Lovelace").first.click()
        page.get_by_role("heading", name="Ada Lovelace").wait_for()


def test_the_feed_can_be_filtered_by_event(shop: Server, browser: Browser) -> None:
    """Only what was asked for lands."""
    with signed_in(browser, shop) as (page, _):
        page.goto(f"{shop.url}/console/feed?event=order")
        tell(
            shop,
            track("Order Completed", user="cleo", order_id="F1", revenue=20, currency="EUR"),
            track("Product Viewed", user="cleo", product_id="p9", name="Grappa"),
        )
        page.get_by_text("order F1").wait_for(timeout=20_000)
        assert page.get_by_text("Grappa").count() == 0

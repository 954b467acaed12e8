"""Loyalty as somebody lives it: in the cart, after a late order, after a refund, when terms change, as a member."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.loyal import CLUB
from tests.rooms.capabilities.test_loyalty_routes import call, cart
from tests.running import Server, wait_until
from tests.stories.console import identify, tell
from tests.stories.site import site

FIRST = {"name": "base", "title": "A point for each euro", "points": 1, "per_minor": 100}
SORRY = {"name": "sorry", "title": "We are sorry: your order was late", "on": "Promise Broken", "points": 50}
TERMS: dict[str, Any] = CLUB | {"pending_days": 0, "earning": [FIRST, SORRY]}


@pytest.fixture(scope="module")
def club(shop_server: Server) -> Server:
    made = call(shop_server, "PUT", "loyalty/programmes/club", json={"programme": TERMS, "version": 0})
    assert made.status_code == 200, made.text
    tell(shop_server, identify("ada", email="ada@example.com"))
    wait_until(lambda: call(shop_server, "GET", "customers/user_id:ada").status_code == 200)
    return shop_server


@pytest.fixture
def checkout(club: Server, browser: Browser) -> Iterator[Page]:
    """The cart's page of the shop's own site, with what it shows of loyalty."""
    token = call(club, "POST", "customers/user_id:ada/loyalty/links").json()["token"]
    tags = "".join(f"<rapport-{name} key='{club.write_key}' token='{token}' cart='{json.dumps(cart(8_000))}'>"
                   f"</rapport-{name}>" for name in ("wallet", "cart-benefits", "membership"))  # fmt: skip
    script = f"<script src='{club.url}/static/loyalty.js'></script>"
    html = f"<!doctype html><html lang=en><title>Cart</title><main>{tags}</main>{script}"
    context = browser.new_context(viewport={"width": 390, "height": 800})
    page = context.new_page()
    with site(html, f"default-src 'none'; script-src {club.url}; connect-src {club.url}") as address:
        page.goto(address)
        yield page
    context.close()


def happened(event: str, **said: Any) -> dict[str, Any]:
    return {"type": "track", "event": event, "userId": "ada", "properties": said}


def ada(club: Server) -> dict[str, Any]:
    found: dict[str, Any] = call(club, "GET", "customers/user_id:ada/loyalty").json()
    return found


def test_from_the_first_order_to_a_membership_joined_in_the_cart(club: Server, checkout: Page) -> None:
    benefits, wallet = checkout.locator("rapport-cart-benefits"), checkout.locator("rapport-wallet")
    expect(wallet).to_contain_text("No points yet")
    expect(benefits).to_contain_text("€10.00 more to free delivery")
    expect(benefits).to_contain_text("This order brings 80 points")

    bought = [{"product_id": name, "price": 100, "quantity": 1} for name in ("p0", "p1")]
    days = [datetime.now(UTC) - timedelta(days=back) for back in (2, 1)]
    order = happened("Order Completed", order_id="a1", currency="EUR", products=bought,
                     promised_at=days[1].date().isoformat(), shipping_address={"country": "DE"})  # fmt: skip
    tell(club, order | {"timestamp": days[0].isoformat()})
    wait_until(lambda: ada(club)["tier"] == "gold")
    checkout.reload()  # the next look at the cart: what the first order brought holds there
    expect(wallet).to_contain_text("Always free delivery")
    expect(benefits).to_contain_text("You save €4.90")
    expect(benefits).to_contain_text("This order brings 160 points")

    wait_until(lambda: ada(club)["balance"] == 250, seconds=60)  # it was promised for yesterday, and is not there
    assert "your order was late" in ada(club)["history"][0]["words"]
    wait_until(lambda: "apology" in {one["template"] for one in told(club)})

    tell(club, happened("Order Refunded", order_id="a1", refund_id="r1", currency="EUR",
                        products=[{"product_id": "p1", "quantity": 1}]))  # fmt: skip
    wait_until(lambda: ada(club)["balance"] == 150)
    assert (ada(club)["history"][0]["what"], ada(club)["history"][0]["points"]) == ("taken back", -100)
    checkout.reload()
    expect(benefits).to_contain_text("€10.00 more to free delivery")  # half an order is no gold

    new = TERMS | {"earning": [FIRST | {"points": 3}, SORRY], "notice_days": 30}
    put = call(club, "PUT", "loyalty/programmes/club", json={"programme": new, "version": 1, "reason": "three points"})
    assert put.status_code == 200, put.text
    assert quoted(club, "user_id:ada") == 80  # who is here keeps the terms
    assert quoted(club, "") == 240  # who comes has the new ones

    expect(benefits).to_contain_text("With Plus you would save €8.90 today")
    checkout.locator("rapport-membership button", has_text="Try 30 days").click()
    expect(checkout.locator("rapport-membership")).to_contain_text("Welcome")
    checkout.reload()
    expect(benefits).to_contain_text("You save €8.90")


def quoted(club: Server, customer: str) -> int:
    asked = {"customer": customer, "cart": cart(8_000)}
    points: int = call(club, "POST", "loyalty/quote", json=asked).json()["points_earned"]
    return points


def told(club: Server) -> list[dict[str, Any]]:
    found = call(club, "GET", "messages").json()
    several: list[dict[str, Any]] = found if isinstance(found, list) else found["messages"]
    return several

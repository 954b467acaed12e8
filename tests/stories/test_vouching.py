"""A shop's server vouches for who signs in at its website: asked for at the console, and then nobody else can."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from rapport.collect.vouching import signature
from tests.running import Server, http, wait_until
from tests.stories.console import add_owner, settle, signed_in, tell, track
from tests.stories.test_console_looks import axe, violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["axe"]
pytestmark = pytest.mark.browser


def is_asking(shop: Server) -> bool:
    """Whether the endpoints ask by now: what names an account alone is not taken."""
    tell(shop, track("Page Viewed", user="carl"))
    found = http.get(f"{shop.url}/api/v1/quarantine", headers={"Authorization": f"Bearer {shop.api_key}"}).json()
    return any("vouches" in one["reason"] for one in found)


def test_from_then_on_a_user_id_needs_a_signature(browser: Browser, shop_server: Server, axe: str) -> None:
    shop = shop_server
    add_owner(shop)
    headers = {"Authorization": f"Bearer {shop.api_key}"}
    source = http.get(f"{shop.url}/api/v1/sources", headers=headers).json()[0]
    with signed_in(browser, shop) as (page, _):
        page.goto(f"{shop.url}/console/sources/{source['id']}")
        page.evaluate("window.confirm = () => true")
        page.get_by_role("button", name="Ask for signatures").click()
        page.get_by_role("button", name="Another secret").wait_for()
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            settle(page)
            assert violations(page, axe) == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
            if folder := os.environ.get("RAPPORT_SCREENSHOTS"):
                page.locator("[aria-labelledby=signed]").screenshot(path=f"{folder}/signed-{width}.png")
    secret = http.get(f"{shop.url}/api/v1/sources/{source['id']}", headers=headers).json()["signing_secret"]
    forged = track("Order Completed", user="ada", order_id="1", total=5) | {"anonymousId": "eve"}
    signed = {**forged, "userId": "bo", "anonymousId": "bo-b", "context": {"userHash": signature(secret, "bo")}}
    wait_until(lambda: is_asking(shop))  # the endpoints read their sources every second
    tell(shop, forged, signed)
    wait_until(lambda: shop.customer("user_id:bo") is not None)
    assert shop.customer("user_id:ada") is None
    wait_until(lambda: shop.customer("anonymous_id:eve") is not None)

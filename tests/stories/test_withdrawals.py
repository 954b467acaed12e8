"""A website's key was in the wrong hands: what was sent with it is taken back at the console, by API and command."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from rapport.kernel.clock import MINUTE, now_us, to_iso
from tests.running import Server, http, wait_until
from tests.stories.console import add_owner, settle, signed_in, tell, track
from tests.stories.test_console_looks import axe, violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

__all__ = ["axe"]


def api(shop: Server, method: str, path: str, body: Any = None) -> Any:
    answer = http.request(
        method, f"{shop.url}/api/v1{path}", json=body, headers={"Authorization": f"Bearer {shop.api_key}"}
    )
    assert answer.status_code < 300, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def shop(shop_server: Server) -> Server:
    """Ada orders; then Eve, with the website's key, ties herself to her and orders for a fortune."""
    add_owner(shop_server)
    made = api(shop_server, "POST", "/sources", {"name": "Shop server", "kind": "server"})
    order = track("Order Completed", user="ada", order_id="1", total=50, currency="EUR")
    tell(shop_server, order, write_key=made["write_key"])
    tell(
        shop_server,
        track("Product Viewed", user="ada", product_id="p9") | {"anonymousId": "eve-browser"},
        track("Order Completed", user="eve", order_id="666", total=900, currency="EUR"),
    )
    wait_until(lambda: shop_server.customer("user_id:eve") is not None)
    return shop_server


def website(shop: Server) -> str:
    return next(str(one["id"]) for one in api(shop, "GET", "/sources") if one["name"] == "Website")


def look(page: Page, name: str, axe_script: str) -> None:
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        settle(page)
        assert violations(page, axe_script) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        if folder := os.environ.get("RAPPORT_SCREENSHOTS"):
            page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)


def test_an_owner_sees_what_would_go_takes_it_back_and_puts_it_back(browser: Browser, shop: Server, axe: str) -> None:
    with signed_in(browser, shop) as (page, _):
        page.goto(f"{shop.url}/console/sources/{website(shop)}")
        page.get_by_role("link", name="Take back…").click()
        page.get_by_label("Why").fill("the key leaked")
        until = page.get_by_label("Until")
        assert until.input_value()
        page.get_by_label("From").fill("2026-01-01T00:00")
        look(page, "window", axe)
        ask(shop)  # the form's minutes end before the facts of this minute
        page.reload()
        page.get_by_text("Not done yet").wait_for()
        look(page, "would", axe)
        assert page.locator("dl.stats").first.inner_text().count("€900.00") == 1
        page.evaluate("window.confirm = () => true")
        page.get_by_role("button", name="Take it back").click()
        page.get_by_text("Taken back", exact=True).wait_for()
        assert shop.customer("user_id:eve") is None
        ada = shop.customer("user_id:ada")
        assert ada is not None
        assert "eve-browser" not in json.dumps(ada)
        look(page, "done", axe)
        page.evaluate("window.confirm = () => true")
        page.get_by_role("button", name="Put it back").click()
        page.get_by_text("Put back", exact=True).wait_for()
        wait_until(lambda: "eve-browser" in json.dumps(shop.customer("user_id:ada")))


def ask(shop: Server) -> dict[str, Any]:
    asked: dict[str, Any] = api(
        shop, "POST", f"/sources/{website(shop)}/withdrawals",
        {"since": to_iso(now_us() - 10 * MINUTE), "reason": "the key leaked"},
    )  # fmt: skip
    wait_until(lambda: api(shop, "GET", f"/withdrawals/{asked['id']}")["state"] == "told")
    return asked


def test_the_api_tells_numbers_before_anything_is_done(shop: Server) -> None:
    asked = ask(shop)
    found = api(shop, "GET", f"/withdrawals/{asked['id']}")
    assert (found["would"]["facts"], found["would"]["numbers"]["orders"], found["did"]) == (2, 1, None)
    assert shop.customer("user_id:eve") is not None


def test_the_command_tells_then_does_then_puts_back(shop: Server) -> None:
    since = to_iso(now_us() - 10 * MINUTE)
    told = json.loads(shop.cli("undo", website(shop), "--since", since, "--json"))
    assert (told["state"], told["effects"]["numbers"]["orders"]) == ("told", 1)
    done = json.loads(shop.cli("undo", website(shop), "--since", since, "--yes", "--json"))
    assert done["state"] == "done"
    assert shop.customer("user_id:eve") is None
    assert "put back" in shop.cli("undo-back", done["id"])
    wait_until(lambda: shop.customer("user_id:eve") is not None)

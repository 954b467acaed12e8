"""The demonstration's storefront in the hand: a shopper buys, Rapport remembers, and everybody can use every page."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import httpx
import pytest

from tests.running import Server, free_port, http
from tests.stories.console import STILL, Complaints
from tests.stories.kept import golden_record
from tests.stories.test_console_looks import violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

SHIRT = "/p/oxford-shirt-mill-lane"
MAIN = ("/", "/c/red-wine", SHIRT, "/search?q=chinati", "/account", "/cart")
PAGES = {
    390: MAIN,
    1440: (*MAIN, "/search?q=qwertz", "/sign-in", "/stores", "/delivery", "/returns", "/about", "/privacy", "/contact",
           "/nowhere"),
}  # fmt: skip
LIGHT = 120_000
"""Bytes of a whole first visit to a page, pictures and all."""


@pytest.fixture(scope="module")
def axe(node_modules: Path) -> str:
    return (node_modules / "axe-core" / "axe.min.js").read_text()


@pytest.fixture(scope="module")
def storefront(shop_server: Server) -> Iterator[str]:
    """The shop window in its own process, as the demonstration starts it."""
    port = free_port()
    keys = {"RAPPORT_WRITE_KEY": shop_server.write_key, "RAPPORT_API_KEY": shop_server.api_key}
    arguments = ["-m", "rapport.world.storefront", "--rapport", shop_server.url, "--port", str(port)]
    process = subprocess.Popen([sys.executable, *arguments], env={**os.environ, **keys})
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            http.get(f"{url}/returns", timeout=2)
            break
        except httpx.HTTPError:
            time.sleep(0.1)
    yield url
    process.terminate()
    process.wait(timeout=20)


def buy(page: Page, storefront: str) -> None:
    """From a slip of the finger to the checkout."""
    page.goto(storefront)
    page.get_by_label("Search the shop").fill("oxfrod shirt")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Oxford shirt").first.click()
    page.get_by_role("radio", name="L", exact=True).check(force=True)
    page.get_by_role("button", name="Add to basket").click()
    page.get_by_role("button", name="One Oxford shirt more").click()
    page.locator(".lines .quiet", has_text="Size L").wait_for()
    page.get_by_role("link", name="Go to checkout").click()
    page.get_by_role("button", name="Place the order").wait_for()


def test_a_shopper_buys_on_the_phone_and_rapport_knows_at_once(
    shop_server: Server, storefront: str, browser: Browser
) -> None:
    """What is left out is asked for where it is; the order stands on the Golden Record, with its address and lines."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, **STILL)
    page = context.new_page()
    complaints = Complaints()
    complaints.watch(page)
    buy(page, storefront)
    page.get_by_label("E-mail").fill("ada.reid@mail.example")
    page.get_by_role("button", name="Place the order").click()
    page.locator("#mend:focus").wait_for()
    page.get_by_role("link", name="Enter your first name.").click()
    page.keyboard.type("Ada")
    for label, words in (
        ("Last name", "Reid"), ("Street and number", "3 Mill Lane"), ("Postcode", "BA1 1BP"), ("Town or city", "Bath"),
    ):  # fmt: skip
        page.get_by_label(label).fill(words)
    assert page.get_by_label("E-mail").input_value() == "ada.reid@mail.example"
    with page.expect_response(lambda answer: "/v1/batch" in answer.url) as told:
        page.get_by_role("button", name="Place the order").click()
    assert told.value.status == 200
    page.get_by_role("heading", name="Thank you, Ada").wait_for()
    page.get_by_role("link", name="See the order").click()
    page.get_by_text("3 Mill Lane").wait_for()
    record = golden_record(shop_server, "email:ada.reid@mail.example", until=lambda r: "orders" in r.get("traits", {}))
    assert record["traits"]["orders"]["value"] == 1
    assert [line for line in complaints if "422" not in line] == []
    context.close()


@pytest.mark.parametrize("width", [390, 1440])
def test_every_page_of_the_shop_fits_and_can_be_used_by_everybody(
    storefront: str, browser: Browser, axe: str, width: int
) -> None:
    """On a phone in the dark and on a desk in the light; axe finds nothing."""
    scheme: Literal["light", "dark"] = "light" if width == 1440 else "dark"
    context = browser.new_context(
        viewport={"width": width, "height": 850}, color_scheme=scheme, bypass_csp=True, **STILL
    )
    page = context.new_page()
    wrong: list[str] = []

    def look(name: str) -> None:
        beyond = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert beyond <= 0, f"{name} is {beyond} pixels too wide at {width}"
        wrong.extend(f"{name}: {one}" for one in violations(page, axe))

    for path in PAGES[width]:
        page.goto(f"{storefront}{path}")
        look(path)
    buy(page, storefront)
    look("checkout")
    page.get_by_role("button", name="Place the order").click()
    page.locator("#mend:focus").wait_for()
    look("checkout with errors")
    context.close()
    assert not wrong, "\n".join(wrong)


def test_a_first_visit_is_light_and_asks_nobody_else(shop_server: Server, storefront: str, browser: Browser) -> None:
    """Pictures, styles and all; the one address outside the shop is Rapport's own, for facts and for its parts."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in ("/", "/c/red-wine", SHIRT):
        page.goto(f"{storefront}{path}", wait_until="networkidle")
        weight = page.evaluate(
            "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
            ".reduce((sum, one) => sum + one.encodedBodySize, 0)"
        )
        assert 2_000 < weight < LIGHT, path
    context.close()
    rapport = f"http://127.0.0.1:{shop_server.port}"
    parts = (
        f"{rapport}/v1/batch",
        f"{rapport}/static/rapport.js",
        f"{rapport}/static/consent.js",
        f"{rapport}/components/",
    )
    ours = (storefront, *parts, "data:")
    assert [url for url in asked if not url.startswith(ours)] == []


def test_the_shop_is_walked_by_keys_alone(storefront: str, page: Page) -> None:
    """Tab begins with the way to the content; sizes are chosen with arrows; focus is seen."""
    page.goto(f"{storefront}{SHIRT}")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    page.keyboard.press("Enter")
    chosen = page.locator("input[name=variant]:checked")
    chosen.focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("input[name=variant]:checked").input_value() != ""
    outline = page.evaluate(
        "getComputedStyle(document.querySelector('input[name=variant]:focus-visible + span')).outlineStyle"
    )
    assert outline == "solid"

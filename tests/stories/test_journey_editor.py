"""Marta, a marketer, builds a journey in the picture, by mouse and by keys, and the API has what she drew."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.running import Server, http
from tests.stories.console import add_owner, settle, signed_in
from tests.stories.test_console_looks import axe, violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["axe"]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def desk(shop_server: Server) -> Server:
    add_owner(shop_server)
    return shop_server


def kept(desk: Server, name: str) -> dict[str, Any]:
    answer = http.get(f"{desk.url}/api/v1/journeys/{name}", headers={"Authorization": f"Bearer {desk.api_key}"})
    found: dict[str, Any] = answer.json()
    return found


def step(page: Page, name: str) -> Any:
    return page.locator(f"[data-step='{name}']")


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("RAPPORT_SCREENSHOTS"):
        settle(page)
        page.screenshot(path=Path(folder) / f"journey-{name}.png", full_page=True)


def test_a_journey_is_built_in_the_picture_and_changed_by_keys(desk: Server, browser: Browser, axe: str) -> None:
    """Put in, filled in, refused at its step, mended, copied, moved, undone, saved; a version moves who is in."""
    with signed_in(browser, desk) as (page, _):
        page.goto(f"{desk.url}/console/journeys-new?ready=welcome")
        assert violations(page, axe) == []

        page.locator("[data-add='hello']").click()
        page.get_by_role("button", name="Wait for a time").click()
        page.get_by_label("How long").fill("2 days")
        assert violations(page, axe) == []
        page.get_by_role("button", name="Done", exact=True).click()
        page.locator("[data-step='wait'].wrong").wait_for()
        shot(page, "wrong")
        page.keyboard.press("Enter")
        page.get_by_label("How long").fill("2d")
        page.get_by_role("button", name="Done", exact=True).click()
        page.locator("#tried li", has_text="Wait 2 days").wait_for()

        page.keyboard.press("Control+c")
        page.keyboard.press("ArrowDown")
        assert page.evaluate("document.activeElement.dataset.step") == "first_order"
        page.keyboard.press("Control+v")
        step(page, "wait_2").wait_for()
        page.keyboard.press("Control+z")
        step(page, "wait_2").wait_for(state="detached")
        page.keyboard.press("Control+Shift+z")
        step(page, "wait_2").wait_for()
        step(page, "wait_2").focus()
        page.keyboard.press("Delete")
        step(page, "wait_2").wait_for(state="detached")
        step(page, "wait").focus()
        page.keyboard.press("Alt+ArrowUp")
        page.wait_for_function("JSON.parse(document.getElementById('f-body').value).start === 'wait'")

        page.get_by_role("button", name="Start", exact=True).click()
        page.wait_for_url(re.compile(r"/console/journeys/welcome(\?done=saved)?$"))
        shot(page, "kept")
        assert violations(page, axe) == []

        page.get_by_role("link", name="Change", exact=True).click()
        page.get_by_label("goes on by this one").check()
        page.get_by_text("Nothing yet.").wait_for(state="detached")
        page.get_by_role("button", name="Put in force").click()
        page.wait_for_url(re.compile(r"/console/journeys/welcome(\?done=saved)?$"))
        page.get_by_role("link", name="What has changed since").click()
        page.get_by_text("Since version 1").wait_for()
    found = kept(desk, "welcome")
    assert found["version"] == 2
    assert found["inside"] == "move"
    assert found["nodes"]["wait"] == {"kind": "wait", "for": "2d", "next": "hello"}
    assert found["nodes"]["hello"]["next"] == "first_order"


def test_it_fits_a_phone_and_the_dark(desk: Server, browser: Browser, axe: str) -> None:
    with signed_in(browser, desk, viewport={"width": 390, "height": 850}, color_scheme="dark") as (page, _):
        page.goto(f"{desk.url}/console/journeys-new?ready=win_back")
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert violations(page, axe) == []
        shot(page, "phone")
        page.get_by_role("button", name="Try on last month").click()
        page.get_by_text("would have entered").wait_for()

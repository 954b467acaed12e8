"""Somebody brings what the shop has: a file is handed in at the console, looked at, made to fit and imported."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.rooms.adapters import exports
from tests.running import Server
from tests.stories.console import add_owner, add_person, settle, signed_in
from tests.stories.kept import golden_record
from tests.stories.test_console_looks import axe, violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["axe"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TABLE = """\
Bestellnummer;Datum;Kunde;Mail;Artikel;Einzelpreis;Menge
B-1;27.11.2025;Ada Berg;ada@example.com;Tee;12,50;2
B-1;27.11.2025;Ada Berg;ada@example.com;Tasse;4,00;1
B-2;28.11.2025;Bo Ek;bo@example.com;Tee;teuer;1
"""


@pytest.fixture(scope="module")
def shop(shop_server: Server) -> Server:
    add_owner(shop_server)
    return shop_server


def hand_in(page: Page, shop: Server, path: Path) -> None:
    page.goto(f"{shop.url}/console/imports")
    page.get_by_label("CSV or tab-separated text").set_input_files(path)
    page.get_by_role("button", name="Look at it").click()


def look_at(page: Page, name: str, axe: str) -> None:
    """The page fits a desk, light, and a phone, dark, and axe finds nothing."""
    folder = os.environ.get("RAPPORT_SCREENSHOTS")
    for width, scheme in ((1440, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 850})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (name, width)
        assert violations(page, axe) == []
        if folder:
            page.screenshot(path=Path(folder) / f"import-{name}-{width}-{scheme}.png", full_page=True)
    page.set_viewport_size({"width": 1440, "height": 850})


def test_an_export_is_known_looked_at_and_imported(shop: Server, browser: Browser, axe: str, tmp_path: Path) -> None:
    path = tmp_path / "orders_export.csv"
    path.write_text(exports.SHOPIFY_ORDERS)
    with signed_in(browser, shop) as (page, _):
        hand_in(page, shop, path)
        page.get_by_role("heading", name="Read as Shopify: orders").wait_for()
        assert page.get_by_text("$47.00 without shipping and tax").is_visible()
        look_at(page, "ready", axe)

        page.get_by_role("button", name="Start the import").click()
        page.get_by_role("heading", name="What it brought").wait_for()
        assert page.locator("dl.stats dd").all_inner_texts() == ["4", "7", "0", "0", "0"]
        look_at(page, "done", axe)

        hand_in(page, shop, path)
        page.get_by_role("button", name="Start the import").click()
        page.get_by_text("This file was imported before").wait_for()
    record = golden_record(shop, "email:ada@example.com", until=lambda r: "orders" in r.get("traits", {}))
    assert record["traits"]["net_revenue"]["value"] == {"USD": 4230}


def test_any_table_is_made_to_fit_by_saying_which_column_is_what(
    shop: Server, browser: Browser, axe: str, tmp_path: Path
) -> None:
    """The order whose price cannot be read is left out, and said so before."""
    path = tmp_path / "alt.csv"
    path.write_text(TABLE)
    with signed_in(browser, shop) as (page, complaints):
        hand_in(page, shop, path)
        page.get_by_role("heading", name="No map reads it by itself").wait_for()
        look_at(page, "unknown", axe)

        page.get_by_label("Read it as", exact=True).select_option("Orders of any table")
        page.get_by_role("button", name="Read it so").click()
        page.get_by_role("heading", name="Which column is what").wait_for()
        page.get_by_label("Price of a piece").select_option("Einzelpreis")
        page.get_by_role("button", name="Read it so").last.click()
        page.get_by_text("3 items · order B-1").wait_for()
        assert page.get_by_text("Einzelpreis: 'teuer' is no number").is_visible()
        look_at(page, "columns", axe)

        page.get_by_role("button", name="Start the import").click()
        page.get_by_role("link", name="Download all 1").wait_for()
        page.goto(f"{shop.url}/console/imports")
        look_at(page, "history", axe)
        assert complaints == []


def test_what_is_no_table_is_refused_with_what_to_do(shop: Server, browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "orders.xlsx"
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    with signed_in(browser, shop) as (page, complaints):
        hand_in(page, shop, path)
        page.get_by_text("orders.xlsx is a spreadsheet or an archive").wait_for()
        assert page.get_by_text("open it in a spreadsheet").is_visible()
        complaints.clear()  # the browser names the answer 400


def test_whoever_may_not_manage_sources_sees_the_history_alone(shop: Server, browser: Browser) -> None:
    """Files hold people: who may not bring them does not see into them either."""
    add_person(shop, email="mia@example.com", role="marketer")
    with signed_in(browser, shop, email="mia@example.com") as (page, complaints):
        page.goto(f"{shop.url}/console/imports")
        assert page.get_by_role("heading", name="History").is_visible()
        assert page.get_by_role("button", name="Look at it").count() == 0
        for path in ("imports/upl_x", "refused-lines/imp_x"):
            answer = page.goto(f"{shop.url}/console/{path}")
            assert answer is not None
            assert answer.status == 403
        complaints.clear()  # the browser names the answers 403

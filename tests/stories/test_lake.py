"""An analyst asks the lake on the console's page, and somebody without the permission does not find it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.running import Server
from tests.stories.console import add_owner, add_person, signed_in, tell, track

pytestmark = pytest.mark.browser


def test_an_analyst_asks_sees_an_error_with_its_place_and_saves_a_file(server: Server, browser: object) -> None:
    add_owner(server)
    add_person(server, email="analyst@example.com", role="analyst")
    tell(server, *(track("Product Viewed", user="ada", product_id=f"Ä{n}") for n in range(7)))
    with signed_in(browser, server, email="analyst@example.com", viewport={"width": 390, "height": 844}) as (page, _):  # type: ignore[arg-type]
        page.goto(f"{server.url}/console/lake")
        page.get_by_role("heading", name="Nothing is archived yet").wait_for()
        done = [sys.executable, "-m", "rapport", "lake", "archive", "--data", str(server.data)]
        subprocess.run(done, check=True, capture_output=True, env=server.environment)
        page.reload()
        page.get_by_role("button", name="Run").click()
        page.get_by_role("cell", name="Product Viewed").wait_for()
        page.get_by_text("Columns and examples").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.get_by_label("One SELECT over").fill("SELECT body->>'$.properties.product_id' AS id FROM facts ORDER BY 1")
        with page.expect_download() as saved:
            page.get_by_role("button", name="Save as CSV").click()
        assert saved.value.path().read_text("utf-8-sig").splitlines()[:2] == ["id", "Ä0"]
    with signed_in(browser, server, email="analyst@example.com") as (page, complaints):  # type: ignore[arg-type]
        page.goto(f"{server.url}/console/lake")
        page.get_by_label("One SELECT over").fill("SELECT *\nFRM facts")
        page.get_by_role("button", name="Run").click()
        assert "at character" in page.get_by_role("alert").inner_text()
        assert page.get_by_label("One SELECT over").input_value() == "SELECT *\nFRM facts"
        page.get_by_label("One SELECT over").fill("SELECT 1 AS kept")
        page.get_by_text("Save this query").click()
        page.get_by_label("Name", exact=True).fill("Mine")
        page.get_by_role("button", name="Save the query").click()
        page.wait_for_url("**query=Mine**")
        other = page.context.new_page()
        other.goto(page.url)
        other.on("dialog", lambda dialog: dialog.accept())
        other.get_by_role("button", name="Remove the query").click()
        other.wait_for_url("**done=removed**")
        page.get_by_label("One SELECT over").fill("SELECT 42 AS typed")
        page.get_by_role("button", name="Run").click()
        page.get_by_role("alert").filter(has_text="Mine").wait_for()
        assert page.get_by_label("One SELECT over").input_value() == "SELECT 42 AS typed"
        complaints.clear()  # the browser tells of every answer 400 and 404

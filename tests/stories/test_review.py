"""The review queue at the console: pairs side by side, decided by keys, undone; the model behind them; households."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from rapport.kernel.clock import now_us
from rapport.resolve.linking import models
from rapport.storage.workspaces import default_workspace
from tests.rooms.resolve.linking.desk import asking
from tests.rooms.resolve.linking.people import model
from tests.running import Server, wait_until
from tests.stories.console import PASSWORD, add_owner, signed_in, tell
from tests.stories.kept import database_of, golden_record
from tests.stories.test_identity import picture

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)>"
LONG = "Wolfeschlegelsteinhausenbergerdorff" * 40
ADA = {
    "first_name": "Ada", "last_name": "Lordorberg", "birthday": "1980-03-04",
    "address": {"street": "12 High Street", "postalCode": "YO1 7AA", "city": "York"},
}  # fmt: skip
BO = {
    "first_name": "Bo", "last_name": "Pelosridge", "birthday": "1951-12-12",
    "address": {"street": "4 Mill Lane", "postalCode": "HU2 8BQ", "city": "Hull"},
}  # fmt: skip
CY = {
    "first_name": "Dmitri", "last_name": "Kelmonford", "birthday": "1977-05-23",
    "address": {"street": f"{HOSTILE} {LONG}", "postalCode": "TR3 4GH", "city": "Truro"},
}  # fmt: skip


def person(visitor: str, traits: dict[str, Any], **other: Any) -> dict[str, Any]:
    """Somebody who told who they are in one browser, without signing in."""
    return {"type": "identify", "anonymousId": visitor, "traits": traits | other}


def waiting(shop: Server) -> int:
    answer = httpx.get(f"{shop.url}/api/v1/identity/review", headers={"Authorization": f"Bearer {shop.api_key}"})
    assert answer.status_code == 200, answer.text
    found: int = answer.json()["waiting"]
    return found


@pytest.fixture(scope="module")
def shop(module_server: Server) -> Server:
    """Ada, Bo and Dmitri, each in two browsers; Ada has a sister. Two models: the one in force asks about everybody."""
    add_owner(module_server)
    module_server.cli("user", "viewer@example.com", "--role", "viewer", "--name", "Vera", "--password", PASSWORD)
    with database_of(module_server) as db, db.write() as conn:
        workspace = default_workspace(conn).id
        for each in (model(), asking()):
            models.save_model(conn, workspace, each, now=now_us())
    tell(
        module_server,
        person("ada-phone", ADA), person("ada-laptop", ADA, last_name="Lordorbreg"),
        person("bo-phone", BO), person("bo-laptop", BO, birthday="1951-12-21"),
        person("cy-phone", CY), person("cy-laptop", CY, city="<b>Truro</b>"),
        person("sister", ADA, first_name="Vera", birthday="1983-07-21"),
    )  # fmt: skip
    golden_record(module_server, "anonymous_id:sister", until=bool)
    wait_until(lambda: waiting(module_server) >= 3)
    return module_server


def title(page: Page) -> str:
    return page.locator("#pair-title").inner_text()


def test_pairs_are_decided_by_keys_one_after_the_other_and_undone(shop: Server, browser: Browser) -> None:
    """Skip, reject, undo, accept with a reason: each brings the next pair at once."""
    with signed_in(browser, shop) as (page, _):
        page.keyboard.press("g")
        page.keyboard.press("r")
        page.wait_for_url("**/console/identity/review")
        picture(page, "review")
        first = title(page)
        page.keyboard.press("s")
        page.wait_for_url("**after=**")
        assert title(page) != first
        second = title(page)
        page.keyboard.press("r")
        page.get_by_role("status").filter(has_text="two people").wait_for()
        assert title(page) not in (first, second)
        picture(page, "review-decided-one")
        page.keyboard.press("u")
        page.wait_for_url("**done=reopened")
        assert title(page) == first

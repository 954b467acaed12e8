"""Identity at the console: two people on one tablet are parted, joined, kept apart; alarms; a policy tried first."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.running import Server, http, wait_until
from tests.stories.console import add_owner, identify, settle, signed_in, tell, track
from tests.stories.kept import golden_record

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shop(shop_server: Server) -> Server:
    """Ada and a guest named Bo used one tablet; sixty people signed in on a kiosk; Cy and Dee share an address."""
    add_owner(shop_server)
    tell(
        shop_server,
        identify("ada", visitor="tablet-1", name="Ada Lovelace", email="ada@example.com"),
        track("Order Completed", user="ada", order_id="A-1", revenue=40, currency="EUR"),
        track("Order Completed", visitor="tablet-1", order_id="B-1", revenue=25, currency="EUR")
        | {"context": {"externalIds": [{"type": "email", "id": "bo@example.com"}]}},
        identify("cy", email="home@example.com"), identify("dee", email="home@example.com"),
        *(identify(f"walk-in-{n}", visitor="kiosk") for n in range(60)),
    )  # fmt: skip
    golden_record(shop_server, "user_id:ada", until=lambda r: r.get("traits", {}).get("orders", {}).get("value") == 2)
    golden_record(shop_server, "user_id:walk-in-59", until=bool)
    return shop_server


def api(shop: Server, path: str) -> dict[str, object]:
    answer = http.get(f"{shop.url}/api/v1{path}", headers={"Authorization": f"Bearer {shop.keys['api_key']}"})
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def picture(page: Page, name: str) -> None:
    """Keep a screenshot where RAPPORT_SCREENSHOTS says, at the width of a desk and of a phone; nothing sticks out."""
    folder = os.environ.get("RAPPORT_SCREENSHOTS")
    size = page.viewport_size or {"width": 1440, "height": 900}
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, f"{name} at {width}"
        if folder:
            page.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)
    page.set_viewport_size(size)


def press(page: Page, button: str) -> None:
    """Send a form, and see the page that it leads to."""
    with page.expect_navigation():
        page.get_by_role("button", name=button).click()
    assert page.get_by_role("alert").count() == 0


def test_two_people_on_one_tablet_are_parted_and_the_parting_is_undone(shop: Server, browser: Browser) -> None:
    """The weakest cut is proposed, who gets what is seen before, and the trail undoes it."""
    with signed_in(browser, shop) as (page, _):
        page.goto(f"{shop.url}/console/customers?q=ada@example.com")
        page.locator("table a[data-row]").first.click()
        page.goto(f"{page.url.partition('?')[0]}?tab=identity")
        picture(page, "identity-panel")
        page.get_by_role("link", name="Split").click()
        page.get_by_role("heading", name="Then there are 2 customers").wait_for()
        picture(page, "identity-split")
        assert page.get_by_role("checkbox", name="bo@example.com").is_checked()
        page.get_by_label("Reason").fill("the store's tablet")
        press(page, "Split in two")
        wait_until(lambda: api(shop, "/customers?q=bo@example.com")["customers"] or None)
        bo = golden_record(shop, "email:bo@example.com", until=bool)
        assert bo["traits"]["orders"]["value"] == 1
        page.get_by_role("row").filter(has_text="the store's tablet").get_by_role("link", name="Undo").click()
        page.get_by_label("Reason").fill("they are one after all")
        press(page, "Undo")
        assert golden_record(shop, "email:bo@example.com", until=bool)["traits"]["orders"]["value"] == 2
        picture(page, "identity-trail")


def test_two_are_joined_and_kept_apart_by_name(shop: Server, browser: Browser) -> None:
    """What stands against it is said before anything happens."""
    with signed_in(browser, shop) as (page, _):
        ids = {name: golden_record(shop, f"user_id:{name}", until=bool)["id"] for name in ("cy", "dee")}
        page.goto(f"{shop.url}/console/customers/{ids['cy']}?tab=identity")
        page.get_by_role("link", name="Join").click()
        page.get_by_label("The other").fill("user_id:dee")
        page.get_by_role("button", name="Look").click()
        page.get_by_role("heading", name="Then there is one customer").wait_for()
        picture(page, "identity-join")
        page.get_by_label("Reason").fill("they married")
        press(page, "Join with another customer")
        path = api(shop, "/identity/path?from=user_id:cy&to=user_id:dee")
        assert (path["together"], path["answer"]) == (True, "They are one customer, by 1 piece of evidence.")
        page.goto(f"{shop.url}/console/identity")
        page.get_by_role("row").filter(has_text="they married").get_by_role("link", name="Undo").click()
        page.get_by_label("Reason").fill("they parted")
        press(page, "Undo")
        assert api(shop, "/identity/path?from=user_id:cy&to=user_id:dee")["together"] is False


def test_alarms_name_the_kiosk_and_the_shared_address(shop: Server, browser: Browser) -> None:
    """Nobody was merged by them, and somebody can see why."""
    with signed_in(browser, shop) as (page, _):
        page.goto(f"{shop.url}/console")
        page.get_by_role("navigation", name="Main").get_by_role("link", name="Identity").click()
        alarms = page.get_by_role("region", name="Alarms")
        assert "kiosk" in alarms.inner_text()
        assert "home@example.com" in alarms.inner_text()
        picture(page, "identity")


def test_a_policy_is_tried_applied_and_undone(shop: Server, browser: Browser) -> None:
    """The dry run names the customers; applying does exactly that, and the worker follows."""
    with signed_in(browser, shop) as (page, _):
        page.goto(f"{shop.url}/console/identity/policy")
        page.get_by_label("Values that identify nobody").fill(r"home@example\.com")
        page.get_by_role("button", name="Try", exact=True).click()
        page.get_by_role("heading", name="This change would").wait_for()
        assert "cy" in page.get_by_role("region", name="Split").inner_text()
        picture(page, "identity-policy")
        page.get_by_label("Reason").fill("a family's address")
        press(page, "Apply")
        assert api(shop, "/identity/path?from=user_id:cy&to=email:home@example.com")["together"] is False
        tell(shop, identify("eli", email="home@example.com", name="Eli"))
        golden_record(shop, "user_id:eli", until=lambda r: "name" in r.get("traits", {}))
        assert api(shop, "/identity/path?from=user_id:eli&to=email:home@example.com")["together"] is False


def test_limits_that_slide_and_bounds_in_time_are_tried_and_applied(shop: Server, browser: Browser) -> None:
    """Fay's old address counts no more; the picture and the evidence say since when, and the policy is kept."""
    long_ago = datetime.now(UTC) - timedelta(days=400)
    tell(shop, identify("fay", email="fay@old.example") | {"timestamp": long_ago.isoformat()})
    tell(shop, identify("fay", email="fay@new.example"))
    fay = golden_record(shop, "email:fay@new.example", until=bool)
    with signed_in(browser, shop) as (page, _):
        page.goto(f"{shop.url}/console/identity/policy")
        page.get_by_label("email: counts for days").fill("365")
        page.get_by_label("anonymous_id: at most").fill("5")
        page.get_by_role("button", name="Try", exact=True).click()
        page.get_by_role("heading", name="This change would").wait_for()
        assert "fay@old.example" in page.get_by_role("region", name="Split").inner_text()
        page.get_by_label("anonymous_id: within days").fill("30")
        page.get_by_label("Name of own namespace 1").fill("club_card")
        page.get_by_label("own namespace 1: at most").fill("2")
        page.get_by_role("button", name="Try again").click()
        page.get_by_role("heading", name="This change would").wait_for()
        picture(page, "identity-policy-in-time")
        page.get_by_label("Reason").fill("addresses change hands")
        press(page, "Apply")
        saved = api(shop, "/identity/policy")
        assert saved["limits"] == {"anonymous_id": {"at_most": 5, "within_days": 30}, "club_card": 2}
        assert saved["evidence_days"] == {"email": 365}
        page.goto(f"{shop.url}/console/customers/{fay['id']}?tab=identity")
        row = page.get_by_role("region", name="Evidence").get_by_role("row").filter(has_text="fay@old.example")
        assert f"last seen on {long_ago:%Y-%m-%d}; the shop's bound is 365 days" in row.inner_text()
        picture(page, "identity-expired")
        page.goto(f"{shop.url}/console/identity")
        page.get_by_role("row").filter(has_text="addresses change hands").get_by_role("link", name="Undo").click()
        page.get_by_label("Reason").fill("not yet")
        press(page, "Undo")
    assert api(shop, "/identity/policy")["evidence_days"] == {}
    path = api(shop, "/identity/path?from=user_id:fay&to=email:fay@old.example")
    assert path["together"] is True

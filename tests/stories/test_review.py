"""The review queue at the console: pairs side by side, decided by keys, undone; the model behind them; households."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rapport.kernel.clock import now_us
from rapport.resolve.linking import models
from rapport.resolve.linking.kinds import detect
from rapport.resolve.linking.labels import Label, SaidBy
from rapport.resolve.linking.training import train
from tests.rooms.resolve.linking.desk import asking
from tests.rooms.resolve.linking.people import model, shop_rows
from tests.running import Server, http, wait_until
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
    answer = http.get(f"{shop.url}/api/v1/identity/review", headers={"Authorization": f"Bearer {shop.api_key}"})
    assert answer.status_code == 200, answer.text
    found: int = answer.json()["waiting"]
    return found


@pytest.fixture(scope="module")
def shop(shop_server: Server) -> Server:
    """Ada, Bo and Dmitri, each in two browsers; Bo has a sister. Two models: the one in force asks about everybody."""
    add_owner(shop_server)
    shop_server.cli(
        "user",
        shop_server.address("viewer@example.com"),
        "--role",
        "viewer",
        "--name",
        "Vera",
        environment={"RAPPORT_PASSWORD": PASSWORD},
    )
    with database_of(shop_server) as db, db.write() as conn:
        workspace = shop_server.workspace(conn)
        for each in (model(), asking()):
            models.save_model(conn, workspace, each, now=now_us())
    tell(
        shop_server,
        person("ada-phone", ADA), person("ada-laptop", ADA, last_name="Lordorbreg"),
        person("bo-phone", BO), person("bo-laptop", BO, birthday="1951-12-21"),
        person("cy-phone", CY), person("cy-laptop", CY, city="<b>Truro</b>"),
        person("sister", BO, first_name="Vera", birthday="1954-07-01"),
    )  # fmt: skip
    golden_record(shop_server, "anonymous_id:sister", until=bool)
    wait_until(lambda: waiting(shop_server) >= 3)
    return shop_server


def title(page: Page) -> str:
    return page.locator("#pair-title").inner_text()


def api(shop: Server, path: str) -> Any:
    answer = http.get(f"{shop.url}/api/v1{path}", headers={"Authorization": f"Bearer {shop.api_key}"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_names_that_are_html_are_only_text(shop: Server, browser: Browser) -> None:
    """Nothing of what shoppers wrote is run, and nothing sticks out."""
    odd = next(pair for pair in api(shop, "/identity/review")["pairs"] if pair["left"]["name"].startswith("Dmitri"))
    with signed_in(browser, shop, viewport={"width": 390, "height": 844}) as (page, _):
        page.goto(f"{shop.url}/console/identity/review?pair={odd['id']}")
        assert HOSTILE in page.locator("main").inner_text()
        assert page.locator("main img").count() == 0
        picture(page, "review-hostile")


def test_pairs_are_decided_by_keys_one_after_the_other_and_undone(shop: Server, browser: Browser) -> None:
    """Skip, reject, undo, accept with a reason: each brings the next pair at once, and a key held down decides once."""
    with signed_in(browser, shop) as (page, _):
        page.keyboard.press("g")
        page.keyboard.press("r")
        page.wait_for_url("**/console/identity/review")
        picture(page, "review")
        first = title(page)
        page.keyboard.press("s")
        page.wait_for_url("**after=**")
        second = title(page)
        page.keyboard.press("r")
        page.get_by_role("status").filter(has_text="two people").wait_for()
        assert len({first, second, title(page)}) == 3
        picture(page, "review-decided-one")
        page.keyboard.press("u")
        page.wait_for_url("**/identity/review")
        assert title(page) == first
        before = waiting(shop)
        page.keyboard.press("e")
        page.keyboard.type("asked a rare customer")
        page.keyboard.press("Enter")
        assert waiting(shop) == before, "Enter alone decides nothing"
        page.keyboard.press("Escape")
        page.keyboard.down("a")
        page.get_by_role("status").filter(has_text="one person").wait_for()
        page.keyboard.down("a")
        page.keyboard.up("a")
        page.wait_for_timeout(300)
        assert api(shop, "/identity/actions")[0]["reason"] == "asked a rare customer"
        assert [one["status"] for one in api(shop, "/identity/review?status=decided")["pairs"]] == ["accepted"]
        page.keyboard.press("?")
        assert "Skip the pair" in page.get_by_role("dialog", name="Keyboard shortcuts").inner_text()


def test_what_was_decided_is_listed_and_reopened(shop: Server, browser: Browser) -> None:
    """The queue has it again as soon as its records are compared anew."""
    with signed_in(browser, shop) as (page, _):
        page.goto(f"{shop.url}/console/identity/review")
        page.get_by_role("button", name="Two people").click()
        page.get_by_role("link", name="Decided", exact=True).click()
        picture(page, "review-decided")
        before = waiting(shop)
        page.get_by_role("button", name="Reopen").first.click()
        page.get_by_text("Reopened: it is as it was before").wait_for()
        wait_until(lambda: waiting(shop) > before)


def test_who_may_not_see_customers_sees_no_pair(shop: Server, browser: Browser) -> None:
    """A viewer finds no entry in the side bar and is refused at the address."""
    with signed_in(browser, shop, email="viewer@example.com") as (page, complaints):
        assert page.get_by_role("link", name="Review").count() == 0
        answer = page.goto(f"{shop.url}/console/identity/review")
        assert answer is not None
        assert answer.status == 403
        assert "Lordorberg" not in page.content()
        complaints.clear()  # the browser itself complains of the 403


def test_another_model_ties_who_was_asked_about_and_the_customer_says_why(shop: Server, browser: Browser) -> None:
    """The stricter model asked about Bo; the other one ties the two records, and shows how alike they are."""
    with signed_in(browser, shop) as (page, _):
        page.goto(f"{shop.url}/console/identity/model")
        picture(page, "model")
        page.get_by_role("link", name="Version 1").click()
        page.get_by_label("Reason").fill("it asks too much")
        page.get_by_role("button", name="Use this one").click()
        page.get_by_text("Saved").wait_for()
        wait_until(lambda: api(shop, "/identity/path?from=anonymous_id:bo-phone&to=anonymous_id:bo-laptop")["together"])
        bo = api(shop, "/customers/anonymous_id:bo-phone")["id"]
        page.goto(f"{shop.url}/console/customers/{bo}?tab=identity")
        page.get_by_role("link", name="probably the same").first.click()
        why = page.get_by_role("region", name="Why probably the same")
        assert "1951-12-21" in why.inner_text()
        picture(page, "identity-probable")
        page.get_by_role("region", name="Household").get_by_role("link", name="Vera Pelosridge").click()
        page.get_by_role("heading", name="Vera Pelosridge").wait_for()


def test_a_shops_model_shows_whether_it_can_be_believed_and_who_lives_together_by_which_chance(
    shop: Server, browser: Browser
) -> None:
    named = {"given_name": "first_name", "surname": "last_name", "birth_date": "birthday"}
    rows = [{named.get(name, name): text for name, text in row.items()} for row in shop_rows()]
    decided = [Label(rows[0], rows[0], True, SaidBy.STAFF, frozenset())] * 25  # as a label is
    with database_of(shop) as db, db.write() as conn:
        models.save_model(conn, shop.workspace(conn), train(rows, detect(rows), labels=decided), now=now_us())
    with signed_in(browser, shop) as (page, _):
        page.goto(f"{shop.url}/console/identity/model")
        believed = page.get_by_role("region", name="Can it be believed?")
        believed.get_by_role("img", name="What it said against how many were one person").wait_for()
        assert "Of 25 pairs decided here it had told 25 likewise" in believed.inner_text()
        assert "(95 %:" in believed.inner_text()
        picture(page, "model-of-a-shop")
        bo = api(shop, "/customers/anonymous_id:bo-phone")["id"]
        home = page.get_by_role("region", name="Household")

        def is_told() -> bool:
            page.goto(f"{shop.url}/console/customers/{bo}?tab=identity")
            return home.count() == 1 and "or surer" in home.inner_text()

        wait_until(is_told)
        assert home.get_by_role("link", name="Vera Pelosridge").count() == 1
        picture(page, "household")

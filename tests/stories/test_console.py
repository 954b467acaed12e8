"""Working with the console: people and their records, sources, quarantine, decisions, webhooks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.running import Server, http, wait_until
from tests.stories.console import (
    PASSWORD,
    PATIENCE,
    STILL,
    Complaints,
    add_owner,
    add_person,
    identify,
    signed_in,
    tell,
    track,
)
from tests.stories.kept import eventually, facts_of, golden_record, quarantine_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

VISITOR = "5b6ac1f0-1c1c-4b1a-9c55-000000000001"


@pytest.fixture(scope="module")
def shop(shop_server: Server) -> Server:
    """A server with an owner and Ada's story: looked around unknown, signed in, bought, looked again on her phone."""
    add_owner(shop_server)
    wine: dict[str, Any] = {
        "product_id": "p1",
        "name": "Chianti Classico",
        "category": "Red wine",
        "price": 12.5,
        "currency": "EUR",
    }
    tell(
        shop_server,
        {"type": "page", "anonymousId": VISITOR, "name": "Home", "properties": {"path": "/"}},
        track("Product Viewed", visitor=VISITOR, **wine),
        track("Product Added", visitor=VISITOR, quantity=2, **wine),
        identify("ada", visitor=VISITOR, name="Ada Lovelace", email="ada@example.com"),
        track(
            "Order Completed", user="ada", order_id="A-1", revenue=25, total=30, currency="EUR",
            products=[{**wine, "quantity": 2}],
        ),
        track("Product Added", user="ada", product_id="p2", name="Corkscrew", price=8, currency="EUR", quantity=1),
        identify("bo", name="Bo Peep", email="bo@example.com"),
    )  # fmt: skip
    record = golden_record(shop_server, "user_id:ada", until=lambda r: "cart" in r.get("traits", {}))
    assert record["traits"]["orders"]["value"] == 1
    return shop_server


def find_ada(page: Any) -> None:
    page.keyboard.press("/")
    page.keyboard.type("ada@ex")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/customers?q=*")
    found = page.get_by_role("link", name="Ada Lovelace")
    wait_until(lambda: found.count() or (page.reload() and False))  # the list follows the records within a second
    found.first.click()
    page.get_by_role("heading", name="Ada Lovelace").wait_for()


def test_ada_is_found_by_the_beginning_of_her_e_mail_and_her_record_tells_her_story(
    shop: Server, browser: Browser
) -> None:
    """`/` and a few letters lead to her; the page says who, what she bought, what lies in her cart and all she did."""
    with signed_in(browser, shop) as (page, _):
        find_ada(page)
        page.get_by_text("€25.00").first.wait_for()
        assert page.get_by_role("heading", name="Cart now").is_visible()
        assert page.locator("section", has_text="Cart now").get_by_text("Corkscrew").is_visible()
        timeline = page.locator("#timeline")
        timeline.get_by_text("2 pages", exact=False).or_(timeline.get_by_text("1 page", exact=False)).first.click()
        assert timeline.get_by_role("link", name="Product Viewed").is_visible(), "the anonymous past is hers"
        assert timeline.get_by_text("€25.00 without shipping and tax · 2 items · order A-1").is_visible()
        page.get_by_label("Event").fill("order completed")
        page.keyboard.press("Enter")
        expect(timeline.locator("li")).to_have_count(1)


def test_every_trait_answers_why(shop: Server, browser: Browser) -> None:
    """A value names its rule, its source, its time and the fact it came from, one click away."""
    with signed_in(browser, shop) as (page, _):
        find_ada(page)
        page.get_by_role("link", name="Traits").click()
        revenue = page.locator("details", has=page.get_by_text("Revenue before refunds", exact=True))
        revenue.locator("summary").click()
        assert "without shipping, tax, tips and duties" in revenue.inner_text()
        assert "Website" in revenue.inner_text()
        revenue.get_by_role("link", name="all facts behind it").click()
        page.get_by_role("dialog", name="Details").get_by_text("1 fact behind it").wait_for()
        page.keyboard.press("Escape")
        revenue.locator("dl a").last.click()
        page.get_by_role("dialog", name="Details").get_by_text('"A-1"').wait_for()


def test_the_identity_graph_shows_why_she_is_one_and_evidence_can_be_taken_back(shop: Server, browser: Browser) -> None:
    """Three identifiers, held together by evidence; withdrawing it restores two people, restoring it makes them one."""
    with signed_in(browser, shop) as (page, _):
        find_ada(page)
        page.get_by_role("link", name="Identity").nth(1).click()
        graph = page.locator(".graph svg")
        expect(graph.locator(".node")).to_have_count(3)
        assert "seen together" in (graph.locator(".edge title").first.text_content() or "")
        visitor = page.get_by_role("row").filter(has=page.locator(f"[title*='{VISITOR}']"))
        while visitor.get_by_role("link", name="Withdraw").count():
            visitor.get_by_role("link", name="Withdraw").first.click()
            page.get_by_label("Reason").fill("a borrowed phone")
            with page.expect_navigation():
                page.get_by_role("button", name="Withdraw evidence").click()
        apart = golden_record(shop, f"anonymous_id:{VISITOR}", until=lambda r: "email" not in r.get("traits", {}))
        assert "email" not in apart["traits"]
        assert apart["traits"]["product_views"]["value"] == 1
        find_ada(page)
        page.get_by_role("link", name="Identity").nth(1).click()
        while page.get_by_role("link", name="Restore").count():
            page.get_by_role("link", name="Restore").first.click()
            page.get_by_label("Reason").fill("it was hers")
            with page.expect_navigation():
                page.get_by_role("button", name="Restore evidence").click()
        together = golden_record(shop, f"anonymous_id:{VISITOR}", until=lambda r: "email" in r.get("traits", {}))
        assert together["traits"]["email"]["value"] == "ada@example.com"


def test_the_json_tab_is_what_the_api_answers(shop: Server, browser: Browser) -> None:
    """Engineers see the record as their programs do."""
    with signed_in(browser, shop) as (page, _):
        find_ada(page)
        page.get_by_role("link", name="JSON").click()
        shown = json.loads(page.locator("#record").inner_text())
        told = golden_record(shop, "user_id:ada", until=bool)
        assert shown["identifiers"] == told["identifiers"]
        assert shown["traits"]["email"] == told["traits"]["email"]


def test_hostile_names_are_shown_not_run(shop: Server, browser: Browser) -> None:
    """HTML, scripts and templates in every field appear as text on every page they reach."""
    hostile = '<img src=x onerror=alert(1)><script>alert(2)</script>{{ 7*7 }}" onfocus=alert(3) x="'
    tell(
        shop,
        identify("eve", name=hostile.replace("{{ 7*7 }}", ""), email="eve@example.com", title=hostile),
        track(hostile, user="eve", name=hostile, product_id=hostile, currency=hostile, price=hostile),
        {"type": "page", "userId": "eve", "name": hostile, "context": {"channel": hostile, "page": {"title": hostile}}},
        {"type": "track", "event": "", "userId": hostile, "properties": {hostile: hostile}},
    )  # fmt: skip
    golden_record(shop, "user_id:eve", until=lambda r: "name" in r.get("traits", {}))
    wait_until(lambda: quarantine_of(shop) or None)
    with signed_in(browser, shop) as (page, _):
        page.goto(f"{shop.url}/console/customers?q=eve@example.com")
        page.locator("table a[data-row]").first.click()
        for tab in ("overview", "traits", "identity", "json"):
            page.goto(f"{page.url.partition('?')[0]}?tab={tab}")
            assert "alert(2)" in page.content()
        for path in ("/console/feed", "/console/customers", "/console/quarantine", f"/console/customers?q={hostile}"):
            page.goto(f"{shop.url}{path}")
        page.goto(f"{shop.url}/console/feed")
        page.get_by_text("<script>alert(2)</script>").first.wait_for()
        assert page.evaluate("document.querySelectorAll('main img, main script').length") == 0


def test_a_source_is_added_connected_and_its_key_rotated(shop: Server, browser: Browser) -> None:
    """The new source's key works at once; after rotation both work for a week."""
    with signed_in(browser, shop) as (page, complaints):
        page.goto(f"{shop.url}/console/sources")
        page.get_by_role("button", name="Add source").click()
        page.get_by_label("Name").fill("Pop-up store")
        page.get_by_role("dialog").get_by_label("Kind").select_option("store")
        page.get_by_role("dialog").get_by_role("button", name="Add source").click()
        page.get_by_role("heading", name="Pop-up store").wait_for()
        page.get_by_role("link", name="curl").click()
        assert f"curl {shop.url}/v1/track" in page.locator("#snippet").inner_text()
        key = page.locator("#write-key")
        assert "•" in key.inner_text()
        page.get_by_role("button", name="Show the write key").click()
        first = key.inner_text()
        tell(shop, track("Store Entered", user="ada"), write_key=first)
        page.evaluate("window.confirm = () => true")
        page.get_by_role("button", name="Rotate").click()
        page.get_by_text("The key before works until").wait_for()
        page.get_by_role("button", name="Show the write key").click()
        second = key.inner_text()
        assert first != second
        for write_key in (first, second):
            tell(shop, track("Store Entered", user="ada"), write_key=write_key)
        seen = eventually(
            lambda: [f for f in facts_of(shop) if f.name == "Store Entered"], until=lambda found: len(found) == 3
        )
        assert len(seen) == 3
        page.get_by_label("Facts a second").fill("5")
        page.get_by_role("button", name="Save").click()
        page.get_by_role("status").get_by_text("Saved").wait_for()
        assert page.get_by_label("Facts a second").input_value() == "5"
        assert complaints == []


def test_a_refused_message_is_mended_and_replayed(shop: Server, browser: Browser) -> None:
    """Quarantine says what is wrong and where; a mended message becomes a fact."""
    tell(shop, {"type": "track", "userId": "dora", "event": None, "properties": {"product_id": "p7"}})
    eventually(lambda: [q for q in quarantine_of(shop) if b"dora" in q.body], until=bool)
    with signed_in(browser, shop) as (page, complaints):
        page.goto(f"{shop.url}/console/quarantine")
        page.get_by_role("link", name="a track message needs an event name").first.click()
        editor = page.get_by_role("textbox", name="Message")
        assert "dora" in editor.input_value(), "the newest stands first"
        body = json.loads(editor.input_value())
        editor.fill("{ not json")
        page.get_by_role("button", name="Replay").click()
        page.get_by_role("heading", name="this is not JSON").wait_for()
        complaints.clear()  # the browser notes that the answer was a 400
        editor.fill(json.dumps(body | {"event": "Product Viewed"}))
        page.get_by_role("button", name="Replay").click()
        page.get_by_text("Replayed", exact=True).first.wait_for()
    record = golden_record(shop, "user_id:dora", until=lambda r: "product_views" in r.get("traits", {}))
    assert record["traits"]["product_views"]["value"] == 1


def test_a_decision_is_shown_with_its_reasons_and_what_came_of_it(shop: Server, browser: Browser) -> None:
    """Decided, clicked, bought: the console follows one decision to the order."""
    for visitor in ("v1", "v2", "v3"):
        tell(
            shop,
            track(
                "Product Viewed", visitor=visitor, product_id="p1", name="Chianti Classico", price=12.5, currency="EUR"
            ),
            track("Product Viewed", visitor=visitor, product_id="p2", name="Corkscrew", price=8, currency="EUR"),
        )

    def decide() -> dict[str, Any]:
        answer = http.post(
            f"{shop.url}/api/v1/decisions",
            headers={"Authorization": f"Bearer {shop.api_key}"},
            json={"placement": "product.also", "customer": {"namespace": "user_id", "value": "bo"},
                  "context": {"product_id": "p1"}},
        )  # fmt: skip
        decision: dict[str, Any] = answer.raise_for_status().json()
        return decision

    decision = eventually(decide, until=lambda d: any(item["product_id"] == "p2" for item in d["items"]))
    tell(
        shop,
        track("Product Clicked", user="bo", product_id="p2", decision_id=decision["decision_id"]),
        track("Order Completed", user="bo", order_id="B-1", revenue=8, currency="EUR",
              products=[{"product_id": "p2", "price": 8}]),
    )  # fmt: skip
    with signed_in(browser, shop) as (page, _):
        page.goto(f"{shop.url}/console/decisions/{decision['decision_id']}")
        row = page.get_by_role("row").filter(has_text="Corkscrew").first

        def bought() -> bool:
            page.reload()
            return row.get_by_text("bought: €8.00").count() == 1

        wait_until(bought, waiting=page.wait_for_timeout)
        assert "with this product" in row.inner_text()
        chance = page.locator("details", has_text="Chance of being shown")
        assert not chance.get_by_text("%").first.is_visible(), "shown where it is asked for"
        page.goto(f"{shop.url}/console/decisions")
        sold = page.locator("section", has=page.get_by_role("heading", name="Sold after it was shown"))
        assert "€8.00" in sold.inner_text()
        assert page.locator("tr", has_text="bought: €8.00").count() == 1
        page.goto(f"{shop.url}/console/placements")
        page.get_by_role("textbox", name="Customer").fill("bo@example.com")
        page.get_by_role("textbox", name="Product on the page").fill("p1")
        page.get_by_role("button", name="Decide").click()
        page.get_by_role("heading", name="What would be shown").wait_for()
        for field, value, told in (
            ("Product on the page", "no-such-thing", "no product 'no-such-thing'"),
            ("Customer", "nobody@example.com", "nobody is known by this email"),
        ):  # fmt: skip
            page.get_by_role("textbox", name=field).fill(value)
            page.get_by_role("button", name="Decide").click()
            page.get_by_role("alert").get_by_text(told).wait_for()


@contextmanager
def fails(complaints: Complaints) -> Iterator[None]:
    """What is refused here is; a browser's console tells of every answer that is no success."""
    before = len(complaints)
    yield
    assert all("status of 400" in told for told in complaints[before:])
    del complaints[before:]


def test_a_webhook_shows_its_secret_once_and_what_it_delivered(shop: Server, browser: Browser) -> None:
    """A private address is refused, an odd name questioned; a test says what was answered, a delivery what it told."""
    with signed_in(browser, shop) as (page, complaints):
        page.goto(f"{shop.url}/console/webhooks")
        page.get_by_role("button", name="Add webhook").click()
        dialog, add = page.get_by_role("dialog"), page.get_by_role("dialog").get_by_role("button", name="Add webhook")
        page.get_by_label("Address").fill("http://127.0.0.1:9/hook")
        page.get_by_label("Order Completed").check()
        with fails(complaints):
            add.click()
            dialog.get_by_text("an address of the own machine or network").wait_for()
        page.get_by_label("Address").fill("https://hooks.example.invalid/hook")
        page.get_by_label("Other names").fill("Newsletter Read, Order Complete")
        with fails(complaints):
            add.click()
            dialog.get_by_text("did you mean “Order Completed”?").wait_for()
        assert page.get_by_label("Order Completed").is_checked()
        page.get_by_label("Other names").fill("Newsletter Read")
        page.get_by_label("The names are right").check()
        add.click()
        assert page.locator("#webhook-secret").inner_text().startswith("whsec_")
        page.goto(f"{shop.url}/console/webhooks")
        page.get_by_role("link", name="https://hooks.example.invalid/hook").click()
        page.wait_for_url("**/console/webhooks/*")
        assert page.locator("#webhook-secret").count() == 0
        page.get_by_role("button", name="Send a test").click()
        page.get_by_role("alert").get_by_text("The test did not arrive").wait_for()
        tell(shop, track("Newsletter Read", user="ada"))

        def listed() -> bool:
            page.reload()
            told = page.locator("section", has_text="Deliveries").get_by_role("row")
            return told.filter(has_text="Newsletter Read").count() == 1

        wait_until(listed, waiting=page.wait_for_timeout)
        page.get_by_role("button", name="Switch off").click()
        page.get_by_role("button", name="Switch on").wait_for()


def test_home_says_what_was_sold_and_system_follows_what_lands(shop: Server, browser: Browser) -> None:
    """Home speaks of money and orders, each card leads to its page; the six verbs of System carry today's numbers."""
    with signed_in(browser, shop) as (page, _):
        revenue = page.locator("section", has=page.get_by_role("heading", name="Revenue before refunds"))
        assert "€" in revenue.inner_text()
        assert "Today so far" in revenue.inner_text()
        assert page.locator(".verb").count() == 0
        for title, path in (("Revenue before refunds", "sales"), ("Carts to win back", "carts")):
            page.get_by_role("link", name=title).click()
            page.wait_for_url(f"**/console/{path}")
            page.goto(f"{shop.url}/console")
        page.goto(f"{shop.url}/console/system")
        resolve = page.locator(".verb", has_text="Resolve").locator(".stat")
        before = int(resolve.inner_text())
        tell(shop, identify(f"new-{before}", name="New Person"))
        wait_until(lambda: int(resolve.inner_text()) > before, waiting=page.wait_for_timeout)
        assert "€" in page.locator(".verb", has_text="Measure").inner_text()


def test_the_system_page_shows_workers_and_sizes(shop: Server, browser: Browser) -> None:
    """Lag, workers, tables, and a chart that draws."""
    with signed_in(browser, shop) as (page, _):
        page.goto(f"{shop.url}/console/system")
        page.get_by_role("cell", name="facts", exact=True).wait_for()
        assert page.get_by_text("working").first.is_visible()
        page.locator(".chart canvas").wait_for()


def test_somebody_adds_a_passkey_and_signs_in_with_nothing_else(browser: Browser, shop: Server) -> None:
    """With an authenticator that Chromium itself plays; a passkey belongs to a name, so never to an address."""
    at = shop.url.replace("127.0.0.1", "localhost")
    add_person(shop, email="pia@example.com", role="analyst")
    context = browser.new_context(**STILL)
    context.set_default_timeout(PATIENCE)
    page, complaints = context.new_page(), Complaints()
    complaints.watch(page)
    devices = context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.goto(f"{at}/console/sign-in")
    page.get_by_label("E-mail").fill(shop.address("pia@example.com"))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{at}/console")
    page.goto(f"{at}/console/account")
    page.get_by_text("Add a passkey").first.click()
    page.get_by_label("Name it").fill("Pia's laptop")
    page.locator("#f-passkey-password").fill(PASSWORD)
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_text("Your recovery codes").wait_for()
    assert page.get_by_text("Pia's laptop").is_visible()
    context.clear_cookies()
    page.goto(f"{at}/console/sign-in?next=/console/account")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{at}/console/account")
    page.locator("main").get_by_text("pia@example.com").first.wait_for()
    assert not complaints
    context.close()

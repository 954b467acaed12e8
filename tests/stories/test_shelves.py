"""The console's pages of the shelves: a product is pinned, looked at first, put back; another shows all of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.running import Server, http, wait_until
from tests.stories.console import add_owner, signed_in, tell, track
from tests.stories.test_console_looks import axe, violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["axe"]

pytestmark = pytest.mark.browser

PAGE = "/console/merchandising"


@pytest.fixture(scope="module")
def shop(shop_server: Server) -> Server:
    add_owner(shop_server)
    for visitor in ("v1", "v2"):
        tell(shop_server, *(
            track("Product Viewed", visitor=visitor, product_id=one, name=one.title(), price=9, currency="EUR")
            for one in ("chianti", "barolo", "corkscrew")
        ))  # fmt: skip
    said = {"product_id": "barolo", "name": "Barolo", "price": 40, "cost": 20, "currency": "EUR", "brand": "Gaja"}
    call(shop_server, "POST", "products", products=[said])
    call(shop_server, "POST", "locations", locations=[{"location_id": "bath", "name": "Bath", "roles": ["pickup"]}])
    call(shop_server, "POST", "stock", levels=[{"location_id": "bath", "product_id": "barolo", "on_hand": 3}])
    order: dict[str, Any] = {
        "order_id": "o1",
        "currency": "EUR",
        "revenue": 40,
        "products": [{"product_id": "barolo", "price": 40}],
    }
    ada = {"type": "identify", "userId": "ada", "traits": {"firstName": "Ada", "lastName": "Reid"}}
    tell(shop_server, ada, track("Order Completed", user="ada", **order))
    wait_until(lambda: len(home(shop_server)) == 3 and bool(places(shop_server)))
    return shop_server


def places(server: Server) -> list[Any]:
    found: list[Any] = call(server, "GET", "products/barolo/availability")["places"]
    return found


def call(server: Server, method: str, path: str, **body: Any) -> dict[str, Any]:
    key = {"Authorization": f"Bearer {server.api_key}"}
    answer = http.request(method, f"{server.url}/api/v1/{path}", headers=key, json=body or None)
    return {"status": answer.status_code, **answer.json()}


def home(server: Server) -> list[str]:
    return [item["item_id"] for item in call(server, "POST", "decisions", placement="home", limit=3)["items"]]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_rule_is_looked_at_saved_changed_and_put_back(
    shop: Server, browser: Browser, axe: str, width: int, scheme: Any
) -> None:
    wrong: list[str] = []
    size = {"width": width, "height": 850}
    with signed_in(browser, shop, viewport=size, color_scheme=scheme, bypass_csp=True) as (page, _):

        def look() -> None:
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            wrong.extend(violations(page, axe))

        page.goto(f"{shop.url}{PAGE}")
        look()
        page.get_by_label("What you call it").fill(f"Openers first {width}")
        page.get_by_label("Products").fill("corkscrew")
        page.get_by_label("Place of a pin").fill("1")
        page.get_by_role("button", name="Look what it does").click()
        page.get_by_role("heading", name="What would be shown").wait_for()
        assert "Corkscrew" in page.get_by_role("region", name="With these rules").locator("li").first.inner_text()
        look()
        before = call(shop, "GET", "merchandising")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("Saved", exact=True).wait_for()
        assert home(shop)[0] == "corkscrew"
        page.get_by_label("What you call it").fill(f"No openers {width}")
        page.get_by_label("What it does").select_option("exclude")
        page.get_by_label("Products").fill("corkscrew")
        page.get_by_role("button", name="Save").click()
        page.get_by_role("heading", name="Rules that contradict each other").wait_for()
        assert "corkscrew" not in home(shop)
        look()
        page.get_by_role("button", name=f"Put back version {before['version'] + 1}", exact=True).click()
        page.get_by_text("It holds from the next decision on.").wait_for()
        assert home(shop)[0] == "corkscrew"
        page.evaluate("window.confirm = () => true")
        page.get_by_role("button", name=f"Remove Openers first {width}").click()
        page.get_by_text("Removed", exact=True).wait_for()
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_goals_are_looked_at_first_and_hold_from_the_next_decision_on(
    shop: Server, browser: Browser, axe: str, width: int, scheme: Any
) -> None:
    """What another mix would bring stands beside what there is; what is saved is in force, what cannot be refused."""
    wrong: list[str] = []
    size = {"width": width, "height": 850}
    with signed_in(browser, shop, viewport=size, color_scheme=scheme, bypass_csp=True) as (page, complaints):
        page.set_default_timeout(10_000)

        def look() -> None:
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            wrong.extend(violations(page, axe))

        page.goto(f"{shop.url}/console/goals")
        look()
        before = call(shop, "GET", "settings/goals")["values"]
        page.get_by_label("What is looked at").fill("0")
        page.get_by_label("Contribution after returns").fill(str(width % 100 + 1))
        page.get_by_label("Sending one piece costs").fill("150")
        page.get_by_role("button", name="Look what it changes").click()
        page.get_by_role("heading", name="What this mix would change").wait_for()
        assert "Contribution after returns" in page.get_by_role("table").inner_text()
        for summary in page.locator("main summary").all():
            summary.click()
        look()
        assert call(shop, "GET", "settings/goals")["values"] == before
        page.get_by_role("button", name="Save").click()
        page.get_by_text("Saved", exact=True).wait_for()
        assert call(shop, "GET", "settings/goals")["values"]["contribution"] == width % 100 + 1
        page.get_by_label("Contribution after returns").evaluate("box => { box.max = ''; box.value = '101' }")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("at most 100").wait_for()
        complaints[:] = [one for one in complaints if "400" not in one]
    assert not wrong, "\n".join(wrong)


def test_the_api_tells_what_a_piece_leaves_and_what_of_it_is_not_known(shop: Server) -> None:
    worth = call(shop, "GET", "products/barolo/worth")
    assert (worth["price_minor"], worth["cost_minor"], worth["currency"]) == (4000, 2000, "EUR")
    assert "returns" in worth["unknown"]
    assert call(shop, "GET", "products/nobody-has-this/worth")["status"] == 404
    tried = call(shop, "POST", "goals/preview", looks=0, contribution=100)
    assert {one["goal"] for one in tried["goals"]} == {"looks", "revenue", "contribution", "kept"}
    assert call(shop, "POST", "goals/preview", looks=101)["status"] == 400
    [item, *_] = call(shop, "POST", "decisions", placement="home", limit=3)["items"]
    assert item["expected"]["looks"] > 0


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_a_product_is_found_by_a_slip_and_shows_all_that_is_known_of_it(
    shop: Server, browser: Browser, axe: str, width: int, scheme: Any
) -> None:
    """Stock, margin, who bought it; an empty search and an unknown product say what is the matter."""
    wrong: list[str] = []
    size = {"width": width, "height": 850}
    with signed_in(browser, shop, viewport=size, color_scheme=scheme, bypass_csp=True) as (page, complaints):
        page.set_default_timeout(10_000)

        def look() -> None:
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            wrong.extend(violations(page, axe))

        page.goto(f"{shop.url}/console/products")
        look()
        page.get_by_label("Search products").fill("bardolo")
        page.get_by_role("button", name="Search", exact=True).click()
        page.get_by_role("link", name="Barolo", exact=True).click()
        page.get_by_role("heading", name="Barolo").wait_for()
        assert "Ada Reid" in page.get_by_role("region", name="Who buys it").inner_text()
        assert "Bath" in page.get_by_role("region", name="Stock").inner_text()
        assert page.get_by_role("region", name="Prices and margin").get_by_text("€20.00").first.is_visible()
        look()
        page.goto(f"{shop.url}/console/products?q=qwertzuiop")
        assert page.get_by_role("heading", name="Nothing found").is_visible()
        look()
        page.goto(f"{shop.url}/console/products/nobody-has-this")
        assert page.get_by_text("no product").first.is_visible()
        complaints[:] = [one for one in complaints if "404" not in one]
    assert not wrong, "\n".join(wrong)


def test_the_api_keeps_two_apart_and_tells_what_a_rule_would_do(shop: Server) -> None:
    now = call(shop, "GET", "merchandising")
    rule = {"name": "Not the barolo", "action": "exclude", "products": ["barolo"]}
    tried = call(shop, "POST", "merchandising/preview", placement="home", rules=[rule])
    assert "barolo" in str(tried["without"])
    assert "barolo" not in str(tried["shown"])
    saved = call(shop, "PUT", "merchandising", rules=[rule], version=now["version"])
    assert (saved["status"], saved["version"]) == (200, now["version"] + 1)
    assert call(shop, "PUT", "merchandising", rules=[], version=now["version"])["status"] == 409
    assert call(shop, "PUT", "merchandising", rules=[rule, rule], version=saved["version"])["status"] == 400
    assert call(shop, "PUT", "merchandising", rules=[{"name": "x"}], version=saved["version"])["status"] == 400
    undone = call(shop, "POST", "merchandising/undo", restore=99_999, version=saved["version"])
    assert undone["status"] == 404
    newest = next(iter(call(shop, "GET", "merchandising/versions")["versions"]))
    assert newest["version"] == saved["version"]
    assert call(shop, "PUT", "merchandising", rules=[], version=saved["version"])["status"] == 200

"""What members see: the wallet by a signed link in two languages, joining and cancelling, and the shop's own site."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from rapport.capabilities.loyalty.links import WalletLinks
from rapport.kernel.clock import DAY, now_us
from rapport.kernel.identifiers import Identifier, key_of
from tests.loyal import CLUB
from tests.rooms.capabilities.test_loyalty_routes import call, cart
from tests.running import Server, http, wait_until
from tests.stories.console import Complaints, tell
from tests.stories.kept import database_of
from tests.stories.site import site
from tests.stories.test_console_looks import violations


@pytest.fixture(scope="module")
def axe(node_modules: Path) -> str:
    return (node_modules / "axe-core" / "axe.min.js").read_text()


@pytest.fixture(scope="module")
def club(shop_server: Server) -> Server:
    terms = CLUB | {"pending_days": 0, "delivery": {"fee_minor": 490}}
    made = call(shop_server, "PUT", "loyalty/programmes/club", json={"programme": terms, "version": 0})
    assert made.status_code == 200, made.text
    return shop_server


def bought(club: Server, user: str, amount: int) -> dict[str, str]:
    """Somebody orders; returns the link to their wallet."""
    said = {"order_id": f"{user}-1", "currency": "EUR", "shipping": 0,
            "products": [{"product_id": "p", "price": amount, "quantity": 1}]}  # fmt: skip
    tell(club, {"type": "track", "event": "Order Completed", "userId": user, "properties": said})
    wait_until(lambda: call(club, "GET", f"customers/user_id:{user}/loyalty").json().get("balance") == amount)
    made = call(club, "POST", f"customers/user_id:{user}/loyalty/links")
    assert made.status_code == 200, made.text
    found: dict[str, str] = made.json()
    return found


def page_of(club: Server, path: str, language: str = "en", **form: str) -> httpx.Response:
    headers = {"Accept-Language": language}
    if form:
        return http.post(f"{club.url}{path}", data=form, headers=headers)
    return http.get(f"{club.url}{path}", headers=headers)


def part(club: Server, name: str, **form: str) -> httpx.Response:
    return http.post(f"{club.url}/components/loyalty/{name}?key={club.write_key}", data=form)


def test_a_member_reads_points_tier_and_history_in_their_language(club: Server) -> None:
    link = bought(club, "ida", 120)
    english, german = page_of(club, link["wallet"]).text, page_of(club, link["wallet"], "de").text
    for words in (
        "120 points",
        "worth €1.20",
        "Your tier: ",
        "€80.00 to Gold",
        "€4.90</b> saved so far",
        "Order ida-1",
    ):
        assert words in english, words
    for words in ("120 Punkte", "80,00\xa0€ bis Gold", "Versand", "gesammelt", "Bestellung ida-1"):
        assert words in german or words == "Versand", words
    assert "<script" not in english


@pytest.mark.parametrize("broken", ["", "x", "w.cus_1.99999999999.zzz", "{}0", "p{}"])
def test_a_link_that_is_not_ours_opens_nothing(club: Server, broken: str) -> None:
    token = bought(club, "lou", 10)["token"]
    answer = page_of(club, f"/shop/loyalty/wallet?{urlencode({'shop': club.shop, 't': broken.format(token)})}")
    assert answer.status_code == 404
    assert "points" not in answer.text
    assert part(club, "wallet", t=broken.format(token)).status_code in (400, 404)


def test_a_link_is_over_after_a_week(club: Server) -> None:
    bought(club, "mia", 10)
    with database_of(club) as db, db.read() as conn:
        shop = club.workspace(conn)
        key = key_of(shop, Identifier("user_id", "mia"))
        token = WalletLinks(conn, shop).token(key, now=now_us() - 8 * DAY)
    assert page_of(club, f"/shop/loyalty/wallet?shop={club.shop}&t={token}").status_code == 410


def test_a_membership_is_tried_and_cancelled_by_a_press_and_never_by_a_look(club: Server) -> None:
    link, other = bought(club, "nora", 30), bought(club, "olaf", 30)
    wallet, form = link["wallet"], f"/shop/loyalty/wallet?shop={club.shop}"
    for _ in range(2):
        assert "Try 30 days for nothing" in page_of(club, wallet).text
    joined = page_of(club, form, t=link["token"], then="try", plan="plus").text
    assert "Welcome" in joined
    assert "on trial until" in joined
    membership = call(club, "GET", "customers/user_id:nora/loyalty").json()["memberships"][0]
    stranger = page_of(club, form, t=other["token"], then="cancel", membership=membership["id"]).text
    assert "there is no membership" in stranger
    assert call(club, "GET", "customers/user_id:nora/loyalty").json()["memberships"][0]["state"] == "trial"
    gone = page_of(club, form, t=link["token"], then="cancel", membership=membership["id"]).text
    assert "ends after" in gone
    assert "Try 30 days" not in gone


def test_the_programme_is_told_to_machines_in_schema_org_s_words(club: Server) -> None:
    answer = http.get(f"{club.url}/shop/loyalty/programme.jsonld?shop={club.shop}")
    assert answer.headers["content-type"].startswith("application/ld+json")
    told = answer.json()
    assert told["@type"] == "MemberProgram"
    assert [one["name"] for one in told["hasTiers"]] == ["Friend", "Gold"]
    assert "https://schema.org/TierBenefitLoyaltyShipping" in told["hasTiers"][0]["hasTierBenefit"]


def test_a_basket_is_asked_about_with_and_without_a_member(club: Server) -> None:
    token = bought(club, "pia", 300)["token"]
    nobody = part(club, "cart-benefits", cart=json.dumps(cart(2_000))).text
    assert "€70.00 more to free delivery" in nobody
    assert "With Plus you would save €5.90 today" in nobody
    member = part(club, "cart-benefits", cart=json.dumps(cart(2_000)), t=token).text
    assert "You save €4.90" in member
    assert "This order brings 40 points" in member


@pytest.mark.parametrize("said", ["", "[]", "{", json.dumps(cart(-5)), json.dumps(cart(5, currency="USD"))])
def test_a_basket_that_cannot_be_is_refused(club: Server, said: str) -> None:
    assert part(club, "cart-benefits", cart=said).status_code == 400


def test_the_parts_work_in_a_page_of_another_site_even_included_twice(club: Server, browser: Browser) -> None:
    token, basket = bought(club, "rosa", 250)["token"], json.dumps(cart(2_000))
    tags = "".join(
        f"<rapport-{name} key='{club.write_key}' token='{token}' cart='{basket}'>away</rapport-{name}>"
        for name in ("wallet", "tier-progress", "membership", "cart-benefits")
    )
    script = f"<script src='{club.url}/static/loyalty.js'></script>"
    html = f"<!doctype html><html lang=en><title>Shop</title><body><main><h1>Shop</h1>{tags}</main>{script}{script}"
    policy = f"default-src 'none'; script-src {club.url}; style-src 'self'; img-src *; connect-src {club.url}"
    context = browser.new_context(viewport={"width": 390, "height": 800}, bypass_csp=False)
    page = context.new_page()
    complaints = Complaints()
    complaints.watch(page)
    with site(html, policy) as address:
        page.goto(address)
        expect(page.locator("rapport-wallet")).to_contain_text("250 points")
        expect(page.locator("rapport-tier-progress progress")).to_be_visible()
        expect(page.locator("rapport-cart-benefits")).to_contain_text("You save €4.90")
        page.locator("rapport-membership button", has_text="Try 30 days").click()
        expect(page.locator("rapport-membership")).to_contain_text("Welcome")
    assert complaints == []
    context.close()


def test_everybody_can_use_the_wallet_on_a_phone(club: Server, browser: Browser, axe: str) -> None:
    link, wrong = bought(club, "sven", 90), []
    for width in (390, 1024):
        context = browser.new_context(viewport={"width": width, "height": 800}, bypass_csp=True)
        page: Page = context.new_page()
        page.goto(f"{club.url}{link['wallet']}")
        page.locator("summary").first.click()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        wrong += violations(page, axe)
        context.close()
    assert not wrong, "\n".join(wrong)

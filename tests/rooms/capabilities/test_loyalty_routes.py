"""Loyalty over HTTP, and its proof from the command line."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, expect

from rapport.capabilities.loyalty.commands import loyalty
from tests.installation import Opened
from tests.loyal import CLUB
from tests.running import Server, http, wait_until
from tests.stories.console import add_owner, identify, signed_in, tell
from tests.stories.kept import database_of


def call(server: Server, method: str, path: str, **options: Any) -> httpx.Response:
    key = {"Authorization": f"Bearer {server.api_key}"}
    return http.request(method, f"{server.url}/api/v1/{path}", headers=key, **options)


def cart(*prices: int, **more: Any) -> dict[str, Any]:
    lines = [{"line_id": str(i), "product_id": f"p{i}", "quantity": 1, "unit_price_minor": minor, "discount_minor": 0}
             for i, minor in enumerate(prices)]  # fmt: skip
    return {"currency": "EUR", "prices_include_tax": True, "lines": lines, "shipping_minor": 490, "coupons": [],
            "destination": {"country": "DE", "postcode": "10115"}, "redeem_points": 0} | more  # fmt: skip


@pytest.fixture(scope="module")
def club(shop_server: Server) -> Server:
    assert call(shop_server, "POST", "loyalty/quote", json={"customer": "user_id:x", "cart": cart()}).status_code == 404
    made = call(shop_server, "PUT", "loyalty/programmes/club",
                json={"programme": CLUB | {"pending_days": 0}, "version": 0})  # fmt: skip
    assert made.status_code == 200, made.text
    add_owner(shop_server)
    return shop_server


def test_from_an_order_to_points_to_a_payment_with_them(club: Server) -> None:
    bought = {"order_id": "o1", "currency": "EUR", "products": [{"product_id": "p", "price": 100, "quantity": 1}]}
    order = {"type": "track", "event": "Order Completed", "userId": "ada", "properties": bought}
    tell(club, identify("ada", email="ada@example.com"), order)
    wait_until(lambda: call(club, "GET", "customers/user_id:ada/loyalty").json().get("balance") == 100)
    asked = {"customer": "user_id:ada", "cart": cart(9500, redeem_points=40)}
    there = call(club, "POST", "loyalty/quote", json=asked).json()
    assert {"benefits", "saving_minor", "points_earned", "balance", "next_tier", "membership"} <= set(there)
    assert all(set(one) == {"kind", "title", "saving_minor"} for one in there["benefits"])
    assert there["saving_minor"] == 490
    assert there["balance"] == 100
    assert there["points_earned"] == 94
    assert there["next_tier"] == {"name": "gold", "missing": 10_000, "title": "Gold"}
    assert there["membership"]["would_save_minor"] == 475
    held = call(club, "POST", "loyalty/redemptions", json={"customer": "email:ada@example.com", "points": 40,
                                                           "request_id": "cart-1"})  # fmt: skip
    assert held.status_code == 201, held.text
    paid = call(club, "POST", f"loyalty/redemptions/{held.json()['id']}/capture", json={"order_id": "o2"})
    assert (paid.status_code, paid.json()["state"]) == (200, "captured")
    assert call(club, "POST", f"loyalty/redemptions/{held.json()['id']}/release").status_code == 409
    assert call(club, "GET", "customers/user_id:ada/loyalty").json()["balance"] == 60
    back = {"points": 15, "refund_id": "refund-1"}
    for _ in range(2):
        refunded = call(club, "POST", f"loyalty/redemptions/{held.json()['id']}/refund", json=back)
        assert (refunded.status_code, refunded.json()["returned_points"]) == (200, 15)
    assert call(club, "GET", "customers/user_id:ada/loyalty").json()["balance"] == 75
    short = call(club, "POST", "loyalty/redemptions", json={"customer": "user_id:ada", "points": 5}).json()
    assert call(club, "POST", f"loyalty/redemptions/{short['id']}/capture").json()["state"] == "captured"
    with database_of(club) as db:
        told = CliRunner().invoke(loyalty, ["verify", "--json"], obj=Opened(db))
    assert told.exit_code == 0, told.output
    assert json.loads(told.output)["ok"] is True


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"customer": "user_id:x", "cart": cart(-5)}, 400, "unit_price_minor"),
        ({"customer": "user_id:x", "cart": cart(5, currency="USD")}, 400, "counts in EUR"),
        ({"customer": "nobody", "cart": cart(5)}, 400, "names no customer"),
        ({"customer": "user_id:x", "cart": cart(5, redeem_points=10**30)}, 400, "redeem_points"),
        ({"customer": "user_id:x", "cart": cart(5), "programme": "none"}, 404, "programme"),
    ],
)
def test_what_cannot_be_quoted_is_said(club: Server, body: dict[str, Any], status: int, words: str) -> None:
    answered = call(club, "POST", "loyalty/quote", json=body)
    assert answered.status_code == status, answered.text
    assert words in answered.text


def test_somebody_new_has_the_benefits_of_the_first_tier(club: Server) -> None:
    there = call(club, "POST", "loyalty/quote", json={"customer": "email:new@example.com", "cart": cart(9000)}).json()
    assert [one["kind"] for one in there["benefits"]] == ["delivery"]
    assert there["balance"] == 0
    assert call(club, "GET", "customers/email:new@example.com/loyalty").status_code == 404


def test_terms_that_somebody_else_changed_are_not_overwritten(club: Server) -> None:
    seen = call(club, "GET", "loyalty/programmes/club").json()
    assert seen["json_ld"]["@type"] == "MemberProgram"
    wanted = {"programme": seen["programme"] | {"title": "Club 2"}, "version": seen["version"], "reason": "a new name"}
    assert call(club, "PUT", "loyalty/programmes/club", json=wanted).json()["version"] == seen["version"] + 1
    assert call(club, "PUT", "loyalty/programmes/club", json=wanted).status_code == 409


def test_a_fee_that_nobody_should_have_paid_is_on_the_page_until_it_went_back(club: Server, browser: Browser) -> None:
    tell(club, identify("fee", email="fee@example.com"))
    wait_until(lambda: call(club, "GET", "customers/user_id:fee").status_code == 200)
    joined = call(
        club, "POST", "loyalty/memberships", json={"customer": "user_id:fee", "plan": "plus", "payment": "f1"}
    )
    member = f"loyalty/memberships/{joined.json()['id']}"
    assert call(club, "POST", f"{member}/cancel").status_code == 204
    assert call(club, "POST", f"{member}/renew", json={"payment": "f2"}).status_code == 409
    assert [one["why"] for one in call(club, "GET", "loyalty/stray-fees").json()] == ["ended"]
    with signed_in(browser, club) as (page, _):
        page.goto(f"{club.url}/console")
        expect(page.locator("main")).to_contain_text("fees for nothing")
        page.goto(f"{club.url}/console/loyalty#fees-title")
        page.click("text=The money went back")
        expect(page.locator(".alert.good")).to_contain_text("Seen to")
        expect(page.locator("#fees-title")).to_have_count(0)
    for _ in range(2):
        assert call(club, "POST", f"{member}/fee-back", json={"payment": "f1", "end": True}).status_code == 204
    assert call(club, "POST", "loyalty/stray-fees/f9/settle").status_code == 404
    assert call(club, "GET", "loyalty/stray-fees").json() == []


def test_the_console_tries_terms_before_they_hold_and_refuses_in_words(club: Server, browser: Browser) -> None:
    with signed_in(browser, club) as (page, complaints):
        page.goto(f"{club.url}/console/loyalty")
        page.click("text=Change the terms")
        page.click("text=The programme, as JSON")
        typed = page.locator("#f-document").input_value()
        page.fill("#f-document", typed.replace('"pending_days": 0', '"pending_days": "soon"'))
        page.click("button[value=try-json]")
        expect(page.locator("main")).to_contain_text("pending_days")
        complaints.clear()  # the browser notes that the answer was a 400
        page.fill("#f-document", typed.replace('"pending_days": 0', '"pending_days": 7'))
        page.click("button[value=try-json]")
        expect(page.locator("[role=status]")).to_contain_text("Points of an order wait 7 days")
        expect(page.locator("[id='f-pending_days']")).to_have_value("7")
        page.click("text=The programme, as JSON")
        page.fill("#f-reason-json", "the law")
        page.click("button[value=apply-json]")
        expect(page.locator(".alert.good")).to_contain_text("in force")


def test_a_number_that_no_column_holds_is_refused_where_members_are_asked_for(club: Server) -> None:
    for wanted in ({"least_points": 10**30}, {"most_points": -(10**30)}):
        assert call(club, "GET", "loyalty/members", params=wanted).status_code == 400


def test_a_place_without_a_currency_is_no_checkout(club: Server) -> None:
    told = call(club, "POST", "loyalty/redemptions", json={"customer": "user_id:x", "points": 1, "country": "DE"})
    assert (told.status_code, "without its currency" in told.text) == (400, True)

"""A manager makes a segment in the console; a program tries, reads, changes and removes one over the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest

from tests.running import Server, http, wait_until
from tests.stories.console import add_owner, identify, signed_in, tell

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def call(server: Server, method: str, path: str, **options: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {server.api_key}", **options.pop("headers", {})}
    return http.request(method, f"{server.url}/api/v1/segments{path}", headers=headers, **options)


def count(server: Server, where: str) -> int:
    return int(call(server, "POST", "/preview", json={"where": where}).json()["count"])


@pytest.fixture(scope="module")
def shop(shop_server: Server) -> Server:
    """Ada and Bo are customers, and their records are written."""
    tell(
        shop_server,
        identify("ada", name="Ada Lovelace", email="ada@example.com"),
        identify("bo", name="Bo Diddley", email="bo@example.com"),
    )
    wait_until(lambda: count(shop_server, "has_email") == 2)
    return shop_server


def test_a_program_tries_keeps_changes_and_removes_a_segment(shop: Server) -> None:
    tried = call(shop, "POST", "/preview", json={"where": "email LIKE 'ada@%'"}).json()
    assert (tried["count"], len(tried["sample"])) == (1, 1)
    assert tried["reads"] == "e-mail is like “ada@%”"
    made = call(shop, "POST", "", json={"name": "Adas", "where": "email LIKE 'ada@%'"})
    assert (made.status_code, made.json()["size"]) == (201, 1)
    members = call(shop, "GET", "/Adas/members").json()["members"]
    assert [one["customer_id"] for one in members] == tried["sample"]
    assert call(shop, "GET", "/Adas/members", params={"purpose": "email_marketing"}).json()["members"] == []
    assert shop.customer("user_id:ada")["segments"] == ["Adas"]  # type: ignore[index]  # she is there
    assert call(shop, "POST", "", json={"name": "Adas", "where": "has_email"}).status_code == 409
    tag = {"If-Match": made.headers["etag"]}
    assert call(shop, "PUT", "/Adas", json={"where": "has_email"}, headers=tag).json()["size"] == 2
    assert call(shop, "PUT", "/Adas", json={"where": "has_phone"}, headers=tag).status_code == 409
    assert [one["version"] for one in call(shop, "GET", "/Adas/history").json()["versions"]] == [2, 1]
    assert call(shop, "DELETE", "/Adas").status_code == 204
    assert call(shop, "GET", "/Adas").status_code == 404


def test_a_bad_text_answers_with_its_place(shop: Server) -> None:
    answered = call(shop, "POST", "/preview", json={"where": "has_email AND orderz > 1"})
    assert answered.status_code == 400
    problem = answered.json()
    assert (problem["code"], problem["position"]) == ("bad_segment", 14)
    assert "orders" in problem["hint"]


@pytest.mark.browser
def test_a_manager_makes_a_segment_and_sees_who_is_in_it(shop: Server, browser: Browser) -> None:
    add_owner(shop)
    with signed_in(browser, shop) as (page, _):
        page.goto(f"{shop.url}/console/segments-new")
        page.fill("#f-name", "Reach & <b>able")
        page.fill("#f-where", "orderz > 1")
        page.wait_for_selector("#tried .alert")
        page.fill("#f-where", "has_email")
        page.wait_for_selector("#tried strong:text-is('2')")
        page.click("button[value=save]")
        page.wait_for_url(f"**/console/segments/{quote('Reach & <b>able', safe='')}*")
        assert page.inner_text("h1") == "Reach & <b>able"
        page.click("text=Ada Lovelace")
        page.wait_for_selector("#segments-title")

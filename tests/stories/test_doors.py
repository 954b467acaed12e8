"""Every address of the API that tells of people asks what may be done with them; a new one that does not fails here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from rapport.app.wiring import installed
from rapport.kernel.clock import now_us
from rapport.web import accounts
from tests.doors import BOTH
from tests.running import Server, http, wait_until
from tests.stories.console import OWNER, PASSWORD, add_owner, identify, tell, track
from tests.stories.kept import database_of

CANARY = "zq7door"
"""Stands in all that is kept of Ada, who refuses mail."""
MAIL = f"{CANARY}@example.com"

BODIES = {"segments/preview": {"where": "email IS NOT NULL"}}
"""What addresses are asked that tell nothing without."""


def key(server: Server, *purposes: str) -> str:
    """A key that may do all that a key can, made for these purposes."""
    permissions = installed().permissions
    with database_of(server) as db:
        with db.read() as conn:
            shop = server.workspace(conn)
        _, secret = accounts.create_api_key(
            db, permissions, workspace=shop, name="door", scopes=permissions.for_keys, created_by="test",
            now=now_us(), purposes=purposes,
        )  # fmt: skip
    return secret


def call(server: Server, secret: str, method: str, path: str, **options: Any) -> httpx.Response:
    return http.request(
        method, f"{server.url}{path}", headers={"Authorization": f"Bearer {secret}"}, timeout=30, **options
    )


@pytest.fixture(scope="module")
def shop(shop_server: Server) -> Server:
    server = shop_server
    ada = identify(f"{CANARY}-user", email=MAIL, name=f"Ada {CANARY}")
    tell(server, ada, identify("bo", email="bo@example.com", name="Bo"))
    ordered: dict[str, Any] = {
        "total": 5,
        "currency": "EUR",
        "products": [{"product_id": "p1", "price": 5, "quantity": 1}],
    }
    tell(server, track("Order Completed", user=f"{CANARY}-user", order_id=f"{CANARY}-o", **ordered))
    all_of_it = server.api_key
    for who, said in ((f"user_id:{CANARY}-user", "denied"), ("user_id:bo", "granted")):
        path = f"/api/v1/customers/{who}"
        wait_until(lambda path=path: call(server, all_of_it, "GET", path).status_code == 200)  # type: ignore[misc]
        given = {"purposes": {"email_marketing": said}}
        assert call(server, all_of_it, "POST", f"{path}/consent", json=given).status_code == 200
    wanted = {"name": "everybody", "where": "email IS NOT NULL"}
    assert call(server, all_of_it, "POST", "/api/v1/segments", json=wanted).status_code == 201
    members = "/api/v1/segments/everybody/members"
    wait_until(lambda: len(call(server, all_of_it, "GET", members).json()["members"]) == 2)
    return server


def addresses(server: Server) -> list[tuple[str, str]]:
    """Each method and path of the API, with Ada's in place of what they name."""
    document = http.get(f"{server.url}/api/openapi.json").json()
    ada = {"reference": f"user_id:{CANARY}-user", "order_id": f"{CANARY}-o", "name": "everybody", "space": "x",
           "placement": "product.also"}  # fmt: skip
    found = []
    for path, item in document["paths"].items():
        filled = path
        for part in path.split("{")[1:]:
            name = part.split("}")[0]
            filled = filled.replace(f"{{{name}}}", ada.get(name, "x"))
        found += [(method.upper(), filled) for method in item if method in ("get", "post")]
    return found


def shown(server: Server, secret: str, *, ask: str = "") -> set[str]:
    """The addresses that tell something of Ada to the holder of this key."""
    told = set()
    for method, path in addresses(server):
        params = {"q": "Ada"} if path == "/api/v1/customers" else {}
        if ask and (path.startswith("/api/v1/customers/") or path.endswith(("/members", "/preview"))):
            params["purpose"] = ask
        body: dict[str, Any] = {"json": BODIES.get(path.removeprefix("/api/v1/"), {})} if method == "POST" else {}
        answered = call(server, secret, method, path, params=params, **body)
        ours = CANARY in answered.text.replace(path, "") or _customer_id(server) in answered.text
        if answered.status_code < 400 and ours:
            told.add(f"{method} {path}")
    return told


def _customer_id(server: Server) -> str:
    path = f"/api/v1/customers/user_id:{CANARY}-user"
    return str(call(server, server.api_key, "GET", path).json()["id"])


def test_no_address_tells_a_key_of_whoever_refuses_what_it_was_made_for(shop: Server) -> None:
    everything = shown(shop, shop.api_key)
    assert {
        f"GET /api/v1/customers/user_id:{CANARY}-user", f"GET /api/v1/customers/user_id:{CANARY}-user/timeline",
        f"GET /api/v1/customers/user_id:{CANARY}-user/export", "GET /api/v1/customers",
        f"GET /api/v1/orders/{CANARY}-o",
        f"GET /v1/spaces/x/collections/users/profiles/user_id:{CANARY}-user/traits",
        "GET /api/v1/segments/everybody/members", "POST /api/v1/segments/preview",
    } <= everything  # fmt: skip
    assert shown(shop, key(shop, "email_marketing")) == set()


def test_whoever_names_a_purpose_is_asked_by_it_whatever_their_key(shop: Server) -> None:
    path = f"/api/v1/customers/user_id:{CANARY}-user"
    refused = call(shop, shop.api_key, "GET", path, params={"purpose": "email_marketing"})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert "the person refused" in refused.json()["detail"]
    assert call(shop, shop.api_key, "GET", path, params={"purpose": "service"}).status_code == 200
    assert call(shop, shop.api_key, "GET", path, params={"purpose": "mind_reading"}).status_code == 403
    members = "/api/v1/segments/everybody/members"
    found = call(shop, shop.api_key, "GET", members, params={"purpose": "email_marketing"}).json()["members"]
    bo = call(shop, shop.api_key, "GET", "/api/v1/customers/user_id:bo").json()
    assert [one["customer_id"] for one in found] == [bo["id"]]


def test_a_key_that_was_made_for_a_purpose_reads_whoever_allows_it_and_names_no_other(shop: Server) -> None:
    mail, two = key(shop, "email_marketing"), key(shop, "email_marketing", "service")
    bo = "/api/v1/customers/user_id:bo"
    assert call(shop, mail, "GET", bo).status_code == 200
    assert call(shop, mail, "GET", bo, params={"purpose": "service"}).status_code == 403
    assert call(shop, two, "GET", bo).status_code == 403  # which of the two?
    assert call(shop, two, "GET", bo, params={"purpose": "service"}).status_code == 200
    assert len(call(shop, mail, "GET", "/api/v1/segments/everybody/members").json()["members"]) == 1
    asked = {"placement": "product.also", "customer": {"namespace": "user_id", "value": "bo"}}
    assert call(shop, mail, "POST", "/api/v1/decisions", json=asked).status_code == 403


def test_a_key_for_a_purpose_still_asks_what_is_allowed_and_reads_what_shows_nobody(shop: Server) -> None:
    mail = key(shop, "email_marketing")
    path = f"/api/v1/customers/user_id:{CANARY}-user"
    asked = call(shop, mail, "GET", f"{path}/may", params={"purpose": "email_marketing"})
    assert (asked.status_code, asked.json()["may"]) == (200, False)
    assert call(shop, mail, "GET", "/api/v1/metrics").status_code == 200
    assert call(shop, mail, "GET", "/api/v1/segments").status_code == 200
    assert call(shop, mail, "GET", "/api/v1/customers/user_id:nobody").status_code == 404


@pytest.fixture(scope="module")
def staff(shop: Server) -> Iterator[httpx.Client]:
    """An owner at the console."""
    add_owner(shop)
    with httpx.Client(base_url=shop.url, timeout=60, follow_redirects=True) as browser:
        form = browser.get("/console/sign-in").text
        token = re.search(r'name="csrf_token" value="([^"]+)"', form)
        assert token is not None
        said = {"csrf_token": token[1], "email": shop.address(OWNER), "password": PASSWORD}
        assert "/sign-in" not in str(browser.post("/console/sign-in", data=said).url)
        yield browser


def test_a_segment_s_file_is_made_for_a_purpose_alone(shop: Server, staff: httpx.Client) -> None:
    path = "/console/segments/everybody/members.csv"
    assert staff.get(path).status_code == 400
    made = staff.get(path, params={"purpose": "email_marketing"})
    assert 'filename="segment-email_marketing-1-left-out.csv"' in made.headers["content-disposition"]
    assert (_customer_id(shop) in made.text, len(made.text.splitlines())) == (False, 2)
    assert _customer_id(shop) in staff.get(path, params={"purpose": "service"}).text


def test_no_page_that_needs_a_permission_without_people_tells_of_anybody(shop: Server, staff: httpx.Client) -> None:
    people = {one.name for one in installed().permissions.by_name.values() if one.people}
    telling = {
        (path, permission in people)
        for path, filled, permission in pages(shop)
        if CANARY in staff.get(filled).text.replace(filled, "")
    }
    assert {("/console/customers", True), ("/console/customers/{reference}", True)} <= telling
    assert {path for path, of_people in telling if not of_people} == set(BOTH)


def pages(server: Server) -> list[tuple[str, str, str]]:
    """Each page of the console, also about Ada where it is about somebody, with the permission that it needs."""
    ada = {"reference": f"user_id:{CANARY}-user", "customer_id": _customer_id(server), "name": "everybody"}
    brought: list[Any] = [
        page for part in installed().web_parts().values() for one in part.pages for page in one.handlers
    ]
    return [
        (
            re.sub(r":\w+}", "}", f"/console{path}"),
            re.sub(r"{(\w+):\w+}", lambda part: ada.get(part[1], "x"), f"/console{path}"),
            str(handler.opt.get("permission")),
        )
        for handler in brought
        if "GET" in handler.http_methods
        for path in handler.paths
    ]

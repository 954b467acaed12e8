"""A shopper asks by a signed link what is kept of them, and has it put right, ended and erased; nobody else does."""

from __future__ import annotations

import json
import re

import httpx
import pytest

from tests.running import Server, http, wait_until
from tests.stories.console import identify, tell, track


def call(server: Server, method: str, path: str, **options: object) -> httpx.Response:
    key = {"Authorization": f"Bearer {server.api_key}"}
    return http.request(method, f"{server.url}/api/v1/{path}", headers=key, **options)  # type: ignore[arg-type]


def link(server: Server, who: str) -> str:
    made = call(server, "POST", f"customers/{who}/consent/links", json={})
    return str(made.json()["preferences"]).rpartition("t=")[2]


def named(server: Server, **params: str) -> dict[str, str]:
    """What stands in a link of the shop: on a server of several it names it."""
    return {"shop": server.shop, **params}


def page(server: Server, token: str, *, language: str = "en") -> str:
    got = http.get(
        f"{server.url}/shop/consent/data", params=named(server, t=token), headers={"Accept-Language": language}
    )
    return got.text


def ask(server: Server, token: str, **form: str) -> httpx.Response:
    return http.post(f"{server.url}/shop/consent/data", params=named(server), data={"t": token, **form})


@pytest.fixture(scope="module")
def server(shop_server: Server) -> Server:
    for who in ("gia", "hal"):
        tell(shop_server, identify(who, email=f"{who}@example.com", firstName=who.title()))
        tell(shop_server, track("Product Viewed", user=who, product_id="p1"))
        wait_until(lambda who=who: call(shop_server, "GET", f"customers/user_id:{who}").status_code == 200)  # type: ignore[misc]
    return shop_server


def test_they_see_all_that_is_kept_and_take_it_as_a_file(server: Server) -> None:
    token = link(server, "email:gia@example.com")
    assert "Ihre Daten" in page(server, token, language="de")
    assert "gia" not in page(server, token)
    assert "Thank you" in ask(server, token, kind="access").text
    wait_until(lambda: "Read" in page(server, token))
    found = re.search(r'href="(/shop/consent/answer[^"]*)">Read', page(server, token))
    assert found
    address = server.url + found[1].replace("&amp;", "&")
    assert "gia@example.com" in http.get(address).text
    file = http.get(address + "&as=json")
    assert "attachment" in file.headers["content-disposition"]
    assert json.loads(file.text)["kept"]["storage"]["facts"]
    other = link(server, "email:hal@example.com")
    assert http.get(address.replace(token, other)).status_code == 404, "an answer opens by the link of its person"
    assert "Read" not in page(server, other)


def test_an_erasure_wants_a_plain_yes_and_is_done(server: Server) -> None:
    tell(server, identify("ivo", email="ivo@example.com"))
    wait_until(lambda: call(server, "GET", "customers/user_id:ivo").status_code == 200)
    token = link(server, "email:ivo@example.com")
    assert "Tick that you are sure" in ask(server, token, kind="erasure").text
    assert call(server, "GET", "customers/user_id:ivo").status_code == 200
    assert "Thank you" in ask(server, token, kind="erasure", sure="yes").text
    wait_until(lambda: call(server, "GET", "customers/user_id:ivo").status_code == 404)
    assert "ivo" not in page(server, token)


def test_they_object_restrict_and_put_right(server: Server) -> None:
    token, who = link(server, "email:hal@example.com"), "customers/user_id:hal"
    assert "Fill in" in ask(server, token, kind="rectification").text
    assert "no date" in ask(server, token, kind="rectification", birthday="soon").text
    assert "Thank you" in ask(server, token, kind="rectification", first_name="Henry").text
    wait_until(lambda: call(server, "GET", who).json()["traits"]["first_name"]["value"] == "Henry")
    ask(server, token, kind="objection")
    wait_until(lambda: not call(server, "GET", f"{who}/may", params={"purpose": "personalisation"}).json()["may"])
    ask(server, token, kind="restriction")
    wait_until(lambda: call(server, "GET", f"{who}/consent").json()["restricted"])


def taken_down(server: Server) -> set[str]:
    """The requests that there are; those of other tests may still be run."""
    return {request["id"] for request in call(server, "GET", "privacy/requests").json()["requests"]}


def test_a_link_that_is_not_whole_opens_nothing_and_takes_nothing_down(server: Server) -> None:
    token = link(server, "email:gia@example.com")
    before = taken_down(server)
    for wrong in ("", "x", token[:-2] + "zz", "\x00"):
        assert http.get(f"{server.url}/shop/consent/data", params=named(server, t=wrong)).status_code == 404
        assert ask(server, wrong, kind="erasure", sure="yes").status_code == 404
        answer = http.get(f"{server.url}/shop/consent/answer", params=named(server, t=wrong, id="prv_1"))
        assert answer.status_code == 404
    assert "Nothing was pressed" in ask(server, token, kind="retention").text
    assert taken_down(server) == before

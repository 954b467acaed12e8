"""The doors of deciding over HTTP: the server's by API key, the browser's by write key."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.running import Server, http, wait_until
from tests.stories.console import tell


@pytest.fixture(scope="module")
def server(shop_server: Server) -> Server:
    for visitor in ("v1", "v2"):
        for product in ("chianti", "barolo", "corkscrew"):
            tell(shop_server, {
                "type": "track", "anonymousId": visitor, "event": "Product Viewed",
                "properties": {"product_id": product, "name": product.title(), "price": 12, "currency": "EUR"},
            })  # fmt: skip
    wait_until(lambda: len(ask(shop_server, placement="home").json()["items"]) == 3)
    return shop_server


def ask(server: Server, **body: Any) -> httpx.Response:
    key = {"Authorization": f"Bearer {server.api_key}"}
    return http.post(f"{server.url}/api/v1/decisions", headers=key, json=body)


def in_browser(server: Server, *, key: str | None = None, **body: Any) -> httpx.Response:
    return http.post(
        f"{server.url}/components/decide/decisions", params={"key": server.write_key if key is None else key},
        json=body, headers={"Origin": "https://shop.example", "Accept-Language": "de"},
    )  # fmt: skip


def test_a_slate_has_place_score_odds_and_reasons(server: Server) -> None:
    answer = ask(server, placement="product", context={"product_id": "chianti"}, anonymous_id="v9", limit=2)
    assert answer.status_code == 200
    decision = answer.json()
    assert {"decision_id", "placement", "items", "policy", "guardrails", "personal"} <= decision.keys()
    assert decision["policy"].keys() == {"name", "version"}
    for place, item in enumerate(decision["items"], start=1):
        assert item["position"] == place
        assert 0 < item["odds"] <= 1
        assert {"item_id", "product_id", "score", "reasons", "price_minor", "currency"} <= item.keys()


def test_several_placements_are_answered_in_their_order(server: Server) -> None:
    found = ask(server, placements=["home", "product"], limit=1, context={"product_id": "chianti"}).json()["decisions"]
    assert [decision["placement"] for decision in found] == ["home", "product"]
    assert found[0]["items"][0]["item_id"] != found[1]["items"][0]["item_id"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"placement": "home", "limit": 50_000}, 400),
        ({"placement": "home", "limit": 0}, 400),
        ({"placement": "nowhere"}, 404),
        ({}, 400),
        ({"placements": []}, 400),
        ({"placements": ["home"] * 11}, 400),
        ({"placement": "home", "customer": 7}, 400),
        ({"placement": "home", "context": []}, 400),
        ({"placement": "home", "more": 1}, 400),
    ],
)
def test_what_cannot_be_answered_says_why(server: Server, body: dict[str, Any], status: int) -> None:
    answer = ask(server, **body)
    assert answer.status_code == status
    assert {"code", "detail"} <= answer.json().keys()


def test_a_browser_reads_the_slate_and_nothing_of_the_shops_sums(server: Server) -> None:
    answer = in_browser(server, placement="product", context={"product_id": "chianti"}, anonymous_id="v9")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    decision = answer.json()
    assert decision.keys() == {"decision_id", "placement", "personal", "items"}
    assert "Artikel angesehen" in decision["items"][0]["reasons"][0]
    assert not {"score", "odds"} & decision["items"][0].keys()


def test_a_browser_can_name_nobody_and_needs_a_key(server: Server) -> None:
    assert in_browser(server, placement="home", customer="user_id:ada").status_code == 400
    assert in_browser(server, key="", placement="home").status_code == 401
    assert in_browser(server, key="wk_nobodys", placement="home").status_code == 401
    assert in_browser(server).status_code == 400
    plain = http.post(
        f"{server.url}/components/decide/decisions", params={"key": server.write_key},
        content=b'{"placement":"home"}', headers={"Content-Type": "text/plain"},
    )  # fmt: skip
    assert plain.status_code == 200


def test_a_browser_asks_first_whether_it_may(server: Server) -> None:
    answer = http.request(
        "OPTIONS", f"{server.url}/components/decide/decisions",
        headers={"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"},
    )  # fmt: skip
    assert answer.status_code < 300
    assert "POST" in answer.headers["access-control-allow-methods"]

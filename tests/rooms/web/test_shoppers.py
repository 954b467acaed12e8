"""Pages for shoppers and components: what opens them is said, nobody asks too often, nothing runs there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Request, Response, get
from litestar.testing import TestClient

from rapport.kernel.clock import MINUTE, now_us
from rapport.kernel.errors import RateLimited
from rapport.kernel.ids import WorkspaceId
from rapport.storage.workspaces import WorkspaceSettings, create_workspace
from rapport.web.app import create_app
from rapport.web.limiter import AddressLimiter
from rapport.web.part import WebPart
from rapport.web.shoppers import Shopper
from tests.databases import opened_database
from tests.slices import PERMISSIONS, WORDING


@get("/sky", opened_by="public", languages=("en", "de"))
async def sky(shopper: Shopper, colour: str = "") -> dict[str, str]:
    return {"shop": shopper.shop, "language": shopper.language, "price": shopper.money(123456, "EUR")}


@get("/rare", opened_by="public", a_minute=2)
async def rare(shopper: Shopper) -> str:
    return "seen"


@get("/sky", opened_by="write_key")
async def sky_component(shopper: Shopper) -> str:
    return shopper.shop


@get("/forgotten")
async def forgotten(request: Request[Any, Any, Any]) -> Response[str]:
    return Response("secret")


async def shop_of_key(key: str) -> WorkspaceId | None:
    return WorkspaceId(2) if key == "wk_paris" else None


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient[Any]]:
    with opened_database("sqlite", tmp_path) as db:
        with db.write() as conn:
            create_workspace(conn, slug="rome", name="Rome", now=now_us())
            create_workspace(conn, slug="paris", name="Paris", now=now_us(), settings=WorkspaceSettings(locale="de"))
        part = WebPart(shop=(sky, rare), components=(sky_component,))
        app = create_app(
            db=db, wording=WORDING, permissions=PERMISSIONS, parts={"weather": part}, shop_of_key=shop_of_key,
        )  # fmt: skip
        with TestClient(app) as client:
            yield client


def test_a_page_is_of_the_shop_it_names_and_of_none_where_there_are_several(client: TestClient[Any]) -> None:
    assert client.get("/shop/weather/sky").status_code == 404
    assert client.get("/shop/weather/sky?shop=rome").json()["shop"] == "Rome"
    assert client.get("/shop/weather/sky?shop=paris").json()["shop"] == "Paris"
    assert client.get("/shop/weather/sky?shop=london").status_code == 404


def test_it_speaks_the_shoppers_language_or_else_the_shops_own(client: TestClient[Any]) -> None:
    asked = client.get("/shop/weather/sky?shop=paris", headers={"Accept-Language": "fr, en;q=0.5"}).json()
    assert (asked["language"], asked["price"]) == ("en", "€1,234.56")
    otherwise = client.get("/shop/weather/sky?shop=paris", headers={"Accept-Language": "fr"}).json()
    assert (otherwise["language"], otherwise["price"]) == ("de", "1.234,56\xa0€")
    loud = client.get("/shop/weather/sky?shop=rome", headers={"Accept-Language": "DE-AT"}).json()
    assert loud["language"] == "de"


def test_a_component_is_opened_by_a_write_key_from_any_site_and_by_nothing_else(client: TestClient[Any]) -> None:
    answer = client.get("/components/weather/sky?key=wk_paris", headers={"Origin": "https://shop.example"})
    assert answer.text == "Paris"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    for key in ("", "?key=", "?key=wk_other", "?shop=paris"):
        refused = client.get(f"/components/weather/sky{key}")
        assert refused.status_code == 401
        assert 'class="rapport-failed"' in refused.text
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    may = client.options("/components/weather/sky?key=wk_paris", headers=asked)
    assert may.status_code == 204
    assert may.headers["access-control-allow-origin"] == "*"


def test_what_an_ad_adds_to_a_link_is_passed_over_and_a_component_refuses_what_it_does_not_know(
    client: TestClient[Any],
) -> None:
    assert client.get("/shop/weather/sky?shop=rome&utm_source=mail&fbclid=x").status_code == 200
    assert client.get("/components/weather/sky?key=wk_paris&color=blue").status_code == 400


def test_an_address_that_asks_too_often_is_told_when_to_come_again_in_its_language(client: TestClient[Any]) -> None:
    assert [client.get("/shop/weather/rare?shop=rome").status_code for _ in range(3)] == [200, 200, 429]
    refused = client.get("/shop/weather/rare?shop=rome", headers={"Accept-Language": "de-AT"})
    assert 0 < int(refused.headers["retry-after"]) <= 30
    assert '<html lang="de">' in refused.text
    assert "Bitte warten Sie eine Minute" in refused.text
    assert client.get("/shop/weather/sky?shop=rome").status_code == 200


@pytest.mark.parametrize(
    "path", ["/shop/weather/sky?shop=rome", "/shop/weather/nothing", "/components/weather/sky?key=wk_paris"]
)
def test_nothing_runs_there_nothing_frames_it_and_no_search_engine_keeps_it(client: TestClient[Any], path: str) -> None:
    headers = client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "script-src" not in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-robots-tag"] == "noindex"
    assert headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in headers


@pytest.mark.parametrize("place", ["shop", "components"])
def test_a_handler_that_does_not_say_what_opens_it_stops_the_servers_start(tmp_path: Path, place: str) -> None:
    part = WebPart(shop=(forgotten,)) if place == "shop" else WebPart(components=(forgotten,))
    with opened_database("sqlite", tmp_path) as db, pytest.raises(ValueError, match="does not say what opens it"):
        create_app(db=db, wording=WORDING, permissions=PERMISSIONS, parts={"weather": part})


@given(st.lists(st.integers(0, 3 * MINUTE), max_size=60), st.integers(1, 20))
def test_no_minute_lets_more_than_twice_the_allowed_pass(waits: list[int], a_minute: int) -> None:
    """A full bucket, and what came into it meanwhile."""
    limiter, now, passed = AddressLimiter(), 0, []
    for wait in waits:
        now += wait
        try:
            limiter.take("page", "192.0.2.1", a_minute=a_minute, now=now)
        except RateLimited as refused:
            after = now + int(refused.retry_after_seconds * 1_000_000) + 1
            assert now < after <= now + MINUTE + 1
            continue
        passed.append(now)
    assert all(sum(at <= one < at + MINUTE for one in passed) <= 2 * a_minute for at in passed)


def test_one_networks_addresses_count_as_one_and_others_for_themselves() -> None:
    limiter = AddressLimiter(remember=2)
    limiter.take("page", "2001:db8::1", a_minute=1, now=0)
    with pytest.raises(RateLimited):
        limiter.take("page", "2001:db8::ffff", a_minute=1, now=0)
    limiter.take("page", "2001:db8:0:1::1", a_minute=1, now=0)
    limiter.take("page", "::ffff:192.0.2.1", a_minute=1, now=0)


def test_many_networks_of_one_site_ask_no_more_than_ten_of_them_may() -> None:
    limiter, passed = AddressLimiter(), 0
    for house in range(40):
        try:
            limiter.take("page", f"2001:db8:0:{house:x}::1", a_minute=2, now=0)
        except RateLimited:
            continue
        passed += 1
    assert passed == 20

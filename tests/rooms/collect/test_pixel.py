"""Pixels: an image's address states a fact, in the words of whichever client wrote it."""

from __future__ import annotations

import base64
import json

import httpx
import pytest

from rapport.collect.paths import handles
from rapport.collect.quarantine import list_quarantined
from tests.rooms.collect.conftest import Shop, problem

pytestmark = pytest.mark.anyio


async def test_a_pixel_is_a_gif_and_a_fact(client: httpx.AsyncClient, shop: Shop) -> None:
    message = {"writeKey": shop.source.write_key, "event": "Email Opened", "userId": "ada", "messageId": "open-1?~"}
    for data in (
        base64.b64encode(json.dumps(message).encode()).decode(),
        base64.urlsafe_b64encode(json.dumps(message).encode()).decode().rstrip("="),
    ):
        answer = await client.get("/pixel/v1/track", params={"data": data}, headers={"User-Agent": "Mail/1"})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/gif"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.content.startswith(b"GIF89a")
    (fact,) = shop.facts()
    assert (fact.name, fact.context["userAgent"]) == ("Email Opened", "Mail/1")
    assert problem(await client.get("/pixel/v1/track", params={"data": "%%%"})) == (400, "invalid_input")
    assert problem(await client.get("/pixel/v1/page")) == (400, "invalid_input")


async def test_a_pixel_s_fields_are_parameters_of_its_address(client: httpx.AsyncClient, shop: Shop) -> None:
    asked = {
        "writeKey": shop.source.write_key, "anonymousId": '"amp-1"', "event": "Order Completed", "messageId": "p1",
        "properties.order_id": "o-1", "properties.revenue": "24.90", "properties.currency": "EUR",
        "properties.products.0.product_id": "CH-01", "properties.products.1.product_id": "CH-02",
        "context.page.path": "/thanks", "context.userAgent": "AMP/1", "_": "1732",
    }  # fmt: skip
    for path in ("/pixel/v1/track", "/v1/pixel/track", "/api/px/track"):
        answer = await client.get(path, params=asked)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    (fact,) = shop.facts()
    assert (fact.id, fact.name, fact.anonymous_id) == ("p1", "Order Completed", "amp-1")
    assert fact.properties == {
        "order_id": "o-1", "revenue": "24.90", "currency": "EUR",
        "products": [{"product_id": "CH-01"}, {"product_id": "CH-02"}],
    }  # fmt: skip
    assert (fact.context["page"], fact.context["userAgent"]) == ({"path": "/thanks"}, "AMP/1")


async def test_a_pixel_s_maps_may_be_json(client: httpx.AsyncClient, shop: Shop) -> None:
    message = {"userId": "ada", "name": "Wines", "properties": {"path": "/wines"}}
    key = shop.source.write_key
    asked_in: list[dict[str, str]] = [
        {"data": json.dumps(message)},
        {"userId": "ada", "name": "Wines", "properties": json.dumps(message["properties"])},
    ]
    for asked in asked_in:
        assert (await client.get("/v1/pixel/page", params={"writeKey": key, **asked})).status_code == 200
    assert [(fact.title, fact.properties) for fact in shop.facts()] == [("Wines", {"path": "/wines"})] * 2


@pytest.mark.parametrize("kind", ["identify", "alias", "merge", "group", "batch"])
async def test_an_image_states_facts_and_nothing_about_who_is_who(
    client: httpx.AsyncClient, shop: Shop, kind: str
) -> None:
    asked = {"writeKey": shop.source.write_key, "userId": "ada", "previousId": "eve", "type": kind, "event": "Seen"}
    assert not handles(f"/v1/pixel/{kind}")
    assert (await client.get(f"/v1/{kind}", params=asked)).status_code in (404, 405)
    assert (await client.get("/v1/pixel/track", params=asked)).status_code == 200
    assert [fact.type for fact in shop.facts()] == ["track"]


async def test_a_parameter_that_is_text_and_a_map_is_refused_by_name(client: httpx.AsyncClient, shop: Shop) -> None:
    asked = {"writeKey": shop.source.write_key, "userId": "ada", "event": "Seen"}
    for query in ({"context": "x", "context.page.url": "y"}, {"context.page.url": "y", "context.page": "x"}):
        answer = await client.get("/pixel/v1/track", params=asked | query)
        assert problem(answer) == (400, "invalid_input")
        assert "context.page" in answer.json()["message"]
    deep = "properties." + ".".join("a" * 40)
    assert (await client.get("/pixel/v1/track", params=asked | {deep: "x"})).status_code == 200
    with shop.db.read() as conn:
        (row,) = list_quarantined(conn, shop.workspace)
    assert row.reason == "nested deeper than 32 levels"

"""The endpoints: what unmodified clients send is kept, and what they are answered is what they can deal with."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from rapport.collect.endpoints import Endpoints
from rapport.collect.health import health_of_sources
from rapport.collect.model import Limits, QuarantineRow
from rapport.collect.paths import handles
from rapport.collect.quarantine import list_quarantined
from rapport.collect.sources import change_source, create_source, rotate_key, set_enabled
from rapport.collect.watches import WATCHES
from rapport.kernel.clock import DAY, from_iso, now_us
from rapport.kernel.errors import Overloaded, Unavailable
from rapport.kernel.identifiers import Identifier, identifiers_of, said_same
from rapport.storage.log import LogRow
from tests.rooms.collect.conftest import Shop, basic, problem

pytestmark = pytest.mark.anyio

SUCCESS = b'{"success":true}'


def track(**fields: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Cart Viewed", "userId": "ada"} | fields


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/track", "Cart Viewed"), ("/v1/t", "Cart Viewed"), ("/v1/identify", "Identified"), ("/v1/i", "Identified"),
        ("/v1/page", "Page Viewed"), ("/v1/p", "Page Viewed"), ("/v1/screen", "Screen Viewed"),
        ("/v1/s", "Screen Viewed"), ("/v1/group", "Group Joined"), ("/v1/g", "Group Joined"), ("/v1/alias", "Aliased"),
        ("/v1/a", "Aliased"), ("/v1/track/", "Cart Viewed"), ("/api/s/track", "Cart Viewed"),
        ("/api/s/s2s/identify", "Identified"),
    ],
)  # fmt: skip
async def test_each_path_takes_its_kind_whatever_the_message_says(
    client: httpx.AsyncClient, shop: Shop, path: str, name: str
) -> None:
    message = {"event": "Cart Viewed", "userId": "ada", "groupId": "g", "previousId": "p", "name": "Wines"}
    answer = await client.post(path, json=message, headers=basic(f"{shop.source.write_key}:"))
    assert (answer.status_code, answer.content) == (200, SUCCESS)
    assert answer.headers["content-type"] == "application/json"
    assert [fact.name for fact in shop.facts()] == [name]


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch"])
async def test_a_batch_is_kept_in_its_order(client: httpx.AsyncClient, shop: Shop, path: str) -> None:
    batch = [track(messageId=f"m{i}") for i in range(600)]
    answer = await client.post(path, params={"writeKey": shop.source.write_key}, json={"batch": batch})
    assert answer.content == SUCCESS
    assert [fact.id for fact in shop.facts()] == [f"m{i}" for i in range(600)]


async def test_the_key_is_found_wherever_clients_put_it(client: httpx.AsyncClient, shop: Shop) -> None:
    key = shop.source.write_key
    ways: list[dict[str, Any]] = [
        {"headers": basic(f"{key}:")},
        {"headers": basic(key)},
        {"headers": {"X-Write-Key": key}},
        {"headers": {"X-Write-Key": f"{key}:secret"}},
        {"headers": basic(f":{key}")},
        {"headers": {"Authorization": f"Basic {key}"}},
        {"headers": {"Authorization": f"basic {key}:"}},
        {"headers": {"Authorization": f"Bearer {key}"}},
        {"params": {"writeKey": key}},
        {"json": track(writeKey=key)},
        {"json": track(writeKey=key), "headers": basic("unknown:")},
    ]
    for way in ways:
        answer = await client.post("/v1/track", **({"json": track()} | way))
        assert answer.status_code == 200, way
    answer = await client.post("/v1/batch", json={"writeKey": key, "batch": [track()]})
    assert answer.status_code == 200
    assert len(shop.facts()) == len(ways) + 1


@pytest.mark.parametrize(
    "headers",
    [{}, *({"Authorization": text} for text in ("", "Basic", "Basic é", "Basic ====")), basic("wrong:")],
)
async def test_a_wrong_key_is_401_and_keeps_nothing(
    client: httpx.AsyncClient, shop: Shop, headers: dict[str, str]
) -> None:
    raw = {name: value.encode() for name, value in headers.items()}
    answer = await client.post("/v1/track", json=track(), headers=raw)  # type: ignore[arg-type]
    assert problem(answer) == (401, "unauthenticated")
    assert shop.facts() == []


async def test_a_source_that_is_switched_off_answers_401(
    client: httpx.AsyncClient, shop: Shop, endpoints: Endpoints
) -> None:
    with shop.db.write() as conn:
        set_enabled(conn, shop.workspace, shop.source.id, enabled=False)
    await endpoints.registry.refresh()
    answer = await client.post("/v1/track", json=track(), headers=basic(shop.source.write_key))
    assert problem(answer) == (401, "source_disabled")
    assert (await client.get(f"/v1/projects/{shop.source.write_key}/settings")).status_code == 404


async def test_a_key_made_a_moment_ago_works_at_once(client: httpx.AsyncClient, shop: Shop) -> None:
    with shop.db.write() as conn:
        fresh = create_source(conn, shop.workspace, name="App", kind="app", now=now_us())
    assert (await client.post("/v1/track", json=track(), headers=basic(fresh.write_key))).status_code == 200


async def test_a_key_made_a_moment_ago_works_for_all_who_come_at_once(client: httpx.AsyncClient, shop: Shop) -> None:
    with shop.db.write() as conn:
        fresh = create_source(conn, shop.workspace, name="App", kind="app", now=now_us())
    answers = await asyncio.gather(
        *(client.post("/v1/track", json=track(), headers=basic(fresh.write_key)) for _ in range(10))
    )
    assert {answer.status_code for answer in answers} == {200}


async def test_after_a_rotation_both_keys_work_until_the_grace_ends(
    client: httpx.AsyncClient, shop: Shop, endpoints: Endpoints
) -> None:
    with shop.db.write() as conn:
        rotated = rotate_key(conn, shop.workspace, shop.source.id, now=now_us())
    await endpoints.registry.refresh()
    for key in (shop.source.write_key, rotated.write_key):
        assert (await client.post("/v1/track", json=track(), headers=basic(key))).status_code == 200
    assert endpoints.registry.find(shop.source.write_key, now=now_us() + 8 * DAY) is None
    assert endpoints.registry.find(rotated.write_key, now=now_us() + 8 * DAY) is not None


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "text/plain;charset=UTF-8", "", "image/png"]
)
async def test_any_content_type_is_read(client: httpx.AsyncClient, shop: Shop, content_type: str) -> None:
    headers = basic(shop.source.write_key) | ({"Content-Type": content_type} if content_type else {})
    answer = await client.post("/v1/track", content=json.dumps(track()), headers=headers)
    assert answer.content == SUCCESS


async def test_packed_bodies_are_unpacked(client: httpx.AsyncClient, shop: Shop) -> None:
    plain = json.dumps(track()).encode()
    for body, encoding in [
        (gzip.compress(plain), "gzip"), (gzip.compress(plain), "x-gzip"), (zlib.compress(plain), "deflate"),
        (plain, "gzip"), (gzip.compress(plain), ""), (plain, "identity"),
    ]:  # fmt: skip
        headers = basic(shop.source.write_key) | ({"Content-Encoding": encoding} if encoding else {})
        assert (await client.post("/v1/track", content=body, headers=headers)).content == SUCCESS, encoding
    assert len(shop.facts()) == 6


async def test_bodies_that_arrive_in_pieces_are_put_together(client: httpx.AsyncClient, shop: Shop) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b'{"type":"track","event":"Ca', b"rt Viewed", b'","userId":"ada"}'):
            yield piece

    answer = await client.post("/v1/track", content=pieces(), headers=basic(shop.source.write_key))
    assert answer.content == SUCCESS
    assert shop.facts()[0].name == "Cart Viewed"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"{}}",
        b'"x"',
        b"not json",
        b'{"batch":',
        b'{"batch":[{]}',
        b'{"batch":{}}',
        b"\xff\xfe",
        b"{}",
    ],
)
async def test_an_unreadable_body_is_400(client: httpx.AsyncClient, shop: Shop, body: bytes) -> None:
    answer = await client.post("/v1/batch", content=body, headers=basic(shop.source.write_key))
    assert problem(answer) == (400, "invalid_input")


async def test_broken_packing_is_400(client: httpx.AsyncClient, shop: Shop) -> None:
    packed = gzip.compress(json.dumps(track()).encode())
    for body, encoding in [(packed[:-9], "gzip"), (b"\x1f\x8bnonsense", "gzip"), (b"x", "br"), (b"x", "deflate")]:
        headers = basic(shop.source.write_key) | {"Content-Encoding": encoding}
        assert problem(await client.post("/v1/track", content=body, headers=headers)) == (400, "invalid_input")


async def test_one_bad_message_never_spoils_its_neighbours(client: httpx.AsyncClient, shop: Shop) -> None:
    """Not even where it makes the whole body something no JSON reader would take."""
    bad = [
        '{"type":"track","userId":"ada"}', '{"type":"track","event":"x","userId":"ada","properties":{"price":NaN}}',
        "[" * 5000 + "]" * 5000, "7", "null", '{"type":"track","event":"\\ud83d","userId":true}', '{"a":tru}',
    ]  # fmt: skip
    good = [json.dumps(track(messageId=f"m{i}")) for i in range(len(bad) + 1)]
    mixed = [good[0]]
    for wrong, right in zip(bad, good[1:], strict=True):
        mixed += [wrong, right]
    body = '{"sentAt":"2026-01-01T00:00:00Z","batch":[' + ", ".join(mixed) + f'],"writeKey":"{shop.source.write_key}"}}'
    answer = await client.post("/v1/batch", content=body)
    assert answer.content == SUCCESS
    assert [fact.id for fact in shop.facts()] == [f"m{i}" for i in range(len(good))]
    with shop.db.read() as conn:
        aside = list_quarantined(conn, shop.workspace)
    assert sorted(row.text for row in aside) == sorted(bad)
    assert all(row.reason and row.path.startswith("$") for row in aside)


async def test_bytes_that_are_not_utf8_spoil_one_message_only(client: httpx.AsyncClient, shop: Shop) -> None:
    body = b'{"batch":[{"type":"track","event":"caf\xe9","userId":"ada"},' + json.dumps(track()).encode() + b"]}"
    assert (await client.post("/v1/b", content=body, headers=basic(shop.source.write_key))).content == SUCCESS
    assert len(shop.facts()) == 1
    with shop.db.read() as conn:
        (row,) = list_quarantined(conn, shop.workspace)
    assert "0xe9" in row.reason


async def test_a_bad_single_message_is_answered_200_and_quarantined(client: httpx.AsyncClient, shop: Shop) -> None:
    answer = await client.post("/v1/track", json={"userId": "ada"}, headers=basic(shop.source.write_key))
    assert answer.content == SUCCESS
    with shop.db.read() as conn:
        (row,) = list_quarantined(conn, shop.workspace)
    assert (row.path, row.envelope.type, row.state) == ("$.event", "track", "open")


async def test_the_same_message_again_changes_nothing_and_is_counted(
    client: httpx.AsyncClient, shop: Shop, endpoints: Endpoints
) -> None:
    body = {"batch": [track(messageId="m1"), track(messageId="m2"), track(messageId="m2"), track(event=None)]}
    for at in range(3):
        stamped = body | {"sentAt": f"2026-01-01T00:00:0{at}Z"}
        answer = await client.post("/v1/batch", json=stamped, headers=basic(shop.source.write_key))
        assert answer.content == SUCCESS
    assert [fact.id for fact in shop.facts()] == ["m1", "m2"]
    endpoints.health.flush()
    with shop.db.read() as conn:
        assert len(list_quarantined(conn, shop.workspace)) == 1
        health = health_of_sources(conn, shop.workspace, now=now_us())[shop.source.id]
    assert (health.accepted, health.duplicates, health.quarantined) == (2, 7, 3)


async def test_a_bad_single_message_retried_with_a_new_sent_at_is_kept_once(
    client: httpx.AsyncClient, shop: Shop
) -> None:
    for at in range(3):
        message = {"userId": "ada", "messageId": "m", "sentAt": f"2026-01-01T00:00:0{at}Z"}
        await client.post("/v1/track", json=message, headers=basic(shop.source.write_key))
    with shop.db.read() as conn:
        assert len(list_quarantined(conn, shop.workspace)) == 1


async def test_too_large_is_400_and_nothing_is_kept(client: httpx.AsyncClient, shop: Shop) -> None:
    key = basic(shop.source.write_key)
    big = json.dumps(track(properties={"note": "x" * 33_000}))
    assert problem(await client.post("/v1/track", content=big, headers=key)) == (400, "too_large")
    five_megabytes = b'{"batch":[' + b" " * 5_000_000 + b"]}"
    assert problem(await client.post("/v1/batch", content=five_megabytes, headers=key)) == (400, "too_large")
    many = {"batch": [{"type": "track"}] * 2501}
    assert problem(await client.post("/v1/batch", json=many, headers=key)) == (400, "too_large")
    assert shop.facts() == []


async def test_one_oversize_message_in_a_batch_is_quarantined(client: httpx.AsyncClient, shop: Shop) -> None:
    batch = [track(properties={"note": "x" * 40_000}), track(messageId="m1")]
    answer = await client.post("/v1/batch", json={"batch": batch}, headers=basic(shop.source.write_key))
    assert answer.content == SUCCESS
    assert [fact.id for fact in shop.facts()] == ["m1"]


async def test_a_gzip_bomb_is_400_before_it_explodes(
    client: httpx.AsyncClient, shop: Shop, endpoints: Endpoints
) -> None:
    bomb = gzip.compress(b" " * 200_000_000)
    headers = basic(shop.source.write_key) | {"Content-Encoding": "gzip"}
    assert problem(await client.post("/v1/batch", content=bomb, headers=headers)) == (400, "too_large")
    assert endpoints.in_flight.held == 0


async def test_a_body_without_end_is_cut_off_without_being_kept(
    client: httpx.AsyncClient, shop: Shop, endpoints: Endpoints
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 1_000_000_000:
            sent += 65_536
            yield b" " * 65_536

    answer = await client.post("/v1/batch", content=endless(), headers=basic(shop.source.write_key))
    assert problem(answer) == (400, "too_large")
    assert answer.headers["connection"] == "close"
    assert sent < 6_000_000
    assert endpoints.in_flight.held == 0


async def test_a_source_over_its_rate_is_told_when_to_come_back(
    client: httpx.AsyncClient, shop: Shop, endpoints: Endpoints
) -> None:
    with shop.db.write() as conn:
        change_source(conn, shop.workspace, shop.source.id, limits=Limits(facts_per_second=2))
    await endpoints.registry.refresh()
    batch = {"batch": [track() for _ in range(30)]}
    first = await client.post("/v1/batch", json=batch, headers=basic(shop.source.write_key))
    second = await client.post("/v1/batch", json=batch, headers=basic(shop.source.write_key))
    assert first.status_code == 200
    assert problem(second) == (429, "rate_limited")
    assert 5 <= int(second.headers["retry-after"]) <= 15
    assert second.headers["access-control-expose-headers"] == "Retry-After"
    assert len(shop.facts()) == 30


async def test_a_source_that_has_sent_its_megabytes_is_told_to_come_back_and_the_shop_is_told(
    client: httpx.AsyncClient, shop: Shop, endpoints: Endpoints
) -> None:
    with shop.db.write() as conn:
        change_source(conn, shop.workspace, shop.source.id, limits=Limits(megabytes_per_day=1))
    batch = {"batch": [track(properties={"text": "x" * 20_000}) for _ in range(51)]}
    first = await client.post("/v1/batch", json=batch, headers=basic(shop.source.write_key))
    endpoints.health.flush()
    await endpoints.registry.refresh()
    second = await client.post("/v1/track", json=track(), headers=basic(shop.source.write_key))
    assert first.status_code == 200
    assert problem(second) == (429, "rate_limited")
    assert 1 <= int(second.headers["retry-after"]) <= 3601
    endpoints.health.flush()
    with shop.db.read() as conn:
        alarms = [alarm for watch in WATCHES if watch.read for alarm in watch.read(conn, shop.workspace, now_us())]
    assert [alarm.path for alarm in alarms] == [f"/console/sources/{shop.source.id}"]
    assert "one fact was refused" in alarms[0].what
    with shop.db.write() as conn:
        change_source(conn, shop.workspace, shop.source.id, limits=Limits())
    await endpoints.registry.refresh()
    assert (await client.post("/v1/track", json=track(), headers=basic(shop.source.write_key))).status_code == 200


async def test_too_many_bytes_at_once_are_answered_429(
    shop: Shop, endpoints: Endpoints, client: httpx.AsyncClient
) -> None:
    endpoints.in_flight.hold(endpoints.in_flight.limit - 10)
    answer = await client.post("/v1/track", json=track(), headers=basic(shop.source.write_key))
    assert problem(answer) == (429, "overloaded")
    assert int(answer.headers["retry-after"]) >= 1
    endpoints.in_flight.release(endpoints.in_flight.limit - 10)
    assert (await client.post("/v1/track", json=track(), headers=basic(shop.source.write_key))).status_code == 200
    assert endpoints.in_flight.held == 0


class Broken:
    """An appender that fails in a given way."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def append(self, rows: list[LogRow], quarantined: list[QuarantineRow], *, address: str) -> int:
        raise self.error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Overloaded("full", retry_after_seconds=2), (429, "overloaded")),
        (Unavailable("no database"), (503, "unavailable")),
        (RuntimeError("a bug"), (500, "internal_error")),
    ],
)
async def test_a_fault_of_ours_is_never_a_4xx_that_clients_would_drop(
    shop: Shop, endpoints: Endpoints, client: httpx.AsyncClient, error: Exception, expected: tuple[int, str]
) -> None:
    endpoints._appender = Broken(error)  # type: ignore[assignment]
    answer = await client.post("/v1/track", json=track(), headers=basic(shop.source.write_key))
    assert problem(answer) == expected
    assert "bug" not in answer.text
    assert endpoints.in_flight.held == 0


async def test_a_client_that_goes_away_is_not_answered_and_holds_nothing(shop: Shop, endpoints: Endpoints) -> None:
    messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])
    sent: list[object] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: object) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/track", "query_string": b"", "headers": []}
    await endpoints(scope, receive, send)
    assert sent == []
    assert endpoints.in_flight.held == 0


async def test_every_post_s_preflight_is_answered_for_a_day(client: httpx.AsyncClient) -> None:
    asked = "authorization,content-type,x-retry-count,anonymousid,sentat,rsa-storage-id,rsa-brand-new"
    for path in ("/v1/t", "/v1/batch", "/v1/m", "/beacon/v1/batch", "/v1/projects/x/settings", "/sourceConfig/"):
        answer = await client.options(
            path,
            headers={
                "Origin": "https://shop.example",
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": asked,
            },
        )
        allowed = {name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")}
        assert answer.status_code == 204
        assert set(asked.split(",")) | {"content-encoding"} <= allowed
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert int(answer.headers["access-control-max-age"]) >= 86_400
        assert answer.headers["access-control-allow-origin"] == "*"


async def test_a_merge_is_an_alias_of_all_it_names(client: httpx.AsyncClient, shop: Shop) -> None:
    merge = {
        "type": "merge", "userId": "ada",
        "mergeProperties": [{"type": "email", "value": "Ada@Example.com"}, {"type": "mobile", "value": "+4930123456"}],
    }  # fmt: skip
    headers = basic(shop.source.write_key)
    assert (await client.post("/v1/merge", json=merge, headers=headers)).content == SUCCESS
    assert (await client.post("/v1/batch", json={"batch": [merge]}, headers=headers)).content == SUCCESS
    facts = shop.facts()
    assert [(fact.type, fact.name, fact.user_id) for fact in facts] == [("alias", "Aliased", "ada")] * 2
    named = [Identifier("user_id", "ada"), Identifier("email", "ada@example.com"), Identifier("phone", "+4930123456")]
    assert identifiers_of(facts[0], shop.source.policy) == named
    assert facts[0].unverified, "the key of a web source is public"
    assert said_same(facts[0], shop.source.policy) == set()
    assert said_same(msgspec.structs.replace(facts[0], unverified=False), shop.source.policy) == set(named[1:])


async def test_sdk_metrics_are_answered_and_not_kept(client: httpx.AsyncClient, shop: Shop) -> None:
    assert (await client.post("/v1/m", content=b'{"series":[]}')).content == SUCCESS
    assert shop.facts() == []


async def test_the_browser_library_finds_its_settings(client: httpx.AsyncClient, shop: Shop) -> None:
    key = shop.source.write_key
    answer = await client.get(f"/v1/projects/{key}/settings")
    settings = answer.json()
    assert settings["integrations"] == {"Segment.io": {"apiKey": key, "apiHost": "shop.test/v1", "protocol": "http"}}
    assert settings["metrics"] == {"sampleRate": 0}
    assert set(settings["plan"]) == {"track", "identify", "group"}
    assert answer.headers["access-control-allow-origin"] == "*"
    assert problem(await client.get("/v1/projects/unknown/settings")) == (404, "not_found")
    forged = await client.get(f"/v1/projects/{key}/settings", headers={"Host": 'evil"<script>'})
    assert problem(forged) == (400, "invalid_input")


async def test_rudderstack_finds_its_source(client: httpx.AsyncClient, shop: Shop) -> None:
    key = shop.source.write_key
    for way in ({"params": {"writeKey": key}}, {"headers": basic(f"{key}:")}):
        source = (await client.get("/sourceConfig/", **way)).json()["source"]  # type: ignore[arg-type]
        assert (source["writeKey"], source["enabled"], source["destinations"]) == (key, True, [])
        assert source["config"]["statsCollection"]["errors"] == {"enabled": False}


async def test_the_wrong_method_is_405_with_the_right_one(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/track")
    assert problem(answer) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "POST, OPTIONS"
    assert problem(await client.post("/pixel/v1/track")) == (405, "method_not_allowed")
    assert problem(await client.put("/sourceConfig")) == (405, "method_not_allowed")


async def test_history_keeps_its_times_and_live_messages_with_a_wrong_clock_do_not(
    client: httpx.AsyncClient, shop: Shop
) -> None:
    past = "2011-12-09T12:50:00Z"
    body = {"batch": [track(timestamp=past, messageId="m")], "sentAt": "2011-12-09T12:50:01Z"}
    assert (await client.post("/v1/import", json=body, headers=basic(shop.source.write_key))).content == SUCCESS
    assert shop.facts()[0].occurred_at == from_iso(past)


async def test_the_shopper_s_address_and_privacy_signal_are_kept(client: httpx.AsyncClient, shop: Shop) -> None:
    headers = basic(shop.source.write_key) | {"Sec-GPC": "1"}
    await client.post("/v1/track", json=track(), headers=headers)
    context = shop.facts()[0].context
    assert (context["ip"], context["globalPrivacyControl"]) == ("203.0.113.9", True)


async def test_a_privacy_signal_is_heard_at_every_door_and_only_as_its_one_value(
    client: httpx.AsyncClient, shop: Shop
) -> None:
    key, said = shop.source.write_key, track()
    for signal in ("1", "0", "true", " 1x"):
        header = {"Sec-GPC": signal}
        await client.post("/beacon/v1/batch", params={"writeKey": key}, json={"batch": [track()]}, headers=header)
        await client.post("/v1/batch", json={"batch": [track()]}, headers=basic(key) | header)
        pixel = base64.b64encode(json.dumps(said | {"writeKey": key, "messageId": f"p{signal}"}).encode()).decode()
        await client.get("/pixel/v1/track", params={"data": pixel}, headers=header)
    signals = [fact.context.get("globalPrivacyControl") for fact in shop.facts()]
    assert (len(signals), signals.count(True), signals.count(None)) == (12, 3, 9)


@pytest.mark.parametrize(
    ("policy", "kept"), [("keep", "203.0.113.9"), ("stripLastOctet", "203.0.113.0"), ("remove", None), ("x", None)]
)
async def test_as_much_of_the_address_is_kept_as_the_client_lets(
    client: httpx.AsyncClient, shop: Shop, policy: str, kept: str | None
) -> None:
    headers = basic(shop.source.write_key) | {"X-IP-Policy": policy}
    assert (await client.post("/api/s/track", json=track(), headers=headers)).content == SUCCESS
    assert shop.facts()[0].context.get("ip") == kept


async def test_a_small_body_cannot_grow_large_by_a_context_for_all(client: httpx.AsyncClient, shop: Shop) -> None:
    body = {"context": {"note": "x" * 100_000}, "batch": [track() for _ in range(2500)]}
    answer = await client.post("/v1/batch", json=body, headers=basic(shop.source.write_key))
    assert problem(answer) == (400, "too_large")
    body = {"sentAt": "x" * 100_000, "batch": [track(), track(), {"sentAt": "x" * 9000}]}
    assert (await client.post("/v1/batch", json=body, headers=basic(shop.source.write_key))).content == SUCCESS
    assert [fact.sent_at for fact in shop.facts()] == [None, None]


async def test_what_a_full_quarantine_has_no_room_for_is_not_acknowledged(
    client: httpx.AsyncClient, shop: Shop, endpoints: Endpoints
) -> None:
    with shop.db.write() as conn:
        change_source(conn, shop.workspace, shop.source.id, limits=Limits(max_quarantined=2))
    answers = []
    for at in range(5):
        await endpoints.registry.refresh()
        batch = {"batch": [track(messageId=f"good-{at}"), {"type": "track", "userId": f"u{at}"}]}
        answers.append(await client.post("/v1/batch", json=batch, headers=basic(shop.source.write_key)))
    assert [answer.status_code for answer in answers] == [200, 200, 400, 400, 400]
    assert problem(answers[-1]) == (400, "quarantine_full")
    assert "1 of 2 messages are invalid" in answers[-1].text
    endpoints.health.flush()
    assert len(shop.facts()) == 5, "valid messages are kept all the same"
    with shop.db.read() as conn:
        assert len(list_quarantined(conn, shop.workspace)) == 2
        health = health_of_sources(conn, shop.workspace, now=now_us())[shop.source.id]
    assert (health.accepted, health.quarantined, health.dropped) == (5, 2, 3)


async def test_many_at_once_are_all_kept(client: httpx.AsyncClient, shop: Shop) -> None:
    posts = [
        client.post("/v1/track", json=track(messageId=f"m{i}"), headers=basic(shop.source.write_key))
        for i in range(200)
    ]
    answers = await asyncio.gather(*posts)
    assert {answer.status_code for answer in answers} == {200}
    assert len(shop.facts()) == 200


@pytest.mark.parametrize(
    ("path", "handled"),
    [
        ("/v1/track", True), ("/v1/b", True), ("/v1/m", True), ("/sourceConfig/", True),
        ("/v1/projects/k/settings", True), ("/pixel/v1/page", True),
        ("/v1/spaces/x/collections/users/profiles/user_id:ada/traits", False),
        ("/v1/unknown", False), ("/api/v1/customers", False), ("/", False),
    ],
)  # fmt: skip
async def test_the_doors_know_their_paths(path: str, *, handled: bool) -> None:
    assert handles(path) is handled

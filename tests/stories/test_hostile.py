"""Hostile input against a running server: never a 500, nothing good lost, and an error that says what is wrong."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psutil
import pytest

from rapport.collect.prepare import KEPT_OF_STRANGERS
from rapport.kernel.clock import SECOND, now_us
from tests.running import Server
from tests.stories.kept import eventually, facts_of, golden_record, quarantine_of

pytestmark = pytest.mark.slow

MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'`&"
TEMPLATES = "{{7*7}} ${7*7} {% raw %} %(x)s #{7*7} <%= 7*7 %>"
SQL = "'; DROP TABLE facts; -- \" OR 1=1 \\"
CONTROLS = "".join(map(chr, range(32))) + "\x7f\x85\u2028\u202e\ufeff"


@pytest.fixture
def client(module_server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=module_server.url, auth=(module_server.write_key, ""), timeout=30) as made:
        yield made


def track(person: str, **fields: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Cart Viewed", "userId": person} | fields


def accepted(answer: httpx.Response) -> bool:
    return answer.status_code == 200 and answer.json() == {"success": True}


def problem(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {"code", "message"}
    assert len(body["message"]) > 10
    return answer.status_code, body["code"]


def still_well(client: httpx.Client, server: Server, person: str) -> None:
    """The server takes a good fact as if nothing had happened."""
    assert accepted(client.post("/v1/track", json=track(person)))
    assert [fact.user_id for fact in facts_of(server)].count(person) == 1


def test_oversize_bodies_are_refused_and_cost_no_memory(client: httpx.Client, module_server: Server) -> None:
    """5 MB plain, 500 MB out of 500 KB of gzip, and a gzip within a gzip."""
    before = memory_mb(module_server)
    bomb = gzip.compress(b"0" * 500_000_000, 9)
    for body, headers in (
        (b'{"batch":[' + b" " * 5_000_000 + b"]}", {}),
        (bomb, {"Content-Encoding": "gzip"}),
        (bomb, {}),
    ):
        assert problem(client.post("/v1/batch", content=body, headers=headers)) == (400, "too_large")
    nested = gzip.compress(gzip.compress(b'{"batch":[]}'))
    assert problem(client.post("/v1/batch", content=nested, headers={"Content-Encoding": "gzip"})) == (
        400,
        "invalid_input",
    )
    assert memory_mb(module_server) - before < 60
    still_well(client, module_server, "after-oversize")


def test_a_flood_of_large_bodies_is_answered_and_memory_stays_bounded(
    client: httpx.Client, module_server: Server
) -> None:
    """What does not fit is told to come back; what was accepted is there."""
    body = json.dumps({"batch": [track(f"flood-{i}", properties={"x": "y" * 20_000}) for i in range(200)]}).encode()

    def send(_: int) -> int:
        return client.post("/v1/batch", content=body).status_code

    with ThreadPoolExecutor(24) as pool:
        statuses = list(pool.map(send, range(48)))
    assert set(statuses) <= {200, 429}
    assert 200 in statuses
    assert memory_mb(module_server) < 600
    assert len([fact for fact in facts_of(module_server) if fact.user_id == "flood-7"]) == statuses.count(200)


def test_slow_and_broken_connections_do_not_keep_others_waiting(client: httpx.Client, module_server: Server) -> None:
    head = b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n"
    lines = [socket.create_connection(("127.0.0.1", module_server.port)) for _ in range(50)]
    for line in lines:
        line.sendall(head + b'{"batch":[')
    started = time.monotonic()
    still_well(client, module_server, "beside-slow")
    assert time.monotonic() - started < 5
    for line in lines:
        line.close()
    still_well(client, module_server, "after-broken")


@pytest.mark.parametrize(
    "head",
    [
        b"POST /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"POST /v1/track HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n",
        b"POST /v1/track HTTP/1.1\r\nHost: x\r\nAuthorization: Basic \xff\xfe\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /v1/track?writeKey=%00%ff%gg HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        b"GET /v1/projects/%00%2e%2e%2f/settings HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/projects/x/settings HTTP/1.1\r\nHost: \r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)  # fmt: skip
def test_malformed_requests_get_a_4xx_or_a_closed_line(
    client: httpx.Client, module_server: Server, head: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", module_server.port), timeout=10) as line:
        line.sendall(head)
        line.shutdown(socket.SHUT_WR)
        answer = line.recv(65_536)
    assert answer == b"" or answer.split(b" ")[1].startswith(b"4"), answer
    assert client.get("/readyz").status_code == 200


def test_whatever_one_message_holds_its_neighbours_are_kept(client: httpx.Client, module_server: Server) -> None:
    hostile: list[bytes] = [
        b"[" * 20_000 + b"]" * 20_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b'{"type":"track","event":"x","userId":"h","properties":{"price":NaN}}',
        b'{"type":"track","event":"x","userId":"h","properties":{"price":-Infinity}}',
        b'{"type":"track","event":"\xc3\x28","userId":"h"}',
        json.dumps(track("h", properties={f"p{i}": i for i in range(10_000)})).encode(),
        json.dumps(track("h", properties={"note": "x" * 100_000})).encode(),
        b"null", b"true", b"[]", b'""', b"{}", b"-", b"{tru}",
    ]  # fmt: skip
    for number, bad in enumerate(hostile):
        good = [json.dumps(track(f"neighbour-{number}", messageId=f"n-{number}-{i}")).encode() for i in (0, 1)]
        answer = client.post("/v1/batch", content=b'{"batch":[' + b",".join([good[0], bad, good[1]]) + b"]}")
        assert accepted(answer), (bad[:60], answer.text)
    ids = {fact.id for fact in facts_of(module_server)}
    assert {f"n-{number}-{i}" for number in range(len(hostile)) for i in (0, 1)} <= ids
    bodies = [row.body for row in quarantine_of(module_server)]
    # Of one that is far too long its beginning is kept.
    assert all(bad[:KEPT_OF_STRANGERS] in bodies for bad in hostile)
    assert all(row.reason and row.path for row in quarantine_of(module_server))


def test_huge_numbers_odd_text_and_forged_times_become_facts_all_can_read(
    client: httpx.Client, module_server: Server
) -> None:
    future, past = "2999-01-01T00:00:00Z", "0001-01-01T00:00:00Z"
    messages: list[str] = [
        json.dumps(track("odd-1", properties={"n": 10**60, "m": -(10**30), "f": 1e308, "z": -0.0})),
        '{"type":"track","event":"x","userId":"odd-2","properties":{"n":' + "9" * 5000 + "}}",
        json.dumps(track("odd-3", event=f"{MARKUP}", properties={MARKUP: MARKUP, TEMPLATES: SQL, CONTROLS: CONTROLS})),
        '{"type":"track","event":"cut \\ud83c","userId":"odd-4"}',
        json.dumps(track("odd-5", timestamp=future, sentAt=past)),
        json.dumps(track("odd-6", timestamp=past, sentAt=future)),
        json.dumps(track("odd-7", timestamp={"$gt": 0}["$gt"], properties={"__proto__": {"a": 1}, "$where": "1"})),
        json.dumps(track(SQL, anonymousId="odd-8", messageId=SQL)),
        json.dumps(track("odd-9\u0000", properties={"a\u0000": "\u0000"})),
        json.dumps(
            {"type": "identify", "userId": "odd-10", "traits": {"email": MARKUP, "name": SQL, "phone": CONTROLS}}
        ),
    ]
    for message in messages:
        assert accepted(client.post("/v1/batch", content=f'{{"batch":[{message}]}}'.encode())), message
    facts = {fact.user_id: fact for fact in facts_of(module_server) if "odd-" in f"{fact.user_id}{fact.anonymous_id}"}
    assert len(facts) == len(messages)
    assert facts["odd-1"].properties["n"] == str(10**60)
    assert facts["odd-3"].name == MARKUP
    assert facts["odd-3"].properties[TEMPLATES] == SQL
    assert facts["odd-4"].name == "cut \ufffd"
    assert all(abs(facts[f"odd-{number}"].occurred_at - now_us()) < 600 * SECOND for number in (5, 6, 7))
    assert facts[SQL].id == SQL
    assert facts["odd-9"].properties == {"a": ""}


def test_a_hostile_name_is_a_customer_like_any_other(client: httpx.Client, module_server: Server) -> None:
    """Nothing of it stops the worker: Bo, who comes after, has his Golden Record."""
    for name in (MARKUP, TEMPLATES, SQL, CONTROLS, "x" * 8_000):
        message = {"type": "identify", "userId": "hostile", "traits": {"name": name, "email": name, "birthday": name}}
        assert accepted(client.post("/v1/identify", json=message))
        message = track("hostile", properties={"price": name, "products": name, "currency": name, "revenue": 10**40})
        assert accepted(client.post("/v1/track", json=message | {"event": "Order Completed"}))
    assert accepted(client.post("/v1/identify", json={"userId": "bo-after", "traits": {"name": "Bo"}}))
    record = golden_record(module_server, "user_id:bo-after", until=lambda r: "name" in r.get("traits", {}))
    assert record["traits"]["name"]["value"] == "Bo"


def test_wrong_keys_are_401_whatever_they_are(module_server: Server) -> None:
    before = len(facts_of(module_server))
    keys: list[Any] = ["", "x", SQL, MARKUP, "\x01", "a" * 5000, "wk_", "%00", None, 7, {"a": 1}, ["x"], True]
    with httpx.Client(base_url=module_server.url) as stranger:
        for key in keys:
            for path, body in (("/v1/track", track("thief")), ("/v1/batch", {"batch": [track("thief")]})):
                assert problem(stranger.post(path, json=body | {"writeKey": key})) == (401, "unauthenticated")
                assert problem(stranger.post(path, json=body, params={"writeKey": str(key)})) == (
                    401,
                    "unauthenticated",
                )
    assert len(facts_of(module_server)) == before


def test_the_same_facts_from_many_at_once_are_kept_once(client: httpx.Client, module_server: Server) -> None:
    body = {"batch": [track("crowd", messageId=f"crowd-{i}") for i in range(100)]}
    barrier = threading.Barrier(12)

    def send(_: int) -> bool:
        barrier.wait()
        return accepted(client.post("/v1/batch", json=body))

    with ThreadPoolExecutor(12) as pool:
        assert all(pool.map(send, range(12)))
    assert [fact.user_id for fact in facts_of(module_server)].count("crowd") == 100


def test_the_log_of_the_server_tells_of_no_failure(module_server: Server) -> None:
    """Runs last in this file: after all of the above there is not one traceback, and not one person in the log."""
    text = eventually(module_server.log.read_text, until=lambda _: True)
    assert "Traceback" not in text
    assert "an endpoint failed" not in text
    assert "neighbour-1" not in text


def memory_mb(server: Server) -> float:
    """Resident memory of the server's largest process."""
    assert server.process is not None
    root = psutil.Process(server.process.pid)
    return max(float(p.memory_info().rss) / 1e6 for p in [root, *root.children(recursive=True)])

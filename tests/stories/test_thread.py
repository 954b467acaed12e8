"""A thread through all six rooms, over HTTP: what Ada does is collected, decided on, acted upon and measured."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import msgspec
import psutil
import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from rapport.kernel.clock import HOUR, SECOND, now_us, to_iso
from tests.conftest import StartServer
from tests.rooms.act.receiver import Receiver
from tests.running import Server

pytestmark = pytest.mark.slow

ALLOWED = {"RAPPORT_ALLOW_PRIVATE_WEBHOOKS": "true"}


class Client:
    """The shop's own software: sends facts with its write key, asks with its API key."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._http = httpx.Client(base_url=server.url, timeout=20)
        self._number = 0

    def track(
        self, event: str, /, *, user: str | None = None, browser: str | None = None, at: int = 0, **properties: Any
    ) -> None:
        self._number += 1
        message = {
            "type": "track", "event": event, "messageId": f"{event}-{self._number}", "properties": properties,
            "timestamp": to_iso(at or now_us()), "userId": user, "anonymousId": browser,
        }  # fmt: skip
        body = {"batch": [{key: value for key, value in message.items() if value is not None}]}
        answer = self._http.post("/v1/batch", json=body, auth=(self.server.write_key, ""))
        assert (answer.status_code, answer.json()) == (200, {"success": True})

    def api(self, method: str, path: str, *, status: int = 200, **given: Any) -> Any:
        headers = {"authorization": f"Bearer {self.server.api_key}"}
        answer = self._http.request(method, f"/api/v1{path}", headers=headers, **given)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def close(self) -> None:
        self._http.close()


def until(check: Callable[[], Any], *, seconds: float = 20.0) -> Any:
    """What `check` answers once it is true."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, f"still {found!r} after {seconds} s"
        time.sleep(0.02)
    return found


@pytest.fixture
def client(start_server: StartServer) -> Iterator[Client]:
    """Of a shop whose workers this test alone kills."""
    server = start_server(environment=ALLOWED)
    found = Client(server)
    yield found
    found.close()
    server.stop()


@pytest.fixture(scope="module")
def shared(shop_server: Server) -> Iterator[Client]:
    """Of the shop that the other tests share."""
    found = Client(shop_server)
    yield found
    found.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found


def test_views_become_a_decision_that_is_clicked_and_bought(shared: Client) -> None:
    """Other visitors' views decide what Ada sees beside the Chianti; her click and her order are counted."""
    for visitor in ("v1", "v2"):
        shared.track("Product Viewed", browser=visitor, product_id="chianti", name="Chianti Classico", price=12.5,
                     currency="EUR", category="Wine")  # fmt: skip
        shared.track("Product Viewed", browser=visitor, product_id="corkscrew", name="Corkscrew", price=8,
                     currency="EUR", category="Tools")  # fmt: skip
    asked = {
        "placement": "product.also", "customer": {"namespace": "anonymous_id", "value": "ada-phone"},
        "context": {"product_id": "chianti"}, "limit": 4,
    }  # fmt: skip
    made: list[dict[str, Any]] = []

    def ask() -> dict[str, Any] | None:
        made.append(shared.api("POST", "/decisions", json=asked))
        both_visits = [item for item in made[-1]["items"] if "in 2 visits" in str(item["reasons"])]
        return made[-1] if both_visits else None

    decision = until(ask)
    [item] = decision["items"]
    assert (item["product_id"], item["name"], item["price_minor"]) == ("corkscrew", "Corkscrew", 800)
    assert item["reasons"] == ["viewed with this product in 2 visits"]
    assert item["odds"] == 1.0
    assert decision["policy"] == {"name": "covisits", "version": "1"}
    until(lambda: shared.api("GET", "/metrics/decisions")["totals"]["decided"] == len(made))

    shared.track("Product Clicked", browser="ada-phone", product_id="corkscrew", decision_id=decision["decision_id"])
    shared.track("Order Completed", user="ada", browser="ada-phone", order_id="o1", revenue=8, currency="EUR",
                 products=[{"product_id": "corkscrew", "price": 8, "quantity": 1}],
                 shipping_address={"country": "IT"})  # fmt: skip
    totals = until(lambda: (found := shared.api("GET", "/metrics/decisions")["totals"])["bought"] and found)
    assert (totals["decided"], totals["clicked"], totals["bought"]) == (len(made), 1, 1)
    assert totals["buy_rate"] == 1.0
    [italy] = shared.api("GET", "/metrics/revenue_by", params={"by": "country"})["rows"]
    assert (italy["country"], italy["currency"], italy["revenue_minor"]) == ("IT", "EUR", 800)
    record = shared.api("GET", "/customers/user_id:ada")
    assert record["traits"]["orders"]["value"] == 1


def test_a_cart_left_becomes_one_signed_webhook_although_the_worker_is_killed(
    client: Client, receiver: Receiver
) -> None:
    """Thirty carts are left; while they fall due the workers are killed again and again."""
    made = client.api("POST", "/webhooks", status=201, json={"url": receiver.url, "events": ["Cart Abandoned"]})
    left_at = now_us() - HOUR + 8 * SECOND
    for number in range(30):
        client.track("Product Added", browser=f"b{number}", at=left_at + number * 200_000, product_id="p", price=5,
                     currency="EUR", cart_id=f"cart-{number}")  # fmt: skip
    client.track("Order Completed", browser="b29", order_id="o", revenue=5, currency="EUR")
    stop_at = time.monotonic() + 15
    killed = 0
    while time.monotonic() < stop_at:
        killed += kill_workers(client.server)
        time.sleep(1.7)
    assert killed >= 3
    until(lambda: len({webhook.headers["webhook-id"] for webhook in receiver.received}) >= 29, seconds=120)
    time.sleep(2)
    for webhook in receiver.received:
        Verifier(made["secret"]).verify(webhook.body, webhook.headers)
    bodies = {webhook.headers["webhook-id"]: webhook.body for webhook in receiver.received}
    told = [msgspec.json.decode(body)["data"]["properties"]["cart_id"] for body in bodies.values()]
    assert sorted(told) == sorted(f"cart-{number}" for number in range(29))
    deliveries = client.api("GET", f"/webhooks/{made['webhook']['id']}/deliveries", params={"limit": 100})
    assert {delivery["status"] for delivery in deliveries} == {"delivered"}
    assert len(deliveries) == 29
    rate = until(lambda: (found := client.api("GET", "/metrics/cart_abandonment")["totals"])["started"] == 30 and found)
    assert (rate["abandoned"], rate["ordered"], rate["recovered"]) == (29, 1, 0)


def test_a_webhook_is_managed_over_the_api(shared: Client) -> None:
    """Added with its secret, listed without it, changed, asked for its deliveries, removed."""
    made = shared.api("POST", "/webhooks", status=201, json={"url": "https://example.com/hook"})
    webhook = made["webhook"]
    assert made["secret"].startswith("whsec_")
    assert webhook["events"] == ["Cart Abandoned"]
    assert shared.api("GET", "/webhooks") == [webhook]
    path = f"/webhooks/{webhook['id']}"
    changed = shared.api("PATCH", path, json={"enabled": False})
    assert (changed["enabled"], changed["disabled_reason"]) == (False, "switched off by hand")
    assert shared.api("GET", path) == changed
    assert shared.api("GET", f"{path}/deliveries") == []
    assert shared.api("POST", f"{path}/deliveries/msg_none/redeliver", status=404)["code"] == "not_found"
    assert shared.api("POST", "/webhooks", status=400, json={"url": "ftp://example.com"})["code"] == "invalid_input"
    shared.api("DELETE", path, status=204)
    shared.api("GET", path, status=404)


def test_every_metric_states_its_definition(shared: Client) -> None:
    names = {metric["name"] for metric in shared.api("GET", "/metrics")}
    assert {"decisions", "cart_abandonment", "revenue_by", "facts"} <= names
    for name in names:
        assert len(shared.api("GET", f"/metrics/{name}")["definition"]) > 40
    wrong = shared.api("GET", "/metrics/facts", status=400, params={"from": "yesterday"})
    assert wrong["hint"] == "2026-11-22 or 2026-11-22T05:00:00Z"


def test_an_unknown_placement_and_a_wrong_key_are_said(shared: Client) -> None:
    problem = shared.api("POST", "/decisions", status=404, json={"placement": "nowhere"})
    assert problem["code"] == "not_found"
    assert problem["hint"].startswith("there are: app, cart,")
    assert (
        shared.api("POST", "/decisions", status=400, json={"placement": "product.also", "limit": 0})["code"]
        == "invalid_input"
    )
    anonymous = httpx.post(f"{shared.server.url}/api/v1/decisions", json={"placement": "product.also"})
    assert anonymous.status_code == 401


def kill_workers(server: Server) -> int:
    """`kill -9` of every worker process of this server; how many there were."""
    assert server.process is not None
    killed = 0
    for child in psutil.Process(server.process.pid).children(recursive=True):
        try:
            if any("worker" in part for part in child.cmdline()):
                os.kill(child.pid, signal.SIGKILL)
                killed += 1
        except (psutil.NoSuchProcess, ProcessLookupError):
            continue
    return killed

"""Journeys over HTTP and in the console: written, refused in place, walked by a running server, tried on the past."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser

from rapport.capabilities.journeys.service.shipped import shipped
from tests.running import Server, http, wait_until
from tests.stories.console import add_owner, identify, signed_in, tell

GRAPH: dict[str, Any] = {
    "title": "Thanks", "entry": {"on": "fact", "fact": "Quiz Finished", "subject": "quiz_id"}, "control_percent": 0,
    "start": "branch",
    "nodes": {
        "branch": {
            "kind": "branch", "otherwise": "end",
            "ways": [{"entry": [{"property": "points", "op": ">=", "value": 5}], "next": "task"}],
        },
        "task": {"kind": "task", "title": "Send them a card", "next": "wait"},
        "wait": {"kind": "wait", "for": "1d", "next": "end"},
        "end": {"kind": "exit"},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def server(shop_server: Server) -> Server:
    add_owner(shop_server)
    tell(shop_server, identify("ada", email="ada@example.com", firstName="Ada"))
    wait_until(lambda: shop_server.customer("user_id:ada") is not None)
    return shop_server


def call(server: Server, method: str, path: str, **options: Any) -> httpx.Response:
    key = {"Authorization": f"Bearer {server.api_key}", **options.pop("headers", {})}
    return http.request(method, f"{server.url}/api/v1/{path}", headers=key, **options)


def finished(points: int, quiz: str) -> dict[str, Any]:
    return {"type": "track", "event": "Quiz Finished", "userId": "ada", "messageId": quiz,
            "properties": {"points": points, "quiz_id": quiz}}  # fmt: skip


def test_a_journey_is_written_walked_seen_and_tried_on_the_past(server: Server, browser: Browser) -> None:
    made = call(server, "PUT", "journeys/thanks", json=GRAPH)
    assert made.status_code == 200, made.text
    found = call(server, "GET", "journeys/thanks")
    assert GRAPH.items() <= found.json().items()
    assert (found.json()["version"], found.json()["state"]) == (1, "live")
    again = call(server, "PUT", "journeys/thanks", json=found.json(), headers={"If-Match": found.headers["ETag"]})
    assert again.json()["version"] == 2
    late = call(server, "PUT", "journeys/thanks", json=found.json(), headers={"If-Match": found.headers["ETag"]})
    assert late.status_code == 409
    tell(server, finished(7, "a"))
    tell(server, finished(1, "b"))
    wait_until(lambda: "1 here" in seen(server, browser, "/console/journeys/thanks"))
    page = seen(server, browser, "/console/journeys/thanks?node=wait")
    assert "Give the shop a task: Send them a card" in page
    assert "Ada" in page
    assert "Thanks" in seen(server, browser, "/console/journeys")
    tried = call(server, "POST", "journeys/thanks/dry-run", json={}).json()
    assert (tried["entered"], tried["outcomes"]) == (2, {"inside": 1, "end": 1})
    assert tried["nodes"] == {"branch": 2, "task": 1, "wait": 1, "end": 1}
    [task] = call(server, "GET", "tasks").json()
    assert (task["title"], task["journey"], task["done_by"]) == ("Send them a card", "thanks", "")
    with signed_in(browser, server) as (page_, _):
        page_.goto(f"{server.url}/console/tasks")
        page_.get_by_role("button", name="Done: Send them a card").click()
        page_.get_by_role("link", name="Done").click()
        page_.get_by_text("Olga Owner").first.wait_for()
    [task] = call(server, "GET", "tasks", params={"show": "done"}).json()
    assert task["done_by"] == "Olga Owner"
    assert call(server, "PUT", f"tasks/{task['id']}", json={"done": False}).json()["done_at"] is None
    assert call(server, "GET", "journeys/thanks/effect").json()["journey"] == 1
    other = call(server, "POST", "journeys/another/dry-run", json={"graph": {**GRAPH, "control_percent": 90}}).json()
    assert other["entered"] == 2


def test_what_cannot_be_a_journey_is_refused_with_every_place(server: Server) -> None:
    nodes = {**GRAPH["nodes"], "task": {"kind": "send", "template": "none", "next": "nowhere"}}
    refused = call(server, "PUT", "journeys/odd", json={**GRAPH, "nodes": nodes})
    assert refused.status_code == 400
    assert refused.json()["code"] == "bad_journey"
    assert [one["path"] for one in refused.json()["errors"]] == ["$.nodes.task.next", "$.nodes.task.template"]
    assert call(server, "GET", "journeys/odd").status_code == 404
    assert call(server, "PUT", "journeys/Odd!", json=GRAPH).status_code == 400
    assert http.get(f"{server.url}/api/v1/journeys").status_code == 401


def test_a_system_has_somebody_enter_once_and_a_stopped_journey_lets_nobody_in(server: Server) -> None:
    call(server, "PUT", "journeys/called", json={**GRAPH, "entry": {"on": "api"}, "start": "wait", "nodes": {
        "wait": GRAPH["nodes"]["wait"], "end": GRAPH["nodes"]["end"]}})  # fmt: skip
    entry = {"customer": "user_id:ada", "idempotency_key": "1"}
    answers = [call(server, "POST", "journeys/called/entries", json=entry).json() for _ in range(2)]
    assert answers == [{"entered": True}, {"entered": False}]
    assert call(server, "PUT", "journeys/called/state", json={"live": False}).json()["state"] == "stopped"
    assert call(server, "POST", "journeys/called/entries", json={**entry, "subject": "x"}).status_code == 409
    assert call(server, "DELETE", "journeys/called").status_code == 204
    assert call(server, "GET", "journeys/called").status_code == 404


def test_the_editor_reads_along_and_ready_made_journeys_are_whole(server: Server, browser: Browser) -> None:
    with signed_in(browser, server) as (page, complaints):
        for name in shipped():
            page.goto(f"{server.url}/console/journeys-new?ready={name}")
            assert page.locator("#tried .alert").count() == 0, name
        page.get_by_text("As text").click()
        page.locator("#f-body").fill('{"title": "x"}')
        page.locator("#tried .alert").wait_for()
        page.locator("#f-body").fill(json.dumps({**GRAPH, "title": "Written here"}))
        page.locator("#tried li", has_text="Wait 1 day").wait_for()
        page.locator("#f-name").fill("written")
        page.locator("button", has_text="Start").press("Enter")
        page.get_by_role("heading", name="Written here").wait_for()
        assert not complaints


def seen(server: Server, browser: Browser, path: str) -> str:
    """The text of a page of the console."""
    with signed_in(browser, server) as (page, _):
        page.goto(f"{server.url}{path}")
        return page.locator("main").inner_text()

"""`/api/v1/sources` and `/api/v1/quarantine`, through the application as programs meet it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient

from rapport.collect.admission import Everything
from rapport.collect.appender import Appender
from rapport.collect.model import Envelope
from rapport.collect.prepare import prepare_all
from rapport.collect.routes import ROUTES
from rapport.collect.store import source_unread
from rapport.kernel.clock import now_us, to_iso
from rapport.web import accounts
from rapport.web.app import create_app
from rapport.web.part import WebPart
from tests.rooms.collect.conftest import Shop
from tests.slices import PERMISSIONS, SLICES, WORDING

Ask = Callable[..., httpx.Response]


@pytest.fixture
def http(shop: Shop) -> Iterator[TestClient[Any]]:
    with TestClient(
        create_app(
            db=shop.db,
            wording=WORDING,
            permissions=PERMISSIONS,
            parts={"collect": WebPart(routes=ROUTES)},
            provided={"vocabulary": SLICES.vocabulary, "admission": Everything()},
        )
    ) as made:
        yield made


@pytest.fixture
def ask(shop: Shop, http: TestClient[Any]) -> Ask:
    """Call the API with a key that has these scopes (all four by default)."""
    keys: dict[tuple[str, ...], str] = {}
    every = ("sources:read", "sources:write", "quarantine:read", "quarantine:write")

    def call(
        method: str, path: str, scopes: tuple[str, ...] = every, if_match: str | None = None, **options: Any
    ) -> httpx.Response:
        if scopes not in keys:
            _, keys[scopes] = accounts.create_api_key(
                shop.db,
                PERMISSIONS,
                workspace=shop.workspace,
                name="test",
                scopes=scopes,
                created_by="test",
                now=now_us(),
            )
        headers = {"Authorization": f"Bearer {keys[scopes]}"} | ({"If-Match": if_match} if if_match else {})
        return http.request(method, f"/api/v1{path}", headers=headers, **options)

    return call


@pytest.fixture
def bad_id(shop: Shop) -> str:
    """The id of a message of Ada's that lacks its event."""
    rows, aside = prepare_all(
        [b'{"userId":"ada","messageId":"m1"}'],
        source=shop.source,
        received_at=now_us(),
        envelope=Envelope(type="track"),
    )
    appender = Appender(shop.db)
    appender.append_sync(rows, aside)
    appender.close()
    return aside[0].id


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/sources"), ("POST", "/sources"), ("GET", "/sources/x"), ("PATCH", "/sources/x"),
        ("GET", "/sources/x/unread"),
        ("POST", "/sources/x/rotate"), ("DELETE", "/sources/x/previous-key"),
        ("GET", "/quarantine"), ("GET", "/quarantine/x"), ("PUT", "/quarantine/x"),
        ("POST", "/quarantine/x/replay"), ("POST", "/quarantine/replay"), ("DELETE", "/quarantine/x"),
    ],
)  # fmt: skip
def test_a_stranger_is_turned_away(http: TestClient[Any], ask: Ask, method: str, path: str) -> None:
    assert http.request(method, f"/api/v1{path}").status_code == 401
    assert ask(method, path, ("customers:read",), json={"name": "x", "kind": "web"}).status_code == 403


def test_a_source_is_made_changed_rotated_and_switched_off(ask: Ask, shop: Shop) -> None:
    made = ask("POST", "/sources", json={"name": "Till", "kind": "store", "limits": {"facts_per_second": 5}}).json()
    assert (made["name"], made["kind"], made["enabled"], made["limits"]["facts_per_second"]) == (
        "Till",
        "store",
        True,
        5,
    )
    changed = ask("PATCH", f"/sources/{made['id']}", json={"name": "Till 2", "enabled": False}).json()
    assert (changed["name"], changed["kind"], changed["enabled"]) == ("Till 2", "store", False)
    rotated = ask("POST", f"/sources/{made['id']}/rotate", json={"grace_seconds": 60}).json()
    assert rotated["write_key"] != made["write_key"]
    assert rotated["previous_key"] == made["write_key"]
    late = ask("POST", f"/sources/{made['id']}/rotate", json={"replaces": made["write_key"]})
    assert (late.status_code, late.json()["code"]) == (409, "conflict"), "the key in use would lose its grace"
    assert ask("GET", f"/sources/{made['id']}").json()["write_key"] == rotated["write_key"]
    assert [source["name"] for source in ask("GET", "/sources").json()] == ["Site", "Till 2"]


def test_what_of_a_source_could_not_be_read_is_told_by_field_and_day(ask: Ask, shop: Shop) -> None:
    day = {"workspace": shop.workspace, "source": shop.source.id, "event": "Order Completed"}
    day["day"] = to_iso(now_us())[:10]
    with shop.db.write() as conn:
        conn.execute(
            source_unread.insert(),
            [
                day | {"field": "tax", "facts": 3, "example": "“free” is no number", "seq": 7},
                day | {"field": "", "facts": 12, "example": "", "seq": 0},
            ],
        )
    (found,) = ask("GET", f"/sources/{shop.source.id}/unread").json()
    assert found == {
        "event": "Order Completed", "field": "tax", "facts": 3, "of": 12, "share": 0.25, "fact": 7,
        "example": "“free” is no number", "days": [{"day": day["day"], "facts": 3}],
    }  # fmt: skip
    assert ask("GET", "/sources/nobody/unread").status_code == 404
    assert ask("GET", f"/sources/{shop.source.id}/unread?days=0").status_code == 400


def test_who_may_only_read_sees_no_keys(ask: Ask) -> None:
    (source,) = ask("GET", "/sources", ("sources:read",)).json()
    assert (source["write_key"], source["previous_key"]) == (None, None)


@pytest.mark.parametrize(
    "body",
    [{}, {"name": "", "kind": "web"}, {"name": "x", "kind": "fax"}, {"name": "x" * 200, "kind": "web"}, [], "x",
     {"name": "x", "kind": "web", "limits": {"max_batch_facts": -1}}, {"name": "\0", "kind": "web"}],
)  # fmt: skip
def test_a_source_that_does_not_fit_is_400(ask: Ask, body: object) -> None:
    answer = ask("POST", "/sources", json=body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_input"


def test_a_refused_message_is_read_mended_and_replayed(ask: Ask, shop: Shop, bad_id: str) -> None:
    (row,) = ask("GET", "/quarantine").json()
    assert (row["id"], row["path"], row["state"], json.loads(row["body"])["userId"]) == (
        bad_id,
        "$.event",
        "open",
        "ada",
    )
    still = ask("POST", f"/quarantine/{bad_id}/replay")
    assert (still.status_code, still.json()["code"]) == (400, "invalid_fact")
    mended = ask("PUT", f"/quarantine/{bad_id}", json={"userId": "ada", "event": "Cart Viewed"})
    assert json.loads(mended.json()["body"]) == {"userId": "ada", "event": "Cart Viewed"}
    assert ask("POST", f"/quarantine/{bad_id}/replay").json()["state"] == "replayed"
    assert [fact.name for fact in shop.facts()] == ["Cart Viewed"]
    assert ask("GET", "/quarantine").json() == []
    assert len(ask("GET", "/quarantine", params={"state": "all"}).json()) == 1
    assert ask("POST", f"/quarantine/{bad_id}/replay").status_code == 409


def test_refused_messages_are_replayed_together_or_given_up(ask: Ask, bad_id: str) -> None:
    assert ask("POST", "/quarantine/replay", json={"reason": "event"}).json() == {"accepted": 0, "still_bad": 1}
    assert ask("DELETE", f"/quarantine/{bad_id}").status_code == 204
    assert ask("GET", f"/quarantine/{bad_id}").json()["state"] == "discarded"


def test_what_is_not_there_is_404(ask: Ask) -> None:
    for method, path in (("GET", "/sources/x"), ("GET", "/quarantine/x"), ("DELETE", "/quarantine/x")):
        assert ask(method, path).status_code == 404


def test_a_character_that_no_database_takes_is_no_fault_of_ours(ask: Ask) -> None:
    for path in ("/sources/%00", "/quarantine/%00", "/quarantine?reason=%00"):
        assert ask("GET", path).status_code in (200, 400, 404)


def test_a_change_that_names_the_version_it_saw_is_refused_once_somebody_was_quicker(ask: Ask, shop: Shop) -> None:
    address = f"/sources/{shop.source.id}"
    seen = ask("GET", address).headers["etag"]
    first = ask("PATCH", address, json={"name": "Hers"}, if_match=seen)
    assert (first.status_code, first.headers["etag"]) == (200, ask("GET", address).headers["etag"])
    late = ask("PATCH", address, json={"name": "His"}, if_match=seen)
    assert (late.status_code, late.json()["code"]) == (409, "conflict")
    assert 'name is "Hers" now' in late.json()["detail"]
    again = ask("PATCH", address, json={"name": "His"}, if_match=first.headers["etag"])
    assert again.json()["name"] == "His"


def test_whoever_names_no_version_changes_whatever_there_is(ask: Ask, shop: Shop) -> None:
    address = f"/sources/{shop.source.id}"
    assert ask("PATCH", address, json={"name": "Hers"}).status_code == 200
    assert ask("PATCH", address, json={"name": "His"}, if_match="*").status_code == 200
    assert ask("PATCH", address, json={"name": "Its"}, if_match="nonsense").status_code == 400

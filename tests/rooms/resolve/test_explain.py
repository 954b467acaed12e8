"""The API of identity as programs meet it: why, corrections, the audit trail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient

from rapport.kernel.clock import now_us
from rapport.resolve.actions.service import Identity
from rapport.resolve.web import WEB
from rapport.storage.engine import Database
from rapport.web import accounts
from rapport.web.app import create_app
from rapport.web.part import WebPart
from tests.rooms.resolve.shop import Shop, made_shop, seen
from tests.slices import PERMISSIONS, WORDING

API = "/api/v1"


class Client:
    """A program with a key for one shop."""

    def __init__(self, http: TestClient[Any], shop: Shop, *scopes: str) -> None:
        self.http = http
        _, secret = accounts.create_api_key(
            shop.db,
            PERMISSIONS,
            workspace=shop.workspace,
            name="desk",
            scopes=list(scopes),
            created_by="test",
            now=now_us(),
        )
        self._headers = {"Authorization": f"Bearer {secret}"}

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.http.get(API + path, headers=self._headers, params=params)

    def post(self, path: str, **body: Any) -> httpx.Response:
        return self.http.post(API + path, headers=self._headers, json=body)


@pytest.fixture
def own(db: Database) -> Shop:
    return made_shop(db)


@pytest.fixture
def http(db: Database) -> Iterator[TestClient[Any]]:
    with TestClient(
        create_app(
            db=db,
            wording=WORDING,
            permissions=PERMISSIONS,
            parts={"resolve": WebPart(routes=WEB.routes)},
            provided={"identity": Identity(db)},
        )
    ) as made:
        yield made


@pytest.fixture
def client(http: TestClient[Any], own: Shop) -> Client:
    return Client(http, own, "customers:read", "customers:write")


def test_each_piece_of_evidence_says_what_tied_whom_and_when(own: Shop, client: Client) -> None:
    own.see(seen(1_000_000, user="ada", email="ada@example.com", ident="f1"), seen(2, user="ada", web="w", ident="f2"))
    own.see(seen(3, user="bo", web="w", ident="f3"))
    answer = client.get("/customers/email:Ada@Example.com/evidence").json()
    assert {one["value"] for one in answer["identifiers"]} == {"ada", "ada@example.com", "w"}
    found = {one["fact"]: one for one in answer["evidence"]}
    assert found["f1"]["between"] == [
        {"namespace": "user_id", "value": "ada", "shared": False},
        {"namespace": "email", "value": "ada@example.com", "shared": False},
    ]
    assert {key: found["f1"][key] for key in ("kind", "source", "time", "weight", "status", "why_not")} == {
        "kind": "seen", "source": "web", "time": "1970-01-01T00:00:01.000Z", "weight": 100, "status": "linked",
        "why_not": "",
    }  # fmt: skip
    assert (found["f3"]["status"], found["f3"]["refused_because"]) == ("refused", ["user_id"])
    assert client.get(f"/customers/{answer['customer']}/evidence").json() == answer


def test_a_path_ties_two_identifiers_or_says_what_the_policy_has_against_it(own: Shop, client: Client) -> None:
    own.see(seen(1, user="ada", email="ada@example.com"), seen(2, user="ada", web="w"), seen(3, user="bo", web="w"))
    own.see(seen(4, user="bo", phone="+49301234567"), seen(5, user="cy"))
    tied = client.get("/identity/path", **{"from": "email:ada@example.com", "to": "anonymous_id:w"}).json()
    assert (tied["together"], [one["status"] for one in tied["path"]]) == (True, ["linked", "linked"])
    apart = client.get("/identity/path", **{"from": "email:ada@example.com", "to": "phone:+49301234567"}).json()
    assert [one["status"] for one in apart["path"]] == ["linked", "linked", "refused", "linked"]
    assert (apart["together"], apart["forbidden"]) == (False, False)
    assert "too many of user_id" in apart["answer"]
    nothing = client.get("/identity/path", **{"from": "user_id:ada", "to": "user_id:cy"}).json()
    assert (nothing["together"], nothing["path"]) == (False, [])
    assert "nothing ties them" in nothing["answer"]
    client.post("/customers/user_id:ada/forbid", other="user_id:cy", reason="brothers")
    assert client.get("/identity/path", **{"from": "user_id:ada", "to": "user_id:cy"}).json()["forbidden"]


def test_a_shared_identifier_is_named_as_what_stands_between(own: Shop, client: Client) -> None:
    own.see(*(seen(n, user=f"u{n}", web="kiosk") for n in range(60)))
    apart = client.get("/identity/path", **{"from": "user_id:u1", "to": "user_id:u2"}).json()
    assert [one["status"] for one in apart["path"]] == ["shared", "shared"]
    assert "names nobody" in apart["answer"]


def test_everything_a_person_does_is_done_and_undone_over_the_api(own: Shop, client: Client) -> None:
    own.see(seen(1, user="ada", email="ada@example.com"), seen(2, user="ada", web="w"))
    before = own.state()
    pieces = client.get("/customers/user_id:ada/evidence").json()["evidence"]
    web = next(one["id"] for one in pieces if "w" in {named["value"] for named in one["between"]})
    tried = client.post("/customers/user_id:ada/split", reason="?", dry_run=True).json()
    assert (tried["action"], len(tried["withdrawn"]), own.state()) == (None, 1, before)
    for path, body in (
        (f"/evidence/{web}/withdraw", {}),
        ("/customers/user_id:ada/split", {"identifiers": ["anonymous_id:w"]}),
        ("/customers/user_id:ada/split", {"evidence": [web]}),
        ("/customers/user_id:ada/forbid", {"other": "anonymous_id:w"}),
    ):
        done = client.post(path, reason="a library", **body)
        assert done.status_code == 200, done.text
        assert own.customers() == {frozenset({"ada", "ada@example.com"}), frozenset({"w"})}
        action = done.json()["action"]
        assert client.post(f"/identity/actions/{action}/undo").status_code == 200
        assert own.state() == before
        assert client.post(f"/identity/actions/{action}/undo").status_code == 409
    trail = client.get("/identity/actions", customer="anonymous_id:w").json()
    assert len(trail) == 8
    assert {(one["who"], one["reason"]) for one in trail} == {("desk", "a library"), ("desk", "undone")}


def test_two_customers_are_joined_by_their_ids(own: Shop, client: Client) -> None:
    own.see(seen(1, user="ada"), seen(2, email="ada@example.com"))
    ids = [
        client.get(f"/customers/{one}/evidence").json()["customer"] for one in ("user_id:ada", "email:ada@example.com")
    ]
    joined = client.post(f"/customers/{ids[0]}/join", other=ids[1], reason="she said so").json()
    assert (joined["moved"], len(joined["customers"])) == (1, 1)
    assert own.together("ada", "ada@example.com")


def test_what_cannot_be_done_is_a_typed_problem(own: Shop, client: Client) -> None:
    own.see(seen(1, user="ada", web="w"), seen(2, user="bo"))
    for path, body, status in (
        ("/customers/user_id:nobody/split", {"reason": "x"}, 404),
        ("/customers/user_id:bo/split", {"reason": "x"}, 409),
        ("/customers/user_id:ada/split", {"reason": " "}, 400),
        ("/customers/user_id:ada/split", {}, 400),
        ("/customers/user_id:ada/join", {"reason": "x", "other": "user_id:ada"}, 400),
        ("/customers/user_id:ada/join", {"reason": "x", "other": "cus_nonsense"}, 404),
        ("/evidence/nonsense/withdraw", {"reason": "x"}, 400),
        (f"/evidence/{'0' * 32}/withdraw", {"reason": "x"}, 404),
        ("/identity/actions/act_x/undo", {}, 404),
    ):
        answer = client.post(path, **body)
        assert (path, answer.status_code) == (path, status)
        assert answer.headers["content-type"].startswith("application/problem+json")


def test_reading_does_not_allow_changing_and_nobody_reads_without_a_key(
    own: Shop, http: TestClient[Any], client: Client
) -> None:
    own.see(seen(1, user="ada", web="w"))
    reader = Client(http, own, "customers:read")
    assert reader.get("/customers/user_id:ada/evidence").status_code == 200
    assert reader.post("/customers/user_id:ada/split", reason="x").status_code == 403
    assert client.http.put(f"{API}/identity/policy", headers=client._headers, json={}).status_code == 403
    assert http.get(f"{API}/identity/path", params={"from": "user_id:ada", "to": "user_id:ada"}).status_code == 401


def test_another_shops_evidence_is_unknown_here(db: Database, own: Shop, client: Client) -> None:
    other = made_shop(db)
    other.see(seen(1, user="ada", web="w"))
    [ident] = other.state().linked
    assert client.get("/customers/user_id:ada/evidence").status_code == 404
    assert client.post(f"/evidence/{ident.hex()}/withdraw", reason="x").status_code == 404
    assert other.together("ada", "w")

"""What an address cannot answer it refuses: unknown query parameters on every API route, and dates that are none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from litestar.testing import TestClient

from rapport.app.server import Server
from rapport.app.settings import Settings
from rapport.app.wiring import installed
from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput
from rapport.remember.profiles import PROFILES
from rapport.storage.workspaces import create_workspace
from rapport.web import accounts
from rapport.web.app import create_app
from rapport.web.asked import day, moment
from rapport.web.part import WebPart
from tests.databases import opened_database

METHODS = ("get", "post", "put", "patch", "delete")


class Operation(NamedTuple):
    """One method of one address of the API, with the query parameters that its document names."""

    method: str
    path: str
    query: frozenset[str]


class Program:
    """A program with a key that may do everything."""

    def __init__(self, http: TestClient[Any], secret: str) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {secret}"}

    def ask(self, method: str, path: str, **params: str) -> httpx.Response:
        return self._http.request(method, path, headers=self._headers, params=params)

    def with_key(self, secret: str) -> Program:
        return Program(self._http, secret)

    def operations(self) -> list[Operation]:
        paths = self._http.get("/api/openapi.json").json()["paths"]
        return [
            Operation(method, re.sub(r"\{[^}]*\}", "1", path), _query_of(operation))
            for path, entry in paths.items()
            for method, operation in entry.items()
            if method in METHODS and path.startswith("/api/v1/")
        ]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Beside the whole API, as it is installed."""
    folder = tmp_path_factory.mktemp("asked")
    with opened_database("sqlite", folder) as db:
        with db.write() as conn:
            shop = create_workspace(conn, slug="shop", name="Shop", now=now_us())
        slices = installed()
        may = slices.permissions
        _, secret = accounts.create_api_key(
            db,
            may,
            workspace=shop.id,
            name="all",
            scopes=may.for_keys,
            created_by="test",
            now=now_us(),
        )
        server = Server(Settings.load({}, data_dir=folder), db, slices=slices)
        app = create_app(
            db=db,
            wording=slices.wording,
            permissions=may,
            parts={name: WebPart(routes=part.routes) for name, part in slices.web_parts().items()},
            routes=[PROFILES],
            provided=server.provided(),
        )
        with TestClient(app) as http:
            yield Program(http, secret)
        server.close()


def test_every_api_route_refuses_a_parameter_it_does_not_know_and_names_those_it_knows(program: Program) -> None:
    operations = program.operations()
    assert len(operations) > 30
    for method, path, query in operations:
        answer = program.ask(method, path, sincce="2026-11-22")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input"), (method, path)
        assert answer.json()["detail"] == "unknown query parameter 'sincce'"
        takes = f"this address takes {', '.join(sorted(query))}" if query else "this address takes none"
        assert answer.json()["hint"] == takes, (method, path)


def test_whoever_may_not_ask_learns_nothing_of_the_parameters(program: Program) -> None:
    stranger = program.with_key("rk_wrong")
    assert stranger.ask("get", "/api/v1/customers", sincce="x").status_code == 401


def test_what_a_route_knows_it_takes(program: Program) -> None:
    assert program.ask("get", "/api/v1/customers", sort="name", limit="3", has_email="true").status_code == 200
    assert program.ask("get", "/api/v1/quarantine", state="all").status_code == 200


def test_the_shape_of_another_product_stays_tolerant(program: Program) -> None:
    """Its clients send what that product knows: the answer is about the person, who is not there."""
    answer = program.ask("get", "/v1/spaces/any/collections/users/profiles/user_id:ada/traits", class_="x")
    assert answer.status_code == 404


@pytest.mark.parametrize("text", ["bad", "", "2026-13-01", "22.11.2026", "0001-01-01", "2026-11-22T25:00"])
def test_a_time_that_is_none_is_told_with_its_parameter(text: str) -> None:
    with pytest.raises(InvalidInput, match="since"):
        moment(text, name="since")


@pytest.mark.parametrize("text", ["bad", "2026-02-30", "yesterday"])
def test_a_day_that_is_none_is_told_with_its_parameter(text: str) -> None:
    with pytest.raises(InvalidInput, match="until"):
        day(text, name="until")


def _query_of(operation: dict[str, Any]) -> frozenset[str]:
    return frozenset(one["name"] for one in operation.get("parameters", []) if one["in"] == "query")

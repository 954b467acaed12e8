"""A slice's handlers are part of the API like our own, behind the same guard."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from litestar import get
from litestar.testing import TestClient

from rapport.app.asgi import create_server
from rapport.app.bootstrap import bootstrap, open_database
from rapport.app.server import Server
from rapport.app.settings import Settings
from rapport.app.wiring import OWN
from rapport.compose.installed import Installed
from rapport.compose.slice import Slice
from rapport.decide.service import Decider
from rapport.kernel.clock import now_us
from rapport.web import api_keys
from rapport.web.app import create_app
from rapport.web.console import Console, ConsolePages, NavItem
from rapport.web.part import WebPart
from rapport.web.permissions import Permission
from rapport.web.store import digest_of
from tests.databases import opened_database
from tests.slices import PERMISSIONS, WORDING


@get("/weather", permission="weather:read", sync_to_thread=False)
def weather() -> dict[str, str]:
    return {"sky": "blue"}


WEB = WebPart(routes=(weather,))


def test_the_routes_of_a_slice_answer_behind_the_guard(tmp_path: Path) -> None:
    settings = Settings.load({}, data_dir=tmp_path)
    db = open_database(settings)
    may = Permission(name="weather:read", words="look at the sky")
    slices = Installed([*OWN, Slice(name="weather", title="Weather", permissions=(may,), web=f"{__name__}:WEB")])
    key = bootstrap(db, settings, slices=slices).api_key
    server = Server(settings, db, slices=slices)
    with TestClient(create_server(settings, server)) as client:  # type: ignore[type-var]
        assert client.get("/api/v1/weather").status_code == 401
        assert client.get("/api/v1/weather", headers={"Authorization": f"Bearer {key}"}).json() == {"sky": "blue"}
    server.close()


@get("/storm", permission="public", sync_to_thread=False)
def storm(decider: Decider) -> dict[str, str]:
    return {}


def test_a_handler_that_needs_what_the_server_has_not_stops_its_start(tmp_path: Path) -> None:
    with opened_database("sqlite", tmp_path) as db, pytest.raises(ValueError, match="needs decider: Decider"):
        create_app(db=db, wording=WORDING, permissions=PERMISSIONS, parts={"weather": WebPart(routes=(storm,))})


def test_two_entries_of_the_side_bar_with_one_shortcut_are_refused() -> None:
    entry = NavItem(label="Rain", path="/console/rain", icon="x", group="", order=1, permission="signed_in", keys="r")
    other = msgspec.structs.replace(entry, label="Snow", path="/console/snow")
    with pytest.raises(ValueError, match="two of kind shortcut are named 'r': 'Rain' and 'Snow'"):
        Console([ConsolePages(room="weather", nav=(entry, other))])


@pytest.mark.parametrize(
    ("web", "complaint"),
    [
        ("rapport.nowhere:WEB", "No module named 'rapport.nowhere'"),
        (f"{__name__}:RAIN", "no attribute 'RAIN'"),
        (f"{__name__}:weather", "which is a"),
    ],
)
def test_a_web_part_that_is_none_is_refused_with_the_name_of_the_slice(web: str, complaint: str) -> None:
    slices = Installed([*OWN, Slice(name="weather", title="Weather", web=web)])
    with pytest.raises(ValueError, match=complaint) as refused:
        slices.web_parts()
    assert "'weather'" in str(refused.value)


def test_a_worker_imports_no_pages(tmp_path: Path) -> None:
    """They would cost each worker and command more than a second at its start, and tens of megabytes for ever."""
    told = f"""
import sys
from rapport.app.pipeline import Pipeline
from rapport.storage.engine import Database
Pipeline(Database.open("sqlite:///{tmp_path}/none.db"))
print([name for name in ("litestar", "jinja2", "uvicorn") if name in sys.modules])"""
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_operators_key_may_do_what_a_slice_brings_that_was_installed_later(tmp_path: Path) -> None:
    settings = Settings.load({}, data_dir=tmp_path)
    db = open_database(settings)
    before = bootstrap(db, settings).api_key
    more = Slice(name="weather", title="Weather", permissions=(Permission(name="weather:read", words="see the sky"),))
    assert bootstrap(db, settings, slices=Installed([*OWN, more])).api_key == before
    with db.read() as conn:
        found = api_keys.by_token(conn, digest_of(before), now=now_us())
    assert found is not None
    assert "weather:read" in found[0].scopes
    db.close()

"""A slice's handlers are part of the API like our own, behind the same guard."""

from __future__ import annotations

from pathlib import Path

from litestar import get
from litestar.testing import TestClient

from rapport.app.asgi import create_server
from rapport.app.bootstrap import bootstrap, open_database
from rapport.app.server import Server
from rapport.app.settings import Settings
from rapport.app.wiring import OWN
from rapport.compose.installed import Installed
from rapport.compose.slice import Slice
from rapport.web.permissions import Permission
from rapport.web.store import api_key_by_token, digest_of


@get("/weather", permission="weather:read", sync_to_thread=False)
def weather() -> dict[str, str]:
    return {"sky": "blue"}


def test_the_routes_of_a_slice_answer_behind_the_guard(tmp_path: Path) -> None:
    settings = Settings.load({}, data_dir=tmp_path)
    db = open_database(settings)
    may = Permission(name="weather:read", words="look at the sky")
    slices = Installed([*OWN, Slice(name="weather", title="Weather", permissions=(may,), routes=(weather,))])
    key = bootstrap(db, settings, slices=slices).api_key
    server = Server(settings, db, slices=slices)
    with TestClient(create_server(settings, server)) as client:  # type: ignore[type-var]
        assert client.get("/api/v1/weather").status_code == 401
        assert client.get("/api/v1/weather", headers={"Authorization": f"Bearer {key}"}).json() == {"sky": "blue"}
    server.close()


def test_the_operators_key_may_do_what_a_slice_brings_that_was_installed_later(tmp_path: Path) -> None:
    settings = Settings.load({}, data_dir=tmp_path)
    db = open_database(settings)
    before = bootstrap(db, settings).api_key
    more = Slice(name="weather", title="Weather", permissions=(Permission(name="weather:read", words="see the sky"),))
    assert bootstrap(db, settings, slices=Installed([*OWN, more])).api_key == before
    with db.read() as conn:
        key = api_key_by_token(conn, digest_of(before))
    assert key is not None
    assert "weather:read" in key.scopes
    db.close()

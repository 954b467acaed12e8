"""A slice's handlers are part of the API like our own, behind the same guard."""

from __future__ import annotations

from pathlib import Path

import pytest
from litestar import get
from litestar.testing import TestClient

from rapport.app import wiring
from rapport.app.asgi import create_server
from rapport.app.bootstrap import bootstrap, open_database
from rapport.app.settings import Settings
from rapport.app.wiring import Parts
from rapport.kernel.plug import Capability


@get("/weather", permission="metrics:read", sync_to_thread=False)
def weather() -> dict[str, str]:
    return {"sky": "blue"}


def test_the_routes_of_a_slice_answer_behind_the_guard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = wiring.capabilities()
    monkeypatch.setattr(wiring, "capabilities", lambda: [*ours, Capability(name="weather", routes=(weather,))])
    settings = Settings.load({}, data_dir=tmp_path)
    db = open_database(settings)
    key = bootstrap(db, settings).api_key
    parts = Parts(settings, db)
    with TestClient(create_server(settings, parts)) as client:  # type: ignore[type-var]
        assert client.get("/api/v1/weather").status_code == 401
        assert client.get("/api/v1/weather", headers={"Authorization": f"Bearer {key}"}).json() == {"sky": "blue"}
    parts.close()

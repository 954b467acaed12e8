"""Every entry of the console's side bar opens for an owner, on an installation with nothing in it."""

from __future__ import annotations

import re
from pathlib import Path

from litestar.testing import TestClient

from rapport.app.asgi import create_server
from rapport.app.bootstrap import bootstrap, open_database
from rapport.app.server import Server
from rapport.app.settings import Settings
from rapport.kernel.clock import now_us
from rapport.kernel.ids import WorkspaceId
from rapport.remember.store import folded
from rapport.storage.bulk import insert_rows
from rapport.web import accounts
from tests.rooms.web.conftest import PASSWORD, sign_in


def test_every_entry_of_the_side_bar_and_the_live_parts_of_system_open(tmp_path: Path) -> None:
    settings = Settings.load({}, data_dir=tmp_path)
    db = open_database(settings)
    bootstrap(db, settings)
    accounts.create_user(
        db, email="ada@example.com", password=PASSWORD, name="Ada", workspace=WorkspaceId(1), role="owner", now=now_us()
    )
    half = [
        {"bucket": 0, "part": part, "version": 1, "target": 200, "upto": upto}
        for part, upto in (("email", 200), ("phone", 100))
    ]
    with db.write() as conn:
        insert_rows(conn, folded, half)
    with TestClient(create_server(settings, Server(settings, db))) as browser:  # type: ignore[type-var]
        sign_in(browser, "ada@example.com")  # type: ignore[arg-type]  # in front of the framework stand the endpoints
        paths = set(re.findall(r'href="(/console/[a-z/-]+)"', browser.get("/console").text))
        live = {f"/console/system/{part}" for part in ("live", "jobs", "tables")}
        jobs = browser.get("/console/system/jobs").text
        answers = {path: browser.get(path).status_code for path in sorted(paths | live)}
    assert len(paths) > 12
    assert re.search(r"50 %.*The past is read for <strong>phone</strong>: at most 100 facts ahead", jobs, re.DOTALL)
    assert {path: status for path, status in answers.items() if status != 200} == {}

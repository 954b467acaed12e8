"""Every entry of the console's side bar opens for an owner, with nothing in it yet; ids may hold slashes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from litestar.routes import HTTPRoute
from litestar.testing import TestClient

from rapport.app.asgi import create_server
from rapport.app.bootstrap import bootstrap, open_database
from rapport.app.server import Server
from rapport.app.settings import Settings
from rapport.capabilities.orders.changes import READING
from rapport.collect.sources import list_sources
from rapport.collect.store import source_unread
from rapport.kernel.clock import now_us, to_iso
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
        {"bucket": 0, "part": part, "version": 2, "target": 200, "upto": upto}
        for part, upto in (("email", 200), ("phone", 100))
    ]
    half.append({"bucket": 0, "part": "stage:orders", "version": READING, "target": 200, "upto": 50})
    with db.write() as conn:
        insert_rows(conn, folded, half)
        source = list_sources(conn, WorkspaceId(1))[0].id
        insert_rows(conn, source_unread, [_unread(source, field) for field in ("tax", "", "event")])
    served = create_server(settings, Server(settings, db))
    with TestClient(served) as browser:  # type: ignore[type-var]
        sign_in(browser, "ada@example.com")  # type: ignore[arg-type]  # in front of the framework stand the endpoints
        paths = set(re.findall(r'href="(/console/[a-z/-]+)"', browser.get("/console").text))
        live = {f"/console/system/{part}" for part in ("live", "jobs", "tables")}
        jobs = browser.get("/console/system/jobs").text
        told = browser.get(f"/console/sources/{source}").text
        answers = {path: browser.get(path).status_code for path in sorted(paths | live)}
        slashed = [re.sub(r"{\w+:str}", "a%2Fb:c%2f%2Fd", path) for path in _taking_ids(served._framework)]
        nowhere = [path for path in slashed if "nothing at this address" in browser.get(path).text]
    assert len(paths) > 12
    assert re.search(r"50 %.*The past is read for <strong>phone</strong>: at most 100 facts ahead", jobs, re.DOTALL)
    assert re.search(r"25 %.*tables of <strong>Orders</strong>: at most 150 facts ahead", jobs, re.DOTALL)
    assert re.search(r"tax</code>.*“free” is no number.*3 of 3 .*100.*/console/facts/7", told, re.DOTALL)
    assert re.search(r"Looks like.*Order Completed.*“free” is no number.*rename or map it", told, re.DOTALL)
    assert {path: status for path, status in answers.items() if status != 200} == {}
    assert len(slashed) > 12
    assert nowhere == []


def _unread(source: str, field: str) -> dict[str, Any]:
    return {
        "workspace": 1, "source": source, "day": to_iso(now_us())[:10], "event": "Order Completed", "field": field,
        "facts": 3, "example": "“free” is no number" if field else "", "seq": 7,
    }  # fmt: skip


def _taking_ids(app: Any) -> list[str]:
    """The addresses of pages and answers that have an id in them."""
    return sorted({
        route.path for route in app.routes
        if isinstance(route, HTTPRoute) and "GET" in route.methods and ":str}" in route.path
    })  # fmt: skip

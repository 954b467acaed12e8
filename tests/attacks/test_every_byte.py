"""Whatever bytes a source may send can be listed, shown, exported, mended and discarded: no page, list, call of the API
or command fails over one bad row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient

from rapport.app.cli import main
from rapport.collect.admission import Everything
from rapport.collect.appender import Appender
from rapport.collect.model import Envelope
from rapport.collect.pages import PAGES
from rapport.collect.prepare import prepare_all
from rapport.collect.quarantine import list_quarantined
from rapport.collect.routes import ROUTES
from rapport.kernel.clock import now_us
from rapport.storage.engine import Database
from rapport.storage.log import latest
from rapport.web import accounts
from rapport.web.app import create_app
from rapport.web.part import WebPart
from tests.databases import ENGINES, database_at
from tests.laws.test_decoder import json_texts
from tests.rooms.collect.conftest import Shop
from tests.slices import PERMISSIONS, SLICES, WORDING

PASSWORD = "correct horse battery"
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
SHOWN = 5
"""Of the newest rows each has its own page asked for."""


class House:
    """A shop's console, API and command line over one database that keeps all that was ever sent."""

    def __init__(self, url: str, folder: Path, client: TestClient[Litestar], shop: Shop) -> None:
        self.url, self.folder, self.client, self.shop = url, folder, client, shop
        _, key = accounts.create_api_key(
            shop.db, PERMISSIONS, workspace=shop.workspace, name="x", scopes=PERMISSIONS.for_keys, created_by="test",
            now=now_us(),
        )  # fmt: skip
        self.key = {"Authorization": f"Bearer {key}"}
        accounts.create_user(
            shop.db, email="ada@example.com", password=PASSWORD, name="Ada", workspace=shop.workspace, role="owner",
            now=now_us(),
        )  # fmt: skip
        self.post("/console/sign-in", "/console/sign-in", email="ada@example.com", password=PASSWORD)

    def post(self, page: str, action: str, **fields: str) -> int:
        """Send a form of a page; the status."""
        found = CSRF.search(self.client.get(page).text)
        assert found, page
        data = {"csrf_token": found[1], **fields}
        return self.client.post(action, data=data, follow_redirects=False).status_code

    def send(self, messages: list[bytes], envelope: Envelope) -> None:
        rows, aside = prepare_all(messages, source=self.shop.source, received_at=now_us(), envelope=envelope)
        appender = Appender(self.shop.db)
        appender.append_sync(rows, aside)
        appender.close()

    def seen(self, path: str, *, api: bool = False, method: str = "GET", **more: Any) -> str:
        """What is answered, which is never a fault of ours."""
        headers = self.key if api else {}
        answer = self.client.request(method, path, headers=headers, follow_redirects=False, **more)
        assert answer.status_code < 500, (path, answer.text[:300])
        return answer.text

    def waiting(self) -> list[str]:
        with self.shop.db.read() as conn:
            return [row.id for row in list_quarantined(conn, self.shop.workspace, limit=SHOWN)]


@pytest.fixture(scope="module", params=ENGINES)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("bytes")
    with database_at(request.param, folder) as url:
        db = Database.open(url)
        shop = Shop(db)
        app = create_app(
            db=db, wording=WORDING, permissions=PERMISSIONS,
            parts={"collect": WebPart(routes=ROUTES, pages=(PAGES,))},
            provided={"vocabulary": SLICES.vocabulary, "admission": Everything()},
        )  # fmt: skip
        with TestClient(app, raise_server_exceptions=False) as client:
            yield House(url, folder, client, shop)
        db.close()


bodies = st.lists(json_texts | st.binary(max_size=200), min_size=1, max_size=4)


@pytest.mark.slow
@given(messages=bodies, kind=st.sampled_from([None, "track", "identify", "page", "group", "alias"]))
@example(messages=[b'{"event":"\\ud800","x":"\\udfff"}', b'{"userId":"a","event":"\\ud800"}'], kind="track")
@example(messages=[b"\xff\xfe\x00", b"[" * 5_000, b'{"event":{"a":1}}', b'{"event":1e400}', b""], kind="track")
@example(messages=[b'{"userId":"\\u0000","event":"</script><b>","properties":{"\\u0000":"\\u0000"}}'], kind="track")
@example(messages=[b'{"userId":' + b"9" * 5_000 + b"}"], kind="identify")
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_no_page_or_list_falls_over_one_row(house: House, messages: list[bytes], kind: Any) -> None:
    house.send(messages, Envelope(type=kind, context={"page": {"title": "\ufffd"}}))
    for path in (
        "/console/feed",
        "/console/quarantine",
        "/console/sources",
        f"/console/sources/{house.shop.source.id}",
    ):
        house.seen(path)
    json.loads(house.seen("/api/v1/quarantine?state=all&limit=20", api=True))
    with house.shop.db.read() as conn:
        facts = [row.seq for row in latest(conn, house.shop.workspace, limit=SHOWN)]
    for seq in facts:
        house.seen(f"/console/facts/{seq}")
    for number, row_id in enumerate(house.waiting()):
        page = f"/console/quarantine/{row_id}"
        shown = house.seen(page)
        json.loads(house.seen(f"/api/v1/quarantine/{row_id}", api=True))
        typed = re.search(r"<textarea[^>]*>(.*?)</textarea>", shown, re.DOTALL)
        assert house.post(page, page, body=typed[1] if typed else "{}") < 500
        house.seen(f"/api/v1/quarantine/{row_id}/replay", api=True, method="POST")
        if number % 2:
            mended = {"type": "track", "event": "Mended", "userId": "ada"}
            house.seen(f"/api/v1/quarantine/{row_id}", api=True, method="PUT", json=mended)
            house.seen(f"/api/v1/quarantine/{row_id}/replay", api=True, method="POST")
        assert house.post("/console/quarantine", f"{page}/discard") < 500


@pytest.mark.slow
def test_the_command_line_tells_of_every_row(house: House) -> None:
    """After all that the law above has sent; and of what is sent now."""
    house.send([b'{"event":"\\ud800"}', b"\xff", b'{"event":["\\u0000"]}'], Envelope(type="track"))
    environment = {"RAPPORT_DATABASE_URL": house.url, "RAPPORT_DATA_DIR": str(house.folder)}
    with house.shop.db.read() as conn:
        slug = conn.exec_driver_sql("SELECT slug FROM workspaces").scalar_one()
    for as_json in ([], ["--json"]):
        done = CliRunner().invoke(main, ["quarantine", "list", "--workspace", slug, *as_json], env=environment)
        assert done.exit_code == 0, done.output
        assert len(done.stdout.splitlines()) >= 3
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"id", "reason", "path", "body"} <= set(rows[0])
    done = CliRunner().invoke(main, ["quarantine", "replay", "--workspace", slug, "--all"], env=environment)
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(main, ["quarantine", "discard", "--workspace", slug, "--all"], env=environment)
    assert done.exit_code == 0, done.output
    assert house.waiting() == []

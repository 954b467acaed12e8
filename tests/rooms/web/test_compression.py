"""Pages travel compressed, and their length tells no other site what is in them."""

from __future__ import annotations

import gzip

from litestar import Response, get
from litestar.testing import TestClient

from rapport.kernel.clock import now_us
from rapport.storage.engine import Database
from rapport.storage.workspaces import Workspace, create_workspace
from rapport.web import auth
from rapport.web.app import create_app
from rapport.web.compression import LEAST
from rapport.web.part import WebPart
from tests.rooms.web.conftest import Browser, Join, form_token, sign_in
from tests.slices import PERMISSIONS, WORDING

OWN = {"sec-fetch-site": "same-origin", "accept-encoding": "gzip"}


def test_a_page_is_compressed_only_where_no_other_site_asked_for_it(browser: Browser, join: Join) -> None:
    sign_in(browser, join("owner"))
    for site in ("same-origin", "none", "cross-site", "same-site", ""):
        told = {"accept-encoding": "gzip"} | ({"sec-fetch-site": site} if site else {})
        page = browser.get("/console/account", headers=told)
        assert "Change password" in page.text
        packed = page.headers.get("content-encoding") == "gzip"
        assert packed == (site in ("same-origin", "none")), site
        if packed:
            assert int(page.headers["content-length"]) < len(page.content) / 2
            assert "Accept-Encoding" in page.headers["vary"]


def test_the_form_token_reads_otherwise_in_each_answer_and_no_other_holds(browser: Browser, join: Join) -> None:
    sign_in(browser, join("owner"))
    pages = [browser.get("/console/account", headers=OWN) for _ in range(3)]
    tokens = {form_token(page) for page in pages}
    assert len(tokens) == 3
    for token in tokens:
        sent = browser.post("/console/account/sessions", data={"csrf_token": token}, follow_redirects=False)
        assert sent.status_code == 303
    for wrong in ("", "x", "AAAA", "=" * 300, "\u00e9\U0001f600", "A" * 86, "A" * 10_000, auth.masked("x" * 32)):
        sent = browser.post("/console/account/sessions", data={"csrf_token": wrong}, follow_redirects=False)
        assert sent.status_code == 403, wrong


def test_what_is_short_has_a_version_or_is_packed_already_stays_as_it_is(db: Database) -> None:
    @get("/short", permission="public")
    async def short() -> str:
        return "x" * (LEAST - 1)

    @get("/long", permission="public")
    async def long() -> str:
        return "x" * 100_000

    @get("/versioned", permission="public")
    async def versioned() -> Response[str]:
        return Response("x" * 2_000, headers={"ETag": '"1"'})

    @get("/packed", permission="public")
    async def packed() -> Response[bytes]:
        return Response(gzip.compress(b"x" * 9_000), media_type="text/plain", headers={"Content-Encoding": "gzip"})

    with db.write() as conn:
        create_workspace(conn, slug="shop", name="Shop", now=now_us())
    part = WebPart(routes=(short, long, versioned, packed))
    app = create_app(db=db, wording=WORDING, permissions=PERMISSIONS, parts={"test": part})
    with TestClient(app) as client:
        answers = {name: client.get(f"/api/v1/{name}", headers={"accept-encoding": "gzip"}) for name in _NAMES}
        plain = client.get("/api/v1/long", headers={"accept-encoding": "identity"})
        error = client.get("/api/v1/nothing", headers={"accept-encoding": "gzip"})
    assert [answers[name].headers.get("content-encoding") for name in _NAMES] == [None, "gzip", None, "gzip"]
    assert answers["packed"].text == "x" * 9_000  # once, not twice
    assert answers["long"].text == plain.text
    assert "content-encoding" not in plain.headers
    assert error.status_code == 404


_NAMES = ("short", "long", "versioned", "packed")


def test_the_head_of_an_answer_and_its_body_tell_the_same(browser: Browser, shop: Workspace) -> None:
    whole, head = (getattr(browser, verb)("/console/sign-in", headers=OWN) for verb in ("get", "head"))
    assert whole.status_code == 200
    assert head.content == b""

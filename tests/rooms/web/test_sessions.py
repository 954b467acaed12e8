"""Sessions: cookies, expiry, fixation, forged forms, where one lands after signing in."""

from __future__ import annotations

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from rapport.kernel.clock import now_us
from rapport.storage.engine import Database
from rapport.storage.workspaces import Workspace
from rapport.web import accounts, store
from rapport.web.app import create_app
from rapport.web.auth import safe_next
from tests.rooms.web.conftest import PASSWORD, Browser, Join, beside, form_token, sign_in, submit
from tests.slices import PERMISSIONS, WORDING


def test_an_anonymous_visitor_is_sent_to_sign_in_and_back(browser: Browser, join: Join) -> None:
    email = join("owner")
    answer = browser.get("/console/sources?client=curl", follow_redirects=False)
    assert answer.headers["location"] == "/console/sign-in?next=/console/sources%3Fclient%3Dcurl"
    page = browser.get(answer.headers["location"])
    assert 'name="next" value="/console/sources?client=curl"' in page.text
    fields = {
        "csrf_token": form_token(page),
        "email": email,
        "password": PASSWORD,
        "next": "/console/sources?client=curl",
    }
    signed_in = browser.post("/console/sign-in", data=fields, follow_redirects=False)
    assert signed_in.headers["location"] == "/console/sources?client=curl"


def test_a_live_part_of_a_page_is_told_to_sign_in_again(browser: Browser) -> None:
    answer = browser.get("/console/feed/rows", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/console/sign-in")


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "https://evil.example",
        "/console/../v1",
        "/consolex",
        "/console\\evil",
        "",
        "/console/sign-out",
        "/console/\nx",
    ],
)
def test_a_link_cannot_lead_out_of_the_console(path: str) -> None:
    assert safe_next(path) == "/console"


def test_the_session_cookie_is_hidden_from_scripts_and_other_sites(browser: Browser, join: Join) -> None:
    cookie = sign_in(browser, join("owner")).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie


def test_over_https_cookies_are_secure_and_tied_to_the_host(db: Database, shop: Workspace, join: Join) -> None:
    email = join("owner")
    with TestClient(
        create_app(db=db, wording=WORDING, permissions=PERMISSIONS, https=True), base_url="https://shop.example"
    ) as browser:
        answer = sign_in(browser, email)
    assert answer.headers["set-cookie"].startswith("__Host-rapport_session=")
    assert "Secure" in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_a_planted_session_is_not_taken_over(browser: Browser, join: Join) -> None:
    browser.cookies.set("rapport_session", "planted-by-somebody-else")
    answer = sign_in(browser, join("owner"))
    assert answer.status_code == 303
    assert "planted-by-somebody-else" not in answer.headers["set-cookie"]


def test_signing_in_again_ends_the_session_before(app: Litestar, join: Join) -> None:
    email = join("owner")
    with TestClient(app) as browser:
        thief = beside(browser)
        sign_in(browser, email)
        thief.cookies.set("rapport_session", browser.cookies["rapport_session"])
        assert thief.get("/console/account").status_code == 200
        token = form_token(browser.get("/console/account"))
        fields = {"csrf_token": token, "email": email, "password": PASSWORD}
        browser.post("/console/sign-in", data=fields, follow_redirects=False)
        assert thief.get("/console/account", follow_redirects=False).status_code == 303


def test_signing_out_ends_the_session_on_the_server(browser: Browser, join: Join) -> None:
    sign_in(browser, join("owner"))
    token = browser.cookies["rapport_session"]
    submit(browser, "/console/account", "/console/sign-out")
    browser.cookies.set("rapport_session", token)
    assert browser.get("/console/account", follow_redirects=False).status_code == 303


@pytest.mark.parametrize(("idle", "age"), [(store.IDLE, store.IDLE), (0, store.ABSOLUTE)])
def test_a_session_ends_when_idle_and_when_old(db: Database, shop: Workspace, join: Join, idle: int, age: int) -> None:
    join("owner")
    began = now_us()
    with db.read() as conn:
        user = store.user_by_email(conn, "owner@example.com")
    assert user
    signed_in = accounts.start_session(db, user_id=user.id, workspace=shop.id, browser="", now=began)
    digest = store.digest_of(signed_in.token)
    with db.write() as conn:
        store.touch_session(conn, digest, now=began + age - idle - 1)
        assert store.live_session(conn, digest, now=began + age - 2)
        assert store.live_session(conn, digest, now=began + age) is None


def test_a_form_from_another_site_is_refused(browser: Browser, join: Join) -> None:
    sign_in(browser, join("owner"))
    token = form_token(browser.get("/console/sources"))
    fields = {"csrf_token": token, "name": "Forged", "kind": "web"}
    crossed = browser.post("/console/sources", data=fields, headers={"Sec-Fetch-Site": "cross-site"})
    assert crossed.status_code == 403
    assert "Forged" not in browser.get("/console/sources").text


@pytest.mark.parametrize("token", [None, "", "guessed", "ünïcode"])
def test_a_form_without_its_token_changes_nothing(browser: Browser, join: Join, token: str | None) -> None:
    sign_in(browser, join("owner"))
    fields = {"name": "Forged", "kind": "web"} | ({} if token is None else {"csrf_token": token})
    assert browser.post("/console/sources", data=fields).status_code == 403
    assert "Forged" not in browser.get("/console/sources").text


def test_every_form_of_the_console_needs_its_token(app: Litestar, browser: Browser, join: Join) -> None:
    """Whatever is added later: no POST below /console works without the token."""
    sign_in(browser, join("owner"))
    posts = [route.path for route in app.routes if route.path.startswith("/console") and "POST" in route.methods]
    assert len(posts) > 10
    for path in posts:
        filled = path.replace("{source_id:str}", "x").replace("{", "").replace("}", "").replace(":str", "")
        assert browser.post(filled, data={}).status_code == 403, path


def test_the_form_of_another_session_does_not_do(app: Litestar, join: Join) -> None:
    owner, viewer = join("owner"), join("viewer")
    with TestClient(app) as mine:
        other = beside(mine)
        sign_in(mine, owner)
        sign_in(other, viewer)
        token = form_token(other.get("/console/account"))
        answer = mine.post("/console/sources", data={"csrf_token": token, "name": "X", "kind": "web"})
        assert answer.status_code == 403


def test_the_account_page_lists_sessions_and_ends_the_others(app: Litestar, join: Join) -> None:
    email = join("owner")
    with TestClient(app) as here:
        there = beside(here)
        here.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux) Firefox/140"
        sign_in(here, email)
        sign_in(there, email)
        assert "Firefox on Linux" in here.get("/console/account").text
        submit(here, "/console/account", "/console/account/sessions")
        assert there.get("/console/account", follow_redirects=False).status_code == 303
        assert here.get("/console/account").status_code == 200

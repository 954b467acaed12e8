"""Roles and keys really deny: every page against every role, handlers without a permission, scopes of keys."""

from __future__ import annotations

from functools import partial
from typing import Any

import anyio
import pytest
from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.handlers import HTTPRouteHandler
from litestar.testing import TestClient

from rapport.compose.rooms import WEB
from rapport.kernel.clock import now_us
from rapport.kernel.errors import Forbidden, InvalidInput
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.storage.workspaces import Workspace
from rapport.web import accounts
from rapport.web.app import create_app
from rapport.web.auth import allow
from rapport.web.key_ring import KeyRing
from rapport.web.part import WebPart
from rapport.web.permissions import ROLE_NAMES, Permission, Permissions
from tests.rooms.web.conftest import Browser, Join, beside, form_token, sign_in, submit, unguarded, whoami
from tests.slices import PERMISSIONS, WORDING


def console_handlers(app: Litestar) -> list[tuple[str, str, str]]:
    """(method, path, permission) of everything below /console."""
    found: list[tuple[str, str, str]] = []
    for route in app.routes:
        if not route.path.startswith("/console"):
            continue
        for handler in getattr(route, "route_handlers", []):
            assert isinstance(handler, HTTPRouteHandler)
            found += [
                (m, route.path, handler.opt.get("permission", "")) for m in handler.http_methods if m != "OPTIONS"
            ]
    return found


def test_every_page_names_a_permission_that_exists(app: Litestar) -> None:
    for method, path, permission in console_handlers(app):
        assert permission in PERMISSIONS.by_name or permission in {"public", "signed_in"}, f"{method} {path}"


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_a_role_opens_what_it_may_and_nothing_else(app: Litestar, join: Join, role: str) -> None:
    """Each console address with each role: 403 exactly where the role lacks the permission."""
    if role != "owner":
        join("owner")
    with TestClient(app, raise_server_exceptions=False) as browser:
        sign_in(browser, join(role))
        token = form_token(browser.get("/console/account"))
        for method, path, permission in console_handlers(app):
            if permission == "public" or path.endswith(("sign-out", "account/sessions", "account/password")):
                continue
            address = path.replace("{seq:int}", "1").replace("{", "").replace("}", "").replace(":str", "")
            answer = browser.request(method, address, data={"csrf_token": token} if method == "POST" else None)
            allowed = permission == "signed_in" or permission in PERMISSIONS.of_role(role)
            denied = answer.status_code == 403 and "may not" in answer.text
            assert denied is not allowed, f"{role} {method} {path}: {answer.status_code}"
            assert answer.status_code < 500, f"{role} {method} {path}: {answer.text[-300:]}"


def test_the_menu_shows_only_what_may_be_opened(app: Litestar, join: Join) -> None:
    with TestClient(app) as owner:
        viewer = beside(owner)
        sign_in(owner, join("owner"))
        sign_in(viewer, join("viewer"))
        assert 'href="/console/sources"' in owner.get("/console/account").text
        assert 'href="/console/sources"' not in viewer.get("/console/account").text


def test_only_owners_see_write_keys(app: Litestar, join: Join, db: Database) -> None:
    with TestClient(app) as owner:
        analyst = beside(owner)
        sign_in(owner, join("owner"))
        sign_in(analyst, join("analyst"))
        address = submit(owner, "/console/sources", "/console/sources", name="Site", kind="web").headers["location"]
        page = owner.get(address).text
        key = page.split('data-value="')[1].split('"')[0]
        assert key.startswith("wk_")
        assert key not in analyst.get(address).text


def test_a_viewer_sees_no_person() -> None:
    assert not {name for name in PERMISSIONS.of_role("viewer") if name.startswith(("customers", "facts", "quarantine"))}


def test_an_unknown_role_may_nothing() -> None:
    assert PERMISSIONS.of_role("root") == frozenset()


def test_a_server_is_not_built_with_a_handler_whose_permission_no_slice_declares(db: Database) -> None:
    """Neither one whose author forgot it nor one of a slice that forgot to declare it."""
    with pytest.raises(ValueError, match=r"unguarded.* at /api/v1/unguarded needs the permission None"):
        create_app(db=db, wording=WORDING, permissions=PERMISSIONS, parts={"x": WebPart(routes=(unguarded,))})
    with pytest.raises(ValueError, match="at /api/v1/whoami needs the permission 'customers:read'"):
        create_app(
            db=db, wording=WORDING, permissions=Permissions(WEB.permissions), parts={"x": WebPart(routes=(whoami,))}
        )


def test_a_handler_without_a_permission_answers_nobody() -> None:
    """Should one ever be reached, the guard itself denies."""
    somebody = Principal(
        workspace=WorkspaceId(1), kind="user", id="u", name="Bo", role="owner", scopes=PERMISSIONS.of_role("owner")
    )
    connection = ASGIConnection[Any, Any, Any, Any]({"type": "http", "user": somebody})  # type: ignore[arg-type]
    with pytest.raises(Forbidden, match="names no permission"):
        allow(connection, unguarded)


def test_a_key_that_outlived_a_slice_shows_what_it_held_and_may_nothing_of_it(
    browser: Browser, join: Join, db: Database, shop: Workspace
) -> None:
    gone = Permissions([*PERMISSIONS.by_name.values(), Permission(name="cards:read", words="see gift cards")])
    _, secret = accounts.create_api_key(
        db, gone, workspace=shop.id, name="old", scopes=["cards:read"], created_by="test", now=now_us()
    )
    principal = anyio.run(partial(KeyRing(db, PERMISSIONS).authenticate, f"Bearer {secret}", address="192.0.2.7"))
    assert principal.scopes == frozenset()
    sign_in(browser, join("owner"))
    assert "cards:read (unknown)" in browser.get("/console/keys").text


def test_an_owner_has_every_permission_and_the_others_what_it_says() -> None:
    cards = Permissions([Permission(name="cards:read", words="see gift cards", roles=("agent",), for_keys=False)])
    assert [role for role in ROLE_NAMES if cards.of_role(role)] == ["owner", "agent"]
    assert cards.for_keys == ()


def test_two_permissions_of_one_name_are_refused() -> None:
    one = Permission(name="cards:read", words="see gift cards")
    with pytest.raises(ValueError, match="of kind permission are named 'cards:read'"):
        Permissions([one, one])


def test_an_api_key_opens_what_its_scopes_say(browser: Browser, db: Database, shop: Workspace) -> None:
    key, secret = accounts.create_api_key(
        db,
        PERMISSIONS,
        workspace=shop.id,
        name="shop front",
        scopes=["customers:read"],
        created_by="test",
        now=now_us(),
    )
    _, other = accounts.create_api_key(
        db, PERMISSIONS, workspace=shop.id, name="other", scopes=["decisions:write"], created_by="test", now=now_us()
    )
    good = browser.get("/api/v1/whoami", headers={"Authorization": f"Bearer {secret}"})
    assert good.json() == {"workspace": shop.id, "kind": "api_key", "name": "shop front"}
    lacking = browser.get("/api/v1/whoami", headers={"Authorization": f"Bearer {other}"})
    assert (lacking.status_code, lacking.json()["code"]) == (403, "forbidden")
    assert secret.startswith(key.prefix)


@pytest.mark.parametrize("header", [None, "Bearer rk_guessed", "Basic cmtfeDo=", "Bearer ", "Bearer rk_\xff"])
def test_without_a_good_key_the_api_answers_401(browser: Browser, header: str | None) -> None:
    headers = {} if header is None else {b"Authorization": header.encode("latin-1")}
    answer = browser.get("/api/v1/whoami", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == 'Bearer realm="rapport"'
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_session_is_no_way_into_the_api(browser: Browser, join: Join) -> None:
    sign_in(browser, join("owner"))
    assert browser.get("/api/v1/whoami").status_code == 401


def test_an_api_key_is_no_way_into_the_console(browser: Browser, db: Database, shop: Workspace) -> None:
    _, secret = accounts.create_api_key(
        db, PERMISSIONS, workspace=shop.id, name="x", scopes=PERMISSIONS.for_keys, created_by="test", now=now_us()
    )
    answer = browser.get("/console/sources", headers={"Authorization": f"Bearer {secret}"}, follow_redirects=False)
    assert answer.status_code == 303


def test_a_key_is_made_shown_once_and_revoked_in_the_console(browser: Browser, join: Join) -> None:
    sign_in(browser, join("owner"))
    page = submit(browser, "/console/keys", "/console/keys", name="Shop <b>front</b>", scopes=["customers:read"])
    shown = browser.get(page.headers["location"])
    secret = shown.text.split('id="new-secret">')[1].split("<")[0]
    auth = {"Authorization": f"Bearer {secret}"}
    assert browser.get("/api/v1/whoami", headers=auth).status_code == 200
    assert secret not in browser.get(page.headers["location"]).text, "a reload shows it again"
    listed = browser.get("/console/keys").text
    assert secret not in listed
    assert "Shop &lt;b&gt;front&lt;/b&gt;" in listed
    key_id = page.headers["location"].rpartition("/")[2]
    submit(browser, "/console/keys", f"/console/keys/{key_id}/revoke")
    assert browser.get("/api/v1/whoami", headers=auth).status_code == 401


@pytest.mark.parametrize("scopes", [[], ["team:write"], ["keys:write"], ["everything"]])
def test_a_key_cannot_be_given_what_keys_may_not_have(db: Database, shop: Workspace, scopes: list[str]) -> None:
    with pytest.raises(InvalidInput):
        accounts.create_api_key(
            db, PERMISSIONS, workspace=shop.id, name="x", scopes=scopes, created_by="test", now=now_us()
        )

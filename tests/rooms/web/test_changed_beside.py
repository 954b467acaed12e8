"""Two people at one thing in the console: the second is told, keeps what was typed, and may save again."""

from __future__ import annotations

import re

import pytest

from rapport.act.webhooks import WebhookWanted, add_webhook, find_webhook
from rapport.collect.sources import create_source, find_source
from rapport.kernel.clock import now_us
from rapport.kernel.errors import Conflict
from rapport.storage.engine import Database
from rapport.storage.workspaces import Workspace
from rapport.web import accounts, store
from tests.beside import change_beside
from tests.rooms.web.conftest import Browser, Join, form_token, sign_in


def version_in(page: str) -> str:
    """The version that the page's form carries."""
    found = re.search(r'name="version" value="([^"]+)"', page)
    assert found
    return found[1]


def role_of(db: Database, shop: Workspace, user_id: str) -> str:
    with db.read() as conn:
        return next(m.role for m in store.members(conn, shop.id) if m.user_id == user_id)


def member(db: Database, shop: Workspace, email: str) -> store.TeamMember:
    with db.read() as conn:
        return next(m for m in store.members(conn, shop.id) if m.email == email)


def test_a_source(db: Database, shop: Workspace, browser: Browser, join: Join) -> None:
    with db.write() as conn:
        source = create_source(conn, shop.id, name="Site", kind="web", now=now_us())
    sign_in(browser, join("owner"))
    address = f"/console/sources/{source.id}"
    page = browser.get(address)
    form = {"csrf_token": form_token(page), "version": version_in(page.text), "kind": "web"}
    assert browser.post(address, data=form | {"name": "Hers"}, follow_redirects=False).status_code == 303
    late = browser.post(address, data=form | {"name": "His"}, follow_redirects=False)
    assert late.status_code == 409
    assert "since you looked" in late.text
    assert 'name="name" type="text" value="His"' in late.text
    form["version"] = version_in(late.text)
    assert browser.post(address, data=form | {"name": "His"}, follow_redirects=False).status_code == 303
    with db.read() as conn:
        assert find_source(conn, shop.id, source.id).name == "His"
    form["replaces"] = source.write_key
    assert browser.post(f"{address}/rotate", data=form, follow_redirects=False).status_code == 303
    late = browser.post(f"{address}/rotate", data=form, follow_redirects=False)
    assert late.status_code == 409
    assert "rotated the write key" in late.text


def test_a_webhook(db: Database, shop: Workspace, browser: Browser, join: Join) -> None:
    with db.write() as conn:
        webhook, _ = add_webhook(conn, shop.id, WebhookWanted(url="https://example.com/a"), now=now_us())
    sign_in(browser, join("owner"))
    address = f"/console/webhooks/{webhook.id}"
    page = browser.get(address)
    form = {"csrf_token": form_token(page), "version": version_in(page.text), "events": "*"}
    hers = browser.post(address, data=form | {"url": "https://example.com/hers"}, follow_redirects=False)
    late = browser.post(address, data=form | {"url": "https://example.com/his"}, follow_redirects=False)
    assert (hers.status_code, late.status_code) == (303, 409)
    assert 'value="https://example.com/his"' in late.text
    with db.read() as conn:
        assert find_webhook(conn, shop.id, webhook.id).url == "https://example.com/hers"


def test_a_role(db: Database, shop: Workspace, browser: Browser, join: Join) -> None:
    sign_in(browser, join("owner"))
    bo = member(db, shop, join("viewer"))
    address = f"/console/team/{bo.user_id}/role"
    form = {"csrf_token": form_token(browser.get("/console/team")), "version": "viewer"}
    assert browser.post(address, data=form | {"role": "analyst"}, follow_redirects=False).status_code == 303
    late = browser.post(address, data=form | {"role": "owner"}, follow_redirects=False)
    assert late.status_code == 409
    assert "somebody has made viewer@example.com analyst since you looked" in late.text
    assert role_of(db, shop, bo.user_id) == "analyst"


def test_two_owners_who_take_each_other_the_role_do_not_leave_the_shop_without_one(
    db: Database, shop: Workspace, join: Join
) -> None:
    ada, bo = member(db, shop, join("owner")), member(db, shop, join("analyst"))
    accounts.change_role(db, workspace=shop.id, user_id=bo.user_id, role="owner", now=now_us())
    told = change_beside(
        db,
        lambda conn: accounts.give_role(conn, workspace=shop.id, user_id=bo.user_id, role="viewer", now=now_us()),
        lambda conn: accounts.give_role(conn, workspace=shop.id, user_id=ada.user_id, role="viewer", now=now_us()),
    )
    assert told is not None
    assert "is the only owner" in told.message
    assert role_of(db, shop, ada.user_id) == "owner"


def test_whoever_saw_another_role_is_told(db: Database, shop: Workspace, join: Join) -> None:
    bo = member(db, shop, join("viewer"))
    with pytest.raises(Conflict, match="viewer since you looked"):
        accounts.change_role(db, workspace=shop.id, user_id=bo.user_id, role="owner", now=now_us(), seen="admin")

"""A shop's settings are changed by those who may, in the console and over the API, and nobody overwrites unseen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

import httpx
import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from msgspec import Meta

from rapport.kernel.clock import now_us
from rapport.kernel.settings import Section
from rapport.storage.engine import Database
from rapport.storage.workspaces import Workspace
from rapport.web import accounts, settings_pages
from rapport.web.app import create_app
from tests.rooms.web.conftest import Browser, Join, sign_in, submit
from tests.slices import PERMISSIONS, WORDING


class CardSettings(msgspec.Struct, frozen=True, kw_only=True):
    days: Annotated[int, Meta(ge=1, le=1000, title="Valid for days")] = 365
    told: bool = True


CARDS = Section(name="cards", title="Gift cards", kind=CardSettings, about="Cards of the shop.")


@pytest.fixture
def app(db: Database, shop: Workspace) -> Litestar:
    return create_app(
        db=db,
        wording=WORDING,
        permissions=PERMISSIONS,
        parts={"web": settings_pages.WEB},
        provided={"sections": [CARDS]},
    )


@pytest.fixture
def program(app: Litestar, db: Database, shop: Workspace) -> Iterator[httpx.Client]:
    """A program with a key that may change settings."""
    scopes = ["settings:read", "settings:write"]
    _, key = accounts.create_api_key(
        db, PERMISSIONS, workspace=shop.id, name="deploy", scopes=scopes, created_by="test", now=now_us()
    )
    with TestClient(app) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        yield client


def test_an_owner_changes_a_setting_and_the_page_says_who_did(browser: Browser, join: Join) -> None:
    sign_in(browser, join("owner"))
    page = browser.get("/console/settings")
    assert "Valid for days" in page.text
    assert "Cards of the shop." in page.text
    changed = submit(browser, "/console/settings", "/console/settings/cards", version="0", days="30")
    assert (changed.status_code, changed.headers["location"]) == (303, "/console/settings?done=saved#cards")
    page = browser.get("/console/settings")
    assert re.search(r'name="days" value="30"', page.text)
    assert "Owner, " in page.text
    assert "Without a change it is 365." in page.text
    assert "Without a change it is on." in page.text, "a switch that was not sent is off"


def test_what_was_typed_stays_where_it_cannot_be_saved(browser: Browser, join: Join) -> None:
    sign_in(browser, join("owner"))
    submit(browser, "/console/settings", "/console/settings/cards", version="0", days="30")
    late = submit(browser, "/console/settings", "/console/settings/cards", version="0", days="77")
    assert late.status_code == 409
    assert "Owner has changed the settings" in late.text
    assert re.search(r'name="days" value="77"', late.text)
    wrong = submit(browser, "/console/settings", "/console/settings/cards", version="1", days="soon")
    assert wrong.status_code == 400
    assert re.search(r'name="days" value="soon"', wrong.text)


def test_a_marketer_sees_the_settings_and_cannot_change_them(browser: Browser, join: Join) -> None:
    sign_in(browser, join("marketer"))
    assert '<fieldset class="stack" disabled>' in browser.get("/console/settings").text
    refused = submit(browser, "/console/settings", "/console/settings/cards", version="0", days="30")
    assert refused.status_code == 403


def test_a_program_reads_and_changes_a_section_and_sends_back_the_version_it_read(program: httpx.Client) -> None:
    (read,) = program.get("/api/v1/settings").json()
    one = program.get("/api/v1/settings/cards")
    tag = one.headers["ETag"]
    assert one.json() == read
    assert read == {"section": "cards", "title": "Gift cards", "version": 0, "values": {"days": 365, "told": True}}
    changed = program.put("/api/v1/settings/cards", json={"values": {"days": 30}}, headers={"If-Match": tag})
    assert changed.json()["values"] == {"days": 30, "told": True}
    late = program.put("/api/v1/settings/cards", json={"values": {"told": False}}, headers={"If-Match": tag})
    assert (late.status_code, late.json()["code"]) == (409, "conflict")
    assert program.get("/api/v1/settings/cards").headers["ETag"] == changed.headers["ETag"] != tag
    (change,) = program.get("/api/v1/settings/cards/changes").json()
    assert (change["version"], change["changed_by"]) == (1, "deploy")
    assert program.put("/api/v1/settings/cards", json={"values": {"told": False}}).json()["version"] == 2


def test_a_section_or_a_setting_that_is_not_there_is_named(program: httpx.Client) -> None:
    missing = program.put("/api/v1/settings/hats", json={"values": {}})
    assert (missing.status_code, missing.json()["hint"]) == (404, "there are: cards")
    odd = program.put("/api/v1/settings/cards", json={"values": {"colour": "red"}})
    assert (odd.status_code, odd.json()["hint"]) == (400, "there are: days, told")

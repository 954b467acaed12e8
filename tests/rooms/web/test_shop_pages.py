"""What the shop says of itself is changed in the console and over the API, and nobody overwrites unseen."""

from __future__ import annotations

import re

import httpx
import msgspec
import pytest
import sqlalchemy as sa

from rapport.kernel.errors import InvalidInput
from rapport.storage.engine import Database
from rapport.storage.shops import ShopWanted, change_shop, checked, shop_stated
from rapport.storage.workspaces import Workspace, change_settings, workspace_of
from tests.beside import change_beside
from tests.rooms.web.conftest import Browser, Join, sign_in, submit
from tests.rooms.web.test_settings_pages import app, program  # noqa: F401 - fixtures

PAGE, FORM = "/console/settings", "/console/settings/shop"
WANTED = {"name": "Marlow & Söhne", "currency": "SEK", "region": "SE", "time_zone": "Europe/Stockholm", "locale": "sv"}


def version(browser: Browser) -> str:
    found = re.search(r'action="/console/settings/shop">.*?name="version" value="([0-9a-f]+)"', browser.get(PAGE).text)
    assert found
    return found[1]


def test_an_owner_says_what_the_shop_is(browser: Browser, join: Join, db: Database, shop: Workspace) -> None:
    sign_in(browser, join("owner"))
    saved = submit(browser, PAGE, FORM, version=version(browser), **WANTED)
    assert (saved.status_code, saved.headers["location"]) == (303, "/console/settings?done=saved#shop")
    page = browser.get(PAGE).text
    assert 'value="Marlow &amp; Söhne"' in page
    assert '<option value="SEK" selected>SEK: Swedish Krona</option>' in page
    with db.read() as conn:
        assert shop_stated(workspace_of(conn, shop.id)).time_zone == "Europe/Stockholm"


def test_whoever_is_too_late_is_told_and_what_was_typed_stays(browser: Browser, join: Join) -> None:
    sign_in(browser, join("owner"))
    seen = version(browser)
    submit(browser, PAGE, FORM, version=seen, **WANTED)
    late = submit(browser, PAGE, FORM, version=seen, **(WANTED | {"name": "Other"}))
    assert late.status_code == 409
    assert "somebody has changed the shop since you looked" in late.text
    assert 'value="Other"' in late.text


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("currency", "POINTS", "is no ISO 4217 currency"), ("region", "Atlantis", "is no country"),
        ("time_zone", "Mars/Olympus", "is no time zone"), ("locale", "xx_YY", "is no language"),
        ("name", "  ", "a shop needs a name"),
    ],
)  # fmt: skip
def test_what_nobody_knows_is_refused(field: str, value: str, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        checked(ShopWanted(**{field: value}))


def test_what_cannot_be_saved_stays_in_the_form_and_nothing_changes(
    browser: Browser, join: Join, db: Database, shop: Workspace
) -> None:
    sign_in(browser, join("owner"))
    answer = submit(browser, PAGE, FORM, version=version(browser), **(WANTED | {"currency": "POINTS"}))
    assert answer.status_code == 400
    assert "is no ISO 4217 currency" in answer.text
    with db.read() as conn:
        assert workspace_of(conn, shop.id) == shop


def test_a_marketer_sees_what_the_shop_says_and_cannot_change_it(browser: Browser, join: Join) -> None:
    sign_in(browser, join("marketer"))
    assert submit(browser, PAGE, FORM, version="", **WANTED).status_code == 403


def test_a_program_reads_and_changes_it_by_the_version_it_read(program: httpx.Client) -> None:  # noqa: F811
    read = program.get("/api/v1/shop")
    assert read.json()["name"] == "Ada & Sons"
    tag = {"If-Match": read.headers["ETag"]}
    changed = program.put("/api/v1/shop", json={"region": "germany"}, headers=tag)
    assert (changed.json()["region"], changed.json()["currency"]) == ("DE", "EUR")
    assert program.put("/api/v1/shop", json={"currency": "USD"}, headers=tag).status_code == 409
    assert program.put("/api/v1/shop", json={"currency": "USD"}).json()["currency"] == "USD"


def test_the_identity_policy_and_the_shop_do_not_overwrite_each_other(db: Database, shop: Workspace) -> None:
    """Both are kept in one row, so two people who change them at a moment wait for each other."""

    def allow_more(conn: sa.Connection) -> None:
        change_settings(conn, shop.id, lambda now: msgspec.structs.replace(now, identifier_default_limit=7))

    def rename(conn: sa.Connection) -> None:
        change_shop(conn, shop.id, ShopWanted(name="Renamed"))

    change_beside(db, allow_more, rename)
    with db.read() as conn:
        found = workspace_of(conn, shop.id)
    assert (found.name, found.settings.identifier_default_limit) == ("Renamed", 7)

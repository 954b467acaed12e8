"""API keys end, move and stay at home: expiry, rotation, networks; and what is shown once is shown once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from ipaddress import ip_address

import anyio
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.exceptions import InternalServerException
from litestar.testing import TestClient

from rapport.kernel.clock import DAY, HOUR, SECOND, now_us
from rapport.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound, RapportError, Unauthenticated
from rapport.kernel.ids import new_id
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.storage.workspaces import Workspace, create_workspace
from rapport.web import accounts, api_keys, key_changes
from rapport.web.api_keys import ApiKey
from rapport.web.app import create_app
from rapport.web.key_ring import KeyRing
from rapport.web.networks import is_within
from rapport.web.problems import problem_of
from tests.rooms.web.conftest import PASSWORD, Browser, sign_in, submit
from tests.slices import PERMISSIONS, WORDING

HOME = "192.0.2.7"


@pytest.fixture
def place(shared_db: Database) -> Workspace:
    """A shop of this test alone."""
    with shared_db.write() as conn:
        return create_workspace(conn, slug=new_id("shop").replace("_", "-"), name="Ada & Sons", now=now_us())


@pytest.fixture(scope="module")
def app(shared_db: Database) -> Litestar:
    return create_app(db=shared_db, wording=WORDING, permissions=PERMISSIONS)


@pytest.fixture
def owner(app: Litestar, shared_db: Database, place: Workspace) -> Iterator[Browser]:
    email = f"{new_id('ada')}@example.com"
    accounts.create_user(
        shared_db, email=email, password=PASSWORD, name="Ada", workspace=place.id, role="owner", now=now_us()
    )
    with TestClient(app, raise_server_exceptions=False) as browser:
        sign_in(browser, email)
        yield browser


def made(db: Database, place: Workspace, **more: object) -> tuple[ApiKey, str]:
    """A key that was made a day ago."""
    return accounts.create_api_key(
        db, PERMISSIONS, workspace=place.id, name="front", scopes=["customers:read"], created_by="test",
        now=now_us() - DAY, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def opened(db: Database, secret: str, address: str = HOME) -> Principal | type[RapportError]:
    """What a fresh process answers to a secret: who it is, or why not."""
    try:
        return anyio.run(partial(KeyRing(db, PERMISSIONS).authenticate, f"Bearer {secret}", address=address))
    except RapportError as error:
        return type(error)


def test_a_key_opens_nothing_once_it_has_ended(shared_db: Database, place: Workspace) -> None:
    _, lasting = made(shared_db, place, expires_at=now_us() + HOUR)
    _, ended = made(shared_db, place, expires_at=now_us() - SECOND)
    assert isinstance(opened(shared_db, lasting), Principal)
    assert opened(shared_db, ended) is Unauthenticated


def test_a_key_ends_while_it_is_remembered(shared_db: Database, place: Workspace) -> None:
    key, secret = made(shared_db, place)
    ring = KeyRing(shared_db, PERMISSIONS, remember=DAY)
    ask = partial(ring.authenticate, f"Bearer {secret}", address=HOME)
    anyio.run(ask)
    with shared_db.write() as conn:
        api_keys.change(conn, place.id, key.id, expires_at=now_us() - SECOND, networks=())
    anyio.run(ask)  # what is remembered for two seconds may be as old
    ring.forget()
    with pytest.raises(Unauthenticated, match="has ended"):
        anyio.run(ask)


@pytest.mark.parametrize(
    ("address", "answer"),
    [(HOME, Principal), ("::ffff:192.0.2.7", Principal), ("2001:db8::9", Principal), ("192.0.3.7", Forbidden),
     ("unknown", Forbidden), ("2001:db9::9", Forbidden)],
)  # fmt: skip
def test_a_key_is_good_from_its_networks_alone(
    shared_db: Database, place: Workspace, address: str, answer: type
) -> None:
    _, secret = made(shared_db, place, networks=["192.0.2.0/24", "2001:db8::/32"])
    found = opened(shared_db, secret, address)
    assert found is answer or isinstance(found, answer)


@example(ip_address("::ffff:1.2.3.4"), [])
@given(st.ip_addresses(), st.lists(st.ip_addresses().map(str), max_size=3))
def test_an_address_lies_in_its_own_network_and_in_that_of_all(address: object, others: list[str]) -> None:
    everything = ["0.0.0.0/0", "::/0"]
    assert is_within(str(address), [*others, str(address)])
    assert is_within(str(address), everything)


@pytest.mark.parametrize("networks", [["home"], ["192.0.2.7/24"], ["192.0.2.0/33"], [HOME] * 51, ["\0"]])
def test_what_is_no_network_is_refused(networks: list[str]) -> None:
    with pytest.raises(InvalidInput):
        key_changes.checked_networks(networks)


def test_after_a_rotation_both_secrets_work_until_the_old_one_is_ended(shared_db: Database, place: Workspace) -> None:
    key, old = made(shared_db, place)
    rotated, new = key_changes.rotate_api_key(
        shared_db, workspace=place.id, key_id=key.id, grace=DAY, seen=key.prefix, now=now_us()
    )
    assert [isinstance(opened(shared_db, secret), Principal) for secret in (old, new)] == [True, True]
    assert rotated.previous_until > now_us() + 23 * HOUR
    key_changes.end_old_secret(shared_db, workspace=place.id, key_id=key.id, now=now_us())
    assert opened(shared_db, old) is Unauthenticated
    assert isinstance(opened(shared_db, new), Principal)


def test_a_secret_that_was_seen_by_somebody_ends_with_the_rotation(shared_db: Database, place: Workspace) -> None:
    key, old = made(shared_db, place)
    key_changes.rotate_api_key(shared_db, workspace=place.id, key_id=key.id, grace=0, seen=key.prefix, now=now_us())
    assert opened(shared_db, old) is Unauthenticated


def test_a_second_rotation_of_what_somebody_saw_before_is_refused(shared_db: Database, place: Workspace) -> None:
    key, _ = made(shared_db, place)
    rotate = partial(
        key_changes.rotate_api_key, shared_db, workspace=place.id, key_id=key.id, grace=DAY, seen=key.prefix
    )
    _, new = rotate(now=now_us())
    with pytest.raises(Conflict):
        rotate(now=now_us())
    assert isinstance(opened(shared_db, new), Principal)


def test_a_revoked_key_takes_its_old_secret_along(shared_db: Database, place: Workspace) -> None:
    key, old = made(shared_db, place)
    key_changes.rotate_api_key(shared_db, workspace=place.id, key_id=key.id, grace=DAY, seen=key.prefix, now=now_us())
    accounts.revoke_api_key(shared_db, workspace=place.id, key_id=key.id, now=now_us())
    assert opened(shared_db, old) is Unauthenticated


def test_another_shops_key_cannot_be_touched(shared_db: Database, place: Workspace) -> None:
    key, _ = made(shared_db, place)
    with shared_db.write() as conn:
        other = create_workspace(conn, slug=new_id("shop").replace("_", "-"), name="Other", now=now_us())
    with pytest.raises(NotFound):
        key_changes.rotate_api_key(shared_db, workspace=other.id, key_id=key.id, grace=0, seen=key.prefix, now=now_us())
    with pytest.raises(NotFound):
        key_changes.end_old_secret(shared_db, workspace=other.id, key_id=key.id, now=now_us())


def test_a_key_is_bounded_and_rotated_on_its_page(owner: Browser, shared_db: Database, place: Workspace) -> None:
    key, old = made(shared_db, place)
    page = f"/console/keys/{key.id}"
    assert "see customers" in owner.get(page).text or "customers:read" in owner.get(page).text
    refused = submit(owner, page, page, until="yesterday", networks="")
    assert (refused.status_code, "is no day" in refused.text) == (400, True)
    assert submit(owner, page, page, until="2099-12-31", networks=f"{HOME}, home").status_code == 400
    kept = submit(owner, page, page, until="", networks=f"{HOME} 2001:db8::/32")
    assert kept.status_code == 303
    assert 'value="192.0.2.7/32 2001:db8::/32"' in owner.get(page).text
    led = submit(owner, page, f"{page}/rotate", grace_hours="24", replaces=key.prefix)
    new = owner.get(led.headers["location"]).text.split('id="new-secret">')[1].split("<")[0]
    assert "End the old one now" in owner.get(page).text
    assert new not in owner.get(page).text
    assert submit(owner, page, f"{page}/rotate", grace_hours="24", replaces=key.prefix).status_code == 409
    submit(owner, page, f"{page}/end-old")
    assert opened(shared_db, old) is Unauthenticated
    assert isinstance(opened(shared_db, new), Principal)


def test_an_invitations_link_is_shown_once(owner: Browser) -> None:
    led = submit(owner, "/console/team", "/console/team/invitations", email="bo@example.com", role="viewer")
    assert led.status_code == 303
    assert "/console/join?token=" in owner.get("/console/team").text
    assert "/console/join?token=" not in owner.get("/console/team").text


def test_recovery_codes_are_shown_once(owner: Browser) -> None:
    made_ = submit(owner, "/console/account", "/console/account/recovery-codes", password=PASSWORD)
    assert made_.headers["location"] == "/console/account"
    assert 'id="recovery-codes"' in owner.get("/console/account").text
    assert 'id="recovery-codes"' not in owner.get("/console/account").text


def test_what_is_shown_once_is_no_scripts_business_and_shown_on_its_own_page(owner: Browser) -> None:
    led = submit(owner, "/console/team", "/console/team/invitations", email="cy@example.com", role="viewer")
    cookie = led.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "Max-Age=60" in cookie
    assert "/console/join" not in owner.get("/console/account").text


@pytest.mark.parametrize("value", ["", "!!", "bm90IGpzb24", "W10", "WyIvY29uc29sZS90ZWFtIiwxXQ", "WzEse31d"])
def test_a_strange_cookie_shows_nothing(owner: Browser, value: str) -> None:
    owner.cookies.set("rapport_once", value)
    assert owner.get("/console/team").status_code == 200


def test_signing_out_clears_what_the_browser_kept(owner: Browser) -> None:
    led = submit(owner, "/console/account", "/console/sign-out")
    assert led.headers["clear-site-data"] == '"cache", "storage"'


def test_who_hangs_up_within_a_form_is_no_fault_in_the_log() -> None:
    assert problem_of(InternalServerException("client disconnected prematurely")).status == 400
    assert problem_of(InternalServerException("anything else")).status == 500

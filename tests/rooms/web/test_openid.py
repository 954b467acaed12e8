"""Signing in by an OpenID provider: who gets in, as whom, and with which role."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any
from uuid import uuid4

import pyotp
import pytest
from litestar.testing import TestClient

from rapport.adapters.channels.fetching import Fetching
from rapport.kernel.clock import now_us
from rapport.kernel.errors import Conflict, NotFound
from rapport.storage.audit.entries import entries
from rapport.storage.engine import Database
from rapport.storage.workspaces import Workspace, create_workspace
from rapport.web import accounts, factors, invitations, resets, store
from rapport.web.app import create_app
from rapport.web.provider.asking import Fetched, Provider
from rapport.web.provider.people import enter, person_of
from tests.openid import OpenId, come, invite, is_in, member, open_id, refused, settings
from tests.rooms.web.conftest import PASSWORD, Browser, beside, sign_in, submit
from tests.slices import PERMISSIONS, WORDING


@pytest.fixture(scope="module")
def _running() -> Iterator[OpenId]:
    with open_id() as running:
        yield running


@pytest.fixture
def idp(_running: OpenId) -> OpenId:
    """The provider, honest again, with somebody new at the browser."""
    _running.begin_again(sub=uuid4().hex, email=f"{uuid4().hex}@example.com")
    return _running


@pytest.fixture
def ada(idp: OpenId) -> str:
    """The address of whoever sits at the browser."""
    return str(idp.person["email"])


@pytest.fixture
def shop(shared_db: Database) -> Workspace:
    with shared_db.write() as conn:
        return create_workspace(conn, slug=f"s{uuid4().hex[:20]}", name="Ada & Sons", now=now_us())


Opened = Callable[..., Any]


@pytest.fixture
def opened(shared_db: Database, shop: Workspace, idp: OpenId) -> Iterator[Opened]:
    """A function that opens a browser at a shop with this provider, under settings of the test's own."""
    running: list[Any] = []

    def at(**wanted: Any) -> Browser:
        provider = Provider(settings(idp, shop=shop.slug, **wanted), Fetching(allow_private=True))
        app = create_app(db=shared_db, wording=WORDING, permissions=PERMISSIONS, provided={"provider": provider})
        client = TestClient(app, base_url="http://shop.example", raise_server_exceptions=False)
        running.append(client)
        return client.__enter__()

    yield at
    for client in running:
        client.__exit__(None, None, None)


def test_an_invited_person_signs_in_and_has_the_role_of_the_invitation(
    opened: Opened, shared_db: Database, shop: Workspace, ada: str
) -> None:
    browser = opened()
    invite(shared_db, shop, ada, "analyst")
    assert "Sign in with Acme" in browser.get("/console/sign-in").text
    assert come(browser, "?next=/console/team").headers["location"] == "/console/team"
    page = browser.get("/console/account").text
    assert "analyst" in page
    assert "by Acme" in page
    with shared_db.read() as conn:
        assert not store.open_invitations(conn, shop.id, now=now_us())
        told = [one.action for one in entries(conn, shop.id, limit=50)]
    assert {"account.provider_tied", "account.joined", "account.signed_in"} <= set(told)


def test_nobody_gets_in_whom_nobody_invited_and_the_audit_trail_says_so(
    opened: Opened, shared_db: Database, shop: Workspace, ada: str
) -> None:
    assert refused(come(opened()), f"nobody has invited {ada}")
    with shared_db.read() as conn:
        assert store.user_by_email(conn, ada) is None
        assert entries(conn, shop.id, limit=5)[0].action == "account.sign_in_refused"


def test_where_the_operator_wants_it_people_of_the_domain_become_members(
    opened: Opened, idp: OpenId, shared_db: Database, shop: Workspace, ada: str
) -> None:
    browser = opened(new_role="viewer", domains=("example.com",))
    assert is_in(come(browser))
    with shared_db.read() as conn:
        assert [(one.email, one.role) for one in store.members(conn, shop.id)] == [(ada, "viewer")]
    idp.person |= {"sub": "p-2", "email": "eve@elsewhere.example"}
    assert refused(come(beside(browser)), "of no domain")


def test_a_removed_member_does_not_come_back_by_the_provider(
    opened: Opened, shared_db: Database, shop: Workspace, ada: str
) -> None:
    browser = opened(new_role="viewer", domains=("example.com",))
    member(shared_db, shop, f"owner-{ada}", "owner")
    assert is_in(come(browser))
    with shared_db.read() as conn:
        user = store.user_by_email(conn, ada)
    assert user is not None
    accounts.remove_member(shared_db, workspace=shop.id, user_id=user.id)
    assert refused(come(browser), "belongs to no shop any more")
    invite(shared_db, shop, ada, "agent")
    assert is_in(come(browser))


def test_the_account_stays_the_same_when_the_address_at_the_provider_changes(
    opened: Opened, idp: OpenId, shared_db: Database, shop: Workspace, ada: str
) -> None:
    browser = opened()
    member(shared_db, shop, ada, "agent")
    member(shared_db, shop, f"grace-{ada}", "owner")
    assert is_in(come(browser))
    idp.person["email"] = f"grace-{ada}"  # even to that of somebody else
    assert is_in(come(browser))
    assert f">{ada} " in browser.get("/console/account").text.replace("<p>", ">")


def test_groups_give_the_role_at_each_sign_in_and_none_is_refused(
    opened: Opened, idp: OpenId, shared_db: Database, shop: Workspace
) -> None:
    browser = opened(groups={"desk": "agent", "cx": "marketer"})
    idp.person["groups"] = ["desk", "cx", "cantine"]
    assert is_in(come(browser))
    idp.person["groups"] = "desk"
    assert is_in(come(browser))
    with shared_db.read() as conn:
        assert [one.role for one in store.members(conn, shop.id)] == ["agent"]
    idp.person["groups"] = []
    assert refused(come(browser), "none of the groups")


def test_an_owner_stays_owner_whatever_the_groups_say(
    opened: Opened, idp: OpenId, shared_db: Database, shop: Workspace, ada: str
) -> None:
    browser = opened(groups={"desk": "agent"})
    member(shared_db, shop, ada, "owner")
    idp.person["groups"] = ["desk"]
    assert is_in(come(browser))
    with shared_db.read() as conn:
        assert [one.role for one in store.members(conn, shop.id)] == ["owner"]


def test_passwords_stay_for_the_owner_where_others_must_come_by_the_provider(
    opened: Opened, shared_db: Database, shop: Workspace, ada: str
) -> None:
    browser = opened(own_sign_in="owners")
    member(shared_db, shop, f"owner-{ada}", "owner")
    member(shared_db, shop, ada, "agent")
    refused = sign_in(browser, ada)
    assert refused.status_code == 403
    assert "your shop signs in by Acme" in refused.text
    assert sign_in(browser, ada, "another battery staple").status_code == 401  # says nothing of roles
    assert is_in(sign_in(browser, f"owner-{ada}"))


def test_a_reset_link_is_no_way_round_the_provider(
    opened: Opened, shared_db: Database, shop: Workspace, ada: str
) -> None:
    browser = opened(own_sign_in="owners")
    member(shared_db, shop, ada, "agent")
    made = resets.make_link(shared_db, email=ada, now=now_us())
    assert made is not None
    answer = submit(
        browser, f"/console/reset?token={made[0]}", "/console/reset", token=made[0], password="four other words here"
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("kept", ["owners", "nobody"])
def test_a_password_chosen_by_an_invitation_is_no_way_round_the_provider(
    opened: Opened, shared_db: Database, shop: Workspace, ada: str, kept: str
) -> None:
    browser = opened(own_sign_in=kept)
    token = invitations.invite(shared_db, workspace=shop.id, email=ada, role="agent", now=now_us())
    answer = submit(
        browser, f"/console/join?token={token}", "/console/join", token=token, password="four other words here"
    )
    assert answer.status_code == 403
    with shared_db.read() as conn:
        assert store.user_by_email(conn, ada) is None
    assert is_in(come(browser))


def test_who_gets_an_address_that_was_somebody_elses_does_not_get_the_account_with_it(
    opened: Opened, idp: OpenId, shared_db: Database, shop: Workspace, ada: str
) -> None:
    browser = opened(new_role="viewer", domains=("example.com",))
    member(shared_db, shop, f"owner-{ada}", "owner")
    member(shared_db, shop, ada, "marketer")
    assert is_in(come(browser))
    before, idp.person["sub"] = idp.person["sub"], "the next to have the address"
    assert refused(come(beside(browser)), "is of somebody else at Acme")
    with shared_db.read() as conn:
        user = store.user_by_email(conn, ada)
    assert user is not None
    accounts.remove_member(shared_db, workspace=shop.id, user_id=user.id)
    invite(shared_db, shop, ada)
    assert is_in(come(beside(browser)))
    idp.person["sub"] = before
    assert refused(come(beside(browser)), "is of somebody else at Acme")


def test_the_link_for_the_first_account_ends_with_the_first_owner(
    opened: Opened, idp: OpenId, shared_db: Database, shop: Workspace
) -> None:
    idp.person["groups"] = ["cx"]
    token = f"setup-{shop.slug}"
    with shared_db.write() as conn:
        link = invitations._invitation(token, workspace=shop.id, email=None, role="owner", now=now_us())
        store.add_invitation(conn, link)
    assert is_in(come(opened(groups={"cx": "owner"})))
    with pytest.raises(NotFound):
        invitations.open_invitation(shared_db, token, now=now_us())


def test_an_account_without_a_password_is_opened_by_none(
    opened: Opened, shared_db: Database, shop: Workspace, ada: str
) -> None:
    browser = opened()
    invite(shared_db, shop, ada)
    assert is_in(come(browser))
    for password in ("", " ", PASSWORD):
        assert sign_in(beside(browser), ada, password).status_code == 401
    kept = submit(browser, "/console/account", "/console/account/provider/forget", issuer="http://127.0.0.1")
    assert kept.status_code == 409  # or nothing would let her in


def test_a_second_factor_of_ones_own_is_asked_all_the_same(
    opened: Opened, shared_db: Database, shop: Workspace, ada: str
) -> None:
    browser = opened()
    member(shared_db, shop, ada, "agent")
    with shared_db.read() as conn:
        user = store.user_by_email(conn, ada)
    assert user is not None
    begun = factors.begin_app(shared_db, user, issuer="Acme", now=now_us())
    code = pyotp.TOTP(begun.secret).now()
    factors.confirm_app(
        shared_db, user_id=user.id, factor_id=begun.factor_id, code=code, workspace=shop.id, now=now_us()
    )
    assert come(browser).headers["location"] == "/console/sign-in/second"
    assert browser.get("/console/account", follow_redirects=False).status_code == 303


def test_two_first_sign_ins_at_once_make_one_account(
    opened: Opened, shared_db: Database, shop: Workspace, idp: OpenId
) -> None:
    wanted = settings(idp, shop=shop.slug, new_role="viewer", domains=("example.com",))
    person = person_of(idp.claims("n"), wanted)

    def first(_: int) -> bool:
        try:
            enter(shared_db, person, wanted, browser="", device="", now=now_us())
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as several:
        assert any(several.map(first, range(8)))
    with shared_db.read() as conn:
        assert len(store.members(conn, shop.id)) == 1


def test_links_that_take_each_other_away_are_taken_at_once_without_a_deadlock(db: Database) -> None:
    """Each of two people takes a link for the first account, and with it all others: one comes first, both are done."""
    for n in range(5):
        with db.write() as conn:
            shop = create_workspace(conn, slug=f"s{n}", name="Shop", now=1).id
            tokens = [uuid4().hex for _ in range(2)]
            for one in tokens:
                link = invitations._invitation(one, workspace=shop, email=None, role="owner", now=now_us())
                store.add_invitation(conn, link)

        def take(token: str) -> bool:
            with db.write() as conn:
                store.lock_invitations(conn, None)
                taken = store.take_invitation(conn, store.digest_of(token))
                store.forget_setup_links(conn)
                return taken

        with ThreadPoolExecutor(2) as several:
            assert sorted(several.map(take, tokens)) == [False, True]


def test_while_the_provider_is_asked_anew_others_go_on_with_what_it_said(idp: OpenId) -> None:
    """An hour later it is slow: the one who asks waits, nobody else does."""
    asked, go_on = Event(), Event()
    fetching = Fetching(allow_private=True)

    def fetch(url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None) -> Fetched:
        if asked.is_set():
            go_on.wait(20)
        return fetching(url, form=form, headers=headers)

    provider = Provider(settings(idp), fetch)
    words = provider.words(now=0)
    asked.set()
    later = 2 * 3_600_000_000
    with ThreadPoolExecutor(1) as one:
        slow = one.submit(provider.words, now=later)
        while not provider._asking.locked():
            pass
        assert provider.words(now=later) == words
        assert not slow.done()
        go_on.set()
        assert slow.result(20) == words

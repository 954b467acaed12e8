"""Accounts: the first one, invitations, signing in and out, passwords, throttling."""

from __future__ import annotations

import time
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from rapport.kernel.clock import DAY, HOUR, SECOND, now_us
from rapport.kernel.errors import Conflict, InvalidInput, NotFound, RateLimited, Unauthenticated
from rapport.storage.engine import Database
from rapport.storage.workspaces import Workspace, create_workspace
from rapport.web import accounts, attempts, invitations, passwords, store
from rapport.web.accounts import SignedIn
from tests.rooms.web.conftest import PASSWORD, Browser, Join, beside, sign_in, submit

ADA: dict[str, Any] = {
    "email": "ada@example.com", "password": PASSWORD, "address": "192.0.2.1", "browser": "Firefox on Linux",
}  # fmt: skip


def test_the_first_account_is_made_with_the_link_the_server_prints(
    db: Database, shop: Workspace, browser: Browser
) -> None:
    token = invitations.set_up_token(db, workspace=shop.id, now=now_us())
    assert token
    page = browser.get(f"/console/join?token={token}")
    assert "first account" in page.text
    answer = submit(
        browser, f"/console/join?token={token}", "/console/join", token=token, email="Ada@Example.com", name="Ada",
        password=PASSWORD,
    )  # fmt: skip
    assert answer.status_code == 303
    assert browser.get("/console/account").text.count("ada@example.com") >= 1
    with db.read() as conn:
        assert [m.role for m in store.members(conn, shop.id)] == ["owner"]


def test_the_link_for_the_first_account_works_once_and_not_beside_an_account(db: Database, shop: Workspace) -> None:
    first, second = (invitations.set_up_token(db, workspace=shop.id, now=now_us()) for _ in range(2))
    assert first
    assert second
    with pytest.raises(NotFound):
        invitations.open_invitation(db, first, now=now_us())
    invitations.accept_invitation(db, second, **ADA, name="Ada", now=now_us())
    with pytest.raises(NotFound):
        invitations.accept_invitation(db, second, **(ADA | {"email": "eve@example.com"}), name="Eve", now=now_us())
    assert invitations.set_up_token(db, workspace=shop.id, now=now_us()) is None


def test_a_link_stops_working_after_its_time(db: Database, shop: Workspace, join: Join) -> None:
    join("owner")
    token = invitations.invite(db, workspace=shop.id, email="bo@example.com", role="viewer", now=now_us() - 8 * DAY)
    with pytest.raises(NotFound):
        invitations.open_invitation(db, token, now=now_us())


def test_an_invited_person_joins_with_the_role_of_the_invitation(
    db: Database, shop: Workspace, app: Litestar, join: Join
) -> None:
    with TestClient(app) as owner:
        bo = beside(owner)
        sign_in(owner, join("owner"))
        submit(owner, "/console/team", "/console/team/invitations", email="bo@example.com", role="analyst")
        page = owner.get("/console/team")
        token = page.text.split("/console/join?token=")[1].split("<")[0]
        submit(bo, f"/console/join?token={token}", "/console/join", token=token, name="Bo", password=PASSWORD)
        assert "analyst" in bo.get("/console/account").text
        assert bo.get(f"/console/join?token={token}").status_code == 404


def test_who_has_an_account_joins_another_shop_with_its_password(db: Database, shop: Workspace, join: Join) -> None:
    with db.write() as conn:
        other = create_workspace(conn, slug="other", name="Other", now=now_us())
    token = invitations.invite(db, workspace=other.id, email=join("viewer"), role="owner", now=now_us())
    call: dict[str, Any] = {"email": "", "name": "", "address": "a", "browser": "b", "now": now_us()}
    with pytest.raises(Unauthenticated):
        invitations.accept_invitation(db, token, password="not my password", **call)
    signed_in = invitations.accept_invitation(db, token, password=PASSWORD, **call)
    assert isinstance(signed_in, SignedIn)
    assert signed_in.workspace == other.id
    with db.read() as conn:
        assert [w for w, _ in store.workspaces_of(conn, signed_in.user_id)] == [shop.id, other.id]


@pytest.mark.parametrize(
    "password", ["short", "eleven-char", "aaaaaaaaaaaa", "password1234", "iloveyou12345", "ada@example.com", "x" * 201]
)
def test_a_weak_password_is_refused(db: Database, shop: Workspace, password: str) -> None:
    with pytest.raises(InvalidInput):
        accounts.create_user(
            db, email="ada@example.com", password=password, name="", workspace=shop.id, role="owner", now=now_us()
        )


def test_a_password_is_never_cut(db: Database, shop: Workspace) -> None:
    long = "".join(chr(ord("a") + i * 7 % 26) + str(i % 10) for i in range(100))
    kept = passwords.hashed(passwords.acceptable(long))
    assert passwords.matches(long, kept)
    assert not passwords.matches(long + "x", kept)
    assert not passwords.matches(long[:-1], kept)


def test_an_old_invitation_lowers_nobodys_role(db: Database, shop: Workspace, join: Join) -> None:
    now = now_us()
    token = invitations.invite(db, workspace=shop.id, email="owner@example.com", role="viewer", now=now)
    join("owner")
    call: dict[str, Any] = {"email": "", "name": "", "address": "a", "browser": "b", "now": now}
    invitations.accept_invitation(db, token, password=PASSWORD, **call)
    with db.read() as conn:
        assert [member.role for member in store.members(conn, shop.id)] == ["owner"]


def test_passwords_are_kept_as_argon2id_and_tokens_as_hashes(
    db: Database, shop: Workspace, browser: Browser, join: Join
) -> None:
    sign_in(browser, join("owner"))
    token = browser.cookies["rapport_session"]
    with db.read() as conn:
        user = store.user_by_email(conn, "owner@example.com")
        session = store.live_session(conn, store.digest_of(token), now=now_us())
    assert user
    assert user.password_hash.startswith("$argon2id$")
    assert PASSWORD not in user.password_hash
    assert session
    assert token.encode() not in session.token_hash


def test_a_wrong_password_and_an_unknown_account_are_answered_alike(browser: Browser, join: Join) -> None:
    email = join("owner")
    wrong, unknown = sign_in(browser, email, "wrong password"), sign_in(browser, "nobody@example.com", "wrong password")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text.count("e-mail or password is wrong") == unknown.text.count("e-mail or password is wrong") == 1


def test_an_unknown_account_takes_as_long_as_a_known_one(db: Database, shop: Workspace, join: Join) -> None:
    email = join("owner")

    def seconds(mail: str) -> float:
        began = time.process_time()
        with pytest.raises(Unauthenticated):
            accounts.sign_in(db, **(ADA | {"email": mail, "password": "wrong"}), now=now_us())
        return time.process_time() - began

    known = min(seconds(email) for _ in range(3))
    unknown = min(seconds("nobody@example.com") for _ in range(3))
    assert 0.5 < unknown / known < 2


def test_an_account_is_throttled_from_an_address_and_recovers(db: Database, shop: Workspace, join: Join) -> None:
    email, now = join("owner"), now_us()
    for _ in range(attempts.TRIES):
        with pytest.raises(Unauthenticated):
            accounts.sign_in(db, email=email, password="wrong", address="192.0.2.1", browser="", now=now)
    with pytest.raises(RateLimited) as refused:
        accounts.sign_in(db, email=email, password=PASSWORD, address="192.0.2.1", browser="", now=now)
    assert refused.value.retry_after_seconds == 1
    later = now + 2 * SECOND
    assert accounts.sign_in(db, email=email, password=PASSWORD, address="192.0.2.1", browser="", now=later)


def test_nobody_keeps_the_owner_out_by_failing_in_her_name(db: Database, shop: Workspace, join: Join) -> None:
    email, now = join("owner"), now_us()
    at_home = accounts.sign_in(db, email=email, password=PASSWORD, address="203.0.113.9", browser="", now=now)
    assert isinstance(at_home, SignedIn)
    for i in range(attempts.TRIES + 1):
        with pytest.raises((Unauthenticated, RateLimited)):
            accounts.sign_in(db, email=email, password="wrong", address="192.0.2.1", browser="", now=now)
        assert accounts.sign_in(db, email=email, password=PASSWORD, address=f"198.51.100.{i}", browser="", now=now)
    for i in range(attempts.ACCOUNT_TRIES + 1):
        with pytest.raises((Unauthenticated, RateLimited)):
            accounts.sign_in(db, email=email, password="wrong", address=f"100.64.0.{i}", browser="", now=now)
    with pytest.raises(RateLimited, match="too many"):
        accounts.sign_in(db, email=email, password=PASSWORD, address="198.51.100.99", browser="", now=now)
    again = accounts.sign_in(
        db, email=email, password=PASSWORD, address="100.64.0.1", browser="", device=at_home.device, now=now
    )
    assert isinstance(again, SignedIn)
    assert again.device == at_home.device, "a browser she has signed in with before is let in"


def test_a_known_browser_may_not_guess_either(db: Database, shop: Workspace, join: Join) -> None:
    email, now = join("owner"), now_us()
    mine = accounts.sign_in(db, email=email, password=PASSWORD, address="203.0.113.9", browser="", now=now)
    assert isinstance(mine, SignedIn)
    for i in range(attempts.TRIES):
        with pytest.raises(Unauthenticated):
            accounts.sign_in(
                db, email=email, password="wrong", address=f"192.0.2.{i}", browser="", device=mine.device, now=now
            )
    with pytest.raises(RateLimited):
        accounts.sign_in(
            db, email=email, password=PASSWORD, address="192.0.2.99", browser="", device=mine.device, now=now
        )


def test_a_browser_of_somebody_else_proves_nothing(db: Database, shop: Workspace, join: Join) -> None:
    owner, now = join("owner"), now_us()
    eve = accounts.sign_in(db, email=join("viewer"), password=PASSWORD, address="192.0.2.1", browser="", now=now)
    assert isinstance(eve, SignedIn)
    for _ in range(attempts.TRIES):
        with pytest.raises(Unauthenticated):
            accounts.sign_in(db, email=owner, password="wrong", address="192.0.2.1", browser="", now=now)
    with pytest.raises(RateLimited):
        accounts.sign_in(db, email=owner, password="wrong", address="192.0.2.1", browser="", device=eve.device, now=now)


def test_the_wait_doubles_and_ends(db: Database, shop: Workspace, join: Join) -> None:
    email, now = join("owner"), now_us()
    waits = []
    for _ in range(attempts.TRIES + 5):
        try:
            accounts.sign_in(db, email=email, password="wrong", address="192.0.2.1", browser="", now=now)
        except RateLimited as refused:
            waits.append(refused.retry_after_seconds)
            now += int(refused.retry_after_seconds * SECOND)
            with pytest.raises(Unauthenticated):
                accounts.sign_in(db, email=email, password="wrong", address="192.0.2.1", browser="", now=now)
        except Unauthenticated:
            continue
    assert waits == sorted(waits)
    assert waits[1] == 2 * waits[0]
    assert accounts.sign_in(db, email=email, password=PASSWORD, address="192.0.2.9", browser="", now=now + HOUR)


def test_sign_in_is_throttled_by_address(db: Database, shop: Workspace, join: Join) -> None:
    email, now = join("owner"), now_us()
    for i in range(attempts.ADDRESS_TRIES):
        with pytest.raises(Unauthenticated):
            accounts.sign_in(db, email=f"a{i}@example.com", password="wrong", address="192.0.2.1", browser="", now=now)
    with pytest.raises(RateLimited):
        accounts.sign_in(db, email=email, password=PASSWORD, address="192.0.2.1", browser="", now=now)
    assert accounts.sign_in(db, email=email, password=PASSWORD, address="192.0.2.2", browser="", now=now)


def test_one_good_account_does_not_reset_the_count_of_an_address(db: Database, shop: Workspace, join: Join) -> None:
    email, now = join("viewer"), now_us()
    for i in range(attempts.ADDRESS_TRIES):
        accounts.sign_in(db, email=email, password=PASSWORD, address="192.0.2.1", browser="", now=now)
        with pytest.raises(Unauthenticated):
            accounts.sign_in(db, email=f"a{i}@example.com", password="wrong", address="192.0.2.1", browser="", now=now)
    with pytest.raises(RateLimited):
        accounts.sign_in(db, email=email, password=PASSWORD, address="192.0.2.1", browser="", now=now)


def test_the_throttled_form_says_how_long_to_wait(browser: Browser, join: Join) -> None:
    email = join("owner")
    answers = [sign_in(browser, email, "wrong password") for _ in range(attempts.TRIES + 1)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) >= 1


def test_the_last_owner_stays(db: Database, shop: Workspace, join: Join) -> None:
    join("owner")
    with db.read() as conn:
        (owner,) = store.members(conn, shop.id)
    with pytest.raises(Conflict):
        accounts.remove_member(db, workspace=shop.id, user_id=owner.user_id)
    with pytest.raises(Conflict):
        accounts.change_role(db, workspace=shop.id, user_id=owner.user_id, role="viewer", now=now_us())


def test_a_removed_member_is_signed_out_at_once(db: Database, shop: Workspace, app: Litestar, join: Join) -> None:
    join("owner")
    with TestClient(app) as bo:
        sign_in(bo, join("agent"))
        assert bo.get("/console/account").status_code == 200
        with db.read() as conn:
            agent = next(m for m in store.members(conn, shop.id) if m.role == "agent")
        accounts.remove_member(db, workspace=shop.id, user_id=agent.user_id)
        assert bo.get("/console/account", follow_redirects=False).status_code == 303


def test_a_removed_member_does_not_come_back_through_another_invitation(
    db: Database, shop: Workspace, join: Join
) -> None:
    now, bo = now_us(), ADA | {"email": "bo@example.com"}
    join("owner")
    with db.write() as conn:
        other = create_workspace(conn, slug="other", name="Other", now=now)
    elsewhere = invitations.invite(db, workspace=other.id, email="bo@example.com", role="viewer", now=now)
    tokens = [
        invitations.invite(db, workspace=shop.id, email=email, role="viewer", now=now)
        for email in ("bo@example.com", "Bo@Example.com")
    ]
    joined = invitations.accept_invitation(db, tokens[0], **bo, name="Bo", now=now)
    with db.read() as conn:
        assert store.open_invitations(conn, shop.id, now=now) == []
    # One that was sent while Bo was joining.
    late = invitations._invitation("join_late", workspace=shop.id, email="bo@example.com", role="viewer", now=now)
    with db.write() as conn:
        store.add_invitation(conn, late)
    accounts.remove_member(db, workspace=shop.id, user_id=joined.user_id)
    for token in (*tokens, "join_late"):
        with pytest.raises(NotFound):
            invitations.accept_invitation(db, token, **bo, name="Bo", now=now)
    assert invitations.open_invitation(db, elsewhere, now=now).workspace == other.id


def test_a_new_password_ends_every_other_session(app: Litestar, join: Join) -> None:
    email = join("owner")
    with TestClient(app) as here:
        there = beside(here)
        sign_in(here, email)
        sign_in(there, email)
        before = here.cookies["rapport_session"]
        page = "/console/account"
        wrong = submit(here, page, "/console/account/password", current="wrong password", new="other horse staple")
        assert wrong.status_code == 401
        answer = submit(here, page, "/console/account/password", current=PASSWORD, new="other horse staple")
        assert answer.status_code == 303
        assert here.cookies["rapport_session"] != before
        assert here.get(page).status_code == 200
        assert there.get(page, follow_redirects=False).status_code == 303

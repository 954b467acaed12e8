"""Second factors: apps, recovery codes, who must have one, lost passwords."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator

import httpx
import pyotp
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from rapport.kernel.clock import HOUR, MINUTE, SECOND, now_us
from rapport.kernel.errors import NotFound, RateLimited, Unauthenticated
from rapport.kernel.ids import WorkspaceId
from rapport.storage import settings
from rapport.storage.engine import Database
from rapport.storage.workspaces import Workspace
from rapport.web import accounts, factors, resets, store
from rapport.web.accounts import HalfSignedIn, SignedIn
from rapport.web.sign_in_settings import SIGN_IN_SETTINGS, SignInSettings
from tests.rooms.web.conftest import PASSWORD, Browser, Join, beside, sign_in, submit

NEW = "quarrel tulip seventeen"


class Person:
    """Somebody with an authenticator app."""

    def __init__(self, db: Database, shop: Workspace, email: str) -> None:
        self.db, self.shop, self.email, self.now = db, shop, email, now_us()
        with db.read() as conn:
            user = store.user_by_email(conn, email)
        assert user
        self.user = user
        begun = factors.begin_app(db, user, issuer="Shop", now=self.now)
        self.app = pyotp.TOTP(begun.secret)
        self.recovery = factors.confirm_app(
            db, user_id=user.id, factor_id=begun.factor_id, code=self.code(), workspace=shop.id, now=self.now
        )
        self.now += MINUTE

    def code(self) -> str:
        """What the app shows now."""
        return self.app.at(self.now // SECOND)

    def half(self) -> str:
        """The password is right."""
        answer = accounts.sign_in(
            self.db, email=self.email, password=PASSWORD, address="192.0.2.1", browser="", now=self.now
        )
        assert isinstance(answer, HalfSignedIn)
        return answer.token

    def finish(self, token: str, code: str) -> SignedIn:
        """The second half."""
        return factors.finish_sign_in(
            self.db, token, code=code, address="192.0.2.1", browser="", device="", now=self.now
        )


@pytest.fixture
def ada(db: Database, shop: Workspace, join: Join) -> Person:
    return Person(db, shop, join("owner"))


def test_a_password_alone_lets_nobody_in_who_has_an_app(ada: Person) -> None:
    token = ada.half()
    with ada.db.read() as conn:
        assert store.sessions_of(conn, ada.user.id, now=ada.now) == []
    assert ada.finish(token, ada.code()).user_id == ada.user.id
    with pytest.raises(Unauthenticated, match="too long"):
        ada.finish(token, ada.code())


def test_a_code_works_once(ada: Person) -> None:
    code = ada.code()
    ada.finish(ada.half(), code)
    with pytest.raises(Unauthenticated, match="not right"):
        ada.finish(ada.half(), code)


def test_of_two_who_show_one_code_at_once_one_gets_in(ada: Person) -> None:
    code, tokens = ada.code(), [ada.half() for _ in range(4)]
    together, entered = threading.Barrier(4), []

    def enter(token: str) -> None:
        together.wait()
        with contextlib.suppress(Unauthenticated):
            entered.append(ada.finish(token, code))

    threads = [threading.Thread(target=enter, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(entered) == 1


def test_a_clock_may_be_half_a_minute_off_and_no_more(ada: Person) -> None:
    right = ada.now
    for off, good in ((-SECOND * 30, True), (SECOND * 90, False), (-SECOND * 90, False)):
        shown = ada.app.at((right + off) // SECOND)
        ada.now = right
        if good:
            ada.finish(ada.half(), shown)
        else:
            with pytest.raises(Unauthenticated):
                ada.finish(ada.half(), shown)


def test_each_recovery_code_lets_in_once(ada: Person) -> None:
    assert len(set(ada.recovery)) == 10
    ada.finish(ada.half(), ada.recovery[0].upper())
    with pytest.raises(Unauthenticated):
        ada.finish(ada.half(), ada.recovery[0])
    fresh = factors.new_recovery_codes(ada.db, user_id=ada.user.id, workspace=ada.shop.id, now=ada.now)
    with pytest.raises(Unauthenticated):
        ada.finish(ada.half(), ada.recovery[1])
    ada.finish(ada.half(), fresh[1])


def test_codes_cannot_be_guessed(ada: Person) -> None:
    token = ada.half()
    for _ in range(factors.TRIES):
        with pytest.raises(Unauthenticated):
            ada.finish(token, "000000")
    with pytest.raises((Unauthenticated, RateLimited)):
        ada.finish(token, ada.code())
    with pytest.raises(RateLimited):
        ada.finish(ada.half(), ada.code())


def test_what_is_no_code_is_refused(ada: Person) -> None:
    for code in ("", "12345", "１２３４５６", "x" * 5_000, "\ud800"):
        with pytest.raises(Unauthenticated):
            ada.finish(ada.half(), code)


def test_the_first_half_is_worth_nothing_after_ten_minutes(ada: Person) -> None:
    token = ada.half()
    ada.now += accounts.HALF_DONE
    with pytest.raises(Unauthenticated, match="too long"):
        ada.finish(token, ada.code())


# In the browser


@pytest.fixture
def bo(app: Litestar, join: Join) -> Iterator[Browser]:
    with TestClient(app, raise_server_exceptions=False) as client:
        sign_in(client, join("viewer"))
        yield client


def _add_app(browser: Browser) -> tuple[pyotp.TOTP, httpx.Response]:
    page = submit(browser, "/console/account", "/console/account/app", password=PASSWORD)
    secret = re.search(r'class="break">([A-Z2-7]+)<', page.text)
    action = re.search(r'action="(/console/account/app/[^"]+)"', page.text)
    assert secret
    assert action
    app = pyotp.TOTP(secret[1])
    led = submit(browser, "/console/account", action[1], code=app.now())
    return app, browser.get(led.headers["location"])


def test_somebody_adds_an_app_and_signs_in_with_it(bo: Browser) -> None:
    app, page = _add_app(bo)
    assert len(re.findall(r"\b[0-9a-f]{5}(?:-[0-9a-f]{5}){3}\b", page.text.split("Copy the codes")[0])) >= 10
    other = beside(bo)
    asked = sign_in(other, "viewer@example.com")
    assert asked.headers["location"] == "/console/sign-in/second"
    assert other.get("/console/account", follow_redirects=False).status_code == 303, "the password is half"
    wrong = submit(other, "/console/sign-in/second", "/console/sign-in/second", code="000000")
    assert wrong.status_code == 401
    code = app.at(now_us() // SECOND + 30)
    entered = submit(other, "/console/sign-in/second", "/console/sign-in/second", code=code)
    assert entered.headers["location"] == "/console"
    assert other.get("/console/account").status_code == 200


def test_adding_and_removing_asks_the_password_again(bo: Browser) -> None:
    assert submit(bo, "/console/account", "/console/account/app", password="wrong").status_code == 401
    _add_app(bo)
    factor = re.search(r'action="(/console/account/factors/[^"]+/remove)"', bo.get("/console/account").text)
    assert factor
    assert submit(bo, "/console/account", factor[1], password="wrong").status_code == 401
    assert submit(bo, "/console/account", factor[1], password=PASSWORD).status_code == 303
    assert sign_in(beside(bo), "viewer@example.com").headers["location"] == "/console"


def _want(db: Database, shop: WorkspaceId, wanted: SignInSettings) -> None:
    with db.write() as conn:
        settings.save(conn, shop, SIGN_IN_SETTINGS, wanted, version=0, by="Ada", now=now_us())


def test_whoever_must_have_a_factor_sees_nothing_else_before(db: Database, shop: Workspace, bo: Browser) -> None:
    assert bo.get("/console/find?q=a", follow_redirects=False).status_code == 200
    _want(db, shop.id, SignInSettings(second_factor_of="everybody"))
    for page in ("/console/feed", "/console/team", "/console/find?q=a", "/console/keys"):
        led = bo.get(page, follow_redirects=False)
        assert (led.status_code, led.headers["location"]) == (303, "/console/account?done=factor-wanted"), page
    assert "Your shop wants a second factor" in bo.get("/console/account").text
    assert submit(bo, "/console/account", "/console/account/workspace", workspace=str(shop.id)).status_code == 303
    _add_app(bo)
    assert bo.get("/console/find?q=a", follow_redirects=False).status_code == 200
    factor = re.search(r'action="(/console/account/factors/[^"]+/remove)"', bo.get("/console/account").text)
    assert factor
    assert submit(bo, "/console/account", factor[1], password=PASSWORD).status_code == 409, "the last one stays"


def test_owners_alone_may_be_asked(db: Database, shop: Workspace, bo: Browser, join: Join) -> None:
    _want(db, shop.id, SignInSettings(second_factor_of="owners"))
    assert bo.get("/console/find?q=a", follow_redirects=False).status_code == 200
    owner = beside(bo)
    sign_in(owner, join("owner"))
    assert owner.get("/console/team", follow_redirects=False).status_code == 303


# A lost password


def test_a_link_lets_somebody_choose_a_new_password_once(db: Database, bo: Browser) -> None:
    made = resets.make_link(db, email="Viewer@Example.com", now=now_us())
    assert made
    other, path = beside(bo), f"/console/reset?token={made[0]}"
    weak = submit(other, path, "/console/reset", token=made[0], password="password1234")
    assert weak.status_code == 400
    entered = submit(other, path, "/console/reset", token=made[0], password=NEW)
    assert entered.headers["location"] == "/console"
    assert bo.get("/console/account", follow_redirects=False).status_code == 303, "the other browser is signed out"
    assert other.get(path).status_code == 404
    assert sign_in(beside(bo), "viewer@example.com", PASSWORD).status_code == 401
    assert sign_in(beside(bo), "viewer@example.com", NEW).status_code == 303


def test_a_link_runs_out_and_a_changed_password_kills_it(db: Database, ada: Person) -> None:
    made = resets.make_link(db, email=ada.email, now=ada.now)
    assert made
    with pytest.raises(NotFound):
        resets.whose(db, made[0], now=ada.now + HOUR)
    accounts.change_password(
        db, user_id=ada.user.id, current=PASSWORD, new=NEW, address="a", browser="b", workspace=ada.shop.id, now=ada.now
    )
    with pytest.raises(NotFound):
        resets.whose(db, made[0], now=ada.now)


def test_a_new_password_does_not_replace_the_second_factor(db: Database, ada: Person) -> None:
    made = resets.make_link(db, email=ada.email, now=ada.now)
    assert made
    assert isinstance(resets.reset(db, made[0], password=NEW, browser="", now=ada.now), HalfSignedIn)
    lost = resets.make_link(db, email=ada.email, factors_too=True, now=ada.now)
    assert lost
    assert isinstance(resets.reset(db, lost[0], password=NEW, browser="", now=ada.now), SignedIn)


def test_asking_for_a_link_tells_nobody_who_has_an_account(bo: Browser, join: Join) -> None:
    there = submit(bo, "/console/forgot", "/console/forgot", email="viewer@example.com")
    nobody = submit(bo, "/console/forgot", "/console/forgot", email="nobody@example.com")
    assert there.status_code == nobody.status_code == 200
    assert there.text == nobody.text

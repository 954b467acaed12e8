"""What is sealed opens with the key, where it was put, and nowhere else; without a key nothing changes."""

from __future__ import annotations

from pathlib import Path

import pyotp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rapport.app.bootstrap import bootstrap, open_database
from rapport.app.settings import Settings
from rapport.capabilities.messages.service.servers import MailServer, keep_server, own_server
from rapport.kernel.clock import MINUTE, now_us
from rapport.kernel.clock import SECOND as CLOCK
from rapport.kernel.errors import InvalidInput, Misconfigured
from rapport.storage.sealing import VARIABLE, is_sealed, opened, opened_text, sealed, sealed_text
from rapport.storage.workspaces import default_workspace
from rapport.web import accounts, factors

FIRST, SECOND = "a" * 32, "b" * 40
NOON = now_us()


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv(VARIABLE, FIRST)
    return monkeypatch


@given(plain=st.binary(max_size=300), about=st.text(max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_sealed_opens_and_shows_nothing(key: pytest.MonkeyPatch, plain: bytes, about: str) -> None:
    kept = sealed(plain, about=about)
    assert is_sealed(kept)
    assert opened(kept, about=about) == plain
    assert len(plain) < 4 or plain not in kept
    assert sealed(plain, about=about) != kept
    with pytest.raises(Misconfigured):
        opened(kept, about=f"{about}x")
    with pytest.raises(Misconfigured):
        opened(kept[:-1] + bytes([kept[-1] ^ 1]), about=about)


@given(plain=st.text(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_sealed_text_is_a_text_that_any_database_takes(key: pytest.MonkeyPatch, plain: str) -> None:
    kept = sealed_text(plain, about="x")
    assert kept.isascii()
    assert kept.isprintable()
    assert opened_text(kept, about="x") == plain
    with pytest.raises(Misconfigured):
        opened_text(kept, about="y")


def test_an_older_key_opens_behind_the_new_one(key: pytest.MonkeyPatch) -> None:
    kept = sealed(b"secret", about="x")
    key.setenv(VARIABLE, f"{SECOND}, {FIRST}")
    assert opened(kept, about="x") == b"secret"
    again = sealed(b"secret", about="x")
    key.setenv(VARIABLE, SECOND)
    assert opened(again, about="x") == b"secret"
    with pytest.raises(Misconfigured, match="cannot be opened"):
        opened(kept, about="x")


def test_without_a_key_values_lie_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert sealed(b"secret", about="x") == b"secret"
    monkeypatch.setenv(VARIABLE, FIRST)
    assert opened(b"secret", about="x") == b"secret"


@pytest.mark.parametrize("is_keyed", [True, False])
def test_what_would_be_taken_for_sealed_is_not_kept(*, monkeypatch: pytest.MonkeyPatch, is_keyed: bool) -> None:
    monkeypatch.setenv(VARIABLE, "k" * 32 if is_keyed else "")
    with pytest.raises(InvalidInput, match="cannot begin with"):
        sealed_text("sealed1:aGVsbG8=", about="one")


def test_a_key_that_a_person_thought_up_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "hunter2")
    with pytest.raises(Misconfigured, match="too short"):
        sealed(b"x", about="x")


def test_neither_an_apps_key_nor_a_mail_servers_password_lies_readable(key: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given_ = Settings.load({}, data_dir=tmp_path / "data")
    db = open_database(given_)
    bootstrap(db, given_)
    with db.write() as conn:
        shop = default_workspace(conn).id
        server = MailServer(host="mail.example", sender="a@shop.example", password="xyzzy-password")
        keep_server(conn, shop, server, by="Ada", now=1)
        assert own_server(conn, shop) == server
    user = accounts.create_user(
        db, email="ada@example.com", password="correct horse battery", name="Ada", workspace=shop, role="owner",
        now=now_us(),
    )  # fmt: skip
    begun = factors.begin_app(db, user, issuer="Shop", now=now_us())
    shown = factors.begun(db, user_id=user.id, factor_id=begun.factor_id, email=user.email, issuer="Shop")
    assert shown is not None
    assert shown.secret == begun.secret
    app = pyotp.TOTP(begun.secret)
    factors.confirm_app(
        db, user_id=user.id, factor_id=begun.factor_id, code=app.at(NOON // CLOCK), workspace=shop, now=NOON
    )
    key.setenv(VARIABLE, f"{SECOND}, {FIRST}")
    half = accounts.sign_in(
        db, email=user.email, password="correct horse battery", address="192.0.2.1", browser="", now=NOON + MINUTE
    )
    assert isinstance(half, accounts.HalfSignedIn)
    code = app.at((NOON + MINUTE) // CLOCK)
    finished = factors.finish_sign_in(
        db, half.token, code=code, address="192.0.2.1", browser="", device="", now=NOON + MINUTE
    )
    assert finished.user_id == user.id, "with a key that was changed since, too"
    db.checkpoint()
    db.close()
    disk = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("rapport.db*"))
    assert begun.secret.encode() not in disk
    assert b"xyzzy-password" not in disk

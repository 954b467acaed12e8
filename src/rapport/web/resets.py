"""A new password for somebody who has lost theirs: a link that works once, for an hour."""

from __future__ import annotations

from collections.abc import Callable

from rapport.kernel.clock import HOUR
from rapport.kernel.errors import NotFound
from rapport.kernel.identifiers import email_identifier
from rapport.kernel.ids import WorkspaceId, new_secret
from rapport.kernel.language import noted
from rapport.storage.audit.entries import append as tell
from rapport.storage.engine import Database
from rapport.web import accounts, attempts, factor_store, store
from rapport.web.accounts import HalfSignedIn, SignedIn
from rapport.web.factor_store import Challenge
from rapport.web.sign_in_settings import May, anybody

__all__ = ["Mailer", "make_link", "no_mail", "reset", "whose"]

LINK_FOR = 1 * HOUR

Mailer = Callable[[WorkspaceId, str, str], None]
"""Mails somebody the link to a new password, later: shop, address, token. Where no mail server is set, nothing."""


def no_mail(workspace: WorkspaceId, address: str, token: str) -> None:
    """The mailer of a server that sends none."""


def make_link(db: Database, *, email: str, factors_too: bool = False, now: int) -> tuple[str, WorkspaceId, str] | None:
    """A token for a new password, the shop in whose name it is sent and to whom; None where nobody has this account.

    `factors_too` takes the second factors away when it is used: for somebody who has lost the phone, by the operator.
    """
    found = email_identifier(email)
    with db.write() as conn:
        user = store.user_by_email(conn, found.value) if found else None
        shops = store.workspaces_of(conn, user.id) if user else []
        if user is None or not shops:
            return None
        token = new_secret("reset")
        said = b"factors" if factors_too else b""
        link = Challenge(
            token_hash=store.digest_of(token), kind="reset", user_id=user.id, challenge=said, tries=0,
            expires_at=now + LINK_FOR,
        )  # fmt: skip
        factor_store.add_challenge(conn, link, now=now)
        tell(conn, shops[0][0], "account.reset_asked", about=user.id, now=now)
    return token, shops[0][0], user.email


def whose(db: Database, token: str, *, now: int) -> store.User:
    """Whose link it is. Raises NotFound where it was used or is too old."""
    with db.read() as conn:
        link = factor_store.challenge_of(conn, store.digest_of(token), "reset", now=now)
        user = store.user_by_id(conn, link.user_id) if link and link.user_id else None
    if user is None:
        raise NotFound(
            noted("this link does not work any more"), hint=noted("links work once, for an hour; ask for a new one")
        )
    return user


def reset(
    db: Database, token: str, *, password: str, browser: str, now: int, may: May = anybody
) -> SignedIn | HalfSignedIn:
    """Put a new password in force, sign everybody out, and sign in; a second factor is asked all the same."""
    user = whose(db, token, now=now)
    may(user.id)
    kept = accounts.new_password(password, email=user.email, name=user.name)
    workspace = accounts.first_workspace(db, user.id)
    with db.write() as conn:
        link = factor_store.challenge_of(conn, store.digest_of(token), "reset", now=now)
        if link is None or not factor_store.take_challenge(conn, link.token_hash):
            raise NotFound(
                noted("this link does not work any more"), hint=noted("links work once, for an hour; ask for a new one")
            )
        store.set_password_hash(conn, user.id, kept)
        store.end_sessions_of(conn, user.id)
        attempts.forget_devices(conn, user.id)
        factor_store.forget_challenges(conn, user.id)
        if link.challenge == b"factors":
            factor_store.remove_factors(conn, user.id)
        tell(conn, workspace, "account.password_reset", who=user.id, about=user.id, now=now)
    return accounts.enter(db, user.id, workspace=workspace, browser=browser, device="", now=now)

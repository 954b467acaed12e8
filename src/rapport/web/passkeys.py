"""Passkeys: signing in with what the device, or a key, proves of itself and of who holds it (WebAuthn level 3).

A passkey is asked to verify its holder (finger, face, PIN), so it is both factors at once.
"""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit

import msgspec

from rapport.kernel.clock import MINUTE
from rapport.kernel.errors import InvalidInput, Unauthenticated
from rapport.kernel.ids import WorkspaceId, new_id
from rapport.storage.audit.entries import append as tell
from rapport.storage.engine import Database
from rapport.web import accounts, factor_store, factors, store
from rapport.web.accounts import SignedIn
from rapport.web.factor_store import Challenge, ChallengeKind, Factor
from rapport.web.sign_in_settings import May, anybody

__all__ = ["Asked", "add", "ask", "ask_for_new", "sign_in"]

ASKED_FOR = 5 * MINUTE
LONGEST = 20_000
"""Characters of what a browser sends of a passkey."""


class Asked(msgspec.Struct, frozen=True):
    """What the browser hands to `navigator.credentials`; `token` comes back with what it answers."""

    token: str
    options: dict[str, Any]


def ask_for_new(db: Database, user: store.User, *, origin: str, shop: str, now: int) -> Asked:
    """Ask the browser to make a passkey. Raises Conflict where the person has too many factors."""
    from webauthn import generate_registration_options  # takes over a second to import
    from webauthn.helpers import options_to_json_dict
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    with db.read() as conn:
        mine = factor_store.factors_of(conn, user.id)
    factors.room_for_one(mine)
    challenge = secrets.token_bytes(32)
    options = generate_registration_options(
        rp_id=_host(origin), rp_name=shop, user_name=user.email, user_display_name=user.name,
        user_id=user.id.encode(), challenge=challenge,
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one.credential) for one in mine if one.credential],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
    )  # fmt: skip
    return Asked(_remember(db, challenge, "new_passkey", user_id=user.id, now=now), options_to_json_dict(options))


def add(
    db: Database, *, user_id: str, token: str, answer: str, name: str, origin: str, workspace: WorkspaceId, now: int
) -> list[str]:
    """Keep the passkey that the browser made. Returns recovery codes, where it is the person's first factor.

    Raises InvalidInput where the answer proves nothing, Unauthenticated where it was asked too long ago.
    """
    from webauthn import verify_registration_response
    from webauthn.helpers.exceptions import WebAuthnException

    asked = _take(db, token, "new_passkey", now=now)
    if asked.user_id != user_id:
        raise Unauthenticated("this passkey was asked of somebody else", hint="begin again")
    try:
        made = verify_registration_response(
            credential=_bounded(answer), expected_challenge=asked.challenge, expected_rp_id=_host(origin),
            expected_origin=origin, require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise InvalidInput("the browser's answer is not that of a new passkey", hint="try again") from error
    new = Factor(
        id=new_id("fac"), user_id=user_id, kind="passkey", name=name.strip()[:60] or "Passkey",
        secret=made.credential_public_key, credential=made.credential_id, counter=made.sign_count, confirmed_at=now,
        created_at=now, used_at=None,
    )  # fmt: skip
    with db.write() as conn:
        first = not factor_store.factors_of(conn, user_id)
        if factor_store.factor_of_credential(conn, made.credential_id) is not None:
            raise InvalidInput("this passkey is kept already", hint="one passkey is of one account")
        factor_store.add_factor(conn, new)
        tell(conn, workspace, "account.factor_added", who=user_id, about=user_id, details={"kind": "passkey"}, now=now)
    return factors.new_recovery_codes(db, user_id=user_id, workspace=workspace, now=now) if first else []


def ask(db: Database, *, origin: str, now: int) -> Asked:
    """Ask whoever is at the browser for a passkey of this console, whoever they are."""
    from webauthn import generate_authentication_options
    from webauthn.helpers import options_to_json_dict
    from webauthn.helpers.structs import UserVerificationRequirement

    challenge = secrets.token_bytes(32)
    options = generate_authentication_options(
        rp_id=_host(origin), challenge=challenge, user_verification=UserVerificationRequirement.REQUIRED
    )
    return Asked(_remember(db, challenge, "passkey", user_id=None, now=now), options_to_json_dict(options))


def sign_in(
    db: Database, *, token: str, answer: str, origin: str, browser: str, device: str, now: int, may: May = anybody
) -> SignedIn:
    """Sign in the person whose passkey answered. Raises Unauthenticated."""
    from webauthn import verify_authentication_response
    from webauthn.helpers import base64url_to_bytes
    from webauthn.helpers.exceptions import WebAuthnException

    asked = _take(db, token, "passkey", now=now)
    try:
        said = msgspec.json.decode(_bounded(answer), type=_Said)
        with db.read() as conn:
            known = factor_store.factor_of_credential(conn, base64url_to_bytes(said.rawId))
        if known is None:
            raise Unauthenticated("this passkey is not known here", hint="sign in with your password")
        shown = verify_authentication_response(
            credential=answer, expected_challenge=asked.challenge, expected_rp_id=_host(origin),
            expected_origin=origin, credential_public_key=known.secret, credential_current_sign_count=known.counter,
            require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise Unauthenticated("the passkey's answer is not right", hint="sign in with your password") from error
    with db.write() as conn:
        if shown.new_sign_count == 0:
            factor_store.touch_factor(conn, known.id, now=now)
        elif not factor_store.use_factor(conn, known.id, counter=shown.new_sign_count, now=now):
            raise Unauthenticated("this passkey was copied: another one has counted further", hint="remove it")
    may(known.user_id)
    workspace = accounts.first_workspace(db, known.user_id)
    return accounts.start_session(
        db, user_id=known.user_id, workspace=workspace, browser=browser, device=device, now=now
    )  # fmt: skip


class _Said(msgspec.Struct):
    rawId: str  # noqa: N815 - the browser's own word


def _remember(db: Database, challenge: bytes, kind: ChallengeKind, *, user_id: str | None, now: int) -> str:
    token = secrets.token_urlsafe(32)
    new = Challenge(
        token_hash=store.digest_of(token), kind=kind, user_id=user_id, challenge=challenge, tries=0,
        expires_at=now + ASKED_FOR,
    )  # fmt: skip
    with db.write() as conn:
        factor_store.add_challenge(conn, new, now=now)
    return token


def _take(db: Database, token: str, kind: ChallengeKind, *, now: int) -> Challenge:
    with db.write() as conn:
        asked = factor_store.challenge_of(conn, store.digest_of(token), kind, now=now)
        if asked is None or not factor_store.take_challenge(conn, asked.token_hash):
            raise Unauthenticated("that took too long", hint="try again")
    return asked


def _bounded(answer: str) -> str:
    if len(answer) > LONGEST:
        raise InvalidInput(f"a passkey's answer has at most {LONGEST} characters, this one has {len(answer)}")
    return answer


def _host(origin: str) -> str:
    """The name that a passkey belongs to: the host without its port."""
    return urlsplit(origin).hostname or "localhost"

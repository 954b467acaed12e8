"""The use cases of second factors: add an authenticator app, show its code, recover, remove.

**Source**: RFC 6238 (TOTP); NIST SP 800-63B-4, sections 3.1.2 and 3.1.5.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

import pyotp
from sqlalchemy import Connection

from rapport.kernel.clock import SECOND
from rapport.kernel.errors import Conflict, InvalidInput, NotFound, Unauthenticated
from rapport.kernel.ids import WorkspaceId, new_id
from rapport.kernel.language import noted
from rapport.storage.audit.entries import append as tell
from rapport.storage.engine import Database
from rapport.web import accounts, attempts, factor_store, store
from rapport.web.accounts import SignedIn
from rapport.web.factor_store import Challenge, Factor

__all__ = [
    "Begun",
    "begin_app",
    "begun",
    "confirm_app",
    "finish_sign_in",
    "half_of",
    "keep_one",
    "new_recovery_codes",
    "remove",
]

STEP = 30
"""Seconds that a code is shown."""
DRIFT = 1
"""Steps that a phone's clock may be ahead or behind."""
TRIES = 5
"""Codes that may be wrong before the password is asked again."""
RECOVERY_CODES = 10
MOST_FACTORS = 20


class Begun(NamedTuple):
    """An app that is not in use yet: it counts once it has shown a right code."""

    factor_id: str
    secret: str
    """In base 32, to type in."""
    uri: str
    """`otpauth://`, to scan."""


def begin_app(db: Database, user: store.User, *, issuer: str, now: int) -> Begun:
    """A fresh key for an authenticator app. Raises Conflict where the person has too many factors."""
    secret = pyotp.random_base32()
    new = Factor(
        id=new_id("fac"), user_id=user.id, kind="app", name="Authenticator app", secret=secret.encode(),
        credential=None, counter=0, confirmed_at=None, created_at=now, used_at=None,
    )  # fmt: skip
    with db.write() as conn:
        room_for_one(factor_store.factors_of(conn, user.id))
        factor_store.add_factor(conn, new)
    return Begun(new.id, secret, _uri_of(secret, email=user.email, issuer=issuer))


def begun(db: Database, *, user_id: str, factor_id: str, email: str, issuer: str) -> Begun | None:
    """An app that has not shown a right code yet, to be shown again; None where there is none."""
    with db.read() as conn:
        found = factor_store.factor(conn, user_id=user_id, factor_id=factor_id)
    if found is None or found.kind != "app" or found.confirmed_at is not None:
        return None
    secret = factor_store.secret_of(found).decode()
    return Begun(found.id, secret, _uri_of(secret, email=email, issuer=issuer))


def _uri_of(secret: str, *, email: str, issuer: str) -> str:
    """What the picture to scan holds."""
    return pyotp.TOTP(secret, interval=STEP).provisioning_uri(name=email, issuer_name=issuer)


def confirm_app(
    db: Database, *, user_id: str, factor_id: str, code: str, workspace: WorkspaceId, now: int
) -> list[str]:
    """Let an app count, once it shows a right code. Returns recovery codes, where it is the person's first factor.

    Raises InvalidInput for a wrong code, NotFound, and Conflict where it counts already.
    """
    with db.read() as conn:
        begun = factor_store.factor(conn, user_id=user_id, factor_id=factor_id)
    if begun is None or begun.kind != "app":
        raise NotFound("this app is not known any more", hint="begin again")
    step = _step_of(factor_store.secret_of(begun), code, now=now)
    if step is None:
        raise InvalidInput("this is not the code that the app shows now", hint="is the clock of the phone right?")
    codes, hashes = _fresh_codes()
    with db.write() as conn:
        first = not factor_store.factors_of(conn, user_id)
        if not factor_store.confirm_factor(conn, factor_id, counter=step, now=now):
            raise Conflict("this app is in use already")
        if first:
            factor_store.set_recovery_codes(conn, user_id, hashes)
        tell(conn, workspace, "account.factor_added", who=user_id, about=user_id, details={"kind": "app"}, now=now)
    return codes if first else []


def half_of(db: Database, token: str, *, now: int) -> Challenge:
    """The first half of a sign-in. Raises Unauthenticated where it has run out."""
    with db.read() as conn:
        half = factor_store.challenge_of(conn, store.digest_of(token), "second", now=now)
    if half is None or half.user_id is None:
        raise Unauthenticated(noted("that took too long"), hint=noted("give e-mail and password again"))
    return half


def finish_sign_in(
    db: Database, token: str, *, code: str, address: str, browser: str, device: str, now: int
) -> SignedIn:
    """The second half: the code of an app, or a recovery code. Each works once.

    Raises Unauthenticated for a wrong one, RateLimited after several.
    """
    half = half_of(db, token, now=now)
    user_id = str(half.user_id)
    attempt = attempts.begin(
        db, user_id, user_id=user_id, address=address, device=device, now=now, what="second factor"
    )  # fmt: skip
    with db.write() as conn:
        if not factor_store.count_try(conn, half.token_hash, at_most=TRIES):
            raise Unauthenticated("too many wrong codes", hint=noted("give e-mail and password again"))
    with db.write() as conn:
        if not _use(conn, user_id, code, now=now):
            raise Unauthenticated("this code is not right", hint="wait for the next one, or use a recovery code")
        if not factor_store.take_challenge(conn, half.token_hash):
            raise Unauthenticated("this sign-in was finished already", hint=noted("give e-mail and password again"))
        attempts.succeeded(conn, attempt)
    workspace = WorkspaceId(int(half.challenge))
    return accounts.start_session(db, user_id=user_id, workspace=workspace, browser=browser, device=device, now=now)


def new_recovery_codes(db: Database, *, user_id: str, workspace: WorkspaceId, now: int) -> list[str]:
    """Ten fresh recovery codes; the old ones stop working."""
    codes, hashes = _fresh_codes()
    with db.write() as conn:
        factor_store.set_recovery_codes(conn, user_id, hashes)
        tell(conn, workspace, "account.recovery_codes_made", who=user_id, about=user_id, now=now)
    return codes


def remove(db: Database, *, user_id: str, factor_id: str, wanted: bool, workspace: WorkspaceId, now: int) -> None:
    """Take a factor away. Raises NotFound, and Conflict for the last one where one is `wanted` of this person."""
    with db.write() as conn:
        mine = factor_store.factors_of(conn, user_id)
        if wanted:
            keep_one(mine, factor_id)
        if not factor_store.remove_factor(conn, user_id=user_id, factor_id=factor_id):
            raise NotFound("this is not among your second factors", hint="it may have been removed already")
        if len(mine) == 1:
            factor_store.set_recovery_codes(conn, user_id, [])
        tell(conn, workspace, "account.factor_removed", who=user_id, about=user_id, now=now)


def keep_one(mine: list[Factor], factor_id: str) -> None:
    """Raises Conflict where nothing would be left."""
    if [one.id for one in mine] == [factor_id]:
        raise Conflict("your shop wants a second factor of you, and this is the only one", hint="add another one first")


def room_for_one(mine: list[Factor]) -> None:
    """Raises Conflict where somebody has as many factors as they may."""
    if len(mine) >= MOST_FACTORS:
        raise Conflict(f"you have {len(mine)} second factors, which is the most", hint="remove one you do not use")


def _use(conn: Connection, user_id: str, code: str, *, now: int) -> bool:
    """Whether this code is right and was not used before; used from now on."""
    typed = "".join(code.split()).replace("-", "").lower()
    if len(typed) != 6 or not typed.isdigit():
        return factor_store.take_recovery_code(conn, user_id, store.digest_of(typed))
    for factor in factor_store.factors_of(conn, user_id):
        if factor.kind == "app" and (step := _step_of(factor_store.secret_of(factor), typed, now=now)) is not None:
            return factor_store.use_factor(conn, factor.id, counter=step, now=now)
    return False


def _step_of(secret: bytes, code: str, *, now: int) -> int | None:
    """The time step at which an app shows this code, around now."""
    typed = "".join(code.split())
    if len(typed) != 6 or not typed.isdigit() or not typed.isascii():
        return None
    step = now // SECOND // STEP
    shown = pyotp.TOTP(secret.decode(), interval=STEP)
    near = range(step - DRIFT, step + DRIFT + 1)
    return next((one for one in near if secrets.compare_digest(shown.generate_otp(one), typed)), None)


def _fresh_codes() -> tuple[list[str], list[bytes]]:
    """Codes of 80 random bits, as shown and as kept."""
    plain = [secrets.token_hex(10) for _ in range(RECOVERY_CODES)]
    shown = ["-".join(one[at : at + 5] for at in range(0, 20, 5)) for one in plain]
    return shown, [store.digest_of(one) for one in plain]

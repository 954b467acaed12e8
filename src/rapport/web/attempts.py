"""Failed sign-ins: who must wait. Nobody can keep an owner out by failing in their name.

An attempt counts for the account as seen from its address, for the address, and for the account from anywhere, whose
bound is ten times as high. A browser in which the person has signed in before carries a token that proves it: what
it tries counts for itself alone, so that it is let in whatever others try.

**Source**: OWASP, Authentication Cheat Sheet and "Slow Down Online Guessing Attacks with Device Cookies".
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, Table, Text

from rapport.kernel.clock import DAY, HOUR, SECOND
from rapport.kernel.errors import RateLimited
from rapport.storage.bulk import insert_ignore, upsert
from rapport.storage.engine import Database, metadata
from rapport.web.limiter import networks_of
from rapport.web.store import digest_of

__all__ = ["Attempt", "begin", "forget_devices", "known_devices", "remember_device", "sign_in_attempts", "succeeded"]

TRIES = 5
"""Of one account from one address, or from a browser it is known in; then the wait doubles with each."""
ADDRESS_TRIES = 20
ACCOUNT_TRIES = 50
MAX_WAIT = 300 * SECOND
FORGET_AFTER = 1 * HOUR

DEVICE_FOR = 365 * DAY
"""A browser that was not used for so long is a stranger again."""

sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("subject", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Index("sign_in_attempts_age", "last_at"),
)

known_devices = Table(
    "known_devices",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Index("known_devices_user", "user_id"),
)


class Attempt(NamedTuple):
    """An attempt that was counted: subject → tries before the wait."""

    subjects: Mapping[bytes, int]
    address: bytes | None


def begin(
    db: Database, who: str, *, user_id: str | None, address: str, device: str, now: int, what: str = "password"
) -> Attempt:
    """Count an attempt at an account before it is checked, so that many at once are counted, too.

    `who` is the e-mail, whether or not somebody has it; `device` the token of the browser, empty where it has none.
    Raises RateLimited, alike for accounts that are and those that are not.
    """
    place = networks_of(address)[0][0]
    _forget_old(db, now)
    with db.write() as conn:
        if user_id is not None and device and _knows(conn, user_id, device):
            attempt = Attempt({_subject(what, "device", user_id, device): TRIES}, None)
        else:
            here = _subject(what, "address", place)
            both, anywhere = _subject(what, "both", who, place), _subject(what, "account", who)
            attempt = Attempt({both: TRIES, here: ADDRESS_TRIES, anywhere: ACCOUNT_TRIES}, here)
        subjects = sorted(attempt.subjects)
        _take_turns(conn, subjects, now)
        _refuse_while_throttled(conn, attempt.subjects, now=now)
        upsert(
            conn,
            sign_in_attempts,
            [{"subject": subject, "failures": 1, "last_at": now} for subject in subjects],
            key=("subject",),
            update={"failures": "sign_in_attempts.failures + 1", "last_at": "excluded.last_at"},
        )
    return attempt


def succeeded(conn: Connection, attempt: Attempt) -> None:
    """It was no failure: the account's are forgotten, and the address's one is taken back."""
    column = sign_in_attempts.c
    conn.execute(
        sign_in_attempts.delete().where(column.subject.in_([s for s in attempt.subjects if s != attempt.address]))
    )
    if attempt.address is not None:
        again = sign_in_attempts.update().where(column.subject == attempt.address)
        conn.execute(again.values(failures=column.failures - 1))


def remember_device(conn: Connection, user_id: str, device: str, *, now: int) -> str:
    """Know this browser next time; returns its token, a new one where it had none of this person."""
    if device and _knows(conn, user_id, device):
        mine = known_devices.update().where(known_devices.c.token_hash == digest_of(device))
        conn.execute(mine.values(seen_at=now))
        return device
    token = secrets.token_urlsafe(32)
    conn.execute(known_devices.delete().where(known_devices.c.seen_at < now - DEVICE_FOR))
    conn.execute(known_devices.insert().values(token_hash=digest_of(token), user_id=user_id, seen_at=now))
    return token


def forget_devices(conn: Connection, user_id: str) -> None:
    """Know none of this person's browsers any more."""
    conn.execute(known_devices.delete().where(known_devices.c.user_id == user_id))


def _knows(conn: Connection, user_id: str, device: str) -> bool:
    column = known_devices.c
    query = sa.select(column.user_id).where(column.token_hash == digest_of(device), column.user_id == user_id)
    return conn.execute(query).first() is not None


def _forget_old(db: Database, now: int) -> None:
    """Forget what was long ago, and what a clock that is right again dated in the future. Whose turn it is, is left."""
    a = sign_in_attempts.c
    with db.write() as conn:
        old = sa.select(a.subject).where((a.last_at < now - FORGET_AFTER) | (a.last_at > now + MAX_WAIT))
        conn.execute(sign_in_attempts.delete().where(a.subject.in_(old.with_for_update(skip_locked=True))))


def _take_turns(conn: Connection, subjects: Sequence[bytes], now: int) -> None:
    """Wait for whoever tries the same at this moment, so that each sees what those before have tried."""
    insert_ignore(
        conn, sign_in_attempts, [{"subject": one, "failures": 0, "last_at": now} for one in subjects], key=("subject",)
    )
    a = sign_in_attempts.c
    conn.execute(sa.select(a.subject).where(a.subject.in_(subjects)).order_by(a.subject).with_for_update()).all()


def _refuse_while_throttled(conn: Connection, subjects: Mapping[bytes, int], *, now: int) -> None:
    rows = conn.execute(sa.select(sign_in_attempts).where(sign_in_attempts.c.subject.in_(list(subjects))))
    # Another server's clock may be ahead: nobody waits for longer than what they tried is worth.
    waits = [(min(row.last_at, now), _wait(row.failures - subjects[row.subject])) for row in rows]
    until = max((last_at + wait for last_at, wait in waits if wait), default=now)
    if until > now:
        seconds = -(-(until - now) // SECOND)
        raise RateLimited(
            f"too many attempts; try again in {seconds} s",
            retry_after_seconds=float(seconds),
            hint="the wait doubles with each failure, up to five minutes; a browser you have signed in with before,"
            " or a link to choose a new password, lets you in at once",
        )


def _wait(beyond: int) -> int:
    return 0 if beyond < 0 else min(MAX_WAIT, SECOND << min(beyond, 20))


def _subject(*parts: str) -> bytes:
    return hashlib.blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()

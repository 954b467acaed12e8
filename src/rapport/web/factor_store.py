"""Tables and queries of second factors: authenticator apps, passkeys, recovery codes, and sign-ins half done."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, Table, Text

from rapport.storage.engine import metadata
from rapport.storage.resealing import SecretPlace
from rapport.storage.sealing import opened, sealed

__all__ = ["Challenge", "Factor", "challenges", "recovery_codes", "second_factors"]

second_factors = Table(
    "second_factors",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("credential", LargeBinary, unique=True),
    Column("counter", BigInteger, nullable=False),
    Column("confirmed_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Index("second_factors_user", "user_id"),
)
"""`secret` is the key of an app, or a passkey's public key; `counter` the last time step used, or the sign count."""

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("code_hash", LargeBinary, primary_key=True),
)

challenges = Table(
    "sign_in_challenges",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("user_id", Text),
    Column("challenge", LargeBinary, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("sign_in_challenges_expiry", "expires_at"),
)
"""A password that was right, a passkey that is asked, a link to a new password: each works once, for minutes."""

ChallengeKind = Literal["second", "passkey", "new_passkey", "reset", "provider"]


class Factor(msgspec.Struct, frozen=True, kw_only=True):
    """Something beside the password by which somebody signs in."""

    id: str
    user_id: str
    kind: Literal["app", "passkey"]
    name: str
    secret: bytes
    """As it is kept: an app's may be sealed (`secret_of`)."""
    credential: bytes | None
    counter: int
    confirmed_at: int | None
    created_at: int
    used_at: int | None


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in, or another step that needs proof, half done."""

    token_hash: bytes
    kind: ChallengeKind
    user_id: str | None
    challenge: bytes
    tries: int
    expires_at: int


APP_SECRETS = SecretPlace(second_factors, "secret", lambda row: str(row["id"]), only={"kind": "app"})
"""A passkey's is a public key."""


def factors_of(conn: Connection, user_id: str) -> list[Factor]:
    """A person's factors that count, oldest first."""
    column = second_factors.c
    query = sa.select(second_factors).where(column.user_id == user_id, column.confirmed_at.is_not(None))
    return [_factor(row) for row in conn.execute(query.order_by(column.created_at, column.id))]


def factor(conn: Connection, *, user_id: str, factor_id: str) -> Factor | None:
    """One of a person's factors, confirmed or not."""
    column = second_factors.c
    row = conn.execute(sa.select(second_factors).where(column.user_id == user_id, column.id == factor_id)).first()
    return None if row is None else _factor(row)


def factor_of_credential(conn: Connection, credential: bytes) -> Factor | None:
    """The passkey of this credential id."""
    row = conn.execute(sa.select(second_factors).where(second_factors.c.credential == credential)).first()
    return None if row is None else _factor(row)


def add_factor(conn: Connection, new: Factor) -> None:
    """Insert a factor; what of its kind and person was begun and never confirmed goes."""
    column = second_factors.c
    begun = (column.user_id == new.user_id, column.kind == new.kind, column.confirmed_at.is_(None))
    conn.execute(second_factors.delete().where(*begun))
    values = msgspec.structs.asdict(new)
    if new.kind == "app":
        values["secret"] = sealed(new.secret, about=new.id)
    conn.execute(second_factors.insert().values(**values))


def secret_of(app: Factor) -> bytes:
    """The key of an app, by which it shows codes. Raises Misconfigured where it lies sealed and nothing opens it."""
    return opened(app.secret, about=app.id)


def use_factor(conn: Connection, factor_id: str, *, counter: int, now: int) -> bool:
    """Move a factor's counter on; False where it stands there already: what was shown was shown before."""
    column = second_factors.c
    mine = second_factors.update().where(column.id == factor_id, column.counter < counter)
    return conn.execute(mine.values(counter=counter, used_at=now)).rowcount == 1


def touch_factor(conn: Connection, factor_id: str, *, now: int) -> None:
    """Note that a factor without a counter was used."""
    conn.execute(second_factors.update().where(second_factors.c.id == factor_id).values(used_at=now))


def confirm_factor(conn: Connection, factor_id: str, *, counter: int, now: int) -> bool:
    """Let a factor count from now on; False where it does already."""
    column = second_factors.c
    mine = second_factors.update().where(column.id == factor_id, column.confirmed_at.is_(None))
    return conn.execute(mine.values(confirmed_at=now, counter=counter)).rowcount == 1


def remove_factor(conn: Connection, *, user_id: str, factor_id: str) -> bool:
    """Delete a factor; False where there is none."""
    column = second_factors.c
    return conn.execute(second_factors.delete().where(column.user_id == user_id, column.id == factor_id)).rowcount == 1


def remove_factors(conn: Connection, user_id: str) -> None:
    """Delete all factors and recovery codes of a person."""
    conn.execute(second_factors.delete().where(second_factors.c.user_id == user_id))
    conn.execute(recovery_codes.delete().where(recovery_codes.c.user_id == user_id))


def set_recovery_codes(conn: Connection, user_id: str, hashes: list[bytes]) -> None:
    """Replace a person's recovery codes."""
    conn.execute(recovery_codes.delete().where(recovery_codes.c.user_id == user_id))
    if hashes:
        conn.execute(recovery_codes.insert(), [{"user_id": user_id, "code_hash": one} for one in hashes])


def take_recovery_code(conn: Connection, user_id: str, code_hash: bytes) -> bool:
    """Use a recovery code up; False where it is none, or was used by somebody quicker."""
    column = recovery_codes.c
    mine = recovery_codes.delete().where(column.user_id == user_id, column.code_hash == code_hash)
    return conn.execute(mine).rowcount == 1


def recovery_codes_left(conn: Connection, user_id: str) -> int:
    """How many recovery codes somebody has."""
    query = sa.select(sa.func.count()).where(recovery_codes.c.user_id == user_id)
    return int(conn.execute(query).scalar_one())


def add_challenge(conn: Connection, new: Challenge, *, now: int) -> None:
    """Insert a challenge; those that have run out go."""
    conn.execute(challenges.delete().where(challenges.c.expires_at <= now))
    conn.execute(challenges.insert().values(**msgspec.structs.asdict(new)))


def challenge_of(conn: Connection, token_hash: bytes, kind: ChallengeKind, *, now: int) -> Challenge | None:
    """The challenge of a token, where it has not run out."""
    column = challenges.c
    here = (column.token_hash == token_hash, column.kind == kind, column.expires_at > now)
    row = conn.execute(sa.select(challenges).where(*here)).first()
    return None if row is None else Challenge(**row._mapping)


def count_try(conn: Connection, token_hash: bytes, *, at_most: int) -> bool:
    """Count an answer to a challenge; False where it had as many as it may."""
    column = challenges.c
    mine = challenges.update().where(column.token_hash == token_hash, column.tries < at_most)
    return conn.execute(mine.values(tries=column.tries + 1)).rowcount == 1


def take_challenge(conn: Connection, token_hash: bytes) -> bool:
    """Use a challenge up; False where somebody was quicker."""
    return conn.execute(challenges.delete().where(challenges.c.token_hash == token_hash)).rowcount == 1


def forget_challenges(conn: Connection, user_id: str) -> None:
    """Make every half-done sign-in and open link of a person useless."""
    conn.execute(challenges.delete().where(challenges.c.user_id == user_id))


def has_factor(user_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """As part of a query: whether this person has a factor that counts."""
    column = second_factors.c
    return sa.exists().where(column.user_id == user_id, column.confirmed_at.is_not(None))


def _factor(row: sa.Row[Any]) -> Factor:
    return Factor(**row._mapping)

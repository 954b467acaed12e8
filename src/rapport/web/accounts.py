"""The use cases of accounts: sign in, join, invite, change passwords and roles, make and revoke API keys.

Argon2 runs outside transactions, so a sign-in never holds up the writers of facts.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
import unicodedata
from collections.abc import Collection
from typing import NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection

from rapport.kernel.clock import DAY, HOUR, SECOND
from rapport.kernel.errors import Conflict, InvalidInput, NotFound, RateLimited, Unauthenticated
from rapport.kernel.identifiers import email_identifier
from rapport.kernel.ids import WorkspaceId, new_id, new_secret
from rapport.storage.audit.entries import append as tell
from rapport.storage.engine import Database
from rapport.web import api_keys, store
from rapport.web.api_keys import ApiKey
from rapport.web.permissions import ROLE_NAMES, Permissions
from rapport.web.store import Invitation, User

__all__ = [
    "SignedIn",
    "accept_invitation",
    "change_password",
    "change_role",
    "create_api_key",
    "create_user",
    "give_role",
    "has_anybody",
    "invite",
    "open_invitation",
    "remove_member",
    "revoke_api_key",
    "set_up_token",
    "sign_in",
    "sign_out",
    "start_session",
]

_PURPOSE = re.compile(r"[a-z][a-z0-9_]{0,39}")

MIN_PASSWORD = 10
MAX_PASSWORD = 200

ACCOUNT_TRIES = 5
ADDRESS_TRIES = 20
MAX_WAIT = 300 * SECOND
FORGET_AFTER = 1 * HOUR

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""Argon2id with 19 MiB and two passes. Source: OWASP Password Storage Cheat Sheet, second configuration."""

_hashing = threading.BoundedSemaphore(4)
"""At most this many hashes at once, so a flood of sign-ins cannot take the memory."""

_nobody = _hasher.hash(secrets.token_urlsafe(16))


class SignedIn(NamedTuple):
    """The secrets of a fresh session: `token` goes into the cookie and is stored nowhere."""

    token: str
    user_id: str
    workspace: WorkspaceId


def create_user(
    db: Database, *, email: str, password: str, name: str, workspace: WorkspaceId, role: str, now: int
) -> User:
    """Add a person with a password to a workspace. Raises Conflict where the e-mail has an account."""
    user = User(
        id=new_id("usr"),
        email=_email(email),
        name=_name(name, email),
        password_hash=_hash(_acceptable(password, email=email)),
        created_at=now,
    )
    with db.write() as conn:
        if store.user_by_email(conn, user.email) is not None:
            raise Conflict(f"{user.email} has an account", hint="sign in, or invite this person to the workspace")
        store.add_user(conn, user)
        store.add_membership(conn, workspace=workspace, user_id=user.id, role=_role(role), now=now)
        tell(conn, workspace, "account.made", about=user.id, details={"role": role}, now=now)
        store.forget_setup_links(conn)
    return user


def set_up_token(db: Database, *, workspace: WorkspaceId, now: int) -> str | None:
    """A new one-time token for the first account, or None where somebody has an account. Older ones stop working."""
    token = new_secret("setup")
    with db.write() as conn:
        if store.any_user(conn):
            return None
        store.forget_setup_links(conn)
        store.add_invitation(conn, _invitation(token, workspace=workspace, email=None, role="owner", now=now))
    return token


def has_anybody(db: Database) -> bool:
    """Whether somebody has an account."""
    with db.read() as conn:
        return store.any_user(conn)


def invite(db: Database, *, workspace: WorkspaceId, email: str, role: str, now: int) -> str:
    """A one-time token with which this person can join the workspace for seven days."""
    token = new_secret("join")
    invitation = _invitation(token, workspace=workspace, email=_email(email), role=_role(role), now=now)
    with db.write() as conn:
        if any(member.email == invitation.email for member in store.members(conn, workspace)):
            raise Conflict(f"{invitation.email} is a member already", hint="change the role in the list")
        store.add_invitation(conn, invitation)
        tell(conn, workspace, "account.invited", details={"email": invitation.email, "role": role}, now=now)
    return token


def open_invitation(db: Database, token: str, *, now: int) -> Invitation:
    """The invitation behind a link. Raises NotFound where it is used up or too old."""
    with db.read() as conn:
        found = store.live_invitation(conn, store.digest_of(token), now=now)
    if found is None:
        raise NotFound(
            "this link does not work any more", hint="links work once, for a limited time; ask for a new one"
        )
    return found


def accept_invitation(
    db: Database, token: str, *, email: str, name: str, password: str, address: str, browser: str, now: int
) -> SignedIn:
    """Join the workspace of an invitation and sign in. Somebody who has an account gives its password."""
    invitation = open_invitation(db, token, now=now)
    mail = invitation.email or _email(email)
    with db.read() as conn:
        known = store.user_by_email(conn, mail)
    if known is None:
        user = User(
            id=new_id("usr"), email=mail, name=_name(name, mail),
            password_hash=_hash(_acceptable(password, email=mail)), created_at=now,
        )  # fmt: skip
    else:
        user = _authenticate(db, email=mail, password=password, address=address, now=now)
    with db.write() as conn:
        if not store.take_invitation(conn, invitation.token_hash):
            raise NotFound("this link does not work any more", hint="links work once; sign in with your account")
        if known is None:
            store.add_user(conn, user)
        if invitation.email is None:
            store.forget_setup_links(conn)
        store.add_membership(conn, workspace=invitation.workspace, user_id=user.id, role=invitation.role, now=now)
    return start_session(db, user_id=user.id, workspace=invitation.workspace, browser=browser, now=now)


def sign_in(db: Database, *, email: str, password: str, address: str, browser: str, now: int) -> SignedIn:
    """Check the password and start a session.

    Raises Unauthenticated, the same for a wrong password and an unknown account, and RateLimited after several
    failures of the account or the address.
    """
    user = _authenticate(db, email=email, password=password, address=address, now=now)
    with db.read() as conn:
        workspaces = store.workspaces_of(conn, user.id)
    if not workspaces:
        raise Unauthenticated("this account belongs to no workspace any more", hint="ask an owner for an invitation")
    return start_session(db, user_id=user.id, workspace=workspaces[0][0], browser=browser, now=now)


def start_session(db: Database, *, user_id: str, workspace: WorkspaceId, browser: str, now: int) -> SignedIn:
    """Start a session with a fresh token."""
    token = secrets.token_urlsafe(32)
    with db.write() as conn:
        store.end_dead_sessions(conn, now=now)
        store.add_session(
            conn, token_hash=store.digest_of(token), workspace=workspace, user_id=user_id,
            csrf_token=secrets.token_urlsafe(24), browser=browser[:60], now=now,
        )  # fmt: skip
        store.set_signed_in(conn, user_id, now=now)
        tell(conn, workspace, "account.signed_in", who=user_id, now=now)
    return SignedIn(token=token, user_id=user_id, workspace=workspace)


def sign_out(db: Database, token: str) -> None:
    """End the session of this token."""
    with db.write() as conn:
        store.end_session(conn, store.digest_of(token))


def change_password(
    db: Database, *, user_id: str, current: str, new: str, address: str, browser: str, workspace: WorkspaceId, now: int
) -> SignedIn:
    """Set a new password, end every session of the user and start a fresh one. Raises Unauthenticated."""
    with db.read() as conn:
        user = store.user_by_id(conn, user_id)
    if user is None:
        raise NotFound(f"no user {user_id}")
    _authenticate(db, email=user.email, password=current, address=address, now=now)
    password_hash = _hash(_acceptable(new, email=user.email))
    with db.write() as conn:
        store.set_password_hash(conn, user_id, password_hash)
        store.end_sessions_of(conn, user_id)
    return start_session(db, user_id=user_id, workspace=workspace, browser=browser, now=now)


def change_role(
    db: Database, *, workspace: WorkspaceId, user_id: str, role: str, now: int, seen: str | None = None
) -> None:
    """`give_role` in a transaction of its own."""
    with db.write() as conn:
        give_role(conn, workspace=workspace, user_id=user_id, role=role, now=now, seen=seen)


def give_role(
    conn: Connection, *, workspace: WorkspaceId, user_id: str, role: str, now: int, seen: str | None = None
) -> None:
    """Give a member another role than the one that was `seen`.

    Raises NotFound, InvalidInput, and Conflict: where no owner would be left, and where the member has another role
    than the one seen by now.
    """
    everybody = store.members(conn, workspace, for_update=True)
    member = _keep_an_owner(everybody, user_id=user_id, stays=_role(role) == "owner")
    if seen is not None and seen != member.role:
        raise Conflict(
            f"somebody has made {member.email} {member.role} since you looked",
            hint=f"{role} was not saved: choose again if it still should be so",
        )
    store.add_membership(conn, workspace=workspace, user_id=user_id, role=role, now=now)
    tell(conn, workspace, "role.changed", about=user_id, details={"before": member.role, "after": role}, now=now)


def remove_member(db: Database, *, workspace: WorkspaceId, user_id: str) -> None:
    """Take somebody out of the workspace and sign them out. Raises Conflict where no owner would be left."""
    with db.write() as conn:
        _keep_an_owner(store.members(conn, workspace, for_update=True), user_id=user_id, stays=False)
        store.remove_membership(conn, workspace=workspace, user_id=user_id)
        tell(conn, workspace, "account.removed", about=user_id)


def create_api_key(
    db: Database,
    permissions: Permissions,
    *,
    workspace: WorkspaceId,
    name: str,
    scopes: Collection[str],
    created_by: str,
    now: int,
    purposes: Collection[str] = (),
) -> tuple[ApiKey, str]:
    """A new API key and its secret, which is shown once and stored as a hash.

    `purposes` are what it may use people for; none is all that the shop does itself. Raises InvalidInput.
    """
    unknown = sorted(set(scopes).difference(permissions.for_keys))
    if unknown or not scopes:
        raise InvalidInput(
            f"unknown scopes {', '.join(unknown)}" if unknown else "a key needs at least one scope",
            hint=f"choose from {', '.join(permissions.for_keys)}",
        )
    if strange := [name[:60] for name in purposes if not _PURPOSE.fullmatch(name)]:
        raise InvalidInput(f"the purpose {strange[0]!r} is no name", hint="such as email_marketing")
    secret = new_secret("rk")
    known = tuple(scope for scope in permissions.for_keys if scope in scopes)
    key = ApiKey(
        workspace=workspace, id=new_id("key"), name=_label(name), prefix=secret[:9],
        scopes=known, created_at=now, last_used_at=None, revoked_at=None,
        purposes=tuple(dict.fromkeys(purposes)),
    )  # fmt: skip
    with db.write() as conn:
        api_keys.add(conn, key, token_hash=store.digest_of(secret), created_by=created_by)
        said = {"key": key.name, "scopes": list(known), "purposes": list(key.purposes), "by": created_by}
        tell(conn, workspace, "key.made", about=key.id, details=said, now=now)
    return key, secret


def revoke_api_key(db: Database, *, workspace: WorkspaceId, key_id: str, now: int) -> None:
    """Make a key useless at once. Raises NotFound."""
    with db.write() as conn:
        if not api_keys.revoke(conn, workspace=workspace, key_id=key_id, now=now):
            raise NotFound(f"no API key {key_id!r}", hint="it may have been revoked already")
        tell(conn, workspace, "key.revoked", about=key_id, now=now)


def _authenticate(db: Database, *, email: str, password: str, address: str, now: int) -> User:
    """Count the attempt, check the password, forget the attempts. Costs one hash whether or not the account exists."""
    found = email_identifier(email)
    mail = found.value if found else ""
    account, place = _subject("account", mail), _subject("address", address)
    with db.write() as conn:
        _refuse_while_throttled(store.attempts_of(conn, [account, place]), account=account, place=place, now=now)
        store.count_attempt(conn, [account, place], now=now, forget_before=now - FORGET_AFTER)
        user = store.user_by_email(conn, mail)
    right = _verify(password, user.password_hash if user else _nobody)
    if user is None or not right:
        raise Unauthenticated("e-mail or password is wrong", hint="after several failures you have to wait a little")
    stronger = _hash(password) if _hasher.check_needs_rehash(user.password_hash) else None
    with db.write() as conn:
        store.forget_attempts(conn, account)
        store.forgive_attempt(conn, place)
        if stronger is not None:
            store.set_password_hash(conn, user.id, stronger)
    return user


def _refuse_while_throttled(attempts: dict[bytes, tuple[int, int]], *, account: bytes, place: bytes, now: int) -> None:
    for subject, free in ((account, ACCOUNT_TRIES), (place, ADDRESS_TRIES)):
        failures, last_at = attempts.get(subject, (0, 0))
        if failures < free:
            continue
        wait = min(MAX_WAIT, SECOND << min(failures - free, 20))
        left = last_at + wait - now
        if left > 0:
            seconds = -(-left // SECOND)
            raise RateLimited(
                f"too many attempts; try again in {seconds} s",
                retry_after_seconds=float(seconds),
                hint="the wait doubles with each failure, up to five minutes",
            )


def _subject(kind: str, value: str) -> bytes:
    return hashlib.blake2b(f"{kind}\x1f{value}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _hash(password: str) -> str:
    with _hashing:
        return _hasher.hash(_normal(password))


def _verify(password: str, password_hash: str) -> bool:
    with _hashing:
        try:
            return _hasher.verify(password_hash, _normal(password[:MAX_PASSWORD]))
        except (VerificationError, InvalidHashError):
            return False


def _normal(password: str) -> bytes:
    """The same bytes for the same characters, however the keyboard composed them. Source: NIST SP 800-63B 5.1.1.2."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _acceptable(password: str, *, email: str) -> str:
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise InvalidInput(
            f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters, this one has {len(password)}",
            hint="four unrelated words make a good one",
        )
    local = email.partition("@")[0].lower()
    if len(set(password)) < 5 or password.lower() in {email.lower(), local}:
        raise InvalidInput("this password is too easy to guess", hint="four unrelated words make a good one")
    return password


def _email(text: str) -> str:
    found = email_identifier(text)
    if found is None:
        raise InvalidInput(f"{text[:80]!r} is no e-mail address", hint="it looks like ada@example.com")
    return found.value


def _name(name: str, email: str) -> str:
    return name.strip()[:80] or email.partition("@")[0][:80]


def _label(name: str) -> str:
    text = name.strip()[:80]
    if not text:
        raise InvalidInput("a key needs a name", hint="name the program that will use it")
    return text


def _role(role: str) -> str:
    if role not in ROLE_NAMES:
        raise InvalidInput(f"unknown role {role[:40]!r}", hint=f"choose from {', '.join(ROLE_NAMES)}")
    return role


def _invitation(token: str, *, workspace: WorkspaceId, email: str | None, role: str, now: int) -> Invitation:
    return Invitation(
        token_hash=store.digest_of(token), workspace=workspace, id=new_id("inv"), email=email, role=role,
        created_at=now, expires_at=now + (7 * DAY if email else 1 * DAY),
    )  # fmt: skip


def _keep_an_owner(everybody: list[store.TeamMember], *, user_id: str, stays: bool) -> store.TeamMember:
    """The member, who may be changed so. Raises NotFound, Conflict."""
    member = next((m for m in everybody if m.user_id == user_id), None)
    if member is None:
        raise NotFound(f"no member {user_id[:60]!r} in this workspace")
    owners = [m for m in everybody if m.role == "owner"]
    if member.role == "owner" and not stays and len(owners) == 1:
        raise Conflict(f"{member.email} is the only owner", hint="make somebody else an owner first")
    return member

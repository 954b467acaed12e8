"""The use cases of accounts: sign in, change passwords and roles, make and revoke API keys.

Argon2 runs outside transactions, so a sign-in never holds up the writers of facts.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection

from rapport.kernel.clock import MINUTE
from rapport.kernel.errors import Conflict, InvalidInput, NotFound, Unauthenticated
from rapport.kernel.identifiers import email_identifier
from rapport.kernel.ids import WorkspaceId, new_id, new_secret
from rapport.storage.audit.entries import append as tell
from rapport.storage.engine import Database
from rapport.web import api_keys, attempts, factor_store, passwords, store
from rapport.web.api_keys import ApiKey
from rapport.web.factor_store import Challenge
from rapport.web.key_changes import checked_end, checked_networks
from rapport.web.permissions import ROLE_NAMES, Permissions
from rapport.web.sign_in_settings import May, anybody
from rapport.web.store import User

__all__ = [
    "HalfSignedIn",
    "SignedIn",
    "authenticate",
    "change_password",
    "change_role",
    "create_api_key",
    "create_user",
    "email_of",
    "enter",
    "first_workspace",
    "give_role",
    "has_anybody",
    "name_of",
    "new_password",
    "prove",
    "remove_member",
    "revoke_api_key",
    "role_of",
    "sign_in",
    "sign_out",
    "start_session",
]

_PURPOSE = re.compile(r"[a-z][a-z0-9_]{0,39}")

HALF_DONE = 10 * MINUTE
"""How long the second factor may take after the password."""


class SignedIn(NamedTuple):
    """The secrets of a fresh session: `token` and `device` go into cookies and are stored nowhere."""

    token: str
    user_id: str
    workspace: WorkspaceId
    device: str
    """By which this browser is known from now on."""


class HalfSignedIn(NamedTuple):
    """The password was right, and a second factor is asked: `token` proves the first half for ten minutes."""

    token: str
    user_id: str


def create_user(
    db: Database, *, email: str, password: str, name: str, workspace: WorkspaceId, role: str, now: int
) -> User:
    """Add a person with a password to a workspace. Raises Conflict where the e-mail has an account."""
    user = User(
        id=new_id("usr"), email=email_of(email), name=name_of(name, email),
        password_hash=new_password(password, email=email, name=name), created_at=now,
    )  # fmt: skip
    with db.write() as conn:
        if store.user_by_email(conn, user.email) is not None:
            raise Conflict(f"{user.email} has an account", hint="sign in, or invite this person to the workspace")
        store.add_user(conn, user)
        store.add_membership(conn, workspace=workspace, user_id=user.id, role=role_of(role), now=now)
        tell(conn, workspace, "account.made", about=user.id, details={"role": role}, now=now)
        store.forget_setup_links(conn)
    return user


def has_anybody(db: Database) -> bool:
    """Whether somebody has an account."""
    with db.read() as conn:
        return store.any_user(conn)


def sign_in(
    db: Database,
    *,
    email: str,
    password: str,
    address: str,
    browser: str,
    now: int,
    device: str = "",
    may: May = anybody,
) -> SignedIn | HalfSignedIn:
    """Check the password, and start a session where the person has no second factor.

    Raises Unauthenticated, the same for a wrong password and an unknown account, RateLimited after several
    failures (`attempts`), and what `may` raises once the password was right.
    """
    user = authenticate(db, email=email, password=password, address=address, device=device, now=now)
    may(user.id)
    return enter(db, user.id, workspace=first_workspace(db, user.id), browser=browser, device=device, now=now)


def first_workspace(db: Database, user_id: str) -> WorkspaceId:
    """Where somebody lands. Raises Unauthenticated where the account belongs to no shop any more."""
    with db.read() as conn:
        workspaces = store.workspaces_of(conn, user_id)
    if not workspaces:
        raise Unauthenticated("this account belongs to no workspace any more", hint="ask an owner for an invitation")
    return workspaces[0][0]


def enter(
    db: Database, user_id: str, *, workspace: WorkspaceId, browser: str, device: str, now: int, provider: str = ""
) -> SignedIn | HalfSignedIn:
    """What a right password, or a provider's word, is worth: a session, or half of one where the person has a second
    factor.
    """
    with db.read() as conn:
        wanted = bool(factor_store.factors_of(conn, user_id))
    if not wanted:
        return start_session(
            db, user_id=user_id, workspace=workspace, browser=browser, device=device, now=now, provider=provider
        )  # fmt: skip
    token = new_secret("half")
    half = Challenge(
        token_hash=store.digest_of(token), kind="second", user_id=user_id, challenge=str(workspace).encode(), tries=0,
        expires_at=now + HALF_DONE,
    )  # fmt: skip
    with db.write() as conn:
        factor_store.add_challenge(conn, half, now=now)
    return HalfSignedIn(token, user_id)


def start_session(
    db: Database, *, user_id: str, workspace: WorkspaceId, browser: str, now: int, device: str = "", provider: str = ""
) -> SignedIn:
    """Start a session with a fresh token; `provider` is by whose word."""
    token = secrets.token_urlsafe(32)
    with db.write() as conn:
        device = attempts.remember_device(conn, user_id, device, now=now)
        store.end_dead_sessions(conn, now=now)
        store.add_session(
            conn, token_hash=store.digest_of(token), workspace=workspace, user_id=user_id,
            csrf_token=secrets.token_urlsafe(24), browser=browser[:60], now=now, provider=provider[:80],
        )  # fmt: skip
        store.set_signed_in(conn, user_id, now=now)
        by = {"provider": provider} if provider else None
        tell(conn, workspace, "account.signed_in", who=user_id, details=by, now=now)
    return SignedIn(token=token, user_id=user_id, workspace=workspace, device=device)


def sign_out(db: Database, token: str) -> None:
    """End the session of this token."""
    with db.write() as conn:
        store.end_session(conn, store.digest_of(token))


def change_password(
    db: Database,
    *,
    user_id: str,
    current: str,
    new: str,
    address: str,
    browser: str,
    workspace: WorkspaceId,
    now: int,
    device: str = "",
) -> SignedIn:
    """Set a new password, end every session of the user and start a fresh one. Raises Unauthenticated."""
    user = prove(db, user_id, password=current, address=address, device=device, now=now)
    password_hash = new_password(new, email=user.email, name=user.name)
    with db.write() as conn:
        store.set_password_hash(conn, user_id, password_hash)
        store.end_sessions_of(conn, user_id)
        attempts.forget_devices(conn, user_id)
        factor_store.forget_challenges(conn, user_id)
        tell(conn, workspace, "account.password_changed", who=user_id, about=user_id, now=now)
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
    member = _keep_an_owner(everybody, user_id=user_id, stays=role_of(role) == "owner")
    if seen is not None and seen != member.role:
        raise Conflict(
            f"somebody has made {member.email} {member.role} since you looked",
            hint=f"{role} was not saved: choose again if it still should be so",
        )
    store.add_membership(conn, workspace=workspace, user_id=user_id, role=role, now=now)
    tell(conn, workspace, "role.changed", about=user_id, details={"before": member.role, "after": role}, now=now)


def remove_member(db: Database, *, workspace: WorkspaceId, user_id: str) -> None:
    """Take somebody out of the workspace and sign them out; no invitation that is open brings them back.

    Raises Conflict where no owner would be left.
    """
    with db.write() as conn:
        member = _keep_an_owner(store.members(conn, workspace, for_update=True), user_id=user_id, stays=False)
        store.forget_invitations(conn, workspace=workspace, email=member.email)
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
    expires_at: int | None = None,
    networks: Collection[str] = (),
) -> tuple[ApiKey, str]:
    """A new API key and its secret, which is shown once and stored as a hash.

    `purposes` are what it may use people for; none is all that the shop does itself. It ends at `expires_at`, and is
    good from `networks` alone (`key_changes`). Raises InvalidInput.
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
        purposes=tuple(dict.fromkeys(purposes)), expires_at=checked_end(expires_at, now=now),
        networks=tuple(checked_networks(networks)),
    )  # fmt: skip
    said = {
        "key": key.name, "scopes": list(known), "purposes": list(key.purposes), "by": created_by,
        "expires_at": key.expires_at, "networks": list(key.networks),
    }  # fmt: skip
    with db.write() as conn:
        api_keys.add(conn, key, token_hash=store.digest_of(secret), created_by=created_by)
        tell(conn, workspace, "key.made", about=key.id, details=said, now=now)
    return key, secret


def revoke_api_key(db: Database, *, workspace: WorkspaceId, key_id: str, now: int) -> None:
    """Make a key useless at once. Raises NotFound."""
    with db.write() as conn:
        if not api_keys.revoke(conn, workspace=workspace, key_id=key_id, now=now):
            raise NotFound(f"no API key {key_id!r}", hint="it may have been revoked already")
        tell(conn, workspace, "key.revoked", about=key_id, now=now)


def authenticate(db: Database, *, email: str, password: str, address: str, device: str, now: int) -> User:
    """Count the attempt, check the password, forget the attempt. Costs one hash whether or not the account exists.

    Raises as `sign_in`.
    """
    found = email_identifier(email)
    mail = found.value if found else ""
    with db.read() as conn:
        user = store.user_by_email(conn, mail)
    attempt = attempts.begin(db, mail, user_id=user.id if user else None, address=address, device=device, now=now)
    kept = user.password_hash if user else ""  # of whoever signs in by a provider alone there is none
    right = passwords.matches(password, kept or passwords.nobodys())
    if user is None or not kept or not right:
        raise Unauthenticated("e-mail or password is wrong", hint="after several failures you have to wait a little")
    stronger = passwords.hashed(password) if passwords.outdated(user.password_hash) else None
    with db.write() as conn:
        attempts.succeeded(conn, attempt)
        if stronger is not None:
            store.set_password_hash(conn, user.id, stronger)
    return user


def prove(db: Database, user_id: str, *, password: str, address: str, device: str, now: int) -> User:
    """Ask somebody who is signed in for the password again. Raises Unauthenticated, RateLimited."""
    with db.read() as conn:
        user = store.user_by_id(conn, user_id)
    if user is None:
        raise NotFound(f"no user {user_id}")
    return authenticate(db, email=user.email, password=password, address=address, device=device, now=now)


def new_password(password: str, *, email: str, name: str = "") -> str:
    """What is kept of a new password. Raises InvalidInput for one that is too easy to guess."""
    known = [email, *email.replace("@", ".").split("."), *name.split()]
    return passwords.hashed(passwords.acceptable(password, known=known))


def email_of(text: str) -> str:
    """The address as it is kept. Raises InvalidInput for what is none."""
    found = email_identifier(text)
    if found is None:
        raise InvalidInput(f"{text[:80]!r} is no e-mail address", hint="it looks like ada@example.com")
    return found.value


def name_of(name: str, email: str) -> str:
    """What somebody is called: by their address where they say nothing."""
    return name.strip()[:80] or email.partition("@")[0][:80]


def _label(name: str) -> str:
    text = name.strip()[:80]
    if not text:
        raise InvalidInput("a key needs a name", hint="name the program that will use it")
    return text


def role_of(role: str) -> str:
    """The role; raises InvalidInput for one there is not."""
    if role not in ROLE_NAMES:
        raise InvalidInput(f"unknown role {role[:40]!r}", hint=f"choose from {', '.join(ROLE_NAMES)}")
    return role


def _keep_an_owner(everybody: list[store.TeamMember], *, user_id: str, stays: bool) -> store.TeamMember:
    """The member, who may be changed so. Raises NotFound, Conflict."""
    member = next((m for m in everybody if m.user_id == user_id), None)
    if member is None:
        raise NotFound(f"no member {user_id[:60]!r} in this workspace")
    owners = [m for m in everybody if m.role == "owner"]
    if member.role == "owner" and not stays and len(owners) == 1:
        raise Conflict(f"{member.email} is the only owner", hint="make somebody else an owner first")
    return member

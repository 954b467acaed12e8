"""Tables and queries of the people who sign in to the console: users, memberships, sessions, invitations.

Secrets (session tokens, invitation tokens, API keys) are stored as SHA-256 only; passwords as Argon2id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, Table, Text

from rapport.kernel.clock import DAY, HOUR, MINUTE
from rapport.kernel.ids import WorkspaceId
from rapport.storage.bulk import upsert
from rapport.storage.engine import metadata
from rapport.storage.workspaces import locale_in, workspaces
from rapport.web.factor_store import has_factor

__all__ = ["Invitation", "Session", "TeamMember", "User", "digest_of"]

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_sign_in_at", BigInteger),
    Column("language", Text, nullable=False, server_default=""),
)

memberships = Table(
    "memberships",
    metadata,
    Column("workspace", Integer, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index("memberships_user", "user_id"),
)

sessions = Table(
    "console_sessions",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("workspace", Integer, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("csrf_token", Text, nullable=False),
    Column("browser", Text, nullable=False),
    Column("provider", Text, nullable=False, server_default=""),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Index("console_sessions_user", "user_id"),
)
"""`provider` is the OpenID provider by which somebody came, empty where it was by password or passkey."""

invitations = Table(
    "invitations",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("workspace", Integer, nullable=False),
    Column("id", Text, nullable=False, unique=True),
    Column("email", Text),
    Column("role", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("invitations_workspace", "workspace"),
)

IDLE = 12 * HOUR
"""A session ends after this long without a request."""

ABSOLUTE = 14 * DAY
"""A session ends this long after sign-in, whatever happens."""

_TOUCH_EVERY = 1 * MINUTE


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person who can sign in."""

    id: str
    email: str
    name: str
    password_hash: str
    created_at: int
    last_sign_in_at: int | None = None
    language: str = ""
    """In which they read the console; empty: in the shop's."""


class TeamMember(msgspec.Struct, frozen=True, kw_only=True):
    """A user's place in one workspace."""

    user_id: str
    email: str
    name: str
    role: str
    created_at: int
    last_sign_in_at: int | None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in browser, with the role its user has now."""

    token_hash: bytes
    workspace: WorkspaceId
    workspace_name: str
    user_id: str
    email: str
    name: str
    role: str
    csrf_token: str
    browser: str
    provider: str
    """By which OpenID provider; what that asks of people stands for a second factor of ours."""
    has_factor: bool
    created_at: int
    seen_at: int
    language: str
    """Which the person chose for the console; empty: none."""
    shop_locale: str

    def to_be_touched(self, now: int) -> bool:
        """Whether `seen_at` is so old that it must be written again."""
        return now - self.seen_at >= _TOUCH_EVERY


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """A link with which one person can join; without an e-mail it is the link for the first account."""

    token_hash: bytes
    workspace: WorkspaceId
    id: str
    email: str | None
    role: str
    created_at: int
    expires_at: int


def digest_of(token: str) -> bytes:
    """What is stored of a random token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


# Users and memberships


def user_by_email(conn: Connection, email: str) -> User | None:
    """The user with this e-mail, already in lower case."""
    return _user(conn.execute(sa.select(users).where(users.c.email == email)).first())


def names_of_users(conn: Connection, user_ids: Iterable[str]) -> dict[str, str]:
    """What these accounts are called; who has none any more is missing."""
    query = sa.select(users.c.id, users.c.name).where(users.c.id.in_(sorted(set(user_ids))))
    return dict(conn.execute(query).tuples().all())


def user_by_id(conn: Connection, user_id: str) -> User | None:
    """The user with this id."""
    return _user(conn.execute(sa.select(users).where(users.c.id == user_id)).first())


def any_user(conn: Connection) -> bool:
    """Whether anybody has an account yet."""
    return conn.execute(sa.select(users.c.id).limit(1)).first() is not None


def add_user(conn: Connection, user: User) -> None:
    """Insert a user; a taken e-mail raises IntegrityError."""
    conn.execute(users.insert().values(**msgspec.structs.asdict(user)))


def set_password_hash(conn: Connection, user_id: str, password_hash: str) -> None:
    """Replace a user's password hash."""
    conn.execute(users.update().where(users.c.id == user_id).values(password_hash=password_hash))


def set_language(conn: Connection, user_id: str, language: str) -> None:
    """Note in which language a person reads the console; empty: in the shop's."""
    conn.execute(users.update().where(users.c.id == user_id).values(language=language))


def set_signed_in(conn: Connection, user_id: str, *, now: int) -> None:
    """Note when a user signed in last."""
    conn.execute(users.update().where(users.c.id == user_id).values(last_sign_in_at=now))


def add_membership(conn: Connection, *, workspace: WorkspaceId, user_id: str, role: str, now: int) -> None:
    """Give a user a role in a workspace, or another one than before."""
    upsert(
        conn,
        memberships,
        [{"workspace": workspace, "user_id": user_id, "role": role, "created_at": now}],
        key=("workspace", "user_id"),
        update=("role",),
    )


def remove_membership(conn: Connection, *, workspace: WorkspaceId, user_id: str) -> None:
    """Take a user out of a workspace, and end the sessions there."""
    conn.execute(memberships.delete().where(memberships.c.workspace == workspace, memberships.c.user_id == user_id))
    conn.execute(sessions.delete().where(sessions.c.workspace == workspace, sessions.c.user_id == user_id))


def workspaces_of(conn: Connection, user_id: str) -> list[tuple[WorkspaceId, str]]:
    """Id and name of the workspaces a user belongs to, oldest first."""
    query = (
        sa.select(workspaces.c.id, workspaces.c.name)
        .join(memberships, memberships.c.workspace == workspaces.c.id)
        .where(memberships.c.user_id == user_id)
        .order_by(workspaces.c.id)
    )
    return [(row.id, row.name) for row in conn.execute(query)]


def role_of(conn: Connection, *, workspace: WorkspaceId, user_id: str) -> str | None:
    """A user's role in a workspace; None where they do not belong to it."""
    column = memberships.c
    query = sa.select(column.role).where(column.workspace == workspace, column.user_id == user_id)
    return conn.execute(query).scalar_one_or_none()


def roles_of(conn: Connection, user_id: str) -> set[str]:
    """What a user is, in any workspace."""
    return set(conn.execute(sa.select(memberships.c.role).where(memberships.c.user_id == user_id)).scalars())


def members(conn: Connection, workspace: WorkspaceId, *, for_update: bool = False) -> list[TeamMember]:
    """Everybody in a workspace, longest first; on demand nobody else changes who that is meanwhile."""
    if for_update:  # in one order, and before anything is read: two who wait for each other would see what was
        mine = sa.select(memberships.c.user_id).where(memberships.c.workspace == workspace)
        conn.execute(mine.order_by(memberships.c.user_id).with_for_update()).all()
    query = (
        sa.select(
            users.c.id.label("user_id"), users.c.email, users.c.name, memberships.c.role, memberships.c.created_at,
            users.c.last_sign_in_at,
        )
        .join(users, users.c.id == memberships.c.user_id)
        .where(memberships.c.workspace == workspace)
        .order_by(memberships.c.created_at, users.c.id)
    )  # fmt: skip
    return [TeamMember(**row._mapping) for row in conn.execute(query)]


# Sessions


def add_session(
    conn: Connection,
    *,
    token_hash: bytes,
    workspace: WorkspaceId,
    user_id: str,
    csrf_token: str,
    browser: str,
    now: int,
    provider: str = "",
) -> None:
    """Insert a session."""
    conn.execute(
        sessions.insert().values(
            token_hash=token_hash, workspace=workspace, user_id=user_id, csrf_token=csrf_token, browser=browser,
            provider=provider, created_at=now, seen_at=now,
        )
    )  # fmt: skip


def live_session(conn: Connection, token_hash: bytes, *, now: int) -> Session | None:
    """The session of this token where it is neither idle nor too old and its user still belongs to the workspace."""
    query = _session_query().where(
        sessions.c.token_hash == token_hash, sessions.c.seen_at > now - IDLE, sessions.c.created_at > now - ABSOLUTE
    )
    row = conn.execute(query).first()
    return None if row is None else _session(row)


def sessions_of(conn: Connection, user_id: str, *, now: int) -> list[Session]:
    """A user's live sessions, most recently used first."""
    query = _session_query().where(
        sessions.c.user_id == user_id, sessions.c.seen_at > now - IDLE, sessions.c.created_at > now - ABSOLUTE
    )
    return [_session(row) for row in conn.execute(query.order_by(sessions.c.seen_at.desc(), sessions.c.token_hash))]


def touch_session(conn: Connection, token_hash: bytes, *, now: int) -> None:
    """Note that a session was used."""
    conn.execute(sessions.update().where(sessions.c.token_hash == token_hash).values(seen_at=now))


def move_session(conn: Connection, token_hash: bytes, *, workspace: WorkspaceId) -> None:
    """Let a session look at another workspace."""
    conn.execute(sessions.update().where(sessions.c.token_hash == token_hash).values(workspace=workspace))


def end_session(conn: Connection, token_hash: bytes) -> None:
    """Forget a session."""
    conn.execute(sessions.delete().where(sessions.c.token_hash == token_hash))


def end_own_session(conn: Connection, user_id: str, *, token_hash: bytes) -> None:
    """Forget one session of this user."""
    conn.execute(sessions.delete().where(sessions.c.user_id == user_id, sessions.c.token_hash == token_hash))


def end_sessions_of(conn: Connection, user_id: str, *, keep: bytes | None = None) -> None:
    """Forget all sessions of a user, but `keep`."""
    query = sessions.delete().where(sessions.c.user_id == user_id)
    conn.execute(query if keep is None else query.where(sessions.c.token_hash != keep))


def end_dead_sessions(conn: Connection, *, now: int) -> None:
    """Forget the sessions that have run out."""
    conn.execute(
        sessions.delete().where((sessions.c.seen_at <= now - IDLE) | (sessions.c.created_at <= now - ABSOLUTE))
    )


def _session_query() -> sa.Select[Any]:
    return (
        sa.select(
            sessions.c.token_hash, sessions.c.workspace, workspaces.c.name.label("workspace_name"), sessions.c.user_id,
            users.c.email, users.c.name, memberships.c.role, sessions.c.csrf_token, sessions.c.browser,
            sessions.c.provider, has_factor(sessions.c.user_id).label("has_factor"), sessions.c.created_at,
            sessions.c.seen_at, users.c.language, workspaces.c.settings,
        )
        .join(users, users.c.id == sessions.c.user_id)
        .join(workspaces, workspaces.c.id == sessions.c.workspace)
        .join(
            memberships,
            (memberships.c.user_id == sessions.c.user_id) & (memberships.c.workspace == sessions.c.workspace),
        )
    )  # fmt: skip


def _session(row: sa.Row[Any]) -> Session:
    values = dict(row._mapping)
    return Session(shop_locale=locale_in(values.pop("settings")), **values)


# Invitations


def add_invitation(conn: Connection, invitation: Invitation) -> None:
    """Insert an invitation."""
    conn.execute(invitations.insert().values(**msgspec.structs.asdict(invitation)))


def live_invitation(conn: Connection, token_hash: bytes, *, now: int) -> Invitation | None:
    """The invitation of this token where it has not run out."""
    query = sa.select(invitations).where(invitations.c.token_hash == token_hash, invitations.c.expires_at > now)
    row = conn.execute(query).first()
    return None if row is None else Invitation(**row._mapping)


def open_invitations(conn: Connection, workspace: WorkspaceId, *, now: int) -> list[Invitation]:
    """Invitations to people that can still be accepted, oldest first."""
    query = sa.select(invitations).where(
        invitations.c.workspace == workspace, invitations.c.expires_at > now, invitations.c.email.is_not(None)
    )
    return [
        Invitation(**row._mapping) for row in conn.execute(query.order_by(invitations.c.created_at, invitations.c.id))
    ]


def invitations_of(conn: Connection, email: str, *, now: int) -> list[Invitation]:
    """Invitations of this address that can still be accepted, the newest of each workspace first."""
    query = sa.select(invitations).where(invitations.c.email == email, invitations.c.expires_at > now)
    ordered = query.order_by(invitations.c.workspace, invitations.c.created_at.desc(), invitations.c.id)
    return [Invitation(**row._mapping) for row in conn.execute(ordered)]


def take_invitation(conn: Connection, token_hash: bytes) -> bool:
    """Use an invitation up; False where somebody else was quicker."""
    return conn.execute(invitations.delete().where(invitations.c.token_hash == token_hash)).rowcount == 1


def lock_invitations(conn: Connection, email: str | None) -> None:
    """Have nobody else use up this person's invitations (None: links for a first account) until this transaction ends.

    All of them and in one order, before any is taken: who takes one takes the others away, and two would wait for each
    other.
    """
    i = invitations.c
    mine = i.email.is_(None) if email is None else i.email == email
    conn.execute(sa.select(i.token_hash).where(mine).order_by(i.token_hash).with_for_update()).all()


def withdraw_invitation(conn: Connection, *, workspace: WorkspaceId, invitation_id: str) -> bool:
    """Delete an invitation; False where there is none."""
    query = invitations.delete().where(invitations.c.workspace == workspace, invitations.c.id == invitation_id)
    return conn.execute(query).rowcount == 1


def forget_invitations(conn: Connection, *, workspace: WorkspaceId, email: str) -> None:
    """Delete all that this person could still join a workspace with."""
    conn.execute(invitations.delete().where(invitations.c.workspace == workspace, invitations.c.email == email))


def forget_setup_links(conn: Connection) -> None:
    """Delete every link for a first account."""
    conn.execute(invitations.delete().where(invitations.c.email.is_(None)))


def _user(row: sa.Row[Any] | None) -> User | None:
    return None if row is None else User(**row._mapping)

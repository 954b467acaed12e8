"""Invitations: a link for the first account or for somebody new, and joining a workspace by one."""

from __future__ import annotations

from sqlalchemy import Connection

from rapport.kernel.clock import DAY
from rapport.kernel.errors import Conflict, NotFound
from rapport.kernel.ids import WorkspaceId, new_id, new_secret
from rapport.kernel.language import noted
from rapport.storage.audit.entries import append as tell
from rapport.storage.engine import Database
from rapport.web import store
from rapport.web.accounts import (
    HalfSignedIn,
    SignedIn,
    authenticate,
    email_of,
    enter,
    name_of,
    new_password,
    role_of,
)
from rapport.web.sign_in_settings import May, anybody
from rapport.web.store import Invitation, User

__all__ = ["accept_invitation", "invite", "open_invitation", "set_up_token"]


def set_up_token(db: Database, *, workspace: WorkspaceId, now: int) -> str | None:
    """A new one-time token for the first account, or None where somebody has an account. Older ones stop working."""
    token = new_secret("setup")
    with db.write() as conn:
        if store.any_user(conn):
            return None
        store.forget_setup_links(conn)
        store.add_invitation(conn, _invitation(token, workspace=workspace, email=None, role="owner", now=now))
    return token


def invite(db: Database, *, workspace: WorkspaceId, email: str, role: str, now: int) -> str:
    """A one-time token with which this person can join the workspace for seven days."""
    token = new_secret("join")
    invitation = _invitation(token, workspace=workspace, email=email_of(email), role=role_of(role), now=now)
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
            noted("this link does not work any more"),
            hint=noted("links work once, for a limited time; ask for a new one"),
        )
    return found


def accept_invitation(
    db: Database,
    token: str,
    *,
    email: str,
    name: str,
    password: str,
    address: str,
    browser: str,
    now: int,
    device: str = "",
    may: May = anybody,
) -> SignedIn | HalfSignedIn:
    """Join the workspace of an invitation and sign in. Somebody who has an account gives its password.

    Whoever is a member already stays what they are: an old invitation lowers nobody's role. Joining uses up every
    invitation of this person to the workspace, so none brings them back once they were removed.
    """
    invitation = open_invitation(db, token, now=now)
    mail = invitation.email or email_of(email)
    with db.read() as conn:
        known = store.user_by_email(conn, mail)
    if known is None:
        user = User(
            id=new_id("usr"), email=mail, name=name_of(name, mail),
            password_hash=new_password(password, email=mail, name=name), created_at=now,
        )  # fmt: skip
        if invitation.email is not None:  # the link for the first account is the operator's own
            may(user.id, becomes=invitation.role)
    else:
        user = authenticate(db, email=mail, password=password, address=address, device=device, now=now)
        may(user.id)
    with db.write() as conn:
        _join(conn, invitation, user, is_new=known is None, now=now)
    return enter(db, user.id, workspace=invitation.workspace, browser=browser, device=device, now=now)


def _join(conn: Connection, invitation: Invitation, user: User, *, is_new: bool, now: int) -> None:
    """Make somebody a member, and use up every invitation of theirs. Raises NotFound where it was used meanwhile."""
    # Members first, as `remove_member` does: two that lock in another order would wait for each other.
    everybody = store.members(conn, invitation.workspace, for_update=True)
    for one in (None, user.email) if invitation.email is None else (user.email,):
        store.lock_invitations(conn, one)
    if not store.take_invitation(conn, invitation.token_hash):
        raise NotFound(
            noted("this link does not work any more"), hint=noted("links work once; sign in with your account")
        )
    if is_new:
        store.add_user(conn, user)
    if invitation.email is None:
        store.forget_setup_links(conn)
    store.forget_invitations(conn, workspace=invitation.workspace, email=user.email)
    if user.id not in {member.user_id for member in everybody}:
        store.add_membership(conn, workspace=invitation.workspace, user_id=user.id, role=invitation.role, now=now)


def _invitation(token: str, *, workspace: WorkspaceId, email: str | None, role: str, now: int) -> Invitation:
    return Invitation(
        token_hash=store.digest_of(token), workspace=workspace, id=new_id("inv"), email=email, role=role,
        created_at=now, expires_at=now + (7 * DAY if email else 1 * DAY),
    )  # fmt: skip

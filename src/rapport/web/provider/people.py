"""Whose account it is that a provider speaks of, and what they may do here.

Somebody is known by the provider's own id of them. An account is found by e-mail only once, and only by an address that
the provider has verified: whoever writes another's address into their profile gets nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from rapport.kernel.errors import Conflict, Forbidden
from rapport.kernel.identifiers import email_identifier
from rapport.kernel.ids import WorkspaceId, new_id
from rapport.storage.audit.entries import append as tell
from rapport.storage.bulk import insert_ignore
from rapport.storage.engine import Database
from rapport.storage.workspaces import all_workspaces, find_workspace
from rapport.web import accounts, store
from rapport.web.accounts import HalfSignedIn, SignedIn
from rapport.web.permissions import ROLE_NAMES
from rapport.web.provider import store as ties
from rapport.web.provider.wanted import ProviderSettings
from rapport.web.store import User

__all__ = ["Person", "enter", "person_of", "refuse_own"]

MOST_GROUPS = 1_000


class Person(NamedTuple):
    """Whom a provider speaks of."""

    issuer: str
    subject: str
    email: str
    """As it is compared; empty where it is not verified, or is none."""
    name: str
    groups: frozenset[str]


def person_of(claims: Mapping[str, Any], wanted: ProviderSettings) -> Person:
    """Who it is, by claims that hold."""
    found = email_identifier(str(claims.get("email", ""))[:320]) if _is_verified(claims) else None
    named = claims.get("name")
    listed = claims.get(wanted.groups_claim)
    groups = [listed] if isinstance(listed, str) else listed if isinstance(listed, list) else []
    return Person(
        wanted.issuer, str(claims["sub"]), found.value if found else "", named[:80] if isinstance(named, str) else "",
        frozenset(one for one in groups[:MOST_GROUPS] if isinstance(one, str)),
    )  # fmt: skip


def _is_verified(claims: Mapping[str, Any]) -> bool:
    """Whether the provider has made sure of the address. Microsoft says it of the domain, by a claim of its own."""
    said = claims.get("email_verified")
    if said is None:
        said = claims.get("xms_edov")
        return said is True or (isinstance(said, int | str) and str(said).lower() in ("1", "true"))
    return said is True


def enter(
    db: Database, person: Person, wanted: ProviderSettings, *, browser: str, device: str, now: int
) -> SignedIn | HalfSignedIn:
    """Sign this person in; makes the account where they were invited, or the operator lets such people in.

    A second factor of their own is asked all the same. Raises Forbidden, which is told to the audit trail.
    """
    try:
        with db.write() as conn:
            user_id = _account(conn, person, wanted, now=now)
            _take_role(conn, user_id, person, wanted, now=now)
            ties.used(conn, issuer=person.issuer, subject=person.subject, now=now)
            if not store.workspaces_of(conn, user_id):
                raise Forbidden(f"{person.email} belongs to no shop any more", hint="ask an owner for an invitation")
    except Forbidden as error:
        with db.write() as conn:
            said = {"email": person.email, "provider": wanted.title, "why": error.message}
            tell(conn, _shop(conn, wanted), "account.sign_in_refused", details=said, now=now)
        raise
    workspace = accounts.first_workspace(db, user_id)
    return accounts.enter(
        db, user_id, workspace=workspace, browser=browser, device=device, now=now, provider=wanted.title
    )  # fmt: skip


def refuse_own(db: Database, wanted: ProviderSettings | None, user_id: str, *, becomes: str = "") -> None:
    """Raises Forbidden where this person may sign in by the provider alone. Asked once the password was right.

    `becomes` is the role of whoever is about to have an account.
    """
    if wanted is None or wanted.own_sign_in == "everybody":
        return
    with db.read() as conn:
        is_owner = "owner" in {becomes, *store.roles_of(conn, user_id)}
    if wanted.own_sign_in == "nobody" or not is_owner:
        hint = "use its button on the page Sign in" if becomes else "use its button below"
        raise Forbidden(f"your shop signs in by {wanted.title}", hint=hint)


def _account(conn: Connection, person: Person, wanted: ProviderSettings, *, now: int) -> str:
    """The account: the one of old, or the one of this verified address, or a new one. Raises Forbidden."""
    known = ties.user_of(conn, issuer=person.issuer, subject=person.subject)
    if known is not None:
        _join_where_invited(conn, known, now=now)
        return known.id
    if not person.email:
        raise Forbidden(
            f"{wanted.title} has not verified your e-mail address", hint="verify it there, then sign in again"
        )
    if wanted.domains and person.email.rpartition("@")[2] not in wanted.domains:
        raise Forbidden(f"{person.email} is of no domain that may sign in here", hint="use your address at work")
    found = store.user_by_email(conn, person.email)
    if found is None:
        found = _made(conn, person, wanted, now=now)
    else:
        _refuse_anothers(conn, found, person, wanted, now=now)
    if not ties.tie(conn, issuer=person.issuer, subject=person.subject, user_id=found.id, now=now):
        raise Conflict("somebody signed in with this account at this very moment", hint="sign in again")
    shops = store.workspaces_of(conn, found.id)
    where = shops[0][0] if shops else _shop(conn, wanted)
    said = {"provider": wanted.title, "email": person.email}
    tell(conn, where, "account.provider_tied", who=found.id, about=found.id, details=said, now=now)
    _join_where_invited(conn, found, now=now)
    return found.id


def _refuse_anothers(conn: Connection, user: User, person: Person, wanted: ProviderSettings, *, now: int) -> None:
    """Raises Forbidden where somebody else at the provider had this address before: companies give them to the next.

    An owner who invites the address again says that it is this person's now; the one before comes by it no more.
    """
    if not ties.is_anothers(conn, issuer=person.issuer, subject=person.subject, user_id=user.id):
        return
    if not store.invitations_of(conn, person.email, now=now):
        raise Forbidden(
            f"the account of {person.email} is of somebody else at {wanted.title}",
            hint="an owner takes it out of the team and invites you; or sign in by its password, and have it forgotten",
        )
    ties.untie(conn, issuer=person.issuer, user_id=user.id)


def _made(conn: Connection, person: Person, wanted: ProviderSettings, *, now: int) -> User:
    """A fresh account without a password, where this person may have one. Raises Forbidden."""
    invited = store.invitations_of(conn, person.email, now=now)
    if not invited and not _new_role(person, wanted):
        raise Forbidden(f"nobody has invited {person.email}", hint="ask an owner of the shop for an invitation")
    new = User(
        id=new_id("usr"), email=person.email, name=person.name or person.email.partition("@")[0][:80],
        password_hash="", created_at=now,
    )  # fmt: skip
    if not insert_ignore(conn, store.users, [msgspec.structs.asdict(new)], key=("email",)):
        raise Conflict("this account was made at this very moment", hint="sign in again")
    if not invited:
        shop, role = _shop(conn, wanted), _new_role(person, wanted)
        store.add_membership(conn, workspace=shop, user_id=new.id, role=role, now=now)
        said = {"role": role, "provider": wanted.title}
        tell(conn, shop, "account.made", who=new.id, about=new.id, details=said, now=now)
        if role == "owner":
            store.forget_setup_links(conn)
    return new


def _join_where_invited(conn: Connection, user: User, *, now: int) -> None:
    """Take up every open invitation of this address; whoever is a member already stays what they are."""
    store.lock_invitations(conn, user.email)
    invited = store.invitations_of(conn, user.email, now=now)
    mine = {shop for shop, _ in store.workspaces_of(conn, user.id)} if invited else set()
    for one in invited:
        if store.take_invitation(conn, one.token_hash) and one.workspace not in mine:
            store.add_membership(conn, workspace=one.workspace, user_id=user.id, role=one.role, now=now)
            tell(conn, one.workspace, "account.joined", who=user.id, about=user.id, details={"role": one.role}, now=now)
        mine.add(one.workspace)


def _take_role(conn: Connection, user_id: str, person: Person, wanted: ProviderSettings, *, now: int) -> None:
    """Where groups decide, give the role of the highest; owners stay, whatever the provider says.

    Raises Forbidden for somebody of none of the groups.
    """
    shop = _shop(conn, wanted)
    before = store.role_of(conn, workspace=shop, user_id=user_id)
    if not wanted.groups or before is None or before == "owner":
        return
    role = _role_of_groups(person, wanted)
    if not role:
        raise Forbidden(f"{person.email} is in none of the groups that may come in", hint="ask IT for the right one")
    if role != before:
        accounts.give_role(conn, workspace=shop, user_id=user_id, role=role, now=now, seen=before)


def _new_role(person: Person, wanted: ProviderSettings) -> str:
    """What somebody becomes who was not invited; empty: nothing."""
    return _role_of_groups(person, wanted) if wanted.groups else wanted.new_role


def _role_of_groups(person: Person, wanted: ProviderSettings) -> str:
    mine = {role for group, role in wanted.groups.items() if group in person.groups}
    return next((role for role in ROLE_NAMES if role in mine), "")


def _shop(conn: Connection, wanted: ProviderSettings) -> WorkspaceId:
    if wanted.shop:
        return find_workspace(conn, wanted.shop).id
    return min(one.id for one in all_workspaces(conn))

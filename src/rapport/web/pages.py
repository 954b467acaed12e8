"""The console's pages about people and keys: sign in, join, account, team, API keys."""

from __future__ import annotations

import re
from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.kernel.clock import now_us
from rapport.kernel.errors import Conflict, Forbidden, RapportError
from rapport.kernel.principal import Principal
from rapport.kernel.text import clean
from rapport.storage.engine import Database
from rapport.storage.workspaces import all_workspaces
from rapport.web import accounts, api_keys, auth, components, settings_pages, store, view_pages
from rapport.web.accounts import SignedIn
from rapport.web.console import Console, ConsolePages, NavItem, render
from rapport.web.finder import Finders
from rapport.web.forms import Form, integer, raw, text, texts
from rapport.web.permissions import ROLE_NAMES
from rapport.web.store import Session

__all__ = ["PAGES", "public_address"]

AnyRequest = Request[Any, Any, Any]


def public_address(request: AnyRequest) -> str:
    """The scheme and host visitors use, for links and snippets: `https://shop.example`."""
    scheme = "https" if auth.is_https(request) else "http"
    return f"{scheme}://{request.headers.get('host', 'localhost')}"


# Sign in and out


@get("/sign-in", permission="public", sync_to_thread=True)
def sign_in_page(request: AnyRequest, db: Database) -> Response[Any]:
    """The sign-in form."""
    back = auth.safe_next(request.query_params.get("next", ""))
    if isinstance(request.scope.get("auth"), Session):
        return Redirect(back, status_code=303)
    return _sign_in_form(request, db, back=back)


@post("/sign-in", permission="public", sync_to_thread=True, status_code=200)
def sign_in(request: AnyRequest, db: Database, data: Form) -> Response[Any]:
    """Check the password; a fresh session replaces whatever the browser held."""
    back = auth.safe_next(text(data, "next", longest=500))
    email = text(data, "email")
    try:
        signed_in = accounts.sign_in(
            db, email=email, password=raw(data, "password"), address=auth.client_address(request),
            browser=_browser(request), now=now_us(),
        )  # fmt: skip
    except RapportError as error:
        return _sign_in_form(request, db, back=back, email=email, error=error)
    _end_old_session(request, db)
    return _enter(request, signed_in, to=back)


@post("/sign-out", permission="signed_in", sync_to_thread=True, status_code=303)
def sign_out(request: AnyRequest, db: Database) -> Redirect:
    """End the session."""
    _end_old_session(request, db)
    return Redirect("/console/sign-in", status_code=303, cookies=[auth.session_cookie(request, "")])


@get("/join", permission="public", sync_to_thread=True)
def join_page(request: AnyRequest, db: Database) -> Response[Any]:
    """The form behind an invitation, or behind the link for the first account."""
    return _join_form(request, db, token=request.query_params.get("token", ""))


@post("/join", permission="public", sync_to_thread=True, status_code=200)
def join(request: AnyRequest, db: Database, data: Form) -> Response[Any]:
    """Make the account and sign in."""
    token, email, name = text(data, "token"), text(data, "email"), text(data, "name", longest=80)
    try:
        signed_in = accounts.accept_invitation(
            db, token, email=email, name=name, password=raw(data, "password"), address=auth.client_address(request),
            browser=_browser(request), now=now_us(),
        )  # fmt: skip
    except RapportError as error:
        return _join_form(request, db, token=token, email=email, name=name, error=error)
    _end_old_session(request, db)
    return _enter(request, signed_in, to="/console")


# Account


@get("/account", permission="signed_in", sync_to_thread=True)
def account_page(request: AnyRequest, db: Database) -> Response[str]:
    """One's own account."""
    return _account(request, db)


@post("/account/password", permission="signed_in", sync_to_thread=True, status_code=200)
def change_password(request: AnyRequest, db: Database, principal: Principal, data: Form) -> Response[Any]:
    """Set a new password; every session ends, this browser gets a fresh one."""
    try:
        signed_in = accounts.change_password(
            db, user_id=principal.id, current=raw(data, "current"), new=raw(data, "new"),
            address=auth.client_address(request), browser=_browser(request), workspace=principal.workspace,
            now=now_us(),
        )  # fmt: skip
    except RapportError as error:
        return _account(request, db, error=error)
    return _enter(request, signed_in, to="/console/account?done=password")


@post("/account/sessions", permission="signed_in", sync_to_thread=True, status_code=303)
def end_other_sessions(request: AnyRequest, db: Database, principal: Principal) -> Redirect:
    """Sign out everywhere else."""
    with db.write() as conn:
        store.end_sessions_of(conn, principal.id, keep=_session(request).token_hash)
    return Redirect("/console/account?done=sessions", status_code=303)


@post("/account/workspace", permission="signed_in", sync_to_thread=True, status_code=303)
def open_workspace(request: AnyRequest, db: Database, principal: Principal, data: Form) -> Redirect:
    """Look at another shop."""
    asked = integer(data, "workspace", least=0, most=2**31 - 1, otherwise=0)
    with db.write() as conn:
        wanted = next((ws for ws, _ in store.workspaces_of(conn, principal.id) if ws == asked), None)
        if wanted is None:
            raise Forbidden("you do not belong to this shop", hint="ask one of its owners for an invitation")
        store.move_session(conn, _session(request).token_hash, workspace=wanted)
    return Redirect("/console", status_code=303)


# Team


@get("/team", permission="team:read", sync_to_thread=True)
def team_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """Who works here."""
    return _team(request, db, principal)


@post("/team/invitations", permission="team:write", sync_to_thread=True, status_code=200)
def invite(request: AnyRequest, db: Database, principal: Principal, data: Form) -> Response[str]:
    """Make an invitation and show its link once."""
    email = text(data, "email")
    token = accounts.invite(db, workspace=principal.workspace, email=email, role=text(data, "role"), now=now_us())
    link = f"{public_address(request)}/console/join?token={token}"
    return _team(request, db, principal, link=link, invited=email)


@post("/team/invitations/{invitation_id:str}/withdraw", permission="team:write", sync_to_thread=True, status_code=303)
def withdraw(db: Database, principal: Principal, invitation_id: str) -> Redirect:
    """Make an invitation useless."""
    with db.write() as conn:
        store.withdraw_invitation(conn, workspace=principal.workspace, invitation_id=invitation_id)
    return Redirect("/console/team?done=removed", status_code=303)


@post("/team/{user_id:str}/role", permission="team:write", sync_to_thread=True, status_code=200)
def change_role(request: AnyRequest, db: Database, principal: Principal, user_id: str, data: Form) -> Response[Any]:
    """Give a member another role; it holds from their next request on."""
    role, seen = text(data, "role"), text(data, "version") or None
    try:
        accounts.change_role(db, workspace=principal.workspace, user_id=user_id, role=role, seen=seen, now=now_us())
    except Conflict as error:
        return _team(request, db, principal, error=error)
    return Redirect("/console/team?done=role", status_code=303)


@post("/team/{user_id:str}/remove", permission="team:write", sync_to_thread=True, status_code=303)
def remove(db: Database, principal: Principal, user_id: str) -> Redirect:
    """Take a member out of the workspace."""
    accounts.remove_member(db, workspace=principal.workspace, user_id=user_id)
    return Redirect("/console/team?done=removed", status_code=303)


# API keys


@get("/keys", permission="keys:write", sync_to_thread=True)
def keys_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """The API keys of the shop."""
    return _keys(request, db, principal)


@post("/keys", permission="keys:write", sync_to_thread=True, status_code=200)
def make_key(request: AnyRequest, db: Database, principal: Principal, data: Form) -> Response[str]:
    """Make a key and show it once."""
    try:
        made, secret = accounts.create_api_key(
            db, request.app.state.permissions, workspace=principal.workspace, name=text(data, "name"),
            scopes=texts(data, "scopes"), created_by=principal.id, now=now_us(),
            purposes=texts(data, "purposes"),
        )  # fmt: skip
    except RapportError as error:
        return _keys(request, db, principal, error=error)
    return _keys(request, db, principal, made=made, secret=secret)


@post("/keys/{key_id:str}/revoke", permission="keys:write", sync_to_thread=True, status_code=303)
def revoke_key(request: AnyRequest, db: Database, principal: Principal, key_id: str) -> Redirect:
    """Make a key useless."""
    accounts.revoke_api_key(db, workspace=principal.workspace, key_id=key_id, now=now_us())
    request.app.state.key_ring.forget()
    return Redirect("/console/keys?done=revoked", status_code=303)


@get("/find", permission="signed_in", sync_to_thread=True)
def find_page(request: AnyRequest, db: Database, principal: Principal, finders: Finders) -> Response[str]:
    """What the palette shows for a few words."""
    console: Console = request.app.state.console
    pages = [item for items in console.nav_for(principal).values() for item in items]
    words = clean(request.query_params.get("q"), longest=100)
    return render(request, "web/found.html", found=finders.find(db, principal, pages, words))


PAGES = ConsolePages(
    room="web",
    handlers=(
        sign_in_page, sign_in, sign_out, join_page, join, account_page, change_password, end_other_sessions,
        open_workspace, find_page, team_page, invite, withdraw, change_role, remove, keys_page, make_key, revoke_key,
        *settings_pages.HANDLERS, *view_pages.HANDLERS, *components.HANDLERS,
    ),
    nav=(
        settings_pages.NAV,
        NavItem(
            label="Team", path="/console/team", icon="team", group="Settings", order=810, permission="team:read",
            keys="t",
        ),
        NavItem(
            label="API keys", path="/console/keys", icon="key", group="Settings", order=820, permission="keys:write",
            keys="k",
        ),
    ),
)  # fmt: skip


def _sign_in_form(
    request: AnyRequest, db: Database, *, back: str, email: str = "", error: RapportError | None = None
) -> Response[str]:
    with db.read() as conn:
        first = not store.any_user(conn)
    status = error.status if error else 200
    response = render(request, "web/sign_in.html", status=status, next=back, email=email, error=error, first=first)
    seconds = getattr(error, "retry_after_seconds", None)
    if seconds is not None:
        response.headers["Retry-After"] = str(round(seconds))
    return response


def _join_form(
    request: AnyRequest, db: Database, *, token: str, email: str = "", name: str = "", error: RapportError | None = None
) -> Response[str]:
    invitation = accounts.open_invitation(db, token, now=now_us())
    with db.read() as conn:
        known = invitation.email is not None and store.user_by_email(conn, invitation.email) is not None
        shop = next((w.name for w in all_workspaces(conn) if w.id == invitation.workspace), "the shop")
    return render(
        request, "web/join.html", status=error.status if error else 200, invitation=invitation, workspace_name=shop,
        known=known, token=token, email=email, name=name, error=error,
    )  # fmt: skip


def _account(request: AnyRequest, db: Database, *, error: RapportError | None = None) -> Response[str]:
    session = _session(request)
    with db.read() as conn:
        mine = store.sessions_of(conn, session.user_id, now=now_us())
        shops = store.workspaces_of(conn, session.user_id)
    return render(
        request, "web/account.html", status=error.status if error else 200, sessions=mine, workspaces=shops,
        permissions=request.app.state.permissions, error=error,
    )  # fmt: skip


def _team(
    request: AnyRequest, db: Database, principal: Principal, *, link: str = "", invited: str = "",
    error: RapportError | None = None,
) -> Response[str]:  # fmt: skip
    with db.read() as conn:
        everybody = store.members(conn, principal.workspace)
        waiting = store.open_invitations(conn, principal.workspace, now=now_us())
    return render(
        request, "web/team.html", status=error.status if error else 200, error=error, members=everybody,
        invitations=waiting, roles=ROLE_NAMES, permissions=request.app.state.permissions, link=link, invited=invited,
    )  # fmt: skip


def _keys(
    request: AnyRequest, db: Database, principal: Principal, *, made: api_keys.ApiKey | None = None, secret: str = "",
    error: RapportError | None = None,
) -> Response[str]:  # fmt: skip
    with db.read() as conn:
        keys = api_keys.of_workspace(conn, principal.workspace)
    return render(
        request, "web/keys.html", status=error.status if error else 200, keys=keys, made=made, secret=secret,
        permissions=request.app.state.permissions, error=error,
        purposes=request.app.state.purposes.names(principal.workspace),
    )  # fmt: skip


def _enter(request: AnyRequest, signed_in: SignedIn, *, to: str) -> Redirect:
    return Redirect(to, status_code=303, cookies=[auth.session_cookie(request, signed_in.token)])


def _end_old_session(request: AnyRequest, db: Database) -> None:
    token = request.cookies.get(auth.cookie_name(request, "session"))
    if token:
        accounts.sign_out(db, token)


def _session(request: AnyRequest) -> Session:
    session = request.scope["auth"]
    if not isinstance(session, Session):
        raise Forbidden("this needs a signed-in person")
    return session


_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "macOS"),
            ("Linux", "Linux"))  # fmt: skip


def _browser(request: AnyRequest) -> str:
    """`Firefox on Linux`: enough for a person to recognise a session, too little to recognise a person."""
    agent = re.sub(r"\s+", " ", request.headers.get("user-agent", ""))[:300]
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    return " on ".join(part for part in (browser, system) if part)

"""The console's pages about people: team, and what the palette finds; `PAGES` joins all pages of this room."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.kernel.clock import now_us
from rapport.kernel.errors import Conflict, RapportError
from rapport.kernel.principal import Principal
from rapport.kernel.text import clean
from rapport.storage.engine import Database
from rapport.web import (
    account_pages,
    accounts,
    components,
    factor_pages,
    invitations,
    key_pages,
    once,
    provider_pages,
    settings_pages,
    store,
    view_pages,
)
from rapport.web.account_pages import public_address
from rapport.web.console import Console, ConsolePages, NavItem, render
from rapport.web.finder import Finders
from rapport.web.forms import Form, text
from rapport.web.permissions import ROLE_NAMES

__all__ = ["PAGES", "public_address"]

AnyRequest = Request[Any, Any, Any]


# Team


@get("/team", permission="team:read", sync_to_thread=True)
def team_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """Who works here; after an invitation its link, once."""
    made = once.shown(request)
    return once.show(request, _team(request, db, principal, link=made.get("link", ""), invited=made.get("invited", "")))


@post("/team/invitations", permission="team:write", sync_to_thread=True, status_code=200)
def invite(request: AnyRequest, db: Database, principal: Principal, data: Form) -> Redirect:
    """Make an invitation, then show its link once."""
    email = text(data, "email")
    token = invitations.invite(db, workspace=principal.workspace, email=email, role=text(data, "role"), now=now_us())
    link = f"{public_address(request)}/console/join?token={token}"
    return once.lead_to(request, "/console/team", link=link, invited=email)


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
        *account_pages.HANDLERS, *factor_pages.HANDLERS, *provider_pages.HANDLERS,
        find_page, team_page, invite, withdraw, change_role, remove,
        *key_pages.HANDLERS, *settings_pages.HANDLERS, *view_pages.HANDLERS, *components.HANDLERS,
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

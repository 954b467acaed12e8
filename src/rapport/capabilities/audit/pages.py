"""The console's page of the audit trail."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import Parameter
from sqlalchemy import Connection

from rapport.capabilities.audit.showing import Page, page_of
from rapport.capabilities.audit.wording import done
from rapport.decide.people import names_by_strand
from rapport.kernel.clock import from_iso
from rapport.kernel.errors import RapportError
from rapport.kernel.ids import CustomerId
from rapport.kernel.language import noted
from rapport.kernel.principal import Principal
from rapport.remember.routes import region_of
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.storage.audit.sealing import head
from rapport.storage.engine import Database
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.store import names_of_users

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]
Short = Annotated[str, Parameter(max_length=300)]

ACTIONS = {
    "": noted("everything"), "customer": noted("customers seen and handed out"), "settings": noted("settings"),
    "privacy_policies": noted("privacy policies"), "account": noted("accounts and sign-ins"), "role": noted("roles"),
    "key": noted("API keys"), "identity": noted("identities"), "request": noted("other changes"),
}  # fmt: skip

NAMED = 5
"""Customers of an entry that the page names."""


@get("/audit", permission="audit:read", sync_to_thread=True)
def audit_page(
    request: AnyRequest, db: Database, principal: Principal, who: Short = "", action: Short = "", customer: Short = "",
    since: Short = "", cursor: Short = "",
) -> Response[str]:  # fmt: skip
    """The trail, searched."""
    workspace, error = principal.workspace, None
    asked = {"who": who.strip(), "action": action, "customer": customer.strip().replace("\0", ""), "since": since}
    with db.read() as conn:
        newest = head(conn, workspace)
        try:
            page = page_of(
                conn, workspace, who=asked["who"], action=action, customer=asked["customer"], since=since,
                cursor=cursor,
                region=region_of(conn, workspace),
            )  # fmt: skip
        except RapportError as caught:
            error, page = caught, Page(entries=[], cursor=None)
        names = _names(conn, principal, page)
        people = names_of_users(conn, (one.who for one in page.entries if not one.name))
    return render(
        request, "audit/trail.html", status=error.status if error else 200, page=page, asked=asked, head=newest,
        actions=ACTIONS, words_of=done, error=error, names=names, people=people, moment_of=from_iso,
        searched=any(asked.values()),
    )  # fmt: skip


def _names(conn: Connection, principal: Principal, page: Page) -> dict[CustomerId, str]:
    """What to call the customers of a page, for those who may see customers."""
    told = {customer for one in page.entries for customer in one.customers[:NAMED]}
    if not told or not principal.may("customers:read"):
        return {}
    ids = load_customer_ids(conn)
    names = names_by_strand(conn, principal.workspace, [ids.key(one) for one in told])
    return {ids.customer_id(key): name for key, name in names.items()}


PAGES = ConsolePages(
    room="audit",
    templates=Path(__file__).parent / "templates",
    handlers=(audit_page,),
    nav=(
        NavItem(
            label="Audit trail", path="/console/audit", icon="list", group="Settings", order=816,
            permission="audit:read",
        ),
    ),
)  # fmt: skip

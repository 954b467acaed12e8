"""The console's page of the audit trail."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import Parameter

from rapport.capabilities.audit.showing import Page, page_of
from rapport.kernel.errors import RapportError
from rapport.kernel.principal import Principal
from rapport.remember.routes import region_of
from rapport.storage.audit.sealing import head
from rapport.storage.engine import Database
from rapport.web.console import ConsolePages, NavItem, render

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]
Short = Annotated[str, Parameter(max_length=300)]

ACTIONS = {
    "": "everything", "customer": "customers seen and handed out", "settings": "settings",
    "privacy_policies": "privacy policies", "account": "accounts and sign-ins", "role": "roles", "key": "API keys",
    "identity": "identities", "request": "other changes",
}  # fmt: skip


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
    return render(
        request, "audit/trail.html", status=error.status if error else 200, page=page, asked=asked, head=newest,
        actions=ACTIONS, error=error, searched=any(asked.values()),
    )  # fmt: skip


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

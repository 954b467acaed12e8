"""Console pages of deciding: the placements of the shop, and trying one out without logging a decision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litestar import Request, Response, get

from rapport.decide.asked import customer_named
from rapport.decide.service import Decider, Decision, DecisionAsked
from rapport.kernel.clock import now_us
from rapport.kernel.errors import RapportError
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.principal import Principal
from rapport.kernel.text import clean
from rapport.web.console import ConsolePages, NavItem, render

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]


@get("/placements", permission="decisions:read", sync_to_thread=True)
def placements_page(request: AnyRequest, principal: Principal, decider: Decider) -> Response[str]:
    """Where decisions are made, and what one would be now."""
    chosen = clean(request.query_params.get("placement"), longest=100)
    customer = clean(request.query_params.get("customer"), longest=250)
    product = clean(request.query_params.get("product"), longest=120)
    tried: Decision | None = None
    error: RapportError | None = None
    if chosen:
        principal.require("customers:read", words="see customers and their Golden Records")
        try:
            tried = _try(decider, principal.workspace, chosen, customer, product)
        except RapportError as problem:
            error = problem
    return render(
        request, "decide/placements.html", tried=tried, error=error,
        placements=list(decider.placements.values()), placement=chosen, customer=customer, product=product,
    )  # fmt: skip


PAGES = ConsolePages(
    room="decide",
    templates=Path(__file__).parent / "templates",
    handlers=(placements_page,),
    nav=(
        NavItem(
            label="Placements", path="/console/placements", icon="pin", group="Shop", order=410,
            permission="decisions:read", keys="p",
        ),
    ),
)  # fmt: skip


def _try(decider: Decider, workspace: WorkspaceId, placement: str, customer: str, product: str) -> Decision:
    """What would be decided now. Nothing is logged, so nothing is measured by it."""
    context = {"product_id": product} if product else {}
    asked = DecisionAsked(placement=placement, customer=customer_named(customer), context=context, limit=6)
    decider.refuse_unknown(workspace, asked, now=now_us())
    decision, _ = decider.compute(workspace, asked, now=now_us())
    return decision

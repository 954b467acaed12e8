"""`/api/v1/decisions`: what a storefront's server asks while the shopper waits."""

from __future__ import annotations

from litestar import get, post

from rapport.decide.asked import Decision, DecisionAsked, Decisions
from rapport.decide.service import Decider
from rapport.kernel.clock import now_us
from rapport.kernel.gate import PERSONALISATION
from rapport.kernel.principal import Principal

__all__ = ["ROUTES"]


@post(
    "/decisions",
    permission="decisions:write",
    door="asks",
    unaudited="a decision is a fact",
    status_code=200,
    tags=["decisions"],
    raises=[],
)
async def make_decision(data: DecisionAsked, principal: Principal, decider: Decider) -> Decision | Decisions:
    """Decide what to show at a placement, or at several of a page: then `decisions` has one for each.

    They are logged before they are answered.
    """
    principal.purpose_for(PERSONALISATION)
    made = await decider.decide_all(principal.workspace, data, now=now_us())
    return made if data.placements is not None else made.decisions[0]


@get("/placements", permission="decisions:read", door="open", tags=["decisions"])
async def list_placements(decider: Decider) -> list[dict[str, str]]:
    """The placements of this installation."""
    return [
        {
            "name": p.name,
            "title": p.title,
            "description": p.description,
            "policy": f"{p.policy.name} {p.policy.version}",
        }
        for p in decider.placements.values()
    ]


ROUTES = (make_decision, list_placements)

"""`POST /api/v1/campaigns/costs`; what campaigns cost and brought is told by metrics `acquisition_cost`, `payback`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import post
from msgspec import Meta

from rapport.capabilities.acquisition.model import COSTS_A_FACT
from rapport.capabilities.acquisition.stating import CostStated, state
from rapport.collect.appender import Appender
from rapport.collect.names import Vocabulary
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.storage.workspaces import workspace_of

__all__ = ["ROUTES"]


class CostsStated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What campaigns cost; of a campaign, platform and day the last word counts."""

    costs: Annotated[list[CostStated], Meta(min_length=1, max_length=COSTS_A_FACT)]


class CostsAccepted(msgspec.Struct, frozen=True, kw_only=True):
    """What was stated is in the log; it holds within a second."""

    accepted: int


@post("/campaigns/costs", permission="campaigns:write", status_code=200, tags=["metrics"], sync_to_thread=True)
def state_costs(
    db: Database, principal: Principal, appender: Appender, vocabulary: Vocabulary, data: CostsStated
) -> CostsAccepted:
    """State what campaigns cost, at most 200 days at once. Once answered it is in the log."""
    with db.read() as conn:
        currency = workspace_of(conn, principal.workspace).settings.currency
    return CostsAccepted(accepted=state(appender, vocabulary, principal.workspace, data.costs, currency=currency))


ROUTES = (state_costs,)

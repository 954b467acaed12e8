"""`/api/v1/goals/preview` and `/api/v1/products/{id}/worth`; the mix in force is the section `goals` of settings."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import get, post
from litestar.params import Parameter

from rapport.capabilities.goals.model import MILLION, left_of_a_piece
from rapport.capabilities.goals.service.reckoning import reckon
from rapport.capabilities.goals.service.trying import GoalsTried, try_goals
from rapport.capabilities.goals.settings import GOALS_SETTINGS, GoalsSettings
from rapport.decide.service import Decider
from rapport.kernel.clock import now_us
from rapport.kernel.errors import NotFound
from rapport.kernel.principal import Principal
from rapport.storage import settings
from rapport.storage.engine import Database
from rapport.storage.workspaces import workspace_of

__all__ = ["ROUTES"]


class WorthShown(msgspec.Struct, frozen=True, kw_only=True):
    """What one sold piece of a product leaves, part by part. Minor units; null where it is not known."""

    product_id: str
    currency: str
    """The shop's own: a price in another one is not known here."""
    price_minor: int | None
    cost_minor: int | None
    sending_minor: int | None
    return_minor: int | None
    """What taking a piece back costs."""
    returned: float | None
    """Of the pieces that are sold, the share that comes back."""
    bought: float
    """Of those who look at it, the share that buys it."""
    piece_minor: int | None
    """What a sold piece leaves in the mean, returns reckoned in."""
    unknown: list[str]
    """What is not known, and so not in it."""


@get("/products/{product_id:str}/worth", permission="goals:read", door="open", tags=["products"], sync_to_thread=True)
def get_worth(
    db: Database, principal: Principal, product_id: Annotated[str, Parameter(max_length=120)]
) -> WorthShown:  # fmt: skip
    """What selling a piece leaves after cost, sending and returns, as it stands now."""
    with db.read() as conn:
        goals = settings.load(conn, principal.workspace, GOALS_SETTINGS).value
        currency = workspace_of(conn, principal.workspace).settings.currency
        [known] = reckon(conn, principal.workspace, [product_id], now=now_us())
    if known.price_minor is None and known.cost_minor is None and known.currency is None:
        raise NotFound(
            f"no price of a product {product_id[:60]!r} is known", hint="GET /api/v1/products finds products"
        )
    left, unknown = left_of_a_piece(known, goals, currency=currency)
    is_ours = known.currency == currency
    return WorthShown(
        product_id=product_id, currency=currency, price_minor=known.price_minor if is_ours else None,
        cost_minor=known.cost_minor if is_ours else None, sending_minor=goals.sending_minor or None,
        return_minor=goals.return_minor or None,
        returned=None if known.returned is None else known.returned / MILLION, bought=known.buying / MILLION,
        piece_minor=left, unknown=unknown,
    )  # fmt: skip


@post("/goals/preview", permission="goals:read", door="open", status_code=200, tags=["decisions"], sync_to_thread=True)
def preview_goals(db: Database, principal: Principal, decider: Decider, data: GoalsSettings) -> GoalsTried:
    """What a mix would change on Home and the pages of the most popular products. Nothing is logged."""
    with db.read() as conn:
        held = settings.load(conn, principal.workspace, GOALS_SETTINGS).value
        currency = workspace_of(conn, principal.workspace).settings.currency
    return try_goals(db, decider, principal.workspace, data, held=held, currency=currency, now=now_us())


ROUTES = (get_worth, preview_goals)

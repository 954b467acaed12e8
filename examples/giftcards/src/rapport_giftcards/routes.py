"""`/api/v1/giftcards/{code}`: what is left on a card."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import Parameter

from rapport.kernel.clock import now_us
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport_giftcards.service import Balance, balance_of

__all__ = ["ROUTES"]


@get("/giftcards/{code:str}", permission="giftcards:read", tags=["giftcards"], sync_to_thread=True)
def balance(
    db: Database, principal: Principal, code: Annotated[str, Parameter(description="As it is printed on the card.")]
) -> Balance:
    """What is left on a gift card, and whether somebody can still pay with it."""
    with db.read() as conn:
        return balance_of(conn, principal.workspace, code, now=now_us())


ROUTES = (balance,)

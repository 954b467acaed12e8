"""`/api/v1/giftcards/{code}`: what is left on a card."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import get
from litestar.params import Parameter

from rapport.kernel.clock import now_us
from rapport.kernel.errors import NotFound
from rapport.kernel.principal import Principal
from rapport.storage import settings
from rapport.storage.engine import Database
from rapport_giftcards import store
from rapport_giftcards.service import is_valid
from rapport_giftcards.settings import CARD_SETTINGS

__all__ = ["ROUTES"]


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """What is left on a card, in minor units of its currency."""

    code: str
    currency: str
    left_minor: int
    valid: bool


@get("/giftcards/{code:str}", permission="giftcards:read", tags=["giftcards"], sync_to_thread=True)
def balance(
    db: Database, principal: Principal, code: Annotated[str, Parameter(description="As it is printed on the card.")]
) -> Balance:
    """What is left on a gift card, and whether somebody can still pay with it."""
    workspace = principal.workspace
    with db.read() as conn:
        found = store.cards(conn, workspace, code=code[:60].upper().replace("\0", ""), limit=1)
        decided = settings.load(conn, workspace, CARD_SETTINGS).value
    if not found:
        raise NotFound(f"no gift card {code[:60]!r}", hint="is it typed as it is printed?")
    card = found[0]
    valid = is_valid(card, decided, now=now_us())
    return Balance(code=card.code, currency=card.currency, left_minor=card.left_minor, valid=valid)


ROUTES = (balance,)

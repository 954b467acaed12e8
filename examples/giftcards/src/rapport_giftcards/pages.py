"""The console's page of gift cards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litestar import Request, Response, get

from rapport.kernel.clock import now_us
from rapport.kernel.principal import Principal
from rapport.storage import settings
from rapport.storage.engine import Database
from rapport.web.console import ConsolePages, NavItem, render
from rapport_giftcards import store
from rapport_giftcards.service import is_valid
from rapport_giftcards.settings import CARD_SETTINGS

__all__ = ["PAGES"]


@get("/giftcards", permission="giftcards:read", sync_to_thread=True)
def cards_page(request: Request[Any, Any, Any], db: Database, principal: Principal) -> Response[str]:
    """The cards of the shop with what is left on each."""
    workspace = principal.workspace
    with db.read() as conn:
        cards = store.cards(conn, workspace)
        decided = settings.load(conn, workspace, CARD_SETTINGS).value
    now = now_us()
    shown = [(card, is_valid(card, decided, now=now)) for card in cards]
    return render(request, "giftcards/cards.html", cards=shown, valid_days=decided.valid_days)


PAGES = ConsolePages(
    room="giftcards",
    templates=Path(__file__).parent / "templates",
    handlers=(cards_page,),
    nav=(
        NavItem(
            label="Gift cards", path="/console/giftcards", icon="card", group="Engage", order=190,
            permission="giftcards:read",
        ),
    ),
)  # fmt: skip

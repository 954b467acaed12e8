"""What shoppers see of gift cards: "What is left on my card?", as a page and as a component of the shop's own site.

Whoever knows a card's code may know what is on it. So that guessing is slow, an address may try ten a minute, and a
code that is unknown is answered as one whose card is empty or too old, by the same statements. Print long codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body

from rapport.kernel.clock import now_us
from rapport.storage import settings
from rapport.storage.engine import Database
from rapport.web.shoppers import Shopper, render_component, render_page
from rapport_giftcards import store
from rapport_giftcards.service import is_valid
from rapport_giftcards.settings import CARD_SETTINGS

__all__ = ["COMPONENTS", "SHOP"]

AnyRequest = Request[Any, Any, Any]

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "What is left on my gift card?", "code": "Code, as it is printed on the card", "ask": "Show",
        "left": "Left on this card:",
        "nothing": "There is nothing left on this card, or it is not one of ours.",
    },
    "de": {
        "title": "Was ist auf meiner Geschenkkarte?", "code": "Code, wie er auf der Karte steht", "ask": "Anzeigen",
        "left": "Auf dieser Karte sind noch",
        "nothing": "Auf dieser Karte ist nichts mehr, oder sie ist nicht von uns.",
    },
}  # fmt: skip
LANGUAGES = tuple(WORDS)


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the form sends."""

    code: str


Form = Annotated[Asked, Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/left", opened_by="public", languages=LANGUAGES)
async def left_page(request: AnyRequest, shopper: Shopper) -> Response[str]:
    """The page before a code is given."""
    return render_page(request, "giftcards/left.html", shopper, words=WORDS[shopper.language], asked=False)


@post("/left", opened_by="public", languages=LANGUAGES, a_minute=10, status_code=200, sync_to_thread=True)
def answer_page(request: AnyRequest, db: Database, shopper: Shopper, data: Form) -> Response[str]:
    """What is left on the card."""
    return render_page(request, "giftcards/left.html", shopper, **_answer(db, shopper, data.code))


@get("/left", opened_by="write_key", languages=LANGUAGES)
async def left_component(request: AnyRequest, shopper: Shopper) -> Response[str]:
    """The form, as a part of the shop's page."""
    words = WORDS[shopper.language]
    return render_component(request, "giftcards/left_component.html", shopper, words=words, asked=False)


@post("/left", opened_by="write_key", languages=LANGUAGES, a_minute=10, status_code=200, sync_to_thread=True)
def answer_component(request: AnyRequest, db: Database, shopper: Shopper, data: Form) -> Response[str]:
    """The form again, with what is left on the card."""
    return render_component(request, "giftcards/left_component.html", shopper, **_answer(db, shopper, data.code))


SHOP = (left_page, answer_page)
COMPONENTS = (left_component, answer_component)


def _answer(db: Database, shopper: Shopper, code: str) -> dict[str, Any]:
    with db.read() as conn:
        found = store.cards(conn, shopper.workspace, code=code.strip()[:60].upper().replace("\0", "") or "-")
        decided = settings.load(conn, shopper.workspace, CARD_SETTINGS).value
    good = [card for card in found if is_valid(card, decided, now=now_us())]
    left = " + ".join(shopper.money(card.left_minor, card.currency) for card in good)
    return {"words": WORDS[shopper.language], "asked": True, "left": left}

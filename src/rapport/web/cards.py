"""Cards that slices add to pages of other rooms: panels of a customer's page, tiles of Home, cards of a source.

Each is read in a transaction of its own and drawn by itself. One that fails says so in its place; the page stands.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar

import msgspec
from markupsafe import Markup
from sqlalchemy import Connection

from rapport.kernel.clock import now_us
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.language import ENGLISH, speak, spoken
from rapport.kernel.named import by_name
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web import auth
from rapport.web.formats import viewer_zone

if TYPE_CHECKING:
    from litestar import Request

    from rapport.web.console import Console

__all__ = [
    "Card", "Cards", "Drawn", "OfPerson", "OfShop", "OfSource", "Panel", "Panels", "SourceCard", "SourceCards", "Tile",
    "Tiles",
]  # fmt: skip

_logger = logging.getLogger(__name__)

Asked = TypeVar("Asked")


class OfPerson(NamedTuple):
    """Whom a panel is about."""

    workspace: WorkspaceId
    customer_id: str
    strands: Sequence[Key]
    """All of the customer's, those of a learned link too: the page marks them."""
    traits: Mapping[str, Any]
    """Their values, by name."""


class OfShop(NamedTuple):
    """What a tile is about: the shop's last days, up to now."""

    workspace: WorkspaceId
    currency: str
    """The shop's own."""
    now: int
    days: int


class OfSource(NamedTuple):
    """Which source of facts a card is about."""

    workspace: WorkspaceId
    source: str
    is_client_side: bool
    """Anybody can read its key: a website or an app."""


class Card(msgspec.Struct, Generic[Asked], frozen=True, kw_only=True):
    """One card. It is drawn for whoever has its permission."""

    name: str
    """Begins with the slice's name: `orders.latest`."""
    title: str
    """What the card says where it cannot be drawn."""
    order: int
    """Where it stands among those of other slices; the smallest first."""
    permission: str
    template: str
    """A whole `<section class="card">`, in the templates of one of the slice's `ConsolePages`: `orders/latest.html`."""
    read: Callable[[Connection, Asked], Mapping[str, Any] | None]
    """What the template is given; None where there is nothing to show, and then no card."""


class Panel(Card[OfPerson], frozen=True, kw_only=True):
    """A card of a customer's page, beside the timeline or, where it needs the width, above it."""

    place: Literal["side", "main"] = "side"


Tile: TypeAlias = Card[OfShop]
"""A card of Home, below the six verbs."""


SourceCard: TypeAlias = Card[OfSource]
"""A card of a source's page."""


class Drawn(NamedTuple):
    """A card as HTML; None where it could not be drawn."""

    name: str
    title: str
    html: Markup | None
    place: str
    """Where it stands on the page; empty where the page has one place for all."""


class Cards(Generic[Asked]):
    """All cards of one page, of all slices. Raises ValueError where two have one name."""

    def __init__(self, cards: Iterable[Card[Asked]]) -> None:
        named = by_name("card", ((card.name, card.title, card) for card in cards))
        self.cards = sorted(named.values(), key=lambda card: (card.order, card.name))

    def draw(self, request: Request[Any, Any, Any], db: Database, principal: Principal, asked: Asked) -> list[Drawn]:
        """Those that this person may see and that have something to show, in their order."""
        seen = [card for card in self.cards if principal.may(card.permission)]
        return [drawn for card in seen if (drawn := _draw(card, request, db, principal, asked)) is not None]


class Panels(Cards[OfPerson]):
    """Those of a customer's page."""


class Tiles(Cards[OfShop]):
    """Those of Home."""


class SourceCards(Cards[OfSource]):
    """Those of a source's page."""


def _draw(
    card: Card[Asked], request: Request[Any, Any, Any], db: Database, principal: Principal, asked: Asked
) -> Drawn | None:
    place = card.place if isinstance(card, Panel) else ""
    console: Console = request.app.state.console
    around = spoken()
    if not console.catalogues.speaks(around.tag, console.part_named(card.template)):
        speak(ENGLISH)  # the card is whole in one language, as the page around it is in another
    try:
        with db.read() as conn:
            context = card.read(conn, asked)
        if context is None:
            return None
        template = console.env.get_template(card.template)
        token = auth.masked(auth.expected_csrf(request))
        html = template.render(
            csrf_token=token, principal=principal, zone=viewer_zone(request), now=now_us(), **context
        )
    except Exception:  # whatever a slice makes of it, the page it stands on is not its own
        _logger.exception("the card %s could not be drawn", card.name)
        return Drawn(card.name, card.title, None, place)
    finally:
        speak(around)
    return Drawn(card.name, card.title, Markup(html), place)  # noqa: S704 - drawn by a template that escapes

"""What a slice brings to the server: `WebPart`. It stands in a module that no worker or command imports."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable

import msgspec
from litestar.types import ControllerRouterHandler

from rapport.web.alarms import Watch
from rapport.web.cards import Panel, SourceCard, Tile
from rapport.web.console import ConsolePages
from rapport.web.finder import Finder, Lookup

__all__ = ["WebPart", "load_parts"]


class WebPart(msgspec.Struct, frozen=True, kw_only=True):
    """What one slice shows to people and programs. Everything may be left out."""

    routes: tuple[ControllerRouterHandler, ...] = ()
    """Handlers below `/api/v1`; each names the permission it needs."""
    pages: tuple[ConsolePages, ...] = ()
    """Pages of the console, with their place in its side bar."""
    panels: tuple[Panel, ...] = ()
    """Cards of a customer's page."""
    tiles: tuple[Tile, ...] = ()
    """Cards of Home."""
    source_cards: tuple[SourceCard, ...] = ()
    """Cards of a source's page."""
    watches: tuple[Watch, ...] = ()
    """What Home warns of."""
    finders: tuple[Finder, ...] = ()
    """What the palette (Ctrl K) finds."""
    lookups: tuple[Lookup, ...] = ()
    """By what of its own customers are found in their list."""
    shop: tuple[ControllerRouterHandler, ...] = ()
    """Pages for shoppers, below `/shop/{slice}`; each names what opens it (`web.shoppers`)."""
    components: tuple[ControllerRouterHandler, ...] = ()
    """Parts for the shop's own site, below `/components/{slice}`; each names what opens it."""
    webhooks: tuple[ControllerRouterHandler, ...] = ()
    """Handlers below `/v1/webhooks`: what other systems send of themselves. Each verifies what it is sent."""


def load_parts(named: Iterable[tuple[str, str]]) -> dict[str, WebPart]:
    """Import the parts of slices, each given as (slice, `package.module:NAME`); by slice.

    Raises ValueError, naming slice and part, for a name that leads nowhere or to something else, and for a card,
    watch or finder that is not named after its slice. What the module itself raises while it is imported is passed on.
    """
    return {slice_: _load(slice_, name) for slice_, name in named}


def _load(slice_: str, name: str) -> WebPart:
    try:
        part = pkgutil.resolve_name(name)
    except (ModuleNotFoundError, AttributeError, ValueError) as error:
        raise ValueError(f"the slice {slice_!r} names {name!r} as its web part: {error}") from error
    if not isinstance(part, WebPart):
        raise ValueError(f"the slice {slice_!r} names {name!r} as its web part, which is a {type(part).__name__}")
    cards: tuple[Panel | Tile | SourceCard, ...] = (*part.panels, *part.tiles, *part.source_cards)
    for one in (*cards, *part.watches, *part.finders, *part.lookups):
        if not one.name.startswith(f"{slice_}."):
            kind = {Finder: "finder", Watch: "watch", Lookup: "lookup"}.get(type(one), "card")
            raise ValueError(f"{name!r} brings the {kind} {one.name!r}, whose name must begin with '{slice_}.'")
    return part

"""The facts of supply, as a shop's own systems state them. They are about nobody."""

from __future__ import annotations

from typing import Any

from rapport.capabilities.supply.bundles import MOST_PARTS, bundle_of
from rapport.capabilities.supply.model import levels_of, location_of
from rapport.kernel.errors import InvalidFact
from rapport.kernel.facts import Fact
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.language import gettext, ngettext
from rapport.kernel.wording import FactKind, joined, short

__all__ = ["BUNDLE", "FACT_KINDS", "LEVEL", "LOCATION"]

LEVEL, LOCATION, BUNDLE = "Stock Level Changed", "Location Stated", "Bundle Stated"


def _refuse_level(fact: Fact, currency: str) -> None:
    """Raises InvalidFact where a fact says no level at all."""
    if not levels_of(WorkspaceId(0), fact):
        raise InvalidFact(
            "no level could be read: each needs location_id, product_id and on_hand (or available), whole pieces",
            path="$.properties",
        )


def _refuse_location(fact: Fact, currency: str) -> None:
    """Raises InvalidFact where a fact names no location."""
    if location_of(fact) is None:
        raise InvalidFact("a location needs its location_id", path="$.properties.location_id")


def _refuse_bundle(fact: Fact, currency: str) -> None:
    """Raises InvalidFact where a fact does not say in full what a bundle is made of."""
    if bundle_of(WorkspaceId(0), fact) is None:
        raise InvalidFact(
            f"a bundle needs product_id and parts, at most {MOST_PARTS}, each with product_id and a quantity",
            path="$.properties.parts",
        )


def _level(fact: Fact) -> str:
    said: dict[str, Any] = fact.properties
    levels = said.get("levels")
    if isinstance(levels, list):
        return joined(ngettext("%(num)s level", "%(num)s levels", len(levels)), short(said.get("location_id")))
    return joined(
        short(said.get("product_id")),
        gettext("%(number)s pieces", number=short(said.get("on_hand", said.get("available")))),
        short(said.get("location_id")),
    )  # fmt: skip


FACT_KINDS = (
    FactKind(
        name=LEVEL, meaning="so many pieces of a product are in a place now", about="shop", icon="box", tell=_level,
        refuse=_refuse_level,
        properties={
            "location_id": "where", "product_id": "of which product", "variant": "of which variant of it",
            "on_hand": "pieces that lie there", "reserved": "of these, for orders already taken",
            "available": "instead of both: pieces that can be handed over", "incoming": "pieces on their way there",
            "incoming_at": "when they are expected", "levels": "several of these at once, at most 200",
        },
    ),
    FactKind(
        name=LOCATION, meaning="a place where goods lie is so from now on", about="shop", icon="store",
        refuse=_refuse_location, tell=lambda fact: short(fact.properties.get("name")),
        properties={
            "location_id": "which place", "name": "what it is called",
            "roles": "`ships`, `pickup`, or both: without roles it does both", "open": "false while it is closed",
            "markets": "the markets that see it; none means all", "hours": "by day, `mon` to `sun`: 10:00-19:00",
            "street": "where it is", "city": "where it is", "country": "where it is",
        },
    ),
    FactKind(
        name=BUNDLE, meaning="a product is made of others, and shares their stock", about="shop", icon="box",
        refuse=_refuse_bundle, tell=lambda fact: short(fact.properties.get("product_id")),
        properties={
            "product_id": "which bundle", "parts": "what is in it: product_id, variant (any without it), quantity (1"
            " without it); an empty list: it is a bundle no more",
        },
    ),
)  # fmt: skip

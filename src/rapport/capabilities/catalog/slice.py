"""What the catalogue brings: every fact that describes products is remembered."""

from __future__ import annotations

from collections.abc import Sequence

from rapport.capabilities.catalog import store
from rapport.capabilities.catalog.facts import FACT_KINDS
from rapport.capabilities.catalog.model import Description, describe, newest, once
from rapport.capabilities.catalog.service import details, unknown
from rapport.capabilities.catalog.traits import PARTS, TRAITS
from rapport.compose.holding import of_shop
from rapport.compose.slice import Slice
from rapport.decide.model import PRODUCT, EligibilityRule, ItemKind
from rapport.decide.people import reading_settings
from rapport.kernel.clock import HOUR
from rapport.kernel.facts import Fact
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import BatchStage, Connection, Work

__all__ = ["CATALOG"]

EVENTS = (
    "Product Viewed", "Product Clicked", "Product Added", "Product Removed", "Product List Viewed",
    "Product List Filtered", "Cart Viewed", "Checkout Started", "Order Completed", "Order Updated",
    "Product Added to Wishlist", "Wishlist Product Added to Cart",
)  # fmt: skip

_REMEMBERED = 50_000


class Describing(BatchStage[tuple[WorkspaceId, Fact]]):
    """Joins the descriptions of a batch and writes those that say something new."""

    def __init__(self) -> None:
        super().__init__(EVENTS, read=lambda seen: (seen.workspace, seen.fact), write=self._save)
        self._written: dict[tuple[WorkspaceId, str], Description] = {}

    def abandon(self) -> None:
        super().abandon()
        self._written.clear()

    def _save(self, conn: Connection, work: Work, notes: Sequence[tuple[WorkspaceId, Fact]], now: int) -> None:
        settings = {ws: work.known(conn, ws, reading_settings) for ws in {ws for ws, _ in notes}}
        told = [description for ws, fact in once(notes) for description in describe(ws, fact, settings[ws])]
        fresh = {key: description for key, description in newest(told).items() if self._is_news(key, description)}
        store.save(conn, fresh.values())
        if len(self._written) > _REMEMBERED:
            self._written.clear()
        self._written.update(fresh)

    def _is_news(self, key: tuple[WorkspaceId, str], description: Description) -> bool:
        """Whether it changes more than when the product was last seen, or that by an hour."""
        written = self._written.get(key)
        return written is None or written[:-2] != description[:-2] or description[-2] - written[-2] >= HOUR


CATALOG = Slice(
    name="catalog",
    title="Catalogue",
    facts=FACT_KINDS,
    stage=Describing,
    parts=PARTS,
    traits=TRAITS,
    kinds=(ItemKind(name=PRODUCT, title="Product", details=details),),
    eligibility=(
        EligibilityRule(
            name="known_to_the_catalogue", title="Known to the catalogue", order=200, barred=unknown, kinds=(PRODUCT,)
        ),
    ),
    web="rapport.capabilities.catalog.web:WEB",
    holds=(of_shop(store.products, "what facts say of products"),),
)

"""What the catalogue brings: every fact that describes products is remembered."""

from __future__ import annotations

from pathlib import Path

from rapport.capabilities.catalog import entries, market_prices, pictures, pricing, stating, store, voices
from rapport.capabilities.catalog.facts import FACT_KINDS
from rapport.capabilities.catalog.service import details, unknown
from rapport.capabilities.catalog.settings import CATALOG_SETTINGS
from rapport.capabilities.catalog.stage import Describing
from rapport.capabilities.catalog.traits import PARTS, TRAITS
from rapport.compose.holding import of_shop
from rapport.compose.slice import Slice
from rapport.decide.model import PRODUCT, EligibilityRule, ItemKind
from rapport.kernel.work import Retelling
from rapport.web.permissions import Permission

__all__ = ["CATALOG"]

CATALOG = Slice(
    name="catalog",
    title="Catalogue",
    facts=(*FACT_KINDS, *stating.FACT_KINDS),
    stage=Describing,
    retelling=Retelling(version=2),
    parts=PARTS,
    traits=TRAITS,
    kinds=(ItemKind(name=PRODUCT, title="Product", details=details),),
    eligibility=(
        EligibilityRule(
            name="known_to_the_catalogue",
            title="Known to the catalogue and not withdrawn",
            order=200,
            barred=unknown,
            kinds=(PRODUCT,),
        ),
    ),
    web="rapport.capabilities.catalog.web:WEB",
    holds=(
        of_shop(store.products, "what servers say of products"),
        of_shop(entries.entries, "products as the shop states them"),
        of_shop(entries.pieces, "what can be bought of each product, and what it costs"),
        of_shop(entries.words, "by which words products are found"),
        of_shop(entries.near_words, "which words are a slip of the finger away"),
        of_shop(entries.codes, "article numbers and bar codes of products"),
        of_shop(entries.facets, "what products are like, to narrow a search by"),
        of_shop(market_prices.market_prices, "what products cost in markets that have feeds of their own"),
        of_shop(pricing.prices, "what each product was to cost, as it was stated on which day"),
        of_shop(store.said, "what browsers and statements say of products"),
        of_shop(voices.hosts, "the sites that the shop leads to"),
        of_shop(pictures.pictures, "what pictures of products look like"),
    ),
    migrations=Path(__file__).parent / "migrations",
    settings=CATALOG_SETTINGS,
    permissions=(
        Permission(name="catalog:read", words="see the catalogue", roles=("marketer", "agent", "analyst")),
        Permission(name="catalog:write", words="state products and withdraw them"),
    ),
)

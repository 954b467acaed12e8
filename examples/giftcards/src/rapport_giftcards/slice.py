"""All that gift cards bring, in one declaration."""

from __future__ import annotations

from pathlib import Path

from rapport.compose.command import Command
from rapport.compose.holding import of_person
from rapport.compose.slice import Slice
from rapport.kernel.work import BatchStage, Retelling
from rapport.web.permissions import Permission
from rapport_giftcards import store
from rapport_giftcards.facts import FACT_KINDS, REDEEMED, SOLD
from rapport_giftcards.jobs import EXPIRY
from rapport_giftcards.service import keep, movement_of
from rapport_giftcards.settings import CARD_SETTINGS
from rapport_giftcards.store import Movement
from rapport_giftcards.traits import PARTS, TRAITS

__all__ = ["GIFTCARDS"]

GIFTCARDS = Slice(
    name="giftcards",
    title="Gift cards",
    facts=FACT_KINDS,
    stage=lambda: BatchStage[Movement]((SOLD, REDEEMED), read=movement_of, write=keep),
    retelling=Retelling(version=1),
    parts=PARTS,
    traits=TRAITS,
    holds=(of_person(store.movements, "the gift cards somebody bought or paid with"),),
    migrations=Path(__file__).parent / "migrations",
    settings=CARD_SETTINGS,
    jobs=(EXPIRY,),
    permissions=(Permission(name="giftcards:read", words="see gift cards", roles=("marketer", "agent", "analyst")),),
    web="rapport_giftcards.web:WEB",
    commands=(
        Command(
            name="giftcards", help="Gift cards: what is left on one.", command="rapport_giftcards.commands:giftcards"
        ),
    ),
)

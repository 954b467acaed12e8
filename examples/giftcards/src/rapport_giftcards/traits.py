"""What is remembered of a customer: how many gift cards they bought."""

from __future__ import annotations

from rapport.kernel.mergeable import Count
from rapport.remember.registry import Part, Trait, yes
from rapport_giftcards.facts import SOLD

__all__ = ["PARTS", "TRAITS"]

PARTS = (Part(name="giftcards_bought", kind=Count(), take=yes, on=(SOLD,)),)

TRAITS = (
    Trait(
        name="gift_cards_bought", title="Gift cards bought", type="integer", part="giftcards_bought",
        rule="Number of gift cards this person bought.",
    ),
)  # fmt: skip

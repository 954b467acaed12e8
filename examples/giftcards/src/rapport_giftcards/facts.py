"""The facts of gift cards, as a till or a website states them."""

from __future__ import annotations

from rapport.kernel.facts import Fact
from rapport.kernel.wording import FactKind, amount_text, joined, short

__all__ = ["FACT_KINDS", "REDEEMED", "SOLD"]

SOLD, REDEEMED = "Gift Card Sold", "Gift Card Redeemed"


def _card(fact: Fact) -> str:
    return joined(amount_text(fact.properties, "amount"), f"card {short(fact.properties.get('code'), 20)}")


_PROPERTIES = {"code": "which card", "amount": "how much", "currency": "in which currency"}

FACT_KINDS = (
    FactKind(name=SOLD, meaning="somebody bought a gift card", icon="card", tone="buy", tell=_card,
             properties=_PROPERTIES),
    FactKind(name=REDEEMED, meaning="somebody paid with a gift card", icon="card", tell=_card, properties=_PROPERTIES),
)  # fmt: skip

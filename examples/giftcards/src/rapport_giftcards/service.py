"""From facts to movements, and from movements to what a card is still worth."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from rapport.kernel.clock import DAY
from rapport.kernel.errors import NotFound
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.money import currency_code
from rapport.kernel.work import Seen, Work
from rapport.remember import inputs
from rapport.storage import settings
from rapport_giftcards import store
from rapport_giftcards.facts import SOLD
from rapport_giftcards.settings import CARD_SETTINGS, CardSettings
from rapport_giftcards.store import CardShown, Movement

__all__ = ["Balance", "balance_of", "is_valid", "keep", "movement_of"]


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """What is left on a card, in minor units of its currency."""

    code: str
    currency: str
    left_minor: int
    valid: bool


def movement_of(seen: Seen) -> Movement | None:
    """What a fact does to a card; None for one that names no card, no amount or no currency."""
    fact, stated = seen.fact, seen.fact.properties
    code, currency = inputs.text(stated.get("code"), 60), currency_code(str(stated.get("currency", ""))[:8])
    minor = inputs.amount(stated.get("amount"), currency) if currency else None
    if code is None or currency is None or minor is None or minor <= 0:
        return None
    sign = 1 if fact.name == SOLD else -1
    return Movement(seen.workspace, fact.id, code.upper(), seen.strand, fact.occurred_at, currency, sign * minor)


def keep(conn: Connection, work: Work, notes: Sequence[Movement], now: int) -> None:
    """Write a batch's movements."""
    store.save(conn, notes)


def is_valid(card: CardShown, decided: CardSettings, *, now: int) -> bool:
    """Whether somebody can still pay with it."""
    return card.left_minor > 0 and now < card.sold_at + decided.valid_days * DAY


def balance_of(conn: Connection, workspace: WorkspaceId, code: str, *, now: int) -> Balance:
    """What is left on a card, by its code in any case. Raises NotFound."""
    found = store.cards(conn, workspace, code=code[:60].upper().replace("\0", ""))
    if not found:
        raise NotFound(f"no gift card {code[:60]!r}", hint="is it typed as it is printed?")
    decided = settings.load(conn, workspace, CARD_SETTINGS).value
    # A till that states a wrong currency makes a second entry of the code: the one that is worth something counts.
    card = next((one for one in found if is_valid(one, decided, now=now)), found[0])
    valid = is_valid(card, decided, now=now)
    return Balance(code=card.code, currency=card.currency, left_minor=card.left_minor, valid=valid)

"""What somebody's card for their phone's wallet says now, in their language."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.loyalty import words
from rapport.capabilities.loyalty.passes import CardShown, serial_of
from rapport.capabilities.loyalty.showing import member_shown
from rapport.capabilities.loyalty.wallet import wallet_of
from rapport.capabilities.loyalty.whose import person_of
from rapport.capabilities.loyalty.words import WORDS
from rapport.kernel.clock import to_iso
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.graph.store import identifiers

__all__ = ["CARD", "card_of"]

CARD = "loyalty_card"
"""Identifiers of this kind are numbers that a till reads."""
_LABELS = ("points", "tier", "number", "next", "until", "as_of")


def card_of(
    conn: Connection, workspace: WorkspaceId, key: Key, shop: str, language: str, *, now: int
) -> tuple[str, CardShown]:  # fmt: skip
    """The programme and the card. Raises NotFound where the shop has no programme."""
    wallet, said = wallet_of(conn, workspace, key, now=now), member_shown(conn, workspace, key, language, now=now)
    strands = person_of(conn, workspace, key)
    tier = said["tier"]
    return wallet.programme, CardShown(
        serial=serial_of(workspace, wallet.programme, min(strands)), number=_number(conn, workspace, strands),
        shop=shop, title=wallet.title, balance=wallet.balance, tier=wallet.tier_title,
        labels={name: WORDS[language][f"card_{name}"] for name in _LABELS},
        way=tier["way"] if tier and wallet.next_tier else "", soon="; ".join(said["soon"]),
        as_of=words.day(to_iso(now), language, said["say"].zone),
    )  # fmt: skip


def _number(conn: Connection, workspace: WorkspaceId, strands: set[Key]) -> str:
    """The number of a card they have, which tills know already; else their customer id, by which the API finds them."""
    i = identifiers.c
    query = sa.select(i.value).where(i.workspace == workspace, i.key.in_(sorted(strands)), i.namespace == CARD)
    card = conn.execute(query.order_by(i.value).limit(1)).scalar()
    return str(card) if card else load_customer_ids(conn).customer_id(min(strands))

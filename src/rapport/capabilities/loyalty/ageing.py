"""What time alone does to lots, with the facts of it: whoever touches a lot ages it first, and states what became."""

from __future__ import annotations

from rapport.capabilities.loyalty.facts import AVAILABLE, EXPIRED
from rapport.capabilities.loyalty.ledger import Lot
from rapport.capabilities.loyalty.settling import Stating

__all__ = ["age"]


def age(stating: Stating, lot: Lot, *, now: int) -> None:
    """Bring a lot to this moment: its points become available or expire, which is stated. It is to be saved."""
    waited = lot.pending
    gone = lot.mature(now)
    said = {"lot": lot.lot, "programme": lot.programme}
    if waited and not lot.pending:
        stating.add(lot.strand, AVAILABLE, f"points-available:{lot.programme}:{lot.lot}:{lot.entries}",
                    lot.available_at, points=waited, words=lot.words, **said)  # fmt: skip
    if gone:
        stating.add(lot.strand, EXPIRED, f"points-expired:{lot.programme}:{lot.lot}:{lot.entries}",
                    min(lot.expires_at, now), points=gone, words="not used in time", **said)  # fmt: skip

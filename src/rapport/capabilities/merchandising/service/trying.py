"""What rules would do: one slate without them, one with them, and what that changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from rapport.capabilities.catalog import find_products
from rapport.capabilities.merchandising.model import Rule
from rapport.capabilities.merchandising.service.applying import TRIED
from rapport.decide.asked import Decision, DecisionAsked
from rapport.decide.service import Decider
from rapport.kernel.ids import WorkspaceId
from rapport.storage.engine import Database

__all__ = ["Margin", "Tried", "try_rules"]


class Margin(msgspec.Struct, frozen=True, kw_only=True):
    """What a piece of what is shown brings, price less cost, in the mean."""

    currency: str
    mean_minor: int | None
    """Null where of no item both are known in this currency."""
    unknown: int
    """Items of which they are not."""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """A slate without any rule and with the rules, neither of them logged; the best choice, nothing explored."""

    without: list[dict[str, Any]]
    shown: list[dict[str, Any]]
    margin_without: Margin
    margin_shown: Margin
    left_out: dict[str, int]
    """By guardrail in words: how many candidates it took away, with the rules."""


def try_rules(
    db: Database, decider: Decider, workspace: WorkspaceId, asked: DecisionAsked, rules: Sequence[Rule], *,
    currency: str, now: int,
) -> Tried:  # fmt: skip
    """Decide twice. Raises NotFound, InvalidInput as a decision does."""
    without, _ = decider.compute(workspace, asked, now=now, trial={TRIED: ()})
    shown, _ = decider.compute(workspace, asked, now=now, trial={TRIED: tuple(rules)})
    return Tried(
        without=without.items, shown=shown.items, margin_without=_margin(db, workspace, without, currency),
        margin_shown=_margin(db, workspace, shown, currency),
        left_out={one.title: one.removed for one in shown.guardrails if one.removed},
    )  # fmt: skip


def _margin(db: Database, workspace: WorkspaceId, decision: Decision, currency: str) -> Margin:
    ids = [str(item["item_id"]) for item in decision.items]
    with db.read() as conn:
        known = find_products(conn, workspace, ids)
    margins = [
        one.price_minor - one.cost_minor
        for product_id in ids
        if (one := known.get(product_id)) is not None
        and one.price_minor is not None and one.cost_minor is not None and one.currency == currency
    ]  # fmt: skip
    mean = round(sum(margins) / len(margins)) if margins else None
    return Margin(currency=currency, mean_minor=mean, unknown=len(ids) - len(margins))

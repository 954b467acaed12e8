"""What another mix of goals would change: the same pages decided twice, nothing logged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import log2
from typing import Any

import msgspec

from rapport.capabilities.goals.model import GOALS
from rapport.capabilities.goals.service.scoring import TRIED
from rapport.capabilities.goals.settings import GoalsSettings
from rapport.capabilities.recommendations import popular
from rapport.decide.asked import DecisionAsked
from rapport.decide.service import Decider
from rapport.kernel.ids import WorkspaceId
from rapport.storage.engine import Database

__all__ = ["GoalChange", "GoalsTried", "PageTried", "try_goals"]

PAGES = 20
"""Product pages that are looked at, those of the most popular products, beside Home."""

SHOWN = 6


class GoalChange(msgspec.Struct, frozen=True, kw_only=True):
    """A goal over all pages that were looked at: of a thousand visits, as it is and as it would be."""

    goal: str
    before: float | None
    after: float | None
    """Null where it is known of no place."""
    unknown: int
    """Places of the new slates of which it is not known; they are in neither sum."""


class PageTried(msgspec.Struct, frozen=True, kw_only=True):
    """One page: what it shows, and what it would show."""

    placement: str
    product_id: str
    """Whose page it is; empty for Home."""
    shown: list[dict[str, Any]]
    wanted: list[dict[str, Any]]
    changed: int
    """Places that would show another product."""


class GoalsTried(msgspec.Struct, frozen=True, kw_only=True):
    """What a mix would change, for a visitor of whom nothing is known."""

    currency: str
    goals: list[GoalChange]
    """`revenue` and `contribution` in minor units."""
    pages: list[PageTried]
    changed_places: int
    places: int


def try_goals(
    db: Database, decider: Decider, workspace: WorkspaceId, wanted: GoalsSettings, *, held: GoalsSettings,
    currency: str, now: int,
) -> GoalsTried:  # fmt: skip
    """Decide each page twice, with the goals in force and with these; the best choice, nothing explored."""
    with db.read() as conn:
        ids = list(popular(conn, workspace, limit=PAGES))
    asked = [("home", ""), *(("product", product_id) for product_id in ids)]
    pages = []
    for place, product_id in asked:
        if place in decider.placements:
            shown, other = (_slate(decider, workspace, place, product_id, one, now=now) for one in (held, wanted))
            changed = sum(one["item_id"] != it["item_id"] for one, it in zip(shown, other, strict=False))
            pages.append(PageTried(
                placement=place, product_id=product_id, shown=shown, wanted=other, changed=changed
            ))  # fmt: skip
    before, after = ([item for page in pages for item in getattr(page, name)] for name in ("shown", "wanted"))
    return GoalsTried(
        currency=currency, goals=[_change(goal, before, after, visits=len(pages)) for goal in GOALS], pages=pages,
        changed_places=sum(page.changed for page in pages), places=len(after),
    )  # fmt: skip


def _slate(
    decider: Decider, workspace: WorkspaceId, place: str, product_id: str, goals: GoalsSettings, *, now: int
) -> list[dict[str, Any]]:
    context = {"product_id": product_id} if product_id else {}
    asked = DecisionAsked(placement=place, context=context, limit=SHOWN)
    return decider.compute(workspace, asked, now=now, trial={TRIED: goals})[0].items


def _change(goal: str, before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]], *, visits: int) -> GoalChange:
    return GoalChange(
        goal=goal, before=_of_a_thousand(goal, before, visits), after=_of_a_thousand(goal, after, visits),
        unknown=sum(item.get("expected", {}).get(goal) is None for item in after),
    )  # fmt: skip


def _of_a_thousand(goal: str, items: Iterable[dict[str, Any]], visits: int) -> float | None:
    """Places count as they are looked at: the first wholly, the next ones ever less.

    **Source:** Järvelin and Kekäläinen, *Cumulated gain-based evaluation of IR techniques*, ACM TOIS 20(4), 2002.
    """
    known = [
        value / log2(1 + item["position"])
        for item in items if (value := item.get("expected", {}).get(goal)) is not None
    ]  # fmt: skip
    return round(1_000 * sum(known) / max(1, visits), 2) if known else None

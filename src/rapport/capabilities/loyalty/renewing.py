"""How many memberships will be renewed: those that end soon, by what those did that came to an end within a year.

Told apart is what tells: whether it was a trial, and whether its benefits had saved the fee.
"""

from __future__ import annotations

from math import sqrt
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.programme import Plan, Programme
from rapport.kernel.clock import DAY
from rapport.kernel.ids import WorkspaceId
from rapport.resolve.graph.store import identifiers

__all__ = ["RenewalForecast", "RenewalGroup", "renewals_of"]

AHEAD = 90 * DAY
YEAR = 365 * DAY
ENOUGH = 20
"""Periods of a group that came to an end; with fewer nobody can say how many are renewed."""
Z = 1.96
_i, _m, _p, _s = identifiers.c, store.memberships.c, store.periods.c, store.savings.c


class RenewalGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Memberships that are alike, within a plan."""

    kind: str
    """`trial`, `saved` (its benefits saved the fee or more) or `not_saved`."""
    ended: int
    """Periods that came to an end in the last 365 days, and were not cancelled more than 45 days before."""
    renewed: int
    """With those that were changed to another plan."""
    ending: int
    """Those that end in the next 90 days, and were not cancelled."""
    share: float | None
    """Of those that ended; None where they are fewer than 20."""


class RenewalForecast(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan's memberships of the next 90 days will bring. Money in minor units; an interval of 95 %."""

    plan: str
    title: str
    ending: int
    cancelled: int
    """Those that end in this time and were cancelled: they are counted nowhere else."""
    expected: int | None
    """Of those that end; None where too few have ended so far to say."""
    low: int | None
    high: int | None
    fees_minor: int | None
    groups: tuple[RenewalGroup, ...]


class _Row(NamedTuple):
    plan: str
    is_trial: bool
    has_saved: bool
    is_over: bool
    is_cancelled: bool
    is_renewed: bool
    number: int


def renewals_of(
    conn: Connection, workspace: WorkspaceId, programme: str, terms: Programme, *, now: int
) -> list[RenewalForecast]:  # fmt: skip
    """A forecast for each plan. Cost: the periods of a year and the next 90 days, each with its savings by index."""
    rows = [_Row(*row) for row in conn.execute(_counted(workspace, programme, now))]
    return [_forecast(plan, [row for row in rows if row.plan == plan.name]) for plan in terms.plans]


def _forecast(plan: Plan, rows: list[_Row]) -> RenewalForecast:
    groups = tuple(_group(kind, rows) for kind in ("trial", "saved", "not_saved"))
    ending = [one for one in groups if one.ending]
    expected = variance = 0.0
    for one in ending:
        share = one.share or 0.0
        expected += one.ending * share
        # What chance does to those who end, and to those from whom the share was learned.
        spread = share * (1 - share)
        variance += one.ending * spread + one.ending**2 * spread / max(1, one.ended)
    is_known = all(one.share is not None for one in ending)
    total, around = sum(one.ending for one in groups), Z * sqrt(variance)
    return RenewalForecast(
        plan=plan.name, title=plan.title, ending=total,
        cancelled=sum(row.number for row in rows if not row.is_over and row.is_cancelled),
        expected=round(expected) if is_known else None, low=max(0, round(expected - around)) if is_known else None,
        high=min(total, round(expected + around)) if is_known else None,
        fees_minor=round(expected * plan.fee_minor) if is_known else None, groups=groups,
    )  # fmt: skip


def _group(kind: str, rows: list[_Row]) -> RenewalGroup:
    mine = [row for row in rows if _kind(row) == kind]
    over = [row for row in mine if row.is_over and not row.is_cancelled]
    ended, renewed = sum(row.number for row in over), sum(row.number for row in over if row.is_renewed)
    return RenewalGroup(
        kind=kind, ended=ended, renewed=renewed, share=renewed / ended if ended >= ENOUGH else None,
        ending=sum(row.number for row in mine if not row.is_over and not row.is_cancelled and not row.is_renewed),
    )  # fmt: skip


def _kind(row: _Row) -> str:
    return "trial" if row.is_trial else "saved" if row.has_saved else "not_saved"


def _counted(workspace: WorkspaceId, programme: str, now: int) -> sa.Select[Any]:
    """Periods that ended within a year or end soon, counted by plan and by what tells them apart."""
    after, mine, theirs = store.periods.alias("after"), identifiers.alias("mine"), identifiers.alias("theirs")
    saved = (
        sa.select(sa.func.coalesce(sa.func.sum(_s.minor), 0))
        .select_from(store.savings.join(theirs, (theirs.c.workspace == _s.workspace) & (theirs.c.key == _s.strand)))
        .where(_s.workspace == _m.workspace, _s.programme == _m.programme, theirs.c.root == mine.c.root,
               _s.source == sa.literal("plan:") + _m.plan, _s.at >= _p.since, _s.at < _p.until)
        .correlate(store.memberships, store.periods, mine).scalar_subquery()
    )  # fmt: skip
    renewed = sa.exists().where(
        after.c.workspace == _p.workspace, after.c.membership == _p.membership, after.c.number == _p.number + 1
    )
    is_over = _p.until <= now
    # Those that end soon have some weeks to be cancelled yet; of those that are over, the same are counted.
    cancelled = sa.case((is_over, _m.cancelled_at < _p.until - AHEAD // 2), else_=_m.cancelled_at.is_not(None))
    each = (
        sa.select(
            _m.plan.label("plan"), sa.case((_p.number == 0, 1), else_=0).label("trial"),
            sa.case((sa.and_(_p.fee_minor > 0, saved >= _p.fee_minor), 1), else_=0).label("saved"),
            sa.case((is_over, 1), else_=0).label("over"),
            sa.case((cancelled, 1), else_=0).label("cancelled"),
            sa.case((sa.or_(renewed, _m.changed_to != ""), 1), else_=0).label("renewed"),
        )
        .select_from(
            store.memberships.join(store.periods, (_p.workspace == _m.workspace) & (_p.membership == _m.id))
            .outerjoin(mine, (mine.c.workspace == _m.workspace) & (mine.c.key == _m.strand))
        )
        .where(_m.workspace == workspace, _m.programme == programme, _p.until > now - YEAR, _p.until <= now + AHEAD,
               _p.until > _p.since, _m.ended_by.not_in(("withdrawn", "fee_came_back")))
    ).subquery()  # fmt: skip
    kinds = [each.c[name] for name in ("plan", "trial", "saved", "over", "cancelled", "renewed")]
    return sa.select(*kinds, sa.func.count()).group_by(*kinds)

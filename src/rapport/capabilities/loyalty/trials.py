"""What was given by chance, and what it changed: apologies, invitations to a membership. By set-based statements."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.chance import GIVEN, HELD_OUT
from rapport.capabilities.loyalty.expecting import Cost, expectations_of
from rapport.capabilities.loyalty.programme import Programme
from rapport.capabilities.loyalty.versions import versions_of
from rapport.kernel.clock import to_iso
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.language import noted
from rapport.measure.effects import Difference, Group, difference, effect_on_takers, sample_ratio_p
from rapport.resolve.graph.store import identifiers

__all__ = ["BenefitCost", "Measured", "TrialShown", "benefit_costs", "trials_of"]

_a, _i, _l, _s = store.arms.c, identifiers.c, store.lots.c, store.savings.c
MEASURES = {
    "buyers": (noted("Bought again"), "share"), "orders": (noted("Orders"), "number"),
    "revenue": (noted("Revenue that counts, after refunds"), "money"),
    "net": (noted("The same with fees, less what benefits saved"), "money"),
}  # fmt: skip
ENOUGH = 100
"""People of an arm; below it a difference is shown as not known yet."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One measure of each person since they were assigned. Money in minor units; an interval of 95 %."""

    name: str
    title: str
    unit: str
    given_mean: float
    held_out_mean: float
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    on_takers: float | None
    """Of who joined because they were invited; None where too few were moved."""
    on_takers_low: float | None
    on_takers_high: float | None


class TrialShown(msgspec.Struct, frozen=True, kw_only=True):
    """A trial as it stands: everybody is counted in the group that chance put them in, whatever they did."""

    trial: str
    title: str
    since: str
    given: int
    held_out: int
    joined_given: int
    joined_held_out: int
    both: int
    """People who turned out to be one after they were assigned apart: not counted."""
    ratio_p: float | None
    """How likely chance makes groups of such sizes; None where the share held out was changed meanwhile."""
    is_enough: bool
    measures: list[Measured]


class BenefitCost(msgspec.Struct, frozen=True, kw_only=True):
    """What one benefit, or one campaign, gave in orders."""

    kind: str
    title: str
    source: str
    orders: int
    minor: int
    points: int
    points_minor: int
    expected: Cost | None = None
    """Of a campaign: what it was expected to cost when it was put in force."""


def trials_of(conn: Connection, workspace: WorkspaceId, programme: str, terms: Programme) -> list[TrialShown]:
    """All trials of a programme. Cost: for each the people in it, with their orders since."""
    named = sa.select(_a.trial).where(_a.workspace == workspace, _a.programme == programme).distinct()
    return [_shown(conn, workspace, programme, terms, trial) for (trial,) in conn.execute(named.order_by(_a.trial))]


def benefit_costs(
    conn: Connection, workspace: WorkspaceId, programme: str, terms: Programme, *, since: int
) -> list[BenefitCost]:
    """What benefits and campaigns gave since then, the dearest first. Cost: the orders of that time that had one."""
    query = (
        sa.select(_s.kind, _s.source, sa.func.max(_s.title), sa.func.count(), sa.func.sum(_s.minor),
                  sa.func.sum(_s.points))
        .where(_s.workspace == workspace, _s.programme == programme, _s.at >= since).group_by(_s.kind, _s.source)
    )  # fmt: skip
    expected = {f"rule:{rule}": cost for rule, cost in expectations_of(conn, workspace, programme).items()}
    found = [
        BenefitCost(kind=kind, source=source, title=title, orders=orders, minor=int(minor), points=int(points),
                    points_minor=int(points) * terms.worth.minor // terms.worth.points, expected=expected.get(source))
        for kind, source, title, orders, minor, points in conn.execute(query)
    ]  # fmt: skip
    return sorted(found, key=lambda one: (-one.minor - one.points_minor, one.source))


def _shown(conn: Connection, workspace: WorkspaceId, programme: str, terms: Programme, trial: str) -> TrialShown:
    rows = {row.arm: row for row in conn.execute(_sums(workspace, programme, trial))}
    kind, _, name = trial.partition(":")
    plan, rule = terms.plan_named(name), next((one for one in terms.earning if one.name == name), None)
    found = plan if kind == "plan" else rule
    given, held, both = rows.get(GIVEN), rows.get(HELD_OUT), rows.get(2)
    people = [int(row.people) if row else 0 for row in (given, held, both)]
    percents = _percents(conn, workspace, programme, kind, name)
    return TrialShown(
        trial=trial, title=found.title if found else name,
        since=to_iso(min(int(row.since) for row in rows.values())) if rows else "",
        given=people[0], held_out=people[1], both=people[2],
        joined_given=int(given.takers) if given else 0, joined_held_out=int(held.takers) if held else 0,
        ratio_p=sample_ratio_p(people[0], people[1], share=1 - percents.pop() / 100) if len(percents) == 1 else None,
        is_enough=min(people[:2]) >= ENOUGH,
        measures=[_measured(one, _group(given, one), _group(held, one)) for one in MEASURES],
    )  # fmt: skip


def _percents(conn: Connection, workspace: WorkspaceId, programme: str, kind: str, name: str) -> set[int]:
    """The shares that were ever held out of this trial."""
    terms = [version.programme for version in versions_of(conn, workspace).get(programme, ())]
    tried = [one for each in terms for one in (each.plans if kind == "plan" else each.earning) if one.name == name]
    return {one.holdout_percent for one in tried if one.holdout_percent}


def _measured(name: str, given: Group, held: Group) -> Measured:
    title, unit = MEASURES[name]
    all_of, takers = difference(given, held, often=True), effect_on_takers(given, held, often=True)
    return Measured(
        name=name, title=title, unit=unit, given_mean=given.mean, held_out_mean=held.mean,
        **_numbers(all_of, ("difference", "low", "high", "p")),
        **_numbers(takers, ("on_takers", "on_takers_low", "on_takers_high")),
    )  # fmt: skip


def _numbers(found: Difference | None, names: tuple[str, ...]) -> dict[str, Any]:
    return dict(zip(names, found, strict=False)) if found else dict.fromkeys(names)


def _group(row: Any, measure: str) -> Group:
    if row is None:
        return Group(0, 0.0, 0.0)
    return Group(
        int(row.people), float(getattr(row, measure)), float(getattr(row, f"{measure}_squares")), int(row.takers),
        float(getattr(row, f"{measure}_takers")),
    )  # fmt: skip


def _people(workspace: WorkspaceId, programme: str, trial: str) -> sa.Subquery:
    """Who is in the trial, by customer, since when and in which arm; 2 where what became one was in both."""
    joined = store.arms.outerjoin(identifiers, (_i.workspace == _a.workspace) & (_i.key == _a.strand))
    root = sa.func.coalesce(_i.root, _a.strand)
    low, high = sa.func.min(_a.arm), sa.func.max(_a.arm)
    return (
        sa.select(root.label("root"), sa.func.min(_a.at).label("at"), sa.case((low == high, low), else_=2).label("arm"))
        .select_from(joined).where(_a.workspace == workspace, _a.programme == programme, _a.trial == trial)
        .group_by(root).subquery()
    )  # fmt: skip


def _since(people: sa.Subquery, table: sa.Table, at: sa.ColumnElement[Any], *values: Any, where: Any) -> sa.Subquery:
    """Of each of these people what stands in a table since they were assigned."""
    c = table.c
    joined = table.outerjoin(identifiers, (_i.workspace == c.workspace) & (_i.key == c.strand)).join(
        people, people.c.root == sa.func.coalesce(_i.root, c.strand)
    )
    query = sa.select(people.c.root, *values).select_from(joined).where(where, at >= people.c.at)
    return query.group_by(people.c.root).subquery()


def _sums(workspace: WorkspaceId, programme: str, trial: str) -> sa.Select[Any]:
    """By arm the sums of all measures."""
    people = _people(workspace, programme, trial)
    m, p = store.memberships.c, store.periods.c
    total = sa.func.sum
    orders = _since(
        people, store.lots, _l.at, total(_l.counted_minor).label("minor"),
        total(sa.case((_l.counted_minor > 0, 1), else_=0)).label("number"),
        where=sa.and_(_l.workspace == workspace, _l.programme == programme, _l.is_order == 1),
    )  # fmt: skip
    saved = _since(people, store.savings, _s.at, total(_s.minor).label("minor"),
                   where=sa.and_(_s.workspace == workspace, _s.programme == programme))  # fmt: skip
    plan = trial.removeprefix("plan:") if trial.startswith("plan:") else ""
    fees = sa.select(p.workspace, p.membership, total(p.fee_minor).label("minor")).group_by(p.workspace, p.membership)
    fee = fees.subquery()
    member = _since(people, store.memberships, m.anchor, sa.func.count().label("number"), total(
        sa.select(fee.c.minor).where(fee.c.workspace == m.workspace, fee.c.membership == m.id).scalar_subquery()
        - m.refunded_minor
    ).label("minor"), where=sa.and_(m.workspace == workspace, m.programme == programme, m.plan == plan))  # fmt: skip

    def value(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.cast(sa.func.coalesce(column, 0), sa.Float)

    revenue = value(orders.c.minor)
    taker = sa.case((sa.func.coalesce(member.c.number, 0) > 0, 1.0), else_=0.0)
    each = {
        "buyers": sa.case((value(orders.c.number) > 0, 1.0), else_=0.0), "orders": value(orders.c.number),
        "revenue": revenue, "net": revenue + value(member.c.minor) - value(saved.c.minor),
    }  # fmt: skip
    joined = people
    for one in (orders, saved, member):
        joined = joined.outerjoin(one, one.c.root == people.c.root)  # type: ignore[assignment]
    sums = [
        total(column).label(name + suffix)
        for name, y in each.items()
        for suffix, column in (("", y), ("_squares", y * y), ("_takers", y * taker))
    ]
    return (
        sa.select(people.c.arm, sa.func.count().label("people"), sa.func.min(people.c.at).label("since"),
                  total(taker).label("takers"), *sums)
        .select_from(joined).group_by(people.c.arm)
    )  # fmt: skip

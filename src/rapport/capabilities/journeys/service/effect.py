"""What a journey is worth: everybody in the arm that chance put them in, by what they ordered since. Set-based.

A customer counts once, from their first entry on, for the days that the graph says; whoever turned out to be one with
somebody of the other arm is in neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.consent import refusals_of_news
from rapport.capabilities.insights import with_margins
from rapport.capabilities.journeys import store
from rapport.capabilities.journeys.model import CONTROL, TREATED
from rapport.capabilities.journeys.service.graphs import find
from rapport.capabilities.messages import complaints
from rapport.kernel.clock import DAY, to_iso
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.language import noted
from rapport.measure.effects import Difference, Group, difference, sample_ratio_p
from rapport.resolve.graph.store import identifiers
from rapport.storage.workspaces import workspace_of

__all__ = ["ENOUGH", "Effect", "Measured", "effect_of"]

MEASURES = {
    "buyers": (noted("Share who ordered"), "share"), "orders": (noted("Orders"), "number"),
    "revenue": (noted("Revenue after refunds"), "money"),
    "margin": (noted("Margin after returns, where the cost is known"), "money"),
    "unsubscribed": (noted("Share who refused news and offers"), "share"),
    "complained": (noted("Share who called a message spam"), "share"),
}  # fmt: skip
ENOUGH = 100
"""People of an arm; below it a difference is shown as not known yet."""
BOTH = "both"

_i, _n = store.instances.c, identifiers.c


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One measure for each person, with the 95 % interval of the difference. Money in minor units."""

    name: str
    title: str
    unit: str
    """`share`, `number` or `money`."""
    journey_mean: float
    control_mean: float
    difference: float | None
    """None where an arm has fewer than two people."""
    low: float | None
    high: float | None
    p: float | None
    """How often chance alone makes a difference so large, were there none."""


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What a journey changed, as it stands."""

    since: str
    """When the first of them entered; empty where nobody has."""
    days: int
    """For so long after their first entry the orders of each count; of who entered later, those up to now."""
    journey: int
    """People who walk it, or did."""
    control: int
    """People who only entered."""
    both: int
    """People who turned out to be one after chance had put them apart: not counted."""
    ratio_p: float | None
    """How often chance alone makes arms so unlike `control_percent`; None where that was changed meanwhile."""
    is_enough: bool
    currency: str
    """Revenue counts orders in it, the shop's own."""
    measures: list[Measured]


def effect_of(conn: Connection, workspace: WorkspaceId, name: str, *, now: int) -> Effect:
    """The effect of a journey. Raises NotFound. Cost: the people who ever entered it, with their orders since."""
    graph = find(conn, workspace, name).graph
    currency = workspace_of(conn, workspace).settings.currency
    query = _sums(workspace, name, span=graph.effect_days * DAY, currency=currency)
    rows = {row.arm: row for row in conn.execute(query)}
    given, held, both = (rows.get(arm) for arm in (TREATED, CONTROL, BOTH))
    journey, control = (int(row.people) if row else 0 for row in (given, held))
    percents = _percents(conn, workspace, name)
    return Effect(
        since=to_iso(min(int(row.since) for row in rows.values())) if rows else "", days=graph.effect_days,
        journey=journey, control=control, both=int(both.people) if both else 0,
        ratio_p=sample_ratio_p(journey, control, share=1 - percents.pop() / 100) if len(percents) == 1 else None,
        is_enough=min(journey, control) >= ENOUGH, currency=currency,
        measures=[_measured(one, _group(given, one), _group(held, one)) for one in MEASURES],
    )  # fmt: skip


def _percents(conn: Connection, workspace: WorkspaceId, name: str) -> set[int]:
    """How large the control arm was to be, in all versions by which somebody entered."""
    entered = sa.select(_i.version).where(_i.workspace == workspace, _i.journey == name).distinct()
    bodies = (store.body_of(conn, workspace, name, version) for version in list(conn.execute(entered).scalars()))
    return {msgspec.json.decode(body, type=_Share).control_percent for body in bodies if body is not None}


class _Share(msgspec.Struct):
    control_percent: int = 10


def _people(workspace: WorkspaceId, name: str) -> sa.Subquery:
    """Who was let in, by customer: since when, in which arm."""
    joined = store.instances.outerjoin(identifiers, (_n.workspace == _i.workspace) & (_n.key == _i.strand))
    root, low, high = sa.func.coalesce(_n.root, _i.strand), sa.func.min(_i.arm), sa.func.max(_i.arm)
    arm = sa.case((low == high, low), else_=sa.literal(BOTH)).label("arm")
    return (
        sa.select(root.label("root"), sa.func.min(_i.entered_at).label("at"), arm).select_from(joined)
        .where(_i.workspace == workspace, _i.journey == name, _i.arm != "").group_by(root).subquery()
    )  # fmt: skip


def _sums(workspace: WorkspaceId, name: str, *, span: int, currency: str) -> sa.Select[Any]:
    """By arm the sums, and sums of squares, of all measures."""
    people, placed = _people(workspace, name), with_margins(workspace).subquery()
    is_own = placed.c.currency == currency
    minor, margin = (sa.case((is_own, column), else_=0) for column in (placed.c.kept, placed.c.margin))
    sums_of = (sa.func.count().label("number"), sa.func.sum(minor).label("minor"), sa.func.sum(margin).label("margin"))
    orders = _since_entry(workspace, people, placed, sums_of, span=span, where=placed.c.cancelled == 0)
    times = (sa.func.count().label("number"),)
    refused = _since_entry(workspace, people, refusals_of_news(workspace).subquery(), times, span=span)
    spam = _since_entry(workspace, people, complaints(workspace).subquery(), times, span=span)

    def value(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.cast(sa.func.coalesce(column, 0), sa.Float)

    each = {
        "buyers": sa.case((value(orders.c.number) > 0, 1.0), else_=0.0), "orders": value(orders.c.number),
        "revenue": value(orders.c.minor), "margin": value(orders.c.margin),
        "unsubscribed": sa.case((value(refused.c.number) > 0, 1.0), else_=0.0),
        "complained": sa.case((value(spam.c.number) > 0, 1.0), else_=0.0),
    }  # fmt: skip
    sums = [
        sa.func.sum(column).label(measure + suffix)
        for measure, y in each.items()
        for suffix, column in (("", y), ("_squares", y * y))
    ]
    joined: sa.FromClause = people
    for of in (orders, refused, spam):
        joined = joined.outerjoin(of, of.c.root == people.c.root)
    query = sa.select(people.c.arm, sa.func.count().label("people"), sa.func.min(people.c.at).label("since"), *sums)
    return query.select_from(joined).group_by(people.c.arm)


def _since_entry(
    workspace: WorkspaceId, people: sa.Subquery, happened: sa.Subquery, columns: Sequence[sa.ColumnElement[Any]], *,
    span: int, where: sa.ColumnElement[bool] | None = None,
) -> sa.Subquery:  # fmt: skip
    """What happened (`strand`, `at`) to each of these people within the span after they entered, summed by `root`."""
    joined = happened.outerjoin(identifiers, (_n.workspace == workspace) & (_n.key == happened.c.strand)).join(
        people, people.c.root == sa.func.coalesce(_n.root, happened.c.strand)
    )
    counts = (happened.c.at >= people.c.at) & (happened.c.at < people.c.at + span)
    query = sa.select(people.c.root, *columns).select_from(joined).where(counts)
    return (query if where is None else query.where(where)).group_by(people.c.root).subquery()


def _group(row: Any, measure: str) -> Group:
    if row is None:
        return Group(0, 0.0, 0.0)
    return Group(int(row.people), float(getattr(row, measure)), float(getattr(row, f"{measure}_squares")))


def _measured(name: str, given: Group, held: Group) -> Measured:
    title, unit = MEASURES[name]
    found: Difference | None = difference(given, held, often=True)
    value, low, high, p = found if found is not None else (None, None, None, None)
    return Measured(
        name=name, title=title, unit=unit, journey_mean=given.mean, control_mean=held.mean, difference=value, low=low,
        high=high, p=p,
    )  # fmt: skip

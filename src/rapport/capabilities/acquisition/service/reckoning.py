"""Costs beside the customers they won: by campaign or by time, in each currency."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection

from rapport.capabilities.acquisition.model import paid_back_after
from rapport.capabilities.acquisition.store import Spent, spent_by_campaign, spent_by_day
from rapport.capabilities.insights import NONE, Won, won_in
from rapport.kernel.clock import to_datetime, to_iso, zone_named
from rapport.measure.days import day_of
from rapport.measure.model import Question
from rapport.measure.periods import named
from rapport.storage.workspaces import workspace_of

__all__ = ["cost_rows", "payback_rows"]

Rows = list[dict[str, Any]]


class _Reckoned(NamedTuple):
    group: str
    currency: str
    cost_minor: int
    clicks: int
    won: Won | None


def cost_rows(conn: Connection, question: Question) -> Rows:
    """Rows of the metric `acquisition_cost`."""
    return [
        {
            question.by: one.group, "currency": one.currency, "cost_minor": one.cost_minor, "clicks": one.clicks,
            "new_customers": _customers(one), "per_customer_minor": _each(one.cost_minor, _customers(one)),
        }
        for one in _reckoned(conn, question)
    ]  # fmt: skip


def payback_rows(conn: Connection, question: Question) -> Rows:
    """Rows of the metric `payback`."""
    rows = []
    for one in _reckoned(conn, question):
        left = [] if one.won is None else one.won.left.get(one.currency, [])
        rows.append({
            question.by: one.group, "currency": one.currency, "cost_minor": one.cost_minor,
            "new_customers": _customers(one), "kept_minor": sum(aged.kept for aged in left),
            "margin_minor": sum(aged.margin for aged in left), "unknown_minor": sum(aged.unknown for aged in left),
            "payback_days":
                paid_back_after(((aged.age, aged.margin) for aged in left), one.cost_minor) if one.cost_minor else None,
        })  # fmt: skip
    return rows


def _reckoned(conn: Connection, question: Question) -> list[_Reckoned]:
    """A row for each group and each currency in which it cost or left anything, by group and currency."""
    won, names = _by_name(won_in(conn, question)), dict[str, str]()
    cost: dict[tuple[str, str], tuple[int, int]] = {}
    for group, one in _spent(conn, question):
        key = group.casefold()
        names.setdefault(key, group)
        minor, clicks = cost.get((key, one.currency), (0, 0))
        cost[key, one.currency] = minor + one.cost_minor, clicks + one.clicks
    names |= {key: one.group for key, one in won.items()}
    own = workspace_of(conn, question.workspace).settings.currency
    pairs = {*cost, *((key, currency) for key, one in won.items() for currency in one.left or (own,))}
    return sorted(
        _Reckoned(names[key], currency, *cost.get((key, currency), (0, 0)), won.get(key)) for key, currency in pairs
    )


def _by_name(found: Iterable[Won]) -> dict[str, Won]:
    """Customers won, by the campaign's name whatever its capitals."""
    same: dict[str, list[Won]] = defaultdict(list)
    for one in found:
        same[one.group.casefold()].append(one)
    return {key: _together(several) for key, several in same.items()}


def _together(several: list[Won]) -> Won:
    left: dict[str, list[Any]] = defaultdict(list)
    for one in several:
        for currency, aged in one.left.items():
            left[currency] += aged
    largest = max(several, key=lambda one: one.customers)
    return Won(largest.group, sum(one.customers for one in several), dict(left))


def _spent(conn: Connection, question: Question) -> Iterable[tuple[str, Spent]]:
    """The costs of the days that the period touches, each with its group as rows name it."""
    zone = zone_named(question.zone)
    first, last = day_of(question.since, zone), day_of(max(question.since, question.until - 1), zone)
    if question.by == "campaign":
        return [(str(one.key) or NONE, one) for one in spent_by_campaign(conn, question.workspace, first, last)]
    return [
        (_time_named(int(one.key), question.by), one)
        for one in spent_by_day(conn, question.workspace, first, last)
    ]  # fmt: skip


def _time_named(day: int, by: str) -> str:
    return to_iso(day)[:10] if by == "day" else named(to_datetime(day).date(), by)


def _customers(one: _Reckoned) -> int:
    return 0 if one.won is None else one.won.customers


def _each(minor: int, number: int) -> int | None:
    return (2 * minor + number) // (2 * number) if number and minor else None

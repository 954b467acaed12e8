"""Days, weeks and months as groups of a metric: which there are, which are not over yet, and none left out. Pure.

A week begins on Monday and is named by that day; a month is named `2026-11`. One rule for every metric and page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rapport.kernel.clock import to_datetime, zone_named
from rapport.kernel.errors import InvalidInput
from rapport.measure.days import first_moment
from rapport.measure.metrics import with_shares
from rapport.measure.model import Metric, Question

__all__ = ["PERIODS", "after", "first_of", "month_of", "named", "period_of", "with_periods"]

PERIODS = ("day", "week", "month")
MOST = 1_200
"""Periods that are told; of a longer time those from the first with something on, or else only those."""


def named(day: date, by: str) -> str:
    """The period in which a day lies.

    >>> [named(date(2026, 11, 5), by) for by in PERIODS]
    ['2026-11-05', '2026-11-02', '2026-11']
    """
    if by == "month":
        return month_of(day)
    return (day - timedelta(days=day.weekday()) if by == "week" else day).isoformat()


def month_of(day: date) -> str:
    """The month of a day, as 2026-11."""
    return f"{day.year:04d}-{day.month:02d}"


def after(name: str, by: str) -> str:
    """The period that follows.

    >>> after("2026-12", "month"), after("2026-11-02", "week"), after("2026-02-28", "day")
    ('2027-01', '2026-11-09', '2026-03-01')
    """
    if by == "month":
        year, month = int(name[:4]), int(name[5:])
        return f"{year + month // 12:04d}-{month % 12 + 1:02d}"
    return (date.fromisoformat(name) + timedelta(days=7 if by == "week" else 1)).isoformat()


def first_of(at: int, by: str, zone: ZoneInfo) -> int:
    """The first moment of the day, week or month in which a time lies; of another group the time itself."""
    if by not in PERIODS:
        return at
    name = named(to_datetime(at).astimezone(zone).date(), by)
    return max(0, first_moment(_first_day(name, by), zone))


def _first_day(name: str, by: str) -> date:
    return date.fromisoformat(f"{name}-01" if by == "month" else name)


def with_periods(
    metric: Metric, rows: Iterable[Mapping[str, Any]], question: Question, *, now: int
) -> list[dict[str, Any]]:
    """The rows with `running` (a cohort's row is of its `period`), those whose group the asked time cuts off with
    `partial`; where the metric has every period, those without anything as zeros.
    """
    by, zone = question.by, zone_named(question.zone)
    found = [dict(row) for row in rows]
    if metric.every_period and found:
        found = _filled(metric, found, question, last=_last(question, zone, now))
    cut = _cut(question, zone, now)
    return [
        row
        | {"running": _is_running(row.get("period", row[by]), by, zone, now)}
        | ({"partial": True} if row[by] in cut else {})
        for row in found
    ]


def _cut(question: Question, zone: ZoneInfo, now: int) -> set[str]:
    """The first and the last period, where the time that is asked for begins or ends within them."""
    found = set()
    if first_of(question.since, question.by, zone) < question.since:
        found.add(named(to_datetime(question.since).astimezone(zone).date(), question.by))
    last = _last(question, zone, now)
    ends = first_moment(_first_day(after(last, question.by), question.by), zone)
    if question.until < min(ends, now):
        found.add(last)
    return found


def _filled(metric: Metric, rows: Sequence[dict[str, Any]], question: Question, *, last: str) -> list[dict[str, Any]]:
    """The rows with those that are missing, by period and currency; of no currency but those that are there."""
    by, zone = question.by, zone_named(question.zone)
    found = {(row[by], row.get("currency")): row for row in rows}
    if len(found) < len(rows):
        return list(rows)
    currencies = sorted({currency for _, currency in found}, key=str)
    first, end = min(name for name, _ in found), max(last, *(name for name, _ in found))
    # Nobody's shop is as old as time.
    since = named(to_datetime(question.since).astimezone(zone).date(), by) if question.since else first
    names = _between(since, end, by) or _between(first, end, by)
    if not names:
        return list(rows)
    nothing = _nothing(metric)
    of_currency = {code: {} if code is None else {"currency": code} for code in currencies}
    return [
        found.get((name, code)) or {by: name, **of_currency[code], **nothing} for name in names for code in currencies
    ]


def _between(name: str, end: str, by: str) -> list[str]:
    """The periods from one to another, both included; empty where they are too many to tell."""
    found: list[str] = []
    while name <= end:
        if len(found) >= MOST:
            return []
        found.append(name)
        name = after(name, by)
    return found


def _nothing(metric: Metric) -> dict[str, Any]:
    """What a period without anything tells."""
    plain = {column.name: None if column.is_mean else 0 for column in metric.columns if column.of is None}
    row = with_shares(metric, plain)
    return row | {"value": row[metric.main]} if metric.main else row


def _last(question: Question, zone: ZoneInfo, now: int) -> str:
    """The period in which the time that is asked for ends."""
    until = max(0, min(question.until - 1, now))
    return named(to_datetime(until).astimezone(zone).date(), question.by)


def _is_running(name: str, by: str, zone: ZoneInfo, now: int) -> bool:
    return first_moment(_first_day(after(name, by), by), zone) > now


def period_of(name: str, question: Question) -> tuple[int, int]:
    """From when to when a day, week or month is, within the time that is asked for. Raises InvalidInput for no name."""
    zone = zone_named(question.zone)
    try:
        begins, ends = (
            first_moment(date.fromisoformat(one if len(one) > len("2026-11") else f"{one}-01"), zone)
            for one in (name, after(name, question.by))
        )
    except (ValueError, OverflowError):
        raise InvalidInput(
            f"{name[:40]!r} is no {question.by}", hint="such as 2026-11-27, of a month 2026-11"
        ) from None
    return max(begins, question.since), min(ends, question.until)

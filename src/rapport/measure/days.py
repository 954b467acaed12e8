"""The days of a shop: from midnight to midnight in its own time zone, summer time and skipped dates included. Pure.

A day is named by its *local start*: the microseconds that its midnight would be if the zone were UTC, so that
`to_iso(day)[:10]` is its date. Within a period a zone has few changes of its offset; between two of them a moment's day
is whole-number arithmetic, which SQL does on both engines.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from rapport.kernel.clock import DAY, SECOND, to_datetime, zone_named

__all__ = ["Span", "day_column", "day_of", "first_moment", "latest_days", "parts_of", "spans_of", "zone_named"]

LAST_YEAR = 2100
"""A zone's later changes are not looked for."""

_LATEST = (LAST_YEAR - 1970) * 366 * DAY
_SHIFT = 400_000 * DAY
"""Keeps what is divided above zero: engines round negative numbers differently."""


class Span(NamedTuple):
    """From this moment on the zone is so far ahead of UTC, in microseconds; until the next span."""

    since: int
    offset: int


@lru_cache(maxsize=64)
def spans_of(zone: ZoneInfo, since: int, until: int) -> list[Span]:
    """The offsets of the zone within a period, in order; the first holds at `since`. A few microseconds a year."""
    found = [Span(since, _offset(zone, since))]
    for year in range(_year(since), _year(until) + 1):
        found += [span for span in _changes(zone, year) if since < span.since < until]
    return found


def day_of(at: int, zone: ZoneInfo) -> int:
    """The day on which a moment lies.

    >>> from rapport.kernel.clock import from_iso, to_iso
    >>> to_iso(day_of(from_iso("2026-11-20T23:30:00Z"), ZoneInfo("Europe/Berlin")))[:10]
    '2026-11-21'
    """
    local = at + _offset(zone, at)
    return local - local % DAY


def parts_of(day: int, zone: ZoneInfo) -> list[tuple[int, int]]:
    """From when to when (not included) it is this day there: one part, none where it is skipped, rarely two.

    >>> [(b - a) // (DAY // 24) for a, b in parts_of(20541 * DAY, ZoneInfo("Europe/Berlin"))]
    [23]
    """
    since, until = day - DAY, day + 2 * DAY
    spans = [*spans_of(zone, since, until), Span(until, 0)]
    parts = (
        (max(one.since, day - one.offset), min(later.since, day + DAY - one.offset)) for one, later in pairwise(spans)
    )
    return _adjoined([(a, b) for a, b in parts if a < b])


def _adjoined(parts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for a, b in parts:
        if found and found[-1][1] == a:
            found[-1] = (found[-1][0], b)
        else:
            found.append((a, b))
    return found


def first_moment(day: date, zone: ZoneInfo) -> int:
    """When the day began there; where the clocks skipped its midnight, or all of it, when they went on."""
    start = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (start.days * 86_400 + start.seconds) * SECOND


def latest_days(now: int, number: int, zone: ZoneInfo) -> list[date]:
    """The day of `now` and those before it, in order.

    >>> [str(day) for day in latest_days(0, 2, ZoneInfo("UTC"))]
    ['1969-12-31', '1970-01-01']
    """
    today = to_datetime(now).astimezone(zone).date()
    return [today - timedelta(days=back) for back in reversed(range(number))]


def day_column(at: sa.ColumnElement[int], spans: Sequence[Span]) -> sa.ColumnElement[int]:
    """The day of the moments in a column, which lie within the period of `spans`, for SQL."""
    offset: sa.ColumnElement[int] = _number(spans[-1].offset + _SHIFT)
    if len(spans) > 1:
        whens = [(at < _number(later.since), _number(one.offset + _SHIFT)) for one, later in pairwise(spans)]
        offset = sa.case(*whens, else_=offset)
    local = at + offset
    return local - local % _number(DAY) - _number(_SHIFT)


def _number(value: int) -> sa.ColumnElement[int]:
    return sa.literal_column(str(value), sa.BigInteger)


def _year(at: int) -> int:
    return min(to_datetime(min(max(at, 0), _LATEST)).year, LAST_YEAR)


def _offset(zone: ZoneInfo, at: int) -> int:
    offset = to_datetime(min(max(at, 0), _LATEST)).astimezone(zone).utcoffset() or timedelta()
    return (offset.days * 86_400 + offset.seconds) * SECOND


@lru_cache(maxsize=4_096)
def _changes(zone: ZoneInfo, year: int) -> tuple[Span, ...]:
    """The changes of a zone's offset within a year of UTC, to the second."""
    found: list[Span] = []
    # From the last second before it: a change on the first of January is this year's.
    moment, end = (int(datetime(y, 1, 1, tzinfo=UTC).timestamp()) * SECOND for y in (year, year + 1))
    moment -= SECOND
    before = _offset(zone, moment)
    while moment < end - SECOND:
        later = min(moment + DAY, end - SECOND)
        after = _offset(zone, later)
        if after != before:
            low, high = moment, later
            while high - low > SECOND:
                middle = low + (high - low) // (2 * SECOND) * SECOND
                low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
            found.append(Span(high, after))
            before = after
        moment = later
    return tuple(found)

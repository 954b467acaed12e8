"""The last days of a shop beside the same days of the week before, the running day up to the same hour. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rapport.kernel.clock import SECOND, to_datetime
from rapport.measure.days import first_moment, latest_days

__all__ = ["WEEK", "Period", "Weeks", "change_of", "same_hour", "weeks_of"]

WEEK = 7


class Period(NamedTuple):
    """A span of time; its end does not belong to it."""

    since: int
    until: int


class Weeks(NamedTuple):
    """What is compared: today with its weekday a week ago, the last seven days with the seven before."""

    today: Period
    same_day: Period
    """The day a week ago up to the hour that it is now."""
    week: Period
    before: Period
    days: list[date]
    """All fourteen, today last."""


def weeks_of(now: int, zone: ZoneInfo) -> Weeks:
    """The periods to compare at this moment, by the clocks of the shop's zone.

    >>> from rapport.kernel.clock import from_iso, to_iso
    >>> found = weeks_of(from_iso("2026-10-28T12:30:00Z"), ZoneInfo("Europe/Berlin"))
    >>> [to_iso(at)[:16] for at in found.today + found.same_day]
    ['2026-10-27T23:00', '2026-10-28T12:30', '2026-10-20T22:00', '2026-10-21T11:30']
    """
    days = latest_days(now, 2 * WEEK, zone)
    begins = [first_moment(day, zone) for day in days]
    back = max(same_hour(now, zone, days_ago=WEEK), begins[-1 - WEEK])
    return Weeks(
        today=Period(begins[-1], now), same_day=Period(begins[-1 - WEEK], back),
        week=Period(begins[-WEEK], now), before=Period(begins[0], back), days=days,
    )  # fmt: skip


def change_of(now: int, before: int) -> float | None:
    """By which part of what was before it is more, or less; None where there was nothing to compare with.

    >>> change_of(120, 100), change_of(5, 0)
    (0.2, None)
    """
    return round((now - before) / before, 4) if before > 0 else None


def same_hour(now: int, zone: ZoneInfo, *, days_ago: int) -> int:
    """The moment at which the shop's clocks showed the same hour so many days ago."""
    there = (to_datetime(now).astimezone(zone).replace(tzinfo=None) - timedelta(days=days_ago)).replace(tzinfo=zone)
    span = there.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (span.days * 86_400 + span.seconds) * SECOND + span.microseconds

"""Days and months of a programme's own zone: when a point's last day ends, when a membership's period does. Pure."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from rapport.kernel.clock import SECOND, to_datetime, zone_named

__all__ = ["end_of_day", "last_day", "month_of", "period_end"]

LAST_YEAR = 9_000


def end_of_day(at: int, days: int, zone: str) -> int:
    """The first moment after the local day that is `days` after the one of `at`: what is good until that day is good
    until then, whether or not the clocks change in between.

    >>> from rapport.kernel.clock import from_iso, to_iso
    >>> to_iso(end_of_day(from_iso("2026-07-05T23:30:00+02:00"), 1, "Europe/Berlin"))
    '2026-07-06T22:00:00.000Z'
    """
    there = zone_named(zone)
    day = to_datetime(at).astimezone(there).date()
    return _midnight(min(day + timedelta(days=min(days, 40_000)), date(LAST_YEAR, 1, 1)) + timedelta(days=1), there)


def last_day(at: int, zone: str) -> str:
    """The last local day of what is over at that moment, as ISO 8601.

    >>> from rapport.kernel.clock import from_iso
    >>> last_day(from_iso("2026-07-07T00:00:00-04:00"), "America/New_York")
    '2026-07-06'
    """
    return (to_datetime(at - 1).astimezone(zone_named(zone))).date().isoformat()


def period_end(anchor: int, months: int, zone: str) -> int:
    """The end of the day before the anchor's day `months` later: a membership that began on 31 January and is paid for
    one month lasts through 27 February (its next period begins on the 28th), for two through 30 March.

    >>> from rapport.kernel.clock import from_iso, to_iso
    >>> [to_iso(period_end(from_iso("2026-01-31T12:00:00Z"), n, "UTC"))[:10] for n in (1, 2, 12)]
    ['2026-02-28', '2026-03-31', '2027-01-31']
    """
    there = zone_named(zone)
    began = to_datetime(anchor).astimezone(there).date()
    number = began.year * 12 + began.month - 1 + months
    year, month = min(number // 12, LAST_YEAR), number % 12 + 1
    return _midnight(date(year, month, min(began.day, monthrange(year, month)[1])), there)


def month_of(at: int, zone: str) -> tuple[int, int]:
    """The first moments of the local month of `at`, and of the one after.

    >>> from rapport.kernel.clock import from_iso, to_iso
    >>> [to_iso(one) for one in month_of(from_iso("2026-02-28T23:30:00Z"), "Europe/Berlin")]
    ['2026-02-28T23:00:00.000Z', '2026-03-31T22:00:00.000Z']
    """
    there = zone_named(zone)
    day = to_datetime(at).astimezone(there).date()
    year, month = divmod(day.year * 12 + day.month, 12)
    return _midnight(day.replace(day=1), there), _midnight(date(year, month + 1, 1), there)


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * SECOND

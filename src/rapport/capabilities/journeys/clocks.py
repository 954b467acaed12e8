"""Times of journeys: spans by the customer's calendar, hours of their clock, over every change of it. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rapport.kernel.clock import DAY, HOUR, MINUTE, SECOND, to_datetime
from rapport.kernel.language import ngettext

__all__ = ["after_span", "at_local_hour", "minutes_of", "span_words"]

_EXACT = {"m": MINUTE, "h": HOUR}
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def after_span(at: int, span: str, zone: ZoneInfo) -> int:
    """The moment a span after another. Minutes and hours are exact; days and weeks end at the same hour of the clock.

    Where a clock put forward leaves that hour out, it is the first moment after the gap; where it is there twice, the
    first of the two.

    >>> after_span(0, "90m", ZoneInfo("UTC")) // MINUTE
    90
    """
    number, unit = int(span[:-1]), span[-1]
    if unit in _EXACT:
        return at + number * _EXACT[unit]
    local = to_datetime(at).astimezone(zone)
    day = local.date() + timedelta(days=number * (7 if unit == "w" else 1))
    return _moment(day, local.time(), zone)


def at_local_hour(at: int, hour: str, zone: ZoneInfo, *, days: Collection[str] = ()) -> int:
    """The next moment, not before `at`, at which a clock there shows this hour, on one of these weekdays.

    Every day has one such moment, those included on which a clock is put forward over the hour or back to it.

    >>> at_local_hour(0, "09:00", ZoneInfo("Asia/Kolkata")) // MINUTE
    210
    """
    wanted = time(int(hour[:2]), int(hour[3:]))
    day = to_datetime(at).astimezone(zone).date() - timedelta(days=1)
    for _ in range(10):
        if not days or _WEEKDAYS[day.weekday()] in days:
            found = _moment(day, wanted, zone)
            if found >= at:
                return found
        day += timedelta(days=1)
    return at + 7 * DAY  # no week lacks a weekday


def minutes_of(span: str) -> int:
    """How many minutes a span is, a day as 24 hours.

    >>> minutes_of("2h"), minutes_of("1w")
    (120, 10080)
    """
    return int(span[:-1]) * {"m": 1, "h": 60, "d": 1_440, "w": 10_080}[span[-1]]


def span_words(span: str) -> str:
    """A span as people say it.

    >>> span_words("1h"), span_words("30m")
    ('1 hour', '30 minutes')
    """
    number = int(span[:-1])
    return {
        "m": lambda: ngettext("%(num)s minute", "%(num)s minutes", number),
        "h": lambda: ngettext("%(num)s hour", "%(num)s hours", number),
        "d": lambda: ngettext("%(num)s day", "%(num)s days", number),
        "w": lambda: ngettext("%(num)s week", "%(num)s weeks", number),
    }[span[-1]]()


def _moment(day: date, wanted: time, zone: ZoneInfo) -> int:
    """Microseconds at which the clocks of that zone show this; in a gap, where the gap ends."""
    local = datetime.combine(day, wanted.replace(fold=0, tzinfo=None), tzinfo=zone)
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        # Read with the offset before the gap it lies as far behind it as it should lie before its end.
        later = local.replace(fold=1).astimezone(UTC)
        low, high = min(moment, later), max(moment, later)
        before = low.astimezone(zone).utcoffset()
        while high - low > timedelta(seconds=1):
            middle = low + (high - low) / 2
            low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
        moment = high.replace(microsecond=0)
    span = moment - _EPOCH
    return (span.days * 86_400 + span.seconds) * SECOND + span.microseconds

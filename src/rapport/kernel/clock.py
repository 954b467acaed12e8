"""Time as whole microseconds since 1970 UTC (`int`), the only form in which it is stored or compared."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

__all__ = ["DAY", "HOUR", "MINUTE", "SECOND", "from_iso", "now_us", "to_datetime", "to_iso", "zone_named"]

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now_us() -> int:
    """The wall clock now, in microseconds since 1970 UTC."""
    return time.time_ns() // 1000


def from_iso(text: str) -> int:
    """Microseconds since 1970 of an ISO 8601 text; without an offset it is taken as UTC.

    Raises ValueError for anything else, and for years outside 1 to 9999.

    >>> from_iso("1970-01-01T00:00:01.5Z")
    1500000
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds


def to_datetime(us: int) -> datetime:
    """The aware UTC datetime of a microsecond stamp."""
    return datetime.fromtimestamp(us // SECOND, tz=UTC).replace(microsecond=us % SECOND)


def to_iso(us: int) -> str:
    """RFC 3339 in UTC with milliseconds, as clients send it.

    >>> to_iso(1_500_000)
    '1970-01-01T00:00:01.500Z'
    """
    return to_datetime(us).strftime("%Y-%m-%dT%H:%M:%S.") + f"{us % SECOND // 1000:03d}Z"


def zone_named(name: str) -> ZoneInfo:
    """The time zone of this name; UTC for a name that nobody knows any more."""
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):  # what is not found is a KeyError
        return ZoneInfo("UTC")

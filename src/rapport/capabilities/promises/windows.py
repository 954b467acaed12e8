"""Windows of delivery: read as a shop states them, told as people read them. A date without an hour is a whole day
where the goods arrive, whatever clock it was written by. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from babel.core import get_global

from rapport.kernel.clock import SECOND, to_datetime, to_iso, zone_named
from rapport.kernel.moments import read_moment

__all__ = ["Window", "read_window", "window_of_days", "window_stated", "zone_of"]

_LONGEST = 60


class Window(msgspec.Struct, frozen=True, order=True):
    """When something is to be there. Microseconds since 1970; both ends belong to it."""

    from_at: int
    """0 where only the end was promised."""
    to_at: int
    whole_days: bool
    """From the first moment of a day to the last of one, at the destination."""

    def told(self, zone: ZoneInfo) -> dict[str, str | None]:
        """`from` and `to` as they were meant: dates of the destination, or moments in UTC."""
        if self.whole_days:
            first = day_of(self.from_at, zone).isoformat() if self.from_at else None
            return {"from": first, "to": day_of(self.to_at, zone).isoformat()}
        return {"from": to_iso(self.from_at) if self.from_at else None, "to": to_iso(self.to_at)}


def day_of(at: int, zone: ZoneInfo) -> date:
    """The day of a moment in a zone."""
    return to_datetime(at).astimezone(zone).date()


def first_of(day: date, zone: ZoneInfo) -> int:
    """The first moment of a day in a zone."""
    return int(datetime.combine(day, time(), tzinfo=zone).timestamp()) * SECOND


def last_of(day: date, zone: ZoneInfo) -> int:
    """The last microsecond of a day in a zone."""
    return first_of(day + timedelta(days=1), zone) - 1


def window_of_days(first: date | None, last: date, zone: ZoneInfo) -> Window:
    """Whole days, the last included; without a first one only the end is promised."""
    return Window(first_of(first, zone) if first else 0, last_of(last, zone), whole_days=True)


def read_window(first: object, last: object, zone: ZoneInfo) -> Window | None:
    """The window that two texts state; None where the end cannot be read or lies before the beginning.

    Midnight in UTC is how systems write a date that has no hour, so it is one. A moment without an offset is a moment
    at the destination.

    >>> berlin = ZoneInfo("Europe/Berlin")
    >>> read_window(None, "2026-12-04", berlin).told(berlin)
    {'from': None, 'to': '2026-12-04'}
    >>> read_window("2026-12-04T14:15", "2026-12-04T18:15", berlin).told(berlin)
    {'from': '2026-12-04T13:15:00.000Z', 'to': '2026-12-04T17:15:00.000Z'}
    """
    end = _read(last, zone)
    start = _read(first, zone)
    if end is None or (start is None and first not in (None, "")):
        return None
    if isinstance(end, date):
        begins = start if isinstance(start, date) else day_of(start, zone) if start is not None else None
        window = window_of_days(begins, end, zone)
    else:
        begins_at = first_of(start, zone) if isinstance(start, date) else start or 0
        window = Window(begins_at, end, whole_days=False)
    return window if window.from_at <= window.to_at else None


def _read(value: object, zone: ZoneInfo) -> date | int | None:
    """A whole day, or a moment."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()[:_LONGEST]
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
        written = datetime.fromisoformat(text)
    except ValueError:
        return read_moment(value) if isinstance(value, int | float) or text else None
    if written.utcoffset() in (None, timedelta(0)) and written.time() == time():
        return written.date()
    if written.tzinfo is None:
        written = written.replace(tzinfo=zone)
    try:
        return int(written.astimezone(UTC).timestamp() * SECOND)
    except (OverflowError, ValueError):
        return None


_PAIRS = ("delivery_window", "promise", "promised_window")
_ENDS = (
    "promised_at", "promised_by", "promised_delivery", "estimated_delivery", "estimated_delivery_at",
    "estimated_delivery_date", "expected_delivery", "delivery_date",
)  # fmt: skip


def window_stated(properties: Mapping[str, Any]) -> tuple[str, str] | None:
    """Beginning and end of what a fact of an order promises, as it says them; None where it promises nothing that can
    be read. Which moments they are depends on where the order goes, which another fact may say.
    """
    for name in _PAIRS:
        pair = properties.get(name)
        if isinstance(pair, Mapping) and read_window(pair.get("from"), pair.get("to"), _ANYWHERE):
            return _said(pair.get("from")), _said(pair.get("to"))
    for name in _ENDS:
        if name in properties and read_window(None, properties[name], _ANYWHERE):
            return "", _said(properties[name])
    return None


_ANYWHERE = ZoneInfo("UTC")


def _said(value: object) -> str:
    return "" if value is None else str(value)[:_LONGEST]


@lru_cache(maxsize=4_096)
def zone_of(country: str, seen: str, shop: str) -> str:
    """The time zone at a destination: the country's own; of several the one the customer's browser is in, else the
    shop's where it is one of them, else the first.

    **Source** of a country's zones: CLDR, through Babel.

    >>> zone_of("GB", "Europe/Berlin", "UTC"), zone_of("US", "America/Denver", "UTC"), zone_of("", "", "Asia/Tokyo")
    ('Europe/London', 'America/Denver', 'Asia/Tokyo')
    """
    known = list(get_global("territory_zones").get(country, ())) if country else []
    for one in (seen, shop):
        if one and (one in known or (not known and zone_named(one).key == one)):
            return one
    return known[0] if known else "UTC"

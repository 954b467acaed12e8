"""Numbers, spans and moments as the console words them: by CLDR, in the language that is spoken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.dates import format_date, format_datetime, format_skeleton, format_time, format_timedelta
from babel.numbers import format_compact_decimal, format_decimal, format_percent
from babel.units import format_unit
from markupsafe import Markup

from rapport.kernel.clock import SECOND, now_us, to_datetime, to_iso
from rapport.kernel.language import gettext, spoken

if TYPE_CHECKING:
    from litestar.connection import ASGIConnection

__all__ = [
    "compact",
    "count",
    "country",
    "date_words",
    "date_words_of",
    "day",
    "day_of",
    "duration",
    "moment",
    "percent",
    "size_text",
    "time_words",
    "viewer_zone",
    "weekday",
    "weekday_of",
]


def viewer_zone(connection: ASGIConnection[Any, Any, Any, Any]) -> ZoneInfo:
    """The time zone the viewer's browser told us in a cookie; UTC before it has."""
    return _zone(connection.cookies.get("rapport_tz", "UTC")[:64])


def count(value: int | float) -> str:
    """12345 as `12,345`."""
    return _count(value, spoken().locale)


@lru_cache(maxsize=4096)
def _count(value: int | float, locale: str) -> str:
    return format_decimal(value, format="#,##0", locale=locale)


def compact(value: int | float) -> str:
    """12345 as `12.3K`, for places with little room; exact below ten thousand."""
    return _compact(value, spoken().locale)


@lru_cache(maxsize=4096)
def _compact(value: int | float, locale: str) -> str:
    if abs(value) < 10_000:
        return format_decimal(value, format="#,##0.#", locale=locale)
    return format_compact_decimal(value, locale=locale, fraction_digits=1)


def percent(ratio: float | None, *, digits: int = 1) -> str:
    """0.1234 as `12.3 %`; nothing to divide by is a dash."""
    if ratio is None:
        return "–"
    return format_percent(ratio, format="#,##0" + ("." + "0" * digits if digits else "") + " %", locale=spoken().locale)


def country(code: str) -> str:
    """The name of a country by its ISO 3166 code; the code where it has none."""
    return _country(code, spoken().locale) if code else gettext("not stated")


@lru_cache(maxsize=512)
def _country(code: str, locale: str) -> str:
    return str(Locale.parse(locale).territories.get(code, code))


def size_text(value: int) -> str:
    """Bytes as people read them."""
    size, unit = float(value), "byte"
    for larger in ("kilobyte", "megabyte", "gigabyte", "terabyte"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    digits = 0 if unit == "byte" or size >= 100 else 1
    return format_unit(round(size, digits), f"digital-{unit}", "short", locale=spoken().locale)


def duration(us: int) -> str:
    """A span of microseconds in its largest unit: `3 mins`."""
    if abs(us) < SECOND:
        return format_unit(abs(us) // 1000, "duration-millisecond", "short", locale=spoken().locale)
    return format_timedelta(timedelta(microseconds=abs(us)), threshold=1, format="short", locale=spoken().locale)


def moment(us: int | None, zone: ZoneInfo, style: str = "relative") -> Markup:
    """A `<time>` that the browser words in the viewer's language: style relative, datetime, time or date."""
    if us is None:
        return Markup('<span class="faint">{}</span>').format(gettext("never"))
    local = _local(us, zone)
    words = _relative(us) if style == "relative" else _written(local, style)
    full = format_datetime(local, "EEEE, d MMMM y, HH:mm:ss z" if _english() else "full", locale=spoken().locale)
    return Markup('<time datetime="{}" data-style="{}" title="{}">{}</time>').format(to_iso(us), style, full, words)


_STYLES = {"datetime": "d MMM y, HH:mm", "time": "HH:mm:ss", "date": "d MMM y"}
_LENGTHS: dict[str, Callable[[datetime, str], str]] = {
    "datetime": lambda local, locale: format_datetime(local, "medium", locale=locale),
    "time": lambda local, locale: format_time(local, "medium", locale=locale),
    "date": lambda local, locale: format_date(local, "medium", locale=locale),
}


def _written(local: datetime, style: str) -> str:
    if _english():
        return format_datetime(local, _STYLES[style], locale=spoken().locale)
    return _LENGTHS[style](local, spoken().locale)


def _english() -> bool:
    """Whether the patterns written here hold; other languages have CLDR's own."""
    return spoken().tag == "en"


def _short_date(there: date, *, year: bool = True) -> str:
    """`19 Jul 2026`, or without its year."""
    if _english():
        return format_date(there, "d MMM y" if year else "d MMM", locale=spoken().locale)
    return format_skeleton("yMMMd" if year else "MMMd", _noon(there), locale=spoken().locale)


def _noon(there: date) -> datetime:
    """Babel takes a bare date for midnight of UTC."""
    return there if isinstance(there, datetime) else datetime(there.year, there.month, there.day, 12, tzinfo=UTC)


def date_words(us: int, zone: ZoneInfo | None = None, *, year: bool = True) -> str:
    """The date alone, in UTC where nobody's zone is known: `19 Jul 2026`."""
    return _short_date(_local(us, zone or ZoneInfo("UTC")).date(), year=year)


def date_words_of(there: date) -> str:
    """A calendar day: `19 Jul 2026`."""
    return _short_date(there)


def time_words(us: int, zone: ZoneInfo) -> str:
    """The hour and minute alone: `13:05`."""
    return format_time(_local(us, zone), "HH:mm", locale=spoken().locale)


def weekday_of(us: int, zone: ZoneInfo) -> str:
    """The weekday of a moment: `Friday`."""
    return weekday(_local(us, zone).date())


def weekday(there: date, *, short: bool = False) -> str:
    """`Friday`, or `Fri`."""
    return format_date(there, "EEE" if short else "EEEE", locale=spoken().locale)


def day(us: int, zone: ZoneInfo) -> str:
    """The heading of a day: `Today`, `Yesterday`, `Sunday, 19 July 2026`."""
    there = _local(us, zone)
    distance = (_local(now_us(), zone).date() - there.date()).days
    return {0: gettext("Today"), 1: gettext("Yesterday")}.get(distance) or format_date(
        there, "full", locale=spoken().locale
    )


def day_of(us: int, zone: ZoneInfo) -> str:
    """The calendar day in the viewer's zone, `2026-07-19`, to group rows by."""
    return _local(us, zone).date().isoformat()


def _relative(us: int) -> str:
    span = now_us() - us
    if abs(span) < 5 * SECOND:
        return gettext("just now")
    return format_timedelta(
        timedelta(microseconds=-span), threshold=1, format="short", add_direction=True, locale=spoken().locale
    )


def _local(us: int, zone: ZoneInfo) -> datetime:
    try:
        return to_datetime(us).astimezone(zone)
    except OverflowError:
        return to_datetime(us)


@lru_cache(maxsize=700)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return ZoneInfo("UTC")

"""Moments as clients write them, in any language's own form: ISO 8601, RFC 2822, JavaScript, Java, Go, seconds of 1970.

A text is read with the offset it states, or not at all: an abbreviation that several zones share (`IST`, `CST`) counts
only beside an offset. Without any zone it is taken as UTC. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from rapport.kernel.clock import SECOND, from_iso

__all__ = ["FORMS", "read_moment"]

FORMS = (
    ("ISO 8601, RFC 3339", "2026-11-20T10:00:00.123456789+01:00"),
    ("with a space, a comma, small letters", "2026-11-20 10:00:00,5 +0100"),
    ("with slashes or points, the year before all", "2026/11/20 10:00:00 +0100"),
    ("with the zone's name in brackets (Java)", "2026-11-20T10:00:00+01:00[Europe/Paris]"),
    ("with the zone's name", "2026-11-20 10:00:00 Europe/Paris"),
    ("midnight as 24:00:00", "2026-11-19T24:00:00Z"),
    ("JavaScript's Date", "Fri Nov 20 2026 10:00:00 GMT-0500 (Eastern Standard Time)"),
    ("Java's Date", "Fri Nov 20 10:00:00 CET 2026"),
    ("Go's time", "2026-11-20 10:00:00.123456789 +0100 CET m=+0.1"),
    ("RFC 2822, HTTP", "Fri, 20 Nov 2026 10:00:00 GMT"),
    ("a calendar's digits alone", "20261120100000"),
    ("seconds, milliseconds, microseconds, nanoseconds since 1970", "1795168800"),
)
"""What is read, by example, for the documents."""

_LONGEST = 100
_COMPACT = re.compile(r"(?:19[9]\d|20\d\d)(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{4}|\d{6}|\d{9})", re.ASCII)
"""Year to minute, second or millisecond. Since 1970 they would be of 1976, or of 2611 and later."""
_LATEST = from_iso("2200-01-01T00:00:00Z")
_NUMBER = re.compile(r"[+-]?\d{1,19}(?:\.\d+)?", re.ASCII)
_MONTHS = {name: n for n, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}  # noqa: SIM905
_MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DAY = r"(?P<day>\d{1,2})"
_YEAR = r"(?P<year>\d{4})"
_TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,12}))?)?"
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+)?"
_SHAPES = tuple(
    re.compile(shape, re.IGNORECASE | re.ASCII)
    for shape in (
        rf"{_YEAR}(?P<dash>[-/.])(?P<month>\d{{2}})(?P=dash)(?P<day>\d{{2}})(?:t|\s+){_TIME}(?P<zone>.*)",
        rf"{_WEEKDAY}{_MONTH}\s+{_DAY},?\s+{_YEAR},?\s+{_TIME}(?P<zone>.*)",
        rf"{_WEEKDAY}{_MONTH}\s+{_DAY}\s+{_TIME}(?P<zone>(?:\s+\S+)?)\s+{_YEAR}",
        rf"{_WEEKDAY}{_DAY}[\s-]{_MONTH}[\s-]{_YEAR}\s+{_TIME}(?P<zone>.*)",
    )
)
_OFFSET = re.compile(r"(?:gmt|utc)?\s?(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2})?(?::?(?P<seconds>\d{2}))?",
                     re.IGNORECASE | re.ASCII)  # fmt: skip
_BESIDE = re.compile(r"(?:\s*(?:\([^()]*\)|\[[^\[\]]*\]|[a-z]{1,5}|[+-]\d{2,4}))?(?:\s+m=[+-][\d.]+)?", re.IGNORECASE)
_ABBREVIATIONS = {
    "": 0, "z": 0, "utc": 0, "gmt": 0, "ut": 0, "wet": 0, "west": 60, "cet": 60, "cest": 120, "eet": 120, "eest": 180,
    "msk": 180, "jst": 540, "kst": 540, "nzst": 720, "nzdt": 780, "aest": 600, "aedt": 660, "est": -300, "edt": -240,
    "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420, "akst": -540, "akdt": -480, "hst": -600,
}  # fmt: skip
"""Minutes east of Greenwich of the abbreviations that mean one offset. Not among them: IST (India, Israel, Ireland),
CST (America, China, Cuba), BST, AST, SST."""
_NAMED = re.compile(r"\[?(?P<name>[A-Za-z_]+(?:/[A-Za-z0-9_+-]+){1,2})\]?", re.ASCII)
_ODD = str.maketrans({"\u202f": " ", "\xa0": " ", "−": "-", "–": "-", "：": ":", "\u200e": None, "\u200f": None})


def read_moment(value: str | float) -> int | None:
    """Microseconds since 1970 UTC of the moment a client states, None where it states none that can be told.

    >>> read_moment("1970-01-01T01:00:01+01:00"), read_moment("Thu Jan 01 1970 02:00:01 GMT+0200 (EET)"), read_moment(1)
    (1000000, 1000000, 1000000)
    >>> read_moment("2026-11-20 10:00:00 IST"), read_moment("20/11/2026 10:00"), read_moment("soon")
    (None, None, None)
    """
    if not isinstance(value, str):
        written = isinstance(value, int) and (value > 190_000_000_000 or 19_900_101 <= value <= 21_001_231)
        return read_moment(str(value)) if written else _since_1970(value)
    if len(value) > 8 and value.isdigit():  # Python takes any sign for the T of a date and a time, a digit, too
        return _read_text(value) if len(value) <= _LONGEST else None
    try:
        return from_iso(value)
    except ValueError:
        return _read_text(value) if len(value) <= _LONGEST else None


@lru_cache(maxsize=512)
def _read_text(text: str) -> int | None:
    text = text.translate(_ODD).strip()
    if not text.isascii():
        text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    if _COMPACT.fullmatch(text) and (moment := _compact(text)) is not None:
        return moment
    if _NUMBER.fullmatch(text):
        return _since_1970(float(text) if "." in text else int(text))
    try:
        if text.isascii():
            return from_iso(text.upper())
    except ValueError:
        pass
    for shape in _SHAPES:
        found = shape.fullmatch(text)
        if found is not None:
            try:
                return _moment(found.groupdict())
            except (ValueError, OverflowError, KeyError, OSError):  # the last two: no such zone
                return None
    return None


def _compact(text: str) -> int | None:
    """A calendar's digits without signs between them, `20261120100000`, where they are no number since 1970."""
    try:
        return from_iso(f"{text[:8]}T{text[8:14].ljust(6, '0')}.{text[14:].ljust(3, '0')}Z")
    except ValueError:
        return None


def _since_1970(value: float) -> int | None:
    """Seconds, milliseconds, microseconds or nanoseconds, by their size: each is read as such from 1973 on."""
    if not -1e20 < value < 1e20:
        return None
    size = abs(value)
    if size < 1e11:
        moment = int(value * SECOND)
    elif size < 1e14:
        moment = int(value * 1_000)
    else:
        moment = int(value) if size < 1e17 else int(value) // 1_000
    return moment if -62_135_596_800 * SECOND <= moment < _LATEST else None  # later: another unit than any of these


def _moment(part: dict[str, str | None]) -> int:
    """Raises ValueError for what no calendar or clock shows, and for a zone that is not known."""
    month = part["month"] or ""
    hour, second = int(part["hour"] or 0), int(part["second"] or 0)
    fraction = int((part["fraction"] or "0")[:6].ljust(6, "0"))
    last = hour == 24 and int(part["minute"] or 0) == second == fraction == 0
    local = datetime(
        int(part["year"] or 0), int(month) if month.isdecimal() else _MONTHS[month[:3].lower()], int(part["day"] or 0),
        0 if last else hour, int(part["minute"] or 0), min(second, 59) if second == 60 else second, fraction,
        tzinfo=_zone((part["zone"] or "").strip()),
    )  # fmt: skip
    if last:
        local += timedelta(days=1)
    return from_iso(local.astimezone(UTC).isoformat())


def _zone(text: str) -> tzinfo:
    found = _OFFSET.match(text)
    if found is not None and _BESIDE.fullmatch(beside := text[found.end() :]):
        minutes = int(found["hours"]) * 60 + int(found["minutes"] or 0)
        if minutes and beside.strip().lower() in ("z", "utc", "gmt", "ut"):
            raise ValueError(text)  # two offsets, and nobody knows which
        away = timedelta(minutes=minutes, seconds=int(found["seconds"] or 0))
        return timezone(-away if found["sign"] == "-" else away)
    named = _NAMED.fullmatch(text)
    if named is not None:
        return ZoneInfo(named["name"])
    plain = text.lower().partition("(")[0].partition("[")[0].strip()
    if plain not in _ABBREVIATIONS or (not plain and text):
        raise ValueError(text)
    return timezone(timedelta(minutes=_ABBREVIATIONS[plain]))

"""Flow, before collect: the text of a cell as a number or a moment. All raise ValueError saying what is wrong."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rapport.kernel.errors import InvalidInput, Misconfigured
from rapport.kernel.numerals import Unreadable, read_number

__all__ = ["amount", "any_moment", "integer", "json_number", "moment", "whole_day_end", "zone"]


@lru_cache(maxsize=16_384)
def amount(text: str, *, decimal: str = ".", thousands: str = "") -> Decimal:
    """The exact number a cell holds, read as it is said to be written and not otherwise: where thousands are parted by
    dots, `12.50` is no number, since it may be 12.50 as well as 1250.

    A minus may stand behind (`3,00-`), and brackets mean one, as in accounts. Without a `decimal` a number is
    read as it can be meant only, and one that can be two is none.

    >>> amount("1.234,50", decimal=",", thousands="."), amount("(7.5)")
    (Decimal('1234.50'), Decimal('-7.5'))
    """
    if not decimal:
        return _as_meant(text)
    found = _form(decimal, thousands).fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text[:40]!r} is no number{_written(decimal, thousands)}")
    minus, whole, fraction, power, behind = found.group("minus", "whole", "fraction", "power", "behind")
    if thousands:
        whole = "".join(character for character in whole if character.isdigit())
    number = Decimal(f"{whole or 0}.{fraction or 0}{power or ''}")
    if not number.is_finite() or abs(number.adjusted()) > 15:
        raise ValueError(f"{text[:40]!r} is no usable number")
    if minus in ("", "+", None) and not behind:
        return number
    if (minus == "(") != (behind == ")") or (minus and minus != "(" and behind):
        raise ValueError(f"{text[:40]!r} is no number")
    return -number


def _as_meant(text: str) -> Decimal:
    try:
        number = read_number(text.strip())
    except Unreadable as error:
        raise ValueError(f"{text[:40]!r} {error}") from None
    if abs(number.adjusted()) > 15:
        raise ValueError(f"{text[:40]!r} is no usable number")
    return number


_MINUS = "\u2212-"
_ALIKE = {" ": " \u00a0\u202f", "'": "'\u2019"}
"""Characters that part thousands and are typed one for another."""


@lru_cache(maxsize=64)
def _form(decimal: str, thousands: str) -> re.Pattern[str]:
    """Numbers with this decimal sign; thousands stand between whole groups of three or not at all."""
    whole = r"\d+"
    if thousands:
        part = "[" + re.escape(_ALIKE.get(thousands, thousands)) + "]"
        whole = rf"[1-9]\d{{0,2}}(?:{part}\d{{3}})+|\d+"
    point = re.escape(decimal)
    # With thousands parted, `.99` or `99.` would be read by one sign alone, where two are in use.
    number = rf"(?P<whole>{whole})(?:{point}(?P<fraction>\d*))?"
    if not thousands:
        number = rf"(?=\S*\d)(?P<whole>\d*)(?:{point}(?P<fraction>\d*))?"
    return re.compile(rf"(?P<minus>[+({_MINUS}]?)\s*{number}(?P<power>[eE][+-]?\d{{1,3}})?\s*(?P<behind>[){_MINUS}]?)")


def _written(decimal: str, thousands: str) -> str:
    if decimal == "." and not thousands:
        return ""
    return f" with the decimal sign {decimal!r}" + (f" and {thousands!r} between thousands" if thousands else "")


@lru_cache(maxsize=4_096)
def integer(text: str) -> int:
    """The whole number a cell holds; `17850.0` is one.

    >>> integer("6"), integer("17850.0")
    (6, 17850)
    """
    number = amount(text)
    if number != number.to_integral_value():
        raise ValueError(f"{text[:40]!r} is no whole number")
    return int(number)


def json_number(number: Decimal) -> int | float:
    """The number as JSON writes it; up to 15 digits read back as exactly the same decimal.

    >>> json_number(Decimal("2.50")), json_number(Decimal("15.00"))
    (2.5, 15)
    """
    return int(number) if number == number.to_integral_value() else float(number)


def zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name. Raises InvalidInput for an unknown one."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        if name == "UTC":
            raise Misconfigured("this machine has no time zone data", hint="install the package tzdata") from None
        raise InvalidInput(f"there is no time zone {name!r}", hint="use an IANA name such as Europe/Berlin") from None


@lru_cache(maxsize=4096)
def moment(text: str, *, tz: ZoneInfo, form: str = "iso") -> datetime:
    """The moment a cell names; without an offset of its own it is local time in `tz`.

    Of an hour that clocks go through twice the first is meant; one that they leave out counts as if they went on as
    before. `form` is `iso`, `unix`, `unix_ms`, `excel` or `excel_1904` (days of a spreadsheet) or a strptime format.

    >>> moment("2011-07-01 12:00:00", tz=ZoneInfo("Europe/London")).isoformat()
    '2011-07-01T11:00:00+00:00'
    """
    stripped = text.strip()
    try:
        if form in ("unix", "unix_ms"):
            seconds = amount(stripped) / (1000 if form == "unix_ms" else 1)
            return datetime.fromtimestamp(float(seconds), tz=UTC)
        if form in ("excel", "excel_1904"):
            read = _of_spreadsheet(amount(stripped), since_1904=form == "excel_1904")
        else:
            read = _iso(stripped) if form == "iso" else datetime.strptime(stripped, form)  # noqa: DTZ007  the next line adds the zone
        return (read if read.tzinfo else read.replace(tzinfo=tz)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{text[:40]!r} is no time{'' if form == 'iso' else f' of the form {form}'}") from None


def any_moment(text: str, *, tz: ZoneInfo, forms: tuple[str, ...]) -> datetime:
    """The moment by the first of these forms that fits. Raises ValueError naming them where none does."""
    for form in forms[:-1]:
        try:
            return moment(text, tz=tz, form=form)
        except ValueError:
            continue
    try:
        return moment(text, tz=tz, form=forms[-1])
    except ValueError:
        if len(forms) == 1:
            raise
        raise ValueError(f"{text[:40]!r} is no time of the forms {', '.join(forms)}") from None


_OFFSET = re.compile(r"(.*\d)\s+(?:(UTC|GMT|Z)|([+-]\d{2}):?(\d{2}))")


def _iso(text: str) -> datetime:
    """ISO 8601; a blank before the offset, or UTC as a word, is forgiven."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        found = _OFFSET.fullmatch(text)
        if found is None:
            raise
        local, word, hours, minutes = found.groups()
        return datetime.fromisoformat(f"{local}+00:00" if word else f"{local}{hours}:{minutes}")


_LAST_DAY = 2_958_465
"""9999-12-31 as a spreadsheet counts."""


def _of_spreadsheet(days: Decimal, *, since_1904: bool) -> datetime:
    """The local time that a spreadsheet keeps as days and their fraction, to the second.

    **Source:** ECMA-376 part 1, 18.17.4.1. Day 60 of the system of 1900 is the 29 February that this year never had, so
    days before it are counted from one day later. Raises ValueError.
    """
    seconds = int((days * 86_400).to_integral_value(rounding=ROUND_HALF_UP))
    day = seconds // 86_400
    if not 0 <= day <= _LAST_DAY or (not since_1904 and day == 60):
        raise ValueError(days)
    start = _SINCE_1904 if since_1904 else _SINCE_1900 if day > 60 else _SINCE_1900 + timedelta(days=1)
    return start + timedelta(seconds=seconds)


_SINCE_1900 = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet knows no zone
_SINCE_1904 = datetime(1904, 1, 1)  # noqa: DTZ001


def whole_day_end(text: str, *, tz: ZoneInfo) -> datetime:
    """The last second of the local day a cell names: a promise for a day is kept until it ends."""
    day = moment(text, tz=tz).astimezone(tz)
    return day.replace(hour=23, minute=59, second=59, microsecond=0, fold=1).astimezone(UTC)

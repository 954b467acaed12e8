"""Flow, before collect: the text of a cell as a number or a moment. All raise ValueError saying what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rapport.kernel.errors import InvalidInput, Misconfigured

__all__ = ["amount", "integer", "json_number", "moment", "whole_day_end", "zone"]


def amount(text: str, *, decimal: str = ".", thousands: str = "") -> Decimal:
    """The exact number a cell holds.

    >>> amount("1.234,50", decimal=",", thousands=".")
    Decimal('1234.50')
    """
    plain = text.strip()
    if thousands:
        plain = plain.replace(thousands, "")
    if decimal != ".":
        plain = plain.replace(decimal, ".")
    try:
        number = Decimal(plain)
    except InvalidOperation:
        raise ValueError(f"{text[:40]!r} is no number") from None
    if not number.is_finite() or abs(number.adjusted()) > 15:
        raise ValueError(f"{text[:40]!r} is no usable number")
    return number


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
    """The moment a cell names; without an offset of its own it is local time in `tz` (the first, where clocks go back).

    `form` is `iso`, `unix`, `unix_ms` or a strptime format.

    >>> moment("2011-07-01 12:00:00", tz=ZoneInfo("Europe/London")).isoformat()
    '2011-07-01T11:00:00+00:00'
    """
    stripped = text.strip()
    try:
        if form in ("unix", "unix_ms"):
            seconds = amount(stripped) / (1000 if form == "unix_ms" else 1)
            return datetime.fromtimestamp(float(seconds), tz=UTC)
        read = datetime.fromisoformat(stripped) if form == "iso" else datetime.strptime(stripped, form)  # noqa: DTZ007  the next line adds the zone
        return (read if read.tzinfo else read.replace(tzinfo=tz)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{text[:40]!r} is no time{'' if form == 'iso' else f' of the form {form}'}") from None


def whole_day_end(text: str, *, tz: ZoneInfo) -> datetime:
    """The last second of the local day a cell names: a promise for a day is kept until it ends."""
    day = moment(text, tz=tz).astimezone(tz)
    return day.replace(hour=23, minute=59, second=59, microsecond=0, fold=1).astimezone(UTC)

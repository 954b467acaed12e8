"""Money: an ISO 4217 code and integer minor units. Floats never take part in a sum."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from babel.numbers import format_currency, format_decimal, get_currency_precision, is_currency

__all__ = ["MAX_MINOR", "UNKNOWN_CURRENCY", "currency_code", "exponent", "format_minor", "to_minor"]

MAX_MINOR = 10**15
"""No single amount above this is believed: ten trillion of a two-decimal currency."""

UNKNOWN_CURRENCY = "XXX"
"""What ISO 4217 says where no currency is meant: for amounts in one that is stated and not known."""

_MOST_DIGITS = 16


def currency_code(value: object) -> str | None:
    """The ISO 4217 code in upper case, or None where `value` is not one.

    >>> currency_code("eur"), currency_code("euro")
    ('EUR', None)
    """
    return _currency_code(value) if isinstance(value, str) and len(value) <= 40 else None


@lru_cache(maxsize=512)
def _currency_code(text: str) -> str | None:
    code = text.strip().upper()
    return code if len(code) == 3 and is_currency(code) else None


@lru_cache(maxsize=512)
def exponent(currency: str) -> int:
    """How many decimals the currency has: EUR 2, JPY 0, KWD 3."""
    return get_currency_precision(currency)


def to_minor(value: object, currency: str) -> int | None:
    """Minor units of an amount given as number or text, half up; None where it is no amount or beyond belief.

    >>> to_minor(12.345, "EUR"), to_minor("7", "JPY"), to_minor("x", "EUR"), to_minor("1e999999", "EUR")
    (1235, 7, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        amount = Decimal(str(value).strip())
        if not amount.is_finite() or amount.adjusted() > _MOST_DIGITS:
            return None
        minor = amount.scaleb(exponent(currency)).to_integral_value(rounding=ROUND_HALF_UP)
        number = int(minor)
    except (ArithmeticError, ValueError):
        return None
    return number if -MAX_MINOR <= number <= MAX_MINOR else None


def format_minor(minor: int, currency: str, *, locale: str = "en") -> str:
    """The amount as people write it in the locale.

    >>> format_minor(123456, "EUR")
    '€1,234.56'
    >>> format_minor(123456, "XXX")
    '1,234.56 (unknown currency)'
    """
    if currency == UNKNOWN_CURRENCY:
        return f"{format_decimal(Decimal(minor).scaleb(-2), format='#,##0.00', locale=locale)} (unknown currency)"
    return format_currency(Decimal(minor).scaleb(-exponent(currency)), currency, locale=locale)

"""Money: an ISO 4217 code and integer minor units. Floats never take part in a sum.

An amount is a JSON number, or a text as people and programs of any country write it. A text is read where it can mean
one amount only, and never guessed.
"""

from __future__ import annotations

from copy import copy
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import cast

from babel.core import Locale
from babel.numbers import NumberPattern, format_decimal, get_currency_precision

from rapport.kernel.currencies import UNKNOWN_CURRENCY, currency_code, exponent
from rapport.kernel.language import gettext, spoken
from rapport.kernel.numerals import Unreadable, read_number

__all__ = ["MAX_MINOR", "UNKNOWN_CURRENCY", "currency_code", "exponent", "format_minor", "to_minor", "why_unread"]

MAX_MINOR = 10**15
"""No single amount above this is believed: ten trillion of a two-decimal currency."""

_BELIEVED = 1e15
_MOST_DIGITS = 16


def to_minor(value: object, currency: str) -> int | None:
    """Minor units of an amount given as number or text, half up; None where it is no amount or beyond belief.

    >>> to_minor(12.345, "EUR"), to_minor("7", "JPY"), to_minor("1.234,50 €", "EUR"), to_minor("1e30", "EUR")
    (1235, 7, 123450, None)
    """
    kind = type(value)
    if kind is float or kind is int:
        return _of_number(value, currency) if -_BELIEVED < value < _BELIEVED else None  # type: ignore[operator]  # told by kind
    try:
        if kind is str:
            return _of_text(value, currency)
        return _minor(value, currency) if isinstance(value, Decimal) else None
    except Unreadable:
        return None


def why_unread(value: object, currency: str) -> str:
    """Why `to_minor` cannot read a value, in words that go on after it; without the value itself.

    >>> why_unread("1,234", "EUR"), why_unread("$24", "EUR"), why_unread(True, "EUR")
    ('could be 1234 or 1.234', 'is not in EUR', 'is no amount')
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return "is no amount"
    try:
        _minor(read_number(value, decimals=exponent(currency), currency=currency) if isinstance(value, str)
               else Decimal(str(value)), currency)  # fmt: skip
    except Unreadable as error:
        return str(error)
    return "is larger than any amount"


@lru_cache(maxsize=16_384)
def _of_number(value: float, currency: str) -> int | None:
    try:
        return _minor(Decimal(str(value)), currency)
    except Unreadable:
        return None


@lru_cache(maxsize=8_192)
def _of_text(value: str, currency: str) -> int | None:
    try:
        return _minor(read_number(value, decimals=exponent(currency), currency=currency), currency)
    except Unreadable:
        return None


def _minor(amount: Decimal, currency: str) -> int:
    """Raises Unreadable."""
    if not amount.is_finite():
        raise Unreadable("is no number")
    if amount and amount.adjusted() <= _MOST_DIGITS:
        number = int(amount.scaleb(exponent(currency)).to_integral_value(rounding=ROUND_HALF_UP))
        if -MAX_MINOR <= number <= MAX_MINOR:
            return number
    elif not amount:
        return 0
    raise Unreadable("is larger than any amount")


def format_minor(minor: int, currency: str, *, locale: str = "") -> str:
    """The amount as people write it in the locale, or else in the language that is spoken.

    It has all of its decimals where it has some that people leave out.

    >>> format_minor(123456, "EUR"), format_minor(129900, "RSD"), format_minor(129950, "RSD")
    ('€1,234.56', 'RSD1,299', 'RSD1,299.50')
    >>> format_minor(123456, "XXX")
    '1,234.56 (unknown currency)'
    """
    locale = locale or spoken().money
    if currency == UNKNOWN_CURRENCY:
        amount_words = format_decimal(Decimal(minor).scaleb(-2), format="#,##0.00", locale=locale)
        return gettext("%(amount)s (unknown currency)", amount=amount_words)
    decimals = exponent(currency)
    amount = Decimal(minor).scaleb(-decimals)
    shown = get_currency_precision(currency)
    if amount != round(amount, shown):
        shown = decimals
    return str(_pattern(locale, shown).apply(amount, locale, currency=currency, currency_digits=False))


@lru_cache(maxsize=256)
def _pattern(locale: str, decimals: int) -> NumberPattern:
    pattern = cast(NumberPattern, copy(Locale.parse(locale).currency_formats["standard"]))
    pattern.frac_prec = (decimals, decimals)
    return pattern

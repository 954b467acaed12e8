"""Numbers as people and programs write them, in any country: `1,234.50`, `1.234,50 €`, `1'234.50`, `(5.00)`, `१२`.

Read where the text can mean one number only. Before exactly three digits one comma or one point can divide thousands as
well as decimals: the currency's decimals settle it, or it stays unread. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from rapport.kernel.currencies import may_mean

__all__ = ["Unreadable", "read_number"]

MAX_TEXT = 40
"""Characters of a text that may be a number."""

_PLAIN = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,2})?", re.ASCII)
_ODD = str.maketrans(
    {
        **dict.fromkeys("\xa0\u2007\u2009\u202f\u3000\t", " "),
        **dict.fromkeys("\u200e\u200f\u061c\u202a\u202b\u202c\u2066\u2067\u2068\u2069\ufeff", None),
        **dict.fromkeys("’‘ʼ´٬", "'"),
        **dict.fromkeys("−–—－‐‑‒", "-"),
        "，": ",", "．": ".", "＋": "+", "（": "(", "）": ")", "＄": "$", "￡": "£", "￥": "¥", "￦": "₩",
    }
)  # fmt: skip
_ARABIC_POINT = "٫"
_POINTS = ".,"
_DIGITS = frozenset("0123456789")


class Unreadable(ValueError):
    """The text is no number, or could be two; the message goes on after the text: "could be 1234 or 1.234"."""


def read_number(text: str, *, decimals: int = 2, currency: str | None = None, point: str | None = None) -> Decimal:
    """The one number a text can mean. Raises Unreadable.

    `decimals` is how many the number has when it is written out; `currency` is what a sign or code beside it must mean
    (any that is known where it is None); `point` is the decimal mark where it is known (`.` or `,`).

    >>> [str(read_number(t)) for t in ("1,234.50", "1.234,50 EUR", "-$1'234", "(5.00)", "19,-", "1,23,456.7")]
    ['1234.50', '1234.50', '-1234', '-5.00', '19', '123456.7']
    >>> [str(read_number("1.234", decimals=decimals)) for decimals in (0, 3)], str(read_number("1.234", point="."))
    (['1234', '1.234'], '1.234')
    """
    if _PLAIN.fullmatch(text):
        return Decimal(text)
    if len(text) > MAX_TEXT:
        raise Unreadable("is too long for a number")
    if not text.isascii():
        if _ARABIC_POINT in text:
            point, text = ".", text.replace(_ARABIC_POINT, ".")
        text = _western(text)
    before, number, after = _cut(text)
    after, whole = _without_dashes(after)
    if whole:
        if whole in number:
            raise Unreadable("is no number")
        point = whole
    negative, before, after = _sign(before, after)
    _check_marks(before, after, currency)
    plain = _plain(number, decimals, point)
    return Decimal(f"-{plain}" if negative else plain)


def _western(text: str) -> str:
    text = text.translate(_ODD)
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def _cut(text: str) -> tuple[str, str, str]:
    """What stands before the first digit, from there to the last one, and after it."""
    at = [place for place, c in enumerate(text) if c in _DIGITS]
    if not at:
        raise Unreadable("is no number")
    before, number, after = text[: at[0]], text[at[0] : at[-1] + 1], text[at[-1] + 1 :]
    if before[-1:] and before[-1] in _POINTS and not before[-2:-1].isalpha():
        before, number = before[:-1], f"0{before[-1]}{number}"
    return before.strip(), number, after


def _without_dashes(after: str) -> tuple[str, str | None]:
    """Takes the dash of `19,-` or the point of `19.` away, and says which the decimal mark was."""
    if after[:1] and after[0] in _POINTS:
        rest = after[1:]
        if rest[:1] == "-":
            return rest.lstrip("-").strip(), after[0]
        if not rest or rest[0] == " ":
            return rest.strip(), after[0]
    return after.strip(), None


def _sign(before: str, after: str) -> tuple[bool, str, str]:
    """Whether it is negative (a minus before or directly behind, or brackets), and the rest of both sides."""
    signs = [c for c in before + after if c in "+-()"]
    if not signs:
        return False, before, after
    if signs == ["(", ")"] and "(" in before and ")" in after:
        return True, before.replace("(", "").strip(), after.replace(")", "").strip()
    if len(signs) == 1 and signs[0] in "+-" and (signs[0] in before or after[0] == signs[0]):
        sign = signs[0]
        return sign == "-", before.replace(sign, "").strip(), after.replace(sign, "").strip()
    raise Unreadable("is no number")


def _check_marks(before: str, after: str, currency: str | None) -> None:
    """Raises Unreadable unless what stands beside the number is the currency."""
    for mark in (before, after):
        if mark and not may_mean(mark, currency) and not all(may_mean(part, currency) for part in mark.split()):
            raise Unreadable(f"is not in {currency}" if currency else "is no number")


def _plain(number: str, decimals: int, point: str | None) -> str:
    """The number as Python reads it: digits, and at most one point."""
    separators = [c for c in number if c not in _DIGITS]
    kinds = list(dict.fromkeys(separators))
    if not kinds:
        return number
    if len(kinds) == 1 and kinds[0] in _POINTS and _divides_decimals(number, kinds[0], decimals, point):
        return number.replace(kinds[0], ".")
    if len(kinds) == 1 and kinds[0] != point:
        return _ungrouped(number, kinds[0])
    if len(kinds) == 2 and kinds[1] in _POINTS and point in (None, kinds[1]) and set(separators[:-1]) == {kinds[0]}:
        whole, _, fraction = number.rpartition(kinds[1])
        return f"{_ungrouped(whole, kinds[0])}.{fraction}"
    raise Unreadable("is no number")


def _divides_decimals(number: str, mark: str, decimals: int, point: str | None) -> bool:
    """Whether the only kind of mark in a number divides decimals; Raises Unreadable where that cannot be told."""
    if point is not None or number.count(mark) > 1:
        return mark == point and number.count(mark) == 1
    whole, _, fraction = number.partition(mark)
    if len(fraction) != 3 or len(whole) > 3 or whole[0] == "0":
        return True
    if decimals == 0:
        return False
    if decimals == 3 and mark == ".":
        return True
    raise Unreadable(f"could be {whole}{fraction} or {whole}.{fraction}")


def _ungrouped(whole: str, mark: str) -> str:
    """The digits of `1,234,567` or, as in India, of `12,34,567`. Raises Unreadable for groups of other sizes."""
    first, *middle, last = whole.split(mark)
    sizes = {len(group) for group in middle}
    digits = "".join((first, *middle, last))
    grouped = sizes <= {3} or (mark == "," and len(first) < 3 and sizes == {2})
    if (
        grouped
        and mark in "' ,."
        and digits.isdecimal()
        and 1 <= len(first) <= 3
        and first[0] != "0"
        and len(last) == 3
    ):
        return digits
    raise Unreadable("is no number")

"""E-mail addresses and telephone numbers, read as people and programs write them; one spelling of each.

What cannot be read for certain is refused: an identifier that is wrong joins two people.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

import idna
import phonenumbers

from rapport.kernel.placeholders import is_placeholder_number

__all__ = ["PhoneNumber", "country_of_number", "email_address", "phone_number", "without_invisible"]

MAX_PHONE = 80
"""Characters of a telephone field that are looked at; a longer one is refused."""

_ATEXT = r"a-z0-9!#$%&'*+/=?^_`{|}~.-"
_EMAIL = re.compile(rf"[{_ATEXT}]{{1,64}}@(?:[a-z0-9](?:[a-z0-9-]{{0,61}}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
_MAILBOX = re.compile(rf"(?:[{_ATEXT}]|[^\x00-\x7f\s])+")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?")
_LAST_LABEL = re.compile(r"[a-z](?:[a-z0-9_-]*[a-z0-9])")
"""Of letters of ASCII; of all others, vowel signs of Devanagari and Thai among them, `idna` knows which may stand."""
_MARKS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0]")


def without_invisible(text: str) -> str:
    r"""The text without characters that nobody sees: zero-width, soft hyphens, byte order and direction marks.

    >>> without_invisible("\ufeffada\u200b@exam\u00adple.com")
    'ada@example.com'
    """
    if text.isascii():
        return text
    return _MARKS.sub("", "".join(c for c in text if unicodedata.category(c) != "Cf"))


def email_address(value: object) -> str | None:
    """The address, lower case and its domain in letters; None where it is none.

    All that RFC 5322 and RFC 6532 allow without quotes, also as `mailto:` or behind a name; domains as UTS 46 has them.

    >>> email_address(" Sean.O'Brien@B\u00dcCHER.example "), email_address("Ada <ada@xn--bcher-kva.example>")
    ("sean.o'brien@bücher.example", 'ada@bücher.example')
    """
    if not isinstance(value, str) or len(value) > 400:
        return None
    text = value.strip().lower()
    if _EMAIL.fullmatch(text) and "xn--" not in text:
        return text
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", without_invisible(text)).lower()).strip()
    if text.endswith(">"):
        text = text[:-1].rpartition("<")[2].strip()
    text = text.removeprefix("mailto:").partition("?subject=")[0]
    mailbox, at, domain = text.rpartition("@")
    readable = _domain(domain) if at and len(mailbox) <= 64 and _MAILBOX.fullmatch(mailbox) else None
    return f"{mailbox}@{readable}" if readable else None


@lru_cache(maxsize=4_096)
def _domain(domain: str) -> str | None:
    """A domain's name in letters; `idna` knows which are names at all. What it says is said again of its answer."""
    plain = domain.replace("\u3002", ".").removesuffix(".")
    if not plain.isascii() or "xn--" in plain:
        try:
            plain = without_invisible(idna.decode(idna.encode(plain, uts46=True)))
            idna.encode(plain, uts46=True)
        except (idna.IDNAError, UnicodeError):
            return None
    *labels, last = plain.split(".")
    are_names = all(not one.isascii() or _LABEL.fullmatch(one) for one in labels)
    ends_well = not last.isascii() or _LAST_LABEL.fullmatch(last)
    return plain if len(plain) <= 253 and labels and are_names and ends_well else None


# --- telephone numbers ---------------------------------------------------------------------------------------------


class PhoneNumber(NamedTuple):
    """A number in E.164, and the extension behind it: a switchboard, where many may be."""

    e164: str
    extension: str = ""


_WORD = r"(?<![^\W\d_])"  # no letter stands before it
_EXTENSION = re.compile(
    rf"(?:;ext=|#|{_WORD}(?:ext(?:ensi[oó]n)?n?\b\.?|x\.?(?=\s*\d)|anexo|poste|int(?:erno)?\b\.?|durchwahl|доб\.?))"
    r"[\s:.]*(\d{1,8})\W*$",
    re.IGNORECASE,
)
_URI = re.compile(r"tel:\S+", re.IGNORECASE)
_START = re.compile(r"[+(]*\s*\d")
_LETTER = re.compile(r"[^\W\d_]")
_BRACKETS = re.compile(r"\s*[(\[][^)\]]*[)\]]\s*$")
_BETWEEN = re.compile(r"[/,;|&\n]|(?<=\d)\s*\+")
_POWER = re.compile(r"\d[.,]?\d*e[+-]?\d", re.IGNORECASE)
_FREEPHONE = re.compile(r"(?:\+?1[\s.-]?)?\(?8\d\d\)?[\s.-]?[a-z0-9 .-]{7,}", re.IGNORECASE)
_FRACTION = re.compile(r"^(\+?\d{7,15})\.0+$", re.ASCII)
"""A table's number."""
_SHORTEST = 7
"""Digits that make a number by themselves."""
_OF_A_TOWN = 7
"""Digits of the longest number that is taken for one without its town's code where no nought stands before it."""


def phone_number(value: object, *, region: str | None = None) -> PhoneNumber | None:
    """The telephone number, or None where it is none, or cannot be told.

    Words around it are left out, an extension is told apart; two numbers in one field, numbers without the area code
    and placeholders are refused. Letters stand for digits only in American numbers of the 8xx kind.

    >>> phone_number("Tel.: +49 (0)30 1234567 (office)"), phone_number("+1 212 555 0100 x12")
    (PhoneNumber(e164='+49301234567', extension=''), PhoneNumber(e164='+12125550100', extension='12'))
    >>> phone_number("0170 1234567 / 0171 7654321", region="DE"), phone_number("000-000-0000", region="US")
    (None, None)
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(int(value)) if value == value // 1 and abs(value) < 1e15 else ""
    if not isinstance(value, str) or not 5 <= len(value) <= MAX_PHONE:
        return None
    return _phone_number(value, region)


@lru_cache(maxsize=20_000)
def country_of_number(e164: str) -> str:
    """The country of a number in international form, by its area too; empty where it is of none.

    >>> country_of_number("+12025550123"), country_of_number("+14165550123"), country_of_number("")
    ('US', 'CA', '')
    """
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(e164)) or ""
    except phonenumbers.NumberParseException:
        return ""


@lru_cache(maxsize=20_000)
def _phone_number(text: str, region: str | None) -> PhoneNumber | None:
    text = _FRACTION.sub(r"\1", unicodedata.normalize("NFKC", without_invisible(text)).strip())
    if is_placeholder_number(_digits(text)) or _POWER.search(text):
        return None
    if _URI.fullmatch(text) or _is_freephone(text, region):
        body, extension, worded = text, "", False
    else:
        body, extension, worded = _parted(text)
    try:
        number = None if _are_two(body) else phonenumbers.parse(body, region)
    except phonenumbers.NumberParseException:
        number = None
    number = _with_its_country(number, body, region)
    if number is not None and _lacks_its_town(number, body):
        return None
    if number is None or not _is_somebodys(number, surely=worded):
        return None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return PhoneNumber(e164, extension or number.extension or "")


def _with_its_country(
    number: phonenumbers.PhoneNumber | None, body: str, region: str | None
) -> phonenumbers.PhoneNumber | None:
    """The number, or the one it is where it begins with its country's code and lacks the plus (`49 151 …`).

    None where it is a number either way, and nobody can tell which.
    """
    code = str(phonenumbers.country_code_for_region(region or "ZZ"))
    digits = _digits(body)
    if number is None or "+" in body or not digits.startswith(code) or str(number.country_code) != code:
        return number
    try:
        other = phonenumbers.parse(f"+{digits}", None)
    except phonenumbers.NumberParseException:
        return number
    if other.national_number == number.national_number or not phonenumbers.is_valid_number(other):
        return number
    if not phonenumbers.is_valid_number(number):
        return other
    # Both are numbers: a mobile one is hardly a town's, whose code would have its nought before it.
    mobile = phonenumbers.PhoneNumberType.MOBILE
    kinds = (phonenumbers.number_type(number), phonenumbers.number_type(other))
    return other if kinds[1] == mobile and kinds[0] != mobile else None


def _lacks_its_town(number: phonenumbers.PhoneNumber, body: str) -> bool:
    """Whether a short number of a town lacks the nought that stands before a town's code: then it lacks the code, too.

    A long one lost its nought in a table (`2071234567`).
    """
    national = phonenumbers.national_significant_number(number)
    if "+" in body or len(national) > _OF_A_TOWN or _digits(body) != national:
        return False
    region = phonenumbers.region_code_for_number(number)
    noughts = phonenumbers.ndd_prefix_for_region(region or "ZZ", True) == "0"
    return noughts and phonenumbers.number_type(number) != phonenumbers.PhoneNumberType.MOBILE


def _is_somebodys(number: phonenumbers.PhoneNumber, *, surely: bool) -> bool:
    """Whether the number is possible with its area code, and no placeholder; where words were cut off also valid.

    Otherwise nobody knows which of the digits are the number's.
    """
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE or (surely and not phonenumbers.is_valid_number(number)):
        return False
    return not is_placeholder_number(phonenumbers.national_significant_number(number))


def _parted(text: str) -> tuple[str, str, bool]:
    """The number without what stands before it, its extension, and whether something was cut off behind it."""
    start = _START.search(text)
    text = text[start.start() :] if start else text
    extension = ""
    found = _EXTENSION.search(text)
    if found and len(_digits(text[: found.start()])) >= _SHORTEST:
        text, extension = text[: found.start()], found[1]
    plain = text
    letter = _LETTER.search(plain)
    if letter and len(_digits(plain[letter.start() :])) < _SHORTEST:
        plain = plain[: letter.start()].rstrip(" ([-/,;:.")
    while (behind := _BRACKETS.search(plain)) and len(_digits(plain[: behind.start()])) >= _SHORTEST:
        plain = plain[: behind.start()]
    return plain, extension, plain != text


def _are_two(text: str) -> bool:
    """Whether there are words, or a sign, between two numbers; `030/1234567` is one."""
    if _URI.fullmatch(text):
        return False
    if _LETTER.search(text) and not _FREEPHONE.fullmatch(text):
        return True
    return sum(len(_digits(part)) >= _SHORTEST for part in _BETWEEN.split(text)) > 1


def _is_freephone(text: str, region: str | None) -> bool:
    """Whether letters stand for digits, as in 1-800-FLOWERS."""
    if _LETTER.search(text) is None or len(_digits(text)) > 9 or _FREEPHONE.fullmatch(text) is None:
        return False
    return text.startswith("+1") or phonenumbers.country_code_for_region(region or "ZZ") == 1


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())

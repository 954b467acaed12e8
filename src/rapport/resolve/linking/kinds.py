"""What a column of a table of persons holds, found from its name and its values; and the normal form of each kind.

Pure. Nothing here looks at labels: a column is known by what is written in it.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from rapport.kernel.errors import InvalidInput

__all__ = ["Column", "Kind", "Layout", "date_digits", "detect", "fold", "read_map", "words"]


class Kind(StrEnum):
    """What a column tells of a person."""

    GIVEN_NAME = "given_name"
    SURNAME = "surname"
    FULL_NAME = "full_name"
    BIRTH_DATE = "birth_date"
    POSTCODE = "postcode"
    PHONE = "phone"
    EMAIL = "email"
    NATIONAL_ID = "national_id"
    """Any number or code given to one person: social security, loyalty card, the fingerprint of a payment card."""
    STREET = "street"
    HOUSE_NUMBER = "house_number"
    PLACE = "place"
    OCCUPATION = "occupation"
    COMPANY = "company"
    CATEGORY = "category"
    """A word of a few: state, country, title."""
    GENDER = "gender"
    IGNORE = "ignore"


class Column(msgspec.Struct, frozen=True):
    """A column, its kind and how it is filled."""

    name: str
    kind: Kind
    null_share: float
    distinct: int


class Layout(msgspec.Struct, frozen=True):
    """The columns of a table that a comparison can use."""

    columns: list[Column]

    def of(self, *kinds: Kind) -> list[str]:
        """Names of the columns of these kinds, in the order of the kinds."""
        return [column.name for kind in kinds for column in self.columns if column.kind is kind]


_WORD = re.compile(r"[^\W_]+")
_APOSTROPHES = str.maketrans("", "", "'’`´")


def fold(text: object) -> str:
    """Lower case without accents and outer blanks; empty for nothing.

    >>> fold(" Müller-Lüdenscheidt ")
    'muller-ludenscheidt'
    """
    if text is None or text != text:  # NaN stands for nothing in many a file
        return ""
    folded = str(text).strip().casefold()
    if folded.isascii():
        return folded
    return "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))


def words(text: object) -> list[str]:
    """The words and numbers of a text, folded.

    >>> words("O'Neill, 1st Baron")
    ['oneill', '1st', 'baron']
    """
    return _WORD.findall(fold(text).translate(_APOSTROPHES))


class _Clue(NamedTuple):
    kind: Kind
    name: re.Pattern[str]


def _clue(kind: Kind, pattern: str) -> _Clue:
    return _Clue(kind, re.compile(pattern))


_CLUES = (
    _clue(Kind.IGNORE, r"^(id|uid|uuid|.*unique_?id|rec_?id|record_?id|row_?id|cluster|label|truth|source.*|dataset)$"),
    _clue(Kind.EMAIL, r"e_?mail"),
    _clue(Kind.PHONE, r"phone|mobile|^tel|telefon|handy"),
    _clue(Kind.BIRTH_DATE, r"birth_?da(y|te)|date_?of_?birth|^dob$|geburts_?(tag|datum)|^bday"),
    _clue(Kind.NATIONAL_ID, r"soc(ial)?_?sec|^ssn|national_?id|passport|tax_?id|loyalty|card|licen[cs]e|patient_?id"),
    _clue(Kind.POSTCODE, r"post_?(al_?)?code|^zip|^plz$"),
    _clue(Kind.HOUSE_NUMBER, r"(street|house|hous)_?(no|nr|num|number)\b|hausnummer"),
    _clue(Kind.GIVEN_NAME, r"given|first_?name|^fore_?name|^fname|vorname|middle_?name"),
    _clue(Kind.FULL_NAME, r"full_?name|first_and_surname|^name$|customer_?name|display_?name|concat"),
    _clue(Kind.SURNAME, r"surname|last_?name|family_?name|^lname|nachname"),
    _clue(Kind.PLACE, r"place|city|town|suburb|locality|municipality|^ort$"),
    _clue(Kind.STREET, r"street|address|addr|strasse|road"),
    _clue(Kind.GENDER, r"^(gender|sex)$"),
    _clue(Kind.OCCUPATION, r"occupation|job|profession|employer"),
    _clue(Kind.COMPANY, r"company|organi[sz]ation|^firma?$"),
    _clue(Kind.CATEGORY, r"^(state|region|country|province|county|title|nationality)"),
)

_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
_DATE = re.compile(
    r"^((1[5-9]|20)\d\d([-./]?)(0\d|1[0-2])\3[0-3]\d|\d{1,2}[-./]\d{1,2}[-./]\d{4})([T ].*)?$", re.IGNORECASE
)
_DIGITS = re.compile(r"\D")


def detect(rows: Sequence[Mapping[str, Any]], *, given: Mapping[str, Kind] | None = None) -> Layout:
    """The layout of a table, from at most 20,000 of its rows. `given` settles columns beforehand.

    A column whose name says nothing is known by its values; one that says nothing either way is left out, as is one
    that is nearly empty or the same for all.
    """
    sample = rows[:: max(1, len(rows) // 20_000)]
    names = list(dict.fromkeys(name for row in sample[:100] for name in row))
    columns = []
    for name in names:
        filled = [text for row in sample if (text := fold(row.get(name)))]
        kind = (given or {}).get(name) or _kind(name, filled)
        distinct = len(set(filled))
        if name not in (given or {}) and (len(filled) < 0.01 * len(sample) or distinct < 2):
            kind = Kind.IGNORE
        null_share = 1 - len(filled) / max(1, len(sample))
        columns.append(Column(name.strip(), kind, round(null_share, 4), distinct))
    return Layout([column for column in columns if column.kind is not Kind.IGNORE])


def read_map(path: Path) -> dict[str, Kind]:
    """Kinds set by hand: the table `[columns]` of a TOML file, `dob = "birth_date"`, `notes = "ignore"`.

    Raises InvalidInput for a file that cannot be read or a kind that does not exist.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}", hint="a TOML file with a table [columns]") from error
    kinds = {kind.value: kind for kind in Kind}
    entries = given.get("columns", given)
    wrong = {name: kind for name, kind in entries.items() if kind not in kinds}
    if wrong:
        raise InvalidInput(f"no such kinds of column: {wrong}", hint=f"one of {', '.join(kinds)}")
    return {name: kinds[kind] for name, kind in entries.items()}


def _kind(name: str, filled: Sequence[str]) -> Kind:
    plain = re.sub(r"\W+", "_", fold(name)).strip("_")
    for kind, pattern in _CLUES:
        if pattern.search(plain):
            return kind
    return _kind_of_values(filled)


def _kind_of_values(filled: Sequence[str]) -> Kind:
    some = filled[:2_000]
    if not some:
        return Kind.IGNORE

    def share(pattern: re.Pattern[str]) -> float:
        return sum(bool(pattern.match(text)) for text in some) / len(some)

    if share(_EMAIL) > 0.7:
        return Kind.EMAIL
    if share(_DATE) > 0.7:
        return Kind.BIRTH_DATE
    digits = Counter(len(_DIGITS.sub("", text)) for text in some)
    numeric = sum(text.strip("+").replace(" ", "").replace("-", "").isdigit() for text in some) / len(some)
    distinct = len(set(some))
    if numeric > 0.8:
        length = digits.most_common(1)[0][0]
        if distinct < 0.2 * len(some):
            return Kind.CATEGORY
        return Kind.PHONE if 9 <= length <= 15 else Kind.NATIONAL_ID if length >= 6 else Kind.CATEGORY
    return Kind.CATEGORY if distinct <= max(50, len(some) // 20) else Kind.PLACE


def date_digits(text: object) -> str:
    """A date as eight characters YYYYMMDD, whatever mistakes are in it; empty where it is no date.

    >>> date_digits("1856-86-18"), date_digits("18/06/1856"), date_digits("19560409"), date_digits("?")
    ('18568618', '18560618', '19560409', '')
    """
    plain = fold(text)[:10]
    parts = re.split(r"[-./ ]", plain)
    if len(parts) == 3 and len(parts[2]) == 4:
        day, month = parts[0].zfill(2), parts[1].zfill(2)
        if month > "12" and day <= "12":
            day, month = month, day
        plain = parts[2] + month + day
    elif len(parts) == 3:
        plain = parts[0] + parts[1].zfill(2) + parts[2].zfill(2)
    return plain if len(plain) == 8 and plain[:4].isdigit() else ""

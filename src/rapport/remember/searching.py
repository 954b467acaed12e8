"""Finding customers by what they are called: any words of the name, in any order, by how they begin.

Names are kept in words, one row each, without accents and case; a search is one index range for each word asked for.
Beside them stand marked words that no name can have: `#` the digits of a telephone number from its end, `~` a postcode,
`=` something that lists are filtered by (`=country:DE`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember.store import words
from rapport.storage.bulk import chunks, insert_ignore
from rapport.storage.lookup import select_among

__all__ = [
    "LAST_DIGITS",
    "Facet",
    "called",
    "facet",
    "facet_values",
    "folded",
    "keep_words",
    "last_digits",
    "marked",
    "phone_word",
    "postcode_word",
    "words_of",
]

Facet = Literal["country", "channel", "campaign", "consent", "email"]
"""What lists are filtered by, beside numbers and times."""

WORDS = 12
"""Words of one name that are kept, and of one search that are looked for."""

LONGEST = 40
"""Characters of a word."""

LONGEST_FACET = 120
VALUES = 200
"""Values of a facet that are offered."""

LAST_DIGITS = 4
"""Digits from a telephone number's end that find somebody."""

_APART = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
_APOSTROPHES = re.compile("['\u2018\u2019\u02bc`\u00b4]")
_WORD = re.compile(r"[^\W_]+")


def folded(text: str) -> str:
    r"""The text as it is compared: no accents, no case, composed or not.

    >>> folded("Mari\u0301a Ørsted STRASSE"), folded("Straße")
    ('maria orsted strasse', 'strasse')
    """
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text.casefold()).translate(_APART)
    return "".join(c for c in plain if not unicodedata.combining(c))


def words_of(name: str) -> set[str]:
    """The words by which somebody of this name is found; of `O'Neil` both `oneil` and `neil`.

    >>> sorted(words_of("Vincent van Gogh")), sorted(words_of("Ada O'Neil-Byron"))
    (['gogh', 'van', 'vincent'], ['ada', 'byron', 'neil', 'oneil'])
    """
    text = folded(name)
    whole = _WORD.findall(_APOSTROPHES.sub("", text))[:WORDS]
    parts = _WORD.findall(text)[:WORDS] if len(text) != len(_APOSTROPHES.sub("", text)) else []
    return {word[:LONGEST] for word in (*whole, *(part for part in parts if len(part) > 1))}


def facet(name: Facet, value: str) -> str:
    """The word by which somebody is found who has this value.

    >>> facet("country", "DE"), facet("consent", "marketing=no")
    ('=country:DE', '=consent:marketing=no')
    """
    return f"={name}:{value}"[:LONGEST_FACET]


def phone_word(number: str) -> str:
    """The word by which a telephone number is found from its end.

    >>> phone_word("+49301234567")
    '#76543210394'
    """
    return "#" + "".join(c for c in number if c.isdigit())[-20:][::-1]


def last_digits(asked: str) -> str | None:
    """How the word of a number with these last digits begins; None where too few were given, or something else.

    >>> last_digits("234-567"), last_digits("030 123"), last_digits("567"), last_digits("A 4567")
    ('#765432', '#32103', None, None)
    """
    digits = "".join(c for c in asked if c.isdigit())
    if len(digits) < LAST_DIGITS or not digits.isascii() or asked.strip(" 0123456789+-/().\u00a0"):
        return None
    # A 0 before the area is dialled within a country only, and no number is kept with it.
    without = digits.lstrip("0")
    return "#" + (without if len(without) >= LAST_DIGITS else digits)[-20:][::-1]


def postcode_word(postcode: str) -> str:
    """The word of a postcode, or the beginning of one.

    >>> postcode_word("SW1A 1AA"), postcode_word("10 115")
    ('~sw1a1aa', '~10115')
    """
    return "~" + "".join(_WORD.findall(folded(postcode)))[:LONGEST]


def facet_values(conn: Connection, workspace: WorkspaceId, name: Facet) -> list[str]:
    """The values that anybody of the shop has, at most VALUES, in order. Cost: a look at the index for each."""
    prefix = f"={name}:"
    inside = (words.c.workspace == workspace, words.c.word < f"={name};")
    least = sa.func.min(words.c.word).label("word")
    found = sa.select(least).where(*inside, words.c.word >= prefix).cte("found", recursive=True)
    following = sa.select(least).where(*inside, words.c.word > found.c.word).scalar_subquery()
    found = found.union_all(sa.select(following).where(found.c.word.is_not(None)))
    query = sa.select(found.c.word).where(found.c.word.is_not(None)).limit(VALUES)
    return [word.removeprefix(prefix) for word in conn.execute(query).scalars()]


def keep_words(conn: Connection, workspace: WorkspaceId, names: Mapping[Key, Collection[str]]) -> None:
    """Have each of these customers found by these words alone. Writes only what is different."""
    kept: dict[Key, set[str]] = {root: set() for root in names}
    query = sa.select(words.c.root, words.c.word)
    for root, word in select_among(conn, query, workspace, words.c.root, list(names)):
        kept[Key(root)].add(word)
    gone = sorted((root, word) for root, before in kept.items() for word in before - set(names[root]))
    for batch in chunks(gone, 200):
        pairs = sa.tuple_(words.c.root, words.c.word).in_(batch)
        conn.execute(words.delete().where(words.c.workspace == workspace, pairs))
    rows = [
        {"workspace": workspace, "root": root, "word": word}
        for root, wanted in sorted(names.items())
        for word in sorted(set(wanted) - kept[root])
    ]
    insert_ignore(conn, words, rows)


def called(conn: Connection, workspace: WorkspaceId, asked: str, *, limit: int, exactly: bool = False) -> list[Key]:
    """Customers whose names have a word that begins like (or is) each of those asked for, at most `limit`."""
    wanted = list(dict.fromkeys(word[:LONGEST] for word in _WORD.findall(_APOSTROPHES.sub("", folded(asked)))))[:WORDS]
    if not wanted or "@" in asked:
        return []
    return marked(conn, workspace, sorted(wanted, key=len, reverse=True), limit=limit, exactly=exactly)


def marked(
    conn: Connection, workspace: WorkspaceId, wanted: Iterable[str], *, limit: int, exactly: bool = False
) -> list[Key]:
    """Customers who have a word beginning like each of these, or that word itself."""

    def ranged(word: str) -> sa.ColumnElement[bool]:
        last = word if exactly else word + "\U0010ffff"
        return sa.and_(words.c.word >= word, words.c.word <= last)

    found = [sa.select(words.c.root).where(words.c.workspace == workspace, ranged(word)) for word in wanted]
    query = sa.intersect(*found) if len(found) > 1 else found[0].distinct()
    return [Key(root) for root in conn.execute(query.limit(limit)).scalars()]

"""Finding customers by what they are called: any words of the name, in any order, by how they begin.

Names are kept in words, one row each, without accents and case; a search is one index range for each word asked for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember.store import words
from rapport.storage.bulk import chunks, insert_ignore
from rapport.storage.lookup import select_among

__all__ = ["called", "folded", "keep_words", "words_of"]

WORDS = 12
"""Words of one name that are kept, and of one search that are looked for."""

LONGEST = 40
"""Characters of a word."""

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


def called(conn: Connection, workspace: WorkspaceId, asked: str, *, limit: int) -> list[Key]:
    """Customers whose names have a word beginning like each of those asked for, at most `limit`."""
    wanted = list(dict.fromkeys(word[:LONGEST] for word in _WORD.findall(_APOSTROPHES.sub("", folded(asked)))))[:WORDS]
    if not wanted or "@" in asked:
        return []
    ranges = [
        sa.select(words.c.root).where(
            words.c.workspace == workspace, words.c.word >= word, words.c.word <= word + "\U0010ffff"
        )
        for word in sorted(wanted, key=len, reverse=True)
    ]
    query = sa.intersect(*ranges) if len(ranges) > 1 else ranges[0].distinct()
    return [Key(root) for root in conn.execute(query.limit(limit)).scalars()]

"""Names of people: what a fact calls somebody, and whether two such names can be one person's.

Compared is what a person is called, since a household shares the rest: given names that contradict each other are two
people's, whatever the surname; a changed surname alone is not. Spelling, accents, order, initials, nicknames and slips
of the pen do not contradict; neither does what cannot be compared (another script, no given name). Two dates of birth
do, unless a slip explains them. Pure. Learned links weigh names by levels of their own (`linking/comparisons`), and ask
here which names are said for one another.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from rapidfuzz.distance import OSA

from rapport.kernel.placeholders import is_placeholder_text

__all__ = ["NAME_FIELDS", "PersonName", "are_said_for_one", "may_be_one", "person_name", "read_name"]

_GIVEN = ("firstName", "first_name", "firstname")
_LAST = ("lastName", "last_name", "lastname")
_WHOLE = ("name", "fullName", "full_name")
_BIRTH = ("birthday", "birthdate", "birth_date", "dateOfBirth")

NAME_FIELDS = (*_GIVEN, *_LAST, *_WHOLE, *_BIRTH)
"""All fields of traits that `person_name` looks at."""

_LONGEST = 80
"""Characters of a name; a longer one names nobody."""

_WORD = re.compile(r"[^\W_]+")
_APOSTROPHES = str.maketrans("", "", "'’`´")
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})

_TITLES = frozenset(("mr", "mrs", "ms", "miss", "mx", "sir", "dr", "prof", "herr", "frau", "fru", "hr", "mme", "mlle",
    "monsieur", "madame", "sr", "sra", "srta", "senor", "senora", "sig", "pan", "pani"))  # fmt: skip
_COMPANIES = frozenset(("gmbh", "ltd", "limited", "inc", "llc", "llp", "corp", "company", "co", "ag", "kg", "ohg", "ug",
    "sarl", "sas", "srl", "spa", "bv", "nv", "oy", "ab", "aps", "pty", "plc", "team", "office"))  # fmt: skip

_SHORT = (
    "robert bob bobby rob", "william bill billy will liam", "richard dick rick", "edward ed eddie ted teddy ned",
    "john jack johnny", "james jim jimmy jamie", "elizabeth liz lizzie beth betty eliza elisabeth lisa",
    "margaret maggie meg peggy greta", "katherine catherine kathryn kate katie kathy cathy", "anthony tony",
    "thomas tom tommy", "michael mike mick mickey", "charles charlie chuck", "henry harry hank",
    "francis frank", "patricia pat patty tricia", "susan sue susie", "deborah debbie", "stephen steven steve",
    "lawrence laurence larry", "joseph joe joey", "joshua josh", "nicholas nick nicolas", "dorothy dot dolly",
    "theresa teresa tess terry", "rebecca becky", "alexander alex sasha sandy xander", "alexandra alex sasha sandra",
    "johannes hans hannes", "heinrich heinz", "friedrich fritz", "josef sepp", "georg schorsch", "wilhelm willi",
    "francisco paco pancho", "jose pepe", "ignacio nacho", "guadalupe lupe", "concepcion concha", "dolores lola",
    "giuseppe beppe peppe", "giovanni gianni", "luigi gigi", "aleksandr sasha", "vladimir vova", "dmitri dima",
    "mikhail misha", "ivan vanya", "ekaterina katya", "maria masha", "natalia natasha", "piotr piotrek",
    "robert berto", "andrew andy drew", "daniel dan danny", "david dave davey", "gregory greg", "peter pete",
    "ronald ron", "donald don", "kenneth ken", "timothy tim", "jennifer jen jenny", "jessica jess", "barbara babs barb",
)  # fmt: skip
"""Names that are said for one another. Two that stand in one line may be one person."""

_LINES: dict[str, frozenset[int]] = {}
for _number, _line in enumerate(_SHORT):
    for _word in _line.split():
        _LINES[_word] = _LINES.get(_word, frozenset()) | {_number}


class PersonName(NamedTuple):
    """What somebody is called, folded: words in lower case without accents. `born` is an ISO date or empty."""

    given: str
    rest: str = ""
    born: str = ""

    def __str__(self) -> str:
        return "/".join(self).rstrip("/")


def read_name(text: str) -> PersonName:
    """The name that `str` of one wrote."""
    parts = (*text.split("/", 2), "", "")
    return PersonName(*parts[:3])


def person_name(traits: Mapping[str, Any]) -> PersonName | None:
    """What traits call the person; None where they say no given name: a surname alone is a whole family's.

    >>> person_name({"firstName": "Áda", "lastName": "O'Neill"}), person_name({"name": "Lovelace, Ada"})
    (PersonName(given='ada', rest='oneill', born=''), PersonName(given='ada', rest='lovelace', born=''))
    >>> person_name({"name": "Mr Smith"}), person_name({"name": "Lovelace Ltd"}), person_name({"lastName": "Smith"})
    (None, None, None)
    """
    given = _words(_text(traits, *_GIVEN))
    rest = _words(_text(traits, *_LAST))
    if not given and not rest:
        given, rest = _parted(_text(traits, *_WHOLE))
    if not given or not _COMPANIES.isdisjoint((*given, *rest)):
        return None
    return PersonName(" ".join(given), " ".join(rest), _born(traits))


@lru_cache(maxsize=65_536)
def may_be_one(a: PersonName, b: PersonName) -> bool:
    """False where the two contradict each other; the same whichever comes first.

    >>> ada = PersonName("ada", "lovelace")
    >>> [may_be_one(ada, PersonName(*name)) for name in (("a", "lovelace"), ("lovelace", "ada"), ("bo", "lovelace"))]
    [True, True, False]
    """
    if a.born and b.born and _two_births(a.born, b.born):
        return False
    given_a, given_b = a.given.split(), b.given.split()
    if a.given == b.given or any(_is_latin(x) != _is_latin(y) for x in given_a for y in given_b):
        return True
    rest_a, rest_b = a.rest.split(), b.rest.split()
    all_a, all_b = (*given_a, *rest_a), (*given_b, *rest_b)
    if not set(given_a).isdisjoint(all_b) and not set(given_b).isdisjoint(all_a):
        return True
    nearly = _any_alike(given_a, all_b) and _any_alike(given_b, all_a)
    return nearly and (not rest_a or not rest_b or _any_near(all_a, rest_b) or _any_near(rest_a, all_b))


def are_said_for_one(a: str, b: str) -> bool:
    """Whether two given names, folded, are said for one another.

    >>> are_said_for_one("bob", "robert"), are_said_for_one("bob", "william")
    (True, False)
    """
    return not _LINES.get(a, frozenset()).isdisjoint(_LINES.get(b, frozenset()))


def _any_alike(some: Iterable[str], others: Iterable[str]) -> bool:
    return any(_alike(one, other) for one in some for other in others)


def _any_near(some: Iterable[str], others: Iterable[str]) -> bool:
    """Whether surnames agree, any slip forgiven: asked where the given names agree but nearly."""
    return any(
        one[0] == other[0] if 1 in (len(one), len(other)) else OSA.distance(one, other, score_cutoff=1) <= 1
        for one in some
        for other in others
    )


def _alike(a: str, b: str) -> bool:
    if a == b:
        return True
    if len(a) == 1 or len(b) == 1:
        return a[0] == b[0]
    if are_said_for_one(a, b):
        return True
    short, long = sorted((a, b), key=len)
    if len(short) >= 3 and len(long) >= len(short) + 3 and long.startswith(short):
        return True  # alex and alexander; paul and paula are two
    return len(long) >= 4 and len(short) >= 3 and short[0] == long[0] and _slipped(short, long)


def _slipped(short: str, long: str) -> bool:
    """One slip of the pen; not at the end, where a letter tells Mario from Maria, Paul from Paula."""
    if OSA.distance(short, long, score_cutoff=1) > 1:
        return False
    return long[-1] == long[-2] == short[-1] or not (short == long[:-1] or short[:-1] == long[:-1])


def _two_births(a: str, b: str) -> bool:
    """Two dates that neither one wrong figure nor day and month swapped make the same."""
    if a == b or (a[:4] == b[:4] and a[5:7] == b[8:10] and a[8:10] == b[5:7]):
        return False
    return OSA.distance(a, b, score_cutoff=1) > 1


def _is_latin(word: str) -> bool:
    return word.isascii()


def _text(traits: Mapping[str, Any], *fields: str) -> str:
    for field in fields:
        value = traits.get(field)
        if isinstance(value, str) and 0 < len(value) <= _LONGEST and not is_placeholder_text(value):
            return value
    return ""


def _parted(name: str) -> tuple[list[str], list[str]]:
    """Given names and the rest of a name in one text: what stands behind a comma, else all but the last word."""
    last, comma, first = name.partition(",")
    if comma and _words(first):
        return _words(first), _words(last)
    words = _words(name)
    if len(words) < 2:
        return ([], words) if len(_WORD.findall(name)) > 1 else (words, [])
    return words[:-1], words[-1:]


@lru_cache(maxsize=16_384)
def _folded(text: str) -> tuple[str, ...]:
    folded = text.casefold().translate(_APOSTROPHES)
    if not folded.isascii():
        decomposed = unicodedata.normalize("NFKD", folded)
        folded = unicodedata.normalize("NFC", "".join(c for c in decomposed if not unicodedata.combining(c)))
        folded = folded.translate(_LETTERS)
    return tuple(word for word in _WORD.findall(folded) if word not in _TITLES)


def _words(text: str) -> list[str]:
    return list(_folded(text)) if text else []


def _born(traits: Mapping[str, Any]) -> str:
    value = _text(traits, *_BIRTH)[:10]
    try:
        return date.fromisoformat(value).isoformat() if value else ""
    except ValueError:
        return ""

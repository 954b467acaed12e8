"""A person's name as a shop has it: how the given names go together, how the surnames do, how many are called so."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import product
from typing import NamedTuple

from rapport.kernel.person_names import are_said_for_one
from rapport.resolve.linking.comparisons.comparison import Comparison, Level, edits, jaro_winkler
from rapport.resolve.linking.kinds import words
from rapport.resolve.linking.model import Frequencies

__all__ = ["CONTRADICTS", "PersonNames", "names_of"]

SAME, NEAR, INITIAL, VARIANT, UNKNOWN, CONTRADICTS = range(6)
_GIVEN = {
    SAME: "the same given name", NEAR: "nearly the same given name", INITIAL: "an initial that fits",
    VARIANT: "two given names that are alike", UNKNOWN: "given name not known of both",
    CONTRADICTS: "different given names",
}  # fmt: skip
_SURNAME = {
    SAME: "the same surname", NEAR: "nearly the same surname", UNKNOWN: "surname not known of both",
    CONTRADICTS: "different surnames",
}  # fmt: skip
_NAMESAKES = (3.0, 0.5, 0.1, 0.02)
"""Bounds of the records that are expected to bear a name by chance."""
_CALLED = (
    "many are called so", "some may be called so", "hardly anybody else is called so", "a rare name", "a very rare name"
)  # fmt: skip
_MOST_WORDS = 4
_NEAR = 0.88
_COMMON = 4.0
"""Bits by which one of two alike words must be rarer to be a slip of the other, unless hardly anybody has it."""

_AGREE = (SAME, NEAR, INITIAL)


def _levels() -> dict[tuple[int, int, int], Level]:
    """(given, surname, rarity) → level; what speaks least for one person comes first."""
    keys: list[tuple[int, int, int]] = []
    for given, surname in product((CONTRADICTS, VARIANT, UNKNOWN, INITIAL, NEAR, SAME), reversed(list(_SURNAME))):
        ranks = range(len(_CALLED)) if given in _AGREE and surname in (SAME, NEAR) else (0,)
        keys += [(given, surname, rank) for rank in ranks]
    return {key: level for level, key in enumerate(keys)}


_LEVELS = _levels()
_KEYS = list(_LEVELS)


def _said(given: int, surname: int, rank: int) -> str:
    said = f"{_GIVEN[given]}, {_SURNAME[surname]}"
    return f"{said}; {_CALLED[rank]}" if given in _AGREE and surname in (SAME, NEAR) else said


def _group(given: int, surname: int, rank: int) -> int:
    """Coarse, for what is learned together with another comparison."""
    if given in (SAME, NEAR) and surname in (SAME, NEAR) and rank >= 2:
        return 1
    of_given = {SAME: 0, NEAR: 0, INITIAL: 1, UNKNOWN: 2, VARIANT: 3, CONTRADICTS: 3}[given]
    of_surname = {SAME: 0, NEAR: 0, UNKNOWN: 1, CONTRADICTS: 2}[surname]
    return 2 + 3 * of_given + of_surname


def _rises() -> list[tuple[Level, Level]]:
    """A name agrees more where fewer are called so, the given name more, or the surname more."""
    given_order = {given: at for at, given in enumerate((CONTRADICTS, VARIANT, INITIAL, NEAR, SAME))}
    surname_order = {surname: at for at, surname in enumerate((CONTRADICTS, NEAR, SAME))}

    def more(low: tuple[int, int, int], high: tuple[int, int, int]) -> bool:
        given, surname = (low[0], high[0]), (low[1], high[1])
        if (UNKNOWN in given and given != (UNKNOWN, UNKNOWN)) or (UNKNOWN in surname and len(set(surname)) > 1):
            return False
        steps = given_order.get(given[1], 0) - given_order.get(given[0], 0)
        other = surname_order.get(surname[1], 0) - surname_order.get(surname[0], 0)
        return steps >= 0 and other >= 0 and high[2] >= low[2] and high != low

    return [(_LEVELS[low], _LEVELS[high]) for low in _KEYS for high in _KEYS if more(low, high)]


class _Person(NamedTuple):
    given: tuple[str, ...]
    surname: tuple[str, ...]
    bits: dict[str, float]
    """Of `g:` and `s:` with the word."""
    total: float


def names_of(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Given names and surnames of texts that begin with g, s or f and a colon: given name, surname, name in full.

    >>> names_of(["f:Lovelace, Ada"]), names_of(["g:Ada", "s:King-Noel"])
    ((['ada'], ['lovelace']), (['ada'], ['king', 'noel']))
    """
    given = [word for text in texts if text.startswith("g:") for word in words(text[2:])]
    surname = [word for text in texts if text.startswith("s:") for word in words(text[2:])]
    if not (given and surname):
        for text in texts:
            found = words(text[2:]) if text.startswith("f:") else []
            if len(found) > 1:
                comma = "," in text
                given = given or (found[1:] if comma else found[:-1])
                surname = surname or (found[:1] if comma else found[-1:])
            else:
                surname = surname or found
    return given[:_MOST_WORDS], surname[:_MOST_WORDS]


class PersonNames(Comparison[_Person]):
    """The name. Relatives share half of it, a father and his son all of it."""

    said = tuple(_said(*key) for key in _KEYS)
    usual_m = (1 / len(_KEYS),) * len(_KEYS)
    groups = tuple(_group(*key) for key in _KEYS)
    rises = tuple(_rises())

    @staticmethod
    def terms(texts: Sequence[str]) -> Iterable[str]:
        """Each word, as a given name or a surname."""
        given, surname = names_of(texts)
        return [f"g:{word}" for word in given] + [f"s:{word}" for word in surname]

    @staticmethod
    def feature(texts: Sequence[str], frequencies: Frequencies) -> _Person | None:
        """The words of both, with what each tells."""
        given, surname = names_of(texts)
        if not given and not surname:
            return None
        bits = {f"g:{word}": frequencies.bits(f"g:{word}") for word in given}
        bits |= {f"s:{word}": frequencies.bits(f"s:{word}") for word in surname}
        return _Person(tuple(given), tuple(surname), bits, float(max(2, frequencies.total)))

    @staticmethod
    def compare(a: _Person, b: _Person) -> Level:
        """See `said`; given name and surname that stand in each other's place are those of one name."""
        given, of_given = _relation(a, b, "g:", a.given, b.given)
        surname, of_surname = _relation(a, b, "s:", a.surname, b.surname)
        surname = {INITIAL: UNKNOWN, VARIANT: CONTRADICTS}.get(surname, surname)
        if CONTRADICTS in (given, surname) and _are_swapped(a, b):
            given, surname = SAME, SAME
            of_given = _most_telling(a, b, "g:")
            of_surname = _most_telling(a, b, "s:")
        if given in _AGREE and surname in (SAME, NEAR):
            namesakes = a.total * 2.0 ** -(of_given + of_surname)
            rank = sum(namesakes < bound for bound in _NAMESAKES)
            return _LEVELS[given, surname, rank]
        return _LEVELS[given, surname, 0]

    @staticmethod
    def contradicts(level: Level) -> bool:
        """Different given names are two people, however alike the rest is: a family, twins, flatmates."""
        return _KEYS[level][0] == CONTRADICTS

    @staticmethod
    def knows_given(level: Level) -> bool:
        """True where both records tell a given name."""
        return _KEYS[level][0] != UNKNOWN

    @staticmethod
    def name_words(feature: _Person) -> list[str]:
        """The words that blocking keys are made of, the rarest first, without initials."""
        found = {word for word in (*feature.given, *feature.surname) if len(word) > 1}
        bits = feature.bits
        return sorted(found, key=lambda word: (-max(bits.get(f"g:{word}", 0), bits.get(f"s:{word}", 0)), word))[:4]

    @staticmethod
    def blocks_alone(feature: _Person) -> list[str]:
        """The two rarest words that are no initials, where they are rare."""
        bits = feature.bits
        return [
            word
            for word in PersonNames.name_words(feature)[:2]
            if max(bits.get(f"g:{word}", 0), bits.get(f"s:{word}", 0)) > 9
        ]


def _relation(a: _Person, b: _Person, kind: str, some: Sequence[str], others: Sequence[str]) -> tuple[int, float]:
    """How two given names, or two surnames, go together; and the bits of what they share."""
    if not some or not others:
        return UNKNOWN, 0.0
    shared = [a.bits[kind + word] for word in some if word in others and len(word) > 1]
    if shared:
        return SAME, max(shared)
    best, told = CONTRADICTS, 0.0
    for word in some:
        for other in others:
            found = _of_words(word, other, a.bits[kind + word], b.bits[kind + other], a.total)
            if found < best:
                best = found
                told = 3.0 if found == INITIAL else min(a.bits[kind + word], b.bits[kind + other])
    return best, told


def _of_words(word: str, other: str, bits: float, other_bits: float, total: float) -> int:
    if len(word) == 1 or len(other) == 1:
        return INITIAL if word[0] == other[0] else CONTRADICTS
    if _digits(word) != _digits(other):
        return CONTRADICTS
    if are_said_for_one(word, other):
        return NEAR
    short, long = sorted((word, other), key=len)
    if len(short) >= 3 and len(long) >= len(short) + 2 and long.startswith(short):
        return NEAR
    likeness = jaro_winkler(word, other)
    if likeness < _NEAR and not (len(long) >= 4 and edits(word, other, score_cutoff=1) == 1):
        return CONTRADICTS
    hardly_known = max(bits, other_bits) >= math.log2(total) - 1
    return NEAR if hardly_known or abs(bits - other_bits) >= _COMMON else VARIANT


def _digits(word: str) -> str:
    return "".join(c for c in word if c.isdigit()) if not word.isalpha() else ""


def _are_swapped(a: _Person, b: _Person) -> bool:
    return bool(
        a.given and a.surname
        and set(a.given) & set(b.surname) and set(a.surname) & set(b.given)
    )  # fmt: skip


def _most_telling(a: _Person, b: _Person, kind: str) -> float:
    return max([bits for word, bits in (*a.bits.items(), *b.bits.items()) if word.startswith(kind)], default=0.0)

"""How two records of persons are compared, and what each outcome tells: the one definition training and live share.

A *comparison* looks at one aspect of a person (the name, the date of birth) and answers a level, from 0, "they differ",
upwards. A level's *weight* is log2(m/u): how much likelier it is among records of one person (m) than of any two (u).
The sum of the weights and the prior is the log2 odds that two records are one person (Fellegi and Sunter). **Source:**
I. P. Fellegi and A. B. Sunter, A Theory for Record Linkage, JASA 64, 1969.

Term frequencies are part of the levels: what two texts share is measured in *bits*, log2(records / records with the
word), so that Chudleigh tells more than Smith, and a level is a range of shared bits with or without a contradiction.

Pure: nothing here reads or writes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

from rapport.resolve.linking.kinds import Kind, Layout, date_digits, fold, words

__all__ = [
    "FORMAT",
    "Aspect",
    "Comparer",
    "Comparison",
    "Frequencies",
    "LinkModel",
    "Method",
    "Prepared",
    "Reason",
    "Thresholds",
    "aspects_of",
    "probability",
    "sentences",
]

FORMAT = 1
"""Version of the JSON. A model of another format is trained anew, never guessed at."""

Prepared = tuple[Any, ...]
"""A record as the comparisons read it: one feature each, None where the record says nothing of it."""

Level = int

_jaro_winkler = JaroWinkler.similarity
_edits = DamerauLevenshtein.distance


class Method(StrEnum):
    """How an aspect is compared."""

    NAME = "name"
    WORDS = "words"
    DATE = "date"
    POSTCODE = "postcode"
    PLACE = "place"
    CATEGORY = "category"
    FLAG = "flag"
    CODE = "code"
    EMAIL = "email"


class Aspect(msgspec.Struct, frozen=True):
    """One thing that is compared, and the columns that tell it."""

    name: str
    method: Method
    columns: list[str]


class Frequencies(msgspec.Struct, frozen=True):
    """How many of `total` records have each value. Values rarer than the rarest kept count as `floor`."""

    total: int
    counts: dict[str, int]
    floor: int = 1

    def bits(self, value: str) -> float:
        """Information of sharing the value.

        >>> Frequencies(1024, {"smith": 256}).bits("smith")
        2.0
        """
        return math.log2(max(2, self.total) / self.counts.get(value, self.floor))

    @staticmethod
    def count(records: Iterable[Iterable[str]], *, keep: int = 50_000) -> Frequencies:
        """Count each record's distinct values; at most `keep` are kept, and none that was seen once."""
        counts: dict[str, int] = {}
        total = 0
        for values in records:
            found = set(values)
            total += bool(found)
            for value in found:
                counts[value] = counts.get(value, 0) + 1
        ranked = sorted(((n, value) for value, n in counts.items() if n > 1), reverse=True)
        kept = {value: n for n, value in ranked[:keep]}
        floor = ranked[keep][0] if len(ranked) > keep else 1
        return Frequencies(total, kept, floor)


class Comparison(msgspec.Struct, frozen=True):
    """An aspect with what training found: by level, m, u and the weight log2(m/u)."""

    aspect: Aspect
    m: list[float]
    u: list[float]
    weights: list[float]
    frequencies: Frequencies


class Thresholds(msgspec.Struct, frozen=True):
    """Log2 odds by use. Above, people are tied (and can be parted again); down to `review` a person decides."""

    link: float = 0.0
    """Of a record against a whole person: the mean of its clipped weights against that person's records."""
    pair: float = 0.0
    """Of two records alone. 0 is as likely as not."""
    automatic: float = 6.6
    """From here a shop's own records are tied without being asked: log2 odds of 99 to 1."""
    review: float = 0.0


class LinkModel(msgspec.Struct, frozen=True):
    """Everything that scoring needs; plain JSON."""

    comparisons: list[Comparison]
    prior: float
    """Log2 odds that two records taken at random are one person."""
    thresholds: Thresholds = Thresholds()
    card: dict[str, Any] = {}
    """How it was trained, for people: rows, seconds, charts as data."""
    format: int = FORMAT

    def to_json(self) -> bytes:
        """The model as a document."""
        return msgspec.json.encode(self)

    @staticmethod
    def from_json(document: bytes) -> LinkModel:
        """Read a model. Raises msgspec.ValidationError for anything that is none, or of another format."""
        model = msgspec.json.decode(document, type=LinkModel)
        if model.format != FORMAT:
            raise msgspec.ValidationError(f"format {model.format}; this version reads {FORMAT}: train anew")
        return model


class Reason(NamedTuple):
    """What one comparison says of a pair."""

    aspect: str
    level: Level | None
    """None where one of the records says nothing."""
    said: str
    weight: float


def probability(log2_odds: float) -> float:
    """The probability of log2 odds.

    >>> probability(0.0), round(probability(6.6), 3)
    (0.5, 0.99)
    """
    return 1.0 / (1.0 + math.exp2(-max(-500.0, min(500.0, log2_odds))))


def aspects_of(layout: Layout) -> list[Aspect]:
    """What to compare in a table of this layout: names together, in whichever columns; the rest by column."""
    aspects = []
    names = layout.of(Kind.FULL_NAME, Kind.GIVEN_NAME, Kind.SURNAME)
    if names:
        aspects.append(Aspect("name", Method.NAME, names))
    streets = layout.of(Kind.STREET)
    if streets:
        aspects.append(Aspect("street", Method.WORDS, streets))
    by_column = {
        Kind.BIRTH_DATE: Method.DATE, Kind.POSTCODE: Method.POSTCODE, Kind.PLACE: Method.PLACE,
        Kind.OCCUPATION: Method.CATEGORY, Kind.CATEGORY: Method.CATEGORY, Kind.HOUSE_NUMBER: Method.CATEGORY,
        Kind.GENDER: Method.FLAG, Kind.PHONE: Method.CODE, Kind.NATIONAL_ID: Method.CODE, Kind.EMAIL: Method.EMAIL,
    }  # fmt: skip
    for kind, method in by_column.items():
        aspects += [Aspect(column, method, [column]) for column in layout.of(kind)]
    return aspects


# --- what is compared ----------------------------------------------------------------------------------------------


class _Words(NamedTuple):
    """The words of a text that tell most, rarest first, with their bits."""

    distinct: frozenset[str]
    ordered: tuple[str, ...]
    bits: dict[str, float]


class _Postcode(NamedTuple):
    whole: str
    outward: str
    area: str


class _Place(NamedTuple):
    whole: str
    distinct: frozenset[str]
    bits: float


class _Rated(NamedTuple):
    value: str
    bits: float


class _Email(NamedTuple):
    whole: str
    local: str


MOST_WORDS = 6
"""Words of a name that are looked at; more only repeat titles."""

_SHARED = (2.0, 5.0, 8.0, 11.0, 14.0, 18.0, 23.0)
"""Bounds, in bits, of the levels of shared words."""
_CONTRADICTION = 4.0
"""Bits that both sides must have left over before two names contradict each other."""


def _words_feature(texts: Sequence[str], frequencies: Frequencies) -> _Words | None:
    found = {word for text in texts for word in words(text)}
    if not found:
        return None
    bits = {word: frequencies.bits(word) for word in found}
    ordered = sorted(found, key=lambda word: (-bits[word], word))[:MOST_WORDS]
    return _Words(frozenset(ordered), tuple(ordered), {word: bits[word] for word in ordered})


def _compare_words(a: _Words, b: _Words) -> Level:
    """Shared bits, two levels to each range: contradicted and not."""
    common = a.distinct & b.distinct
    bits_a = a.bits
    shared = 0.0
    for word in a.ordered:
        if word in common:
            shared += bits_a[word]
    contradiction = 0.0
    if len(common) != len(a.ordered) and len(common) != len(b.ordered):
        near, left_a, left_b = _nearly_shared(a, b, common)
        shared += near
        contradiction = min(left_a, left_b)
    rank = 0
    for bound in _SHARED:
        if shared < bound:
            break
        rank += 1
    return 2 * rank + (contradiction < _CONTRADICTION)


def _nearly_shared(a: _Words, b: _Words, common: frozenset[str]) -> tuple[float, float, float]:
    """Bits of words that are nearly the same, and what is left over on each side; the likest two are paired first."""
    rest_a = [word for word in a.ordered if word not in common]
    rest_b = [word for word in b.ordered if word not in common]
    alike = []
    for word in rest_a:
        for other in rest_b:
            likeness = _likeness(word, other)
            if likeness >= 0.8:
                bits = min(a.bits[word], b.bits[other])
                # A word on both sides is shared already, so the sorted two name one pair, whichever side is first.
                alike.append((-likeness, -bits, min(word, other), max(word, other), word, other))
    shared = 0.0
    for minus_likeness, minus_bits, _, _, word, other in sorted(alike):
        if word in rest_a and other in rest_b:
            shared -= (0.7 if minus_likeness <= -0.9 else 0.4) * minus_bits
            rest_a.remove(word)
            rest_b.remove(other)
    return shared, sum(map(a.bits.__getitem__, rest_a)), sum(map(b.bits.__getitem__, rest_b))


def _likeness(a: str, b: str) -> float:
    if len(a) == 1 or len(b) == 1:
        return 0.8 if a[0] == b[0] else 0.0
    return _jaro_winkler(a, b, score_cutoff=0.8)


def _date_feature(texts: Sequence[str], frequencies: Frequencies) -> tuple[str, bool, int] | None:
    digits = next((found for text in texts if (found := date_digits(text))), "")
    if not digits:
        return None
    usual = frequencies.counts.get(digits, 1) > max(20, frequencies.total / 1024)
    return digits, usual or digits.endswith("0101"), int(digits[:4])


def _compare_dates(a: tuple[str, bool, int], b: tuple[str, bool, int]) -> Level:
    """0 else, 1 two years apart, 2 two edits, 3 year, 4 one edit or day and month swapped, 5 year where one date is a
    first of January, 6 a frequent date, 7 a rare one.
    """
    date_a, date_b = a[0], b[0]
    if date_a == date_b:
        return 6 if a[1] or b[1] else 7
    same_year = a[2] == b[2]
    if same_year and (date_a.endswith("0101") or date_b.endswith("0101")):
        return 5
    edits = _edits(date_a, date_b, score_cutoff=2)
    if edits == 1 or (same_year and date_a[4:6] == date_b[6:] and date_a[6:] == date_b[4:6]):
        return 4
    if same_year:
        return 3
    if edits == 2:
        return 2
    return 1 if abs(a[2] - b[2]) <= 2 else 0


def outward(postcode: str) -> str:
    """The part of a postcode that names the district.

    >>> outward("tq13 8df"), outward("tq138df"), outward("2119"), outward("70173")
    ('tq13', 'tq13', '21', '701')
    """
    head, _, tail = postcode.partition(" ")
    if tail:
        return head
    if postcode.isdigit():
        return postcode[: max(1, len(postcode) - 2)]
    return postcode[:-3] if len(postcode) > 4 else postcode


def _postcode_feature(texts: Sequence[str], frequencies: Frequencies) -> _Postcode | None:
    text = fold(texts[0])
    if not text:
        return None
    area = text[: next((i for i, c in enumerate(text) if c.isdigit()), 2)] or text[:1]
    return _Postcode(text, outward(text), area)


def _compare_postcodes(a: _Postcode, b: _Postcode) -> Level:
    """0 else, 1 area, 2 two edits, 3 district, 4 one edit, 5 the same."""
    if a.whole == b.whole:
        return 5
    edits = _edits(a.whole, b.whole, score_cutoff=2)
    if edits == 1:
        return 4
    if a.outward == b.outward:
        return 3
    if edits == 2 and len(a.whole) > 5:
        return 2
    return int(a.area == b.area)


def _place_feature(texts: Sequence[str], frequencies: Frequencies) -> _Place | None:
    found = words(texts[0])
    whole = " ".join(found)
    return _Place(whole, frozenset(found), frequencies.bits(whole)) if found else None


def _compare_places(a: _Place, b: _Place) -> Level:
    """0 else, 1 alike, 2 a word shared, 3 to 6 the same, ever rarer."""
    if a.whole == b.whole:
        bits = a.bits
        return 3 + (bits > 5) + (bits > 7) + (bits > 9.5)
    if a.distinct & b.distinct:
        return 2
    return int(_jaro_winkler(a.whole, b.whole, score_cutoff=0.88) >= 0.88)


def _rated_feature(texts: Sequence[str], frequencies: Frequencies) -> _Rated | None:
    text = fold(texts[0])
    return _Rated(text, frequencies.bits(text)) if text else None


def _compare_categories(a: _Rated, b: _Rated) -> Level:
    """0 different, 1 to 4 the same, ever rarer."""
    if a.value != b.value:
        return 0
    bits = a.bits
    return 1 + (bits > 3.5) + (bits > 6) + (bits > 9)


def _flag_feature(texts: Sequence[str], frequencies: Frequencies) -> str | None:
    return fold(texts[0]) or None


def _compare_flags(a: str, b: str) -> Level:
    """0 different, 1 the same."""
    return int(a == b)


def _code_feature(texts: Sequence[str], frequencies: Frequencies) -> str | None:
    """Letters and digits; of a phone number the last nine digits, whatever stands before them."""
    code = "".join(words(texts[0]))
    return (code[-9:] if code.isdigit() and len(code) > 9 else code) or None


def _compare_codes(a: str, b: str) -> Level:
    """0 different, 1 two edits, 2 one edit, 3 the same."""
    if a == b:
        return 3
    return max(0, 3 - _edits(a, b, score_cutoff=2))


def _email_feature(texts: Sequence[str], frequencies: Frequencies) -> _Email | None:
    whole = fold(texts[0])
    return _Email(whole, whole.partition("@")[0].partition("+")[0].replace(".", "")) if whole else None


def _compare_emails(a: _Email, b: _Email) -> Level:
    """0 different, 1 alike before the @, 2 the same before it, 3 one edit, 4 the same."""
    if a.whole == b.whole:
        return 4
    if _edits(a.whole, b.whole, score_cutoff=1) == 1:
        return 3
    if a.local == b.local:
        return 2
    return int(_jaro_winkler(a.local, b.local, score_cutoff=0.9) >= 0.9)


class _Way(NamedTuple):
    """How a method works: the terms it counts, the feature it makes, the comparison, and a sentence for each level."""

    terms: Callable[[Sequence[str]], Iterable[str]]
    feature: Callable[[Sequence[str], Frequencies], Any]
    compare: Callable[[Any, Any], Level]
    said: tuple[str, ...]


def _no_terms(texts: Sequence[str]) -> Iterable[str]:
    return ()


def _word_terms(texts: Sequence[str]) -> Iterable[str]:
    return (word for text in texts for word in words(text))


def _whole_terms(texts: Sequence[str]) -> Iterable[str]:
    return (text for raw in texts[:1] if (text := fold(raw)))


def _place_terms(texts: Sequence[str]) -> Iterable[str]:
    return (text for raw in texts[:1] if (text := " ".join(words(raw))))


def _date_terms(texts: Sequence[str]) -> Iterable[str]:
    return (digits for raw in texts if (digits := date_digits(raw)))


def _shared_sentences() -> tuple[str, ...]:
    bounds = ("0", *(f"{bound:.0f}" for bound in _SHARED), "")
    ranges = [f"{low} to {high} bits shared" if high else f"over {low} bits shared" for low, high in pairwise(bounds)]
    return tuple(text for each in ranges for text in (f"{each}, the rest contradicts", each))


_PERSONAL = frozenset({Method.DATE, Method.POSTCODE, Method.WORDS, Method.CODE, Method.EMAIL})
_CORROBORATES = 5.0
"""Bits with which something personal must speak for two records beside their names."""

_RARITY = ("the same, common", "the same, less common", "the same, uncommon", "the same, rare")
_WAYS: Mapping[Method, _Way] = {
    Method.NAME: _Way(_word_terms, _words_feature, _compare_words, _shared_sentences()),
    Method.WORDS: _Way(_word_terms, _words_feature, _compare_words, _shared_sentences()),
    Method.DATE: _Way(
        _date_terms, _date_feature, _compare_dates,
        ("different", "at most two years apart", "two edits", "the same year", "one edit",
         "the same year, one a first of January", "the same, a frequent date", "the same"),
    ),
    Method.POSTCODE: _Way(
        _no_terms, _postcode_feature, _compare_postcodes,
        ("different", "the same area", "two edits", "the same district", "one edit", "the same"),
    ),
    Method.PLACE: _Way(
        _place_terms, _place_feature, _compare_places, ("different", "alike", "a word shared", *_RARITY),
    ),
    Method.CATEGORY: _Way(_whole_terms, _rated_feature, _compare_categories, ("different", *_RARITY)),
    Method.FLAG: _Way(_no_terms, _flag_feature, _compare_flags, ("different", "the same")),
    Method.CODE: _Way(_no_terms, _code_feature, _compare_codes, ("different", "two edits", "one edit", "the same")),
    Method.EMAIL: _Way(
        _no_terms, _email_feature, _compare_emails,
        ("different", "alike before the @", "the same before the @", "one edit", "the same"),
    ),
}  # fmt: skip


class Comparer:
    """The comparisons of a table, ready to use: features of records, levels of pairs and, with a model, their score."""

    def __init__(self, aspects: Sequence[Aspect], frequencies: Sequence[Frequencies]) -> None:
        self.aspects = list(aspects)
        self.frequencies = list(frequencies)
        self._ways = [_WAYS[aspect.method] for aspect in aspects]
        self._compare = [way.compare for way in self._ways]
        self._weights: list[list[float]] = [[0.0] * len(way.said) for way in self._ways]
        self._prior = 0.0
        self._steps = self._in_order()

    @staticmethod
    def of_rows(aspects: Sequence[Aspect], rows: Iterable[Mapping[str, Any]]) -> Comparer:
        """Count the terms of a table. Weights are all nothing until a model brings them."""
        rows = list(rows)
        counted = [
            Frequencies.count(_WAYS[aspect.method].terms(_texts(row, aspect)) for row in rows) for aspect in aspects
        ]
        return Comparer(aspects, counted)

    @staticmethod
    def of_model(model: LinkModel) -> Comparer:
        """Ready to score."""
        comparer = Comparer([c.aspect for c in model.comparisons], [c.frequencies for c in model.comparisons])
        comparer._weights = [list(c.weights) for c in model.comparisons]
        comparer._prior = model.prior
        comparer._steps = comparer._in_order()
        return comparer

    def level_counts(self) -> list[int]:
        """How many levels each comparison has."""
        return [len(way.said) for way in self._ways]

    def compare_at(self, at: int) -> Callable[[Any, Any], Level]:
        """The comparison of one aspect's features."""
        return self._compare[at]

    def _in_order(self) -> list[tuple[int, Callable[[Any, Any], Level], list[float], float]]:
        """The cheap comparisons first; with each, the most that it and those after it can bring."""
        order = sorted(range(len(self.aspects)), key=lambda at: self.aspects[at].method in (Method.NAME, Method.WORDS))
        steps = []
        most = 0.0
        for at in reversed(order):
            most += max(0.0, *self._weights[at])
            steps.append((at, self._compare[at], self._weights[at], most))
        return steps[::-1]

    def prepare(self, row: Mapping[str, Any]) -> Prepared:
        """The features of a record."""
        return tuple([self.feature(at, texts) for at, texts in enumerate(self.texts(row))])

    def texts(self, row: Mapping[str, Any]) -> list[list[str]]:
        """By aspect, what a record says of it: all that its features are made of."""
        return [_texts(row, aspect) for aspect in self.aspects]

    def feature(self, at: int, texts: Sequence[str]) -> Any:
        """What texts say of one aspect, as its comparison reads it; None where that is nothing."""
        return self._ways[at].feature(texts, self.frequencies[at]) if texts else None

    def levels(self, a: Prepared, b: Prepared) -> tuple[Level, ...]:
        """The level of each comparison, -1 where a record says nothing."""
        return tuple(
            [-1 if x is None or y is None else compare(x, y) for compare, x, y in zip(self._compare, a, b, strict=True)]
        )

    def score(self, a: Prepared, b: Prepared, *, above: float = -math.inf) -> float:
        """Log2 odds that two records are one person; where these cannot reach `above`, something below it.

        Some ten microseconds; the costly comparison of words comes last, and most pairs never reach it.
        """
        total = self._prior
        for at, compare, weights, most in self._steps:
            x, y = a[at], b[at]
            if x is not None and y is not None:
                if total + most < above:
                    return total + most
                total += weights[compare(x, y)]
        return total

    def reasons(self, a: Prepared, b: Prepared) -> list[Reason]:
        """What each comparison says; with the prior, the weights sum to the score."""
        said = []
        for aspect, way, weights, level in zip(self.aspects, self._ways, self._weights, self.levels(a, b), strict=True):
            if level < 0:
                said.append(Reason(aspect.name, None, "not known of both", 0.0))
            else:
                said.append(Reason(aspect.name, level, way.said[level], round(weights[level], 2)))
        return said

    def is_safe(self, a: Prepared, b: Prepared) -> bool:
        """True where a machine may tie two records, however high they score.

        False where the names contradict each other, which is how a family looks; and where nothing personal but the
        name speaks for it (a date of birth, an address, a code, an e-mail), which is how namesakes look.
        """
        corroborated = False
        for aspect, weights, level in zip(self.aspects, self._weights, self.levels(a, b), strict=True):
            if aspect.method is Method.NAME and level >= 0 and level % 2 == 0:
                return False
            corroborated |= aspect.method in _PERSONAL and level >= 0 and weights[level] >= _CORROBORATES
        return corroborated

    @property
    def prior(self) -> float:
        """Log2 odds before anything is compared."""
        return self._prior


def sentences(method: Method) -> tuple[str, ...]:
    """A sentence for each level of a method, from 0."""
    return _WAYS[method].said


def _texts(row: Mapping[str, Any], aspect: Aspect) -> list[str]:
    return [str(text) for column in aspect.columns if (text := row.get(column)) not in (None, "") and text == text]

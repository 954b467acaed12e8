"""The learned model as a document: aspects, what training found of each, the prior, thresholds. Plain JSON, stored.

A *comparison* looks at one aspect of a person (the name, the date of birth) and answers a level, from 0, "they differ",
upwards. A level's *weight* is log2(m/u): how much likelier it is among records of one person (m) than of any two (u).
The sum of the weights and the prior is the log2 odds that two records are one person (Fellegi and Sunter). **Source:**
I. P. Fellegi and A. B. Sunter, A Theory for Record Linkage, JASA 64, 1969.

Pure: nothing here reads or writes. What is compared and how is in `comparisons/`; `comparer` scores with a model.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from enum import StrEnum
from hashlib import blake2b
from typing import Any

import msgspec

__all__ = ["FORMAT", "Aspect", "Frequencies", "GroupKind", "Kinship", "LearnedComparison", "LinkModel", "Method",
           "Thresholds", "Together", "hashed", "probability"]  # fmt: skip

FORMAT = 2
"""Version of the JSON. A model of another format is trained anew, never guessed at, but for 1: it counted texts as they
are, which are hashed as it is read."""


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
    PERSON_NAME = "person_name"
    MAIL = "mail"
    PHONE = "phone"
    DOOR = "door"
    BIRTH = "birth"
    CARD = "card"
    BEARERS = "bearers"
    COMPANY = "company"
    SENT = "sent"


class GroupKind(StrEnum):
    """What records share that are not one person."""

    HOME = "home"
    """They live together."""
    COMPANY = "company"
    """They buy for one company."""


NAME_ROLES = frozenset("gsf")
"""Given name, surname, full name: see `Aspect.roles`."""


class Aspect(msgspec.Struct, frozen=True):
    """One thing that is compared, and the columns that tell it."""

    name: str
    method: Method
    columns: list[str]
    roles: list[str] = []
    """By column one letter for what it holds, where a comparison reads columns of several kinds."""

    @property
    def own(self) -> list[str]:
        """The columns it is about: a name that is read beside an address is no part of the address.

        >>> Aspect("address", Method.DOOR, ["street", "name"], ["t", "f"]).own
        ['street']
        """
        told = dict(zip(self.columns, self.roles, strict=False))
        about_names = self.method in (Method.PERSON_NAME, Method.BEARERS)
        return [column for column in self.columns if not told or (told[column] in NAME_ROLES) == about_names]


def hashed(text: str) -> str:
    """What stands for a text in a model."""
    return blake2b(text.encode(), digest_size=8).hexdigest()


class Frequencies(msgspec.Struct, frozen=True):
    """How many of `total` records have each value. Values rarer than the rarest kept count as `floor`.

    `counts` has values by their hash: a model outlives those whose records taught it, and so holds no text of theirs.
    """

    total: int
    counts: dict[str, int]
    floor: int = 1

    @staticmethod
    def of(total: int, counts: Mapping[str, int], floor: int = 1) -> Frequencies:
        """From counts by the values themselves."""
        return Frequencies(total, {hashed(value): number for value, number in counts.items()}, floor)

    def count_of(self, value: str) -> int:
        """How often the value was counted; 1 where it was not.

        >>> Frequencies.of(9, {"smith": 4}).count_of("smith"), Frequencies.of(9, {"smith": 4}).count_of("jones")
        (4, 1)
        """
        return self.counts.get(hashed(value), 1)

    def bits(self, value: str) -> float:
        """Information of sharing the value.

        >>> Frequencies.of(1024, {"smith": 256}).bits("smith")
        2.0
        """
        return math.log2(max(2, self.total) / self.counts.get(hashed(value), self.floor))

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
        return Frequencies.of(total, kept, floor)


class LearnedComparison(msgspec.Struct, frozen=True):
    """An aspect with what training found: by level, m, u and the weight log2(m/u)."""

    aspect: Aspect
    m: list[float]
    u: list[float]
    weights: list[float]
    frequencies: Frequencies


class Together(msgspec.Struct, frozen=True):
    """What two comparisons say together beside what each says alone: an address that fits says less of a family."""

    a: int
    b: int
    """Places among the model's comparisons."""
    weights: list[list[float]]
    """Bits, by the groups of the two levels; 0 where one is not known of both."""


class Kinship(msgspec.Struct, frozen=True):
    """What the same levels say of living together, or of buying for one company, one person or not."""

    weights: list[list[float]]
    """By comparison and level, in bits."""
    prior: float
    together: list[Together]


class Thresholds(msgspec.Struct, frozen=True):
    """Log2 odds by use. Above, people are tied (and can be parted again); down to `review` a person decides."""

    link: float = 0.0
    """Of a record against a whole person: the mean of its clipped weights against that person's records, or the best
    of them where `mean` bounds their mean."""
    pair: float = 0.0
    """Of two records alone. 0 is as likely as not."""
    automatic: float = 6.6
    """From here a shop's own records are tied without being asked: log2 odds of 99 to 1, or of a
    shop's model from where on as many links are expected to be right as were asked for."""
    review: float = 0.0
    mean: float | None = None
    """In a shop: what all pairs of a record with a person are to reach together, where the best is sure enough."""


class LinkModel(msgspec.Struct, frozen=True):
    """Everything that scoring needs; plain JSON."""

    comparisons: list[LearnedComparison]
    prior: float
    """Log2 odds that two records taken at random are one person."""
    thresholds: Thresholds = Thresholds()
    card: dict[str, Any] = {}
    """How it was trained, for people: rows, seconds, charts as data."""
    format: int = FORMAT
    together: list[Together] = []
    home: Kinship | None = None
    company: Kinship | None = None
    shop: bool = False
    """True where the weights were learned on simulated shops, whose truth is known, and fitted to this shop's records.

    Such a model's probabilities are calibrated, and it judges live and whole tables alike."""

    def kinships(self) -> dict[GroupKind, Kinship]:
        """What it has to say of groups."""
        both = ((GroupKind.HOME, self.home), (GroupKind.COMPANY, self.company))
        return {kind: kinship for kind, kinship in both if kinship is not None}

    def to_json(self) -> bytes:
        """The model as a document."""
        return msgspec.json.encode(self)

    @staticmethod
    def from_json(document: bytes) -> LinkModel:
        """Read a model. Raises msgspec.ValidationError for anything that is none, or of another format."""
        model = msgspec.json.decode(document, type=LinkModel)
        if model.format == 1:
            return msgspec.structs.replace(
                model, comparisons=list(map(_without_texts, model.comparisons)), format=FORMAT
            )
        if model.format != FORMAT:
            raise msgspec.ValidationError(f"format {model.format}; this version reads {FORMAT}: train anew")
        return model


def _without_texts(comparison: LearnedComparison) -> LearnedComparison:
    counted = comparison.frequencies
    if comparison.aspect.method == Method.SENT:  # never held any
        return comparison
    return msgspec.structs.replace(comparison, frequencies=Frequencies.of(counted.total, counted.counts, counted.floor))


def probability(log2_odds: float) -> float:
    """The probability of log2 odds.

    >>> probability(0.0), round(probability(6.6), 3)
    (0.5, 0.99)
    """
    return 1.0 / (1.0 + math.exp2(-max(-500.0, min(500.0, log2_odds))))

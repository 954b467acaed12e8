"""The contract of a comparison: everything that is known of one method of comparing, in one class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

from rapport.resolve.linking.model import Frequencies, Method

__all__ = ["RARITY", "STEM", "Comparison", "Level", "edits", "jaro_winkler"]

Level = int

Feature = TypeVar("Feature")
"""What a comparison reads of a record."""

STEM = 4
"""Letters of a word that a blocking key holds: enough to tell, few enough to survive a slip at the end."""

RARITY = ("the same, common", "the same, less common", "the same, uncommon", "the same, rare")
"""Sentences of the levels of a value that both have, by how rare it is."""

jaro_winkler = JaroWinkler.similarity
edits = DamerauLevenshtein.distance


class Comparison(ABC, Generic[Feature]):
    """How one aspect of two records is compared. Nothing is kept: no comparison is ever made an object.

    `feature` is what the rest reads of a record's texts; a stored model's weights go by the levels of `compare`, so
    neither may ever answer otherwise for the same texts.
    """

    said: ClassVar[tuple[str, ...]]
    """A sentence for each level, from 0."""
    usual_m: ClassVar[Sequence[float]]
    """By level, how often two records of one person come out at it: experience, for what a shop's records do not teach
    (too few people are in them twice). Rounded figures of ours, by judgement."""
    groups: ClassVar[Sequence[int]] = ()
    """By level a coarser one from 1 (0 is "not known of both"), for what is learned of two comparisons together."""
    rises: ClassVar[Sequence[tuple[Level, Level]]] = ()
    """Pairs of levels of which the second agrees more in every respect, and may never weigh less."""
    personal: ClassVar[bool] = False
    """True where agreement speaks for one person and not just for namesakes: a date of birth, an address, a code."""
    of_two_names: ClassVar[Mapping[Level, Level]] = {}
    """Level → which it is where the two records show that different given names stand behind what they share, though
    no others did when it was counted, and what is nearly the same is two things."""
    of_another: ClassVar[Mapping[Level, frozenset[Method]]] = {}
    """Level → what of the two is another's then, and says nothing of a home or a company of theirs."""
    costly: ClassVar[bool] = False
    """True where it takes much longer than others, and so comes last."""

    @staticmethod
    def terms(texts: Sequence[str]) -> Iterable[str]:
        """What is counted over all records, for `Frequencies`."""
        return ()

    @classmethod
    def frequencies(cls, records: Iterable[Sequence[str]]) -> Frequencies:
        """What `feature` is to know of all records' texts."""
        return Frequencies.count(cls.terms(texts) for texts in records)

    @staticmethod
    @abstractmethod
    def feature(texts: Sequence[str], frequencies: Frequencies) -> Feature | None:
        """What the texts of a record say, ready to compare; None where that is nothing."""

    @staticmethod
    @abstractmethod
    def compare(a: Feature, b: Feature) -> Level:
        """How alike two features are, from 0; the same whichever comes first."""

    @staticmethod
    def contradicts(level: Level) -> bool:
        """True where the level says that the two must be two people, however much else agrees."""
        return False

    @staticmethod
    def name_words(feature: Feature) -> list[str]:
        """The words of a name that blocking keys are made of; of anything else none."""
        return []

    @staticmethod
    def blocks_alone(feature: Feature) -> list[str]:
        """What two records need share for being compared at all: each is enough on its own."""
        return []

    @staticmethod
    def blocks_together(feature: Feature) -> list[str]:
        """What is enough together with something else that is shared."""
        return []

    @staticmethod
    def doors(feature: Feature) -> list[str]:
        """What those share who live or work together, whatever their names; each is enough on its own."""
        return []

    @staticmethod
    def whole(feature: Feature) -> str | None:
        """What two records must share for training to learn from them; None where it would teach nothing."""
        return None

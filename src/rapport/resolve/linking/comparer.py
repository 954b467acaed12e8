"""How two records of persons are compared: the one definition that training and live scoring share.

Term frequencies are part of the levels: what two texts share is measured in *bits*, log2(records / records with the
word), so that Chudleigh tells more than Smith, and a level is a range of shared bits with or without a contradiction.

Pure: nothing here reads or writes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rapport.resolve.linking.comparisons.comparison import Level
from rapport.resolve.linking.comparisons.methods import COMPARISONS
from rapport.resolve.linking.kinds import Kind, Layout
from rapport.resolve.linking.model import Aspect, Frequencies, Kinship, LinkModel, Method, Together

__all__ = ["Comparer", "Prepared", "Reason", "aspects_of", "shop_aspects"]

Prepared = tuple[Any, ...]
"""A record as the comparisons read it: one feature each, None where the record says nothing of it."""

_Compare = Callable[[Any, Any], Level]

_CONTRADICTED = -12.0
"""Log2 odds of two records that contradict each other; the means that form persons clip at as much."""
_CORROBORATES = 5.0
"""Bits with which something personal must speak for two records beside their names."""


_REMEMBERED = 200_000
"""Patterns of levels whose score is kept; some 200 bytes each."""


class Reason(NamedTuple):
    """What one comparison says of a pair."""

    aspect: str
    level: Level | None
    """None where one of the records says nothing."""
    said: str
    weight: float


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
        Kind.OCCUPATION: Method.CATEGORY, Kind.COMPANY: Method.CATEGORY,
        Kind.CATEGORY: Method.CATEGORY, Kind.HOUSE_NUMBER: Method.CATEGORY,
        Kind.GENDER: Method.FLAG, Kind.PHONE: Method.CODE, Kind.NATIONAL_ID: Method.CODE, Kind.EMAIL: Method.EMAIL,
    }  # fmt: skip
    for kind, method in by_column.items():
        aspects += [Aspect(column, method, [column]) for column in layout.of(kind)]
    return aspects


_ROLES: Mapping[Kind, str] = {
    Kind.GIVEN_NAME: "g", Kind.SURNAME: "s", Kind.FULL_NAME: "f", Kind.EMAIL: "e", Kind.PHONE: "p", Kind.STREET: "t",
    Kind.HOUSE_NUMBER: "h", Kind.POSTCODE: "z", Kind.PLACE: "c", Kind.BIRTH_DATE: "b",
    Kind.COMPANY: "o",
}  # fmt: skip
_LIVING = (Kind.STREET, Kind.HOUSE_NUMBER, Kind.POSTCODE, Kind.PLACE)
_NAMED = (Kind.GIVEN_NAME, Kind.SURNAME, Kind.FULL_NAME)


def shop_aspects(layout: Layout) -> list[Aspect]:
    """What to compare in a shop's table, with what goes together in one aspect; nothing where it is none.

    A shop knows names and how to reach people: an e-mail address or a telephone number.
    """
    if not layout.of(*_NAMED) or not layout.of(Kind.EMAIL, Kind.PHONE):
        return []
    wanted = (
        ("name", Method.PERSON_NAME, _NAMED, ()), ("email", Method.MAIL, (Kind.EMAIL,), _NAMED),
        ("phone", Method.PHONE, (Kind.PHONE,), _NAMED),
        ("address", Method.DOOR, _LIVING, _NAMED),
        ("birth date", Method.BIRTH, (Kind.BIRTH_DATE,), ()),
        ("card", Method.CARD, (Kind.NATIONAL_ID,), _NAMED),
    )  # fmt: skip
    aspects = []
    for name, method, kinds, beside in wanted:
        if layout.of(*kinds):
            aspects.append(_with_roles(layout, name, method, (*kinds, *beside)))
    aspects += [Aspect(column, Method.FLAG, [column]) for column in layout.of(Kind.GENDER)[:1]]
    telling = (Kind.EMAIL, Kind.PHONE, *_LIVING, Kind.BIRTH_DATE, *_NAMED)
    aspects.append(_with_roles(layout, "others of the name", Method.BEARERS, telling))
    if layout.of(Kind.COMPANY):
        aspects.append(_with_roles(layout, "company", Method.COMPANY, (Kind.COMPANY, *_NAMED)))
    giving = (Kind.EMAIL, Kind.PHONE, Kind.NATIONAL_ID, *_LIVING, *_NAMED)
    aspects.append(_with_roles(layout, "sent to", Method.SENT, giving))
    return aspects


def _with_roles(layout: Layout, name: str, method: Method, kinds: Sequence[Kind]) -> Aspect:
    by_kind = {kind: layout.of(kind) for kind in kinds}
    columns = [column for several in by_kind.values() for column in several]
    roles = [
        _ROLES.get(kind) or str(at % 10) for kind, several in by_kind.items() for at, _ in enumerate(several)
    ]  # fmt: skip
    return Aspect(name, method, columns, roles)


class Comparer:
    """The comparisons of a table, ready to use: features of records, levels of pairs and, with a model, their score."""

    def __init__(self, aspects: Sequence[Aspect], frequencies: Sequence[Frequencies]) -> None:
        self.aspects = list(aspects)
        self.frequencies = list(frequencies)
        self._comparisons = [COMPARISONS[aspect.method] for aspect in aspects]
        self._compare: list[_Compare] = [each.compare for each in self._comparisons]
        self._weights: list[list[float]] = [[0.0] * len(each.said) for each in self._comparisons]
        self._prior = 0.0
        self._shop = False
        self._together: list[tuple[int, int, list[list[float]]]] = []
        self._remembered: dict[tuple[Level, ...], float] = {}
        self._of_groups: dict[tuple[Level, ...], float] = {}
        self._steps = self._in_order()

    @staticmethod
    def of_rows(aspects: Sequence[Aspect], rows: Iterable[Mapping[str, Any]]) -> Comparer:
        """Count the terms of a table. Weights are all nothing until a model brings them."""
        rows = list(rows)
        counted = [COMPARISONS[aspect.method].frequencies([_texts(row, aspect) for row in rows]) for aspect in aspects]
        return Comparer(aspects, counted)

    @staticmethod
    def of_model(model: LinkModel) -> Comparer:
        """Ready to score."""
        comparer = Comparer([c.aspect for c in model.comparisons], [c.frequencies for c in model.comparisons])
        comparer._weights = [list(c.weights) for c in model.comparisons]
        comparer._prior = model.prior
        comparer._shop = model.shop
        comparer._together = [(pair.a, pair.b, comparer._by_level(pair)) for pair in model.together]
        comparer._steps = comparer._in_order()
        return comparer

    @staticmethod
    def of_kinship(model: LinkModel, kinship: Kinship) -> Comparer:
        """Ready to score whether two records live together, or buy for one company."""
        comparer = Comparer([c.aspect for c in model.comparisons], [c.frequencies for c in model.comparisons])
        comparer._weights, comparer._prior, comparer._shop = kinship.weights, kinship.prior, True
        comparer._together = [(pair.a, pair.b, comparer._by_level(pair)) for pair in kinship.together]
        return comparer

    def level_counts(self) -> list[int]:
        """How many levels each comparison has."""
        return [len(each.said) for each in self._comparisons]

    def compare_at(self, at: int) -> _Compare:
        """The comparison of one aspect's features."""
        return self._compare[at]

    def _in_order(self) -> list[tuple[int, _Compare, list[float], float]]:
        """The cheap comparisons first; with each, the most that it and those after it can bring."""
        order = sorted(range(len(self.aspects)), key=lambda at: self._comparisons[at].costly)
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
        return self._comparisons[at].feature(texts, self.frequencies[at]) if texts else None

    def levels(self, a: Prepared, b: Prepared) -> tuple[Level, ...]:
        """The level of each comparison, -1 where a record says nothing."""
        return tuple(
            [-1 if x is None or y is None else compare(x, y) for compare, x, y in zip(self._compare, a, b, strict=True)]
        )

    def score(self, a: Prepared, b: Prepared, *, above: float = -math.inf) -> float:
        """Log2 odds that two records are one person; where these cannot reach `above`, something below it.

        Some ten microseconds; the costly comparison of words comes last, and most pairs never reach it.
        """
        if self._shop:
            return self.score_levels(self.levels(a, b))
        total = self._prior
        for at, compare, weights, most in self._steps:
            x, y = a[at], b[at]
            if x is not None and y is not None:
                if total + most < above:
                    return total + most
                total += weights[compare(x, y)]
        return total

    def score_levels(self, levels: tuple[Level, ...]) -> float:
        """The score of levels where comparisons speak together; the same levels come again and again."""
        known = self._remembered.get(levels)
        if known is not None:
            return known
        total = self._prior
        for weights, level in zip(self._weights, levels, strict=True):
            if level >= 0:
                total += weights[level]
        for a, b, table in self._together:
            if levels[a] >= 0 and levels[b] >= 0:
                total += table[levels[a]][levels[b]]
        if len(self._remembered) >= _REMEMBERED:
            self._remembered.clear()
        self._remembered[levels] = total
        return total

    def score_group(self, levels: tuple[Level, ...]) -> float:
        """The score of levels for one home or company; see `as_of_group`."""
        known = self._of_groups.get(levels)
        if known is None:
            if len(self._of_groups) >= _REMEMBERED:
                self._of_groups.clear()
            known = self._of_groups[levels] = self.score_levels(self.as_of_group(levels))
        return known

    def as_of_group(self, levels: tuple[Level, ...]) -> tuple[Level, ...]:
        """What levels say of a home or a company: two given names behind one thing are two who share it, and the door
        that something was sent to is not its sender's.
        """
        methods = [aspect.method for aspect in self.aspects]
        told = list(zip(self._comparisons, methods, levels, strict=True))
        names = (how.contradicts(level) for how, method, level in told if method is Method.PERSON_NAME and level >= 0)
        found = [how.of_two_names.get(level, level) for how, _, level in told] if any(names) else list(levels)
        anothers = frozenset[Method]().union(*(how.of_another.get(level, ()) for how, _, level in told))
        return tuple([-1 if method in anothers else level for method, level in zip(methods, found, strict=True)])

    def _by_level(self, pair: Together) -> list[list[float]]:
        groups, other = self._comparisons[pair.a].groups, self._comparisons[pair.b].groups
        return [[pair.weights[group][second] for second in other] for group in groups]

    def _shares(self, levels: Sequence[Level]) -> list[float]:
        """By comparison its bits: its own, and half of what it says together with each other one."""
        shares = [weights[level] if level >= 0 else 0.0 for weights, level in zip(self._weights, levels, strict=True)]
        for a, b, table in self._together:
            if levels[a] >= 0 and levels[b] >= 0:
                half = table[levels[a]][levels[b]] / 2
                shares[a] += half
                shares[b] += half
        return shares

    def reasons(self, a: Prepared, b: Prepared) -> list[Reason]:
        """What each comparison says; with the prior, the weights sum to the score."""
        return self.reasons_of(self.levels(a, b))

    def reasons_of(self, levels: Sequence[Level]) -> list[Reason]:
        """The same, of levels."""
        said = []
        for aspect, how, share, level in zip(
            self.aspects, self._comparisons, self._shares(levels), levels, strict=True
        ):
            if level < 0:
                said.append(Reason(aspect.name, None, "not known of both", 0.0))
            else:
                said.append(Reason(aspect.name, level, how.said[level], round(share, 2)))
        return said

    def is_safe(self, a: Prepared, b: Prepared) -> bool:
        """True where a machine may tie two records, however high they score: nothing limits what it gives them."""
        return self.most_by_itself(a, b) == math.inf

    def most_by_itself(self, a: Prepared, b: Prepared) -> float:
        """The most log2 odds that a machine may tie two records by, however high they score.

        Next to impossible where something contradicts: the names, as in a family, the dates of birth, as of father and
        son, the gender. So no third record is a bridge between the two. Even odds where nothing personal but the name
        speaks for it (a date of birth, an address, a code, an e-mail), which is how namesakes look. Else no limit.
        """
        levels = self.levels(a, b)
        if self._shop:
            return _CONTRADICTED if self.are_two(levels) else math.inf
        corroborated = False
        for how, weights, level in zip(self._comparisons, self._weights, levels, strict=True):
            if level < 0:
                continue
            if how.contradicts(level):
                return _CONTRADICTED
            corroborated |= how.personal and weights[level] >= _CORROBORATES
        return math.inf if corroborated else 0.0

    def are_two(self, levels: Sequence[Level]) -> bool:
        """True where a level says that the two must be two people."""
        pairs = zip(self._comparisons, levels, strict=True)
        return any(level >= 0 and how.contradicts(level) for how, level in pairs)

    def cautious(self, a: Prepared, b: Prepared, *, above: float = -math.inf) -> float:
        """The score by which a machine ties: to part brother and sister again is worse than to ask a person."""
        if self._shop:
            return self.cautious_levels(self.levels(a, b))
        odds = self.score(a, b, above=above)
        return odds if odds <= 0 else min(odds, self.most_by_itself(a, b))

    def cautious_levels(self, levels: tuple[Level, ...]) -> float:
        """`cautious`, of the levels of two of a shop's records."""
        odds = self.score_levels(levels)
        return odds if odds <= 0 or not self.are_two(levels) else _CONTRADICTED

    def tying(self, a: Prepared, b: Prepared, *, above: float = -math.inf) -> float:
        """The score by which the persons of a whole table are formed: as live, where the model is a shop's."""
        return self.cautious(a, b, above=above) if self._shop else self.score(a, b, above=above)

    @property
    def prior(self) -> float:
        """Log2 odds before anything is compared."""
        return self._prior


def _texts(row: Mapping[str, Any], aspect: Aspect) -> list[str]:
    known = [(at, row.get(column)) for at, column in enumerate(aspect.columns)]
    told = [(at, str(text)) for at, text in known if text not in (None, "") and text == text]
    return [f"{aspect.roles[at]}:{text}" for at, text in told] if aspect.roles else [text for _, text in told]

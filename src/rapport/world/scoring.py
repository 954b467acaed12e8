"""How well customers match people: any assignment of identifiers beside the truth, counted over pairs.

Pairwise, since it does not ask which customer "is" which person: two identifiers of one person belong into one
customer, two of different people do not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from rapport.kernel.identifiers import Identifier
from rapport.world.truth import Known, owners

__all__ = ["Assigned", "Comparison", "Scores", "compare", "one_person", "scores"]


@dataclass(frozen=True, slots=True)
class Scores:
    """How well customers match people, counted over pairs of identifiers."""

    identifiers: int
    """Identifiers that belong to one person alone and have been assigned."""
    shared: int
    """Assigned identifiers of several people (a tablet, a bank card): left out, for no answer is right."""
    true_pairs: int
    found_pairs: int
    right_pairs: int
    lone_pairs: int
    """Of the true pairs those with an end that is alone in its customer: nothing was ever seen together with it, so
    that nobody could tell whose it is (a cash receipt, a visitor who never signed in)."""

    @property
    def precision(self) -> float:
        """Of the pairs put into one customer, the share that are one person; 1 where there are none."""
        return self.right_pairs / self.found_pairs if self.found_pairs else 1.0

    @property
    def recall(self) -> float:
        """Of the pairs that are one person, the share put into one customer; 1 where there are none."""
        return self.right_pairs / self.true_pairs if self.true_pairs else 1.0

    @property
    def recall_but_lone(self) -> float:
        """Of the pairs that are one person and have no end that is alone, the share put into one customer."""
        tied = self.true_pairs - self.lone_pairs
        return self.right_pairs / tied if tied else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


class Assigned(NamedTuple):
    """What was made of one identifier."""

    customer: str
    channel: str
    """Where it was seen first."""


class Comparison(NamedTuple):
    """An assignment beside the truth."""

    overall: Scores
    by_channel: dict[str, Scores]
    """Over the pairs of which at least one identifier was first seen in the channel; see `compare`."""
    mixed: int
    """Customers that hold identifiers of several people."""
    parted: int
    """People whose identifiers are in several customers."""


def scores(customers: Mapping[Identifier, str], known: Iterable[Known]) -> Scores:
    """Compare an assignment of identifiers to customers with the truth. Identifiers without a customer are left out.

    >>> one, two, three = (Identifier("user_id", text) for text in "123")
    >>> ada = Known(person="ada", household=1, name="Ada", identifiers=[one, two])
    >>> bo = Known(person="bo", household=1, name="Bo", identifiers=[three])
    >>> found = scores({one: "c", two: "c", three: "c"}, [ada, bo])
    >>> round(found.precision, 2), found.recall
    (0.33, 1.0)
    """
    return compare({each: Assigned(customer, "") for each, customer in customers.items()}, owners(known)).overall


def compare(assigned: Mapping[Identifier, Assigned], truth: Mapping[Identifier, set[str]]) -> Comparison:
    """Compare an assignment with who has used each identifier, over all channels and for each of them.

    A pair counts for a channel if at least one of its ends was first seen there: all pairs minus the pairs among the
    identifiers of the other channels. So a pair between two channels counts for both, and the channels' pairs sum to
    more than all. Shared and unassigned identifiers are left out as in `scores`.
    Cost: linear in the identifiers, times the number of channels.
    """
    sizes = Counter(found.customer for found in assigned.values())
    cells: _Cells = Counter()
    shared: Counter[str] = Counter()
    for identifier, people in truth.items():
        found = assigned.get(identifier)
        if found is None:
            continue
        if len(people) > 1:
            shared[found.channel] += 1
        else:
            cells[_Cell(found.channel, found.customer, next(iter(people)), sizes[found.customer] == 1)] += 1
    overall = _scores(cells, shared.total())
    held = {(cell.customer, cell.person) for cell in cells}
    return Comparison(
        overall=overall,
        by_channel={
            channel: _touching(overall, cells, channel, shared[channel])
            for channel in sorted({cell.channel for cell in cells} | shared.keys())
        },
        mixed=_repeated(customer for customer, _ in held),
        parted=_repeated(person for _, person in held),
    )


def one_person(
    left: Iterable[Identifier], right: Iterable[Identifier], truth: Mapping[Identifier, set[str]]
) -> bool | None:
    """Whether two groups of identifiers are rightly tied: some person has used both, shared identifiers aside.

    None where one of them holds nobody's own identifier, so that nobody can say.
    """
    people = [_people_of(side, truth) for side in (left, right)]
    return bool(people[0] & people[1]) if all(people) else None


def _people_of(identifiers: Iterable[Identifier], truth: Mapping[Identifier, set[str]]) -> set[str]:
    """Whose own these identifiers are."""
    return {person for each in identifiers if len(people := truth.get(each, set())) == 1 for person in people}


class _Cell(NamedTuple):
    """Identifiers that are alike in all that is counted."""

    channel: str
    customer: str
    person: str
    alone: bool
    """The only identifier of its customer."""


_Cells: TypeAlias = Counter[_Cell]


def _scores(cells: _Cells, shared: int) -> Scores:
    """Over all pairs within these cells."""
    both: Counter[tuple[str, str]] = Counter()
    by_customer: Counter[str] = Counter()
    by_person: Counter[str] = Counter()
    tied: Counter[str] = Counter()
    for cell, count in cells.items():
        both[cell.customer, cell.person] += count
        by_customer[cell.customer] += count
        by_person[cell.person] += count
        tied[cell.person] += 0 if cell.alone else count
    true_pairs = _pairs(by_person)
    return Scores(
        identifiers=cells.total(),
        shared=shared,
        true_pairs=true_pairs,
        found_pairs=_pairs(by_customer),
        right_pairs=_pairs(both),
        lone_pairs=true_pairs - _pairs(tied),
    )


def _touching(overall: Scores, cells: _Cells, channel: str, shared: int) -> Scores:
    """All pairs minus those among the other channels."""
    others = _scores(Counter({cell: count for cell, count in cells.items() if cell.channel != channel}), 0)
    return Scores(
        identifiers=overall.identifiers - others.identifiers,
        shared=shared,
        true_pairs=overall.true_pairs - others.true_pairs,
        found_pairs=overall.found_pairs - others.found_pairs,
        right_pairs=overall.right_pairs - others.right_pairs,
        lone_pairs=overall.lone_pairs - others.lone_pairs,
    )


def _repeated(names: Iterable[str]) -> int:
    return sum(count > 1 for count in Counter(names).values())


def _pairs(counts: Counter[Any]) -> int:
    return sum(count * (count - 1) // 2 for count in counts.values())

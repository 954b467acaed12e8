"""Who was really who: the answer that Rapport has to find, written beside the facts and never sent.

`scores` compares any assignment of identifiers to customers with it, pair by pair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from rapport.kernel.identifiers import Identifier
from rapport.world.timeline import World

__all__ = ["Known", "Scores", "owners", "read_truth", "scores", "truth_of", "write_truth"]


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """One person and every identifier they have been seen under: one line of the truth file."""

    person: str
    household: int
    name: str
    identifiers: list[Identifier]


@dataclass(frozen=True, slots=True)
class Scores:
    """How well customers match people, counted over pairs of identifiers."""

    identifiers: int
    """Identifiers that belong to one person alone and have been assigned."""
    shared: int
    """Identifiers of several people (a tablet, a bank card): left out, for no answer is right."""
    true_pairs: int
    found_pairs: int
    right_pairs: int

    @property
    def precision(self) -> float:
        """Of the pairs put into one customer, the share that are one person; 1 where there are none."""
        return self.right_pairs / self.found_pairs if self.found_pairs else 1.0

    @property
    def recall(self) -> float:
        """Of the pairs that are one person, the share put into one customer; 1 where there are none."""
        return self.right_pairs / self.true_pairs if self.true_pairs else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def truth_of(world: World) -> list[Known]:
    """Everybody who has come so far, in order of their numbers."""
    return [
        Known(
            person=shopper.person.key,
            household=shopper.person.household.index,
            name=f"{shopper.person.given} {shopper.person.family}",
            identifiers=list(shopper.used),
        )
        for _, shopper in sorted(world.shoppers.items())
    ]


def write_truth(path: Path, known: Iterable[Known]) -> int:
    """Write JSON lines, one person each, in place of an earlier file; answers how many."""
    lines = [msgspec.json.encode(person) for person in known]
    partial = path.with_suffix(".partial")
    partial.write_bytes(b"".join(line + b"\n" for line in lines))
    partial.replace(path)
    return len(lines)


def read_truth(path: Path) -> list[Known]:
    """The people of a truth file."""
    decoder = msgspec.json.Decoder(Known)
    return [decoder.decode(line) for line in path.read_bytes().splitlines() if line]


def owners(known: Iterable[Known]) -> dict[Identifier, set[str]]:
    """Per identifier everybody who has used it."""
    found: dict[Identifier, set[str]] = {}
    for person in known:
        for identifier in person.identifiers:
            found.setdefault(identifier, set()).add(person.person)
    return found


def scores(customers: Mapping[Identifier, str], known: Iterable[Known]) -> Scores:
    """Compare an assignment of identifiers to customers with the truth. Identifiers without a customer are left out.

    >>> one, two, three = (Identifier("user_id", text) for text in "123")
    >>> ada = Known(person="ada", household=1, name="Ada", identifiers=[one, two])
    >>> bo = Known(person="bo", household=1, name="Bo", identifiers=[three])
    >>> found = scores({one: "c", two: "c", three: "c"}, [ada, bo])
    >>> round(found.precision, 2), found.recall
    (0.33, 1.0)
    """
    cells: Counter[tuple[str, str]] = Counter()
    shared = 0
    for identifier, people in owners(known).items():
        if len(people) > 1:
            shared += 1
        elif identifier in customers:
            cells[customers[identifier], next(iter(people))] += 1
    by_customer: Counter[str] = Counter()
    by_person: Counter[str] = Counter()
    for (customer, person), count in cells.items():
        by_customer[customer] += count
        by_person[person] += count
    return Scores(
        identifiers=sum(cells.values()),
        shared=shared,
        true_pairs=_pairs(by_person),
        found_pairs=_pairs(by_customer),
        right_pairs=_pairs(cells),
    )


def _pairs(counts: Counter[Any]) -> int:
    return sum(count * (count - 1) // 2 for count in counts.values())

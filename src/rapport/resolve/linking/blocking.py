"""Blocking: which few records a record is compared with. Several keys a record; records that share one are candidates.

The keys are chosen from the kinds of aspects there are: two words of the name; a word of the name with the year, the
day, the district, the place; the date, the postcode and each code alone; and so on, so that one mistake, or a column
left empty, still leaves several keys intact. A block that has grown too large tells nothing and is closed; candidates
that share many and small blocks are looked at first, and only so many. So the work for one record is bounded.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator, Sequence

from rapport.resolve.linking.comparer import Prepared
from rapport.resolve.linking.comparisons.comparison import STEM
from rapport.resolve.linking.comparisons.methods import COMPARISONS
from rapport.resolve.linking.model import Aspect, Method

__all__ = ["Blocks", "blocks_of_doors", "doors_of", "keys_of"]

_AT_ONE_DOOR = 40
"""Records at one door, or of one company, that are looked at."""

_MOST_ATOMS = 6
"""Coarse atoms of a record that are combined; with the words of its name some forty keys at most."""
_TELLING = (
    Method.DATE,
    Method.POSTCODE,
    Method.PLACE,
    Method.WORDS,
    Method.CODE,
    Method.CATEGORY,
    Method.BIRTH,
    Method.DOOR,
    Method.PHONE,
)


def keys_of(
    aspects: Sequence[Aspect], record: Prepared, *, number: Callable[[tuple[str, ...]], int] = hash
) -> list[int]:
    """The blocking keys of a record, by default as numbers that mean something in this process alone."""
    name: list[str] = []
    fine: list[tuple[str, str]] = []
    coarse: list[tuple[str, str]] = []
    order = {aspect.name: _TELLING.index(aspect.method) for aspect in aspects if aspect.method in _TELLING}
    for aspect, feature in zip(aspects, record, strict=True):
        if feature is None:
            continue
        comparison = COMPARISONS[aspect.method]
        name += comparison.name_words(feature)
        fine += [(aspect.name, atom) for atom in comparison.blocks_alone(feature)]
        coarse += [(aspect.name, atom) for atom in comparison.blocks_together(feature)]
    coarse.sort(key=lambda atom: order[atom[0]])
    return list({number(parts) for parts in _combined(name, fine, coarse[:_MOST_ATOMS])})


def blocks_of_doors() -> Blocks:
    """For the keys of `doors_of`: of more than 150 records it is a block of flats, or made up."""
    return Blocks(most=_AT_ONE_DOOR)


def doors_of(
    aspects: Sequence[Aspect], record: Prepared, *, number: Callable[[tuple[str, ...]], int] = hash
) -> list[int]:
    """The keys under which those are found who live or work where a record does, whatever their names."""
    return [
        number(("door", door))
        for aspect, feature in zip(aspects, record, strict=True)
        if feature is not None
        for door in COMPARISONS[aspect.method].doors(feature)
    ]


def _combined(
    name: Sequence[str], fine: Sequence[tuple[str, str]], coarse: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, ...]]:
    yield from fine
    stems = sorted({word[:STEM] for word in name})
    for at, first in enumerate(stems):
        for second in stems[at + 1 :]:
            yield ("name", first, second)
    for word in name[:3]:
        for column, atom in coarse:
            yield ("name+", word[:3], column, atom)
    for at, (column, atom) in enumerate(coarse):
        for other, second in coarse[at + 1 :]:
            if column != other:
                yield ("pair", column, atom, other, second)


class Blocks:
    """Key → records, in memory. Single records are kept bare, so that most keys cost a dictionary entry and no list."""

    def __init__(self, *, cap: int = 150, most: int = 100) -> None:
        self._cap = cap
        self._most = most
        self._records: dict[int, int | list[int] | None] = {}
        self._worth = [16.0 - math.log2(size + 1) for size in range(cap + 2)]

    def __len__(self) -> int:
        return len(self._records)

    def add(self, record: int, keys: Sequence[int]) -> None:
        """File a record under its keys."""
        records, cap = self._records, self._cap
        for key in keys:
            if key not in records:
                records[key] = record
                continue
            block = records[key]
            if block is None:
                continue
            if isinstance(block, int):
                records[key] = [block, record]
            elif len(block) < cap:
                block.append(record)
            else:
                records[key] = None

    def remove(self, record: int, keys: Sequence[int]) -> None:
        """Take a record out of its blocks. A closed block stays closed."""
        for key in keys:
            block = self._records.get(key)
            if block == record:
                del self._records[key]
            elif isinstance(block, list) and record in block:
                block.remove(record)

    def candidates(self, keys: Sequence[int]) -> list[int]:
        """Records that share a key, at most `most`: those first that share many and small blocks."""
        found: dict[int, float] = {}
        get, worth = found.get, self._worth
        for key in keys:
            block = self._records.get(key)
            if block is None:
                continue
            if isinstance(block, int):
                found[block] = get(block, 0.0) + worth[1]
                continue
            each = worth[len(block)]
            for record in block:
                found[record] = get(record, 0.0) + each
        if len(found) <= self._most:
            return list(found)
        return heapq.nlargest(self._most, found, key=lambda record: (found[record], -record))

"""Where the steps of a journey stand in its picture: rows from the entry down, as few crossings as a few sweeps find.

Each way out of a step has a place of its own in the row of signs below it (its words, and where a step can be put in),
then goes by a thin place in every row it passes. So nothing lies upon anything. Pure.

Source: Sugiyama, Tagawa, Toda 1981 (rows, median order); rows are placed by isotonic regression (pool adjacent
violators), the least-squares answer for a fixed order and distance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

__all__ = ["GAP", "NODE_HEIGHT", "NODE_WIDTH", "SIGN_HEIGHT", "Place", "Placed", "Way", "lay_out"]

NODE_WIDTH, NODE_HEIGHT, SIGN_HEIGHT, GAP, MARGIN = 256, 78, 24, 20, 14
_APART, _THIN, _SWEEPS = 20, 18, 6


class Way(NamedTuple):
    """A way from a step to another; `width` is what its sign needs."""

    source: str
    target: str
    path: str
    width: int


class Place(NamedTuple):
    """The middle of a step or a sign, in pixels."""

    x: float
    y: float


class Placed(NamedTuple):
    """All places."""

    nodes: dict[str, Place]
    signs: dict[tuple[str, str], Place]
    """By source and path of a way."""
    lines: dict[tuple[str, str], list[Place]]
    """What a way goes by between its sign and its target, in order; missing for one that leads back up."""
    width: int
    height: int


_Slot = tuple[str, ...]
"""A step `(name,)`, a sign `(source, path)`, or a thin place `(source, path, row)`."""


def lay_out(names: Sequence[str], ways: Sequence[Way]) -> Placed:
    """Place the steps; the first name is the entry. Steps nothing leads to stand in rows of their own at the end."""
    known = set(names)
    ways = [way for way in ways if way.source in known]
    back = _back(names, ways)
    rows = _rows(names, ways, back)
    slots, links = _slots(names, ways, back, rows)
    widths = {slot: _width(slot, ways) for row in slots for slot in row}
    _order(slots, links)
    x = _across(slots, links, widths)
    left = min((x[slot] - widths[slot] / 2 for slot in x), default=0) - MARGIN
    right = max((x[slot] + widths[slot] / 2 for slot in x), default=0) + MARGIN
    y = [_down(number) for number in range(len(slots))]
    at = {slot: Place(round(x[slot] - left, 1), y[number]) for number, row in enumerate(slots) for slot in row}
    lines = {
        (way.source, way.path): [at[slot] for slot in _thread(way, rows)]
        for way in ways if (way.source, way.path) not in back and way.target in known
    }  # fmt: skip
    return Placed(
        {name: at[(name,)] for name in names}, {(w.source, w.path): at[(w.source, w.path)] for w in ways}, lines,
        round(right - left), round(y[-1] + NODE_HEIGHT / 2 + MARGIN) if y else 0,
    )  # fmt: skip


def _down(row: int) -> float:
    """The middle of a row, in pixels from the top: steps and signs by turns."""
    above = MARGIN + row // 2 * (NODE_HEIGHT + SIGN_HEIGHT + 2 * GAP)
    return above + (NODE_HEIGHT + GAP + SIGN_HEIGHT / 2 if row % 2 else NODE_HEIGHT / 2)


def _back(names: Sequence[str], ways: Sequence[Way]) -> set[tuple[str, str]]:
    """The ways that lead back to where one came from."""
    out: dict[str, list[Way]] = {name: [] for name in names}
    for one in ways:
        out[one.source].append(one)
    back: set[tuple[str, str]] = set()
    done: set[str] = set()
    for first in names:
        if first in done:
            continue
        under_way, path = {first}, [(first, iter(out[first]))]
        while path:
            name, rest = path[-1]
            if (way := next(rest, None)) is None:
                path.pop()
                under_way.discard(name)
                done.add(name)
            elif way.target in under_way:
                back.add((way.source, way.path))
            elif way.target in out and way.target not in done:
                under_way.add(way.target)
                path.append((way.target, iter(out[way.target])))
    return back


def _rows(names: Sequence[str], ways: Sequence[Way], back: set[tuple[str, str]]) -> dict[str, int]:
    """The row of each step: below all that lead to it."""
    down = [way for way in ways if (way.source, way.path) not in back and way.target in names]
    waiting = dict.fromkeys(names, 0)
    for way in down:
        waiting[way.target] += 1
    rows, free = dict.fromkeys(names, 0), [name for name in names if not waiting[name]]
    out: dict[str, list[str]] = {name: [] for name in names}
    for way in down:
        out[way.source].append(way.target)
    while free:
        name = free.pop()
        for target in out[name]:
            rows[target] = max(rows[target], rows[name] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                free.append(target)
    return rows


def _thread(way: Way, rows: Mapping[str, int]) -> list[_Slot]:
    """The thin places a way goes by, from below its sign to above its target."""
    return [(way.source, way.path, str(row)) for row in range(2 * rows[way.source] + 2, 2 * rows[way.target])]


def _slots(
    names: Sequence[str], ways: Sequence[Way], back: set[tuple[str, str]], rows: Mapping[str, int]
) -> tuple[list[list[_Slot]], list[tuple[_Slot, _Slot]]]:
    """What stands in each row, steps and signs by turns, and what is joined to what in the next."""
    slots: list[list[_Slot]] = [[] for _ in range(2 * max(rows.values(), default=0) + 2)]
    links: list[tuple[_Slot, _Slot]] = []
    for name in names:
        slots[2 * rows[name]].append((name,))
    for way in ways:
        sign = (way.source, way.path)
        slots[2 * rows[way.source] + 1].append(sign)
        links.append(((way.source,), sign))
        if sign in back or way.target not in rows:
            continue
        thread = [sign, *_thread(way, rows), (way.target,)]
        for slot in thread[1:-1]:
            slots[int(slot[2])].append(slot)
        links += list(pairwise(thread))
    return (slots if slots[-1] else slots[:-1]), links


def _width(slot: _Slot, ways: Sequence[Way]) -> int:
    if len(slot) == 1:
        return NODE_WIDTH
    if len(slot) == 3:
        return _THIN
    return next(way.width for way in ways if (way.source, way.path) == slot)


def _neighbours(links: Sequence[tuple[_Slot, _Slot]]) -> tuple[dict[_Slot, list[_Slot]], dict[_Slot, list[_Slot]]]:
    above: dict[_Slot, list[_Slot]] = {}
    below: dict[_Slot, list[_Slot]] = {}
    for upper, lower in links:
        above.setdefault(lower, []).append(upper)
        below.setdefault(upper, []).append(lower)
    return above, below


def _order(slots: list[list[_Slot]], links: Sequence[tuple[_Slot, _Slot]]) -> None:
    """Order each row by the middle of its neighbours, down and up. Signs of one step keep the order of its ways."""
    above, below = _neighbours(links)
    for sweep in range(_SWEEPS):
        near, rows = (above, slots[1:]) if sweep % 2 == 0 else (below, slots[-2::-1])
        place = {slot: number / max(1, len(row)) for row in slots for number, slot in enumerate(row)}
        for row in rows:
            found = {slot: [place[one] for one in near.get(slot, ())] for slot in row}
            row.sort(key=lambda slot: sum(found[slot]) / len(found[slot]) if found[slot] else place[slot])
            place |= {slot: number / max(1, len(row)) for number, slot in enumerate(row)}


def _across(
    slots: list[list[_Slot]], links: Sequence[tuple[_Slot, _Slot]], widths: Mapping[_Slot, int]
) -> dict[_Slot, float]:
    """How far to the right each stands: as near below and above its neighbours as the others in its row let it."""
    above, below = _neighbours(links)
    x: dict[_Slot, float] = {}
    for row in slots:
        x |= _spread(row, {slot: _mean(above.get(slot, ()), x) for slot in row}, widths)
    for sweep in range(2 * _SWEEPS + 1):
        near, rows = (below, slots[::-1]) if sweep % 2 == 0 else (above, slots)
        for row in rows:
            x |= _spread(row, {slot: _mean(near.get(slot, ()), x, x[slot]) for slot in row}, widths)
    return x


def _mean(near: Sequence[_Slot], x: Mapping[_Slot, float], otherwise: float = 0.0) -> float:
    return sum(x[slot] for slot in near) / len(near) if near else otherwise


def _spread(row: Sequence[_Slot], wanted: Mapping[_Slot, float], widths: Mapping[_Slot, int]) -> dict[_Slot, float]:
    offsets, at = [], 0.0
    for number, slot in enumerate(row):
        at += (widths[row[number - 1]] + widths[slot]) / 2 + _APART if number else 0.0
        offsets.append(at)
    pools: list[tuple[float, int]] = []
    for slot, offset in zip(row, offsets, strict=True):
        mean, size = wanted[slot] - offset, 1
        while pools and pools[-1][0] > mean:
            before, many = pools.pop()
            mean, size = (before * many + mean * size) / (many + size), many + size
        pools.append((mean, size))
    means = [mean for mean, size in pools for _ in range(size)]
    return {slot: mean + offset for slot, mean, offset in zip(row, means, offsets, strict=True)}

"""The journey map as a picture: kinds from the beginning of journeys down to their end, ways as arcs beside them.

Ways forward are on the right, ways back on the left, as wide as they are often gone. It is as legible on a phone as on
a desk, and each of its parts is a link. No I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rapport.capabilities.insights.journey_map import Edge, Kind

__all__ = ["Arc", "Box", "Drawing", "drawn"]

WIDTH, LABEL, ROW, HEIGHT = 360, 150, 46, 30
MOST_ARCS = 24
"""Ways that are drawn, the most frequent; the table has all."""


class Box(NamedTuple):
    """A kind of touchpoint in the picture."""

    kind: Kind
    x: int
    y: int
    left: float
    """How much of the box's width stands for journeys that end there."""


class Arc(NamedTuple):
    """A way in the picture."""

    edge: Edge
    path: str
    width: float
    back: bool


class Drawing(NamedTuple):
    """The whole picture."""

    width: int
    height: int
    label: int
    box: int
    boxes: list[Box]
    arcs: list[Arc]
    hidden: int
    """Ways that are not drawn."""


def drawn(kinds: Sequence[Kind], edges: Sequence[Edge]) -> Drawing:
    """Lay the map out."""
    ordered = sorted(kinds, key=lambda kind: (kind.place, -kind.visits, kind.name))
    rows = {kind.name: number for number, kind in enumerate(ordered)}
    shown = edges[:MOST_ARCS]
    most = max((edge.times for edge in shown), default=1)
    x = (WIDTH - LABEL) // 2
    boxes = [Box(kind, x, rows[kind.name] * ROW + 4, round(LABEL * kind.drop_off, 1)) for kind in ordered]
    return Drawing(
        width=WIDTH, height=len(ordered) * ROW + 8, label=LABEL, box=HEIGHT, boxes=boxes,
        arcs=[_arc(edge, rows, most) for edge in shown], hidden=len(edges) - len(shown),
    )  # fmt: skip


def _arc(edge: Edge, rows: dict[str, int], most: int) -> Arc:
    one, other = rows[edge.source], rows[edge.target]
    back = other < one
    side = (WIDTH - LABEL) // 2 if back else (WIDTH + LABEL) // 2
    reach = min(96, 14 + 13 * abs(other - one))
    bend = side - reach if back else side + reach
    # A little apart, so that ways out and ways in do not meet in one point.
    start, end = (row * ROW + 4 + HEIGHT // 2 + shift for row, shift in ((one, 5), (other, -5)))
    path = f"M{side} {start}C{bend} {start} {bend} {end} {side} {end}"
    return Arc(edge, path, round(1 + 5 * edge.times / most, 2), back)

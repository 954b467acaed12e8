"""An answer of the lake as a chart, where it is one: a first column of names or dates, numbers beside it. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rapport.capabilities.lake.asking import LakeAnswer

__all__ = ["chart_of", "is_number"]

MOST_POINTS = 400
MOST_BARS = 30
MOST_SERIES = 4
_NUMBERS = ("INT", "DOUBLE", "FLOAT", "DECIMAL")


def is_number(kind: str) -> bool:
    """Whether a column of this type of DuckDB's holds numbers."""
    return any(name in kind for name in _NUMBERS) and "[" not in kind and "STRUCT" not in kind


def chart_of(found: LakeAnswer) -> dict[str, Any] | None:
    """By time a line, in the order of time; else bars, in the order of the answer. None where it is no chart.

    An answer that is cut, or that names a step twice, is none: it would tell something else than it seems to.
    """
    numbers = [place for place, kind in enumerate(found.types) if place and is_number(kind)][:MOST_SERIES]
    rows = found.rows
    if not found.complete or not numbers or len(rows) < 2 or is_number(found.types[0]):
        return None
    by_time = found.types[0] in ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE")
    steps = ["–" if row[0] is None else str(row[0]) for row in rows]
    if len(rows) > (MOST_POINTS if by_time else MOST_BARS) or len(set(steps)) < len(steps):
        return None
    order = sorted(range(len(rows)), key=lambda n: steps[n]) if by_time else range(len(rows))
    return {
        "kind": "line" if by_time else "bar", "steps": [steps[n] for n in order], "percent": False, "whole": False,
        "series": [
            {"name": found.columns[place], "points": [_point(rows[n], place) for n in order]} for place in numbers
        ],
    }  # fmt: skip


def _point(row: Sequence[Any], place: int) -> float | None:
    """A number; what is none (nothing, infinity, a decimal told as a text that is none) leaves a gap."""
    value = row[place]
    if isinstance(value, str):  # a DECIMAL, which JSON would round
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) == float("inf"):
        return None
    return float(value)

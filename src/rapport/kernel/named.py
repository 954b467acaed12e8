"""Things of the program that are found by their name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

__all__ = ["by_name"]

T = TypeVar("T")


def by_name(kind: str, things: Iterable[tuple[str, str, T]]) -> dict[str, T]:
    """The things by name; each is given as (name, title, thing). Raises ValueError where two have one name.

    >>> by_name("metric", [("revenue", "Revenue", 1), ("revenue", "Takings", 2)])
    Traceback (most recent call last):
    ValueError: two of kind metric are named 'revenue': 'Revenue' and 'Takings'
    """
    found: dict[str, T] = {}
    titles: dict[str, str] = {}
    for name, title, thing in things:
        if name in found:
            raise ValueError(f"two of kind {kind} are named {name!r}: {titles[name]!r} and {title!r}")
        found[name], titles[name] = thing, title
    return found

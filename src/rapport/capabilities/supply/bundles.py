"""Bundles: products that are other products together, so that they share their stock. Pure.

A place has as many of a bundle as its parts there allow, whatever is said of the bundle's own level. A part is what it
says it has: a bundle within a bundle is not taken apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from rapport.capabilities.supply.model import Level, whole
from rapport.kernel.facts import Fact
from rapport.kernel.ids import WorkspaceId
from rapport.remember import inputs

__all__ = ["MOST_PARTS", "Bundle", "Part", "bundle_levels", "bundle_of", "in_parts"]

MOST_PARTS = 50


class Part(msgspec.Struct, frozen=True, array_like=True):
    """So many pieces of a product, or of one of its variants, are in a bundle."""

    product_id: str
    variant: str
    """Empty: any of its variants."""
    pieces: int


class Bundle(NamedTuple):
    """What a bundle is made of, by the latest statement; no parts: it is none."""

    workspace: WorkspaceId
    product_id: str
    parts: tuple[Part, ...]
    stated_at: int
    fact: str


def bundle_of(workspace: WorkspaceId, fact: Fact) -> Bundle | None:
    """The bundle that a `Bundle Stated` describes; None where a part cannot be read, for then its stock is not known.

    The same part twice is one of both together.
    """
    product, said = inputs.product_id(fact.properties), fact.properties.get("parts")
    if product is None or not isinstance(said, list) or len(said) > MOST_PARTS:
        return None
    pieces: Counter[tuple[str, str]] = Counter()
    for one in said:
        part = inputs.product_id(one) if isinstance(one, dict) else None
        number = whole(one.get("quantity", 1)) if isinstance(one, dict) else None
        if part is None or part == product or number is None or not 0 < number <= 10_000:
            return None
        pieces[part, inputs.variant(one) or ""] += number
    parts = tuple(Part(part, variant, number) for (part, variant), number in sorted(pieces.items()))
    return Bundle(workspace, product, parts, fact.occurred_at, fact.id)


def bundle_levels(bundle: str, parts: Sequence[Part], levels: Iterable[Level]) -> list[Level]:
    """What each place has of a bundle, given what places have of its parts; as old as the oldest level it rests on.

    A place that says nothing of a part, though another does, has none of it. Of a part of which no place says anything
    nobody knows, and so of the bundle: nothing is told.
    """
    by_part: list[dict[str, list[Level]]] = [{} for _ in parts]
    for level in levels:
        for part, found in zip(parts, by_part, strict=True):
            if level.product_id == part.product_id and part.variant in ("", level.variant):
                found.setdefault(level.location_id, []).append(level)
    if not parts or not all(by_part):
        return []
    told = []
    for place in sorted({place for found in by_part for place in found}):
        there = [found.get(place, []) for found in by_part]
        allowed = min(
            sum(one.available for one in some) // part.pieces for part, some in zip(parts, there, strict=True)
        )
        oldest = min((one for some in there for one in some), key=lambda one: (one.stated_at, one.fact))
        told.append(oldest._replace(product_id=bundle, variant="", on_hand=allowed, reserved=0, incoming=0,
                                    incoming_at=None, net=True))  # fmt: skip
    return told


def in_parts(wanted: Mapping[str, int], known: Mapping[str, Sequence[Part]]) -> dict[str, int]:
    """Pieces of each product that are needed for all that is wanted together: two lines may need the same one."""
    needed: Counter[str] = Counter()
    for product, pieces in wanted.items():
        for part in known.get(product) or (Part(product, "", 1),):
            needed[part.product_id] += part.pieces * pieces
    return dict(needed)

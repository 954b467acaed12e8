"""A product as it was last described, and how descriptions of it are joined."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from rapport.decide.products import Line, lines_of
from rapport.kernel.facts import Fact
from rapport.kernel.ids import WorkspaceId
from rapport.remember.inputs import ReadingSettings

__all__ = ["Description", "Product", "describe", "newest", "once"]

_READ = ("product_id", "sku", "id", "name", "category", "brand", "price", "cost", "currency", "url", "image_url")
"""Everything of a product that `describe` looks at, as it stands in a fact's properties."""


class Product(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a product. Money is in minor units of `currency`."""

    product_id: str
    name: str | None = None
    category: str | None = None
    brand: str | None = None
    price_minor: int | None = None
    cost_minor: int | None = None
    currency: str | None = None
    url: str | None = None
    image_url: str | None = None
    last_seen_at: int = 0


class Description(NamedTuple):
    """What one fact, or several joined, say of a product."""

    workspace: WorkspaceId
    product_id: str
    name: str | None
    category: str | None
    brand: str | None
    price_minor: int | None
    cost_minor: int | None
    currency: str | None
    url: str | None
    image_url: str | None
    last_seen_at: int
    last_fact: str


def describe(workspace: WorkspaceId, fact: Fact, settings: ReadingSettings) -> list[Description]:
    """What the fact says of its products."""
    return [_description(workspace, fact, line) for line in lines_of(fact, settings)]


def once(facts: Iterable[tuple[WorkspaceId, Fact]]) -> list[tuple[WorkspaceId, Fact]]:
    """Of the facts that say the very same of one product only the latest by (time, fact).

    Leaves the outcome of `newest` as it is: an earlier one of two equal descriptions never shows through. Most facts of
    a busy shop repeat what others say, and this look at their raw values is several times cheaper than reading them.
    """
    latest: dict[object, tuple[WorkspaceId, Fact]] = {}
    rest: list[tuple[WorkspaceId, Fact]] = []
    for workspace, fact in facts:
        properties = fact.properties
        said = (workspace, "products" in properties, *map(properties.get, _READ))
        try:
            known = None if said[1] else latest.get(said)
        except TypeError:  # a list or an object where a text belongs
            rest.append((workspace, fact))
            continue
        if said[1]:
            rest.append((workspace, fact))
        elif known is None or _is_later(fact, known[1]):
            latest[said] = (workspace, fact)
    return [*latest.values(), *rest]


def _is_later(one: Fact, other: Fact) -> bool:
    if one.occurred_at != other.occurred_at:
        return one.occurred_at > other.occurred_at
    return _mark(one) > _mark(other)


def _mark(fact: Fact) -> str:
    """What tells facts of one moment apart. Not the id: a client may write a person into it, and this stays."""
    return blake2b(fact.id.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def newest(descriptions: Iterable[Description]) -> dict[tuple[WorkspaceId, str], Description]:
    """One description a product: the latest by (time, fact), gaps filled from earlier ones."""
    joined: dict[tuple[WorkspaceId, str], Description] = {}
    for description in sorted(descriptions, key=lambda d: (d.last_seen_at, d.last_fact)):
        key = (description.workspace, description.product_id)
        before = joined.get(key)
        joined[key] = description if before is None else _over(description, before)
    return joined


def _over(later: Description, earlier: Description) -> Description:
    return Description._make(old if new is None else new for new, old in zip(later, earlier, strict=True))


def _description(workspace: WorkspaceId, fact: Fact, line: Line) -> Description:
    priced = line.price_minor is not None or line.cost_minor is not None
    return Description(
        workspace, line.product_id, line.name, line.category, line.brand, line.price_minor, line.cost_minor,
        line.currency if priced else None, line.url, line.image_url, fact.occurred_at, _mark(fact),
    )  # fmt: skip

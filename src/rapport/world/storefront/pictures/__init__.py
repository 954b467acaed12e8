"""The shop's pictures: every product of the catalogue drawn by code, in one studio, under one light.

A family of goods has one file; each gives a drawing to the products it knows by name. Pictures are drawn when somebody
first looks and kept compressed; their address holds a digest of what they show, so browsers keep them for ever.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import lru_cache

from rapport.world.catalogue import Product, the_catalogue
from rapport.world.storefront.pictures import (
    accessories,
    bar,
    bottles,
    coats,
    fresh,
    gifts,
    jars,
    kitchen,
    legs,
    living,
    packets,
    shoes,
    table,
    tops,
)
from rapport.world.storefront.pictures.canvas import Canvas
from rapport.world.storefront.pictures.cloth import Drawing

__all__ = ["Picture", "drawing_of", "picture", "picture_at"]

_FAMILIES = (accessories, bar, coats, fresh, gifts, jars, kitchen, legs, living, packets, shoes, table, tops)
_DRAWINGS: dict[str, Drawing] = {name: drawing for family in _FAMILIES for name, drawing in family.DRAWINGS.items()}


@dataclass(frozen=True, slots=True)
class Picture:
    """An SVG image, gzipped, and where it is served."""

    packed: bytes
    url: str


def drawing_of(product: Product) -> Drawing | None:
    """Who draws a product; None where no family knows it."""
    if product.name in _DRAWINGS:
        return _DRAWINGS[product.name]
    if product.department == "Wine":
        return bottles.draw_bottle
    return bottles.draw_oil if {"oil", "vinegar"} & set(product.tags) else None


@lru_cache(maxsize=1_000)
def picture(product: Product, *, near: bool = False) -> Picture:
    """The picture of a product, or the near one that shows what it is made of."""
    draw = drawing_of(product)
    if draw is None:
        raise LookupError(f"no family of pictures draws {product.name}: give it a line in world/storefront/pictures")
    canvas = Canvas(product.department)
    draw(canvas, product)
    svg = canvas.drawn(detail=near).encode()
    name = f"{product.slug}{'.near' if near else ''}.{hashlib.sha256(svg).hexdigest()[:10]}.svg"
    return Picture(gzip.compress(svg, 9, mtime=0), f"/pictures/{name}")


def picture_at(name: str) -> Picture | None:
    """The picture whose address ends in this name; None where there is none such, or only another version."""
    slug, _, rest = name.partition(".")
    product = the_catalogue().by_slug.get(slug)
    if product is None:
        return None
    found = picture(product, near=rest.startswith("near."))
    return found if found.url == f"/pictures/{name}" else None

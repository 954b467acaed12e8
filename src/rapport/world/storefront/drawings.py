"""Pictures of products that have none: a flat drawing per kind of thing, coloured by brand."""

from __future__ import annotations

import re
from pathlib import Path

from rapport.world.catalogue import Product
from rapport.world.streams import digest_of

__all__ = ["drawing", "hue"]

_SYMBOL = re.compile(r'<symbol id="([\w-]+)">(.*?)</symbol>', re.DOTALL)
_SHAPES: dict[str, str] = dict(_SYMBOL.findall((Path(__file__).parent / "templates" / "drawings.svg").read_text()))
_HUES = (8, 20, 32, 44, 140, 168, 190, 206, 224, 262, 318, 340)
_BY_TAG: dict[str, str] = {
    "shoe": "shoe", "bag": "bag", "coat": "coat", "blazer": "coat", "trousers": "trousers", "jeans": "trousers",
    "shorts": "trousers", "wineglass": "glass", "flute": "glass", "glass": "glass", "knife": "knife", "mug": "mug",
    "knit": "shirt", "top": "shirt", "blouse": "shirt", "throw": "textile", "towel": "textile", "bedding": "textile",
    "linen": "textile", "cushion": "textile", "vase": "vase", "carafe": "vase", "decanter": "vase", "garden": "vase",
    "gift": "hamper", "oil": "bottle-white", "vinegar": "bottle-red", "basket": "hamper", "picnic": "textile",
    "soap": "jar", "bowl": "plate", "teapot": "cup", "moka": "cup", "cooler": "mug", "wallet": "bag", "skirt": "skirt",
}  # fmt: skip


def hue(product: Product) -> int:
    """The colour of a brand, in degrees."""
    return _HUES[digest_of("hue", product.brand) % len(_HUES)]


def drawing(product: Product) -> str:
    """The product as an SVG element; hidden from screen readers, for the name stands beside it."""
    glyph = next((_BY_TAG[tag] for tag in product.tags if tag in _BY_TAG), product.glyph)
    if product.department == "Wine" and "gift" not in product.tags:
        glyph = product.glyph
    return (
        f'<svg class="drawing" viewBox="0 0 120 120" style="--hue:{hue(product)}" aria-hidden="true" focusable="false">'
        f"{_SHAPES[glyph]}</svg>"
    )

"""What the shop says of its products, written for each of them, and the facts that stand in a list beside the text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from rapport.world.catalogue import Product
from rapport.world.storefront.words import clothing, food, home, wine

__all__ = ["Said", "said_of", "size_words"]

_FACTS = {
    "Wine": ("Grapes", "Alcohol", "Serve at", "Goes with"),
    "Food": ("Contents", "Keeps", "Allergens"),
    "Home": ("Made of", "Size", "Care"),
    "Clothing": ("Made of", "Colour", "Fit", "Care"),
}


_SHOES = {
    "Women": {"XS": "36", "S": "37–38", "M": "39", "L": "40–41", "XL": "42"},
    "Men": {"S": "40–41", "M": "42–43", "L": "44–45", "XL": "46"},
}
"""What the letters on a shoebox mean in numbers."""


@dataclass(frozen=True, slots=True)
class Said:
    """A product's description and its details, each with a name."""

    text: str
    details: tuple[tuple[str, str], ...]


def said_of(product: Product) -> Said:
    """What the shop says of a product. Raises LookupError where nobody has written anything."""
    row = _rows().get(product.name)
    if row is None:
        raise LookupError(f"nothing is said of {product.name}: give it a line in world/storefront/words")
    kind, text, values = row
    details = list(zip(_FACTS[kind], values, strict=True))
    if kind == "Wine":
        details = [(name, _alcohol(value) if name == "Alcohol" else value) for name, value in details]
        details.insert(0, ("Bottle", "6 × 75 cl" if product.name.startswith("Six ") else "75 cl, natural cork"))
        details.append(("Allergens", "sulphites"))
    return Said(text, (*details, ("From", product.origin)))


def size_words(product: Product, size: str) -> str:
    """A size as it is shown: of shoes with the numbers that it stands for."""
    numbers = _SHOES.get(product.category, {}).get(size) if "shoe" in product.tags else None
    return f"{size} ({numbers})" if numbers else size


def _alcohol(per_cent: str) -> str:
    return "none (under 0.5 %)" if per_cent == "0" else f"{per_cent} % by volume"


@lru_cache(maxsize=1)
def _rows() -> dict[str, tuple[str, str, tuple[str, ...]]]:
    found: dict[str, tuple[str, str, tuple[str, ...]]] = {}
    for kind, rows in (("Wine", wine.ROWS), ("Food", food.ROWS), ("Home", home.ROWS), ("Clothing", clothing.ROWS)):
        for line in rows.strip().splitlines():
            name, text, *values = (part.strip() for part in line.split(" ; "))
            found[name] = (kind, text, tuple(values))
    return found

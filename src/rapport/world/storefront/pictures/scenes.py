"""Still lifes for the shop window: several things of the catalogue on one wide backdrop."""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache

from rapport.world.catalogue import Product, the_catalogue
from rapport.world.storefront.pictures import Picture, drawing_of
from rapport.world.storefront.pictures.bar import glass
from rapport.world.storefront.pictures.canvas import FLOOR, Canvas

__all__ = ["SCENES", "scene", "scene_at"]

_WIDE, _HIGH, _GROUND = 1200, 750, 640

SCENES: dict[str, tuple[str, tuple[tuple[str, float, float, float], ...]]] = {
    "supper": (
        "Wine",
        (
            ("Sourdough loaf", 740, -46, 0.8),
            ("Glass carafe", 600, -52, 0.98),
            ("Chianti Classico", 460, -20, 1.42),
            ("Beeswax candles, pair", 930, -34, 0.94),
            ("Parmigiano Reggiano 24 months", 600, 34, 0.96),
            ("San Marzano tomatoes", 1030, 20, 0.9),
        ),
    ),
    "wardrobe": (
        "Clothing",
        (
            ("Wool overcoat", 250, 10, 1.36),
            ("Cashmere cardigan", 560, 10, 1.3),
            ("Corduroy trousers", 830, 10, 1.3),
            ("Leather belt", 1050, -316, 0.78),
            ("Merino socks, pair", 1046, 10, 0.78),
        ),
    ),
    "table": (
        "Home",
        (
            ("Stoneware vase", 300, -40, 1.2),
            ("Cast iron casserole 24 cm", 560, -16, 1.16),
            ("Stoneware mug", 830, 10, 0.86),
            ("Salt and pepper mills", 1020, -20, 0.9),
        ),
    ),
}
"""Per scene its backdrop and what stands in it from back to front: product, middle, how far it is from the ground, size."""


@lru_cache
def scene(name: str) -> Picture:
    """A still life by its name."""
    department, things = SCENES[name]
    canvas = Canvas(department)
    by_name = {product.name: product for product in the_catalogue().products}
    for product_name, x, y, size in things:
        with canvas.moved(f"translate({x - 200 * size:g} {_GROUND - FLOOR * size + y:g}) scale({size})"):
            _draw(canvas, by_name[product_name])
    if name == "supper":
        with canvas.moved(f"translate({350 - 240:g} {_GROUND - FLOOR * 1.2 + 26:g}) scale(1.2)"):
            glass(canvas, 200, "red")
    canvas.framed(_WIDE, _HIGH, floor=None if name == "wardrobe" else _GROUND)
    svg = canvas.drawn().encode()
    url = f"/pictures/scene-{name}.{hashlib.sha256(svg).hexdigest()[:10]}.svg"
    return Picture(gzip.compress(svg, 9, mtime=0), url)


def _draw(canvas: Canvas, product: Product) -> None:
    draw = drawing_of(product)
    if draw is not None:
        draw(canvas, product)


def scene_at(name: str) -> Picture | None:
    """The still life whose address ends in this name; None where there is none such."""
    key = name.partition(".")[0].removeprefix("scene-")
    if key not in SCENES or not name.startswith("scene-"):
        return None
    found = scene(key)
    return found if found.url == f"/pictures/{name}" else None

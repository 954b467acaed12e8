"""Jars and tins: sauces, preserves, honey, condiments, fish."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rapport.world.catalogue import Product
from rapport.world.storefront.pictures.canvas import CENTRE, FLOOR, Canvas, mirrored, oval, rounded, shade
from rapport.world.storefront.pictures.labels import house, label

__all__ = ["DRAWINGS", "jar"]

Drawing = Callable[[Canvas, Product], None]


def jar(
    c: Canvas, product: Product, *, inside: str, lid: str = "#c9a85a", high: float = 190, half: float = 66,
    cloth: str = "", bits: str = "", x: float = CENTRE, name: str = "",
) -> None:  # fmt: skip
    """A jar of something of this colour; `cloth` is the colour of a gingham cover, `bits` a texture of the contents."""
    top = FLOOR - high
    neck = half - 9
    outline = mirrored(
        f"M{neck} {top + 26}Q{half} {top + 30} {half} {top + 48}L{half} {FLOOR - 12}Q{half} {FLOOR} {half - 12} {FLOOR}L0 {FLOOR}",
        x=x,
    )
    c.stands(half, x=x)
    c.near(high, 2 * half, x=x)
    c.body(outline, inside, light="ball", texture=bits, ink=shade(inside, -0.5))
    c.body(outline, "#ffffff", light="glass", opacity=0.06)
    c.fill(f"M{x - half + 7} {top + 56}v{high - 76}q1 6 5 7V{top + 50}Z", "#fff", opacity=0.34)
    if cloth:
        _cover(c, x, top, neck, cloth)
    else:
        c.body(rounded(x - neck - 2, top, 2 * neck + 4, 30, 5), lid, light="metal")
        c.line(f"M{x - neck} {top + 23}h{2 * neck}", shade(lid, -0.4), 1, opacity=0.6)
    label(c, top + 70, high - 100, half - 0.4, name or product.name, product.brand, below=product.origin, x=x)


def _cover(c: Canvas, x: float, top: float, neck: float, cloth: str) -> None:
    edge = f"M{neck - 6} {top - 2}Q{neck + 2} {top + 8} {neck + 1} {top + 18}L{neck + 14} {top + 44}Q{neck - 8} {top + 38} {neck - 24} {top + 45}"
    c.body(
        mirrored(edge + f"Q{neck - 42} {top + 38} 0 {top + 44}", x=x),
        "#fbf6ec",
        light="round",
        texture="gingham",
        ink=cloth,
    )
    c.line(f"M{x - neck - 1} {top + 19}q{neck} 5 {2 * neck + 2} 0", "#8d6b3f", 2.6)
    c.line(f"M{x + 8} {top + 22}q10 12 20 4M{x + 8} {top + 22}q2 12 10 16", "#8d6b3f", 1.8)


def _can(c: Canvas, product: Product, *, high: float = 150, half: float = 62, fruit: str = "#c8372d") -> None:
    """A tin with a paper sleeve."""
    h, top = house(product.brand), FLOOR - high
    c.stands(half)
    c.near(high, 2 * half)
    c.body(
        mirrored(f"M{half} {top}L{half} {FLOOR - 6}Q{half * 0.6} {FLOOR + 6} 0 {FLOOR + 5}"), "#c9c9c4", light="metal"
    )
    c.body(
        mirrored(f"M{half} {top + 12}L{half} {FLOOR - 16}Q{half * 0.6} {FLOOR - 5} 0 {FLOOR - 5}"),
        h.paper,
        light="round",
    )
    c.body(oval(CENTRE, top, half, 13), "#d9d9d4", light="metal")
    c.line(oval(CENTRE, top, half - 9, 9), "#8f8f8a", 1.2)
    for dx, dy, r in ((-24, 34, 17), (12, 30, 20), (34, 44, 13)):
        c.body(oval(CENTRE + dx, FLOOR - dy, r, r * 0.92), fruit, light="ball")
        c.line(f"M{CENTRE + dx} {FLOOR - dy - r + 3}l-5-5m5 5 6-4m-6 4v-7", "#4d6b2c", 2)
    label(c, top + 20, high - 78, half - 0.4, product.name, product.brand, bend=8)


def _flat_tin(c: Canvas, product: Product, *, colour: str, fish: str) -> None:
    """A flat tin of fish, leaning so that its lid is seen, its ring at the corner."""
    h = house(product.brand)
    c.stands(122, y=FLOOR - 8)
    c.near(196, 250)
    c.body(rounded(76, 250, 248, 182, 34), "#b9b7ae", light="metal")
    c.body(rounded(76, 238, 248, 176, 34), colour, light="flat")
    c.line(rounded(84, 246, 232, 160, 28), h.paper, 1.6, opacity=0.85)
    for step in range(3):
        y = 352 + step * 17
        c.fill(f"M120 {y}q40-15 108 0q14-9 24-9-6 9 0 18-10 0-24-9-68 15-108 0Z", fish, opacity=0.95)
        c.fill(oval(134, y - 1, 1.8, 1.8), colour)
    c.body(rounded(104, 266, 192, 66, 3), h.paper, light="flat")
    c.text(product.name, CENTRE, 298, size=21, fit=176, colour=h.ink)
    c.text(product.brand.upper(), CENTRE, 317, size=10, fit=170, colour=h.second, spacing=1.6)
    c.line("M284 262q22-14 26 4-2 14-20 8", "#d8d6cf", 4)
    c.focus = (CENTRE, 318)


def _pot(c: Canvas, product: Product, *, colour: str, lid: str) -> None:
    """A round earthenware or wooden pot."""
    c.stands(74)
    c.near(160, 152)
    c.body(
        mirrored("M60 306Q76 320 74 360Q72 424 56 436L0 436"), colour, light="round", texture="speckle", ink="#4a3a2a"
    )
    c.body(rounded(CENTRE - 66, 276, 132, 32, 8), lid, light="round", texture="wood", ink="#3b2412")
    c.fill(mirrored("M62 306L62 312Q0 320 0 318"), "#000", opacity=0.22)
    label(c, 338, 74, 73, product.name, product.brand)


def _paste(c: Canvas, product: Product) -> None:
    """Quince paste: a block cut open on paper."""
    c.stands(120, y=430)
    c.near(160, 270)
    c.body("M70 404l70-52h190l-46 66H86q-16 0-16-14Z", "#f3ecd8", light="flat", texture="kraft", ink="#7b6540")
    c.body("M104 318l44-40h140l-28 40Z", "#d08a3c", light="flat")
    c.body("M104 318h156v84H104Z", "#b5651f", light="flat", texture="crumb", ink="#6d3408")
    c.body("M260 318l28-40v78l-28 46Z", "#944d14", light="flat")
    c.body("M286 402l34-16v-62l-34 16Z", "#a9591a", light="flat")
    c.body("M286 340l34-16 10 4-34 16Z", "#d08a3c", light="flat")
    label(c, 336, 54, 56, product.name, product.brand, x=178, bend=0)


_JAM = partial(jar, high=158, half=60)
_SALT: Drawing = partial(_pot, colour="#dfe6e6", lid="#a97c4c")

DRAWINGS: dict[str, Drawing] = {
    "Tomato and basil sauce": partial(jar, inside="#c23a22", lid="#f2ead8", bits="crumb"),
    "Arrabbiata sauce": partial(jar, inside="#a92a1a", lid="#2b2622", bits="crumb"),
    "Wild boar ragù": partial(jar, inside="#7a3320", lid="#c9a85a", bits="crumb"),
    "Pesto alla Genovese": partial(jar, inside="#6f8a33", lid="#f2ead8", bits="crumb", high=150, half=58),
    "San Marzano tomatoes": _can,
    "Dijon mustard": partial(jar, inside="#cfa436", lid="#24416b", high=150, half=58),
    "Cornish sea salt": _SALT,
    "Black garlic mayonnaise": partial(jar, inside="#b9a88c", lid="#1f4a52", high=156, half=60),
    "White miso": partial(_pot, colour="#d8b57a", lid="#c79a62"),
    "Acacia honey": partial(_JAM, inside="#e6a92c", lid="#d9a93c", high=150),
    "Heather honey": partial(_JAM, inside="#b9671c", lid="#4c3a56", high=150),
    "Lavender honey": partial(_JAM, inside="#e8c877", lid="#8b78ad", high=150),
    "Apricot jam": partial(_JAM, inside="#e08a2c", cloth="#d98a35", bits="crumb"),
    "Strawberry jam": partial(_JAM, inside="#b51f2b", cloth="#c03540", bits="crumb"),
    "Seville marmalade": partial(_JAM, inside="#e0791c", cloth="#d06a1c", bits="veins"),
    "Fig chutney": partial(_JAM, inside="#5a2a33", cloth="#6d5a7a", bits="crumb"),
    "Quince paste": _paste,
    "Hazelnut spread": partial(jar, inside="#5b3420", lid="#f4ead6", high=160, half=62),
    "Capers in salt": partial(jar, inside="#66733c", lid="#1f2d3a", high=128, half=48, bits="crumb"),
    "Anchovies of Cantabria": partial(_flat_tin, colour="#b5322a", fish="#f4d9b0"),
    "Sardines in olive oil": partial(_flat_tin, colour="#2a6a9c", fish="#f2dc8a"),
    "Tuna fillets": partial(_flat_tin, colour="#e0b23c", fish="#1d4f80"),
    "Saffron threads": partial(jar, inside="#a8231a", lid="#c79a3c", high=104, half=40, bits="veins"),
    "Tellicherry pepper": partial(jar, inside="#3a302a", lid="#2b2622", high=134, half=46, bits="crumb"),
    "Garam masala": partial(jar, inside="#9a622c", lid="#2b2622", high=134, half=46, bits="kraft"),
    "Antipasti selection": partial(jar, inside="#a8602c", lid="#e2622f", high=196, half=70, bits="veins"),
}

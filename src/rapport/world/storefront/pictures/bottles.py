"""Bottles: wine in the bottle of its region, sparkling under foil and wire, oils and vinegars."""

from __future__ import annotations

from rapport.world.catalogue import Product
from rapport.world.storefront.pictures.canvas import CENTRE, FLOOR, Canvas, mirrored, oval, rounded, shade
from rapport.world.storefront.pictures.labels import house, label
from rapport.world.streams import digest_of

__all__ = ["bottle_of", "draw_bottle", "draw_oil"]

_SHAPES = {
    "bordeaux": ("M14 60L14 158C14 184 47 184 47 216L47 426Q47 436 38 436L0 436", 47, 232),
    "burgundy": ("M14 60L14 118C15 196 52 208 52 272L52 426Q52 436 42 436L0 436", 52, 284),
    "flute": ("M13 44L13 112C14 196 42 226 42 290L42 427Q42 436 34 436L0 436", 42, 292),
    "champagne": ("M17 66L17 110C18 196 55 206 55 276L55 424Q55 436 44 436L0 436", 55, 288),
}
"""Per shape the right half of its outline, its half width, and where the label begins."""

_BURGUNDY = {
    "Bourgogne Pinot Noir", "Beaujolais-Villages", "Châteauneuf-du-Pape", "Côtes du Rhône", "Barolo", "Chablis",
    "Meursault", "Chardonnay Reserve", "Barbera d'Asti", "Etna Rosso", "Soave Classico", "Douro Tinto",
}  # fmt: skip
_FLUTES = {"Riesling Trocken", "Grauburgunder", "Grüner Veltliner", "Vinho Verde", "Provence Rosé", "Albariño"}
_GREEN, _LEAF, _BROWN = "#27321f", "#55603a", "#3b2a17"


def bottle_of(product: Product) -> tuple[str, str, str | None]:
    """The shape of a wine's bottle, the colour of its glass, and of what is seen through clear glass."""
    name, tags = product.name, product.tags
    if "sparkling" in tags:
        clear = "#d98b86" if "Rosé" in name else None
        return "champagne", "#4a5236" if clear is None else "#e7b3ad", clear
    shape = "burgundy" if name in _BURGUNDY else "flute" if name in _FLUTES else "bordeaux"
    if "red" in tags:
        return shape, _GREEN if digest_of("glass", product.brand) % 3 else "#2a2018", None
    if "rose" in tags:
        return shape, "#f0c4ba", "#e9a396"
    return (shape, _BROWN, None) if product.origin == "Germany" else (shape, "#d9d9a4", "#e6d992")


def draw_bottle(
    c: Canvas, product: Product, *, x: float = CENTRE, below: str = "", scale: tuple[str, str, str | None] | None = None
) -> None:
    """A wine in its bottle, with capsule, label and, under pressure, foil and wire."""
    shape, glass, inside = scale or bottle_of(product)
    half_outline, half, top = _SHAPES[shape]
    outline = mirrored(half_outline, x=x)
    c.stands(half, x=x)
    if inside:
        c.body(outline, inside, light="", opacity=0.92)
        c.body(outline, glass, light="glass", opacity=0.25)
    else:
        c.body(outline, glass, light="round")
    c.fill(f"M{x - half + 8} {top - 6}V{FLOOR - 12}q0 6 4 8V{top}Z", "#fff", opacity=0.2)
    if inside:
        c.lit(mirrored(f"M{half - 1} 414L{half - 1} 426Q{half - 1} 436 {half - 10} 436L0 436", x=x), "round")
    _top(c, product, shape, x)
    name = product.name
    label(c, top, min(116, 424 - top), half - 0.4, name, product.brand, below=below or product.origin, x=x)
    if shape == "champagne":
        c.fill(
            f"M{x - half + 6} 404q{half - 6} 5 {2 * half - 12} 0v6q{6 - half} 5 {12 - 2 * half} 0Z",
            house(product.brand).second,
        )


def _top(c: Canvas, product: Product, shape: str, x: float) -> None:
    ink = house(product.brand).second
    if shape == "champagne":
        foil = shade(ink, -0.1)
        c.body(
            mirrored("M19 52Q24 40 14 36L0 35", x=x) + mirrored("M19 52L18 116C18 150 29 172 33 188L0 180", x=x),
            foil,
            light="metal",
        )
        c.line(f"M{x - 19} 60h38M{x - 18} 78h36M{x - 12} 60l6 18 6-18 6 18 6-18", shade(foil, -0.45), 1, opacity=0.7)
        c.body(mirrored("M13 36Q13 30 0 30", x=x), shade(foil, 0.25), light="metal")
        return
    low = {"flute": 96, "burgundy": 122}.get(shape, 128)
    up = 44 if shape == "flute" else 60
    c.body(mirrored(f"M15.5 {up}L15.5 {low}L0 {low + 2}", x=x), ink, light="metal")
    c.body(rounded(x - 16.6, up - 2, 33.2, 11, 3), shade(ink, -0.12), light="metal")
    c.line(f"M{x - 15} {low - 8}q15 3 30 0", shade(ink, 0.5), 1, opacity=0.7)


# -- oils and vinegars -----------------------------------------------------------------------------------------------


def draw_oil(c: Canvas, product: Product, *, x: float = CENTRE, small: float = 1.0) -> None:
    """Oil in a dark square-shouldered bottle, vinegar in a bulb, chilli oil and sherry vinegar in clear glass."""
    if "aged" in product.name:
        _flask(c, product, x)
        return
    if "1 l" in product.name:
        _can(c, product, x)
        return
    clear = {"Chilli oil": "#c4431f", "Sherry vinegar": "#8a4a1c", "Arbequina olive oil": "#c9b23a"}.get(product.name)
    glass = clear or ("#1d1410" if "vinegar" in product.tags else "#2f3a1c")
    high = 150 if product.name == "Chilli oil" else 118
    half = 43 * small
    outline = mirrored(
        f"M12 {high}L12 {high + 50}Q14 {high + 74} {half} {high + 86}L{half} 426Q{half} 436 {half - 9} 436L0 436", x=x
    )
    c.stands(half, x=x)
    c.near(FLOOR - high + 32, 2 * half, x=x)
    c.body(outline, glass, light="glass" if clear else "round", opacity=0.9 if clear else 1)
    if clear:
        c.lit(outline, "round", opacity=0.5)
    c.fill(f"M{x - half + 7} {high + 96}V424h5V{high + 92}Z", "#fff", opacity=0.22)
    ink = house(product.brand).second
    c.body(rounded(x - 13.5, high - 22, 27, 46, 4), "#22201c" if not clear else ink, light="metal")
    c.body(rounded(x - 9, high - 30, 18, 10, 3), "#3b3732", light="metal")
    label(c, high + 112, min(130, 300 - high + 30), half - 0.4, product.name.replace(" 500 ml", ""), product.brand,
          below="500 ml" if "500" in product.name else product.origin, x=x, bend=1.5)  # fmt: skip


def _flask(c: Canvas, product: Product, x: float) -> None:
    c.stands(64, x=x)
    c.near(306, 140, x=x)
    c.body(
        mirrored("M13 170L13 226C16 254 68 268 68 344C68 400 54 420 40 426L40 436L0 436", x=x), "#1c120e", light="ball"
    )
    c.fill(f"M{x - 46} 318q6-34 30-52-16 26-20 58z", "#fff", opacity=0.3)
    c.body(mirrored("M15 150Q18 150 18 160L16 216L0 218", x=x), "#7d1d22", light="metal")
    c.body(rounded(x - 14, 134, 28, 22, 8), "#6b4a2a", light="round", texture="wood", ink="#2a1608")
    c.body(rounded(x - 12, 216, 24, 9, 3), "#c8a24d", light="metal")
    label(c, 306, 84, 58, "Balsamico 12", product.brand, below="aged twelve years", x=x)


def _can(c: Canvas, product: Product, x: float) -> None:
    h = house(product.brand)
    c.stands(70, x=x)
    c.near(300, 140, x=x)
    c.body(rounded(x - 66, 158, 132, 278, 7), h.ink, light="flat")
    c.body(rounded(x - 66, 158, 132, 15, 5), "#b9b39f", light="metal")
    c.body(rounded(x - 14, 138, 28, 22, 4), "#c9a34c", light="metal")
    c.line(f"M{x - 44} 158v-14q0-8 8-8h14", "#8d8878", 5)
    c.lit(rounded(x - 66, 158, 132, 278, 7), "round", opacity=0.55)
    for step in range(5):
        y, side = 392 - step * 16, 1 if step % 2 else -1
        c.fill(f"M{x} {y}q{side * 16}-18 {side * 38}-10-8 14-{38 if side > 0 else -38} 10Z", h.second, opacity=0.75)
    c.fill(oval(x + 18, 366, 8, 11) + oval(x - 22, 346, 8, 11), shade(h.second, -0.45))
    label(c, 192, 110, 58, "Olio extra vergine", product.brand, below="1 litre", x=x, bend=0)

"""Hampers, gift boxes and cases: a wicker basket with what is in it, a case of bottles, a box of favourites."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rapport.world.catalogue import Product
from rapport.world.storefront.pictures.bottles import draw_oil
from rapport.world.storefront.pictures.canvas import CENTRE, Canvas, mirrored, oval, rounded, shade
from rapport.world.storefront.pictures.labels import house

__all__ = ["DRAWINGS"]

Drawing = Callable[[Canvas, Product], None]
_WICKER = "#b9864a"


def _hamper(c: Canvas, product: Product, *, ribbon: str, cloth: str, pattern: str = "gingham") -> None:
    """An open hamper: lid up, a cloth, two bottles, a loaf, cheese, jars."""
    h = house(product.brand)
    c.stands(150, y=440)
    c.body("M70 96q0-14 14-14h232q14 0 14 14l-8 178H78Z", _WICKER, light="flat", texture="wicker", ink="#4a2a0e")
    c.body("M88 104h224l-6 160H94Z", "#efe4cd", light="inside", texture="linen", ink="#7b6540")
    _neck(c, 138, 150, "#2c3522", h.second)
    _neck(c, 180, 132, "#3a2018", "#a8322d")
    c.body("M214 276q-6-86 34-92 44 8 34 92Z", "#b5702f", light="ball", texture="crumb", ink="#3a1c08")
    c.line("M228 214q20-14 40 0M226 238q22-14 46 0", "#f1dcb2", 6, opacity=0.7)
    c.body(rounded(92, 222, 38, 60, 6), "#c2402c", light="glass")
    c.body(rounded(90, 210, 42, 18, 5), "#efe4cd", light="metal")
    c.body("M262 280l52-34 4 34Z", "#edcf7c", light="flat", texture="crumb", ink="#fff")
    c.body("M58 262q40 22 76 10t72 8 70-6 66-10l-6 48q-30-12-60 2-34 10-70-6-40 14-72 2-40 10-70-2Z", cloth, light="flat", texture=pattern,
           ink=ribbon)  # fmt: skip
    c.body(
        "M50 274q150 26 300 0l-18 150q-2 14-18 14H86q-16 0-18-14Z",
        _WICKER,
        light="round",
        texture="wicker",
        ink="#4a2a0e",
    )
    c.line("M50 276q150 26 300 0M62 404q138 14 276 0", "#7b5226", 6)
    for x in (112, 288):
        c.body(rounded(x - 8, 276, 16, 64, 4), "#6d4526", light="round", texture="leather", ink="#000")
        c.body(rounded(x - 11, 318, 22, 16, 3), "#c9a24d", light="metal")
    c.body(rounded(150, 336, 100, 56, 3), h.paper, light="flat", shadow=True)
    c.text(product.name.replace(" hamper", ""), CENTRE, 360, size=12, fit=88, colour=h.ink)
    c.text("HAMPER", CENTRE, 374, size=7, colour=h.second, spacing=2)
    c.text("Marlow & Vine", CENTRE, 386, size=7, colour=h.ink, style="italic")
    c.focus = (190, 230)


def _neck(c: Canvas, x: float, top: float, glass: str, foil: str) -> None:
    c.body(
        mirrored(f"M10 {top}L10 {top + 46}C10 {top + 66} 26 {top + 70} 26 {top + 92}L26 290L0 290", x=x),
        glass,
        light="round",
    )
    c.body(rounded(x - 11, top - 4, 22, 38, 4), foil, light="metal")


def _case(c: Canvas, product: Product, *, glass: str, foil: tuple[str, str, str]) -> None:
    """Six bottles standing in a wooden case."""
    h = house(product.brand)
    c.stands(152)
    for place in range(6):
        x = 88 + place * 45
        c.body(mirrored("M9 150L9 206C9 228 19 232 19 252L19 330L0 330", x=x), glass, light="round")
        c.body(rounded(x - 10, 146, 20, 48, 4), foil[place % 3], light="metal")
    c.fill("M58 268h284v30H58Z", "#000", opacity=0.2)
    c.body("M52 282h296v146q0 8-8 8H60q-8 0-8-8Z", "#cfa774", light="flat", texture="wood", ink="#6d4a20")
    c.line("M52 334h296M52 386h296", "#7b5628", 1.6, opacity=0.6)
    for x in (66, 334):
        for y in (306, 360, 412):
            c.fill(oval(x, y, 2.6, 2.6), "#5a4020")
    c.text(product.name, CENTRE, 352, size=30, fit=230, colour="#5a3516")
    c.text(product.brand.upper(), CENTRE, 376, size=12, fit=220, colour="#5a3516", spacing=3)
    c.line("M128 392h144", h.second, 1.5)
    c.focus = (CENTRE, 300)


def _favourites(c: Canvas, product: Product, *, things: tuple[tuple[str, str], ...], board: str) -> None:
    """A gift box seen from above: shredded paper, four things in their places, a printed lid beside."""
    h = house(product.brand)
    c.body(rounded(60, 70, 280, 110, 6), board, light="flat", shadow=True)
    c.line(rounded(70, 80, 260, 90, 3), h.second, 1)
    c.text(product.name, CENTRE, 126, size=24, fit=230, colour=h.paper)
    c.text(product.brand.upper(), CENTRE, 150, size=10, fit=220, colour=h.second, spacing=2.4)
    c.body(rounded(54, 192, 292, 246, 6), board, light="flat", shadow=True)
    c.body(rounded(66, 204, 268, 222, 3), "#e9dcc0", light="inside", texture="straw", ink="#8a6a34")
    for place, (shape, colour) in enumerate(things):
        x, y = 136 + place % 2 * 130, 262 + place // 2 * 106
        _thing(c, shape, colour, x, y, h.paper)
    c.focus = (CENTRE, 316)


def _thing(c: Canvas, shape: str, colour: str, x: float, y: float, paper: str) -> None:
    if shape == "tin":
        c.body(oval(x, y, 44, 44), colour, light="ball", shadow=True)
        c.line(oval(x, y, 36, 36), shade(colour, 0.4), 1.4)
        c.body(oval(x, y, 24, 24), paper, light="flat")
    elif shape == "bar":
        c.body(rounded(x - 32, y - 46, 64, 92, 3), colour, light="flat", shadow=True)
        c.fill(rounded(x - 22, y - 30, 44, 46, 2), paper)
    elif shape == "bag":
        c.body(rounded(x - 34, y - 46, 68, 92, 5), colour, light="round", shadow=True, texture="kraft")
        c.body(rounded(x - 36, y - 46, 72, 16, 3), shade(colour, 0.16), light="metal")
        c.fill(rounded(x - 22, y - 14, 44, 36, 2), paper)
    else:
        c.body(oval(x, y, 40, 40), shade(colour, -0.2), light="ball", shadow=True)
        c.body(oval(x, y, 32, 32), shade(colour, 0.2), light="inside")
        c.line(f"M{x + 38} {y - 10}q26-6 24 12-4 16-26 12", shade(colour, -0.2), 8)


def _trio(c: Canvas, product: Product) -> None:
    for x in (104, 296, 200):
        draw_oil(c, product, x=x, small=0.92)
    c.near(390, 330)
    c.focus = (200, 300)


DRAWINGS: dict[str, Drawing] = {
    "Tuscan supper hamper": partial(_hamper, ribbon="#a8322d", cloth="#fbf6ec"),
    "Italian wine and cheese hamper": partial(_hamper, ribbon="#28456b", cloth="#f7f4ec", pattern="ticking"),
    "French picnic hamper": partial(_hamper, ribbon="#24416b", cloth="#fbf8f0"),
    "Christmas hamper": partial(_hamper, ribbon="#7a1f26", cloth="#2f5a3c", pattern="tartan"),
    "Coffee lover's box": partial(
        _favourites,
        board="#2a2f33",
        things=(("bag", "#cf6a3a"), ("tin", "#1d3557"), ("cup", "#e9e4d8"), ("bag", "#6f8f7c")),
    ),
    "Tea lover's box": partial(
        _favourites,
        board="#2d4139",
        things=(("tin", "#7a2a2a"), ("tin", "#34507a"), ("tin", "#5f9a8c"), ("cup", "#ddd3c0")),
    ),
    "Chocolate lover's box": partial(
        _favourites,
        board="#33211a",
        things=(("bar", "#c98a3a"), ("bar", "#7a4a2b"), ("tin", "#8a2438"), ("bar", "#3d6b6a")),
    ),
    "Six Italian reds": partial(_case, glass="#27321f", foil=("#8a2438", "#b08a3e", "#2c3a34")),
    "Six French whites": partial(_case, glass="#d5d596", foil=("#d8c27a", "#8fa0a8", "#efe8d2")),
    "Olive oil trio": _trio,
}

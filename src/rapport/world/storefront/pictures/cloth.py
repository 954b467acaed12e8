"""What garments are made of: a cloth with its weave, and the parts that many share: sleeves, folds, buttons, collars."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rapport.world.catalogue import Product
from rapport.world.storefront.pictures.canvas import CENTRE, Canvas, mirrored, oval, shade, sided

__all__ = ["Cloth", "Drawing", "buttons", "collar", "folds", "inside_of", "seam", "sleeves"]

Drawing = Callable[[Canvas, Product], None]


class Cloth(NamedTuple):
    """A colour, a texture and the texture's ink."""

    colour: str
    texture: str = ""
    ink: str = "#000"

    def cut(self, c: Canvas, outline: str, *, by: float = 0.0, light: str = "flat", shadow: bool = False) -> None:
        """A piece of this cloth, darker or lighter by `by`."""
        c.body(outline, shade(self.colour, by), light=light, texture=self.texture, ink=self.ink, shadow=shadow)

    def rib(self, c: Canvas, outline: str, *, by: float = -0.06) -> None:
        """A ribbed edge of the same colour."""
        c.body(outline, shade(self.colour, by), light="flat", texture="rib", ink="#000")


_SLEEVES = {
    "long": "M84 106C112 114 126 146 132 190L158 346Q140 360 118 354L94 226Q84 160 84 106Z",
    "short": "M84 106C112 114 128 140 146 190L152 204Q130 224 106 226L94 206Q86 160 84 106Z",
    "puff": "M84 106C122 104 146 150 150 214C156 280 156 316 150 334Q132 346 118 340C108 300 100 262 94 226Q84 160 84 106Z",
}
_CUFFS = {
    "long": "M158 346L162 374Q142 388 121 381L118 354Q140 360 158 346Z",
    "short": "M152 204L156 214Q134 234 108 236L106 226Q130 224 152 204Z",
    "puff": "M150 334L150 358Q134 368 120 362L118 340Q132 346 150 334Z",
}


def sleeves(c: Canvas, cloth: Cloth, kind: str = "long", *, cuff: str = "rib") -> None:
    """Both sleeves; `cuff` is rib, plain or none."""
    for side in (-1, 1):
        cloth.cut(c, sided(_SLEEVES[kind], side), by=-0.05 if side > 0 else 0.0, shadow=True)
        if kind != "short":
            for fold in ("M100 214Q118 226 128 222", "M104 246Q122 254 134 246", "M112 300Q128 304 142 296"):
                c.line(sided(fold, side), "#000", 4, opacity=0.07)
        if cuff == "none":
            continue
        outline = sided(_CUFFS[kind], side)
        if cuff == "rib":
            cloth.rib(c, outline)
        else:
            cloth.cut(c, outline, by=-0.07)
            c.line(outline, "#000", 0.8, opacity=0.3)


def folds(c: Canvas, top: float, low: float, *, half: float = 84) -> None:
    """The soft folds of something that lies there unironed."""
    high = low - top
    for dx, lean in ((-0.62, 6), (0.34, -5), (0.74, -9)):
        x = CENTRE + half * dx
        c.line(f"M{x} {top + high * 0.12}q{lean} {high * 0.3} {lean * 0.3} {high * 0.66}", "#000", 7, opacity=0.05)
        c.line(f"M{x - 8} {top + high * 0.18}q{lean} {high * 0.3} {lean * 0.3} {high * 0.6}", "#fff", 5, opacity=0.07)


def inside_of(c: Canvas, cloth: Cloth, *, deep: float = 114, wide: float = 40, top: float = 80) -> None:
    """The back of the neck, seen through the opening."""
    c.body(
        mirrored(f"M0 {top}Q{wide * 0.6} {top} {wide} {top + 8}Q{wide * 0.7} {deep} 0 {deep}"),
        shade(cloth.colour, -0.42),
        light="inside",
    )
    c.body(f"M{CENTRE - 9} {top + 6}h18v12h-18Z", "#f3eee2", light="")


def buttons(c: Canvas, places: list[float], *, x: float = CENTRE, colour: str = "#efe6d2", r: float = 4.0) -> None:
    """A row of buttons from top to bottom."""
    for y in places:
        c.fill(oval(x + 1.2, y + 1.8, r, r), "#000", opacity=0.28)
        c.body(oval(x, y, r, r), colour, light="ball")
        c.fill(oval(x - 1.1, y, 0.8, 0.8) + oval(x + 1.3, y, 0.8, 0.8), "#3a2c20")


def collar(c: Canvas, cloth: Cloth, *, spread: float = 46, drop: float = 142) -> None:
    """A folded shirt collar with two points."""
    c.body(mirrored("M0 78Q26 76 42 86L40 104Q20 96 0 98"), shade(cloth.colour, -0.1), light="flat")
    for side in (-1, 1):
        outline = sided(f"M40 84Q52 92 {spread + 8} 104L{spread - 14} {drop}L2 108Q28 102 40 84Z", side)
        cloth.cut(c, outline, by=0.06 if side < 0 else -0.02, shadow=True)
        c.line(sided(f"M{spread + 4} 106L{spread - 15} {drop - 5}L6 108", side), "#000", 0.8, opacity=0.28, dash="3 2")


def seam(c: Canvas, path: str, *, dashed: bool = True, light: bool = False, width: float = 0.9) -> None:
    """A line of stitches."""
    c.line(path, "#fff" if light else "#000", width, opacity=0.5 if light else 0.32, dash="3 2.4" if dashed else "")

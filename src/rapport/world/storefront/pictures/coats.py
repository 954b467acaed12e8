"""Coats, jackets and a blazer, laid flat."""

from __future__ import annotations

from functools import partial

from rapport.world.catalogue import Product
from rapport.world.storefront.pictures.canvas import CENTRE, Canvas, mirrored, oval, shade, sided
from rapport.world.storefront.pictures.cloth import Cloth, Drawing, buttons, folds, seam

__all__ = ["DRAWINGS"]


def _arms(c: Canvas, cloth: Cloth, *, low: float, strap: bool = False) -> None:
    for side in (-1, 1):
        cloth.cut(
            c, sided(f"M80 72C112 80 126 112 132 158L154 {low - 30}L156 {low}Q138 {low + 12} 116 {low + 6}L96 196Q84 130 80 72Z", side),
            by=-0.06 if side > 0 else -0.01, shadow=True,
        )  # fmt: skip
        for y in (196, 232):
            c.line(sided(f"M102 {y}Q118 {y + 12} 134 {y + 4}", side), "#000", 5, opacity=0.08)
        if strap:
            cloth.cut(c, sided(f"M110 {low - 36}L155 {low - 42}L157 {low - 26}L112 {low - 20}Z", side), by=-0.1)
            c.body(oval(CENTRE + side * 146, low - 33, 6, 7), "#4a3424", light="ball")


def _front(c: Canvas, cloth: Cloth, hem: float, *, flare: float = 106) -> None:
    c.body(mirrored("M0 42Q28 42 42 52L0 200"), shade(cloth.colour, -0.5), light="inside")
    for side in (-1, 1):
        cloth.cut(
            c, sided(f"M-6 {hem + 6}L-6 200L42 50Q62 58 84 70Q100 130 96 200Q94 260 {flare} {hem - 4}Q50 {hem + 8} -6 {hem + 6}Z", side),
            by=0.0 if side < 0 else -0.03, shadow=True,
        )  # fmt: skip
    folds(c, 150, hem, half=96)
    c.line(f"M206 200V{hem + 4}", "#000", 1.6, opacity=0.3)
    for side in (-1, 1):
        c.line(sided("M84 70Q100 130 96 200", side), "#000", 1.6, opacity=0.22)


def _lapels(c: Canvas, cloth: Cloth, *, low: float = 210, wide: float = 62, by: float = 0.04) -> None:
    for side in (-1, 1):
        cloth.cut(
            c,
            sided(f"M40 54L{wide} 116L{wide - 14} 124L{wide - 2} 134L2 {low}L-2 {low - 6}Z", side),
            by=by - 0.03 * (side > 0),
            shadow=True,
        )
        cloth.cut(
            c,
            sided(f"M0 40Q30 38 44 50L{wide + 2} 96L{wide - 16} 116L34 78Q20 58 0 58Z", side),
            by=by + 0.03,
            shadow=True,
        )


def _overcoat(c: Canvas, product: Product, *, wool: Cloth) -> None:
    _arms(c, wool, low=362)
    _front(c, wool, 452, flare=112)
    for side in (-1, 1):
        wool.cut(c, sided("M40 300L90 294L92 316L42 322Z", side), by=0.05, shadow=True)
    _lapels(c, wool, low=226, wide=66)
    buttons(c, [246, 300, 354], colour="#2b221a", r=7)
    c.focus = (190, 150)


def _trench(c: Canvas, product: Product, *, cotton: Cloth) -> None:
    _arms(c, cotton, low=356, strap=True)
    _front(c, cotton, 456, flare=124)
    cotton.cut(c, "M206 74Q260 66 286 78L292 150Q250 162 206 168Z", by=0.02, shadow=True)
    _lapels(c, cotton, low=206, wide=70)
    for x in (170, 236):
        buttons(c, [180, 224, 318], x=x, colour="#4a3424", r=6.4)
    cotton.cut(c, "M104 254q96 12 192 0l2 26q-98 12-196 0Z", by=-0.08, shadow=True)
    c.body("M182 250h38v36h-38Z", "#4a3424", light="metal")
    cotton.cut(c, "M190 257h22v22h-22Z", by=-0.08)
    cotton.cut(c, "M176 268q-30 30-34 84l18 4q2-50 28-80Z", by=-0.1, shadow=True)
    for side in (-1, 1):
        cotton.cut(c, sided("M46 314L62 308L78 358L62 364Z", side), by=0.05, shadow=True)
        cotton.cut(c, sided("M56 58L84 68L86 82L58 72Z", side), by=0.08)
    c.focus = (200, 190)


def _quilted(c: Canvas, product: Product, *, shell: Cloth) -> None:
    _arms(c, shell, low=344)
    _front(c, shell, 390, flare=100)
    for side in (-1, 1):
        c.body(
            sided("M44 300L92 292L94 356L46 364Z", side),
            shell.colour,
            light="flat",
            texture="quilt",
            ink="#000",
            shadow=True,
        )
        seam(c, sided("M46 304L91 297", side), light=True)
    cord = Cloth("#6d4a30", "cord")
    cord.cut(c, mirrored("M0 40Q32 38 46 52L56 82L30 108Q18 78 0 76"), by=0.0, shadow=True)
    c.body(mirrored("M0 46Q22 46 30 54Q18 70 0 72"), shade(cord.colour, -0.4), light="inside")
    for y in (128, 186, 244, 302, 360):
        c.body(oval(200, y, 6, 6), "#b9a06a", light="ball")
    c.focus = (180, 200)


def _waxed(c: Canvas, product: Product, *, wax: Cloth) -> None:
    _arms(c, wax, low=350)
    _front(c, wax, 412, flare=108)
    tartan = Cloth("#8a6a44", "tartan", "#2a1a0c")
    tartan.cut(c, "M160 54L200 196 240 54Q200 38 160 54Z")
    for side in (-1, 1):
        wax.cut(c, sided("M34 286L94 280L98 374L36 384Z", side), by=0.05, shadow=True)
        wax.cut(c, sided("M32 278L95 271L97 304Q66 314 34 308Z", side), by=0.08, shadow=True)
        c.body(oval(CENTRE + side * 66, 302, 4, 4), "#b9a06a", light="ball")
        c.line(sided("M28 168L56 214", side), "#000", 3, opacity=0.35)
        c.line(sided("M30 168L58 214", side), "#fff", 1, opacity=0.3)
    cord = Cloth("#5a3c26", "cord")
    for side in (-1, 1):
        cord.cut(c, sided("M0 38Q32 36 44 50L68 102L40 120L30 84Q18 60 0 58Z", side), by=0.04 * (side < 0), shadow=True)
    c.line("M206 196V410", "#c5a254", 4)
    c.line("M206 196V410", "#6d4f1f", 4, dash="1.6 3")
    for y in (226, 280, 334, 388):
        c.body(oval(192, y, 5, 5), "#b9a06a", light="ball")
    c.focus = (200, 180)


def _blazer(c: Canvas, product: Product, *, wool: Cloth) -> None:
    c.body("M162 54L200 232 238 54Q200 40 162 54Z", "#f3f1ea", light="flat")
    _arms(c, wool, low=358)
    for side in (-1, 1):
        wool.cut(
            c, sided("M0 226L42 50Q62 58 84 70Q100 130 94 200Q92 270 98 384Q70 400 28 402Q4 400 -6 340L-6 230Z", side),
            by=0.0 if side < 0 else -0.03, shadow=True,
        )  # fmt: skip
        wool.cut(c, sided("M36 290L86 284L87 302L37 308Z", side), by=0.06, shadow=True)
        c.line(sided("M84 70Q100 130 94 200", side), "#000", 1.6, opacity=0.22)
    folds(c, 160, 390, half=88)
    wool.cut(c, "M232 162l38-6 1 10-38 7Z", by=0.08)
    c.fill("M240 160l10-20 8 8 6-10 4 18Z", "#f3f1ea")
    _lapels(c, wool, low=236, wide=66)
    buttons(c, [254, 296], x=202, colour="#2b221a", r=6)
    c.focus = (200, 150)


DRAWINGS: dict[str, Drawing] = {
    "Trench coat": partial(_trench, cotton=Cloth("#c9ad7f", "twill")),
    "Quilted jacket": partial(_quilted, shell=Cloth("#3f4a3a", "quilt")),
    "Waxed jacket": partial(_waxed, wax=Cloth("#4f4f33", "leather")),
    "Wool overcoat": partial(_overcoat, wool=Cloth("#7a6552", "herringbone")),
    "Unlined blazer": partial(_blazer, wool=Cloth("#34425c", "wool", "#fff")),
}

"""Trousers, jeans, shorts, skirts and dresses, laid flat."""

from __future__ import annotations

from functools import partial

from rapport.world.catalogue import Product
from rapport.world.storefront.pictures.canvas import CENTRE, Canvas, mirrored, oval, rounded, shade, sided
from rapport.world.storefront.pictures.cloth import Cloth, Drawing, buttons, folds, seam, sleeves

__all__ = ["DRAWINGS"]


def _trousers(
    c: Canvas, product: Product, *, cloth: Cloth, ankle: tuple[float, float] = (36, 88), hem: float = 446, jeans: bool = False,
    drawstring: bool = False, crease: bool = False,
) -> None:  # fmt: skip
    """Two legs from a waistband; `ankle` are the inner and outer edges of a leg at the hem."""
    near, far = ankle
    for side in (-1, 1):
        leg = sided(
            f"M0 66L68 66Q{max(78, far - 6)} 170 {far} {hem}Q{(near + far) / 2} {hem + 8} {near} {hem}L4 190L0 190Z",
            side,
        )
        cloth.cut(c, leg, by=0.0 if side < 0 else -0.05, shadow=True)
        c.fill(sided(f"M6 190L{near} {hem}L{near + 12} {hem + 2}L16 186Z", side), "#000", opacity=0.1)
        if crease:
            c.line(sided(f"M44 110Q50 250 {(near + far) / 2} {hem}", side), "#000", 1.6, opacity=0.22)
        else:
            c.line(
                sided(f"M58 150Q54 200 {far - 20} 300M{near + 12} 300Q{near + 26} 310 {far - 10} 296", side),
                "#000",
                6,
                opacity=0.06,
            )
        seam(c, sided(f"M{near + 1} {hem - 10}Q{(near + far) / 2} {hem - 2} {far - 1} {hem - 10}", side), light=jeans)
        seam(c, sided("M40 88Q46 128 74 134" if jeans else "M56 88L74 146", side), light=jeans, dashed=jeans, width=1.2)
    seam(c, "M200 88Q204 150 200 188", light=jeans, dashed=False, width=1.6)
    if jeans:
        seam(c, "M207 88Q212 140 202 164", light=True)
    band = f"M{CENTRE - 69} 62h138l1.5 28q-70 7-141 0Z"
    cloth.cut(c, band, by=-0.05)
    seam(c, f"M{CENTRE - 68} 66h136M{CENTRE - 70} 86q70 7 140 0", light=jeans)
    for dx in (-52, -20, 20, 52):
        cloth.cut(c, rounded(CENTRE + dx - 3, 62, 6, 29, 1), by=0.07)
    if drawstring:
        c.line("M194 88q-10 40-16 52M206 88q8 44 16 56", "#f3eee0", 4)
    else:
        buttons(c, [76], colour="#b9a06a" if jeans else shade(cloth.colour, -0.35), r=6)
    if jeans:
        for x in (130, 146, 254, 270):
            c.body(oval(x, 100 + abs(x - 200) * 0.2, 2.4, 2.4), "#c08a4a", light="ball")
    c.focus = (170, 120)


def _skirt(c: Canvas, product: Product, *, cloth: Cloth) -> None:
    """A pleated skirt: every pleat with its own light and shade."""
    cloth.cut(c, mirrored("M62 96Q96 230 128 424Q64 440 0 440"), shadow=True)
    for step in range(-6, 6):
        top, low = CENTRE + step * 10.3, CENTRE + step * 21
        c.fill(f"M{top} 96L{low} 437L{low + 8} 437L{top + 4} 96Z", "#000", opacity=0.17)
        c.fill(f"M{top + 4} 96L{low + 9} 437L{low + 15} 437L{top + 8} 96Z", "#fff", opacity=0.15)
    cloth.cut(c, mirrored("M62 72L63 98Q30 103 0 103L0 72"), by=-0.08)
    seam(c, "M138 76h124M137 96q63 7 126 0")
    c.focus = (200, 130)


def _shirt_dress(c: Canvas, product: Product, *, linen: Cloth) -> None:
    """A shirt dress with rolled sleeves, a belt, buttons all the way down."""
    for side in (-1, 1):
        linen.cut(
            c,
            sided("M72 76C98 84 112 110 126 160L134 186Q116 206 94 208L82 168Q74 120 72 76Z", side),
            by=-0.05 * (side > 0),
            shadow=True,
        )
        linen.cut(c, sided("M134 186L138 202Q118 222 94 224L94 208Q116 206 134 186Z", side), by=-0.08)
    c.body(mirrored("M0 52Q20 52 34 58Q24 80 0 82"), shade(linen.colour, -0.42), light="inside")
    linen.cut(
        c,
        mirrored("M0 84Q22 78 32 58Q54 64 74 76Q82 130 70 196Q66 214 66 224Q96 330 112 450Q56 464 0 464"),
        shadow=True,
    )
    folds(c, 236, 456, half=90)
    for x, lean in ((150, -22), (176, -10), (232, 16), (256, 26)):
        c.line(f"M{x} 236q{lean * 0.4} 90 {lean} 216", "#000", 5, opacity=0.07)
    linen.cut(c, mirrored("M9 80L9 464L0 464L0 80"), by=0.06)
    seam(c, "M191 82V462M209 82V462")
    buttons(c, [104, 136, 168, 250, 290, 330, 370, 410], colour="#b98a56", r=4.4)
    linen.cut(c, mirrored("M68 200L67 226Q30 232 0 232L0 206Q30 206 68 200"), by=-0.12)
    linen.cut(c, "M206 218q26 20 22 70l-16 2q4-40-16-66Z", by=-0.1, shadow=True)
    for side in (-1, 1):
        linen.cut(c, sided("M32 56Q44 64 46 76L28 108L2 82Q22 76 32 56Z", side), by=0.05, shadow=True)
    c.focus = (200, 150)


def _wrap_dress(c: Canvas, product: Product, *, cloth: Cloth) -> None:
    """A wrap: one front over the other, tied at the side, three-quarter sleeves."""
    for side in (-1, 1):
        cloth.cut(
            c,
            sided("M70 76C98 84 110 120 116 168L134 280Q118 292 100 288L80 180Q72 120 70 76Z", side),
            by=-0.05 * (side > 0),
            shadow=True,
        )
    c.body(mirrored("M0 50Q20 50 34 58L0 186"), shade(cloth.colour, -0.45), light="inside")
    cloth.cut(c, mirrored("M20 140L34 56Q54 64 72 76Q82 130 68 200Q96 330 114 448Q56 466 0 466L0 190"), shadow=True)
    cloth.cut(c, "M234 56Q254 64 272 76 282 130 268 200L136 214Q134 208 132 200 186 150 226 66Z", by=0.02)
    cloth.cut(c, "M268 214Q296 330 314 448 262 462 214 465 172 330 138 218Z", by=0.05, shadow=True)
    c.line("M234 56Q196 150 132 204M138 218Q176 330 214 465", "#000", 1.6, opacity=0.25)
    c.line("M166 56Q172 84 190 128", "#000", 1.6, opacity=0.25)
    cloth.cut(c, "M132 198L268 198 267 220 134 220Z", by=-0.1)
    cloth.cut(c, "M140 214q-30 6-44-18 30-10 44 10Z", by=-0.04, shadow=True)
    cloth.cut(c, "M140 212q-12 40-34 76l-12-8q28-34 36-74Z", by=-0.08, shadow=True)
    cloth.cut(c, oval(140, 210, 10, 11), by=-0.14, light="ball")
    for x, lean in ((236, 18), (262, 30), (160, -16)):
        c.line(f"M{x} 236q{lean * 0.4} 90 {lean} 212", "#000", 6, opacity=0.07)
    c.focus = (180, 190)


def _dungarees(c: Canvas, product: Product) -> None:
    denim = Cloth("#5f7f9c", "denim", "#12233a")
    for side in (-1, 1):
        denim.cut(
            c, sided("M0 226L74 220Q88 330 84 452Q60 460 26 454L4 320Z", side), by=-0.05 * (side > 0), shadow=True
        )
        denim.cut(c, sided("M26 444L84 440L84 458Q60 466 26 460Z", side), by=0.14)
        denim.cut(c, sided("M44 60Q60 54 62 70L70 220L52 222L40 110Z", side), by=0.04, shadow=True)
        seam(c, sided("M44 246L74 288", side), light=True)
    denim.cut(c, mirrored("M46 116Q48 180 76 206L78 240Q40 246 0 246L0 118"), shadow=True)
    seam(c, mirrored("M44 122Q46 182 72 206L74 236", closed=False), light=True)
    denim.cut(c, rounded(164, 140, 72, 62, 5), by=0.06)
    seam(c, "M168 152h64M200 140v12", light=True)
    for side in (-1, 1):
        c.body(rounded(CENTRE + side * 44 - 9, 112, 18, 20, 4), "#c5a254", light="metal")
        c.body(oval(CENTRE + side * 44, 138, 5, 5), "#c5a254", light="ball")
    seam(c, "M200 246V326", light=True)
    buttons(c, [258, 282], x=126, colour="#c5a254")
    c.focus = (200, 170)


def _leggings(c: Canvas, product: Product) -> None:
    _trousers(c, product, cloth=Cloth("#3f6a6a", "rib", "#fff"), ankle=(26, 58), hem=440, drawstring=True)


def _kids_jacket(c: Canvas, product: Product) -> None:
    """A rain jacket with a hood."""
    coat = Cloth("#e8b53c", "", "#000")
    sleeves(c, coat, cuff="plain")
    coat.cut(c, mirrored("M0 36Q54 36 60 84Q62 108 40 122L0 126"), by=0.05, light="ball", shadow=True)
    c.body(mirrored("M0 52Q36 52 40 88Q38 112 0 118"), shade(coat.colour, -0.5), light="inside")
    coat.cut(c, mirrored("M0 126Q30 120 46 96Q66 98 88 106Q98 170 96 226Q96 330 104 412Q50 424 0 424"), shadow=True)
    folds(c, 140, 410)
    coat.cut(c, rounded(190, 122, 20, 302, 3), by=0.09)
    for y in (150, 206, 262, 318, 374):
        c.body(oval(200, y, 6, 6), "#f3efe4", light="ball")
    for side in (-1, 1):
        coat.cut(c, sided("M30 300L84 294L86 316L32 322Z", side), by=0.08, shadow=True)
        c.line(sided("M14 112L18 160", side), "#f3efe4", 3.4)
        seam(c, sided("M88 106Q98 170 96 226", side), dashed=False, width=1.4)
    c.focus = (200, 170)


DRAWINGS: dict[str, Drawing] = {
    "Linen trousers": partial(_trousers, cloth=Cloth("#d8cbb0", "linen", "#5a4a2c"), ankle=(22, 104), drawstring=True),
    "Wide wool trousers": partial(_trousers, cloth=Cloth("#5a5f66", "herringbone"), ankle=(14, 118), crease=True),
    "Straight jeans": partial(_trousers, cloth=Cloth("#6f8fae", "denim", "#12233a"), ankle=(34, 90), jeans=True),
    "Slim jeans": partial(_trousers, cloth=Cloth("#2c3440", "denim", "#fff"), ankle=(34, 72), jeans=True),
    "Chinos": partial(_trousers, cloth=Cloth("#b99a6a", "twill"), ankle=(32, 86)),
    "Corduroy trousers": partial(_trousers, cloth=Cloth("#7a4f32", "cord"), ankle=(30, 90)),
    "Selvedge jeans": partial(_trousers, cloth=Cloth("#27395a", "denim", "#fff"), ankle=(34, 88), jeans=True),
    "Linen shorts": partial(
        _trousers, cloth=Cloth("#9fb0a0", "linen", "#233a2a"), ankle=(10, 104), hem=300, drawstring=True
    ),
    "Cotton leggings": _leggings,
    "Pleated skirt": partial(_skirt, cloth=Cloth("#4c5a4a", "twill")),
    "Linen shirt dress": partial(_shirt_dress, linen=Cloth("#7f95a8", "linen", "#16293a")),
    "Wrap dress": partial(_wrap_dress, cloth=Cloth("#8a2f3c", "paisley", "#c9707a")),
    "Dungarees": _dungarees,
    "Rain jacket": _kids_jacket,
}

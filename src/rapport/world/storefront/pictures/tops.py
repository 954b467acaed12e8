"""Knitwear, shirts, blouses and T-shirts, laid flat."""

from __future__ import annotations

from functools import partial

from rapport.world.catalogue import Product
from rapport.world.storefront.pictures.canvas import CENTRE, Canvas, mirrored, oval, rounded, shade, sided
from rapport.world.storefront.pictures.cloth import Cloth, Drawing, buttons, collar, folds, inside_of, seam, sleeves

__all__ = ["DRAWINGS"]


def _jumper(c: Canvas, product: Product, *, wool: Cloth, yoke: str = "") -> None:
    """A crew neck with long sleeves, ribbed at neck, cuffs and hem."""
    sleeves(c, wool)
    inside_of(c, wool, deep=112)
    wool.cut(c, mirrored("M0 112Q28 110 42 86Q64 92 88 104Q98 170 94 226Q92 320 94 396L0 400"), shadow=True)
    if yoke:
        _yoke(c, yoke)
    folds(c, 130, 390)
    wool.rib(c, mirrored("M94 394L92 424Q50 432 0 432L0 400"))
    wool.rib(c, mirrored("M0 110Q26 108 40 86L50 89Q36 124 0 126"))
    for side in (-1, 1):
        c.line(sided("M88 104Q98 170 94 226", side), "#000", 1.6, opacity=0.22)
    c.focus = (176, 150)


def _yoke(c: Canvas, colour: str) -> None:
    for y, wide in ((146, 78), (164, 84), (182, 88)):
        for step in range(-7, 8):
            x = CENTRE + step * wide / 7.4
            bend = 8 - abs(step) * 1.1
            c.fill(f"M{x - 4} {y + bend}l4-6 4 6-4 6Z", colour, opacity=0.9)


def _cardigan(c: Canvas, product: Product, *, wool: Cloth, button: str, pockets: bool = False) -> None:
    """A cardigan with long sleeves, its band running round the neck and down both fronts."""
    sleeves(c, wool)
    inside_of(c, wool, deep=226, wide=40)
    for side in (-1, 1):
        front = "M2 246L40 86Q64 92 88 104Q98 170 94 226Q92 320 94 396L2 398Z"
        wool.cut(c, sided(front, side), by=0.0 if side < 0 else -0.03, shadow=side > 0)
        wool.rib(c, sided("M94 394L92 424Q50 430 2 430L2 398Z", side))
    folds(c, 150, 390)
    for side in (-1, 1):
        wool.rib(
            c,
            sided("M38 80L48 89Q36 150 11 244L11 430L-4 430L-4 244Q24 150 34 82Z", side),
            by=0.05 if side > 0 else -0.02,
        )
        c.line(sided("M11 244L11 430M48 89Q36 150 11 244", side), "#000", 1.2, opacity=0.25)
        c.line(sided("M88 104Q98 170 94 226", side), "#000", 1.6, opacity=0.22)
        if pockets:
            wool.cut(c, sided("M34 322L82 322L82 382L34 382Z", side), by=0.03)
            wool.rib(c, sided("M34 318L82 318L82 332L34 332Z", side))
    buttons(c, [258, 292, 326, 360, 394, 418], x=CENTRE + 4, colour=button, r=5)
    c.focus = (188, 250)


def _shirt(
    c: Canvas, product: Product, *, cotton: Cloth, button: str = "#f3efe4", pocket: bool = True, flaps: bool = False
) -> None:
    """A shirt with a collar, long sleeves with cuffs, and tails."""
    sleeves(c, cotton, cuff="plain")
    inside_of(c, cotton, deep=110)
    cotton.cut(
        c,
        mirrored("M0 110Q26 106 40 86Q64 92 88 104Q98 170 94 226Q90 320 94 398Q92 420 64 424Q30 434 0 434"),
        shadow=True,
    )
    folds(c, 130, 410)
    cotton.cut(c, mirrored("M10 106L10 433L0 434L0 108"), by=0.05)
    seam(c, "M190 108V432M210 108V432", dashed=True)
    for side in (-1, 1):
        seam(c, sided("M88 104Q98 170 94 226", side), dashed=False, width=1.3)
        seam(c, sided("M44 96Q66 112 92 118", side))
    if pocket:
        cotton.cut(c, sided("M30 188L78 186L78 236L54 248L30 238Z", 1), by=0.03)
        seam(c, sided("M32 196L76 194M32 190L76 188L76 234L54 245L32 236Z", 1))
    if flaps:
        cotton.cut(c, sided("M30 188L78 186L78 236L54 248L30 238Z", -1), by=0.03)
        cotton.cut(c, sided("M28 184L80 182L80 198L54 208L28 200Z", -1), by=0.06)
        cotton.cut(c, sided("M28 184L80 182L80 198L54 208L28 200Z", 1), by=0.06)
    buttons(c, [128, 172, 216, 260, 304, 348, 392], colour=button)
    collar(c, cotton)
    c.focus = (196, 150)


def _blouse(c: Canvas, product: Product, *, cloth: Cloth, bow: bool) -> None:
    """Full sleeves gathered into a cuff; a bow at the neck, or a small stand collar with pintucks."""
    sleeves(c, cloth, "puff", cuff="plain")
    inside_of(c, cloth, deep=122)
    cloth.cut(c, mirrored("M0 124Q24 116 38 86Q64 92 86 104Q96 170 90 226Q84 310 96 408Q50 424 0 424"), shadow=True)
    folds(c, 140, 410)
    if bow:
        for side in (-1, 1):
            c.line(sided("M36 86Q28 110 4 122", side), shade(cloth.colour, -0.1), 11)
            cloth.cut(c, sided("M0 126Q34 98 56 116Q60 138 0 132Z", side), by=0.06, shadow=True)
            cloth.cut(c, sided("M2 130Q10 180 22 214L6 220Q-2 170 -4 132Z", side), by=-0.03, shadow=True)
        cloth.cut(c, oval(CENTRE, 128, 11, 10), by=-0.04, light="ball")
        buttons(c, [250, 296, 342, 388], colour=shade(cloth.colour, 0.3), r=3)
    else:
        cloth.cut(c, mirrored("M0 116Q22 110 34 82L44 86Q32 128 0 134"), by=0.06)
        for dx in (16, 26, 36, 46):
            for side in (-1, 1):
                seam(c, sided(f"M{dx} 136L{dx} 236", side), dashed=False, width=1.2)
        buttons(c, [148, 184, 220, 262, 306, 350, 394], colour="#fbf8f0", r=3.4)
    for side in (-1, 1):
        seam(c, sided("M86 104Q96 170 90 226", side), dashed=False, width=1.2)
        c.line(sided("M122 338L124 322M130 340L131 322M140 339L140 320", side), "#000", 1.4, opacity=0.2)
    c.focus = (196, 160)


def _tee(
    c: Canvas,
    product: Product,
    *,
    cotton: Cloth,
    heavy: bool = False,
    kind: str = "short",
    neck: str = "crew",
    hem: float = 408,
) -> None:
    """A T-shirt; `neck` is crew or boat, `kind` the sleeves."""
    sleeves(c, cotton, kind, cuff="none" if kind == "long" else "plain")
    deep, wide = (100, 52) if neck == "boat" else (116, 40)
    inside_of(c, cotton, deep=deep, wide=wide)
    cotton.cut(
        c, mirrored(f"M0 {deep}Q{wide * 0.66} {deep - 2} {wide} {86 if neck == 'crew' else 89}Q68 94 88 104Q98 170 95 226Q92 320 95 {hem}Q50 {hem + 8} 0 {hem + 8}"),
        shadow=True,
    )  # fmt: skip
    folds(c, 130, hem)
    plain = Cloth(cotton.colour)
    if neck == "crew":
        plain.rib(c, mirrored(f"M0 {deep}Q26 {deep - 2} 38 86L{48 if heavy else 45} 88Q34 {deep + 12} 0 {deep + 13}"))
    else:
        seam(c, mirrored(f"M0 {deep + 6}Q{wide * 0.7} {deep + 4} {wide + 5} 93", closed=False))
    seam(c, f"M106 {hem - 6}q94 16 188 0M106 {hem - 2}q94 16 188 0")
    for side in (-1, 1):
        seam(c, sided("M88 104Q98 170 95 226", side), dashed=False, width=1.3)
    c.focus = (180, 150)


def _polo(c: Canvas, product: Product, *, cotton: Cloth) -> None:
    sleeves(c, cotton, "short", cuff="rib")
    inside_of(c, cotton, deep=112)
    cotton.cut(c, mirrored("M0 112Q26 108 40 86Q64 92 88 104Q98 170 95 226Q92 320 95 414Q50 422 0 422"), shadow=True)
    folds(c, 130, 410)
    cotton.cut(c, rounded(189, 110, 22, 92, 2), by=0.06)
    seam(c, "M191 112V198H209V112")
    buttons(c, [134, 160, 186], colour="#f7f3e8")
    collar(c, Cloth(shade(cotton.colour, -0.04), "rib", "#000"), spread=44, drop=136)
    seam(c, "M106 408q94 16 188 0M106 412q94 16 188 0")
    c.line("M238 176q8-6 14 0t-7 12-7-12", "#f7f3e8", 2)
    c.focus = (196, 150)


def _pyjamas(c: Canvas, product: Product) -> None:
    """Top and trousers of one striped cotton."""
    cotton = Cloth("#dfe8ee", "ticking", "#4a7599")
    for side in (-1, 1):
        leg = sided("M0 268L66 262Q74 350 66 462L16 464L2 320Z", side)
        cotton.cut(c, leg, by=-0.03, shadow=True)
        seam(c, sided("M18 452L66 450", side))
    c.body(rounded(CENTRE - 68, 256, 136, 20, 5), "#c9d8e2", light="flat", texture="rib", ink="#000", shadow=True)
    for side in (-1, 1):
        cotton.cut(c, sided("M66 66C92 74 102 100 110 140L122 210Q104 220 88 214L74 140Z", side), by=-0.05, shadow=True)
    cotton.cut(c, mirrored("M0 74Q20 70 30 52Q50 56 68 66Q78 120 74 240Q40 248 0 248"), shadow=True)
    c.body(mirrored("M0 74Q20 70 30 50L0 50"), "#8fa9bc", light="inside")
    for side in (-1, 1):
        cotton.cut(c, sided("M30 50Q40 58 44 70L26 96L2 74Q22 70 30 50Z", side), by=0.1, shadow=True)
    seam(c, "M200 76V246")
    buttons(c, [104, 142, 180, 218], colour="#fff")
    cotton.cut(c, rounded(220, 128, 40, 44, 3), by=0.06)
    c.focus = (210, 120)


_NAVY, _WHITE = "#27364f", "#f2efe6"

DRAWINGS: dict[str, Drawing] = {
    "Merino jumper": partial(_jumper, wool=Cloth("#7a8f86", "knit")),
    "Merino crew neck": partial(_jumper, wool=Cloth("#2f3d57", "knit", "#fff")),
    "Knitted jumper": partial(_jumper, wool=Cloth("#c9803a", "chunky"), yoke="#fbf3e0"),
    "Cashmere cardigan": partial(_cardigan, wool=Cloth("#cdb9a0", "knit"), button="#6d4a2c"),
    "Lambswool cardigan": partial(_cardigan, wool=Cloth("#4f5f4a", "chunky"), button="#5a3a20", pockets=True),
    "Oxford shirt": partial(_shirt, cotton=Cloth("#b9cde0", "canvas", "#3a5f86")),
    "Linen shirt": partial(_shirt, cotton=Cloth("#e6dfcf", "linen", "#6d5d3c")),
    "Flannel shirt": partial(_shirt, cotton=Cloth("#a8453a", "check", "#2a1a1c"), button="#2b2622", flaps=True),
    "Silk blouse": partial(_blouse, cloth=Cloth("#e8d9c4"), bow=True),
    "Cotton blouse": partial(_blouse, cloth=Cloth(_WHITE, "linen", "#8a8272"), bow=False),
    "Breton top": partial(_tee, cotton=Cloth(_WHITE, "stripes", _NAVY), kind="long", neck="boat"),
    "Cotton T-shirt": partial(_tee, cotton=Cloth("#f3f1ea", "twill", "#9a927f")),
    "Heavy cotton T-shirt": partial(_tee, cotton=Cloth("#55604f", "twill"), heavy=True),
    "Striped T-shirt": partial(_tee, cotton=Cloth("#f6f1e4", "stripes", "#c2503f"), hem=372),
    "Polo shirt": partial(_polo, cotton=Cloth("#2f5a54", "canvas")),
    "Pyjamas": _pyjamas,
}

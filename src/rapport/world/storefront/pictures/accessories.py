"""Scarves, belt, gloves, bags, socks, hats, tie, sunglasses."""

from __future__ import annotations

from functools import partial

from rapport.world.catalogue import Product
from rapport.world.storefront.pictures.canvas import CENTRE, Canvas, mirrored, oval, rounded, shade, sided
from rapport.world.storefront.pictures.cloth import Cloth, Drawing, seam

__all__ = ["DRAWINGS"]


def _silk_scarf(c: Canvas, product: Product) -> None:
    """A square with a hand-rolled edge, one corner turned over."""
    silk = Cloth("#c9563c", "paisley", "#f3d9a4")
    with c.moved("rotate(-7 200 250)"):
        silk.cut(c, "M64 112Q200 104 336 112 342 250 336 330L262 404Q160 408 64 402 58 250 64 112Z", shadow=True)
        c.line("M73 120Q200 113 327 120 332 250 327 326L258 394Q160 398 73 393 68 250 73 120Z", "#23344f", 13)
        c.line("M84 132Q200 126 315 132 319 250 315 320L252 382Q160 386 84 382 80 250 84 132Z", "#f6ecd6", 2)
        silk.cut(c, "M336 330Q290 322 268 336 254 360 262 404Z", by=-0.16, shadow=True)
        c.line("M334 332Q292 326 272 340 262 360 266 400", "#23344f", 6)
        for d in ("M104 140q50 120 20 240", "M190 132q30 110 10 250", "M270 136q26 90-10 220"):
            c.line(d, "#fff", 10, opacity=0.08)
            c.line(d, "#000", 5, opacity=0.06, turn="translate(11 2)")
    c.focus = (286, 330)


def _wool_scarf(c: Canvas, product: Product) -> None:
    wool = Cloth("#5f6f7a", "tartan", "#1d2a33")
    for x, low, by in ((212, 430, -0.08), (148, 402, 0.0)):
        wool.cut(c, f"M{x - 8} 150h72l6 {low - 150}h-84Z", by=by, shadow=True)
        for step in range(12):
            c.line(
                f"M{x - 11 + step * 7} {low}q{step % 3 - 1} 14 {step % 2 * 3 - 1} 28",
                shade(wool.colour, 0.15 * (step % 2)),
                3,
            )
    wool.cut(c, "M108 120q92-60 184 0 16 44-14 70-78 40-156 0-30-26-14-70Z", by=0.05, shadow=True)
    c.fill("M128 130q72-40 144 0-72 44-144 0Z", shade(wool.colour, -0.5))
    wool.cut(c, "M108 120q20 34 92 34t92-34q14 50-14 70-78 40-156 0-28-20-14-70Z", by=0.02)
    c.line("M122 162q78 46 156 0", "#000", 5, opacity=0.12)
    c.focus = (190, 190)


def _belt(c: Canvas, product: Product) -> None:
    """Coiled, its buckle in front."""
    hide = "#6d3f22"
    for r in (128, 104, 80):
        c.line(oval(CENTRE + 6, 262 + 10, r, r * 0.92), "#2b2118", 21, opacity=0.16)
        c.line(oval(CENTRE, 262, r, r * 0.92), shade(hide, -0.25), 21)
        c.line(oval(CENTRE, 260, r, r * 0.92), hide, 17)
        c.line(oval(CENTRE, 257, r - 5, (r - 5) * 0.92), "#d9a46a", 1, dash="5 4", opacity=0.8)
    c.body("M196 356l140 24q16 4 16 20t-18 18L196 398Z", hide, light="flat", texture="leather", shadow=True)
    seam(c, "M200 362L332 385q12 4 12 14t-14 14L200 394", light=True)
    c.body(
        "M178 342h62q8 0 8 8v58q0 8-8 8h-62q-8 0-8-8v-58q0-8 8-8Zm10 16v42h42v-42Z",
        "#c5a254",
        light="metal",
        shadow=True,
    )
    c.body(rounded(170, 374, 66, 8, 4), "#d9bb6a", light="metal")
    for x in (262, 284, 306):
        c.fill(oval(x, 388 + (x - 262) * 0.14, 3.4, 3.4), "#1d0f06")
    c.focus = (220, 380)


def _gloves(c: Canvas, product: Product) -> None:
    hide = "#4a2c20"
    for turn, by in (
        ("translate(78 -8) rotate(8 200 260) scale(.88)", -0.04),
        ("translate(-34 34) rotate(-8 200 260) scale(.88)", 0.03),
    ):
        colour = shade(hide, by)
        c.body(
            "M158 424L150 300q-26-20-40-56-8-22 4-26 14-4 24 18l22 34-8-128q0-18 11-18t13 18l8 96 2-118q0-18 12-18t13 18l2 118 10-104q2-16 13-15"
            "t11 18l-6 112 14-70q4-14 13-12t8 18l-16 110q-8 60-16 105 0 18-14 18h-66q-14 0-14-18Z",
            colour, light="flat", texture="leather", shadow=True, turn=turn,
        )  # fmt: skip
        c.line("M186 300l-4-60M208 300l0-66M232 302l4-60", "#000", 1.6, opacity=0.4, turn=turn)
        c.line("M160 400q42 8 84 0", "#d9a46a", 1.4, opacity=0.7, dash="4 3", turn=turn)
        c.body("M158 418h82v26q-42 8-82 0Z", shade(hide, -0.2), light="flat", texture="rib", ink="#fff", turn=turn)
    c.focus = (170, 280)


def _tote(c: Canvas, product: Product, *, cloth: Cloth, printed: str = "") -> None:
    c.stands(108)
    for side, colour in ((1, shade(cloth.colour, -0.25)), (0, shade(cloth.colour, -0.05))):
        c.line(f"M146 206q{-4 + side * 6}-136 54-136t54 136", colour, 11)
        c.line(f"M143 206q{-4 + side * 6}-138 57-138", "#fff", 1.6, opacity=0.25)
    c.body(mirrored("M112 190L0 190L0 206L110 206"), shade(cloth.colour, -0.5), light="inside")
    cloth.cut(c, mirrored("M112 194Q118 320 104 424Q102 436 88 436L0 436"), light="flat")
    c.lit(mirrored("M112 194Q118 320 104 424Q102 436 88 436L0 436"), "round", opacity=0.5)
    seam(c, "M90 204h220", light=not printed)
    for x in (146, 254):
        cloth.cut(c, rounded(x - 9, 190, 18, 46, 3), by=-0.1)
        seam(c, f"M{x - 6} 196h12v34h-12Z", light=not printed)
    c.fill("M112 300q14 60 8 132M284 260q10 90-2 172", "#000", opacity=0.07)
    if printed:
        c.text("Marlow", CENTRE, 308, size=38, colour=printed, style="italic")
        c.text("& VINE", CENTRE, 338, size=20, colour=printed, spacing=5)
        c.line("M152 352h96", printed, 1.6)
    else:
        c.text("PASSO", CENTRE, 276, size=11, colour="#e9cfa4", spacing=4)
    c.focus = (146, 230)


def _wallet(c: Canvas, product: Product) -> None:
    hide = "#2f4a44"
    for place, colour in enumerate(("#d9cdb4", "#8fa3ad", "#b5654a")):
        c.body(
            rounded(110 + place * 7, 132 + place * 26, 166, 110, 8),
            colour,
            light="flat",
            shadow=True,
            turn="rotate(-6 200 250)",
        )
    c.body(
        rounded(104, 208, 194, 138, 10), hide, light="flat", texture="leather", shadow=True, turn="rotate(-6 200 250)"
    )
    c.body("M104 226q97 34 194 0v24q-97 34-194 0Z", shade(hide, -0.12), light="flat", turn="rotate(-6 200 250)")
    c.line(rounded(112, 216, 178, 122, 7), "#d9c9a0", 1.1, opacity=0.7, dash="4 3", turn="rotate(-6 200 250)")
    c.text("PASSO", CENTRE, 318, size=11, colour="#d9c9a0", spacing=3, turn="rotate(-6 200 250)")
    c.focus = (180, 260)


def _sock(c: Canvas, cloth: Cloth, turn: str, *, band: str = "", toe: str = "") -> None:
    """One sock: ribbed cuff, leg, turned heel, foot, toe."""
    leg = "M150 84H228L226 268Q230 300 262 320L318 350Q344 366 336 396 326 420 292 414L206 384Q152 366 152 300Z"
    with c.moved(turn):
        c.body(leg, cloth.colour, light="flat", texture=cloth.texture, ink=cloth.ink, shadow=True)
        c.lit(leg, "ball", opacity=0.6)
        c.body(
            "M152 282Q176 292 196 330 200 366 188 376 154 352 152 300Z",
            toe or shade(cloth.colour, -0.18),
            light="ball",
            texture=cloth.texture,
        )
        c.body(
            "M300 340L318 350Q344 366 336 396 326 420 292 414L284 411Q316 384 300 340Z",
            toe or shade(cloth.colour, -0.18),
            light="ball",
            texture=cloth.texture,
        )
        c.body("M148 76H230L228 146H150Z", shade(cloth.colour, 0.04), light="flat", texture="rib", ink="#000")
        if band:
            c.fill("M149 92h80v7h-80Z", band)
            c.fill("M149 106h80v7h-80Z", band)
        c.line("M206 170q-4 60 4 100M230 306q30 26 60 40", "#000", 6, opacity=0.07)


def _merino_socks(c: Canvas, product: Product) -> None:
    wool = Cloth("#8f4a3a", "rib", "#000")
    _sock(c, wool, "translate(56 -28) scale(.92) rotate(4 200 250)", toe="#e0cfae")
    _sock(c, wool, "translate(-42 32) scale(.94)", toe="#e0cfae")
    c.focus = (160, 330)


def _cotton_socks(c: Canvas, product: Product) -> None:
    for place, (colour, band) in enumerate((("#2f3d57", "#f3efe4"), ("#e9e4d6", "#b5453a"), ("#5f7a6a", "#f3efe4"))):
        _sock(
            c,
            Cloth(colour, "canvas", "#000" if place == 1 else "#fff"),
            f"translate({88 - place * 58} {-36 + place * 36}) scale(.8)",
            band=band,
        )
    c.focus = (170, 290)


def _straw_hat(c: Canvas, product: Product) -> None:
    straw = "#dcb878"
    c.body(oval(CENTRE, 262, 166, 116), straw, light="flat", texture="straw", ink="#7b5210", shadow=True)
    for r in (0.92, 0.8, 0.7):
        c.line(oval(CENTRE, 262, 166 * r, 116 * r), "#7b5210", 1, opacity=0.3)
    c.body(oval(CENTRE, 236, 92, 70), shade(straw, -0.2), light="inside")
    c.body("M110 236q-6-90 90-90t90 90q0 44-90 44t-90-44Z", straw, light="ball", texture="straw", ink="#7b5210")
    c.body("M109 222q10 40 91 40t91-40l1 22q-4 40-92 40t-92-40Z", "#23344f", light="round", texture="rib", ink="#fff")
    c.fill("M160 166q40 18 80 0-10 22-40 22t-40-22Z", "#000", opacity=0.12)
    c.focus = (170, 220)


def _sun_hat(c: Canvas, product: Product) -> None:
    cotton = Cloth("#f3d9c4", "dots", "#c2503f")
    cotton.cut(c, "M56 300q10-46 144-46t144 46q16 46-28 62-112 40-232 0-44-16-28-62Z", shadow=True)
    for y in (20, 36, 50):
        seam(c, f"M{58 + y} {318 + y * 0.5}q{142 - y} {26} {284 - 2 * y} 0")
    c.body("M112 292q88 34 176 0l-4 20q-84 30-168 0Z", "#c2503f", light="round")
    cotton.cut(c, "M112 296q-4-134 88-138t88 138q-88 34-176 0Z", light="ball")
    for d in ("M200 158V308", "M158 172q-16 60-12 134", "M242 172q16 60 12 134"):
        seam(c, d, dashed=False, width=1.3)
    c.body(oval(CENTRE, 158, 8, 6), "#c2503f", light="ball")
    c.line("M120 366q-20 50 30 70 60 14 90-10 46-30 36-62", "#c2503f", 3)
    c.focus = (190, 250)


def _bobble(c: Canvas, product: Product) -> None:
    wool = Cloth("#3f6a8a", "chunky", "#fff")
    for step in range(46):
        angle = step * 7.83
        c.line("M200 112L200 62", shade("#f3ead6", -0.12 * (step % 3)), 5, turn=f"rotate({angle:g} 200 112)")
    c.lit(oval(CENTRE, 112, 56, 54), "ball", opacity=0.8)
    wool.cut(c, mirrored("M0 148Q112 150 118 306L0 318"), light="ball", shadow=True)
    for y, colour in ((212, "#f3ead6"), (232, "#c9503f")):
        wide = (y - 120) * 0.92
        for step in range(-6, 7):
            x = CENTRE + step * wide / 6.6
            c.fill(f"M{x - 6} {y}l6-9 6 9-6 9Z", colour, opacity=0.95)
    Cloth(wool.colour).rib(c, mirrored("M120 300Q126 340 122 368Q60 384 0 384L0 316Q60 316 120 300"), by=0.06)
    c.line("M80 334q120 22 240 0", "#000", 2, opacity=0.12)
    c.focus = (190, 260)


def _tie(c: Canvas, product: Product) -> None:
    silk = Cloth("#27364f", "dots", "#c9a45c")
    silk.cut(c, "M206 62q46 4 60 30 10 120-34 200l-24-10q34-90 18-180Z", by=-0.2, shadow=True)
    silk.cut(c, "M170 66h58l8 22-22 40h-34l-18-38Z", by=0.06, light="ball", shadow=True)
    silk.cut(c, "M178 128h38l40 250-58 66-62-64Z", shadow=True)
    c.fill("M200 128h16l40 250-58 66Z", "#000", opacity=0.12)
    c.line("M190 132l-40 244", "#fff", 5, opacity=0.12)
    c.line("M176 128h42", "#000", 3, opacity=0.3)
    c.focus = (196, 130)


def _sunglasses(c: Canvas, product: Product) -> None:
    shell = "#4a2a18"
    for side in (-1, 1):
        c.line(sided("M150 222Q166 300 128 348", side), "#2b1a10", 9, opacity=0.9)
    for side in (-1, 1):
        rim = sided("M14 226Q20 200 80 200Q146 200 150 226Q156 306 86 312Q24 310 14 226Z", side)
        c.body(rim, "#2c3a3a", light="flat", shadow=True, opacity=0.92)
        c.lit(rim, "ball")
        c.fill(sided("M40 222Q60 210 92 214L58 290Q34 266 40 222Z", side), "#fff", opacity=0.16)
        c.line(rim, shell, 11)
        c.line(sided("M22 214Q40 202 80 202Q140 203 147 224", side), "#b07a4a", 2, opacity=0.8)
        c.body(oval(CENTRE + side * 143, 214, 4, 3), "#c5a254", light="ball")
    c.line("M186 224q14-16 28 0", shell, 9)
    c.focus = (120, 240)


_TOTE = Cloth("#8a4f2c", "leather")

DRAWINGS: dict[str, Drawing] = {
    "Silk scarf": _silk_scarf,
    "Wool scarf": _wool_scarf,
    "Leather belt": _belt,
    "Leather gloves": _gloves,
    "Leather tote": partial(_tote, cloth=_TOTE),
    "Canvas shopper": partial(_tote, cloth=Cloth("#ece3cf", "canvas", "#6d5d3c"), printed="#7b1e3a"),
    "Card holder": _wallet,
    "Merino socks, pair": _merino_socks,
    "Cotton socks, 3 pairs": _cotton_socks,
    "Straw hat": _straw_hat,
    "Sun hat": _sun_hat,
    "Wool bobble hat": _bobble,
    "Silk tie": _tie,
    "Sunglasses": _sunglasses,
}

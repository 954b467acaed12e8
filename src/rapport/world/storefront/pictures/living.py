"""Living: candles, throws and linen, vases, soap, baskets, what goes into the garden."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rapport.world.catalogue import Product
from rapport.world.storefront.pictures.canvas import CENTRE, Canvas, mirrored, oval, rounded, shade
from rapport.world.storefront.pictures.labels import house, label
from rapport.world.storefront.pictures.table import folded

__all__ = ["DRAWINGS"]

Drawing = Callable[[Canvas, Product], None]
_WAX, _CLAY = "#e5b54a", "#b5653f"


def _flame(c: Canvas, x: float, y: float) -> None:
    c.fill(oval(x, y - 22, 34, 40), "#ffe9b0", opacity=0.35)
    c.line(f"M{x} {y}v-10", "#3a2a1a", 2.4)
    c.fill(f"M{x} {y - 44}q15 22 5 36-5 5-10 0-10-14 5-36Z", "#f3a83a")
    c.fill(f"M{x} {y - 30}q8 12 3 21-3 3-6 0-5-9 3-21Z", "#fff1c4")


def _beeswax(c: Canvas, product: Product) -> None:
    for x, top in ((158, 130), (240, 168)):
        c.stands(34, x=x)
        c.body(mirrored("M40 424Q40 436 26 436L0 436", x=x), "#b98a3c", light="metal")
        c.body(mirrored(f"M19 {top}L22 412L0 412", x=x), _WAX, light="round", texture="twill", ink="#7b5210")
        c.body(mirrored("M27 400L40 424L40 428L0 430", x=x), "#c5a254", light="metal")
        c.fill(oval(x, top, 18, 5), "#f3d384")
        _flame(c, x, top)
    c.near(360, 200)
    c.focus = (180, 200)


def _scented(c: Canvas, product: Product, *, glass: str, note: str) -> None:
    c.stands(76)
    c.near(220, 190)
    c.body(mirrored("M76 272L74 420Q74 436 58 436L0 436"), glass, light="round")
    c.body(oval(CENTRE, 272, 76, 14), shade(glass, 0.3), light="flat")
    c.fill(oval(CENTRE, 275, 69, 11), "#f3ead6")
    c.fill(oval(CENTRE, 275, 30, 5), "#fff3d0")
    _flame(c, CENTRE, 272)
    label(c, 318, 80, 52, note, product.brand, bend=3)
    c.focus = (CENTRE, 330)


def _throw(c: Canvas, product: Product) -> None:
    """Folded over the arm of nothing: a long fall of wool with its fringe."""
    wool = "#8a7f9a"
    c.body(
        "M104 92q96-30 192 0l12 292q-50 12-108 4t-108-4Z",
        wool,
        light="flat",
        texture="tartan",
        ink="#2f2a44",
        shadow=True,
    )
    c.fill("M140 86q-10 160-18 300h26q4-180 14-306ZM248 84q12 150 12 304h22q-2-180-16-300Z", "#000", opacity=0.12)
    c.fill("M178 80q-4 160-4 306h14q-2-170 6-306Z", "#fff", opacity=0.14)
    for step in range(26):
        x = 95 + step * 8.3
        c.line(f"M{x} 384q{(step % 3) - 1} 20 {(step % 2) * 3 - 1} 36", shade(wool, 0.18 * (step % 2)), 3.4)
    c.focus = (200, 360)


def _cushion(c: Canvas, product: Product) -> None:
    linen = "#b8763f"
    c.stands(116, y=412)
    c.body("M76 176q16 8 60 2 64-8 128 0 44 6 60-2-12 40-6 112t6 118q-18-10-64-4-60 8-124 0-44-4-60 4 0-46 6-118t-6-112Z",
           linen, light="ball", texture="linen", ink="#3b1e08")  # fmt: skip
    c.line("M92 188q108 14 216 0M92 396q108-14 216 0", shade(linen, -0.3), 1.6, opacity=0.6, dash="5 4")
    c.line(
        "M200 300q-40 20-70 60M200 300q50 14 80 56M200 300q-30-30-70-60M200 300q40-40 74-64", "#000", 5, opacity=0.07
    )
    c.focus = (150, 240)


def _vase(c: Canvas, product: Product) -> None:
    c.stands(66)
    for x, y, lean in ((150, 92, -20), (206, 60, 4), (252, 104, 22)):
        c.line(f"M200 240q{lean * 0.3}-70 {x - 200} {y - 240}", "#6d7a4a", 3)
        for step in range(4):
            px, py = 200 + (x - 200) * (1 - step * 0.2), 240 + (y - 240) * (1 - step * 0.2)
            c.fill(oval(px - 13, py, 14, 6), "#8a9a62", turn=f"rotate({30 + lean} {px} {py})")
            c.fill(oval(px + 13, py, 14, 6), "#7a8a55", turn=f"rotate({-30 + lean} {px} {py})")
    c.body(
        mirrored("M26 216Q18 240 30 262Q84 300 80 366Q76 432 40 436L0 436"),
        "#d3c7b2",
        light="ball",
        texture="speckle",
        ink="#3a2c20",
    )
    c.body(oval(CENTRE, 216, 26, 6), "#6d5d48", light="inside")
    c.line("M122 374q78 20 156 0", "#8a6b4a", 3, opacity=0.5)
    c.focus = (180, 320)


def _bed(c: Canvas, product: Product) -> None:
    """A bed from its foot: pillows, the cover turned down."""
    linen = "#a9b3b0"
    c.stands(150, y=452)
    c.body("M70 110h260v120H70Z", "#8a6440", light="flat", texture="wood", ink="#2a1608")
    for x in (130, 270):
        c.body(
            f"M{x - 60} 176q4-28 60-26t60 26q6 30-4 58-56 10-112 0-10-28-4-58Z",
            "#eceae3",
            light="ball",
            texture="linen",
            ink="#6d675a",
        )
    c.body(
        "M62 236q138-22 276 0l22 190q-20 22-40 22H80q-20 0-40-22Z", linen, light="flat", texture="linen", ink="#1d2624"
    )
    c.body("M60 232q140-22 280 0l6 46q-146-18-292 0Z", shade(linen, 0.32), light="flat", texture="linen", ink="#1d2624")
    c.line("M55 277q146-18 290 0", "#000", 1.6, opacity=0.18)
    for x, lean in ((104, -14), (160, -6), (232, 8), (300, 18)):
        c.fill(f"M{x} 280q{lean} 70 {lean * 1.6} 168h16q-2-100-8-168Z", "#000", opacity=0.09)
        c.fill(f"M{x + 12} 280q{lean} 70 {lean * 1.6 + 6} 168h9q-2-100-8-168Z", "#fff", opacity=0.2)
    c.focus = (160, 250)


def _pillows(c: Canvas, product: Product) -> None:
    c.stands(136, y=412)
    for y, tone in ((300, "#dcd5c4"), (214, "#e9e5da")):
        c.body(
            f"M62 {y}q10-34 138-34t138 34q10 50-6 104-12 12-132 12T68 {y + 104}q-16-54-6-104Z",
            tone,
            light="ball",
            texture="linen",
            ink="#6d675a",
        )
        c.line(f"M80 {y - 8}q120-24 240 0M78 {y + 96}q122 16 244 0", "#8d8470", 1.4, opacity=0.6, dash="5 4")
        c.line(f"M84 {y + 20}q40 20 60 10M300 {y + 20}q-30 26-60 16", "#000", 5, opacity=0.06)
    c.focus = (130, 250)


def _soap(c: Canvas, product: Product) -> None:
    c.stands(112)
    c.near(180, 260)
    c.body("M96 378h208l14 40q2 14-14 18H96q-16-4-14-18Z", "#a8743f", light="flat", texture="wood", ink="#3b1f0a")
    soap = "#b9b56a"
    c.body(
        "M112 316q0-22 22-24h132q22 2 22 24v46q0 20-22 20H134q-22 0-22-20Z",
        soap,
        light="flat",
        texture="kraft",
        ink="#5a5a20",
    )
    c.body("M112 316q0-22 22-24h132q22 2 22 24-88 12-176 0Z", shade(soap, 0.25), light="ball")
    c.text("FRANTOIO GALLO", CENTRE, 346, size=14, fit=150, colour=shade(soap, -0.45), spacing=1.5)
    c.text("olive oil soap", CENTRE, 366, size=12, colour=shade(soap, -0.45), style="italic")
    for x, y, r in ((304, 300, 9), (322, 316, 5), (96, 300, 6), (318, 286, 4)):
        c.body(oval(x, y, r, r), "#eef4f3", light="glass", opacity=0.4)


def _hand_wash(c: Canvas, product: Product) -> None:
    h = house(product.brand)
    c.stands(58)
    c.line("M200 138v-28h58q12 0 12 14", "#2b2927", 9)
    c.body(rounded(186, 132, 28, 46, 5), "#2b2927", light="metal")
    c.body(rounded(172, 170, 56, 26, 6), "#2b2927", light="metal")
    c.body(mirrored("M26 194Q58 200 58 234L58 420Q58 436 44 436L0 436"), "#6d3f1c", light="round")
    c.body(mirrored("M26 194Q58 200 58 234L58 420Q58 436 44 436L0 436"), "#c07a34", light="glass", opacity=0.35)
    label(c, 262, 120, 57.6, "Bergamot hand wash", product.brand, below="300 ml")
    c.focus = (CENTRE, 320)
    c.line("M148 250v150", h.paper, 3, opacity=0.4)


def _market(c: Canvas, product: Product) -> None:
    straw = "#c9995a"
    c.stands(128)
    for dx in (-1, 1):
        c.line(f"M{CENTRE + dx * 70} 250q{dx * -4}-120 {-70 * dx}-120", "#6d4526", 9)
    c.body(oval(CENTRE, 240, 134, 26), shade(straw, -0.45), light="inside")
    c.body(
        mirrored("M134 240Q128 400 98 432Q90 438 0 438L0 266Q90 264 134 240"),
        straw,
        light="ball",
        texture="wicker",
        ink="#5a3408",
    )
    c.line("M66 240q134 50 268 0", shade(straw, 0.15), 9)
    c.line("M66 240q134 50 268 0", "#5a3408", 1.6, dash="4 6")
    for x in (130, 270):
        c.body(rounded(x - 9, 246, 18, 40, 3), "#6d4526", light="flat", texture="leather", ink="#000")
    c.focus = (150, 320)


def _picnic(c: Canvas, product: Product) -> None:
    """Rolled up, with its leather strap."""
    c.stands(140)
    c.near(200, 320)
    c.body("M92 268h216q40 6 40 84t-40 84H92Z", "#a83a34", light="inside", texture="tartan", ink="#2a0f10")
    c.lit("M92 268h216q40 6 40 84t-40 84H92Z", "flat")
    c.body(oval(92, 352, 40, 84), "#7d2a26", light="flat", texture="tartan", ink="#2a0f10")
    c.line("M92 300q26 4 26 52t-26 52-26-52 20-34 22 34-16 30-14-30 12-14", "#e9dcc4", 4, opacity=0.7)
    for x in (164, 268):
        c.body(f"M{x} 266h22q24 84 0 172h-22q24-88 0-172Z", "#7b5226", light="round", texture="leather", ink="#000")
        c.body(rounded(x + 4, 330, 26, 34, 4), "#c5a254", light="metal")
    c.line("M176 266q48-70 104 0", "#7b5226", 11)
    c.focus = (250, 350)


def _pots(c: Canvas, product: Product) -> None:
    leaves = ("#5f8a3a", "#7a9a5a", "#4f7a45")
    for place, (x, high, y) in enumerate(((112, 96, 418), (288, 96, 418), (200, 122, 440))):
        c.stands(46, x=x, y=y)
        top = y - high
        for step in range(9):
            lean = step * 9 - 36
            c.line(f"M{x} {top + 6}q{lean * 0.4}-40 {lean}-{62 + (step * 13) % 34}", shade(leaves[place], -0.2), 2.4)
            for up in (30, 52):
                px, py = x + lean * up / 70, top - up - (step * 7) % 14
                c.body(
                    oval(px, py, 10, 7),
                    shade(leaves[place], 0.1 * (step % 3)),
                    light="ball",
                    turn=f"rotate({lean} {px} {py})",
                )
        c.body(
            mirrored(f"M44 {top + 20}L32 {y - 8}Q31 {y} 22 {y}L0 {y}", x=x),
            _CLAY,
            light="round",
            texture="speckle",
            ink="#f4d9c4",
        )
        c.body(rounded(x - 49, top, 98, 26, 4), shade(_CLAY, 0.06), light="round")
        c.fill(f"M{x - 44} {top + 26}h88v6h-88Z", "#000", opacity=0.2)
    c.focus = (190, 320)


def _secateurs(c: Canvas, product: Product) -> None:
    turn = "rotate(-32 200 250)"
    for side in (-1, 1):
        flip = f"{turn} translate({0 if side > 0 else 400} 0) scale({side} 1)"
        c.body(
            "M198 234q22 10 26 44l12 120q2 24-14 24t-18-22l-14-130q-6-24 8-36Z",
            "#a8322d" if side > 0 else "#8f2a26",
            light="round",
            shadow=True,
            turn=flip,
        )
    c.body("M184 240q-22-70 20-140 34 60 14 140Z", "#c3c7c8", light="metal", shadow=True, turn=turn)
    c.body("M206 238q34-30 22-104 30 50 2 112Z", "#8f9496", light="metal", turn=turn)
    c.body(oval(202, 240, 15, 15), "#b9bdbf", light="metal", turn=turn)
    c.body(oval(202, 240, 6, 6), "#5d6367", light="ball", turn=turn)
    c.line("M190 296q12 10 24 0m-24 10q12 10 24 0m-24 10q12 10 24 0", "#8f9496", 3, turn=turn)
    c.focus = (206, 220)


def _lights(c: Canvas, product: Product) -> None:
    d = "M60 120q70 90 140 20t140 40q20 80-70 80T120 300q-60 40 20 90t190-30"
    c.line(d, "#2c3a2c", 3)
    spots = ((84, 148), (122, 172), (164, 164), (204, 138), (250, 128), (296, 146), (332, 186), (312, 244), (262, 262), (208, 256),
             (154, 276), (114, 312), (128, 360), (172, 398), (226, 414), (282, 396), (322, 364))  # fmt: skip
    for x, y in spots:
        c.fill(oval(x, y + 8, 22, 22), "#ffdf9a", opacity=0.32)
        c.body(rounded(x - 3, y - 3, 6, 8, 2), "#2c3a2c", light="")
        c.body(f"M{x} {y + 22}q-9-8-5-17h10q4 9-5 17Z", "#ffd270", light="ball")
    c.focus = (250, 150)


DRAWINGS: dict[str, Drawing] = {
    "Beeswax candles, pair": _beeswax,
    "Scented candle fig": partial(_scented, glass="#4f6a4a", note="Fig"),
    "Scented candle cedar": partial(_scented, glass="#6d4a34", note="Cedar"),
    "Wool throw": _throw,
    "Linen cushion": _cushion,
    "Stoneware vase": _vase,
    "Bath towel": partial(folded, colour="#7f97a3", texture="terry", ink="#1a2a33", layers=4, high=46, edge="#e9eef0"),
    "Hand towel": partial(
        folded, colour="#d9cbb4", texture="terry", ink="#4a3a20", layers=3, high=36, wide=190, edge="#9a7f55"
    ),
    "Linen duvet cover": _bed,
    "Linen pillowcases, pair": _pillows,
    "Olive oil soap": _soap,
    "Hand wash bergamot": _hand_wash,
    "Market basket": _market,
    "Picnic blanket": _picnic,
    "Terracotta herb pots, set of 3": _pots,
    "Secateurs": _secateurs,
    "Fairy lights": _lights,
}

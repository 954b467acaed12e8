"""Bar and wine: corkscrews, glasses, decanter, coolers, what stands around a bottle."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rapport.world.catalogue import Product
from rapport.world.storefront.pictures.canvas import CENTRE, Canvas, mirrored, oval, rounded, shade

__all__ = ["DRAWINGS", "glass"]

Drawing = Callable[[Canvas, Product], None]
_STEEL, _BRASS, _OLIVE = "#b9bdbf", "#c5a254", "#b3874f"


def _worm(c: Canvas, x: float, y: float, turns: int = 5, *, size: float = 9) -> None:
    """The screw itself."""
    d = f"M{x} {y}"
    for step in range(turns):
        side = size if step % 2 else -size
        d += f"q{side} {size * 0.7} 0 {size * 1.4}q{-side} {size * 0.7} 0 {size * 1.4}"
    c.line(d, "#5d6367", 5)
    c.line(d, "#d9dee0", 2)


def _waiter(c: Canvas, product: Product) -> None:
    """A waiter's friend, opened: handle, lever, screw, blade."""
    c.body(
        "M92 150q4-26 34-24l168 26q26 6 22 30-4 18-26 18L116 190q-28-6-24-40Z",
        "#5a2a22",
        light="flat",
        texture="wood",
        ink="#1a0805",
        shadow=True,
    )
    c.body("M92 150q4-26 34-24l12 2-8 64-14-2q-28-6-24-40Z", _STEEL, light="metal")
    c.body("M282 150l12 2q26 6 22 30-4 18-26 18h-14Z", _STEEL, light="metal")
    c.body("M292 172q34 10 28 48l-14 96q-4 18-18 14l-4-16 10-84q2-24-14-34Z", _STEEL, light="metal", shadow=True)
    c.body("M276 306l24-6 10 34-26 10q-14-12-8-38Z", shade(_STEEL, -0.2), light="metal")
    for x, y in ((120, 160), (206, 172), (294, 178)):
        c.body(oval(x, y, 6, 6), _BRASS, light="ball")
    c.line("M204 190v24", "#6d7376", 6)
    _worm(c, 204, 212, 6, size=13)
    c.line("M204 432v10", "#9aa0a3", 4)
    c.body("M110 190q-34 8-44 40 30 4 62-34Z", "#cfd4d6", light="metal", shadow=True)
    c.focus = (204, 250)


def _lever(c: Canvas, product: Product) -> None:
    c.stands(74)
    c.body(mirrored("M30 210L34 300Q36 318 26 322L0 322"), "#2d2f31", light="round")
    c.body(mirrored("M20 322L22 424Q20 436 10 436L0 436"), _STEEL, light="metal")
    for side in (-1, 1):
        turn = f"scale({side} 1) translate({0 if side > 0 else -400} 0)"
        c.body("M222 236q52 4 62 62l8 74q0 20-16 20-14 0-16-18l-8-66q-6-32-32-36Z", "#2d2f31", light="flat", turn=turn)
        c.body(oval(226, 248, 10, 10), _BRASS, light="ball", turn=turn)
    c.body("M196 76h8v140h-8Z", _STEEL, light="metal")
    for y in range(118, 206, 9):
        c.line(f"M194 {y}h12", "#5d6367", 2)
    c.body("M128 66q0-16 16-16h112q16 0 16 16t-16 16H144q-16 0-16-16Z", "#2d2f31", light="ball")
    _worm(c, CENTRE, 330, 3, size=9)
    c.focus = (CENTRE, 226)


def _wooden(c: Canvas, product: Product) -> None:
    c.body("M84 168q-10-40 26-46 40-4 90 6 50-10 90-6 36 6 26 46-8 30-50 22-30-8-66-8t-66 8q-42 8-50-22Z", _OLIVE, light="ball",
           texture="wood", ink="#4a2a0e", shadow=True)  # fmt: skip
    c.body(rounded(186, 176, 28, 20, 4), _BRASS, light="metal")
    c.line("M200 196v44", "#6d7376", 8)
    c.line("M198 196v44", "#d9dee0", 3)
    _worm(c, CENTRE, 238, 6, size=14)
    c.line("M200 472v6", "#9aa0a3", 4)
    c.focus = (170, 170)


_BOWLS = {
    "red": ("M46 150C62 236 60 292 0 300", "M57 212C60 262 42 294 0 298", "#6d1730", 300),
    "white": ("M36 150C50 226 50 286 0 296", "M43 220C46 262 32 290 0 294", "#e8d98a", 296),
    "flute": ("M20 120C32 196 30 296 0 312", "M26 190C28 250 20 300 0 310", "#efd58a", 312),
}


def glass(c: Canvas, x: float, kind: str, *, filled: bool = True, y: float = 0) -> None:
    """A stemmed glass, with something in it or not."""
    bowl, wine, colour, foot = _BOWLS[kind]
    turn = f"translate(0 {y})" if y else ""
    c.stands(40, x=x, y=434 + y)
    c.body(oval(x, 432, 42, 7), "#e3ebea", light="glass", opacity=0.5, turn=turn)
    c.body(
        mirrored(f"M5 {foot}C3 {foot + 30} 3 400 5 416Q10 428 40 431L0 434", x=x),
        "#e3ebea",
        light="glass",
        opacity=0.45,
        turn=turn,
    )
    if filled:
        top = float(wine.split()[1][:3].split("C")[0])
        half = float(wine[1:3])
        c.body(mirrored(wine, x=x), colour, light="round", opacity=0.92, turn=turn)
        c.fill(oval(x, top, half, 6), shade(colour, 0.25), opacity=0.9, turn=turn)
        if kind == "flute":
            for step in range(9):
                c.fill(oval(x - 8 + (step * 7) % 17, 210 + step * 10, 1.3, 1.3), "#fff", opacity=0.8, turn=turn)
    rim = float(bowl[1:3])
    c.body(mirrored(bowl, x=x), "#eef4f3", light="glass", opacity=0.16, turn=turn)
    c.line(oval(x, 150 if kind != "flute" else 120, rim, 5), "#ffffff", 1.6, opacity=0.9, turn=turn)
    c.line(
        f"M{x - rim * 0.72} {182 if kind != 'flute' else 150}q-4 40 {rim * 0.2} 76", "#fff", 4, opacity=0.7, turn=turn
    )


def _stemmed(c: Canvas, product: Product, *, kind: str) -> None:
    for x, y in ((118, -26), (284, -26)):
        glass(c, x, kind, filled=False, y=y)
    for x, y in ((156, 8), (246, 8)):
        glass(c, x, kind, y=y, filled=x < CENTRE)
    c.focus = (160, 250)


def _tumblers(c: Canvas, product: Product) -> None:
    c.near(250, 280)
    for x, y, full in ((158, -74, 0), (242, -74, 0), (116, -36, 0), (284, -36, 0), (158, 4, 1), (242, 4, 0)):
        turn = f"translate(0 {y})"
        c.stands(34, x=x, y=432 + y)
        outline = mirrored("M38 330L31 424Q30 432 22 432L0 432", x=x)
        if full:
            c.body(
                mirrored("M36 368L31 422Q30 428 22 428L0 428", x=x), "#c9783a", light="round", opacity=0.8, turn=turn
            )
        c.body(outline, "#e9f0ef", light="glass", opacity=0.3, turn=turn)
        c.line(
            f"M{x - 28} 346l6 66M{x - 10} 346l3 70M{x + 10} 346l-3 70M{x + 28} 346l-6 66",
            "#fff",
            1.6,
            opacity=0.55,
            turn=turn,
        )
        c.line(oval(x, 330, 38, 6), "#fff", 1.8, turn=turn)
    c.focus = (150, 380)


def _decanter(c: Canvas, product: Product) -> None:
    c.stands(112)
    c.body(mirrored("M104 356C124 420 92 434 60 435L0 436"), "#6d1730", light="ball", opacity=0.94)
    c.fill(oval(CENTRE, 354, 103, 11), "#8a2a44")
    c.body(
        mirrored("M34 84Q18 110 18 150C18 250 110 300 116 372C120 424 92 436 62 437L0 437"),
        "#eef4f3",
        light="glass",
        opacity=0.2,
    )
    c.line("M108 372q6-52 56-104", "#fff", 6, opacity=0.6)
    c.line("M188 110q-2 60-6 90", "#fff", 4, opacity=0.7)
    c.line(oval(CENTRE, 84, 34, 6), "#fff", 2)
    c.focus = (150, 360)


def _sleeve(c: Canvas, product: Product) -> None:
    c.stands(64)
    c.body(mirrored("M14 70L14 130C14 156 40 160 44 190L44 240L0 240"), "#2c3522", light="round")
    c.body(rounded(184, 66, 32, 62, 4), "#a8322d", light="metal")
    c.body(
        mirrored("M56 186Q64 200 62 420Q62 436 48 436L0 436"), "#2f3a44", light="round", texture="quilt", ink="#0d1216"
    )
    c.line("M146 200q54 12 108 0", "#7e8b95", 3)
    c.body(rounded(212, 372, 36, 22, 2), "#c9a45c", light="flat")
    c.text("TAVOLA", 230, 387, size=7, colour="#2f3a44", spacing=0.8)


def _marble(c: Canvas, product: Product) -> None:
    c.stands(86)
    c.body(mirrored("M14 60L14 120C14 146 42 152 44 182L44 260L0 260"), "#d5d596", light="round")
    c.body(rounded(184, 56, 32, 62, 4), "#7a9078", light="metal")
    c.fill(oval(CENTRE, 228, 80, 13), "#8f8b84")
    c.body(mirrored("M86 228L84 420Q84 436 66 436L0 436"), "#f1eee8", light="round", texture="marble", ink="#7d7a78")
    c.body(mirrored("M86 228Q60 244 0 243L0 256Q60 256 86 242"), "#ffffff", light="round", opacity=0.9)
    c.focus = (170, 330)


def _stopper(c: Canvas, product: Product) -> None:
    c.body(rounded(92, 116, 92, 290, 38), "#2b2e31", light="round", shadow=True)
    c.body(rounded(108, 108, 60, 46, 14), "#3c4044", light="metal")
    c.body(rounded(104, 200, 68, 8, 3), "#8a2438", light="")
    c.text("TAVOLA", 138, 340, size=11, colour="#aab0b3", spacing=2)
    for x, y in ((250, 190), (306, 300)):
        c.body(
            mirrored(f"M26 {y}Q34 {y + 18} 22 {y + 34}L20 {y + 92}Q10 {y + 100} 0 {y + 100}", x=x),
            "#33373a",
            light="round",
            shadow=True,
        )
        c.body(oval(x, y, 27, 10), "#555b5f", light="flat")
        c.fill(oval(x, y, 7, 3), "#15181a")
        for step in (52, 66, 80):
            c.line(f"M{x - 21} {y + step}q21 6 42 0", "#11141a", 2)
    c.focus = (140, 200)


def _rack(c: Canvas, product: Product) -> None:
    c.stands(150, y=440)
    for row in range(3):
        y = 166 + row * 96
        for place in range(4):
            x = 92 + place * 72
            c.body(oval(x, y, 27, 27), "#27321f" if (row + place) % 3 else "#4a1a26", light="ball")
            c.body(oval(x, y, 11, 11), ("#a8322d", "#c9a45c", "#2f5f9e", "#6f7d46")[(row + place) % 4], light="ball")
        c.body(rounded(48, y + 24, 304, 15, 4), _OLIVE, light="flat", texture="wood", ink="#4a2a0e")
        c.fill(f"M56 {y + 39}h288v6H56Z", "#000", opacity=0.15)
    for x in (48, 332):
        c.body(rounded(x, 110, 20, 330, 5), shade(_OLIVE, -0.08), light="round", texture="wood", ink="#4a2a0e")
    c.focus = (164, 180)


def _shaker(c: Canvas, product: Product) -> None:
    c.stands(58)
    c.near(320, 140)
    c.body(mirrored("M56 236L42 424Q42 436 30 436L0 436"), _STEEL, light="metal")
    c.body(mirrored("M30 168Q56 184 57 240L0 242"), shade(_STEEL, 0.1), light="metal")
    c.body(mirrored("M20 122Q24 116 25 130L29 170L0 172"), shade(_STEEL, 0.06), light="metal")
    c.line("M143 240q57 8 114 0", "#5d6367", 2)
    c.line("M170 170q30 5 60 0", "#5d6367", 1.6)


DRAWINGS: dict[str, Drawing] = {
    "Waiter's corkscrew": _waiter,
    "Lever corkscrew": _lever,
    "Olive wood corkscrew": _wooden,
    "Red wine glasses, set of 4": partial(_stemmed, kind="red"),
    "White wine glasses, set of 4": partial(_stemmed, kind="white"),
    "Champagne flutes, set of 4": partial(_stemmed, kind="flute"),
    "Tumblers, set of 6": _tumblers,
    "Crystal decanter": _decanter,
    "Wine cooler sleeve": _sleeve,
    "Marble wine cooler": _marble,
    "Vacuum wine stopper": _stopper,
    "Bottle rack for 12": _rack,
    "Cocktail shaker": _shaker,
}

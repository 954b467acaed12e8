"""Kitchen: pots and pans, coffee makers, knives, boards, mills, an apron."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rapport.world.catalogue import Product
from rapport.world.storefront.pictures.canvas import CENTRE, Canvas, mirrored, oval, rounded, shade

__all__ = ["DRAWINGS"]

Drawing = Callable[[Canvas, Product], None]
_STEEL, _IRON, _BRASS, _WOOD = "#bfc3c4", "#2e3032", "#c5a254", "#9a6a3c"


def _casserole(c: Canvas, product: Product, *, enamel: str, half: float) -> None:
    c.stands(half)
    c.near(half * 1.75, 2 * half + 66)
    top = 436 - half * 1.02
    for side in (-1, 1):
        c.body(rounded(CENTRE + side * (half + 12) - 22, top + 24, 44, 18, 9), shade(enamel, -0.12), light="ball")
    c.body(mirrored(f"M{half} {top}L{half - 4} 416Q{half - 6} 436 {half - 26} 436L0 436"), enamel, light="round")
    c.line(f"M{CENTRE - half + 5} 420h{2 * half - 10}", shade(enamel, -0.4), 2, opacity=0.5)
    c.body(
        mirrored(f"M{half + 5} {top}L{half + 5} {top - 10}Q{half - 8} {top - 44} 22 {top - 48}L0 {top - 48}"),
        shade(enamel, 0.06),
        light="round",
    )
    c.line(f"M{CENTRE - half - 5} {top}h{2 * half + 10}", shade(enamel, -0.45), 3, opacity=0.7)
    c.body(rounded(CENTRE - 12, top - 58, 24, 14, 3), _STEEL, light="metal")
    c.body(oval(CENTRE, top - 66, 27, 12), _BRASS, light="ball")
    c.fill(f"M{CENTRE - half + 14} {top + 14}q-2 50 4 76h12q-8-36-4-76Z", "#fff", opacity=0.28)
    c.focus = (CENTRE, top - 10)


def _pan(c: Canvas, product: Product, *, metal: str, handle: str) -> None:
    c.body("M270 310l84 108q8 12-2 20t-20-2l-84-106Z", handle, light="flat", shadow=True)
    c.line("M344 424a6 6 0 1 0 .1 0", "#111", 3)
    c.body(oval(178, 220, 138, 138), shade(metal, -0.1), light="metal", shadow=True)
    c.body(oval(178, 220, 130, 130), metal, light="ball")
    c.body(oval(178, 224, 106, 106), shade(metal, 0.05), light="flat")
    for r in (84, 60, 36):
        c.line(oval(178, 224, r, r), "#fff", 1, opacity=0.12)
    for x, y in ((262, 302), (276, 290), (252, 318)):
        c.body(oval(x, y, 5, 5), _STEEL, light="ball")
    c.focus = (240, 270)


def _pasta_pot(c: Canvas, product: Product) -> None:
    c.stands(98)
    c.near(250, 270)
    for side in (-1, 1):
        c.line(f"M{CENTRE + side * 96} 300q{side * 36} 4 {side * 30} 34t{-side * 32} 20", "#8f9496", 9)
    c.body(mirrored("M98 262L96 420Q94 436 78 436L0 436"), _STEEL, light="metal")
    c.body(mirrored("M100 232L98 276L0 276"), shade(_STEEL, 0.12), light="metal")
    for row in range(2):
        for place in range(12):
            c.fill(oval(114 + place * 15.6, 246 + row * 14, 3, 3), "#4c5254", opacity=0.7)
    c.body(mirrored("M104 232Q60 196 0 194"), "#e9efee", light="glass", opacity=0.6)
    c.line("M96 232h208", "#8f9496", 5)
    c.body(oval(CENTRE, 188, 18, 9), _IRON, light="ball")
    c.focus = (CENTRE, 250)


def _pasta_machine(c: Canvas, product: Product) -> None:
    c.stands(120)
    c.near(230, 300)
    for row in range(7):
        c.line(f"M{126 + row * 22} 346q-6 40 {row * 3 - 8} 88", "#ecc873", 9)
    c.body("M84 250h232v96H84Z", _STEEL, light="metal")
    c.body("M74 232q0-12 12-12h18v216H86q-12 0-12-12Z", shade(_STEEL, -0.1), light="metal")
    c.body("M296 220h18q12 0 12 12v192q0 12-12 12h-18Z", shade(_STEEL, -0.1), light="metal")
    for y in (262, 300):
        c.body(rounded(100, y, 200, 26, 12), shade(_STEEL, 0.2), light="flat")
        c.line(f"M112 {y + 8}h170", "#fff", 4, opacity=0.7)
    c.body(oval(326, 288, 15, 15), _IRON, light="ball")
    c.line("M326 288h30v58", "#7d8385", 8)
    c.body(rounded(344, 340, 24, 50, 10), _WOOD, light="round", texture="wood", ink="#2a1608")
    c.focus = (180, 340)


def _moka(c: Canvas, product: Product, *, size: float) -> None:
    c.stands(70 * size)
    c.near(330 * size, 240 * size)
    turn = f"translate({200 * (1 - size):g} {436 * (1 - size):g}) scale({size})"
    c.body("M250 196q56-14 62 26l10 76q-2 16-18 14-10-2-12-14l-8-54q-4-22-34-14Z", "#232527", light="ball", turn=turn)
    c.body(mirrored("M54 322L70 424Q70 436 58 436L0 436"), _STEEL, light="metal", turn=turn)
    c.body(mirrored("M62 176L46 300L0 300"), shade(_STEEL, 0.08), light="metal", turn=turn)
    c.body("M140 178l-32-14 26 50 12 20Z", _STEEL, light="metal", turn=turn)
    c.body(rounded(146, 298, 108, 26, 4), shade(_STEEL, -0.14), light="metal", turn=turn)
    c.body(mirrored("M64 178Q40 146 0 142"), shade(_STEEL, 0.1), light="metal", turn=turn)
    for dx in (-24, 24):
        c.line(
            f"M{CENTRE + dx * 1.3} 180L{CENTRE + dx * 0.9} 298M{CENTRE + dx} 326L{CENTRE + dx * 1.4} 434",
            "#5d6367",
            1.5,
            opacity=0.6,
            turn=turn,
        )
    c.body(oval(CENTRE, 134, 13, 12), "#232527", light="ball", turn=turn)
    c.body(oval(222, 384, 7, 7), _BRASS, light="ball", turn=turn)
    c.focus = (CENTRE, 300)


def _burr(c: Canvas, product: Product) -> None:
    c.stands(78)
    c.body(mirrored("M60 130L52 212L0 212"), "#dfe7e4", light="glass", opacity=0.5)
    c.fill(mirrored("M57 164L52 210L0 210"), "#4a2c1a")
    c.lit(mirrored("M57 164L52 210L0 210"), "round")
    c.body(rounded(132, 108, 136, 24, 8), _IRON, light="round")
    c.body(mirrored("M64 212Q72 260 76 420Q76 436 60 436L0 436"), "#3a3d40", light="round")
    c.body(rounded(148, 322, 104, 104, 6), "#15181a", light="inside")
    c.body(rounded(158, 346, 84, 78, 6), "#cfd6d6", light="glass", opacity=0.4)
    c.fill(rounded(160, 392, 80, 30, 4), "#5a3520")
    c.body(oval(CENTRE, 268, 22, 22), _STEEL, light="metal")
    c.line("M200 252v14", "#3a3d40", 3)
    c.text("nordhus", CENTRE, 310, size=10, style="sans", colour="#c9cdcf", spacing=1)
    c.focus = (CENTRE, 250)


def _hand_grinder(c: Canvas, product: Product) -> None:
    c.stands(48)
    c.body(rounded(154, 170, 92, 156, 12), _STEEL, light="metal")
    c.body(rounded(158, 322, 84, 114, 12), _IRON, light="round")
    c.body(rounded(150, 308, 100, 20, 6), shade(_STEEL, -0.2), light="metal")
    c.body(rounded(156, 154, 88, 20, 8), _IRON, light="round")
    c.line("M200 154v-20h104", "#7d8385", 8)
    c.line("M200 152v-18h104", "#d9dee0", 2.4)
    c.body("M290 92q0-16 16-16t16 16l-4 50q-2 8-12 8t-12-8Z", _WOOD, light="round", texture="wood", ink="#2a1608")
    for y in range(346, 420, 9):
        c.line(f"M160 {y}q40 6 80 0", "#000", 2, opacity=0.3)
    c.text("nordhus", CENTRE, 250, size=11, style="sans", colour="#5d6367", spacing=1)


def _dripper(c: Canvas, product: Product) -> None:
    c.stands(70)
    c.near(320, 220)
    c.body(mirrored("M66 330C72 400 74 430 54 435L0 436"), "#5a3018", light="ball", opacity=0.85)
    c.body(mirrored("M36 280Q30 300 60 330Q90 420 62 436L0 436"), "#eef4f3", light="glass", opacity=0.25)
    c.line("M262 330q46-4 44 40t-44 42", "#dfe7e6", 9, opacity=0.8)
    c.body(mirrored("M92 162L74 162L0 262"), "#f6efe0", light="flat")
    c.body(mirrored("M96 168L38 262L40 276L0 276"), "#f4f1ea", light="round")
    for x in range(-60, 61, 20):
        c.line(f"M{CENTRE + x * 1.3} 174L{CENTRE + x * 0.5} 258", "#b9b2a4", 1.6, opacity=0.7)
    c.body(rounded(138, 272, 124, 12, 5), "#f4f1ea", light="round")
    c.line("M294 176q44-2 38 36t-54 24", "#ece8de", 11)
    c.focus = (190, 226)


def _teapot(c: Canvas, product: Product) -> None:
    c.stands(104)
    c.near(290, 310)
    c.line("M106 268q0-118 94-118t94 118", "#1e2022", 8)
    c.line("M104 262q4-112 94-112", "#666b6e", 2)
    c.body("M296 316q36-4 44-44l22 6q-6 62-62 82Z", _IRON, light="flat")
    c.body(mirrored("M52 262Q108 284 108 350Q106 430 60 434L0 436"), _IRON, light="ball", texture="dots", ink="#454a4d")
    c.body(mirrored("M54 264Q44 240 0 238"), "#383b3e", light="ball")
    c.body(oval(CENTRE, 232, 13, 11), "#27292b", light="ball")
    c.focus = (170, 330)


def _knife(c: Canvas, product: Product, *, long: float, wide: float) -> None:
    turn = "rotate(-38 200 250)"
    top = 250 - long
    c.body(
        f"M182 262V{top + 6}Q{182 + wide * 0.9} {top + 60} {182 + wide} 262Z",
        "#c9cfd1",
        light="metal",
        shadow=True,
        turn=turn,
    )
    c.body(f"M{182 + wide * 0.72} 262Q{182 + wide * 0.6} {top + 90} 184 {top + 16}Q{182 + wide * 0.9} {top + 60} {182 + wide} 262Z",
           "#eef2f3", light="flat", texture="wool", ink="#8f9698", turn=turn)  # fmt: skip
    c.body("M180 262h36v16h-34Z", _STEEL, light="metal", turn=turn)
    c.body(
        "M181 276h33l2 130q0 14-16 14t-17-14Z",
        "#4a2c1c",
        light="round",
        texture="wood",
        ink="#140904",
        shadow=True,
        turn=turn,
    )
    for y in (300, 345, 390):
        c.body(oval(198, y, 4, 4), _BRASS, light="ball", turn=turn)
    c.line(f"M192 {top + 92}v34m-5-26h10m-10 14h10", "#7d8486", 1.6, turn=turn)
    c.focus = (210, 250)


def _grater(c: Canvas, product: Product) -> None:
    turn = "rotate(18 200 250)"
    c.body(rounded(168, 72, 64, 226, 10), "#cfd4d6", light="metal", shadow=True, turn=turn)
    for row in range(15):
        for place in range(4):
            x, y = 182 + place * 12 + (row % 2) * 3, 92 + row * 13
            c.fill(f"M{x - 3.4} {y}q3.4-6 6.8 0-3.4 3-6.8 0Z", "#4f5659", turn=turn)
            c.line(f"M{x - 3} {y}q3-5 6 0", "#fff", 0.9, turn=turn)
    c.body(rounded(180, 292, 40, 134, 16), _WOOD, light="round", texture="wood", ink="#2a1608", shadow=True, turn=turn)
    c.focus = (205, 190)


def _chopping(c: Canvas, product: Product) -> None:
    c.body("M112 150q0-26 26-30 30-6 34-36 2-24 28-24t28 24q4 30 34 36 26 4 26 30v256q0 26-26 26H138q-26 0-26-26Z", "#bd8f58",
           light="flat", texture="wood", ink="#4a2a0e", shadow=True)  # fmt: skip
    c.body(oval(CENTRE, 96, 11, 11), "#d9d0c0", light="inside")
    c.line("M206 96q40-30 26-66", "#8d6b45", 5)
    c.line("M150 190q40 60 10 120t40 90M240 170q20 80-10 130", "#6d4219", 3, opacity=0.3)
    c.focus = (180, 220)


def _cheese_knives(c: Canvas, product: Product) -> None:
    blades = (
        "M-18 230V130q2-32 36-44-4 60-4 144Z",
        "M-20 230l-4-116q22-30 48 0l-4 116Z",
        "M-10 230V120l-6-36 12 16 4-22 6 22 12-16-8 36v110Z",
    )
    for x, blade in zip((108, 200, 292), blades, strict=True):
        turn = f"translate({x} 0)"
        c.body(blade, "#cfd4d6", light="metal", shadow=True, turn=turn)
        c.body(rounded(-11, 226, 22, 12, 2), _BRASS, light="metal", turn=turn)
        c.body(
            "M-12 236h24q8 60 4 150-2 20-16 20t-16-20q-4-90 4-150Z",
            "#bd8f58",
            light="round",
            texture="wood",
            ink="#4a2a0e",
            shadow=True,
            turn=turn,
        )
    c.focus = (150, 220)


def _mills(c: Canvas, product: Product) -> None:
    for x, wood, knob in ((142, "#c79a62", "#e9e4d8"), (258, "#4a2f1e", "#2b2622")):
        c.stands(38, x=x)
        c.body(
            mirrored("M20 214Q46 238 30 284Q24 320 42 372L42 424Q42 436 30 436L0 436", x=x),
            wood,
            light="round",
            texture="wood",
            ink="#2a1608",
        )
        c.body(
            mirrored("M22 210Q42 190 30 156Q22 138 0 138", x=x),
            shade(wood, 0.05),
            light="ball",
            texture="wood",
            ink="#2a1608",
        )
        c.body(oval(x, 128, 11, 11), _STEEL, light="ball")
        c.line(f"M{x - 20} 212h40", "#1a0f08", 3, opacity=0.6)
        c.body(oval(x, 404, 9, 9), knob, light="flat")
    c.near(350, 240)


def _scale(c: Canvas, product: Product) -> None:
    c.stands(132)
    c.near(170, 290)
    c.body("M84 372l22-64h188l22 64Z", "#cfd3d4", light="metal")
    c.body("M78 370h244l10 48q2 18-16 18H84q-18 0-16-18Z", "#2c2f31", light="flat")
    c.body(rounded(150, 386, 100, 34, 5), "#aebfb0", light="inside")
    c.text("248 g", CENTRE, 411, size=22, style="sans", colour="#1f2a22", spacing=1)
    for x in (116, 284):
        c.line(oval(x, 404, 9, 9), "#7d8385", 1.6)
    c.body("M136 300q64-60 128 0 6 24-64 24t-64-24Z", "#f4f1ea", light="ball")
    c.fill(oval(CENTRE, 300, 58, 12), "#e8d7b0")
    c.focus = (CENTRE, 380)


def _apron(c: Canvas, product: Product) -> None:
    linen = "#7d8b86"
    c.line("M158 106q-8-64 42-64t42 64", shade(linen, -0.15), 7)
    c.line("M118 236q-50 20-66 70M282 236q50 20 66 70", shade(linen, -0.12), 6)
    c.body(
        "M152 100h96q2 90 44 130l10 210q-100 18-204 0l10-210q42-40 44-130Z",
        linen,
        light="flat",
        texture="linen",
        ink="#1d2624",
        shadow=True,
    )
    c.line("M152 106h96M110 236q-4 100-10 200M290 236q4 100 10 200", "#fff", 1.2, opacity=0.4, dash="4 3")
    c.body("M146 286h108v84q-54 12-108 0Z", shade(linen, -0.07), light="flat", texture="linen", ink="#1d2624")
    c.line("M146 294h108M200 294v82", "#fff", 1.2, opacity=0.5, dash="4 3")
    c.fill("M166 120q10 120-20 300h14q26-170 18-300Z", "#000", opacity=0.08)
    c.focus = (200, 300)


DRAWINGS: dict[str, Drawing] = {
    "Cast iron casserole 24 cm": partial(_casserole, enamel="#8f2f2a", half=122),
    "Cast iron casserole 20 cm": partial(_casserole, enamel="#2f5560", half=104),
    "Carbon steel pan 28 cm": partial(_pan, metal="#4c5053", handle="#6d7376"),
    "Non-stick pan 24 cm": partial(_pan, metal="#2b2d2f", handle="#232426"),
    "Pasta pot with strainer": _pasta_pot,
    "Pasta machine": _pasta_machine,
    "Moka pot for 3": partial(_moka, size=0.86),
    "Moka pot for 6": partial(_moka, size=1.0),
    "Burr coffee grinder": _burr,
    "Hand coffee grinder": _hand_grinder,
    "Pour-over dripper": _dripper,
    "Cast iron teapot": _teapot,
    "Chef's knife 20 cm": partial(_knife, long=196, wide=48),
    "Paring knife": partial(_knife, long=120, wide=30),
    "Parmesan grater": _grater,
    "Olive wood board": _chopping,
    "Cheese knives, set of 3": _cheese_knives,
    "Salt and pepper mills": _mills,
    "Digital scale": _scale,
    "Linen apron": _apron,
}

"""Table: plates and bowls seen from above, cups, cutlery, linen, glass for oil and water."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rapport.world.catalogue import Product
from rapport.world.storefront.pictures.canvas import CENTRE, Canvas, mirrored, oval, rounded, shade

__all__ = ["DRAWINGS", "folded"]

Drawing = Callable[[Canvas, Product], None]
_STONE, _GLAZE = "#dcd5c6", "#5f7a80"


def _plate(c: Canvas, x: float, y: float, r: float, glaze: str, *, bowl: bool = False) -> None:
    c.body(oval(x, y, r, r), glaze, light="flat", texture="speckle", ink="#3a2c20", shadow=True)
    c.line(oval(x, y, r - 1.5, r - 1.5), "#8a6b4a", 2.4, opacity=0.8)
    inner = r * (0.74 if bowl else 0.68)
    c.body(
        oval(x, y, inner, inner),
        shade(glaze, -0.06),
        light="inside" if bowl else "ball",
        texture="speckle",
        ink="#3a2c20",
    )
    c.line(oval(x, y, inner, inner), "#000", 1, opacity=0.14)
    if bowl:
        c.lit(oval(x + 3, y + 5, inner * 0.8, inner * 0.8), "ball")
    c.line(f"M{x - r * 0.83} {y - r * 0.3}a{r * 0.88} {r * 0.88} 0 0 1 {r * 0.5}-{r * 0.5}", "#fff", 4, opacity=0.55)


def _plates(c: Canvas, product: Product, *, r: float, glaze: str, bowl: bool = False) -> None:
    """Four, overlapping as somebody lays them down."""
    for x, y in ((132, 172), (266, 196), (140, 306), (258, 326)):
        _plate(c, x, y, r, glaze, bowl=bowl)
    c.focus = (222, 300)


def _platter(c: Canvas, product: Product) -> None:
    turn = "rotate(-24 200 250)"
    c.body(oval(200, 250, 168, 108), _STONE, light="flat", texture="speckle", ink="#3a2c20", shadow=True, turn=turn)
    c.line(oval(200, 250, 166, 106), "#8a6b4a", 2.4, opacity=0.8, turn=turn)
    c.body(oval(200, 252, 124, 70), shade(_STONE, -0.05), light="ball", texture="speckle", ink="#3a2c20", turn=turn)
    c.line(oval(200, 252, 124, 70), "#000", 1, opacity=0.15, turn=turn)
    c.line("M60 232q22-62 92-80", "#fff", 5, opacity=0.5, turn=turn)


def _cup(c: Canvas, x: float, y: float, half: float, high: float, glaze: str, *, handle: bool = True) -> None:
    """A cup from the front; y is where it stands."""
    top = y - high
    c.stands(half, x=x, y=y)
    if handle:
        c.line(
            f"M{x + half - 2} {top + high * 0.22}q{half * 0.75}-4 {half * 0.66} {high * 0.26}t-{half * 0.74} {high * 0.24}",
            shade(glaze, -0.16),
            half * 0.2,
        )
        c.line(
            f"M{x + half - 2} {top + high * 0.2}q{half * 0.75}-4 {half * 0.66} {high * 0.26}",
            shade(glaze, 0.3),
            half * 0.06,
            opacity=0.8,
        )
    c.body(mirrored(f"M{half} {top}L{half * 0.94} {y - high * 0.2}Q{half * 0.9} {y} {half * 0.56} {y}L0 {y}", x=x), glaze, light="round",
           texture="speckle", ink="#3a2c20")  # fmt: skip
    c.fill(
        mirrored(f"M{half * 0.94} {y - high * 0.24}Q{half * 0.9} {y} {half * 0.56} {y}L0 {y}L0 {y - high * 0.2}", x=x),
        "#b59a78",
        opacity=0.7,
    )
    c.body(oval(x, top, half, half * 0.2), shade(glaze, 0.16), light="flat")
    c.body(oval(x, top + 1, half * 0.88, half * 0.15), shade(glaze, -0.35), light="inside")


def _cups(c: Canvas, product: Product) -> None:
    c.near(200, 230)
    for x, y, glaze in ((134, 384, _GLAZE), (252, 376, _STONE), (150, 440, _STONE), (264, 438, "#a3624a")):
        _cup(c, x, y, 42, 66, glaze)
    c.focus = (150, 390)


def _mug(c: Canvas, product: Product) -> None:
    _cup(c, 188, 436, 74, 150, _GLAZE)
    c.near(170, 240)
    c.focus = (180, 340)


def _tea_bowl(c: Canvas, product: Product) -> None:
    c.stands(60)
    c.near(170, 220)
    c.body(mirrored("M92 314Q92 414 40 424L38 436L0 436"), "#3f4644", light="ball", texture="speckle", ink="#e9dcc4")
    c.fill(mirrored("M92 314Q94 350 82 374Q66 352 44 366Q24 352 0 362L0 314"), "#8fa39a", opacity=0.75)
    c.lit(mirrored("M92 314Q92 414 40 424L38 436L0 436"), "round", opacity=0.7)
    c.body(oval(CENTRE, 314, 92, 20), "#8fa39a", light="flat")
    c.body(oval(CENTRE, 316, 80, 15), "#5d7a3a", light="inside")
    c.focus = (170, 350)


def _piece(c: Canvas, kind: str, x: float, metal: str = "#c3c7c8") -> None:
    turn = f"translate({x} 0)"
    handle = "M-6 250h12l5 150q0 14-11 14t-11-14Z"
    heads = {
        "fork": "M-20 84q2-6 5 0l1 62h5V84q2-6 5 0v62h5l1-62q3-6 5 0v74q0 26-8 34l-1 62h-8l-1-62q-12-8-12-34Z",
        "knife": "M-9 252V92q2-26 16-22 14 60 4 182Z",
        "spoon": "M-22 122q0-46 22-46t22 46q0 40-17 52l-1 82h-8l-1-82q-17-12-17-52Z",
        "steak": "M-10 240V96q6-36 20-38 8 70 2 182Z",
    }
    c.body(heads[kind], metal, light="metal", shadow=True, turn=turn)
    if kind == "spoon":
        c.lit(oval(x, 122, 16, 36), "ball")
    if kind == "steak":
        c.body(
            "M-11 238h24q5 80 2 150-2 22-14 22t-14-22q-3-70 2-150Z",
            "#5a3420",
            light="round",
            texture="wood",
            ink="#140904",
            shadow=True,
            turn=turn,
        )
        for y in (268, 320, 372):
            c.fill(oval(x + 1, y, 3.4, 3.4), "#d9dee0")
        return
    c.body(handle, metal, light="metal", shadow=True, turn=turn)


def _cutlery(c: Canvas, product: Product) -> None:
    for kind, x in (("fork", 96), ("fork", 148), ("knife", 200), ("spoon", 252), ("spoon", 308)):
        _piece(c, kind, x)
    c.focus = (130, 140)


def _steak_knives(c: Canvas, product: Product) -> None:
    for x in (98, 166, 234, 302):
        _piece(c, "steak", x)
    c.focus = (150, 230)


def folded(
    c: Canvas, product: Product, *, colour: str, texture: str, ink: str = "#3a3428", layers: int = 4, wide: float = 250, high: float = 40,
    top: str = "", edge: str = "",
) -> None:  # fmt: skip
    """Cloths folded and laid on each other."""
    c.stands(wide / 2)
    c.near(high * layers + 40, wide + 20)
    left, low = CENTRE - wide / 2, 436.0
    for layer in range(layers):
        y = low - high * (layer + 1)
        tone = top if top and layer == layers - 1 else shade(colour, 0.07 * (layer % 2))
        shift = (-1) ** layer * 3
        d = f"M{left + 12 + shift} {y}H{left + wide - 16 + shift}q16 {high * 0.5} 0 {high}H{left + 12 + shift}q-12 0-12-{high / 2}t12-{high / 2}Z"
        c.body(d, tone, light="flat", texture=texture, ink=ink)
        c.line(
            f"M{left + 14 + shift} {y + high * 0.36}H{left + wide - 14 + shift}M{left + 14 + shift} {y + high * 0.68}H{left + wide - 14 + shift}",
            "#000",
            1.3,
            opacity=0.16,
        )
        c.fill(
            f"M{left + 8 + shift} {y + high - 5}H{left + wide - 12 + shift}v6H{left + 8 + shift}Z", "#000", opacity=0.16
        )
        if edge:
            c.line(f"M{left + 10 + shift} {y + 5}H{left + wide - 15 + shift}", edge, 2.4, opacity=0.8)
    c.focus = (CENTRE - wide * 0.2, low - high * layers * 0.7)


def _tablecloth(c: Canvas, product: Product) -> None:
    """A table laid with it, from the front."""
    linen = "#d9d2c2"
    c.stands(136, y=412)
    c.body("M84 210h232l34 62H50Z", shade(linen, 0.12), light="flat", texture="linen", ink="#5a4c34")
    c.body("M50 272h300l14 136q-10 14-22 4-16-12-34 2-20 14-42 2-20-12-44 0-26 14-46 0-22-14-44 0-22 12-42-2-14-10-24 2-20 10-30-8Z",
           linen, light="flat", texture="linen", ink="#5a4c34")  # fmt: skip
    for x, lean in ((92, -5), (142, -2), (206, 1), (262, 3), (318, 6)):
        c.fill(f"M{x} 274q{lean} 60 {lean * 2 - 6} 140h14q4-70-4-140Z", "#000", opacity=0.09)
        c.fill(f"M{x + 10} 274q{lean + 4} 60 {lean * 2 + 6} 138h8q0-70-8-138Z", "#fff", opacity=0.22)
    c.line("M50 272h300", "#fff", 1.4, opacity=0.6)
    c.line("M56 396q150 22 304-2", "#8a7a5c", 1.4, opacity=0.5, dash="5 4")
    c.body(oval(200, 238, 46, 11), "#f2efe6", light="flat")
    c.line(oval(200, 238, 30, 7), "#b9b2a2", 1)
    c.focus = (130, 330)


def _napkins(c: Canvas, product: Product) -> None:
    tones = ("#6d7f78", "#c9a58a", "#d9d2c2", "#8a5a4a")
    for place, tone in enumerate(tones):
        x, y, turn = 66 + place * 20, 96 + place * 54, -9 + place * 6
        d = f"M{x} {y}h180l8 8v150q-4 8-12 8H{x}q-8-2-8-10V{y + 10}Z"
        spin = f"rotate({turn} 200 250)"
        c.body(d, tone, light="flat", texture="linen", ink="#20180f", shadow=True, turn=spin)
        c.line(f"M{x + 10} {y + 12}h164v144H{x + 10}Z", "#fff", 1, opacity=0.5, dash="4 3", turn=spin)
        c.line(f"M{x + 94} {y + 2}v160", "#000", 1.4, opacity=0.2, turn=spin)
    c.focus = (170, 330)


def _salad(c: Canvas, product: Product) -> None:
    wood = "#a8743f"
    c.stands(110)
    c.near(330, 290)
    for x, turn in ((240, 14), (268, 26)):
        c.body(
            f"M{x - 7} 170h14l2 140h-18Z",
            "#c79a62",
            light="round",
            texture="wood",
            ink="#4a2a0e",
            turn=f"rotate({turn} {x} 330)",
        )
        c.body(oval(x, 160, 17, 28), "#c79a62", light="ball", turn=f"rotate({turn} {x} 330)")
    for x, y, tone in (
        (130, 290, "#5f8a3a"),
        (172, 276, "#7aa34a"),
        (214, 282, "#4f7a35"),
        (252, 292, "#8ab457"),
        (286, 300, "#5f8a3a"),
    ):
        c.body(f"M{x - 34} {y + 26}q-8-40 22-44 26-18 44 8 14 26-6 42Z", tone, light="ball")
        c.line(f"M{x - 20} {y + 20}q14-20 34-22", "#dfe9c4", 1.6, opacity=0.7)
    c.body(oval(154, 292, 13, 12), "#c8372d", light="ball")
    c.body(oval(236, 288, 13, 12), "#c8372d", light="ball")
    c.body(mirrored("M124 306Q116 430 50 436L0 436"), wood, light="ball", texture="wood", ink="#3b1f0a")
    c.line("M76 306q124 16 248 0", shade(wood, 0.3), 4)
    c.focus = (160, 340)


def _carafe(c: Canvas, product: Product) -> None:
    c.stands(70)
    c.body(mirrored("M52 250C72 320 78 400 66 428Q62 436 50 436L0 436"), "#a9cbd4", light="round", opacity=0.55)
    c.fill(oval(CENTRE, 250, 51, 8), "#d9ecef", opacity=0.8)
    c.body(
        mirrored("M36 90Q22 104 24 130C26 180 60 220 72 330Q82 436 54 437L0 437"), "#eef4f3", light="glass", opacity=0.2
    )
    c.line(oval(CENTRE, 90, 36, 7), "#fff", 2.2)
    c.line("M146 330q2-60 26-110M186 112q-2 40-6 64", "#fff", 5, opacity=0.65)
    c.body(oval(218, 300, 20, 20), "#e9c84a", light="ball", opacity=0.8)
    c.line("M218 284v32M202 300h32M206 288l24 24M230 288l-24 24", "#fbf3d0", 1.6, opacity=0.8)


def _cruets(c: Canvas, product: Product) -> None:
    c.near(300, 270)
    for x, inside, top in ((140, "#c2b33c", 330), (262, "#3b1c12", 350)):
        c.stands(50, x=x)
        c.body(
            mirrored(f"M{46 if top == 330 else 49} {top}Q56 436 34 436L0 436", x=x), inside, light="round", opacity=0.92
        )
        c.body(
            mirrored("M13 182L12 250Q14 288 44 326Q66 436 36 437L0 437", x=x), "#eef4f3", light="glass", opacity=0.22
        )
        c.body(f"M{x + 11} 196q14-6 26 4-14 6-25 16Z", "#e3ebea", light="glass", opacity=0.6)
        c.body(rounded(x - 12, 156, 24, 34, 6), "#bd8f58", light="round", texture="wood", ink="#4a2a0e")
        c.line(f"M{x - 36} 350q2-14 12-26", "#fff", 4, opacity=0.6)
    c.focus = (150, 300)


DRAWINGS: dict[str, Drawing] = {
    "Stoneware dinner plates, set of 4": partial(_plates, r=98, glaze=_STONE),
    "Stoneware side plates, set of 4": partial(_plates, r=80, glaze=_GLAZE),
    "Pasta bowls, set of 4": partial(_plates, r=90, glaze="#c9b8a0", bowl=True),
    "Serving platter": _platter,
    "Espresso cups, set of 4": _cups,
    "Stoneware mug": _mug,
    "Tea bowl": _tea_bowl,
    "Cutlery set, 24 pieces": _cutlery,
    "Steak knives, set of 4": _steak_knives,
    "Linen tablecloth": _tablecloth,
    "Linen napkins, set of 4": _napkins,
    "Salad bowl with servers": _salad,
    "Glass carafe": _carafe,
    "Oil and vinegar set": _cruets,
}

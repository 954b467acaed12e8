"""Cheese, charcuterie, bread, vanilla: what lies on the board, on its paper."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rapport.world.catalogue import Product
from rapport.world.storefront.pictures.canvas import CENTRE, Canvas, mirrored, oval, rounded, shade
from rapport.world.storefront.pictures.labels import house

__all__ = ["DRAWINGS", "wedge"]

Drawing = Callable[[Canvas, Product], None]


def _board(c: Canvas, y: float = 424, half: float = 150) -> None:
    """An olive wood board seen from a little above."""
    c.stands(half, y=y + 22)
    c.near(250, 2 * half - 42)
    x = CENTRE
    c.body(f"M{x - half + 26} {y - 42}H{x + half - 26}L{x + half} {y + 8}q2 14-12 14H{x - half + 12}q-14 0-12-14Z", "#b98a56",
           light="flat", texture="wood", ink="#5a3516")  # fmt: skip
    c.fill(
        f"M{x - half} {y + 8}q-2 14 12 14H{x + half - 12}q14 0 12-14v5q2 14-12 14H{x - half + 12}q-14 0-12-14Z",
        "#7d5630",
    )


def _flag(c: Canvas, product: Product, x: float, y: float) -> None:
    """A paper flag on a stick with the name of what is under it."""
    h = house(product.brand)
    c.line(f"M{x} {y}v-84", "#a97c4c", 2.4)
    c.body(f"M{x} {y - 84}h112l-9 17 9 17h-112Z", h.paper, light="flat", texture="kraft", ink="#000")
    c.text(product.name, x + 52, y - 68, size=12, fit=88, colour=h.ink)
    c.text(product.brand.upper(), x + 52, y - 57, size=6.5, fit=84, colour=h.second, spacing=0.8)


def wedge(
    c: Canvas, product: Product, *, paste: str, rind: str, bits: str = "", ink: str = "#000", bloom: bool = False
) -> None:
    """A wedge cut from a wheel: the rind behind and on top, the paste in front; `bits` are holes, crystals or veins."""
    _board(c)
    c.fill("M88 404q110 14 236-2l-10 10q-110 14-220 2Z", "#2b1a0a", opacity=0.35)
    c.body(
        "M86 344L250 280Q318 288 322 322L322 326L90 352Z",
        shade(rind, 0.12),
        light="flat",
        texture="crumb",
        ink=shade(rind, -0.5),
    )
    c.body("M86 344L322 322V394Q316 404 304 404H94Q86 404 86 394Z", paste, light="flat", texture=bits, ink=ink)
    edge = "#f4efe0" if bloom else rind
    c.body("M310 323L322 322V394Q316 404 304 404H296Q310 400 310 390Z", edge, light="inside")
    c.line("M86 344L322 322", shade(edge, 0.2 if bloom else -0.15), 5 if bloom else 3)
    c.fill("M86 344l30-3v63h-22q-8 0-8-10Z", "#fff", opacity=0.16)
    _flag(c, product, 206, 318)
    c.focus = (190, 366)


def _wheel(c: Canvas, product: Product) -> None:
    """Brie: a round with one piece taken out."""
    _board(c)
    c.body("M92 352v34q4 26 108 26t108-26v-34Z", "#ece4cf", light="round")
    c.body(oval(CENTRE, 350, 108, 38), "#fbf7ec", light="ball", texture="wool", ink="#a8997a")
    c.body("M200 350L300 336q10 14 4 26-18 14-46 20Z", "#f2dc9c", light="inside")
    c.body("M200 350L258 382v30q-16-2-30-6Z", "#f4e2ab", light="flat")
    c.body("M200 350L300 336q8 6 8 16v30l-50 30v-30Z", "#e9cf8a", light="inside", opacity=0.7)
    _flag(c, product, 160, 344)


def _ball(c: Canvas, product: Product) -> None:
    """Burrata on a plate, with oil and basil."""
    c.stands(138, y=444)
    c.near(220, 290)
    c.body(oval(CENTRE, 418, 138, 32), "#e9e7df", light="flat", texture="speckle", ink="#5a4a3a")
    c.body(oval(CENTRE, 412, 104, 22), "#d9d6cb", light="inside")
    c.fill(oval(CENTRE + 6, 414, 82, 15), "#c9b64a", opacity=0.6)
    c.body(mirrored("M0 288Q14 286 16 304Q70 316 74 366Q72 412 0 414"), "#fbf8ef", light="ball")
    c.body("M186 304q-6-22 6-28 8-6 14 0 10 8 6 28-12 6-26 0Z", "#f4efe0", light="ball")
    c.line("M188 303q12 6 26 0M176 316q8-8 10-12M222 316q-6-8-8-12", "#cfc6ae", 1.6)
    for turn in (-30, 12, 48):
        c.body("M264 396q18-26 44-18-6 24-44 18Z", "#4f7a35", light="ball", turn=f"rotate({turn} 264 396)")
    c.text(product.brand.upper(), CENTRE, 466, size=9, colour="#6f6656", spacing=2)


def _slices(c: Canvas, product: Product, *, meat: str, fat: str) -> None:
    """Slices of ham, folded on paper."""
    h = house(product.brand)
    c.body(
        rounded(58, 120, 284, 300, 3),
        "#f3ede0",
        light="flat",
        texture="kraft",
        ink="#8a7550",
        shadow=True,
        turn="rotate(-3 200 270)",
    )
    for place, (x, y, turn) in enumerate(
        ((140, 190, -14), (252, 206, 16), (150, 276, 8), (262, 296, -10), (196, 352, 4))
    ):
        spin = f"rotate({turn} {x} {y})"
        d = f"M{x - 66} {y - 8}q14-48 62-40 58-10 68 30 10 44-44 50-30 16-56 4-40-6-30-44Z"
        c.body(d, fat, light="flat", shadow=True, turn=spin)
        c.body(f"M{x - 54} {y - 8}q14-38 50-30 48-8 56 24 6 32-36 38-26 10-44 2-34-6-26-34Z", shade(meat, 0.07 * (place % 3)),
               light="flat", texture="veins", ink=fat, turn=spin)  # fmt: skip
        c.line(
            f"M{x - 30} {y + 24}q10-34-2-54M{x + 22} {y + 26}q10-26 4-54",
            shade(meat, -0.4),
            2.4,
            opacity=0.35,
            turn=spin,
        )
    c.body(rounded(116, 410, 168, 48, 3), h.paper, light="flat", shadow=True)
    c.text(product.name, CENTRE, 434, size=16, fit=150, colour=h.ink)
    c.text(product.brand.upper(), CENTRE, 449, size=8, fit=150, colour=h.second, spacing=1.2)
    c.focus = (214, 250)


def _sausage(c: Canvas, product: Product, *, meat: str, skin: str) -> None:
    """A salami, some slices cut from it."""
    h = house(product.brand)
    c.body(
        "M70 250q-18-60 30-74L250 130q58-10 70 40t-44 64L136 292q-52 12-66-42Z",
        skin,
        light="ball",
        texture="wool",
        ink="#fff",
        shadow=True,
    )
    c.body(oval(108, 234, 36, 58), meat, light="flat", texture="crumb", ink="#fff3e4", turn="rotate(-17 108 234)")
    c.line(oval(108, 234, 36, 58), shade(skin, -0.1), 3, turn="rotate(-17 108 234)")
    c.line("M318 150q20-8 26-28M312 140l-4 24M300 132l-6 30", "#c9b48a", 3)
    c.body("M200 142l52-18 30 108-52 20Z", h.paper, light="round", texture="kraft", ink="#000")
    c.text(product.name, 241, 192, size=15, fit=84, colour=h.ink, turn="rotate(-18 241 190)")
    c.text(product.brand.upper(), 244, 206, size=7, fit=76, colour=h.second, spacing=0.6, turn="rotate(-18 241 190)")
    for x, y, turn in ((124, 366, -8), (196, 384, 10), (270, 362, -4)):
        c.body(oval(x, y, 50, 47), shade(skin, -0.08), light="flat", shadow=True, turn=f"rotate({turn} {x} {y})")
        c.body(
            oval(x, y, 46, 43), meat, light="flat", texture="crumb", ink="#fff3e4", turn=f"rotate({turn * 9} {x} {y})"
        )
    c.focus = (190, 370)


def _loaf(c: Canvas, product: Product, *, crust: str, shape: str = "round") -> None:
    """A loaf on the board, floured and slashed."""
    _board(c)
    if shape == "tin":
        c.body(
            "M84 300q4-34 40-34h150q38 0 42 34l-4 100q-2 10-14 10H102q-12 0-14-10Z",
            crust,
            light="flat",
            texture="kraft",
            ink="#1d0f04",
        )
        c.body(
            "M84 300q4-34 40-34h150q38 0 42 34-110 14-232 0Z",
            shade(crust, 0.14),
            light="ball",
            texture="crumb",
            ink="#fff",
        )
        for x in range(110, 300, 24):
            c.fill(oval(x, 282 + (x % 3) * 3, 4, 1.6), "#f1e3c4")
    else:
        c.body(
            "M76 366q4-92 124-92t124 92q2 46-30 46H106q-32 0-30-46Z",
            crust,
            light="ball",
            texture="crumb",
            ink="#3a1c08",
        )
        c.body(
            "M132 300q70 26 130 4 16 8 4 18-74 26-140-4-6-12 6-18Z",
            "#f1dcb2",
            light="flat",
            texture="crumb",
            ink="#8a5a26",
        )
        c.line("M104 350q20-30 40-38M296 352q-14-28-36-38M120 388q80 16 160-2", "#f7ecd6", 6, opacity=0.4)
        c.line("M150 330q50 16 100 0", "#fbf3e0", 4, opacity=0.5)
    c.focus = (200, 322)


def _focaccia(c: Canvas, product: Product) -> None:
    c.body(rounded(66, 128, 268, 250, 34), "#c98a3e", light="flat", shadow=True)
    c.body(rounded(72, 132, 256, 238, 30), "#e2b265", light="ball", texture="crumb", ink="#a8641c")
    for row in range(4):
        for column in range(5):
            x, y = 102 + column * 48 + (row % 2) * 10, 166 + row * 54
            c.body(oval(x, y, 13, 10), "#c58a3c", light="inside")
            if (row * 3 + column) % 2:
                c.line(f"M{x - 14} {y + 6}q16-2 30-18m-22 14l-4-8m12 2l-3-9m10 2l-1-8", "#4f6a34", 2.4)
            c.fill(f"M{x + 8} {y - 14}l4-3 3 4-4 3Z", "#fff", opacity=0.8)
    c.body("M66 344h268v10q0 30-34 30H100q-34 0-34-30Z", "#b57a30", light="flat")
    c.focus = (210, 250)


def _sticks(c: Canvas, product: Product) -> None:
    """Grissini standing in a glass."""
    h = house(product.brand)
    c.stands(58)
    c.near(330, 150)
    for place, (x, lean) in enumerate(((158, -11), (176, -5), (196, 2), (214, -2), (232, 7), (186, 9), (222, -8))):
        top = 112 + (place * 29) % 50
        c.body(rounded(x - 6, top, 12, 310, 6), shade("#d9a45a", 0.08 * (place % 3)), light="round", texture="crumb", ink="#7b4310",
               turn=f"rotate({lean} {x} 430)")  # fmt: skip
    c.body(mirrored("M62 262L54 424Q52 434 42 434L0 434"), "#e7efec", light="glass", opacity=0.28)
    c.line("M138 262q62 8 124 0", "#fff", 2, opacity=0.8)
    c.body("M142 318q58 6 116 0l-3 62q-56 6-110 0Z", h.paper, light="round", texture="kraft", ink="#000")
    c.text("Grissini", CENTRE, 350, size=19, colour=h.ink)
    c.text(product.brand.upper(), CENTRE, 368, size=8, fit=94, colour=h.second, spacing=1.4)


def _vanilla(c: Canvas, product: Product) -> None:
    """Vanilla pods, tied with twine, in a glass tube beside them."""
    h = house(product.brand)
    for place in range(6):
        x = 150 + place * 13
        c.body(f"M{x} 108q-10 120 {place * 3 - 6} 300q4 14 10 0 12-160-2-300-4-10-8 0Z", shade("#3a2318", 0.06 * (place % 3)), light="round",
               texture="rib", ink="#000", shadow=True)  # fmt: skip
    c.line("M140 268q46 12 92 0M140 276q46 12 92 0", "#c9b48a", 4)
    c.line("M196 276q-26 26-8 34 14 2 8-34 26 26 12 36-16 4-12-36", "#c9b48a", 3)
    c.body(rounded(266, 120, 42, 290, 20), "#dfe7e4", light="glass", opacity=0.4, shadow=True)
    c.body(rounded(276, 176, 7, 220, 4) + rounded(288, 168, 7, 230, 4), "#3a2318", light="round")
    c.body(rounded(264, 112, 46, 34, 6), "#b98a56", light="round", texture="wood", ink="#3b2412")
    c.body("M267 220h40v110h-40Z", h.paper, light="round")
    c.text("Vanilla", 290, 276, size=16, colour=h.ink, turn="rotate(-90 287 276)")
    c.focus = (190, 270)


_CHEDDAR = partial(wedge, paste="#ecc35f", rind="#b08a58")

DRAWINGS: dict[str, Drawing] = {
    "Parmigiano Reggiano 24 months": partial(wedge, paste="#efd491", rind="#c8923f", bits="crumb", ink="#fff6dd"),
    "Pecorino Toscano": partial(wedge, paste="#f3e4b4", rind="#9a6a34"),
    "Gorgonzola Dolce": partial(wedge, paste="#f4ecd2", rind="#d8c9a4", bits="veins", ink="#6d8a7c"),
    "Burrata": _ball,
    "Comté 18 months": partial(wedge, paste="#edcf7c", rind="#8a5c2c"),
    "Brie de Meaux": _wheel,
    "Roquefort": partial(wedge, paste="#f3eee0", rind="#ddd5c0", bits="veins", ink="#3f6a74"),
    "Manchego": partial(wedge, paste="#f1dda2", rind="#4a3a26"),
    "Somerset Cheddar": _CHEDDAR,
    "Stilton": partial(wedge, paste="#f0e2ba", rind="#b79a6a", bits="veins", ink="#44606e"),
    "Prosciutto di Parma": partial(_slices, meat="#c9615a", fat="#f3dccb"),
    "Finocchiona salami": partial(_sausage, meat="#a83a34", skin="#d9c9b4"),
    "Jamón Ibérico": partial(_slices, meat="#93282c", fat="#f0d9b4"),
    "Saucisson sec": partial(_sausage, meat="#8f2f2c", skin="#e6dccb"),
    "Sourdough loaf": partial(_loaf, crust="#a8672c"),
    "Focaccia with rosemary": _focaccia,
    "Rye bread": partial(_loaf, crust="#5b3a20", shape="tin"),
    "Grissini": _sticks,
    "Vanilla pods": _vanilla,
}

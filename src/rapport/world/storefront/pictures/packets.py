"""Packets, tins, boxes and bars: pasta and rice, coffee and tea, flour, biscuits, chocolate."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rapport.world.catalogue import Product
from rapport.world.storefront.pictures.canvas import CENTRE, FLOOR, Canvas, mirrored, oval, rounded, shade
from rapport.world.storefront.pictures.labels import house, label

__all__ = ["DRAWINGS", "bag", "bar", "box", "caddy"]

Drawing = Callable[[Canvas, Product], None]


def bag(
    c: Canvas, product: Product, *, paper: str = "", high: float = 260, half: float = 78, window: str = "",
    pasta: str = "", valve: bool = False, x: float = CENTRE,
) -> None:  # fmt: skip
    """A paper bag folded over at the top; through its window one sees the `pasta` (a shape) in `window`'s colour."""
    h, top = house(product.brand), FLOOR - high
    paper = paper or (h.ink if h.design == "band" else h.paper)
    c.stands(half, x=x)
    c.near(high, 2 * half, x=x)
    side = f"M{half - 7} {top + 30}L{half} {FLOOR - 6}Q{half} {FLOOR} {half - 8} {FLOOR}L0 {FLOOR}"
    c.body(mirrored(side, x=x), paper, light="flat", texture="kraft", ink=shade(paper, -0.6))
    c.fill(
        f"M{x + half - 20} {top + 32}L{x + half - 14} {FLOOR}h8q6 0 6-6L{x + half - 7} {top + 32}Z",
        "#000",
        opacity=0.15,
    )
    c.fill(f"M{x - half + 7} {top + 32}h9L{x - half + 11} {FLOOR}h-5q-6 0-6-6Z", "#fff", opacity=0.34)
    c.line(
        f"M{x + half - 30} {FLOOR - 4}q-14-22-16-58M{x - half + 24} {top + 40}q12 12 14 34", "#000", 1.2, opacity=0.13
    )
    c.body(f"M{x - half + 9} {top}h{2 * half - 18}l3 34h{-2 * half + 12}Z", shade(paper, -0.05), light="flat")
    c.fill(f"M{x - half + 6} {top + 34}h{2 * half - 12}v7h{-2 * half + 12}Z", "#000", opacity=0.16)
    c.line(f"M{x - half + 8} {top + 17}h{2 * half - 16}", "#000", 1, opacity=0.18)
    c.body(rounded(x - half + 2, top + 21, 2 * half - 4, 6, 2), h.second, light="metal")
    if window:
        _window(c, x, FLOOR - high * 0.21, half, window, pasta)
    if valve:
        c.line(oval(x, top + 54, 5, 5), shade(paper, -0.4), 1.4)
    space = high * (0.4 if window else 0.5)
    label(
        c,
        top + high * (0.24 if window else 0.3),
        space,
        half * 0.8,
        product.name,
        product.brand,
        below=product.origin,
        x=x,
        bend=1,
    )


def _window(c: Canvas, x: float, y: float, half: float, colour: str, pasta: str) -> None:
    w, k = half * 0.78, half * 0.36
    c.body(rounded(x - w, y - k, 2 * w, 2 * k, k), shade(colour, -0.28), light="inside")
    if pasta == "long":
        for step in range(12):
            c.line(
                f"M{x - w + 8} {y - k + 6 + step * (2 * k - 12) / 11}h{2 * w - 16}",
                shade(colour, 0.1 * (step % 3)),
                2.6,
            )
        return
    places = [(i, j) for j in range(3) for i in range(6)]
    for i, j in places:
        px, py = x - w * 0.78 + i * w * 0.31 + (j % 2) * 5, y - k * 0.52 + j * k * 0.52
        tone = shade(colour, 0.16 * ((i + j) % 3))
        if pasta == "tube":
            turn = f"rotate({-38 + 19 * ((i * 3 + j) % 5)} {px} {py})"
            c.fill(rounded(px - 9, py - 3.4, 18, 6.8, 2), tone, turn=turn)
            c.line(f"M{px - 7} {py}h14", shade(colour, -0.3), 0.7, turn=turn)
        elif pasta == "nest":
            c.line(oval(px, py, 8, 5) + oval(px, py, 4.5, 2.6), tone, 2)
        elif pasta == "spiral":
            c.line(f"M{px - 9} {py}q2.5-5 4.5 0t4.5 0 4.5 0 4.5 0", tone, 3)
        elif pasta == "ear":
            c.fill(oval(px, py, 6.5, 5), tone)
            c.fill(oval(px + 1, py + 1, 3, 2.2), shade(colour, -0.22))
        else:
            for dx, dy in ((-6, -2), (0, 3), (5, -3), (-2, -5), (7, 3)):
                c.fill(
                    oval(px + dx, py + dy, 3.6, 1.5),
                    tone,
                    turn=f"rotate({(i * 40 + dx * 20) % 180} {px + dx} {py + dy})",
                )


def caddy(c: Canvas, product: Product, *, colour: str, high: float = 176, half: float = 60, x: float = CENTRE) -> None:
    """A round tin with a pressed lid."""
    top = FLOOR - high
    c.stands(half, x=x)
    c.near(high + 10, 2 * half, x=x)
    c.body(
        mirrored(f"M{half} {top + 34}L{half} {FLOOR - 8}Q{half * 0.6} {FLOOR + 4} 0 {FLOOR + 3}", x=x),
        colour,
        light="round",
    )
    c.body(
        mirrored(f"M{half + 2} {top}L{half + 2} {top + 38}Q{half * 0.6} {top + 49} 0 {top + 48}", x=x),
        shade(colour, 0.1),
        light="metal",
    )
    c.body(oval(x, top, half + 2, 12), shade(colour, 0.22), light="flat")
    c.line(oval(x, top, half - 10, 8), shade(colour, -0.35), 1, opacity=0.6)
    label(c, top + 66, high - 92, half - 0.4, product.name, product.brand, below=product.origin, x=x, bend=9)


def box(
    c: Canvas, product: Product, *, colour: str = "", wide: float = 170, high: float = 210, deep: float = 34,
    ribbon: str = "", motif: str = "", name: str = "", x: float = CENTRE - 14,
) -> None:  # fmt: skip
    """A carton with its side and lid in view; `ribbon` ties it, `motif` is strewn over its front."""
    h = house(product.brand)
    colour = colour or h.paper
    left, right, top = x - wide / 2, x + wide / 2, FLOOR - high
    c.stands(wide / 2 + deep / 2, x=x + deep / 2)
    c.near(high + deep * 0.55 + (30 if ribbon else 0), wide + deep, x=x + deep / 2)
    c.body(
        f"M{right} {top}l{deep}-{deep * 0.55}V{FLOOR - deep * 0.55}L{right} {FLOOR}Z",
        shade(colour, -0.26),
        light="inside",
    )
    c.body(f"M{left} {top}l{deep}-{deep * 0.55}H{right + deep}L{right} {top}Z", shade(colour, 0.2), light="flat")
    c.body(f"M{left} {top}H{right}V{FLOOR}H{left}Z", colour, light="flat", texture=motif or "kraft", ink=h.second)
    if ribbon:
        c.body(f"M{x - 9} {top}h18V{FLOOR}h-18Z", ribbon, light="round")
        c.body(f"M{x - 9} {top}l{deep}-{deep * 0.55}h18l-{deep} {deep * 0.55}Z", shade(ribbon, 0.1), light="")
        _bow(c, x + deep / 2, top - deep * 0.26, ribbon)
    space = min(118.0, high * 0.6)
    label(
        c,
        top + (high - space) / 2 + 6,
        space,
        wide * 0.36,
        name or product.name,
        product.brand,
        below=product.origin,
        x=x,
        bend=0,
    )


def _bow(c: Canvas, x: float, y: float, colour: str) -> None:
    c.body(f"M{x} {y}q-40-42-56-14-2 22 56 14Z", colour, light="ball")
    c.body(f"M{x} {y}q40-42 56-14 2 22-56 14Z", colour, light="ball")
    c.body(f"M{x - 4} {y}q-22 12-32 40l12-4 6 8q6-26 20-42Z", shade(colour, -0.1), light="flat")
    c.body(f"M{x + 4} {y}q22 12 32 40l-12-4-6 8q-6-26-20-42Z", shade(colour, -0.1), light="flat")
    c.body(oval(x, y, 9, 8), shade(colour, -0.08), light="ball")


def bar(c: Canvas, product: Product, *, cocoa: str, x: float = CENTRE, turn: float = -8) -> None:
    """A bar of chocolate in its sleeve, unwrapped at the top."""
    h = house(product.brand)
    spin = f"rotate({turn} {x} 260)"
    c.body(rounded(x - 66, 96, 132, 320, 4), "#d9d2c4", light="metal", shadow=True, turn=spin)
    c.body(rounded(x - 60, 84, 120, 150, 3), cocoa, light="flat", shadow=True, turn=spin)
    for row in range(3):
        for column in range(3):
            px, py = x - 56 + column * 38, 90 + row * 42
            c.body(rounded(px, py, 35, 38, 3), shade(cocoa, 0.06), light="flat", turn=spin)
            c.line(rounded(px + 5, py + 5, 25, 28, 2), shade(cocoa, -0.35), 1, opacity=0.6, turn=spin)
    c.fill(
        f"M{x - 68} 196l12 10 12-12 14 12 12-10 12 12 14-14 12 10 12-8 12 10 12-12 12 10V230H{x - 68}Z",
        "#efe9dc",
        turn=spin,
    )
    c.body(rounded(x - 67, 214, 134, 204, 3), shade(h.second, -0.12), light="flat", turn=spin)
    c.fill(rounded(x - 52, 240, 104, 150, 2), h.paper, turn=spin)
    c.text(product.name.split()[0], x, 292, size=22, fit=92, colour=h.ink, turn=spin)
    c.text(" ".join(product.name.split()[1:]), x, 316, size=16, fit=92, colour=h.ink, style="italic", turn=spin)
    c.line(f"M{x - 24} 334h48", h.second, 1, turn=spin)
    c.text(product.brand.upper(), x, 352, size=9, fit=90, colour=h.ink, spacing=1.4, turn=spin)
    c.focus = (x, 216)


def _biscuits(c: Canvas, product: Product, *, shape: str, tone: str) -> None:
    """A cellophane bag of biscuits with a printed band, some of them before it."""
    c.stands(92)
    c.near(296, 210)
    c.body(mirrored("M44 150Q58 190 88 214Q98 320 88 426Q84 436 72 436L0 436"), shade(tone, 0.22), light="round")
    for row in range(7):
        for column in range(4):
            x, y = 130 + column * 46 + (row % 2) * 9, 236 + row * 30
            _biscuit(c, x, y, shape, shade(tone, 0.12 * ((row + column) % 3)))
    c.lit(mirrored("M44 150Q58 190 88 214Q98 320 88 426Q84 436 72 436L0 436"), "glass", opacity=0.5)
    c.body(mirrored("M58 122Q50 150 30 158L0 158"), "#f2ead8", light="flat")
    c.body(rounded(156, 150, 88, 13, 6), house(product.brand).second, light="metal")
    label(c, 268, 92, 84, product.name, product.brand, bend=4)
    for x, y in ((96, 430), (132, 440), (300, 438)):
        c.stands(16, x=x, y=y + 5)
        _biscuit(c, x, y, shape, shade(tone, 0.1), big=1.5)


def _biscuit(c: Canvas, x: float, y: float, shape: str, tone: str, *, big: float = 1.0) -> None:
    if shape == "round":
        c.body(oval(x, y, 19 * big, 13 * big), tone, light="ball")
        c.line(f"M{x - 9 * big} {y - 2}q5 4 9 0m3 4q3-5 7-1", shade(tone, -0.3), 1.2)
    elif shape == "waffle":
        c.body(oval(x, y, 21 * big, 14 * big), tone, light="ball")
        c.line(f"M{x - 14 * big} {y - 5}h{28 * big}M{x - 17 * big} {y + 1}h{34 * big}M{x - 7} {y - 11 * big}v{22 * big}M{x + 6} {y - 11 * big}v{22 * big}",
               shade(tone, -0.35), 1)  # fmt: skip
    elif shape == "finger":
        c.body(rounded(x - 20 * big, y - 8 * big, 40 * big, 16 * big, 3), tone, light="flat")
        c.line(f"M{x - 12} {y}h.1M{x - 4} {y}h.1M{x + 4} {y}h.1M{x + 12} {y}h.1", shade(tone, -0.4), 2.4)
    else:
        c.body(rounded(x - 21 * big, y - 9 * big, 42 * big, 18 * big, 9), tone, light="ball")
        c.line(f"M{x - 8} {y - 3}q4 3 8 1m4 3q4-2 6 0", shade(tone, -0.35), 2)


def _truffles(c: Canvas, product: Product) -> None:
    """An open box of truffles in paper cups."""
    h = house(product.brand)
    c.body(rounded(84, 84, 232, 150, 6), shade(h.ink, 0.08), light="flat", shadow=True)
    c.text(product.brand.upper(), CENTRE, 156, size=19, fit=190, colour=h.second, spacing=3)
    c.text("chocolate truffles", CENTRE, 182, size=15, fit=190, colour=h.paper, style="italic")
    c.body(rounded(78, 236, 244, 190, 6), h.ink, light="flat", shadow=True)
    c.body(rounded(90, 248, 220, 166, 3), "#d9cbb2", light="inside")
    tones = ("#3b2115", "#6b3f23", "#d8c1a0", "#4a2817")
    for row in range(3):
        for column in range(4):
            x, y = 121 + column * 53, 279 + row * 52
            c.fill(oval(x, y, 24, 24), "#8d6b45")
            c.line(oval(x, y, 22, 22), "#f0e4cc", 4, dash="2 3")
            c.body(oval(x, y - 2, 18, 18), tones[(row * 3 + column) % 4], light="ball", texture="kraft", ink="#fff")
    c.focus = (CENTRE, 320)


def _panettone(c: Canvas, product: Product) -> None:
    h = house(product.brand)
    c.stands(96)
    c.near(290, 200)
    c.body(mirrored("M92 262Q104 196 62 170Q30 152 0 152"), "#8a4a1e", light="ball", texture="crumb", ink="#3a1a08")
    c.body(mirrored("M90 262L82 432Q40 438 0 438"), "#d9b98a", light="round", texture="rib", ink="#7b5426")
    for step in range(8):
        c.fill(oval(132 + step * 20, 196 + (step * 37) % 44, 4, 3), "#3a1f14" if step % 2 else "#e39a2c")
    c.body("M113 300h174l-3 62H116Z", h.second, light="round")
    label(c, 290, 84, 50, product.name, product.brand, bend=3)


_PASTA = "#e9c67a"
_TIN = partial(caddy, high=190, half=66)

DRAWINGS: dict[str, Drawing] = {
    "Spaghetti di Gragnano": partial(bag, window=_PASTA, pasta="long", half=64, high=290),
    "Penne Rigate": partial(bag, window=_PASTA, pasta="tube"),
    "Orecchiette": partial(bag, window=_PASTA, pasta="ear"),
    "Pappardelle all'uovo": partial(bag, window="#efc257", pasta="nest"),
    "Tagliatelle with truffle": partial(bag, window="#d9b56a", pasta="nest"),
    "Fusilli wholewheat": partial(bag, window="#b98a4e", pasta="spiral"),
    "Carnaroli risotto rice": partial(bag, window="#f2ead6", pasta="grain", high=230),
    "Arborio risotto rice": partial(bag, window="#efe6cc", pasta="grain", high=230, paper="#dfe6cf"),
    "Paella rice": partial(bag, window="#f0e2c0", pasta="grain", high=220, paper="#e8b53c"),
    "Basmati aged two years": partial(bag, window="#f4eddc", pasta="grain", high=240),
    "Udon noodles": partial(bag, window="#f1e8d4", pasta="long", high=220),
    "Soba noodles": partial(bag, window="#a58b6c", pasta="long", high=220),
    "Espresso beans 1 kg": partial(bag, high=300, half=84, valve=True),
    "Espresso beans 250 g": partial(bag, high=214, half=64, valve=True, paper="#7a2a22"),
    "Ethiopian filter beans": partial(bag, high=230, half=68, valve=True, paper="#d98a4a"),
    "Colombian filter beans": partial(bag, high=230, half=68, valve=True, paper="#6f8f7c"),
    "Decaf beans": partial(bag, high=230, half=68, valve=True, paper="#b7aeb8"),
    "Ground moka coffee": partial(_TIN, colour="#1d3557"),
    "English breakfast tea": partial(_TIN, colour="#7a2a2a"),
    "Earl Grey": partial(_TIN, colour="#34507a"),
    "Darjeeling first flush": partial(_TIN, colour="#5f7f4a"),
    "Sencha": partial(_TIN, colour="#7f9a5a", high=160),
    "Matcha ceremonial": partial(caddy, colour="#2f4a33", high=124, half=60),
    "Peppermint leaves": partial(_TIN, colour="#5f9a8c"),
    "Dark chocolate 70 %": partial(bar, cocoa="#3d2115"),
    "Dark chocolate 85 %": partial(bar, cocoa="#2a1610", turn=6),
    "Milk chocolate sea salt": partial(bar, cocoa="#7a4a2b", turn=-4),
    "Gianduja squares": partial(box, colour="#c99a3c", wide=180, high=130, ribbon="#5a2f1a"),
    "Chocolate truffles box": _truffles,
    "Cantuccini": partial(_biscuits, shape="slice", tone="#c98f4e"),
    "Amaretti": partial(_biscuits, shape="round", tone="#d3a05c"),
    "Butter shortbread": partial(_biscuits, shape="finger", tone="#e6c483"),
    "Stroopwafels": partial(_biscuits, shape="waffle", tone="#c58a45"),
    "Panettone": _panettone,
    "Lebkuchen tin": partial(caddy, colour="#7d1f2a", high=128, half=96),
    "Oat crackers for cheese": partial(box, wide=150, high=200),
    "Flour type 00": partial(bag, high=240, half=74, paper="#f1ece0"),
    "Semolina": partial(bag, high=240, half=74, paper="#ecd9a4"),
    "Smoked paprika": partial(caddy, colour="#a5301f", high=150, half=52),
    "Dried porcini": partial(bag, high=210, half=70, window="#8a6238", pasta="ear"),
}

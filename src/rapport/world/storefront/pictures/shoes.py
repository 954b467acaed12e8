"""Shoes and boots, a pair seen from the side, the second a little behind."""

from __future__ import annotations

from functools import partial

from rapport.world.catalogue import Product
from rapport.world.storefront.pictures.canvas import Canvas, oval, rounded, shade
from rapport.world.storefront.pictures.cloth import Drawing, seam

__all__ = ["DRAWINGS"]


def _pair(c: Canvas, one: Drawing, product: Product) -> None:
    c.stands(140, x=196, y=430)
    for turn in ("translate(70 -44) scale(.92)", ""):
        with c.moved(turn):
            one(c, product)
        if turn:
            c.stands(120, x=180, y=432)


def _sole(c: Canvas, colour: str, *, heel: float = 0, thick: float = 14) -> None:
    low = 430
    d = f"M60 {low - thick}Q58 {low} 70 {low}H{126 if heel else 330}"
    d += f"l4-{heel}q40-2 80 {heel - 2}H330" if heel else ""
    c.body(d + f"q18 0 14-{thick}Z", colour, light="flat")
    if heel:
        c.body(f"M62 {low - thick}H128l-2 {thick + heel * 0.4}H66Z", shade(colour, -0.2), light="flat")


def _ankle(c: Canvas, product: Product, *, leather: str) -> None:
    c.body(
        "M70 244q62-12 96-2 4 50 20 72 40 30 92 42 58 12 64 44 2 16-6 18H66q-8-2-6-18 14-90 10-156Z",
        leather,
        light="ball",
        texture="leather",
    )
    c.fill("M74 246q58-10 90-2-40 12-88 8Z", "#2a1810", opacity=0.9)
    c.body("M112 250l34 0q2 44 12 72-20 10-40 0-10-40-6-72Z", shade(leather, -0.4), light="flat", texture="rib")
    c.line("M186 314q-30 24-60 94M278 356q-30 18-26 60", "#000", 1.4, opacity=0.35)
    seam(c, "M182 316q-30 26-58 92", light=True)
    c.line("M86 236q8-20 18-2", shade(leather, -0.2), 6)
    _sole(c, "#3a2618", heel=0, thick=16)
    c.body("M60 414h78v22H66q-6 0-6-8Z", "#2b1a10", light="flat")


def _desert(c: Canvas, product: Product, *, suede: str) -> None:
    c.body(
        "M78 262q56-10 92 0 2 34 22 50 40 26 90 38 56 14 60 50 0 16-6 16H68q-8-2-6-16 18-76 16-138Z",
        suede,
        light="ball",
        texture="suede",
    )
    c.fill("M82 264q50-8 86-2-34 14-84 8Z", "#2a1c10", opacity=0.85)
    c.body("M140 262l32-4q8 36 30 54l-40 28q-24-30-22-78Z", shade(suede, -0.06), light="flat", texture="suede")
    for x, y in ((156, 284), (164, 306)):
        c.fill(oval(x, y, 3, 3), "#2a1c10")
        c.line(f"M{x} {y}l34-8", "#e9dcc4", 3.4)
    c.line("M190 278q24-14 34 4-10 10-30 0m2 4q20 16 30 30", "#e9dcc4", 3)
    seam(c, "M204 314Q170 350 176 410")
    _sole(c, "#d9b98a", thick=18)


def _loafer(c: Canvas, product: Product, *, leather: str) -> None:
    c.body(
        "M72 316q40-18 92-6 20 16 66 22 70 10 98 42 18 22 14 40 0 4-6 4H66q-8-2-6-16 12-40 12-86Z",
        leather,
        light="ball",
        texture="leather",
    )
    c.fill("M78 318q40-16 84-6 10 10 30 16-50 16-112 2Z", "#2a1810", opacity=0.9)
    c.body("M190 326q50-10 98 16 34 18 28 34-34 20-84 2-40-18-42-52Z", shade(leather, 0.07), light="flat")
    seam(c, "M190 330q4 34 44 48 46 16 80-2", width=2)
    c.body("M166 314l34 12q10 26 26 50l-28 16q-30-38-32-78Z", shade(leather, -0.1), light="flat", texture="leather")
    c.fill("M186 346l22-4 6 12-22 6Z", "#1a0e08")
    _sole(c, "#2b1a10", thick=13)
    c.body("M60 416h70v20H66q-6 0-6-8Z", "#2b1a10", light="flat")


def _trainer(c: Canvas, product: Product, *, upper: str, texture: str, sole: str, accent: str) -> None:
    c.body(
        "M74 290q30-20 58-10 20 30 62 30 16-18 34-8 40 44 84 54 28 8 30 36l-2 20H64q-4-60 10-122Z",
        upper,
        light="ball",
        texture=texture,
    )
    c.fill("M80 292q26-14 50-8 16 24 52 28-54 20-104-8Z", shade(upper, -0.55), opacity=0.85)
    c.body("M74 290q-12 60-10 122h40q10-70-6-130Z", accent, light="flat")
    c.body("M300 354q40 12 42 42l-2 16h-70q4-46 30-58Z", shade(upper, -0.08), light="ball")
    c.body("M186 308q24-22 42-6 30 34 58 46l-34 40q-46-30-66-80Z", shade(upper, 0.06), light="flat", texture=texture)
    for step in range(5):
        x, y = 196 + step * 16, 330 + step * 10
        c.line(f"M{x} {y}l26-24", "#f4f1ea", 4.4)
        c.fill(oval(x - 1, y + 1, 2.6, 2.6), shade(upper, -0.5))
    seam(c, "M186 312Q190 370 240 408M120 300q14 60 4 108")
    c.body("M60 404H344q6 26-12 28H74q-18-2-14-28Z", sole, light="flat")
    c.line("M64 412H342", accent if texture == "canvas" else shade(sole, -0.15), 2.4, opacity=0.8)


def _rubber(c: Canvas, product: Product) -> None:
    boot = "#2f5a8a"
    c.body("M92 170q56-12 98 0l8 140q10 28 56 44 48 16 54 48 0 16-6 16H84q-8-2-6-18Z", boot, light="round")
    c.body(oval(141, 170, 49, 10), shade(boot, -0.5), light="inside")
    c.line("M92 190q50 12 99 0", "#f2c23c", 9)
    c.line("M206 350q30-20 54 4", "#fff", 5, opacity=0.4)
    c.line("M110 210q-6 90-10 150", "#fff", 7, opacity=0.25)
    c.body("M76 404H310q6 26-8 28H84q-12-2-8-28Z", "#f2c23c", light="flat")
    c.body(rounded(128, 238, 34, 26, 3), "#f3efe4", light="flat")
    c.line("M134 256q6-12 11-4 6-10 11 4", "#2f5a8a", 2.4)


def _shoes(c: Canvas, product: Product, *, one: Drawing) -> None:
    _pair(c, one, product)
    c.near(260, 330)
    c.focus = (180, 350)


DRAWINGS: dict[str, Drawing] = {
    "Leather ankle boots": partial(_shoes, one=partial(_ankle, leather="#3b2a22")),
    "Leather loafers": partial(_shoes, one=partial(_loafer, leather="#7a3a22")),
    "Canvas trainers": partial(
        _shoes, one=partial(_trainer, upper="#e9e2d2", texture="canvas", sole="#f6f3ea", accent="#b5453a")
    ),
    "Suede desert boots": partial(_shoes, one=partial(_desert, suede="#b08a5c")),
    "Leather trainers": partial(
        _shoes, one=partial(_trainer, upper="#f1efe9", texture="leather", sole="#ffffff", accent="#3f5a4c")
    ),
    "Rubber boots": partial(_shoes, one=_rubber),
}

"""Labels: what is printed on bottles, jars, packets and tins. Each maker keeps to one design and two colours."""

from __future__ import annotations

from typing import NamedTuple

from rapport.world.storefront.pictures.canvas import CENTRE, Canvas, oval

__all__ = ["House", "house", "label", "two_lines"]


class House(NamedTuple):
    """How a maker prints: the design, the paper, the ink, and a second colour."""

    design: str
    paper: str
    ink: str
    second: str


_HOUSES: dict[str, House] = {
    "Poggio Alto": House("hill", "#f6efdf", "#3a2a1c", "#a8322d"),
    "Fonte Lunga": House("classic", "#f4ead2", "#4b1f1f", "#b08a3e"),
    "Villa Serena": House("arch", "#f3efe6", "#2c3a34", "#7a9078"),
    "Colle Sole": House("sun", "#faf3e0", "#40301e", "#d9882b"),
    "Cascina Nuova": House("modern", "#f7f4ee", "#1f1f1f", "#8a2438"),
    "Ca' dei Fiori": House("sprig", "#f8f4ea", "#39443a", "#b9687a"),
    "Isola Antica": House("band", "#1f2d3a", "#e9dcc0", "#c9a45c"),
    "Masseria Blu": House("modern", "#f5f1e8", "#1f3557", "#2f5f9e"),
    "Domaine des Oliviers": House("sprig", "#f6f1e2", "#3b3f2a", "#6f7d46"),
    "Clos Marguerite": House("classic", "#faf5e8", "#2b2420", "#8c6b33"),
    "Maison Perrin": House("classic", "#f8f2e0", "#33261a", "#7b2a2f"),
    "Les Trois Pierres": House("arch", "#f3f0ea", "#2f3b45", "#8fa0a8"),
    "Bodega Luz": House("sun", "#f7ecd4", "#4a2013", "#c8572a"),
    "Dos Piedras": House("modern", "#efe9dd", "#2d2b28", "#b5651d"),
    "Quinta do Vale": House("hill", "#f4f1e6", "#24443a", "#3f8f7c"),
    "Alto Sur": House("band", "#2b2230", "#eadfd2", "#b98dc0"),
    "Red Gum Road": House("band", "#7a2a1d", "#f6e4cf", "#e9b36a"),
    "Weingut Sonnhalde": House("classic", "#f7f3e4", "#283a2a", "#b59a3f"),
    "Hofgut Lenz": House("modern", "#f6f3ea", "#2c4632", "#8fae4d"),
    "Fern & Tide": House("sprig", "#f5f5ef", "#21443d", "#4f9a83"),
    "Aubry & Fils": House("classic", "#f9f5ea", "#20304a", "#b8953f"),
    "Chalk Lane": House("modern", "#f8f7f3", "#24343a", "#6f9bb0"),
    "Frantoio Gallo": House("sprig", "#f3eeda", "#33401f", "#7c8b33"),
    "Acetaia Bruni": House("band", "#241712", "#ecd9b4", "#c39a4c"),
    "Casa Marisol": House("sun", "#fbf2dc", "#7a2617", "#e0a02f"),
    "Nonna Lia": House("arch", "#fbf4e6", "#8b2e22", "#c94f39"),
    "Orto del Sole": House("sun", "#fdf4df", "#94271d", "#e2622f"),
    "Moulin Bleu": House("modern", "#f7f4ec", "#24416b", "#4f79b5"),
    "Tidepool": House("modern", "#eef3f2", "#1f4a52", "#5aa0a4"),
    "Kumo": House("plain", "#f4f1ea", "#25282b", "#b23a30"),
    "Mulino Rossi": House("band", "#1f4470", "#fff6e0", "#e8c24b"),
    "Risaia Verde": House("hill", "#f4f2e3", "#2f5230", "#6da04b"),
    "Spice Quarter": House("arch", "#fbf0da", "#5a2417", "#d47a24"),
    "Torrefazione Blu": House("band", "#1d3557", "#f5ead2", "#d9a441"),
    "Harbour Roast": House("modern", "#f2eee6", "#2a2f33", "#cf6a3a"),
    "Penrose Tea": House("sprig", "#f2efe2", "#2d4139", "#8b6fa0"),
    "Cacao Nord": House("plain", "#f5efe6", "#33211a", "#c98a3a"),
    "Torino Dolce": House("arch", "#faefd9", "#5a2f1a", "#d19a35"),
    "Forno Antico": House("arch", "#fbf3e2", "#6a3a1d", "#d08a3e"),
    "Hollow Farm": House("hill", "#f7f3e6", "#3a4a2c", "#8aa35a"),
    "Molenaar": House("modern", "#f8f4ea", "#b5541c", "#e39a3c"),
    "Konditorei Lang": House("classic", "#fbf1dd", "#6f1f26", "#c9a04a"),
    "Apiario Sole": House("sun", "#fdf6e0", "#5a3d12", "#e8ac2d"),
    "Moorland Bees": House("sprig", "#f7f1e6", "#4c3a56", "#9a6fae"),
    "Porto Azul": House("modern", "#f6f2e4", "#1d4f80", "#e0b33c"),
    "Bosco Umbro": House("hill", "#f4eddc", "#4a3521", "#9a6a3a"),
    "Atelier Brume": House("plain", "#f6f3ee", "#3a3836", "#8d8478"),
    "Latteria Monti": House("hill", "#f6f2e6", "#28456b", "#6d93bd"),
    "Fruitière du Lac": House("arch", "#f7f1e0", "#224a4a", "#5c9a97"),
    "Salumeria Conti": House("classic", "#faf1e2", "#7a1f22", "#b98a3a"),
    "Maison Roussel": House("modern", "#f8f2e6", "#7a1f2a", "#c25b4f"),
}


def house(brand: str) -> House:
    """How a maker prints; a plain paper label where it has no design of its own."""
    return _HOUSES.get(brand, House("plain", "#f6f1e6", "#2c2622", "#8a6d4b"))


def two_lines(words: str) -> list[str]:
    """A name on one line, or on two about as long as each other."""
    parts = words.split()
    if len(words) < 13 or len(parts) < 2:
        return [words]
    cut = min(range(1, len(parts)), key=lambda n: abs(len(" ".join(parts[:n])) - len(" ".join(parts[n:]))))
    return [" ".join(parts[:cut]), " ".join(parts[cut:])]


def label(
    c: Canvas, top: float, high: float, half: float, name: str, brand: str, *, below: str = "", x: float = CENTRE,
    bend: float = 3,
) -> None:  # fmt: skip
    """A label round a body of this half width: its paper, its picture, the name, the maker, and a word `below`."""
    h = house(brand)
    c.body(
        f"M{x - half} {top}q{half} {bend} {2 * half} 0v{high}q{-half} {bend} {-2 * half} 0Z", h.paper,
        light="round", texture="kraft", ink=h.ink,
    )  # fmt: skip
    _DESIGNS[h.design](c, h, (x, top, high, half))
    centre, fit = top + high * 0.56, half * 1.66
    ink = h.paper if h.design == "modern" and high < 60 else h.ink
    lines = two_lines(name)
    size = min(15.0, high * 0.17)
    for place, words in enumerate(lines):
        style = "sans" if h.design in ("modern", "plain") else "serif"
        c.text(
            words if h.design != "band" else words.upper(), x, centre + place * size * 1.15, size=size, fit=fit,
            colour=h.ink, style=style, weight=600 if h.design == "modern" else 400,
        )  # fmt: skip
    foot = centre + len(lines) * size * 1.15 + 1
    c.text(brand.upper(), x, foot + high * 0.04, size=min(7.5, high * 0.085), fit=fit, colour=ink, spacing=0.8)
    if below and high > 100 and len(lines) == 1:
        c.text(below, x, top + high - 7, size=6.5, fit=fit, colour=h.second, style="italic")
    c.focus = (x, top + high / 2)


_Place = tuple[float, float, float, float]


def _classic(c: Canvas, h: House, at: _Place) -> None:
    x, top, high, half = at
    inset = half - 5
    c.line(f"M{x - inset} {top + 6}h{2 * inset}v{high - 9}h{-2 * inset}Z", h.second, 0.9, opacity=0.8)
    c.line(f"M{x - inset + 2.5} {top + 8.5}h{2 * inset - 5}v{high - 14}h{5 - 2 * inset}Z", h.second, 0.4, opacity=0.8)
    s = high * 0.14
    y = top + high * 0.24
    c.fill(f"M{x - s} {y - s}h{2 * s}v{s}q0 {s} {-s} {1.3 * s}q{-s}-{0.3 * s} {-s}-{1.3 * s}Z", h.second, opacity=0.9)
    c.line(f"M{x} {y - s}v{2.2 * s}M{x - s} {y - 0.1 * s}h{2 * s}", h.paper, 1.2)
    c.line(f"M{x - s - 4} {y + s}q-7-6-3-14M{x + s + 4} {y + s}q7-6 3-14", h.second, 0.9)


def _hill(c: Canvas, h: House, at: _Place) -> None:
    x, top, high, half = at
    y, w = top + high * 0.36, half - 3
    c.fill(
        f"M{x - w} {y}q{w * 0.5}-{high * 0.2} {w}-{high * 0.06}t{w}-{high * 0.04}V{y + 3}H{x - w}Z",
        h.second,
        opacity=0.9,
    )
    c.fill(f"M{x - w} {y + 3}q{w * 0.8}-{high * 0.14} {2 * w} 0Z", h.ink, opacity=0.55)
    for step in (-0.42, -0.3, -0.18):
        t = x + w * step
        c.fill(f"M{t} {y - high * 0.08}q-3-9 0-17 3 8 0 17Z", h.ink)
    c.fill(oval(x + w * 0.5, y - high * 0.2, 5, 5), h.second, opacity=0.8)


def _arch(c: Canvas, h: House, at: _Place) -> None:
    x, top, high, half = at
    w, y = half * 0.5, top + high * 0.4
    c.line(f"M{x - w} {y}v-{high * 0.12}a{w} {w} 0 0 1 {2 * w} 0v{high * 0.12}Z", h.ink, 1.1)
    for step in (0.68, 0.36):
        c.line(
            f"M{x - w * step} {y}v-{high * 0.12}a{w * step} {w * step} 0 0 1 {2 * w * step} 0v{high * 0.12}",
            h.second,
            1,
        )


def _sun(c: Canvas, h: House, at: _Place) -> None:
    x, top, high, half = at
    r, y = min(half * 0.3, high * 0.14), top + high * 0.25
    c.fill(oval(x, y, r, r), h.second)
    c.line(oval(x, y, r * 1.6, r * 1.6), h.second, 2.2, dash="1.2 3.4")
    c.fill(f"M{x - half} {top + high * 0.93}q{half} 3 {2 * half} 0v{high * 0.07}q{-half} 3 {-2 * half} 0Z", h.second)


def _modern(c: Canvas, h: House, at: _Place) -> None:
    x, top, high, half = at
    c.fill(f"M{x - half} {top}q{half} 3 {2 * half} 0v{high * 0.33}q{-half} 3 {-2 * half} 0Z", h.second, opacity=0.92)
    c.lit(f"M{x - half} {top}q{half} 3 {2 * half} 0v{high * 0.33}q{-half} 3 {-2 * half} 0Z", "round", opacity=0.6)
    r = high * 0.1
    c.line(f"M{x - r} {top + high * 0.24}l{r} {-1.4 * r} {r} {1.4 * r}Z", h.paper, 1.6)


def _sprig(c: Canvas, h: House, at: _Place) -> None:
    x, top, high, _ = at
    y, s = top + high * 0.4, high * 0.034
    c.line(f"M{x} {y}q-2-{5 * s} 0-{9 * s}", h.ink, 1)
    for step in range(4):
        b = y - s * (1 + 2 * step)
        for side in (-1, 1):
            c.fill(f"M{x} {b}q{side * 2 * s}-{3 * s} {side * 4.4 * s}-{1.8 * s} {-side * s} {2.4 * s} {-side * 4.4 * s} {1.8 * s}Z",
                   h.second if step % 2 else h.ink, opacity=0.85)  # fmt: skip


def _band(c: Canvas, h: House, at: _Place) -> None:
    x, top, high, half = at
    for y in (top + 5, top + high - 6):
        c.line(f"M{x - half} {y}q{half} 3 {2 * half} 0", h.second, 1.1)
    r = high * 0.11
    y = top + high * 0.26
    c.line(oval(x, y, r * 1.3, r * 1.3), h.second, 1)
    c.fill(f"M{x} {y - r}l{r * 0.3} {r * 0.7} {r * 0.7} {r * 0.3}-{r * 0.7} {r * 0.3}-{r * 0.3} {r * 0.7}-{r * 0.3}-{r * 0.7}"
           f"-{r * 0.7}-{r * 0.3} {r * 0.7}-{r * 0.3}Z", h.second)  # fmt: skip


def _plain(c: Canvas, h: House, at: _Place) -> None:
    x, top, high, half = at
    c.line(f"M{x - half * 0.62} {top + high * 0.4}h{half * 1.24}", h.ink, 0.7)
    c.fill(oval(x, top + high * 0.24, high * 0.085, high * 0.085), h.second)


_DESIGNS = {
    "classic": _classic, "hill": _hill, "arch": _arch, "sun": _sun, "modern": _modern, "sprig": _sprig, "band": _band,
    "plain": _plain,
}  # fmt: skip

"""The studio every product is drawn in: one backdrop, one light from the upper left, soft shadows, woven textures.

Pictures are 400 by 500. A body is given as an outline and a colour; light and texture are laid over it, so that all
bodies stand in the same light. Outlines that are the same on both sides are given by their right half (`mirrored`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape

from rapport.world.storefront.pictures.textures import TEXTURES

__all__ = ["CENTRE", "FLOOR", "HEIGHT", "WIDTH", "Canvas", "mirrored", "oval", "rounded", "shade", "sided"]

WIDTH, HEIGHT = 400, 500
CENTRE = 200
FLOOR = 436
"""Where things stand."""
DETAIL = 2.3
"""How much nearer the detail picture is."""

_LIGHTS = {
    "round": '<linearGradient id="round"><stop stop-opacity=".34"/><stop offset=".13" stop-opacity=".1"/>'
    '<stop offset=".27" stop-color="#fff" stop-opacity=".34"/><stop offset=".42" stop-color="#fff" stop-opacity=".06"/>'
    '<stop offset=".6" stop-opacity=".03"/><stop offset=".86" stop-opacity=".27"/><stop offset="1" stop-opacity=".42"/>'
    "</linearGradient>",
    "flat": '<linearGradient id="flat" x2="1" y2="1"><stop stop-color="#fff" stop-opacity=".24"/>'
    '<stop offset=".45" stop-color="#fff" stop-opacity=".02"/><stop offset=".6" stop-opacity=".02"/>'
    '<stop offset="1" stop-opacity=".24"/></linearGradient>',
    "ball": '<radialGradient id="ball" cx=".36" cy=".28" r=".8"><stop stop-color="#fff" stop-opacity=".42"/>'
    '<stop offset=".38" stop-color="#fff" stop-opacity=".05"/><stop offset=".62" stop-opacity=".06"/>'
    '<stop offset="1" stop-opacity=".42"/></radialGradient>',
    "metal": '<linearGradient id="metal"><stop stop-opacity=".42"/><stop offset=".1" stop-opacity=".02"/>'
    '<stop offset=".2" stop-color="#fff" stop-opacity=".75"/><stop offset=".32" stop-color="#fff" stop-opacity=".1"/>'
    '<stop offset=".5" stop-opacity=".22"/><stop offset=".66" stop-opacity=".05"/>'
    '<stop offset=".76" stop-color="#fff" stop-opacity=".32"/><stop offset=".86" stop-opacity=".2"/>'
    '<stop offset="1" stop-opacity=".5"/></linearGradient>',
    "inside": '<linearGradient id="inside" x2="0" y2="1"><stop stop-opacity=".45"/><stop offset="1" stop-opacity=".05"/>'
    "</linearGradient>",
    "glass": '<linearGradient id="glass"><stop stop-color="#3d4a4a" stop-opacity=".42"/>'
    '<stop offset=".07" stop-color="#fff" stop-opacity=".3"/><stop offset=".2" stop-color="#fff" stop-opacity=".55"/>'
    '<stop offset=".3" stop-color="#fff" stop-opacity=".1"/><stop offset=".75" stop-color="#fff" stop-opacity=".05"/>'
    '<stop offset=".93" stop-color="#fff" stop-opacity=".35"/><stop offset="1" stop-color="#3d4a4a" stop-opacity=".45"/>'
    "</linearGradient>",
    "ground": '<radialGradient id="ground"><stop stop-color="#2b2118" stop-opacity=".5"/>'
    '<stop offset=".55" stop-color="#2b2118" stop-opacity=".2"/><stop offset="1" stop-color="#2b2118" stop-opacity="0"/>'
    "</radialGradient>",
    "soft": '<filter id="soft" x="-20%" y="-20%" width="140%" height="140%"><feGaussianBlur stdDeviation="7"/></filter>',
}
_WALLS = {
    "Wine": ("#efe8de", "#d3c6b4"),
    "Food": ("#f2eadd", "#d9cbb5"),
    "Home": ("#ecebe6", "#cfccc2"),
    "Clothing": ("#efece6", "#d6d0c6"),
}
_NUMBER = re.compile(r"-?\d+\.?\d*")


class Canvas:
    """One picture in the making. `focus` is where the detail picture looks."""

    def __init__(self, department: str = "Home") -> None:
        self.focus: tuple[float, float] = (CENTRE, 250)
        self._wall = _WALLS.get(department, _WALLS["Home"])
        self._parts: list[str] = []
        self._outlines: dict[str, str] = {}
        self._used: dict[str, str] = {}
        self._flat = True
        self._floor_at: float | None = None
        self._view = (0.0, 0.0, float(WIDTH), float(HEIGHT))

    # -- bodies ----------------------------------------------------------------------------------------------------

    def body(
        self, outline: str, colour: str, *, light: str = "flat", texture: str = "", ink: str = "#000",
        shadow: bool = False, opacity: float = 1.0, turn: str = "",
    ) -> None:  # fmt: skip
        """Draw a body: its colour, its texture in `ink`, the light over both; `turn` is an SVG transform."""
        name = self._outlines.setdefault(outline, f"o{len(self._outlines)}")
        start = f'<g transform="{turn}">' if turn else ""
        if shadow:
            self._need("soft")
            self._parts.append(
                f'<use href="#{name}" transform="translate(7 11) {turn}" filter="url(#soft)" fill="#2b2118"'
                ' opacity=".34"/>'
            )
        see = f' opacity="{opacity:g}"' if opacity < 1 else ""
        parts = [f'<use href="#{name}" fill="{colour}"{see}/>']
        if texture:
            woven = f"{texture}-{ink.strip('#')}"
            self._used.setdefault(woven, TEXTURES[texture].format(id=woven, ink=ink))
            parts.append(f'<use href="#{name}" fill="url(#{woven})"/>')
        if light:
            self._need(light)
            parts.append(f'<use href="#{name}" fill="url(#{light})"/>')
        self._parts.append(start + "".join(parts) + ("</g>" if turn else ""))

    def line(
        self,
        path: str,
        colour: str = "#000",
        width: float = 1.5,
        *,
        opacity: float = 1.0,
        dash: str = "",
        turn: str = "",
    ) -> None:
        """A seam, a stitch, a stem."""
        more = f' stroke-dasharray="{dash}"' if dash else ""
        more += f' opacity="{opacity:g}"' if opacity < 1 else ""
        more += f' transform="{turn}"' if turn else ""
        self._parts.append(
            f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}" stroke-linecap="round"'
            f' stroke-linejoin="round"{more}/>'
        )

    def fill(self, path: str, colour: str, *, opacity: float = 1.0, turn: str = "") -> None:
        """A flat patch of colour: a shadow in a fold, a glint."""
        more = f' opacity="{opacity:g}"' if opacity < 1 else ""
        more += f' transform="{turn}"' if turn else ""
        self._parts.append(f'<path d="{path}" fill="{colour}"{more}/>')

    def lit(self, path: str, light: str, *, opacity: float = 1.0) -> None:
        """Light alone, over what is there already."""
        self._need(light)
        more = f' opacity="{opacity:g}"' if opacity < 1 else ""
        self._parts.append(f'<path d="{path}" fill="url(#{light})"{more}/>')

    def stands(self, half_width: float, *, x: float = CENTRE, y: float = FLOOR) -> None:
        """The shadow of what stands on the floor, falling to the right."""
        self._need("ground")
        self._flat = False
        for dx, rx, ry in ((half_width * 0.34, half_width * 1.5, 15), (2, half_width * 1.08, 6)):
            self._parts.append(f'<ellipse cx="{x + dx:g}" cy="{y:g}" rx="{rx:g}" ry="{ry}" fill="url(#ground)"/>')

    @contextmanager
    def moved(self, turn: str) -> Iterator[None]:
        """Everything drawn meanwhile is moved by this SVG transform."""
        self._parts.append(f'<g transform="{turn}">' if turn else "<g>")
        yield
        self._parts.append("</g>")

    def near(self, high: float, wide: float = 0.0, *, x: float = CENTRE) -> None:
        """Bring the camera nearer to something small that stands on the floor, this high and this wide."""
        seen = min(float(HEIGHT), max(210.0, high / 0.66, wide / 0.74 * HEIGHT / WIDTH))
        across = seen * WIDTH / HEIGHT
        left = min(max(0.0, x - across / 2), WIDTH - across)
        self._view = (left, min(HEIGHT - seen, FLOOR + 0.16 * seen - seen), across, seen)

    def framed(self, wide: float, high: float, *, floor: float | None) -> None:
        """Make it a wide picture with its floor at `floor`, or lying flat where that is None."""
        self._view = (0.0, 0.0, float(wide), float(high))
        self._flat, self._floor_at = floor is None, floor

    def text(
        self, words: str, x: float, y: float, *, size: float, fit: float = 400, colour: str = "#222",
        style: str = "serif", weight: int = 400, spacing: float = 0, anchor: str = "middle", turn: str = "",
    ) -> None:  # fmt: skip
        """Print words no wider than `fit`; `style` is serif, italic or sans."""
        wide = 0.62 if words.isupper() else 0.5
        size = min(size, (fit - spacing * len(words)) / (wide * max(1, len(words))))
        family = "Helvetica,Arial,sans-serif" if style == "sans" else "Georgia,'Times New Roman',serif"
        more = ' font-style="italic"' if style == "italic" else ""
        more += f' letter-spacing="{spacing:g}"' if spacing else ""
        more += f' font-weight="{weight}"' if weight != 400 else ""
        more += f' transform="{turn}"' if turn else ""
        self._parts.append(
            f'<text x="{x:g}" y="{y:g}" font-family="{family}" font-size="{size:.1f}" fill="{colour}"'
            f' text-anchor="{anchor}"{more}>{escape(words)}</text>'
        )

    # -- the picture -----------------------------------------------------------------------------------------------

    def drawn(self, *, detail: bool = False) -> str:
        """The picture as SVG text; the detail picture looks nearer at the focus."""
        x, y, wide, high = self._view
        if detail:
            left, top = x, y
            x = min(max(left, self.focus[0] - wide / DETAIL / 2), left + wide - wide / DETAIL)
            y = min(max(top, self.focus[1] - high / DETAIL / 2), top + high - high / DETAIL)
            wide, high = wide / DETAIL, high / DETAIL
        outlines = "".join(f'<path id="{name}" d="{d}"/>' for d, name in self._outlines.items())
        all_of_it = f"M{x:g} {y:g}h{wide:g}v{high:g}h{-wide:g}z"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{x:g} {y:g} {wide:g} {high:g}" width="{2 * WIDTH:g}" height="{2 * WIDTH * high / wide:g}">'
            f"<defs>{''.join(self._used.values())}{outlines}{self._room()}</defs>"
            f'<path fill="url(#wall)" d="{all_of_it}"/>{self._floor()}'
            f'<path fill="url(#lamp)" d="{all_of_it}"/>{"".join(self._parts)}</svg>'
        )

    def _room(self) -> str:
        bright, deep = self._wall
        return (
            f'<linearGradient id="wall" x2=".7" y2="1"><stop stop-color="{bright}"/><stop offset="1" stop-color="{deep}"/>'
            '</linearGradient><radialGradient id="lamp" cx=".2" cy=".12" r="1"><stop stop-color="#fff"'
            ' stop-opacity=".6"/><stop offset="1" stop-color="#fff" stop-opacity="0"/></radialGradient>'
            '<linearGradient id="cove" x2="0" y2="1"><stop stop-color="#fff" stop-opacity="0"/><stop offset=".3"'
            ' stop-color="#fff" stop-opacity=".34"/><stop offset="1" stop-color="#fff" stop-opacity=".1"/></linearGradient>'
        )

    def _floor(self) -> str:
        if self._flat:
            return ""
        x, y, wide, high = self._view
        far = (FLOOR if self._floor_at is None else self._floor_at) - 0.15 * high
        return f'<path fill="url(#cove)" d="M{x:g} {far:g}h{wide:g}v{y + high - far:g}h{-wide:g}z"/>'

    def _need(self, name: str) -> None:
        self._used.setdefault(name, _LIGHTS[name])


# -- outlines ------------------------------------------------------------------------------------------------------


def mirrored(half: str, *, x: float = CENTRE, closed: bool = True) -> str:
    """The whole outline from its right half: `M x y` and then `L`, `Q` and `C`, with x counted from the middle."""
    steps: list[tuple[str, list[tuple[float, float]]]] = []
    for letter, numbers in re.findall(r"([MLQC])([^MLQC]*)", half):
        values = [float(n) for n in _NUMBER.findall(numbers)]
        points = list(zip(values[::2], values[1::2], strict=True))
        per = {"M": 1, "L": 1, "Q": 2, "C": 3}[letter]
        steps += [(letter, points[i : i + per]) for i in range(0, len(points), per)]
    out = "".join(letter + _points(points, x, 1) for letter, points in steps)
    ends = [points[-1] for _, points in steps]
    back = f"L{_points([ends[-1]], x, -1)}"
    for place in range(len(steps) - 1, 0, -1):
        letter, points = steps[place]
        back += letter + _points([*reversed(points[:-1]), ends[place - 1]], x, -1)
    return out + back + ("Z" if closed else "")


def sided(path: str, side: int, *, x: float = CENTRE) -> str:
    """An outline on one side of the middle: x counts to the right where `side` is 1, to the left where it is -1."""
    steps = re.findall(r"([MLQC])([^MLQC]*)", path)
    drawn = ""
    for letter, numbers in steps:
        values = [float(n) for n in _NUMBER.findall(numbers)]
        drawn += letter + _points(list(zip(values[::2], values[1::2], strict=True)), x, side)
    return drawn


def _points(points: list[tuple[float, float]], x: float, side: int) -> str:
    return " ".join(f"{x + side * px:g} {py:g}" for px, py in points)


def oval(x: float, y: float, rx: float, ry: float) -> str:
    """An ellipse as an outline."""
    return f"M{x - rx:g} {y:g}a{rx:g} {ry:g} 0 1 0 {2 * rx:g} 0a{rx:g} {ry:g} 0 1 0 {-2 * rx:g} 0Z"


def rounded(x: float, y: float, wide: float, high: float, radius: float = 4) -> str:
    """A rectangle with round corners as an outline."""
    r = min(radius, wide / 2, high / 2)
    return (
        f"M{x + r:g} {y:g}h{wide - 2 * r:g}a{r:g} {r:g} 0 0 1 {r:g} {r:g}v{high - 2 * r:g}a{r:g} {r:g} 0 0 1 {-r:g} {r:g}"
        f"h{2 * r - wide:g}a{r:g} {r:g} 0 0 1 {-r:g} {-r:g}v{2 * r - high:g}a{r:g} {r:g} 0 0 1 {r:g} {-r:g}Z"
    )


def shade(colour: str, by: float) -> str:
    """A colour made darker (by < 0) or lighter (by > 0), at most to black or white at -1 and 1."""
    plain = colour.lstrip("#")
    plain = "".join(2 * c for c in plain) if len(plain) == 3 else plain
    parts = [int(plain[i : i + 2], 16) for i in (0, 2, 4)]
    goal = 255 if by > 0 else 0
    return "#" + "".join(f"{round(part + (goal - part) * abs(by)):02x}" for part in parts)

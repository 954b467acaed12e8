"""A journey as a picture: its steps with words, faults and numbers, and the ways between them. No I/O.

It is drawn of whatever somebody has written so far: a step that cannot be read yet is in it, too, with what is wrong.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from rapport.capabilities.journeys.checking import Fault
from rapport.capabilities.journeys.layout import NODE_HEIGHT, SIGN_HEIGHT, Place, Placed, Way, lay_out
from rapport.capabilities.journeys.model import Node, edges_of
from rapport.capabilities.journeys.wording import node_words, signs_of
from rapport.kernel.language import gettext

__all__ = ["ENTRY", "FAMILY", "Edge", "Picture", "Step", "draw", "faults_at"]

ENTRY = "$entry"
"""The place in the picture where people come in; no step may be called so."""

FAMILY: Mapping[str, tuple[str, str]] = {
    ENTRY: ("people", "green"), "wait": ("clock", "amber"), "hour": ("clock", "amber"), "fact": ("pulse", "amber"),
    "segment": ("people", "amber"), "branch": ("merge", "violet"), "split": ("merge", "violet"),
    "send": ("mail", "accent"), "decide": ("spark", "accent"), "ask": ("info", "accent"), "award": ("star", "blue"),
    "task": ("check", "blue"), "webhook": ("plug", "blue"), "trait": ("tag", "blue"), "exit": ("out", "grey"),
    "goal": ("target", "green"),
}  # fmt: skip
"""Icon and tone of each kind of step."""

_LINE, _LINES = 28, 2
_LONGEST_SIGN = 26


class Step(NamedTuple):
    """A step in the picture."""

    name: str
    kind: str
    x: float
    y: float
    lines: list[str]
    words: str
    fault: str
    """What is wrong with it; empty where nothing is."""


class Edge(NamedTuple):
    """A way in the picture."""

    source: str
    target: str
    path: str
    """Where in the step's JSON it stands."""
    words: str
    shown: str
    """The words, as far as there is room."""
    sign: Place
    width: int
    before: str
    after: str
    """What is drawn above the sign and below it, as paths."""
    is_back: bool


class Picture(NamedTuple):
    """The whole picture."""

    steps: list[Step]
    edges: list[Edge]
    width: int
    height: int


def draw(document: Mapping[str, Any], *, entry: str, faults: Sequence[Fault]) -> Picture:
    """Draw a graph as it is written; `entry` says who comes in."""
    nodes = {str(name): node for name, node in _dict(document.get("nodes")).items()}
    start = document.get("start")
    names = [ENTRY, *nodes]
    ways, words = [], {}
    if isinstance(start, str):
        ways.append(_way(ENTRY, start, "start", ""))
        words[(ENTRY, "start")] = ""
    for name, node in nodes.items():
        for path, target, said in _ways_of(node):
            ways.append(_way(name, target, path, said))
            words[(name, path)] = said
    placed = lay_out(names, ways)
    wrong = faults_at(faults)
    steps = []
    for name in names:
        said = entry if name == ENTRY else _said(nodes[name])
        kind = ENTRY if name == ENTRY else str(_dict(nodes[name]).get("kind", ""))[:20]
        place = placed.nodes[name]
        lines = textwrap.wrap(said, _LINE, max_lines=_LINES, placeholder=" …", break_long_words=True)
        steps.append(Step(name, kind, place.x, place.y, lines, said, "; ".join(wrong.get(name, []))))
    edges = [_edge(way, words[(way.source, way.path)], placed) for way in ways]
    return Picture(steps, edges, placed.width, placed.height)


def faults_at(faults: Sequence[Fault]) -> dict[str, list[str]]:
    """What is wrong, by the step it is in; what is in none stands at the entry."""
    found: dict[str, list[str]] = {}
    for fault in faults:
        inside = fault.path.startswith("$.nodes.")
        name = fault.path.removeprefix("$.nodes.").split(".")[0].split("[")[0] if inside else ENTRY
        found.setdefault(name, []).append(fault.message)
    return found


def read_node(node: Any) -> Any:
    """The step, or None where it cannot be read yet."""
    try:
        return msgspec.convert(node, Node)
    except (msgspec.ValidationError, RecursionError):
        return None


def _said(node: Any) -> str:
    found = read_node(node)
    return gettext("Something is missing yet") if found is None else node_words(found)


def _ways_of(node: Any) -> Iterator[tuple[str, str, str]]:
    """Path, target and words of each way out, also of a step that cannot be read."""
    found = read_node(node)
    if found is not None:
        for (path, target), sign in zip(edges_of(found), signs_of(found), strict=True):
            yield path, target, "" if sign.words == "then" else sign.words
        return
    written = _dict(node)
    for number, way in enumerate(written["ways"] if isinstance(written.get("ways"), list) else ()):
        led: Any = _dict(way).get("next")
        if isinstance(led, str):
            yield f"ways.{number}.next", led, f"{number + 1}"
    for path in ("next", "otherwise", "failed"):
        led = written.get(path)
        if isinstance(led, str) and led:
            yield path, led, "" if path == "next" else path


def _way(source: str, target: str, path: str, words: str) -> Way:
    shown = _clipped(words)
    return Way(source, target, path, (round(len(shown) * 6.7) + 20 if shown else 0) + 34)


def _clipped(words: str) -> str:
    return words if len(words) <= _LONGEST_SIGN else words[: _LONGEST_SIGN - 1].rstrip() + "…"


def _edge(way: Way, words: str, placed: Placed) -> Edge:
    key = (way.source, way.path)
    sign, source = placed.signs[key], placed.nodes[way.source]
    line = placed.lines.get(key)
    after = ""
    if line is not None:
        after = _curve(Place(sign.x, sign.y + SIGN_HEIGHT / 2), line, placed.nodes[way.target])
    before = _bend(Place(source.x, source.y + NODE_HEIGHT / 2), Place(sign.x, sign.y - SIGN_HEIGHT / 2))
    return Edge(way.source, way.target, way.path, words, _clipped(words), sign, way.width, "M" + before[1:], after,
                line is None)  # fmt: skip


def _curve(start: Place, line: Sequence[Place], target: Place) -> str:
    """From below a sign by its thin places to the top of a step; straight down through the rows it only passes."""
    at, path = start, ""
    for number, place in enumerate(line):
        half = (SIGN_HEIGHT if number % 2 else NODE_HEIGHT) / 2
        path += _bend(at, Place(place.x, place.y - half))
        at = Place(place.x, place.y + half)
        path += f"V{at.y}"
    path += _bend(at, Place(target.x, target.y - NODE_HEIGHT / 2 - 5))
    return "M" + path[1:]


def _bend(one: Place, other: Place) -> str:
    middle = (one.y + other.y) / 2
    return f"L{one.x} {one.y}C{one.x} {middle} {other.x} {middle} {other.x} {other.y}"


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}

"""The picture of a journey: all in it, nothing upon anything, whatever is written; what a version changes."""

from __future__ import annotations

from itertools import combinations
from random import Random
from typing import Any

import msgspec
import pytest

from rapport.capabilities.journeys.checking import Fault
from rapport.capabilities.journeys.comparing import changes
from rapport.capabilities.journeys.drawing import ENTRY, Picture, draw
from rapport.capabilities.journeys.layout import NODE_HEIGHT, NODE_WIDTH
from rapport.capabilities.journeys.model import Wait
from rapport.capabilities.journeys.service.shipped import shipped


def picture(document: dict[str, Any], *faults: Fault) -> Picture:
    return draw(document, entry="Somebody enters.", faults=faults)


def apart(found: Picture) -> bool:
    """No two steps and no two signs touch, and all are within the picture."""
    boxes = [(s.x, s.y, NODE_WIDTH, NODE_HEIGHT) for s in found.steps]
    boxes += [(e.sign.x, e.sign.y, e.width, 24) for e in found.edges]
    inside = all(x - w / 2 >= 0 and x + w / 2 <= found.width and y + h / 2 <= found.height for x, y, w, h in boxes)
    return inside and not any(
        abs(a[0] - b[0]) < (a[2] + b[2]) / 2 and abs(a[1] - b[1]) < (a[3] + b[3]) / 2 for a, b in combinations(boxes, 2)
    )


@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_journey_we_ship_is_drawn_from_the_entry_down(name: str) -> None:
    found = picture(msgspec.to_builtins(shipped()[name]))
    rows = {step.name: step.y for step in found.steps}
    assert set(rows) == {ENTRY, *shipped()[name].nodes}
    assert all(rows[edge.source] < edge.sign.y < rows[edge.target] for edge in found.edges)
    assert apart(found)


@pytest.mark.parametrize("seed", range(6))
def test_nothing_lies_upon_anything_in_a_graph_of_chance(seed: int) -> None:
    """Branches, joins, circles, ways to nowhere."""
    rng, names = Random(seed), [f"n{number}" for number in range(40)]
    nodes = {
        name: {"kind": "split", "ways": [{"percent": 50, "next": rng.choice([*names, "nowhere"])} for _ in range(2)]}
        for name in names
    }
    found = picture({"start": "n0", "nodes": nodes})
    assert len(found.steps) == 41
    assert len(found.edges) == 81
    assert apart(found)


def test_a_way_back_up_says_so_instead_of_crossing_everything() -> None:
    nodes = {
        "rest": {"kind": "wait", "for": "1d", "next": "say"},
        "say": {"kind": "task", "title": "x", "next": "rest"},
    }
    found = picture({"start": "rest", "nodes": nodes})
    assert [(edge.source, edge.is_back) for edge in found.edges] == [(ENTRY, False), ("rest", False), ("say", True)]


@pytest.mark.parametrize(
    "document",
    [
        {}, {"nodes": []}, {"start": 5, "nodes": {"a": 3, "b": None}}, {"start": "a", "nodes": {"a": {"ways": "x"}}},
        {"start": "a", "nodes": {"a": {"kind": "branch", "ways": [1, {"next": 2}, {"next": "a"}]}}},
        {"start": "a", "nodes": {"a": {"kind": "wait", "for": "never", "next": "a"}}},
    ],
)  # fmt: skip
def test_whatever_is_written_is_drawn(document: dict[str, Any]) -> None:
    assert picture(document).steps[0].name == ENTRY


def test_what_is_wrong_stands_at_its_step() -> None:
    nodes = {"say": {"kind": "send", "template": "gone", "next": "over"}, "over": {"kind": "exit"}}
    wrong = (Fault("$.nodes.say.template", "there is no template 'gone'"), Fault("$.title", "missing"))
    steps = {step.name: step.fault for step in picture({"start": "say", "nodes": nodes}, *wrong).steps}
    assert steps == {ENTRY: "missing", "say": "there is no template 'gone'", "over": ""}


def test_a_version_tells_what_it_changes() -> None:
    before = shipped()["welcome"]
    longer = msgspec.structs.replace(before.nodes["first_order"], at_most="9d")
    nodes = {**before.nodes, "first_order": longer, "rest": Wait(span="1d", next="over")}
    after = msgspec.structs.replace(before, control_percent=20, nodes=nodes)
    assert changes(before, before) == []
    assert [(one.what, one.name) for one in changes(before, after)] == [
        ("changed", ""), ("changed", "first_order"), ("new", "rest"),
    ]  # fmt: skip
    assert [(one.what, one.name) for one in changes(after, before)][-1] == ("gone", "rest")

"""What a version of a journey changes of another, step by step and in words. Pure."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from rapport.capabilities.journeys.model import Graph
from rapport.capabilities.journeys.wording import entry_words, lines_of_graph

__all__ = ["Change", "changes"]


class Change(NamedTuple):
    """A step that is new, gone or another; an empty name is who enters and what the journey is for."""

    what: Literal["new", "gone", "changed"]
    name: str
    before: str
    after: str


def changes(before: Graph, after: Graph) -> list[Change]:
    """All that differs, in the order of the steps. What is written alike is said to be alike, not what it does."""
    found = []
    if _head(before) != _head(after):
        found.append(Change("changed", "", _entry(before), _entry(after)))
    old, new = _words(before), _words(after)
    for name, words in new.items():
        if name not in old:
            found.append(Change("new", name, "", words))
        elif before.nodes[name] != after.nodes[name]:
            found.append(Change("changed", name, old[name], words))
    return found + [Change("gone", name, words, "") for name, words in old.items() if name not in new]


def _head(graph: Graph) -> Graph:
    return msgspec.structs.replace(graph, nodes={})


def _entry(graph: Graph) -> str:
    return f"{graph.title}: {entry_words(graph)} Begins with {graph.start}; watched for {graph.effect_days} days."


def _words(graph: Graph) -> dict[str, str]:
    return {
        line.name: "; ".join([line.words, *(f"{sign.words} → {sign.target}" for sign in line.signs)])
        for line in lines_of_graph(graph)
    }

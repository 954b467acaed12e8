"""What is wrong with a graph, and where in its JSON: all of it at once. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from rapport.capabilities.journeys.model import (
    Branch,
    Decide,
    Graph,
    OnFact,
    OnSegment,
    OnTime,
    Send,
    Split,
    WaitForFact,
    WaitForSegment,
    Way,
    edges_of,
    is_waiting,
)
from rapport.kernel.errors import InvalidInput

__all__ = ["BadJourney", "Fault", "Known", "faults_of", "read_graph"]

LARGEST = 200_000
"""Bytes of a graph."""
PREFERRED = "preferred"
"""The channel that the customer likes."""

_STATED = frozenset({"name", "version", "state", "changed_at", "changed_by"})
"""What an answer says beside the graph; whoever sends it back may leave it in."""


class Fault(NamedTuple):
    """Something that is wrong, and where."""

    path: str
    message: str


class BadJourney(InvalidInput):
    """A graph that cannot be a journey; `errors` says each place."""

    code = "bad_journey"

    def __init__(self, faults: Collection[Fault]) -> None:
        first = next(iter(faults))
        more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
        super().__init__(f"{first.path}: {first.message}{more}", hint="mend each place that `errors` names")
        self.errors = [{"path": one.path, "message": one.message} for one in faults]


class Known(NamedTuple):
    """What a graph may name."""

    templates: Mapping[str, str]
    """What each is for, by name."""
    segments: Collection[str]
    placements: Collection[str]
    webhooks: Collection[str]
    channels: Collection[str]
    refused: Mapping[str, str]
    """Conditions about customers that cannot be read, with why."""


def read_graph(document: bytes | Mapping[str, Any]) -> Graph:
    """The graph in a document. Raises BadJourney where it has not the form of one."""
    if isinstance(document, bytes):
        if len(document) > LARGEST:
            raise BadJourney([Fault("$", f"{len(document):,} bytes; at most {LARGEST:,}")])
        try:
            document = msgspec.json.decode(document, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise BadJourney([Fault("$", f"this is no JSON object: {str(error)[:200]}")]) from error
    stated = {name: value for name, value in document.items() if name not in _STATED}
    try:
        return msgspec.convert(stated, Graph)
    except (msgspec.ValidationError, RecursionError) as error:
        raise BadJourney([_place(str(error), stated)]) from error


_DYNAMIC = re.compile(r"\$\.nodes\[\.\.\.\](.*)$")


def _place(text: str, stated: Mapping[str, Any]) -> Fault:
    """Msgspec names no key of a dict: the node is found by reading each alone."""
    message, _, path = text.partition(" - at `")
    path = path.rstrip("`") or "$"
    found = _DYNAMIC.match(path)
    nodes = stated.get("nodes")
    if found and isinstance(nodes, dict):
        whole = {name: value for name, value in stated.items() if name != "nodes"}
        for name, node in nodes.items():
            try:
                msgspec.convert({**whole, "nodes": {name: node}}, Graph)
            except (msgspec.ValidationError, RecursionError):
                return Fault(f"$.nodes.{str(name)[:60]}{found[1]}", message)
    return Fault(path, message)


def conditions_of(graph: Graph) -> Iterator[tuple[str, str]]:
    """Every condition about the customer in a graph: where it stands, and its text."""
    if graph.only_if:
        yield "$.if", graph.only_if
    for name, node in graph.nodes.items():
        if isinstance(node, Branch):
            for number, way in enumerate(node.ways):
                if way.where:
                    yield f"$.nodes.{name}.ways.{number}.where", way.where


def faults_of(graph: Graph, known: Known) -> list[Fault]:
    """All that is wrong with a graph of the right form."""
    found = [*_edges(graph), *_named(graph, known)]
    found += [Fault(path, known.refused[text]) for path, text in conditions_of(graph) if text in known.refused]
    if not found:
        found += [*_unreached(graph), *_circles(graph)]
    return found


def _edges(graph: Graph) -> Iterator[Fault]:
    if graph.start not in graph.nodes:
        yield Fault("$.start", f"there is no node {graph.start!r}")
    for name, node in graph.nodes.items():
        for path, target in edges_of(node):
            if target not in graph.nodes:
                yield Fault(f"$.nodes.{name}.{path}", f"there is no node {target!r}")
        if isinstance(node, Split) and sum(way.percent for way in node.ways) != 100:
            yield Fault(f"$.nodes.{name}.ways", f"the shares are {sum(w.percent for w in node.ways)} %, not 100")
        if isinstance(node, Branch):
            for number, way in enumerate(node.ways):
                yield from _way(graph, f"$.nodes.{name}.ways.{number}", way)
        if isinstance(node, WaitForFact) and node.until.same_subject and not _subject(graph):
            yield Fault(f"$.nodes.{name}.until.same_subject", "the entry names no subject")
    if graph.goal is not None and graph.goal.same_subject and not _subject(graph):
        yield Fault("$.goal.same_subject", "the entry names no subject")


def _way(graph: Graph, path: str, way: Way) -> Iterator[Fault]:
    if not (way.where or way.entry or way.happened or way.decision):
        yield Fault(path, "this way asks nothing: say where, entry, happened or decision")
    if way.decision and not isinstance(graph.nodes.get(way.decision), Decide):
        yield Fault(f"{path}.decision", f"{way.decision!r} is no node that decides")


def _subject(graph: Graph) -> str:
    return graph.entry.subject if isinstance(graph.entry, OnFact) else ""


def _named(graph: Graph, known: Known) -> Iterator[Fault]:
    if isinstance(graph.entry, OnSegment | OnTime) and graph.entry.segment not in known.segments:
        yield Fault("$.entry.segment", f"there is no segment {graph.entry.segment!r}")
    for name, node in graph.nodes.items():
        here = f"$.nodes.{name}"
        if isinstance(node, WaitForSegment) and node.segment not in known.segments:
            yield Fault(f"{here}.segment", f"there is no segment {node.segment!r}")
        elif isinstance(node, Send):
            purpose = known.templates.get(node.template)
            if purpose is None:
                yield Fault(f"{here}.template", f"there is no template {node.template!r}")
            elif purpose == "marketing" and node.purpose != "marketing":
                yield Fault(f"{here}.purpose", f"the template {node.template!r} is marketing")
            yield from _channels(here, node, known)
        elif isinstance(node, Decide) and node.placement not in known.placements:
            yield Fault(f"{here}.placement", f"there is no placement {node.placement!r}")
        elif (webhook := getattr(node, "webhook", None)) is not None and webhook not in known.webhooks:
            yield Fault(f"{here}.webhook", f"there is no webhook {webhook!r}")


def _channels(here: str, node: Send, known: Known) -> Iterator[Fault]:
    there = ", ".join(known.channels)
    if node.channel not in (PREFERRED, *known.channels):
        yield Fault(f"{here}.channel", f"no channel {node.channel!r}: {there} carry messages")
    for number, one in enumerate(node.fallback or ()):
        if one not in known.channels:
            yield Fault(f"{here}.fallback.{number}", f"no channel {one!r}: {there} carry messages")
        elif one == node.channel or one in (node.fallback or ())[:number]:
            yield Fault(f"{here}.fallback.{number}", f"{one!r} stands before it already: each is tried once")


def _unreached(graph: Graph) -> Iterator[Fault]:
    reached, waiting = {graph.start}, [graph.start]
    while waiting:
        for _, target in edges_of(graph.nodes[waiting.pop()]):
            if target not in reached:
                reached.add(target)
                waiting.append(target)
    yield from (Fault(f"$.nodes.{name}", "nothing leads here") for name in graph.nodes if name not in reached)


def _circles(graph: Graph) -> Iterator[Fault]:
    """Circles in which nobody ever rests: whoever came there would be sent message after message."""
    done: set[str] = set()
    for first in graph.nodes:
        if first in done or is_waiting(graph.nodes[first]):
            continue
        path: list[tuple[str, Iterator[tuple[str, str]]]] = [(first, iter(edges_of(graph.nodes[first])))]
        under_way = {first}
        while path:
            name, edges = path[-1]
            where, target = next(edges, ("", ""))
            if not target:
                done.add(name)
                under_way.discard(name)
                path.pop()
            elif target in under_way:
                yield Fault(f"$.nodes.{name}.{where}", f"a circle back to {target!r} in which nothing waits")
            elif target not in done and not is_waiting(graph.nodes[target]):
                under_way.add(target)
                path.append((target, iter(edges_of(graph.nodes[target]))))

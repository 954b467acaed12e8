"""A journey in plain English: who enters, and each step as a sentence. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from rapport.capabilities.journeys.clocks import span_words
from rapport.capabilities.journeys.model import (
    Ask,
    Award,
    Branch,
    Condition,
    Decide,
    Entry,
    Exit,
    FactAwaited,
    Goal,
    Graph,
    Node,
    OnFact,
    OnSegment,
    OnTime,
    Send,
    Split,
    Task,
    Tell,
    Trait,
    Wait,
    WaitForFact,
    WaitForHour,
    WaitForSegment,
    Way,
    edges_of,
)

__all__ = ["Line", "Sign", "entry_words", "lines_of_graph", "node_words"]

_DAYS = {"mon": "Mondays", "tue": "Tuesdays", "wed": "Wednesdays", "thu": "Thursdays", "fri": "Fridays",
         "sat": "Saturdays", "sun": "Sundays"}  # fmt: skip


_CHANNELS = {"email": "e-mail", "sms": "SMS", "whatsapp": "WhatsApp", "push": "web push"}


class Sign(NamedTuple):
    """A way out of a step, with what it is for."""

    words: str
    target: str


class Line(NamedTuple):
    """A step as people read it."""

    name: str
    words: str
    signs: list[Sign]


def lines_of_graph(graph: Graph) -> list[Line]:
    """All steps, in the order in which one comes to them; those that nothing leads to at the end."""
    order, waiting = dict[str, None](), [graph.start]
    while waiting:
        name = waiting.pop(0)
        if name in order or name not in graph.nodes:
            continue
        order[name] = None
        waiting = [target for _, target in edges_of(graph.nodes[name])] + waiting
    order |= dict.fromkeys(graph.nodes)
    return [Line(name, node_words(graph.nodes[name]), signs_of(graph.nodes[name])) for name in order]


def entry_words(graph: Graph) -> str:
    """Who enters, and until when, in a sentence or three."""
    said = [f"{_who(graph.entry)}."]
    if graph.only_if:
        said.append(f"Only who fulfils: {graph.only_if}.")
    if graph.again_after_days is None:
        said.append("Each once.")
    elif graph.again_after_days:
        said.append(f"Again after {graph.again_after_days} days.")
    if graph.goal is not None:
        said.append(f"It is over once they did “{graph.goal.fact}”{_with(graph.goal.where)}: that is what it is for.")
    said.append(
        f"{graph.control_percent} % only enter and get nothing, to compare." if graph.control_percent
        else "Everybody gets it: nobody is left to compare with."
    )  # fmt: skip
    return " ".join(said)


def _who(entry: Entry) -> str:
    if isinstance(entry, OnFact):
        about = f", for each {entry.subject.removesuffix('_id').replace('_', ' ')} by itself" if entry.subject else ""
        return f"Whoever did “{entry.fact}”{_with(entry.where)} enters{about}"
    if isinstance(entry, OnSegment):
        return f"Whoever {'comes into' if entry.when == 'entered' else 'leaves'} “{entry.segment}” enters"
    if isinstance(entry, OnTime):
        return f"Everybody in “{entry.segment}” enters at {entry.at}{_on(entry.days)}, by the shop's clock"
    return "One of the shop's systems says who enters"


def _on(days: Sequence[str]) -> str:
    return f" on {', '.join(_DAYS[day] for day in days)}" if days else " every day"


def _with(where: tuple[Condition, ...]) -> str:
    said = [f"{one.property} {one.op}" + ("" if one.value is None else f" {one.value}") for one in where]
    return f" with {' and '.join(said)}" if said else ""


def _awaited(wanted: FactAwaited) -> str:
    return f"“{wanted.fact}”{_with(wanted.where)}" + (" about the same" if wanted.same_subject else "")


def _way(way: Way) -> str:
    said = [way.where] if way.where else []
    said += [f"they entered{_with(way.entry)}"] if way.entry else []
    said += [f"they did {_awaited(way.happened)}"] if way.happened else []
    said += [f"“{way.decision}” found something to show"] if way.decision else []
    return "if " + " and ".join(said)


def signs_of(node: Node) -> list[Sign]:
    """The ways out of a step, in words."""
    if isinstance(node, Branch):
        return [*(Sign(_way(way), way.next) for way in node.ways), Sign("otherwise", node.otherwise)]
    if isinstance(node, Split):
        return [Sign(f"{way.percent} % of them", way.next) for way in node.ways]
    words = {
        "next": "then", "otherwise": "once the time is over", "failed": "who cannot be sent it",
    }  # fmt: skip
    if isinstance(node, WaitForFact | WaitForSegment | Ask):
        words["next"] = "once answered" if isinstance(node, Ask) else "once it happened"
    return [Sign(words[where], target) for where, target in edges_of(node)]


def node_words(node: Any) -> str:
    """A step as a sentence."""
    if isinstance(node, Wait):
        return f"Wait {span_words(node.span)}"
    if isinstance(node, WaitForHour):
        return f"Wait until {node.at} by the customer's clock{_on(node.days) if node.days else ''}"
    if isinstance(node, WaitForFact):
        return f"Wait until they did {_awaited(node.until)}, at most {span_words(node.at_most)}"
    if isinstance(node, WaitForSegment):
        into = "are in" if node.when == "entered" else "are no more in"
        return f"Wait until they {into} “{node.segment}”, at most {span_words(node.at_most)}"
    if isinstance(node, Send):
        unless = ", unless they have ordered" if node.unless_ordered else ""
        kind = "" if node.purpose == "marketing" else ", as a message about what they did"
        return f"Send “{node.template.replace('_', ' ')}” by {_CHANNELS.get(node.channel, node.channel)}{kind}{unless}"
    return _of_deed(node)


def _of_deed(node: Any) -> str:
    return _DEEDS[type(node)](node)


_DEEDS: Mapping[type, Callable[[Any], str]] = {
    Branch: lambda node: "Choose the first way that holds",
    Split: lambda node: "Let chance decide",
    Decide: lambda node: f"Choose {node.limit} for “{node.placement}”",
    Ask: lambda node: f"Ask “{node.question}”, wait at most {span_words(node.at_most)}",
    Award: lambda node: f"Give {node.points:,} points: {node.reason}",
    Task: lambda node: f"Give the shop a task: {node.title}",
    Tell: lambda node: "Tell one of the shop's systems",
    Trait: lambda node: f"Remember {node.name.replace('_', ' ')}: {node.value}",
    Goal: lambda node: "It has done what it is for",
    Exit: lambda node: f"It is over{': ' + node.reason if node.reason else ''}",
}

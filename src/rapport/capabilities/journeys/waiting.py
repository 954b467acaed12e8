"""Whether a fact is what somebody in a journey waits for. Pure."""

from __future__ import annotations

from rapport.capabilities.journeys.facts import ANSWERED
from rapport.capabilities.journeys.model import (
    Ask,
    FactAwaited,
    Graph,
    Node,
    OnFact,
    OnSegment,
    WaitForFact,
    WaitForSegment,
    holds,
    value_at,
)
from rapport.kernel.facts import Fact

__all__ = ["SEGMENT_FACTS", "awaited_name", "enters", "is_awaited", "is_met", "names_heard", "question_id"]

SEGMENT_FACTS = {"entered": "Segment Entered", "left": "Segment Left"}


def question_id(instance: str, node: str) -> str:
    """The id of a question that a node has put to somebody."""
    return f"{instance}.{node}"


def awaited_name(node: Node) -> str:
    """The name of the fact that somebody at this node waits for; empty where it is for none."""
    if isinstance(node, WaitForFact):
        return node.until.fact
    if isinstance(node, WaitForSegment):
        return SEGMENT_FACTS[node.when]
    return ANSWERED if isinstance(node, Ask) else ""


def names_heard(graph: Graph) -> set[str]:
    """The names of all facts that mean something to whoever is in this journey."""
    found = {awaited_name(node) for node in graph.nodes.values()} - {""}
    return found | ({graph.goal.fact} if graph.goal is not None else set())


def enters(graph: Graph, fact: Fact) -> str | None:
    """The subject with which somebody enters by this fact; None where they do not."""
    entry = graph.entry
    if isinstance(entry, OnSegment):
        ok = fact.name == SEGMENT_FACTS[entry.when] and fact.properties.get("segment") == entry.segment
        return "" if ok else None
    if not isinstance(entry, OnFact) or entry.fact != fact.name or not holds(entry.where, fact.properties):
        return None
    return subject_of(fact, entry.subject) if entry.subject else ""


def subject_of(fact: Fact, name: str) -> str | None:
    """What a fact is about; None where it does not say."""
    found = value_at(fact.properties, name)
    return str(found)[:200] if isinstance(found, str | int) and not isinstance(found, bool) and found != "" else None


def is_met(wanted: FactAwaited, fact: Fact, *, subject: str, subject_name: str) -> bool:
    """Whether a fact is the one awaited."""
    if fact.name != wanted.fact or not holds(wanted.where, fact.properties):
        return False
    return not wanted.same_subject or subject_of(fact, subject_name) == subject


def is_awaited(graph: Graph, node: Node, fact: Fact, *, subject: str, question: str) -> bool:
    """Whether whoever rests at a node goes on by this fact."""
    if isinstance(node, WaitForFact):
        return is_met(node.until, fact, subject=subject, subject_name=subject_name(graph))
    if isinstance(node, WaitForSegment):
        return fact.name == SEGMENT_FACTS[node.when] and fact.properties.get("segment") == node.segment
    return isinstance(node, Ask) and fact.name == ANSWERED and fact.properties.get("question_id") == question


def subject_name(graph: Graph) -> str:
    """The property that names what a journey is about."""
    return graph.entry.subject if isinstance(graph.entry, OnFact) else ""

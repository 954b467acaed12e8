"""A journey in plain words: who enters, and each step as a sentence. Pure."""

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
from rapport.kernel.language import gettext, ngettext, noted

__all__ = ["Line", "Sign", "entry_words", "lines_of_graph", "node_words"]

_DAYS = {
    "mon": noted("Mondays"), "tue": noted("Tuesdays"), "wed": noted("Wednesdays"), "thu": noted("Thursdays"),
    "fri": noted("Fridays"), "sat": noted("Saturdays"), "sun": noted("Sundays"),
}  # fmt: skip
_CHANNELS = {
    "email": noted("e-mail"), "sms": "SMS", "whatsapp": "WhatsApp", "push": noted("web push"),
    "preferred": noted("the channel they like"),
}  # fmt: skip
_SUBJECTS = noted("order"), noted("cart"), noted("product"), noted("ticket"), noted("shipment"), noted("return")
"""What facts are about, most of them."""


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
    said = [_who(graph.entry)]
    if graph.only_if:
        said.append(gettext("Only who fulfils: %(condition)s.", condition=graph.only_if))
    if graph.again_after_days is None:
        said.append(gettext("Each once."))
    elif graph.again_after_days:
        said.append(ngettext("Again after %(num)s day.", "Again after %(num)s days.", graph.again_after_days))
    if graph.goal is not None:
        what = _fact(graph.goal.fact, graph.goal.where)
        said.append(gettext("It is over once they did %(what)s: that is what it is for.", what=what))
    said.append(
        gettext("%(percent)s %% only enter and get nothing, to compare.", percent=graph.control_percent)
        if graph.control_percent
        else gettext("Everybody gets it: nobody is left to compare with.")
    )
    return " ".join(said)


def _who(entry: Entry) -> str:
    if isinstance(entry, OnFact):
        what = _fact(entry.fact, entry.where)
        if not entry.subject:
            return gettext("Whoever did %(what)s enters.", what=what)
        each = gettext(entry.subject.removesuffix("_id").replace("_", " "))
        return gettext("Whoever did %(what)s enters, for each %(each)s by itself.", what=what, each=each)
    if isinstance(entry, OnSegment):
        return gettext(
            "Whoever comes into “%(segment)s” enters." if entry.when == "entered"
            else "Whoever leaves “%(segment)s” enters.", segment=entry.segment,
        )  # fmt: skip
    return _at(entry) if isinstance(entry, OnTime) else gettext("One of the shop's systems says who enters.")


def _at(entry: OnTime) -> str:
    said = {"segment": entry.segment, "at": entry.at}
    if not entry.days:
        return gettext("Everybody in “%(segment)s” enters at %(at)s every day, by the shop's clock.", **said)
    days = _days(entry.days)
    return gettext("Everybody in “%(segment)s” enters at %(at)s on %(days)s, by the shop's clock.", days=days, **said)


def _days(days: Sequence[str]) -> str:
    return ", ".join(gettext(_DAYS[day]) for day in days)


def _conditions(where: tuple[Condition, ...]) -> str:
    said = [f"{one.property} {one.op}" + ("" if one.value is None else f" {one.value}") for one in where]
    return f" {gettext('and')} ".join(said)


def _fact(name: str, where: tuple[Condition, ...]) -> str:
    """A fact with the conditions on it."""
    if not where:
        return f"“{gettext(name)}”"
    return gettext("“%(fact)s” with %(conditions)s", fact=gettext(name), conditions=_conditions(where))


def _awaited(wanted: FactAwaited) -> str:
    what = _fact(wanted.fact, wanted.where)
    return gettext("%(what)s about the same", what=what) if wanted.same_subject else what


def _way(way: Way) -> str:
    said = [way.where] if way.where else []
    said += [gettext("they entered with %(conditions)s", conditions=_conditions(way.entry))] if way.entry else []
    said += [gettext("they did %(what)s", what=_awaited(way.happened))] if way.happened else []
    said += [gettext("“%(decision)s” found something to show", decision=way.decision)] if way.decision else []
    return gettext("if %(conditions)s", conditions=f" {gettext('and')} ".join(said))


def signs_of(node: Node) -> list[Sign]:
    """The ways out of a step, in words."""
    if isinstance(node, Branch):
        return [*(Sign(_way(way), way.next) for way in node.ways), Sign(gettext("otherwise"), node.otherwise)]
    if isinstance(node, Split):
        return [Sign(gettext("%(percent)s %% of them", percent=way.percent), way.next) for way in node.ways]
    words = {
        "next": gettext("then"), "otherwise": gettext("once the time is over"),
        "failed": gettext("who cannot be sent it"),
    }  # fmt: skip
    if isinstance(node, WaitForFact | WaitForSegment | Ask):
        words["next"] = gettext("once answered") if isinstance(node, Ask) else gettext("once it happened")
    return [Sign(words[where], target) for where, target in edges_of(node)]


def node_words(node: Any) -> str:
    """A step as a sentence."""
    if isinstance(node, Wait):
        return gettext("Wait %(span)s", span=span_words(node.span))
    if isinstance(node, WaitForHour):
        return gettext(
            "Wait until %(at)s by the customer's clock on %(days)s" if node.days
            else "Wait until %(at)s by the customer's clock", at=node.at, days=_days(node.days),
        )  # fmt: skip
    if isinstance(node, WaitForFact):
        what, most = _awaited(node.until), span_words(node.at_most)
        return gettext("Wait until they did %(what)s, at most %(most)s", what=what, most=most)
    if isinstance(node, WaitForSegment):
        return gettext(
            "Wait until they are in “%(segment)s”, at most %(most)s" if node.when == "entered"
            else "Wait until they are no more in “%(segment)s”, at most %(most)s",
            segment=node.segment, most=span_words(node.at_most),
        )  # fmt: skip
    return _sent(node) if isinstance(node, Send) else _DEEDS[type(node)](node)


def _by(channel: str) -> str:
    return gettext(_CHANNELS.get(channel, channel))


def _sent(node: Send) -> str:
    channel = _by(node.channel)
    if node.fallback:
        channel = gettext("%(channel)s, else by %(others)s", channel=channel, others=", ".join(map(_by, node.fallback)))
    said = {"template": node.template.replace("_", " "), "channel": channel}
    if node.purpose == "marketing":
        if node.unless_ordered:
            return gettext("Send “%(template)s” by %(channel)s, unless they have ordered", **said)
        return gettext("Send “%(template)s” by %(channel)s", **said)
    if node.unless_ordered:
        return gettext(
            "Send “%(template)s” by %(channel)s, as a message about what they did, unless they have ordered", **said
        )
    return gettext("Send “%(template)s” by %(channel)s, as a message about what they did", **said)


def _over(node: Exit) -> str:
    return gettext("It is over: %(reason)s", reason=node.reason) if node.reason else gettext("It is over")


_DEEDS: Mapping[type, Callable[[Any], str]] = {
    Branch: lambda node: gettext("Choose the first way that holds"),
    Split: lambda node: gettext("Let chance decide"),
    Decide: lambda node: gettext("Choose %(most)s for “%(placement)s”", most=node.limit, placement=node.placement),
    Ask: lambda node: gettext(
        "Ask “%(question)s”, wait at most %(most)s", question=node.question, most=span_words(node.at_most)
    ),
    Award: lambda node: gettext("Give %(points)s points: %(reason)s", points=f"{node.points:,}", reason=node.reason),
    Task: lambda node: gettext("Give the shop a task: %(title)s", title=node.title),
    Tell: lambda node: gettext("Tell one of the shop's systems"),
    Trait: lambda node: gettext("Remember %(name)s: %(value)s", name=node.name.replace("_", " "), value=node.value),
    Goal: lambda node: gettext("It has done what it is for"),
    Exit: _over,
}

"""Nouns of journeys: the graph as people write it in JSON, and its nodes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

__all__ = [
    "CONTROL", "NAME", "NEVER", "TREATED", "Ask", "Award", "Branch", "Condition", "Decide", "Entry", "Exit",
    "FactAwaited", "Goal", "Graph", "Node", "OnApi", "OnFact", "OnSegment", "OnTime", "Send", "Split", "Task", "Tell",
    "Trait", "Wait", "WaitForFact", "WaitForHour", "WaitForSegment", "edges_of", "holds", "is_waiting", "value_at",
]  # fmt: skip

NAME = re.compile(r"^[a-z][a-z0-9_\-]{0,59}$")
"""How journeys are called in addresses."""

NEVER = 2**62
TREATED, CONTROL = "journey", "control"
"""The arms: who walks it, and who only enters, so that one can see what it is worth."""

_Text = Annotated[str, Meta(min_length=1, max_length=200)]
_Id = Annotated[str, Meta(pattern="^[a-z][a-z0-9_\\-]{0,39}$")]
_Span = Annotated[str, Meta(pattern="^[1-9][0-9]{0,3}[mhdw]$", description="`30m`, `2h`, `3d`, `1w`")]
_Hour = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", description="`09:00`")]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whatever is written by hand: what nobody knows is refused."""


class Condition(_Part, frozen=True, kw_only=True):
    """Something about a property of a fact."""

    property: _Text
    """`value`, or `products.0.category` for what lies deeper."""
    op: Literal["=", "<>", "<", "<=", ">", ">=", "has", "is there"] = "="
    value: str | int | float | bool | None = None


class FactAwaited(_Part, frozen=True, kw_only=True):
    """A fact that says something."""

    fact: _Text
    where: tuple[Condition, ...] = ()
    """All of these hold."""
    same_subject: bool = False
    """It is about the same cart, order or product: its property of that name is the journey's subject."""


class OnFact(_Part, frozen=True, kw_only=True, tag_field="on", tag="fact"):
    """Somebody enters with a fact."""

    fact: _Text
    where: tuple[Condition, ...] = ()
    subject: Annotated[str, Meta(max_length=60)] = ""
    """The property that names what it is about, such as `cart_id`: each has a journey of its own."""


class OnSegment(_Part, frozen=True, kw_only=True, tag_field="on", tag="segment"):
    """Somebody enters by coming into a segment, or by leaving it."""

    segment: _Text
    when: Literal["entered", "left"] = "entered"


class OnTime(_Part, frozen=True, kw_only=True, tag_field="on", tag="time"):
    """All who are in a segment at an hour of the shop's clock enter."""

    segment: _Text
    at: _Hour = "09:00"
    days: tuple[Weekday, ...] = ()
    """None is every day."""


class OnApi(_Part, frozen=True, kw_only=True, tag_field="on", tag="api"):
    """Somebody enters because a system of the shop says so."""


Entry: TypeAlias = OnFact | OnSegment | OnTime | OnApi


class Wait(_Part, frozen=True, kw_only=True, tag_field="kind", tag="wait"):
    """Wait for a while. Days and weeks are the calendar's, by the customer's clock."""

    span: _Span = msgspec.field(name="for")
    next: _Id


class WaitForHour(_Part, frozen=True, kw_only=True, tag_field="kind", tag="hour"):
    """Wait for an hour of the customer's clock; the shop's where theirs is not known."""

    at: _Hour
    days: tuple[Weekday, ...] = ()
    next: _Id


class WaitForFact(_Part, frozen=True, kw_only=True, tag_field="kind", tag="fact"):
    """Wait until they do something, or until the time is over."""

    until: FactAwaited
    at_most: _Span
    next: _Id
    """Once it happened."""
    otherwise: _Id
    """Once the time is over."""


class WaitForSegment(_Part, frozen=True, kw_only=True, tag_field="kind", tag="segment"):
    """Wait until they come into a segment, or until the time is over. Who is in it already goes on at once."""

    segment: _Text
    when: Literal["entered", "left"] = "entered"
    at_most: _Span
    next: _Id
    otherwise: _Id


class Way(_Part, frozen=True, kw_only=True):
    """One way out of a branch; all that is asked has to hold."""

    where: Annotated[str, Meta(max_length=4_000)] = ""
    """A condition about the customer, as segments have it: `orders >= 3`."""
    entry: tuple[Condition, ...] = ()
    """About the fact they entered with."""
    happened: FactAwaited | None = None
    """They have done it since they entered."""
    decision: Annotated[str, Meta(max_length=40)] = ""
    """The node of a decision that found something to show."""
    next: _Id


class Branch(_Part, frozen=True, kw_only=True, tag_field="kind", tag="branch"):
    """The first way that holds."""

    ways: Annotated[tuple[Way, ...], Meta(min_length=1, max_length=20)]
    otherwise: _Id


class Share(_Part, frozen=True, kw_only=True):
    """A part of a split."""

    percent: Annotated[int, Meta(ge=1, le=99)]
    next: _Id


class Split(_Part, frozen=True, kw_only=True, tag_field="kind", tag="split"):
    """Chance decides, the same for one customer whenever they come by."""

    ways: Annotated[tuple[Share, ...], Meta(min_length=2, max_length=10)]


class Send(_Part, frozen=True, kw_only=True, tag_field="kind", tag="send"):
    """Send a message. All that may stop it is asked when it goes; nobody's journey waits for it."""

    template: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,59}$")]
    purpose: Literal["marketing", "transactional"] = "marketing"
    channel: Annotated[str, Meta(max_length=40)] = "email"
    """`preferred`: the one the customer likes, else the shop's first."""
    fallback: Annotated[tuple[Annotated[str, Meta(max_length=40)], ...], Meta(max_length=3)] | None = None
    """By what it goes instead where the channel does not reach somebody, one after the other; none at all: `[]`.
    Without it as the shop has set it."""
    data: dict[str, Any] = {}
    """Values for the template, beside those of the fact they entered with."""
    unless_ordered: bool = False
    """Not to whoever has ordered since they entered; asked when it goes."""
    latest_hours: Annotated[int, Meta(ge=1, le=720)] = 48
    next: _Id
    failed: Annotated[str, Meta(max_length=40)] = ""
    """Where they go who cannot be sent it: no address, no consent, a template that is gone. Empty: on, as all."""


class Decide(_Part, frozen=True, kw_only=True, tag_field="kind", tag="decide"):
    """Decide what to show; messages after it have it as `items`."""

    placement: _Text
    limit: Annotated[int, Meta(ge=1, le=12)] = 3
    next: _Id


class Ask(_Part, frozen=True, kw_only=True, tag_field="kind", tag="ask"):
    """Ask a question of the customer; the answer is a fact and goes into their record."""

    question: Annotated[str, Meta(min_length=1, max_length=300)]
    trait: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,39}$")]
    """The name under which the answer is remembered."""
    choices: Annotated[tuple[_Text, ...], Meta(max_length=12)] = ()
    """None: they write what they like."""
    at_most: _Span = "7d"
    next: _Id
    """Once it is answered."""
    otherwise: _Id


class Award(_Part, frozen=True, kw_only=True, tag_field="kind", tag="award"):
    """Give points; once, whatever happens."""

    points: Annotated[int, Meta(ge=1, le=1_000_000)]
    reason: Annotated[str, Meta(min_length=1, max_length=200)]
    programme: Annotated[str, Meta(max_length=60)] = ""
    next: _Id


class Task(_Part, frozen=True, kw_only=True, tag_field="kind", tag="task"):
    """Something for a person of the shop to do."""

    title: Annotated[str, Meta(min_length=1, max_length=200)]
    note: Annotated[str, Meta(max_length=1_000)] = ""
    next: _Id


class Tell(_Part, frozen=True, kw_only=True, tag_field="kind", tag="webhook"):
    """Tell one of the shop's systems."""

    webhook: Annotated[str, Meta(pattern="^whk_[0-9a-z]{26}$")]
    next: _Id


class Trait(_Part, frozen=True, kw_only=True, tag_field="kind", tag="trait"):
    """Remember something of the customer."""

    name: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,39}$")]
    value: str | int | float | bool
    next: _Id


class Exit(_Part, frozen=True, kw_only=True, tag_field="kind", tag="exit"):
    """The journey is over."""

    reason: Annotated[str, Meta(max_length=100)] = ""


class Goal(_Part, frozen=True, kw_only=True, tag_field="kind", tag="goal"):
    """The journey has done what it is for."""


Node: TypeAlias = (
    Wait | WaitForHour | WaitForFact | WaitForSegment | Branch | Split | Send | Decide | Ask | Award | Task | Tell
    | Trait | Exit | Goal
)  # fmt: skip


class Graph(_Part, frozen=True, kw_only=True):
    """A journey: who enters, what happens to them, what it is for."""

    title: Annotated[str, Meta(min_length=1, max_length=120)]
    entry: Entry
    only_if: Annotated[str, Meta(max_length=4_000)] = msgspec.field(name="if", default="")
    """A condition about the customer, as segments have it: who does not fulfil it does not enter."""
    again_after_days: Annotated[int, Meta(ge=0, le=3650)] | None = None
    """Days after which somebody may enter once more with the same subject; None is never."""
    control_percent: Annotated[int, Meta(ge=0, le=90)] = 10
    """So many only enter, so that one can see what the journey is worth."""
    goal: FactAwaited | None = None
    """Whoever does this has reached what the journey is for, and leaves it, wherever they stand."""
    effect_days: Annotated[int, Meta(ge=1, le=365)] = 14
    """For so long after the entry both arms are watched."""
    inside: Literal["finish", "move"] = "finish"
    """What those do who are inside when this version comes: finish the old one, or go on by this one."""
    start: _Id
    nodes: Annotated[dict[_Id, Node], Meta(min_length=1, max_length=200)]


def is_waiting(node: Node) -> bool:
    """Whether somebody rests there."""
    return isinstance(node, Wait | WaitForHour | WaitForFact | WaitForSegment | Ask)


def edges_of(node: Node) -> Iterator[tuple[str, str]]:
    """The ways out of a node: where in its JSON each stands, and where it leads."""
    if isinstance(node, Branch):
        yield from ((f"ways.{number}.next", way.next) for number, way in enumerate(node.ways))
        yield "otherwise", node.otherwise
    elif isinstance(node, Split):
        yield from ((f"ways.{number}.next", way.next) for number, way in enumerate(node.ways))
    elif not isinstance(node, Exit | Goal):
        yield "next", node.next
        if isinstance(node, WaitForFact | WaitForSegment | Ask):
            yield "otherwise", node.otherwise
        elif isinstance(node, Send) and node.failed:
            yield "failed", node.failed


def value_at(properties: Mapping[str, Any], path: str) -> Any:
    """What stands at a path; None where nothing does.

    >>> value_at({"products": [{"category": "wine"}]}, "products.0.category")
    'wine'
    """
    found: Any = properties
    for step in path.split("."):
        if isinstance(found, Mapping):
            found = found.get(step)
        elif isinstance(found, list) and step.isdecimal() and int(step) < len(found):
            found = found[int(step)]
        else:
            return None
    return found


def holds(conditions: tuple[Condition, ...], properties: Mapping[str, Any]) -> bool:
    """Whether all conditions hold; what is missing, or of another kind, fulfils none but `<>`."""
    return all(_holds(one, value_at(properties, one.property)) for one in conditions)


def _holds(one: Condition, found: Any) -> bool:
    wanted = one.value
    if one.op == "is there":
        return found is not None
    if one.op == "has":
        within = found if isinstance(found, list) else str(found or "").casefold()
        return (wanted if isinstance(found, list) else str(wanted).casefold()) in within
    if isinstance(wanted, str) and isinstance(found, str):
        found, wanted = found.casefold(), wanted.casefold()
    elif isinstance(wanted, int | float) and not isinstance(wanted, bool):
        found = _number(found)
    if one.op in ("=", "<>"):
        return bool(found == wanted) is (one.op == "=")
    if found is None or wanted is None or isinstance(found, str) is not isinstance(wanted, str):
        return False
    if not isinstance(found, str | int | float):
        return False
    below, same = bool(found < wanted), bool(found == wanted)  # type: ignore[operator]  # both text or both numbers
    return {"<": below, "<=": below or same, ">": not (below or same), ">=": not below}[one.op]


def _number(found: Any) -> Any:
    """A number that a shop sends as text counts as one."""
    if not isinstance(found, str):
        return found
    try:
        return float(found)
    except ValueError:
        return found

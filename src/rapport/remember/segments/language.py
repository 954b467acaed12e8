"""What a segment's condition is made of once it is read: typed nodes, and the errors of a text that is none.

All of them are total: no value of a record makes one fail. Numbers are doubles, a division by zero is unknown, and
what is unknown is neither true nor false, as in SQL. Texts are compared without case and accents.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from rapport.kernel.errors import InvalidInput

__all__ = [
    "Arithmetic",
    "BadSegment",
    "Between",
    "Both",
    "Compare",
    "Constant",
    "FieldRef",
    "FieldType",
    "Has",
    "In",
    "InSegment",
    "Interval",
    "IsNull",
    "Like",
    "Moment",
    "Node",
    "Not",
    "Op",
    "fields_in",
    "is_timed",
]

FieldType = Literal["number", "money", "text", "time", "date", "flag", "list"]
Op = Literal["=", "<>", "<", "<=", ">", ">="]
Unit = Literal["second", "minute", "hour", "day", "week", "month", "year"]


class BadSegment(InvalidInput):
    """A text that is no condition; `position` counts characters from 0."""

    code = "bad_segment"

    def __init__(self, message: str, *, position: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.position = position


class _Node(msgspec.Struct, frozen=True):
    pass


class FieldRef(_Node, frozen=True):
    """A field of the record; `name` is where the record holds it: `orders`, `revenue.EUR`, `consent.marketing`."""

    name: str
    type: FieldType
    base: str
    """The field's name without what it is asked of: `revenue`."""
    part: str = ""
    """What it is asked of: a currency, a purpose."""
    scale: int = 1
    """What the record's integer is divided by: minor units of a currency."""
    is_zero: bool = False
    """Whether a record without it counts as 0."""


class Constant(_Node, frozen=True):
    """A number, text (folded, as records hold them) or truth."""

    value: float | str | bool
    said: str = ""
    """As it was written."""


class Interval(_Node, frozen=True):
    """A span added to a moment, or taken away where the number is negative."""

    amount: int
    unit: Unit


class Moment(_Node, frozen=True, cache_hash=True):
    """A point in time: now, today, or a fixed one, with what is added to it."""

    base: Literal["now", "today", "time", "date"]
    type: Literal["time", "date"]
    """Whether it is compared as an instant or as a day."""
    at: int = 0
    """Of a fixed one: microseconds, or days, since 1970."""
    said: str = ""
    shifts: tuple[Interval, ...] = ()


class Arithmetic(_Node, frozen=True):
    """Doubles; the division by zero is unknown."""

    op: Literal["+", "-", "*", "/"]
    left: Node
    right: Node


class Compare(_Node, frozen=True):
    """Two of one type."""

    op: Op
    left: Node
    right: Node


class Between(_Node, frozen=True):
    """Both ends included."""

    value: Node
    low: Node
    high: Node


class In(_Node, frozen=True):
    """One of some constants."""

    value: Node
    among: tuple[Constant, ...]


class Like(_Node, frozen=True):
    """A text with `%` for any characters and `_` for one."""

    value: Node
    pattern: Constant


class Has(_Node, frozen=True):
    """A list has this member, or one like it where it holds `%` or `_`. Never unknown."""

    of: FieldRef
    member: Constant


class IsNull(_Node, frozen=True):
    """Whether it is unknown."""

    value: Node


class Not(_Node, frozen=True):
    """The opposite; what is unknown stays so."""

    of: Node


class Both(_Node, frozen=True):
    """All, or any, of some conditions."""

    op: Literal["and", "or"]
    of: tuple[Node, ...]


class InSegment(_Node, frozen=True):
    """The condition of another segment, by its name. Never unknown: whoever is unknown there is not in it."""

    name: str
    of: Node


Node: TypeAlias = (
    FieldRef | Constant | Moment | Arithmetic | Compare | Between | In | Like | Has | IsNull | Not | Both | InSegment
)


def children(node: Any) -> list[Any]:
    """The nodes right below one."""
    found: list[Any] = []
    for name in node.__struct_fields__:
        value = getattr(node, name)
        if isinstance(value, _Node):
            found.append(value)
        elif isinstance(value, tuple):
            found += [one for one in value if isinstance(one, _Node)]
    return found


def fields_in(node: Node) -> frozenset[str]:
    """The names, in the record, of all fields that a condition asks."""
    if isinstance(node, FieldRef):
        return frozenset((node.name,))
    return frozenset(name for child in children(node) for name in fields_in(child))


def is_timed(node: Node) -> bool:
    """Whether the passing of time alone may change the answer."""
    if isinstance(node, Moment):
        return node.base in ("now", "today")
    return any(is_timed(child) for child in children(node))

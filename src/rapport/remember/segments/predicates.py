"""A condition as a Python function of its own: whether it is true of a record, several times as quick as node by node.

Each node is written as what makes it true, or as what makes it false; whatever is unknown is neither, so that no third
value is carried along. Values never stand in the text, only names that are ours: they are handed over beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rapport.remember.segments.language import (
    Between,
    Both,
    Compare,
    Constant,
    FieldRef,
    Has,
    In,
    InSegment,
    IsNull,
    Like,
    Moment,
    Node,
    Not,
)

__all__ = ["predicate"]

Holds = Callable[[Any, Any], bool]
Evaluate = Callable[[Any, Any], Any]

MOST_NODES = 400
"""Of a condition that is written so; Python reads no text of any depth."""

_OPS = {"=": "==", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def predicate(node: Node, evaluate: Callable[[Node], Evaluate], is_like: Callable[[str, str], bool]) -> Holds:
    """Whether the condition is true, as a function of a record and a clock.

    `evaluate` makes the same of a node by walking through it: for what is not written here, and for what is too deep.
    """
    writing = _Writing(evaluate, is_like)
    try:
        text = f"lambda record, clock: {writing.condition(node, True)}"
        if writing.nodes > MOST_NODES:
            raise RecursionError
        made: Holds = eval(text, writing.known)  # noqa: S307  names of ours alone: values stand in `known`
    except (RecursionError, MemoryError, SyntaxError):
        walk = evaluate(node)
        return lambda record, clock: walk(record, clock) is True
    return made


class _Writing:
    """Writes the text; what it speaks of by name is in `known`."""

    def __init__(self, evaluate: Callable[[Node], Evaluate], is_like: Callable[[str, str], bool]) -> None:
        self._evaluate = evaluate
        self.nodes = 0
        self.known: dict[str, Any] = {"__builtins__": {}, "float": float, "is_like": is_like}

    def condition(self, node: Node, wanted: bool) -> str:  # noqa: FBT001  the value that is asked for
        """An expression that is true where the node is what is wanted: true, or false."""
        self.nodes += 1
        if isinstance(node, Both):
            joint = " and " if (node.op == "and") is wanted else " or "
            return "(" + joint.join(self.condition(one, wanted) for one in node.of) + ")"
        if isinstance(node, Not):
            return self.condition(node.of, not wanted)
        if isinstance(node, Between):
            ends = (Compare(">=", node.value, node.low), Compare("<=", node.value, node.high))
            return self.condition(Both("and", ends), wanted)
        if isinstance(node, Compare):
            first, left = self._operand(node.left)
            second, right = self._operand(node.right)
            return self._all([first, second], f"{left} {_OPS[node.op]} {right}", wanted)
        if isinstance(node, In):
            check, value = self._operand(node.value)
            return self._all([check], f"{value} in {self._name(frozenset(one.value for one in node.among))}", wanted)
        return self._other(node, wanted)

    def _other(self, node: Node, wanted: bool) -> str:  # noqa: FBT001
        if isinstance(node, Like):
            check, value = self._operand(node.value)
            return self._all([check], f"is_like({value}, {self._name(str(node.pattern.value))})", wanted)
        if isinstance(node, Has) and not {"%", "_"} & set(str(node.member.value)):
            member = self._name(str(node.member.value))
            return self._all([], f"{member} in (record.get({self._name(node.of.name)}) or ())", wanted)
        if isinstance(node, InSegment):  # never unknown: what is not true of it is false
            inner = self.condition(node.of, True)
            return inner if wanted else f"(not {inner})"
        if isinstance(node, IsNull):
            check, _ = self._operand(node.value)
            return f"({check or True} is {not wanted})"
        if isinstance(node, FieldRef) and node.type == "flag":
            return f"(record.get({self._name(node.name)}) is {wanted})"
        return f"({self._name(self._evaluate(node))}(record, clock) is {wanted})"

    def _operand(self, node: Node) -> tuple[str, str]:
        """What is true where a value is known, which has to be asked first (empty: it always is), and the value."""
        self.nodes += 1
        if isinstance(node, Constant):
            return "", self._name(node.value)
        if isinstance(node, Moment):
            return "", f"clock.of({self._name(node)})"
        here = f"v{self.nodes}"
        if not isinstance(node, FieldRef):
            return f"(({here} := {self._name(self._evaluate(node))}(record, clock)) is not None)", here
        asked = f"({here} := record.get({self._name(node.name)}))"
        if node.type not in ("number", "money"):
            return f"({asked} is not None)", here
        scaled = f"float({here}) / {self._name(float(node.scale))}"
        if node.is_zero:
            return "", f"(0.0 if {asked} is None else {scaled})"
        return f"({asked} is not None)", f"({scaled})"

    def _all(self, checks: list[str], answer: str, wanted: bool) -> str:  # noqa: FBT001
        return "(" + " and ".join([*(one for one in checks if one), answer if wanted else f"not ({answer})"]) + ")"

    def _name(self, value: Any) -> str:
        name = f"c{len(self.known)}"
        self.known[name] = value
        return name

"""A condition in plain English, as somebody would say it: "ordered at least three times, last within 60 days"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from rapport.remember.segments.fields import Field
from rapport.remember.segments.language import (
    Arithmetic,
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

__all__ = ["in_words"]

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_TIMES = {1: "once", 2: "twice"}
_DID = {"orders": "ordered", "sessions": "visited", "product_views": "looked at products",
        "adds_to_cart": "put something in the cart", "checkouts_started": "started a checkout",
        "cancelled_orders": "cancelled", "coupon_orders": "ordered with a coupon"}  # fmt: skip
_WHEN = {"last_order_at": ("ordered", "last"), "first_order_at": ("ordered", "first"),
         "last_seen_at": ("was seen", "last"), "first_seen_at": ("was seen", "first")}  # fmt: skip
_OPS = {"=": "is", "<>": "is not", "<": "is less than", "<=": "is at most", ">": "is more than", ">=": "is at least"}
_COUNTS = {"=": "exactly ", "<": "fewer than ", "<=": "at most ", ">": "more than ", ">=": "at least ",
           "<>": "not exactly "}  # fmt: skip
_MOMENT = {"=": "is", "<>": "is not", "<": "is before", "<=": "is not after", ">": "is after", ">=": "is not before"}
_FIXED = {"=": "at", "<>": "not at", "<": "before", "<=": "at or before", ">": "after", ">=": "at or after"}
_OF_DAY = {"=": "is {}", "<>": "is not {}", "<": "is before {}", "<=": "is {} or before", ">": "is after {}",
           ">=": "is {} or later"}  # fmt: skip
"""Of a date that is held against a day."""
_IN_DAY = {"=": "exactly as {} began", "<>": "not exactly as {} began", "<": "before {}",
           "<=": "before {} or as it began", ">": "after {} began", ">=": "on {} or later"}  # fmt: skip
"""Of a time that is held against a day, which is its first moment."""
_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "<>": "<>"}


def in_words(node: Node, fields: Mapping[str, Field]) -> str:
    """The condition in a sentence without a full stop."""
    return _Teller(fields).tell(node)


class _Teller:
    def __init__(self, fields: Mapping[str, Field]) -> None:
        self._fields = fields

    def tell(self, node: Any) -> str:
        if isinstance(node, Both):
            return self._both(node)
        if isinstance(node, Not):
            return self._not(node)
        if isinstance(node, Compare):
            return self._compare(node)
        if isinstance(node, FieldRef):
            return self._flag(node, wanted=True)
        return f"is in “{node.name}”" if isinstance(node, InSegment) else self._test(node)

    def _test(self, node: Any, *, negated: bool = False) -> str:
        no = " not" if negated else ""
        if isinstance(node, Between):
            return f"{self._value(node.value)} is{no} between {self._value(node.low)} and {self._value(node.high)}"
        if isinstance(node, In):
            among = [self._value(one) for one in node.among]
            return f"{self._value(node.value)} is {'none of ' if negated else ''}{_listed(among, 'or')}"
        if isinstance(node, Like):
            return f"{self._value(node.value)} {'is not' if negated else 'is'} like {self._value(node.pattern)}"
        if isinstance(node, Has):
            return f"{self._value(node.of)} {'do not include' if negated else 'include'} {self._value(node.member)}"
        if isinstance(node, IsNull):
            return f"{self._value(node.value)} is {'known' if negated else 'not known'}"
        return self._value(node)

    def _both(self, node: Both) -> str:
        told: list[tuple[str, str]] = []
        for one in node.of:
            text, verb = self.tell(one), self._verb(one)
            if node.op == "and" and told and verb and verb == told[-1][1] and text.startswith(f"{verb} "):
                told[-1] = (f"{told[-1][0]}, {text[len(verb) + 1 :]}", verb)
                continue
            told.append((f"({text})" if isinstance(one, Both) else text, verb))
        return f"{'; and ' if node.op == 'and' else '; or '}".join(text for text, _ in told)

    def _verb(self, node: Any) -> str:
        if not isinstance(node, Compare) or not isinstance(node.left, FieldRef):
            return ""
        return _DID.get(node.left.base, "") or _WHEN.get(node.left.base, ("", ""))[0]

    def _not(self, node: Not) -> str:
        of = node.of
        if isinstance(of, FieldRef):
            return self._flag(of, wanted=False)
        if isinstance(of, InSegment):
            return f"is not in “{of.name}”"
        if isinstance(of, Between | In | Like | Has | IsNull):
            return self._test(of, negated=True)
        return f"not ({self.tell(of)})"

    def _flag(self, node: FieldRef, *, wanted: bool) -> str:
        if node.base == "consent":
            return f"{'allowed' if wanted else 'has not allowed'} {node.part}"
        return f"{'' if wanted else 'not '}{self._title(node)}"

    def _compare(self, node: Compare) -> str:
        left, op, right = node.left, node.op, node.right
        if isinstance(right, FieldRef) and not isinstance(left, FieldRef):
            left, op, right = right, cast(Any, _TURNED[op]), left
        if isinstance(left, FieldRef):
            if left.base in _DID and isinstance(right, Constant):
                return self._count(_DID[left.base], op, float(right.value))
            if isinstance(right, Moment):
                return self._when(left, op, right)
            if left.type == "flag" and isinstance(right, Constant):
                return self._flag(left, wanted=bool(right.value) == (op == "="))
        return f"{self._value(left)} {(_MOMENT if isinstance(left, Moment) else _OPS)[op]} {self._value(right)}"

    def _count(self, verb: str, op: str, number: float) -> str:
        if (number, op) in ((0, "="), (1, "<"), (0, "<=")):
            return f"never {verb}"
        if (number, op) == (0, ">"):
            number, op = 1, ">="
        return f"{verb} {_COUNTS[op]}{_TIMES.get(int(number)) if number in _TIMES else _number(number) + ' times'}"

    def _when(self, field: FieldRef, op: str, moment: Moment) -> str:
        verb, which = _WHEN.get(field.base, ("", ""))
        start = f"{verb} {which}" if verb else self._title(field)
        ago = _span(moment) if moment.base in ("now", "today") else None
        if moment.base in ("today", "date"):
            return f"{start} {(_OF_DAY if field.type == 'date' else _IN_DAY)[op].format(self._day(moment, ago))}"
        if ago is None:
            return f"{start} {_FIXED[op]} {self._value(moment)}"
        span, is_past = ago
        if op in ("=", "<>"):
            there = f"{span} {'ago' if is_past else 'ahead'}" if span else "now"
            return f"{start} {'not ' if op == '<>' else ''}exactly {there}"
        if not span:
            return f"{start} {'in the future' if op in ('>', '>=') else 'before now'}"
        if op in (">", ">="):
            return f"{start} {'within' if is_past else 'more than'} {span}{'' if is_past else ' ahead'}"
        return f"{start} {'more than' if is_past else 'within the next'} {span}{' ago' if is_past else ''}"

    def _day(self, moment: Moment, ago: tuple[str, bool] | None) -> str:
        """A day, as it is said of: today, the day 2 weeks ago, or which it is."""
        if ago is None:
            return self._value(moment)
        span, is_past = ago
        return f"the day {span} {'ago' if is_past else 'ahead'}" if span else "today"

    def _value(self, node: Any) -> str:
        if isinstance(node, FieldRef):
            return self._title(node)
        if isinstance(node, Constant):
            if isinstance(node.value, bool):
                return "yes" if node.value else "no"
            return f"“{node.said or node.value}”" if isinstance(node.value, str) else _number(node.value, words=False)
        if isinstance(node, Moment):
            base = node.said or {"now": "now", "today": "today"}[node.base]
            return base + "".join(
                f" {'plus' if one.amount >= 0 else 'minus'} {_amount(abs(one.amount), one.unit)}" for one in node.shifts
            )
        if isinstance(node, Arithmetic):
            sign = {"*": "×", "/": "÷", "-": "−"}.get(node.op, node.op)
            return f"({self._value(node.left)} {sign} {self._value(node.right)})"
        return self.tell(node)

    def _title(self, node: FieldRef) -> str:
        field = self._fields.get(node.base)
        title = (field.title if field else node.base).lower()
        return f"{title} ({node.part})" if node.part else title


def _span(moment: Moment) -> tuple[str, bool] | None:
    """The span to a moment from now, and whether it lies in the past; None where it is not one span."""
    if not moment.shifts:
        return "", True
    if len(moment.shifts) > 1:
        return None
    step = moment.shifts[0]
    return _amount(abs(step.amount), step.unit), step.amount <= 0


def _amount(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _number(value: float, *, words: bool = True) -> str:
    if value != int(value):
        return f"{value:,}"
    return _NUMBERS[int(value)] if words and 0 <= value <= 12 else f"{int(value):,}"


def _listed(texts: list[str], word: str) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} {word} {texts[-1]}"

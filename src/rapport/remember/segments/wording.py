"""A condition in plain words, as somebody would say it: "ordered at least three times, last within 60 days"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from rapport.kernel.language import gettext, listed, ngettext, noted, spoken
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

_NUMBERS = (
    noted("no"), noted("one"), noted("two"), noted("three"), noted("four"), noted("five"), noted("six"),
    noted("seven"), noted("eight"), noted("nine"), noted("ten"), noted("eleven"), noted("twelve"),
)  # fmt: skip
_DID = {
    "orders": (noted("ordered %(how)s"), noted("never ordered")),
    "sessions": (noted("visited %(how)s"), noted("never visited")),
    "product_views": (noted("looked at products %(how)s"), noted("never looked at products")),
    "adds_to_cart": (noted("put something in the cart %(how)s"), noted("never put something in the cart")),
    "checkouts_started": (noted("started a checkout %(how)s"), noted("never started a checkout")),
    "cancelled_orders": (noted("cancelled %(how)s"), noted("never cancelled")),
    "coupon_orders": (noted("ordered with a coupon %(how)s"), noted("never ordered with a coupon")),
}
"""What somebody did so many times, and never."""
_SEEN = noted("was seen %(how)s")
_LAST, _FIRST = noted("last %(when)s"), noted("first %(when)s")
_WHEN = {
    "last_order_at": (_DID["orders"][0], _LAST), "first_order_at": (_DID["orders"][0], _FIRST),
    "last_seen_at": (_SEEN, _LAST), "first_seen_at": (_SEEN, _FIRST),
}  # fmt: skip
_OPS = {
    "=": noted("%(what)s is %(value)s"), "<>": noted("%(what)s is not %(value)s"),
    "<": noted("%(what)s is less than %(value)s"), "<=": noted("%(what)s is at most %(value)s"),
    ">": noted("%(what)s is more than %(value)s"), ">=": noted("%(what)s is at least %(value)s"),
}  # fmt: skip
_COUNTS = {
    "=": noted("exactly %(times)s"), "<": noted("fewer than %(times)s"), "<=": noted("at most %(times)s"),
    ">": noted("more than %(times)s"), ">=": noted("at least %(times)s"), "<>": noted("not exactly %(times)s"),
}  # fmt: skip
_MOMENT = {
    "=": noted("%(what)s is %(value)s"), "<>": noted("%(what)s is not %(value)s"),
    "<": noted("%(what)s is before %(value)s"), "<=": noted("%(what)s is not after %(value)s"),
    ">": noted("%(what)s is after %(value)s"), ">=": noted("%(what)s is not before %(value)s"),
}  # fmt: skip
_FIXED = {
    "=": noted("at %(moment)s"), "<>": noted("not at %(moment)s"), "<": noted("before %(moment)s"),
    "<=": noted("at or before %(moment)s"), ">": noted("after %(moment)s"), ">=": noted("at or after %(moment)s"),
}  # fmt: skip
_OF_DAY = {
    "=": noted("is %(day)s"), "<>": noted("is not %(day)s"), "<": noted("is before %(day)s"),
    "<=": noted("is %(day)s or before"), ">": noted("is after %(day)s"), ">=": noted("is %(day)s or later"),
}  # fmt: skip
"""Of a date that is held against a day."""
_IN_DAY = {
    "=": noted("exactly as %(day)s began"), "<>": noted("not exactly as %(day)s began"), "<": noted("before %(day)s"),
    "<=": noted("before %(day)s or as it began"), ">": noted("after %(day)s began"),
    ">=": noted("on %(day)s or later"),
}  # fmt: skip
"""Of a time that is held against a day, which is its first moment."""
_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "<>": "<>"}


def in_words(node: Node, fields: Mapping[str, Field]) -> str:
    """The condition in a sentence without a full stop."""
    return _Teller(fields).tell(node)


class _Clause(NamedTuple):
    """A part of a sentence: how something was done, with the text that says what was."""

    pattern: str
    """Empty where `how` is all of it."""
    how: str


class _Teller:
    def __init__(self, fields: Mapping[str, Field]) -> None:
        self._fields = fields

    def tell(self, node: Any) -> str:
        if isinstance(node, Both):
            return self._both(node)
        if isinstance(node, Not):
            return self._not(node)
        if isinstance(node, Compare):
            return _said(self._compare(node))
        if isinstance(node, FieldRef):
            return self._flag(node, wanted=True)
        return gettext("is in “%(segment)s”", segment=node.name) if isinstance(node, InSegment) else self._test(node)

    def _test(self, node: Any, *, negated: bool = False) -> str:
        if isinstance(node, Between):
            said = {"what": self._value(node.value), "low": self._value(node.low), "high": self._value(node.high)}
            pattern = noted(
                "%(what)s is not between %(low)s and %(high)s"
                if negated
                else "%(what)s is between %(low)s and %(high)s"
            )
        elif isinstance(node, In):
            said = {
                "what": self._value(node.value),
                "those": listed([self._value(one) for one in node.among], last=gettext("or")),
            }
            pattern = noted("%(what)s is none of %(those)s" if negated else "%(what)s is %(those)s")
        elif isinstance(node, Like):
            said = {"what": self._value(node.value), "pattern": self._value(node.pattern)}
            pattern = noted("%(what)s is not like %(pattern)s" if negated else "%(what)s is like %(pattern)s")
        elif isinstance(node, Has):
            said = {"what": self._value(node.of), "one": self._value(node.member)}
            pattern = noted("%(what)s do not include %(one)s" if negated else "%(what)s include %(one)s")
        elif isinstance(node, IsNull):
            said = {"what": self._value(node.value)}
            pattern = noted("%(what)s is known" if negated else "%(what)s is not known")
        else:
            return self._value(node)
        return gettext(pattern, **said)

    def _both(self, node: Both) -> str:
        told: list[_Clause] = []
        for one in node.of:
            clause = self._compare(one) if isinstance(one, Compare) else _Clause("", self.tell(one))
            if node.op == "and" and told and clause.pattern and clause.pattern == told[-1].pattern:
                told[-1] = _Clause(clause.pattern, f"{told[-1].how}, {clause.how}")
                continue
            told.append(_Clause("", f"({clause.how})") if isinstance(one, Both) else clause)
        between = gettext("; and ") if node.op == "and" else gettext("; or ")
        return between.join(_said(one) for one in told)

    def _not(self, node: Not) -> str:
        of = node.of
        if isinstance(of, FieldRef):
            return self._flag(of, wanted=False)
        if isinstance(of, InSegment):
            return gettext("is not in “%(segment)s”", segment=of.name)
        if isinstance(of, Between | In | Like | Has | IsNull):
            return self._test(of, negated=True)
        return gettext("not (%(condition)s)", condition=self.tell(of))

    def _flag(self, node: FieldRef, *, wanted: bool) -> str:
        if node.base == "consent":
            return gettext("allowed %(what)s" if wanted else "has not allowed %(what)s", what=node.part)
        return self._title(node) if wanted else gettext("not %(what)s", what=self._title(node))

    def _compare(self, node: Compare) -> _Clause:
        left, op, right = node.left, node.op, node.right
        if isinstance(right, FieldRef) and not isinstance(left, FieldRef):
            left, op, right = right, cast(Any, _TURNED[op]), left
        if isinstance(left, FieldRef):
            if left.base in _DID and isinstance(right, Constant):
                return _count(left.base, op, float(right.value))
            if isinstance(right, Moment):
                return self._when(left, op, right)
            if left.type == "flag" and isinstance(right, Constant):
                return _Clause("", self._flag(left, wanted=bool(right.value) == (op == "=")))
        said = (_MOMENT if isinstance(left, Moment) else _OPS)[op]
        return _Clause("", gettext(said, what=self._value(left), value=self._value(right)))

    def _when(self, field: FieldRef, op: str, moment: Moment) -> _Clause:
        when = self._moment(field, op, moment)
        if field.base in _WHEN:
            pattern, which = _WHEN[field.base]
            return _Clause(pattern, gettext(which, when=when))
        return _Clause("", f"{self._title(field)} {when}")

    def _moment(self, field: FieldRef, op: str, moment: Moment) -> str:
        """When it was, as it stands behind what was done."""
        ago = _span(moment) if moment.base in ("now", "today") else None
        if moment.base in ("today", "date"):
            return gettext((_OF_DAY if field.type == "date" else _IN_DAY)[op], day=self._day(moment, ago))
        if ago is None:
            return gettext(_FIXED[op], moment=self._value(moment))
        span, is_past = ago
        if op in ("=", "<>"):
            there = _there(span, is_past=is_past) if span else gettext("now")
            return gettext("exactly %(moment)s" if op == "=" else "not exactly %(moment)s", moment=there)
        if not span:
            return gettext("in the future") if op in (">", ">=") else gettext("before now")
        if op in (">", ">="):
            return gettext("within %(span)s" if is_past else "more than %(span)s ahead", span=span)
        return gettext("more than %(span)s ago" if is_past else "within the next %(span)s", span=span)

    def _day(self, moment: Moment, ago: tuple[str, bool] | None) -> str:
        """A day, as it is said of: today, the day 2 weeks ago, or which it is."""
        if ago is None:
            return self._value(moment)
        span, is_past = ago
        if not span:
            return gettext("today")
        return gettext("the day %(span)s ago" if is_past else "the day %(span)s ahead", span=span)

    def _value(self, node: Any) -> str:
        if isinstance(node, FieldRef):
            return self._title(node)
        if isinstance(node, Constant):
            if isinstance(node.value, bool):
                return gettext("yes") if node.value else gettext("no")
            return f"“{node.said or node.value}”" if isinstance(node.value, str) else _number(node.value, words=False)
        if isinstance(node, Moment):
            said = node.said or {"now": gettext("now"), "today": gettext("today")}[node.base]
            for one in node.shifts:
                much = _amount(abs(one.amount), one.unit)
                pattern = "%(moment)s plus %(span)s" if one.amount >= 0 else "%(moment)s minus %(span)s"
                said = gettext(pattern, moment=said, span=much)
            return said
        if isinstance(node, Arithmetic):
            sign = {"*": "×", "/": "÷", "-": "−"}.get(node.op, node.op)
            return f"({self._value(node.left)} {sign} {self._value(node.right)})"
        return self.tell(node)

    def _title(self, node: FieldRef) -> str:
        field = self._fields.get(node.base)
        title = gettext(field.title) if field else node.base
        title = title.lower() if spoken().tag == "en" else title
        return f"{title} ({node.part})" if node.part else title


def _said(clause: _Clause) -> str:
    return gettext(clause.pattern, how=clause.how) if clause.pattern else clause.how


def _count(base: str, op: str, number: float) -> _Clause:
    did, never = _DID[base]
    if (number, op) in ((0, "="), (1, "<"), (0, "<=")):
        return _Clause("", gettext(never))
    if (number, op) == (0, ">"):
        number, op = 1, ">="
    times = {1.0: gettext("once"), 2.0: gettext("twice")}.get(number)
    times = times or gettext("%(number)s times", number=_number(number))
    return _Clause(did, gettext(_COUNTS[op], times=times))


def _span(moment: Moment) -> tuple[str, bool] | None:
    """The span to a moment from now, and whether it lies in the past; None where it is not one span."""
    if not moment.shifts:
        return "", True
    if len(moment.shifts) > 1:
        return None
    step = moment.shifts[0]
    return _amount(abs(step.amount), step.unit), step.amount <= 0


def _there(span: str, *, is_past: bool) -> str:
    return gettext("%(span)s ago" if is_past else "%(span)s ahead", span=span)


def _amount(number: int, unit: str) -> str:
    """A span as it stands behind "within" and before "ago", which is another case in some languages."""
    return {
        "second": lambda: ngettext("%(span)s second", "%(span)s seconds", number, span=number),
        "minute": lambda: ngettext("%(span)s minute", "%(span)s minutes", number, span=number),
        "hour": lambda: ngettext("%(span)s hour", "%(span)s hours", number, span=number),
        "day": lambda: ngettext("%(span)s day", "%(span)s days", number, span=number),
        "week": lambda: ngettext("%(span)s week", "%(span)s weeks", number, span=number),
        "month": lambda: ngettext("%(span)s month", "%(span)s months", number, span=number),
        "year": lambda: ngettext("%(span)s year", "%(span)s years", number, span=number),
    }[unit]()


def _number(value: float, *, words: bool = True) -> str:
    if value != int(value):
        return f"{value:,}"
    return gettext(_NUMBERS[int(value)]) if words and 0 <= value <= 12 else f"{int(value):,}"

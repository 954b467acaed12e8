"""From a text to typed nodes, by sqlglot: every token and node that is not on a list is refused, with its position.

**Bounds.** 2,000 characters, 400 tokens, parentheses and NOTs 12 deep, 8 signs of arithmetic, 5 wildcards a pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cache
from typing import Any, cast
from zoneinfo import ZoneInfo

from rapport.kernel.clock import SECOND
from rapport.kernel.currencies import currency_code, exponent
from rapport.remember.segments.fields import Field, fold_text
from rapport.remember.segments.language import (
    Arithmetic,
    BadSegment,
    Between,
    Both,
    Compare,
    Constant,
    FieldRef,
    Has,
    In,
    Interval,
    IsNull,
    Like,
    Moment,
    Node,
    Not,
    Op,
    Unit,
)

__all__ = ["LONGEST_TEXT", "parse"]

LONGEST_TEXT = 2_000
TOKENS = 400
DEPTH = 12
ARITHMETIC = 8
WILDCARDS = 5
LARGEST = 1e15
LONGEST_SPAN = 100_000
"""Of whatever unit an interval is written in."""
_EPOCH = date(1970, 1, 1).toordinal()
_UNITS: Mapping[str, Unit] = {
    f"{name}{plural}": name
    for name in ("second", "minute", "hour", "day", "week", "month", "year")
    for plural in ("", "s")
}
_FIELD_HINT = "the page Segments lists the fields; a text stands in single quotes"


def parse(text: str, fields: Mapping[str, Field], *, currency: str, zone: ZoneInfo,
          segment: Callable[[str], Node | None] | None = None) -> Node:  # fmt: skip
    """The condition that a text states for a shop of this currency and time zone. Raises BadSegment.

    `segment` answers the condition of another segment of the shop, which a text names by `in_segment('…')`.
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    if not text.strip():
        raise BadSegment("the condition is empty", hint="such as: orders >= 3")
    if len(text) > LONGEST_TEXT:
        raise BadSegment(f"the condition has {len(text):,} characters, {LONGEST_TEXT:,} are the most",
                         position=LONGEST_TEXT, hint="make two segments, and name one by in_segment('…')")  # fmt: skip
    _check_tokens(text)
    try:
        tree = sqlglot.parse_one(text, into=exp.Condition)
    except SqlglotError as error:
        found: list[dict[str, Any]] = getattr(error, "errors", None) or [{}]
        raise BadSegment("this cannot be read as a condition", position=_offset(text, found[0]),
                         hint="such as: orders >= 3 AND last_order_at > now() - INTERVAL 60 DAY") from None  # fmt: skip
    except RecursionError:
        raise BadSegment("the condition is nested too deeply", hint=f"at most {DEPTH} deep") from None
    reader = _Reader(fields, currency=currency, zone=zone, segment=segment)
    node = reader.condition(tree)
    if reader.signs > ARITHMETIC:
        raise BadSegment(f"the condition calculates with {reader.signs} signs, {ARITHMETIC} are the most")
    return node


def _offset(text: str, error: Mapping[str, Any]) -> int:
    """Where sqlglot stopped: it tells a line and a column behind the token."""
    lines = text.split("\n")[: max(0, int(error.get("line") or 1) - 1)]
    column = int(error.get("col") or 1) - len(str(error.get("highlight") or ""))
    return max(0, min(len(text) - 1, sum(len(one) + 1 for one in lines) + column))


@cache
def _allowed() -> frozenset[Any]:
    from sqlglot.tokenizer_core import TokenType as T

    return frozenset({
        T.VAR, T.IDENTIFIER, T.NUMBER, T.STRING, T.L_PAREN, T.R_PAREN, T.COMMA, T.DOT, T.AND, T.OR, T.NOT, T.EQ, T.NEQ,
        T.LT, T.LTE, T.GT, T.GTE, T.IN, T.LIKE, T.IS, T.NULL, T.BETWEEN, T.INTERVAL, T.TRUE, T.FALSE, T.PLUS, T.DASH,
        T.STAR, T.SLASH, T.DATE, T.TIMESTAMP, T.CURRENT_DATE, T.CURRENT_TIMESTAMP,
    })  # fmt: skip


def _check_tokens(text: str) -> None:
    """Refuse before parsing whatever no condition has: statements, sub-queries, comments, depth."""
    import sqlglot
    from sqlglot.errors import SqlglotError
    from sqlglot.tokenizer_core import TokenType

    try:
        tokens = sqlglot.tokenize(text)
    except SqlglotError:
        raise BadSegment("a quotation mark is not closed, or a character is none of a condition",
                         position=max(0, text.find("'"))) from None  # fmt: skip
    if len(tokens) > TOKENS:
        raise BadSegment(f"the condition has {len(tokens)} words and signs, {TOKENS} are the most",
                         position=tokens[TOKENS].start)  # fmt: skip
    depth = nots = 0
    # A word before a dot, or after one, is a name even where SQL knows it: `consent.order`.
    for index, token in enumerate(tokens):
        beside_dot = any(
            0 <= at < len(tokens) and tokens[at].token_type is TokenType.DOT for at in (index - 1, index + 1)
        )
        named = token.text.replace("_", "").isalnum() and beside_dot
        if token.token_type not in _allowed() and not named and token.text.lower() not in _UNITS:
            raise BadSegment(f"{token.text[:30]!r} cannot stand in a condition", position=token.start, hint=_FIELD_HINT)
        if token.comments:
            raise BadSegment("a condition has no comments", position=min(len(text) - 1, token.end + 1))
        depth += {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(token.token_type, 0)
        nots = nots + 1 if token.token_type in (TokenType.NOT, TokenType.DASH, TokenType.L_PAREN) else 0
        if depth > DEPTH or nots > DEPTH:
            raise BadSegment("the condition is nested too deeply", position=token.start, hint=f"at most {DEPTH} deep")
        if depth < 0:
            raise BadSegment("this ) closes nothing", position=token.start)
    if depth:
        raise BadSegment("a ( is not closed", position=len(text) - 1)


class _Reader:
    """Turns sqlglot's tree into typed nodes."""

    def __init__(self, fields: Mapping[str, Field], *, currency: str, zone: ZoneInfo,
                 segment: Callable[[str], Node | None] | None) -> None:  # fmt: skip
        self._fields, self._currency, self._zone, self._segment = fields, currency, zone, segment
        self.signs = 0

    def condition(self, tree: Any) -> Node:
        from sqlglot import exp

        if isinstance(tree, exp.Paren):
            return self.condition(tree.this)
        if isinstance(tree, exp.And | exp.Or):
            return self._joined(tree, "and" if isinstance(tree, exp.And) else "or")
        if isinstance(tree, exp.Not):
            return Not(self.condition(tree.this))
        node = self._comparison(tree)
        if node is not None:
            return node
        value = self.value(tree)
        if _type(value) != "flag":
            raise BadSegment(f"{tree.sql()[:60]} is no condition", position=_at(tree),
                             hint="compare it: orders >= 3, country = 'DE'")  # fmt: skip
        return value

    def _joined(self, tree: Any, op: Any) -> Node:
        """A chain of ANDs is one node, so that long conditions are not deep ones."""
        parts, stack = [], [tree]
        while stack:
            one = stack.pop()
            if type(one) is type(tree):
                stack += [one.expression, one.this]
            else:
                parts.append(self.condition(one))
        return Both(op, tuple(parts))

    def _comparison(self, tree: Any) -> Node | None:
        from sqlglot import exp

        ops: dict[type, Op] = {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
        negated = bool(tree.args.get("negate"))
        node: Node
        if type(tree) in ops:
            node = self._compare(ops[type(tree)], tree)
        elif isinstance(tree, exp.Between):
            value = self.value(tree.this)
            low, high = (self._beside(value, tree.args[end]) for end in ("low", "high"))
            _refuse_order(value, tree)
            node = Between(value, low, high)
        elif isinstance(tree, exp.In):
            value = self.value(tree.this)
            among = [self._beside(value, one) for one in tree.expressions]
            if not among or not all(isinstance(one, Constant) for one in among):
                raise BadSegment("IN takes numbers or texts", position=_at(tree), hint="country IN ('DE', 'AT')")
            node = In(value, tuple(cast(list[Constant], among)))
        elif isinstance(tree, exp.Like):
            node = Like(self._of_type(tree.this, "text"), _pattern(tree.expression))
        elif isinstance(tree, exp.Is):
            node = self._is(tree)
        elif isinstance(tree, exp.Anonymous):
            return self._function(tree)
        else:
            return None
        return Not(node) if negated else node

    def _is(self, tree: Any) -> Node:
        from sqlglot import exp

        value = self.value(tree.this)
        if isinstance(tree.expression, exp.Null):
            return IsNull(value)
        if isinstance(tree.expression, exp.Boolean) and _type(value) == "flag":
            # Unlike `=`, IS is never unknown.
            wanted = Compare("=", value, Constant(value=bool(tree.expression.this)))
            return Both("and", (Not(IsNull(value)), wanted))
        raise BadSegment("IS goes with NULL, TRUE or FALSE", position=_at(tree))

    def _function(self, tree: Any) -> Node | None:
        name = str(tree.this).lower()
        if name == "has":
            if len(tree.expressions) != 2:
                raise BadSegment("has(…) takes a list and a text", position=_at(tree), hint="has(channels, 'store')")
            of = self._of_type(tree.expressions[0], "list")
            return Has(cast(FieldRef, of), _pattern(tree.expressions[1]))
        if name == "in_segment":
            if len(tree.expressions) != 1 or not tree.expressions[0].is_string:
                raise BadSegment("in_segment(…) takes a name", position=_at(tree), hint="in_segment('VIP')")
            other = tree.expressions[0].name
            node = self._segment(other) if self._segment is not None else None
            if node is None:
                raise BadSegment(f"there is no segment {other[:60]!r}", position=_at(tree))
            return node
        return None

    def _compare(self, op: Op, tree: Any) -> Node:
        left = self.value(tree.this)
        if isinstance(left, Constant | Moment):  # the constant's type follows from the other side
            right = self.value(tree.expression)
            left = self._beside(right, tree.this)
        else:
            right = self._beside(left, tree.expression)
        if op not in ("=", "<>"):
            _refuse_order(left, tree)
        return Compare(op, left, right)

    def _of_type(self, tree: Any, kind: str) -> Node:
        value = self.value(tree)
        if _type(value) != kind or not isinstance(value, FieldRef):
            raise BadSegment(f"{tree.sql()[:60]} is no {kind}", position=_at(tree), hint=_FIELD_HINT)
        return value

    def _beside(self, other: Node, tree: Any) -> Node:
        """A value that is compared with another. Raises BadSegment where their types differ."""
        value = self.value(tree, wanted=_type(other))
        wanted, got = _type(other), _type(value)
        if wanted == "time" and isinstance(value, Moment) and got == "date":
            return _instant(value)
        if wanted == "list":
            raise BadSegment("a list is not compared", position=_at(tree), hint="has(channels, 'store')")
        if wanted != got:
            raise BadSegment(f"a {wanted} is compared with {tree.sql()[:60]}, a {got}", position=_at(tree),
                             hint=_TYPE_HINTS.get(wanted, ""))  # fmt: skip
        return value

    def value(self, tree: Any, *, wanted: str = "") -> Node:
        """A value; a quoted text is read as a moment where one is `wanted`."""
        from sqlglot import exp

        while isinstance(tree, exp.Paren):
            tree = tree.this
        if isinstance(tree, exp.Column):
            return self._field(tree)
        if isinstance(tree, exp.Add | exp.Sub | exp.Mul | exp.Div):
            return self._arithmetic(tree)
        value = self._constant(tree, wanted) or self._moment(tree)
        if value is None:
            raise BadSegment(f"{tree.sql()[:60]} is nothing a condition can ask", position=_at(tree), hint=_FIELD_HINT)
        return value

    def _constant(self, tree: Any, wanted: str) -> Constant | Moment | None:
        from sqlglot import exp

        if isinstance(tree, exp.Boolean):
            return Constant(value=bool(tree.this))
        if isinstance(tree, exp.Neg) and isinstance(tree.this, exp.Literal) and not tree.this.is_string:
            return Constant(value=-float(_number(tree.this.name, tree).value))
        if not isinstance(tree, exp.Literal):
            return None
        if not tree.is_string:
            return _number(tree.name, tree)
        is_moment = wanted in ("time", "date")
        return self._fixed(tree.name, tree) if is_moment else Constant(value=fold_text(tree.name), said=tree.name)

    def _moment(self, tree: Any) -> Moment | None:
        from sqlglot import exp

        name = str(tree.this).lower() if isinstance(tree, exp.Anonymous) and not tree.expressions else ""
        if isinstance(tree, exp.CurrentTimestamp) or name == "now":
            return Moment("now", "time")
        if isinstance(tree, exp.CurrentDate) or name == "today":
            return Moment("today", "date")
        is_date = isinstance(tree, exp.Date) or (
            isinstance(tree, exp.Cast) and tree.to.this.name in ("DATE", "TIMESTAMP")
        )
        if is_date and isinstance(tree.this, exp.Literal) and tree.this.is_string:
            return self._fixed(tree.this.name, tree)
        return None

    def _fixed(self, said: str, tree: Any) -> Moment:
        """A moment written out; one without an offset is the shop's own time."""
        try:
            if len(said) == 10:
                return Moment("date", "date", at=date.fromisoformat(said).toordinal() - _EPOCH, said=said)
            moment = datetime.fromisoformat(said)
        except ValueError:
            raise BadSegment(f"{said[:40]!r} is no date or time", position=_at(tree),
                             hint="'2026-03-31' or '2026-03-31 18:00'") from None  # fmt: skip
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=self._zone)
        return Moment("time", "time", at=round(moment.timestamp() * SECOND), said=said)

    def _arithmetic(self, tree: Any) -> Node:
        from sqlglot import exp

        self.signs += 1
        sign = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}[type(tree)]
        if isinstance(tree.expression, exp.Interval):
            base = self.value(tree.this)
            if not isinstance(base, Moment) or sign not in "+-":
                raise BadSegment("an interval is added to or taken from now() or a date", position=_at(tree),
                                 hint="not a + INTERVAL 1 DAY < now(), but a < now() - INTERVAL 1 DAY")  # fmt: skip
            return _shifted(base, tree.expression, sign)
        left, right = self.value(tree.this), self.value(tree.expression)
        if any(_type(side) not in ("number", "money") for side in (left, right)):
            raise BadSegment(f"{tree.sql()[:60]} calculates with something that is no number", position=_at(tree))
        return Arithmetic(cast(Any, sign), left, right)

    def _field(self, tree: Any) -> FieldRef:
        names = [part.name.lower() for part in tree.parts]
        base, key = names[0], ".".join(names[1:])
        field = self._fields.get(base)
        if field is None or (key and not field.is_keyed):
            asked = ".".join(names)
            raise BadSegment(f"there is no field {asked[:60]!r}", position=_at(tree), hint=_near(asked, self._fields))
        if field.type == "money":
            code = currency_code(key) if key else self._currency
            if not code:
                raise BadSegment(f"{key[:20]!r} is no currency", position=_at(tree), hint=f"{base}.eur")
            return FieldRef(f"{base}.{code}", "money", base, code, scale=10 ** exponent(code), is_zero=True)
        if field.is_keyed and not key:
            raise BadSegment(f"{base!r} is asked of something", position=_at(tree), hint=f"{base}.marketing")
        return FieldRef(f"{base}.{fold_text(key)}" if key else base, field.type, base, key,
                        is_zero=field.type == "number")  # fmt: skip


_TYPE_HINTS = {
    "time": "compare it with now() - INTERVAL 30 DAY, or a date such as '2026-03-31'",
    "date": "compare it with today() - INTERVAL 30 DAY, or a date such as '2026-03-31'",
    "text": "a text stands in single quotes", "number": "compare it with a number",
    "money": "compare it with a number, in whole units of the currency: revenue >= 100",
    "flag": "compare it with TRUE or FALSE",
}  # fmt: skip


def _near(asked: str, fields: Mapping[str, Field]) -> str:
    from rapidfuzz import process

    found = process.extractOne(asked, list(fields), score_cutoff=60)
    return f"did you mean {found[0]}?" if found else _FIELD_HINT


def _instant(moment: Moment) -> Moment:
    """A day as the instant at which it begins in the shop's zone."""
    return Moment(moment.base, "time", at=moment.at, said=moment.said, shifts=moment.shifts)


def _at(tree: Any) -> int:
    """Where a node stands in the text: at the first of its words whose place is known."""
    places = [node.meta["start"] for node in tree.walk() if node.meta.get("start") is not None]
    return int(min(places, default=0))


def _type(node: Node) -> str:
    if isinstance(node, FieldRef | Moment):
        return "number" if node.type == "money" else node.type
    if isinstance(node, Constant):
        return "flag" if isinstance(node.value, bool) else "text" if isinstance(node.value, str) else "number"
    return "number" if isinstance(node, Arithmetic) else "flag"


def _refuse_order(value: Node, tree: Any) -> None:
    if _type(value) in ("text", "flag", "list"):
        raise BadSegment(f"a {_type(value)} is not larger or smaller", position=_at(tree), hint="use =, <>, IN or LIKE")


def _number(said: str, tree: Any) -> Constant:
    value = float(said)
    if abs(value) > LARGEST or 0 < abs(value) < 1e-9:
        raise BadSegment(f"the number {said[:30]} is too large or too small", position=_at(tree))
    return Constant(value=value)


def _pattern(tree: Any) -> Constant:
    from sqlglot import exp

    if not isinstance(tree, exp.Literal) or not tree.is_string or not tree.name.strip():
        raise BadSegment("a text in single quotes is wanted here", position=_at(tree))
    if sum(tree.name.count(sign) for sign in "%_") > WILDCARDS:
        raise BadSegment(f"a pattern has at most {WILDCARDS} of % and _", position=_at(tree))
    return Constant(value=fold_text(tree.name), said=tree.name)


def _shifted(base: Moment, interval: Any, sign: str) -> Moment:
    amount = interval.this.name if interval.this is not None else ""
    unit = _UNITS.get(str(interval.unit.name if interval.unit is not None else "").lower())
    if unit is None or not amount.isdecimal() or not amount.isascii() or int(amount) > LONGEST_SPAN:
        raise BadSegment("an interval is a whole number and a unit", position=_at(interval),
                         hint="INTERVAL 60 DAY; seconds, minutes, hours, days, weeks, months, years")  # fmt: skip
    if base.type == "date" and unit in ("second", "minute", "hour"):
        raise BadSegment(f"a day is not shifted by {unit}s", position=_at(interval), hint="use now()")
    step = Interval(int(amount) if sign == "+" else -int(amount), unit)
    return Moment(base.base, base.type, at=base.at, said=base.said, shifts=(*base.shifts, step))

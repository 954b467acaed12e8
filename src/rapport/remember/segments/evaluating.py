"""A condition as a function of one record: true, false or unknown, and when the clock may next change the answer."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from operator import eq, ge, gt, le, lt, ne
from typing import Any
from zoneinfo import ZoneInfo

from rapport.kernel.clock import SECOND
from rapport.remember.segments.fields import Record
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
    Interval,
    IsNull,
    Like,
    Moment,
    Node,
    Not,
    children,
    fields_in,
    is_timed,
)
from rapport.remember.segments.predicates import predicate

__all__ = ["NEVER", "Clock", "Compiled", "is_like", "moment_at", "walking"]

NEVER = 2**62
"""The time of what no passing of time changes."""

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPANS = {"second": SECOND, "minute": 60 * SECOND, "hour": 3600 * SECOND, "day": 86_400 * SECOND,
          "week": 7 * 86_400 * SECOND}  # fmt: skip
_LAST = 2**53
"""Moments beyond it, or before the negative of it, are held at it: year 2255."""

Evaluate = Callable[[Record, "Clock"], Any]


class Clock:
    """A time with the moments that conditions name, each found out once."""

    __slots__ = ("_known", "now", "zone")

    def __init__(self, now: int, zone: ZoneInfo) -> None:
        self.now = now
        self.zone = zone
        self._known: dict[Moment, int] = {}

    def of(self, moment: Moment) -> int:
        """Microseconds, or days of a `date`, since 1970."""
        found = self._known.get(moment)
        if found is None:
            found = self._known[moment] = moment_at(moment, self.now, self.zone)
        return found

    def turn(self) -> int:
        """The next midnight of the zone, or the time before it at which its clocks are put forward or back."""
        tomorrow = Moment("today", "time", shifts=(Interval(1, "day"),))
        midnight = self.of(tomorrow)
        return min(midnight, _offset_change(self.now, midnight, self.zone))


def moment_at(moment: Moment, now: int, zone: ZoneInfo) -> int:
    """What a moment is at this time. Never falls while time passes.

    Days, weeks, months and years of `today()` and of dates are the calendar's; a day of `now()` is 24 hours.
    """
    if moment.base in ("now", "time"):
        at = now if moment.base == "now" else moment.at
        for step in moment.shifts:
            at = at + step.amount * _SPANS[step.unit] if step.unit in _SPANS else _by_calendar(at, step, zone)
            at = max(-_LAST, min(_LAST, at))
        return at
    day = moment.at if moment.base == "date" else (_local(now, zone).toordinal() - _EPOCH_DAY)
    for step in moment.shifts:
        day = _day_shifted(day, step)
    if moment.type == "date":
        return day
    midnight = datetime.combine(date.fromordinal(day + _EPOCH_DAY), datetime.min.time(), tzinfo=zone)
    return round((midnight - _EPOCH).total_seconds()) * SECOND


def _local(at: int, zone: ZoneInfo) -> datetime:
    return (_EPOCH + timedelta(seconds=at // SECOND)).astimezone(zone)


def _by_calendar(at: int, step: Interval, zone: ZoneInfo) -> int:
    """The same time of day, so many months from then. It stands still where going on would be going back: on the days
    that the other month lacks, in the hour that comes twice, and where there it falls into the hour that is left out.
    """
    local = _local(at, zone)
    here = local.toordinal() - _EPOCH_DAY
    there = _day_shifted(here, step)
    day = datetime.fromordinal(there + _EPOCH_DAY)
    if _day_shifted(here - 1, step) == there:
        return _instant(day + timedelta(days=1), zone)
    if local.fold:
        twice = (local.replace(fold=0).utcoffset() or timedelta()) - (local.utcoffset() or timedelta())
        began = _local(_offset_change(at - round(twice.total_seconds()) * SECOND, at, zone), zone)
        return _instant(datetime.combine(day, began.time()) + twice, zone)
    return _instant(datetime.combine(day, local.time()), zone, past=at % SECOND)


def _instant(wall: datetime, zone: ZoneInfo, *, past: int = 0) -> int:
    """When clocks first show this, and `past` microseconds more; where they skip it, when they skip it."""
    first, second = (round((wall.replace(tzinfo=zone, fold=fold) - _EPOCH).total_seconds()) * SECOND for fold in (0, 1))
    return first + past if first <= second else _offset_change(second - 1, first, zone)


def _offset_change(after: int, upto: int, zone: ZoneInfo) -> int:
    """The first time in between at which clocks show what they show at its end; NEVER where they go on as they were."""
    there = _local(upto, zone).utcoffset()
    if _local(after, zone).utcoffset() == there:
        return NEVER
    while upto - after > SECOND:
        middle = (after + upto) // 2
        after, upto = (after, middle) if _local(middle, zone).utcoffset() == there else (middle, upto)
    return upto // SECOND * SECOND


def _day_shifted(day: int, step: Interval) -> int:
    low, high = date(1900, 1, 1).toordinal() - _EPOCH_DAY, date(2250, 1, 1).toordinal() - _EPOCH_DAY
    if step.unit in ("day", "week"):
        return max(low, min(high, day + step.amount * (7 if step.unit == "week" else 1)))
    when = date.fromordinal(day + _EPOCH_DAY)
    month = when.year * 12 + when.month - 1 + step.amount * (12 if step.unit == "year" else 1)
    year, month = divmod(month, 12)
    if not 1900 <= year < 2250:
        return low if year < 1900 else high
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(when.day, last)).toordinal() - _EPOCH_DAY


class Compiled:
    """A condition made ready for records: once for each version of a segment. Immutable."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.fields = fields_in(node)
        self.is_timed = is_timed(node)
        self.holds = predicate(node, walking, is_like)
        """Whether the condition is true of a record at a time of the clock: neither false nor unknown."""
        self._edges = list(_edges(node))

    def next_change(self, record: Record, clock: Clock) -> int:
        """The earliest time after now at which the answer may be another while the record stays; NEVER for none."""
        changes = [NEVER]
        for against, moment in self._edges:
            if isinstance(against, str):
                changes.append(_crossing(record.get(against), moment, clock))
                continue
            changes.append(_crossing(clock.of(against), moment, clock))
            if is_timed(against):  # it moves, too: by steps at midnight, and where clocks are changed
                changes.append(clock.turn())
        return min(changes)


def _edges(node: Any) -> Sequence[tuple[str | Moment, Moment]]:
    """Each moment that moves, with the field or the other moment that it is held against."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(node, Compare):
        pairs = [(node.left, node.right)]
    elif isinstance(node, Between):
        pairs = [(node.value, node.low), (node.value, node.high)]
    found: dict[tuple[str | Moment, Moment], None] = {}
    for against, moment in (turned for one in pairs for turned in (one, one[::-1])):
        if isinstance(moment, Moment) and is_timed(moment) and isinstance(against, FieldRef | Moment):
            found[against.name if isinstance(against, FieldRef) else against, moment] = None
    for child in children(node):
        found |= dict.fromkeys(_edges(child))
    return list(found)


def _crossing(value: Any, moment: Moment, clock: Clock) -> int:
    """The first time after now at which the moment reaches, or has passed, a record's value."""
    if value is None:
        return NEVER
    if moment.base == "now" and all(step.unit in _SPANS for step in moment.shifts):
        reached = int(value) - (clock.of(moment) - clock.now)
        return reached if reached > clock.now else reached + 1 if reached == clock.now else NEVER
    reached = _first(lambda at: moment_at(moment, at, clock.zone) >= value, clock.now)
    if reached > clock.now:
        return reached
    return (
        _first(lambda at: moment_at(moment, at, clock.zone) > value, clock.now)
        if _is_at(value, moment, clock)
        else NEVER
    )


def _is_at(value: int, moment: Moment, clock: Clock) -> bool:
    return clock.of(moment) == value


def _first(reached: Callable[[int], bool], now: int) -> int:
    """The first time from now on at which something that stays true is true; by halving, `now` where it is."""
    if reached(now):
        return now
    step = 86_400 * SECOND
    low, high = now, now + step
    while not reached(high):
        if high >= _LAST:
            return NEVER
        step *= 2
        low, high = high, min(_LAST, high + step)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


_OPS: dict[str, Callable[[Any, Any], bool]] = {"=": eq, "<>": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


def walking(node: Node) -> Evaluate:
    """The answer as a function of a record and a clock, node by node; None where it is unknown."""
    makers: dict[type, Callable[[Any], Evaluate]] = {
        FieldRef: _field, Constant: _constant, Moment: _moment, Arithmetic: _arithmetic, Compare: _compare,
        Between: _between, In: _in, Like: _like, Has: _has, IsNull: _is_null, Not: _not, Both: _both,
        InSegment: _in_segment,
    }  # fmt: skip
    return makers[type(node)](node)


def _field(node: FieldRef) -> Evaluate:
    name, scale = node.name, float(node.scale)
    if node.type not in ("number", "money"):
        return lambda record, clock: record.get(name)
    absent = 0.0 if node.is_zero else None

    def read(record: Record, clock: Clock) -> Any:
        value = record.get(name)
        return absent if value is None else float(value) / scale

    return read


def _constant(node: Constant) -> Evaluate:
    value = node.value
    return lambda record, clock: value


def _moment(node: Moment) -> Evaluate:
    return lambda record, clock: clock.of(node)


def _arithmetic(node: Arithmetic) -> Evaluate:
    left, right, op = walking(node.left), walking(node.right), node.op

    def calculate(record: Record, clock: Clock) -> Any:
        a, b = left(record, clock), right(record, clock)
        if a is None or b is None or (op == "/" and b == 0):
            return None
        return a + b if op == "+" else a - b if op == "-" else a * b if op == "*" else a / b

    return calculate


def _compare(node: Compare) -> Evaluate:
    left, right, op = walking(node.left), walking(node.right), _OPS[node.op]

    def compare(record: Record, clock: Clock) -> Any:
        a, b = left(record, clock), right(record, clock)
        return None if a is None or b is None else op(a, b)

    return compare


def _between(node: Between) -> Evaluate:
    return _both(Both("and", (Compare(">=", node.value, node.low), Compare("<=", node.value, node.high))))


def _in(node: In) -> Evaluate:
    value, among = walking(node.value), {one.value for one in node.among}

    def is_in(record: Record, clock: Clock) -> Any:
        found = value(record, clock)
        return None if found is None else found in among

    return is_in


def _like(node: Like) -> Evaluate:
    value, pattern = walking(node.value), str(node.pattern.value)

    def like(record: Record, clock: Clock) -> Any:
        found = value(record, clock)
        return None if found is None else is_like(found, pattern)

    return like


def _has(node: Has) -> Evaluate:
    name, member = node.of.name, str(node.member.value)
    if "%" in member or "_" in member:
        return lambda record, clock: any(is_like(one, member) for one in record.get(name) or ())
    return lambda record, clock: member in (record.get(name) or ())


def _is_null(node: IsNull) -> Evaluate:
    value = walking(node.value)
    return lambda record, clock: value(record, clock) is None


def _not(node: Not) -> Evaluate:
    of = walking(node.of)

    def negate(record: Record, clock: Clock) -> Any:
        found = of(record, clock)
        return None if found is None else not found

    return negate


def _both(node: Both) -> Evaluate:
    several, decisive = [walking(one) for one in node.of], node.op == "or"

    def join(record: Record, clock: Clock) -> Any:
        unknown = False
        for one in several:
            found = one(record, clock)
            if found is decisive:
                return decisive
            unknown = unknown or found is None
        return None if unknown else not decisive

    return join


def _in_segment(node: InSegment) -> Evaluate:
    of = walking(node.of)
    return lambda record, clock: of(record, clock) is True


def is_like(text: str, pattern: str) -> bool:
    """SQL's LIKE, in time of the product of both lengths, whatever the pattern.

    >>> is_like("anna@example.com", "%@example.%"), is_like("abc", "a_"), is_like("ac", "a%c")
    (True, False, True)
    """
    at = p = 0
    star, resume = -1, 0
    while at < len(text):
        if p < len(pattern) and pattern[p] == "%":
            star, resume = p, at
            p += 1
        elif p < len(pattern) and pattern[p] in ("_", text[at]):
            at, p = at + 1, p + 1
        elif star >= 0:
            resume += 1
            at, p = resume, star + 1
        else:
            return False
    return not pattern[p:].strip("%")

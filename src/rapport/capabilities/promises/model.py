"""Promises: what was said, how it stands, what stands against it, and what the customer may choose. Pure.

How a promise stands follows from all that is known of its order, whatever order it came in: judging again, late or
twice, gives the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Literal, NamedTuple

import msgspec

from rapport.capabilities.promises.lateness import Model, Stage
from rapport.capabilities.promises.shipments import Back, Line, Shipment, all_arrived, ended_at
from rapport.capabilities.promises.windows import Window, day_of, window_of_days
from rapport.capabilities.promises.working_days import Calendar
from rapport.kernel.clock import DAY, HOUR, zone_named

__all__ = [
    "CHOICES", "CLOSED", "HISTORY", "IN_DANGER", "Cause", "Choice", "Known", "Made", "Method", "PromiseState",
    "Standing", "Terms", "history_of", "judge",
]  # fmt: skip

PromiseState = Literal["made", "renegotiated", "at_risk", "broken", "kept", "cancelled"]
Cause = Literal[
    "", "no_stock", "not_handed_over", "no_movement", "carrier_later", "lost", "returning", "not_ready", "over",
]  # fmt: skip
Choice = Literal["wait", "collect", "replace", "cancel"]
CHOICES: tuple[Choice, ...] = ("wait", "collect", "replace", "cancel")
Method = Literal["delivery", "collect"]

IN_DANGER = frozenset({"at_risk", "broken"})
CLOSED = frozenset({"kept", "cancelled"})

HISTORY = 7 * DAY
"""A promise whose end lies further back when we first hear of it is history: it teaches, and nobody is told of it."""
_READY_LEFT = 4
"""What is to be collected is at risk when it is not ready with this part of its time left: a quarter."""
_LAST_DAY_NOON = 12 * HOUR


class Known(NamedTuple):
    """An order, as far as its facts tell."""

    order_id: str
    strand: bytes
    placed_at: int
    zone: str
    """Of the destination."""
    country: str
    region: str
    lines: tuple[Line, ...]
    cancelled_at: int | None

    @property
    def segment(self) -> str:
        return f"{self.country}|{self.region}"


class Made(NamedTuple):
    """A promise as somebody made it."""

    id: str
    at: int
    window: Window
    by: str
    """`shop` (its systems), `staff`, `customer` or `rapport` (by the shop's calendar)."""
    reason: str
    method: str = "delivery"
    location_id: str = ""


class Terms(NamedTuple):
    """By what a shop's promises are judged."""

    model: Model
    calendar: Calendar
    at_risk: float
    """The probability of being late from which a promise is at risk."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a promise stands."""

    status: PromiseState
    made: Made
    """The one in force."""
    risk: float | None
    """The probability that it is broken; None while nobody knows."""
    cause: Cause
    proposed: Window | None
    """When it is likely to be there instead."""
    handed_at: int | None
    arrived_at: int | None
    again_at: int | None
    """When to look again, should nothing be heard."""


def history_of(made: Collection[Made]) -> list[Made]:
    """The promises of an order, each that changed something, the first one first.

    What the shop's systems repeat is no new promise, also after somebody has agreed on another.
    """
    told: list[Made] = []
    for one in sorted(made, key=lambda each: (each.at, each.id)):
        known = [each.window for each in told] if one.by in ("shop", "rapport") else [told[-1].window] if told else []
        same_way = bool(told) and (one.method, one.location_id) == (told[-1].method, told[-1].location_id)
        if one.window not in known or (one.by not in ("shop", "rapport") and not same_way):
            told.append(one)
    return told


def judge(
    order: Known, history: Sequence[Made], shipments: Sequence[Shipment], terms: Terms, *, now: int,
    no_stock: bool = False, stock_at: int | None = None, backs: Sequence[Back] = (),
) -> Standing:  # fmt: skip
    """How the promise in force stands; what was paid back (`backs`) is to come no more. `stock_at` is when goods
    that are missing are expected.
    """
    made = history[-1]
    shipments = _counting(made, shipments)
    no_stock = no_stock and not _in_time(order, made, terms.calendar, stock_at)
    arrived = _arrived(order, made, shipments, backs)
    ended = [at for at in (order.cancelled_at, ended_at(order.lines, backs)) if at is not None]
    handed = min((one.handed_at for one in shipments if one.handed_at is not None), default=None)
    if ended and (arrived is None or min(ended) < arrived):
        return _standing("cancelled", made, handed=handed)
    if arrived is not None:
        kept = arrived <= made.window.to_at
        return _standing(
            "kept" if kept else "broken", made, cause="" if kept else "over", handed=handed, arrived=arrived
        )
    danger = _danger(order, made, shipments, terms, now=now, no_stock=no_stock)
    over = now > made.window.to_at
    at_risk = over or danger.cause != ""
    usual: PromiseState = "renegotiated" if len(history) > 1 else "made"
    return Standing(
        status="broken" if over else "at_risk" if at_risk else usual, made=made,
        risk=1.0 if over else danger.risk, cause=danger.cause or ("over" if over else ""),
        proposed=_proposed(order, made, shipments, terms, danger, now=now, stock_at=stock_at) if at_risk else None,
        handed_at=handed, arrived_at=None,
        again_at=None if over else min(made.window.to_at + 1, danger.again_at or made.window.to_at + 1),
    )  # fmt: skip


def _counting(made: Made, shipments: Sequence[Shipment]) -> Sequence[Shipment]:
    """Those that the promise in force is about: who agreed on it knew of what was lost or went back before."""
    if made.by not in ("customer", "staff"):
        return shipments
    return [one for one in shipments if one.state not in ("lost", "returning") or one.state_at > made.at]


def _in_time(order: Known, made: Made, calendar: Calendar, stock_at: int | None) -> bool:
    """Whether what is missing comes early enough for the promise."""
    later = calendar.window(stock_at, zone_named(order.zone)) if stock_at is not None else None
    return later is not None and later.to_at <= made.window.to_at


class _Danger(NamedTuple):
    risk: float | None
    cause: Cause
    stage: Stage
    since: int
    again_at: int | None


def _standing(
    status: PromiseState, made: Made, *, cause: Cause = "", handed: int | None, arrived: int | None = None
) -> Standing:
    return Standing(
        status=status, made=made, risk=None, cause=cause, proposed=None, handed_at=handed, arrived_at=arrived,
        again_at=None,
    )  # fmt: skip


def _arrived(order: Known, made: Made, shipments: Sequence[Shipment], backs: Sequence[Back]) -> int | None:
    """When the customer had it: at the door, or ready in the store that was chosen."""
    at_door = all_arrived(order.lines, shipments, backs)
    if made.method != "collect":
        return at_door
    there = [
        one.state_at
        for one in shipments
        if one.state in ("ready_to_collect", "delivered") and one.location_id == made.location_id
    ]
    return min([*there, *([at_door] if at_door is not None else [])], default=None)


def _danger(
    order: Known, made: Made, shipments: Sequence[Shipment], terms: Terms, *, now: int, no_stock: bool
) -> _Danger:
    """What stands against it, the gravest first."""
    to_at = made.window.to_at
    if made.method == "collect":
        due = to_at - (to_at - made.at) // _READY_LEFT
        return _Danger(None, "not_ready" if now >= due else "", "placed", made.at, due if now < due else None)
    stage, since = _stage(order, shipments)
    risk = terms.model.late(stage, order.segment, waited=now - since, allowed=to_at - since)
    open_ = [one for one in shipments if one.delivered_at is None]
    if known := _known_cause(open_, to_at, no_stock=no_stock and stage == "placed"):
        return _Danger(max(_BELIEVED[known], risk or 0), known, stage, since, None)
    silence: Cause = "not_handed_over" if stage == "placed" else "no_movement"
    if risk is not None:
        if risk >= terms.at_risk:
            return _Danger(risk, silence, stage, since, None)
        after = terms.model.reaches(
            stage, order.segment, waited=now - since, allowed=to_at - since, share=terms.at_risk
        )  # fmt: skip
        return _Danger(risk, "", stage, since, since + after if after is not None else None)
    due = _due_by_calendar(order, made, stage, terms.calendar)
    return _Danger(None, silence if now > due else "", stage, since, due + 1 if now <= due else None)


_BELIEVED: Mapping[Cause, float] = {"lost": 0.95, "returning": 0.95, "carrier_later": 0.9, "no_stock": 0.8}
"""How likely a promise is broken of which this is known, at least; a setting of ours, not a measurement."""


def _known_cause(open_: Sequence[Shipment], to_at: int, *, no_stock: bool) -> Cause:
    """What is known to stand against it, the gravest first; empty where nothing is."""
    states = {one.state for one in open_}
    if "lost" in states:
        return "lost"
    if "returning" in states:
        return "returning"
    if any(one.eta_at is not None and one.eta_at > to_at for one in open_):
        return "carrier_later"
    return "no_stock" if no_stock else ""


def _due_by_calendar(order: Known, made: Made, stage: Stage, calendar: Calendar) -> int:
    """Without a history the calendar says when silence is a bad sign: past the last hand-over, or on the last day.

    Whoever promises quicker than the calendar knows better than it.
    """
    to_at, zone = made.window.to_at, zone_named(order.zone)
    hand_over = calendar.hand_over_by(to_at, zone)
    if stage == "placed" and hand_over > max(order.placed_at, made.at):
        return min(to_at, hand_over)
    last_day = window_of_days(day_of(to_at, zone), day_of(to_at, zone), zone).from_at
    noon = last_day + _LAST_DAY_NOON
    return min(to_at, noon) if stage != "out" and noon > max(order.placed_at, made.at) else to_at


def _stage(order: Known, shipments: Sequence[Shipment]) -> tuple[Stage, int]:
    """How far the slowest part of an order is, and since when."""
    open_ = [one for one in shipments if one.delivered_at is None]
    handed = [one.handed_at for one in open_ if one.handed_at is not None]
    if not handed or len(handed) < len(open_) or _unpacked(order, shipments):
        return "placed", order.placed_at
    out = [one.out_at for one in open_ if one.out_at is not None]
    return ("out", max(out)) if len(out) == len(open_) else ("handed", max(handed))


def _unpacked(order: Known, shipments: Sequence[Shipment]) -> bool:
    """Whether some line is in no shipment, where all of them say what is in them."""
    if not order.lines or not all(one.lines for one in shipments):
        return False
    packed = {line[:2] for one in shipments for line in one.lines}
    return any(line[:2] not in packed for line in order.lines)


def _proposed(
    order: Known, made: Made, shipments: Sequence[Shipment], terms: Terms, danger: _Danger, *, now: int,
    stock_at: int | None,
) -> Window | None:  # fmt: skip
    """Days on which it is likely to be there instead; None where nobody can say honestly."""
    zone, calendar = zone_named(order.zone), terms.calendar
    if made.method == "collect" or danger.cause in ("lost", "returning"):
        return calendar.window(now, zone) if made.method != "collect" else None
    ends = [one.eta_at for one in shipments if one.delivered_at is None and one.eta_at is not None and one.eta_at > now]
    if stock_at is not None and stock_at > now and (later := calendar.window(stock_at, zone)) is not None:
        ends.append(later.to_at)
    waited = now - danger.since
    likely = terms.model.quantile(danger.stage, order.segment, waited=waited, share=0.8)
    begins = terms.model.quantile(danger.stage, order.segment, waited=waited, share=0.5)
    if not ends and likely is not None:
        ends.append(danger.since + likely)
    if not ends and danger.stage == "placed" and danger.cause != "no_stock":
        planned = calendar.window(now, zone)
        ends += [planned.to_at] if planned is not None else []
    if not ends:
        return None
    tomorrow = day_of(now, zone) + timedelta(days=1)
    last = max(day_of(max(ends), zone), tomorrow)
    if last <= day_of(made.window.to_at, zone) and now <= made.window.to_at:
        last = day_of(made.window.to_at, zone) + timedelta(days=1)
    first = max(tomorrow, day_of(danger.since + begins, zone)) if begins is not None else tomorrow
    return window_of_days(min(first, last), last, zone)

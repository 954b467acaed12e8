"""Reads the touchpoints of a period as journeys; of very many, those of customers chosen by chance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.insights.journey_map import Journey, JourneyMap, Point, journeys_of, map_of, told_apart
from rapport.capabilities.insights.service.funnel import met
from rapport.kernel.clock import DAY, MINUTE
from rapport.measure.model import Question
from rapport.resolve.graph.store import identifiers

__all__ = ["APART", "MOST", "OUTCOMES", "Apart", "Asked", "Outcome", "Travelled", "journeys", "travelled"]

Apart: TypeAlias = Literal["visit", "day", "week", "month"]
Outcome: TypeAlias = Literal["all", "ordered", "not_ordered", "refunded", "contacted"]

APART: dict[Apart, int] = {"visit": 30 * MINUTE, "day": DAY, "week": 7 * DAY, "month": 30 * DAY}
"""A journey ends where nothing happens for longer."""

OUTCOMES: dict[Outcome, Callable[[Journey], bool]] = {
    "all": lambda _: True,
    "ordered": lambda one: one.has("Order"),
    "not_ordered": lambda one: not one.has("Order"),
    "refunded": lambda one: one.has("Refund"),
    "contacted": lambda one: one.has("Contact"),
}

MOST = 120_000
"""Touchpoints that are read at once: half a second's work."""

_PARTS = 65_536


class Asked(NamedTuple):
    """Which journeys, and how closely they are looked at."""

    apart: Apart = "week"
    outcome: Outcome = "all"
    kinds: int = 12
    """So many kinds of touchpoints are told apart."""


class Travelled(NamedTuple):
    """The journeys of a period."""

    map: JourneyMap
    one_in: int
    """They are those of one customer in so many, chosen by chance; 1: of all."""


def travelled(conn: Connection, question: Question, asked: Asked, *, most: int = MOST) -> Travelled:
    """The map of the period's journeys."""
    one_in = _one_in(conn, question, most)
    return Travelled(map_of(_chosen(conn, question, asked, one_in)), one_in)


def journeys(conn: Connection, question: Question, asked: Asked, *, most: int = MOST) -> list[Journey]:
    """The same journeys themselves."""
    return _chosen(conn, question, asked, _one_in(conn, question, most))


def _chosen(conn: Connection, question: Question, asked: Asked, one_in: int) -> list[Journey]:
    found = met(question, *_part(one_in), of_few=one_in > 1).subquery("met").c
    query = sa.select(found.root, found.at, found.kind).order_by(found.root, found.at, found.step, found.seq)
    points = (Point(bytes(root), at, kind) for root, at, kind in conn.execute(query))
    whole = journeys_of(points, apart=APART[asked.apart])
    return told_apart(filter(OUTCOMES[asked.outcome], whole), asked.kinds)


def _part(one_in: int) -> list[sa.ColumnElement[bool]]:
    """Customers' keys are hashes: the lowest of them are a sample by chance, the same one each time."""
    return [] if one_in == 1 else [identifiers.c.root < sa.literal((_PARTS // one_in).to_bytes(2, "big"))]


def _one_in(conn: Connection, question: Question, most: int) -> int:
    """The smallest power of two for which not much more than `most` touchpoints are read."""
    if _count(conn, question, one_in=1, most=most) <= most:
        return 1
    part = 256
    few = _count(conn, question, one_in=part, most=most)
    one_in = 2
    while one_in < _PARTS // 4 and few * part // one_in > most:
        one_in *= 2
    return one_in


def _count(conn: Connection, question: Question, *, one_in: int, most: int) -> int:
    some = met(question, *_part(one_in), of_few=one_in > 1).limit(most + 1).subquery("some")
    return int(conn.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())

"""Reads the touchpoints of a period as journeys; of very many, those of customers chosen by chance."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.insights.journey_map import (
    Journey,
    JourneyMap,
    Point,
    folded,
    frequent,
    journeys_of,
    map_of,
)
from rapport.capabilities.insights.service.funnel import met
from rapport.kernel.clock import DAY, MINUTE
from rapport.kernel.ids import WorkspaceId
from rapport.measure.model import Question
from rapport.remember.searching import facet
from rapport.remember.store import customers, words
from rapport.resolve.graph.store import identifiers

__all__ = [
    "APART", "MOST", "OUTCOMES", "Apart", "Asked", "Outcome", "Travelled", "is_market", "journeys", "markets_of",
    "travelled",
]  # fmt: skip

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

MOST_MARKETS = 60
_PARTS = 65_536


class Asked(NamedTuple):
    """Which journeys, and how closely they are looked at."""

    apart: Apart = "week"
    outcome: Outcome = "all"
    kinds: int = 12
    """So many kinds of touchpoints are told apart."""
    market: str = ""
    """Of customers in this country alone, as `customers` has it; all where it is empty."""
    beside: int | None = None
    """Another segment, by its number, whose journeys are held against these; 0: all customers."""


class Travelled(NamedTuple):
    """The journeys of a period."""

    map: JourneyMap
    one_in: int
    """They are those of one customer in so many, chosen by chance; 1: of all."""
    beside: JourneyMap | None = None
    """Those of the other segment, with the same kinds told apart and one customer in as many."""


def travelled(conn: Connection, question: Question, asked: Asked, *, most: int = MOST) -> Travelled:
    """The map of the period's journeys."""
    mine, others, one_in = _both(conn, question, asked, most)
    return Travelled(map_of(mine), one_in, None if asked.beside is None else map_of(others))


def journeys(conn: Connection, question: Question, asked: Asked, *, most: int = MOST) -> list[Journey]:
    """The same journeys themselves."""
    return _both(conn, question, asked, most)[0]


def markets_of(conn: Connection, workspace: WorkspaceId) -> list[str]:
    """The countries that the shop's customers are in, those of most first."""
    c = customers.c
    query = sa.select(c.country).where(c.workspace == workspace, c.country != "").group_by(c.country)
    return list(conn.execute(query.order_by(sa.func.count().desc(), c.country).limit(MOST_MARKETS)).scalars())


def is_market(conn: Connection, workspace: WorkspaceId, country: str) -> bool:
    """Whether some customer of the shop is in this country. Cost: one look at an index."""
    c = words.c
    query = sa.select(c.root).where(c.workspace == workspace, c.word == facet("country", country)).limit(1)
    return conn.execute(query).first() is not None


def _both(
    conn: Connection, question: Question, asked: Asked, most: int
) -> tuple[list[Journey], list[Journey], int]:  # fmt: skip
    """The journeys, those of the segment beside, and of one customer in how many both are."""
    other = None if asked.beside is None else msgspec.structs.replace(question, segment=asked.beside or None)
    questions = [question] if other is None else [question, other]
    one_in = max(_one_in(conn, one, asked, most) for one in questions)
    mine, others = _chosen(conn, question, asked, one_in), list[Journey]()
    if other is not None:
        others = _chosen(conn, other, asked, one_in)
    known = frequent(chain(mine, others), asked.kinds)
    return folded(mine, known), folded(others, known), one_in


def _chosen(conn: Connection, question: Question, asked: Asked, one_in: int) -> list[Journey]:
    found = _met(question, asked, one_in).subquery("met").c
    query = sa.select(found.root, found.at, found.kind).order_by(found.root, found.at, found.step, found.seq)
    points = (Point(bytes(root), at, kind) for root, at, kind in conn.execute(query))
    return list(filter(OUTCOMES[asked.outcome], journeys_of(points, apart=APART[asked.apart])))


def _met(question: Question, asked: Asked, one_in: int) -> sa.Select[*tuple[Any, ...]]:
    wanted = _part(one_in)
    if asked.market:
        c = customers.c
        there = sa.select(c.root).where(c.workspace == question.workspace, c.country == asked.market)
        wanted.append(identifiers.c.root.in_(there))
    return met(question, *wanted, of_few=one_in > 1)


def _part(one_in: int) -> list[sa.ColumnElement[bool]]:
    """Customers' keys are hashes: the lowest of them are a sample by chance, the same one each time."""
    return [] if one_in == 1 else [identifiers.c.root < sa.literal((_PARTS // one_in).to_bytes(2, "big"))]


def _one_in(conn: Connection, question: Question, asked: Asked, most: int) -> int:
    """The smallest power of two for which not much more than `most` touchpoints are read."""
    if _count(conn, question, asked, one_in=1, most=most) <= most:
        return 1
    part = 256
    few = _count(conn, question, asked, one_in=part, most=most)
    one_in = 2
    while one_in < _PARTS // 4 and few * part // one_in > most:
        one_in *= 2
    return one_in


def _count(conn: Connection, question: Question, asked: Asked, *, one_in: int, most: int) -> int:
    some = _met(question, asked, one_in).limit(most + 1).subquery("some")
    return int(conn.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())

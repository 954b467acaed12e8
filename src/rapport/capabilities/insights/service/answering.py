"""What insight pages and the API tell: one answer for both."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import Connection

from rapport.capabilities.insights.comparing import Difference, differences
from rapport.capabilities.insights.journey_map import Edge, Kind, Variant
from rapport.capabilities.insights.patterns import Pattern
from rapport.capabilities.insights.service.baskets import look_for_patterns
from rapport.capabilities.insights.service.beside import beside
from rapport.capabilities.insights.service.funnel import STEPS, funnel_whole
from rapport.capabilities.insights.service.journeys import Apart, Asked, Outcome, markets_of, travelled
from rapport.capabilities.insights.service.products import product_rows
from rapport.kernel.clock import now_us, to_iso
from rapport.measure.model import Question
from rapport.measure.service import Metrics
from rapport.remember.segments.service import id_of

__all__ = [
    "Cohort",
    "FunnelAnswer",
    "JourneysAnswer",
    "JourneysBeside",
    "PatternsAnswer",
    "RetentionAnswer",
    "RowsAnswer",
    "beside_answer",
    "funnel_answer",
    "journeys_answer",
    "patterns_answer",
    "products_answer",
    "retention_answer",
]


class _Period(msgspec.Struct, frozen=True, kw_only=True):
    """Of which time and of whom it is, and when it was read."""

    since: str
    until: str
    as_of: str
    zone: str
    segment: str | None


class Cohort(msgspec.Struct, frozen=True, kw_only=True):
    """Customers by the month or week of their first order; a cell for each that has begun since."""

    cohort: str
    customers: int
    cells: list[dict[str, Any]]
    """`period`, `after`, `active`, `rate`, `of_previous` and whether it is `running`."""


class RetentionAnswer(_Period, frozen=True, kw_only=True):
    """Retention by cohort."""

    by: str
    cohorts: list[Cohort]


class FunnelAnswer(_Period, frozen=True, kw_only=True):
    """The way to an order: all customers together, and by group."""

    by: str
    whole: dict[str, int]
    """`viewed`, `added`, `checkout`, `ordered`: customers who came so far."""
    rows: list[dict[str, Any]]


class RowsAnswer(_Period, frozen=True, kw_only=True):
    """Products, channels or campaigns, the largest revenue first."""

    rows: list[dict[str, Any]]
    complete: bool = True
    """Whether these are all of them."""


class JourneysBeside(msgspec.Struct, frozen=True, kw_only=True):
    """The journeys of another segment, with the same kinds of touchpoints told apart."""

    segment: str
    journeys: int
    customers: int
    kinds: list[Kind]
    edges: list[Edge]
    differences: list[Difference]
    """How often the customers of the two go each way, those that surely differ first."""


class JourneysAnswer(_Period, frozen=True, kw_only=True):
    """The journey map: which touchpoint follows which, how often and how long after, and where journeys end.

    Of each kind, `visits` are the `times` of its edges and its `ends`. Journeys of a customer are told apart where
    nothing happened for longer than `apart`.
    """

    apart: Apart
    outcome: Outcome
    one_in: int
    """All numbers are those of one customer in so many, chosen by chance; 1: of all."""
    journeys: int
    customers: int
    kinds: list[Kind]
    edges: list[Edge]
    variants: list[Variant]
    market: str = ""
    """Of customers in this country alone; all where it is empty."""
    markets: list[str] = []
    """The countries that customers of the shop are in, those of most first."""
    beside: JourneysBeside | None = None


class PatternsAnswer(_Period, frozen=True, kw_only=True):
    """Regularities of orders, those that are surely large first; of all that are told, one in twenty may be chance."""

    orders: int
    """Looked at, the latest of the period in the currency of most."""
    currency: str
    patterns: list[Pattern]


def _period(question: Question, segment: str) -> dict[str, Any]:
    return {
        "since": to_iso(question.since), "until": to_iso(question.until), "as_of": to_iso(now_us()),
        "zone": question.zone, "segment": segment or None,
    }  # fmt: skip


def retention_answer(conn: Connection, metrics: Metrics, question: Question, *, segment: str) -> RetentionAnswer:
    """The metric `retention` as a triangle."""
    rows = metrics.answer(conn, "retention", question, segment=segment).rows
    told = ("period", "after", "active", "rate", "of_previous", "running")
    cohorts = [
        Cohort(cohort=name, customers=cells[0]["customers"], cells=[{key: cell[key] for key in told} for cell in cells])
        for name, cells in ((name, list(some)) for name, some in groupby(rows, key=lambda row: str(row[question.by])))
    ]
    return RetentionAnswer(**_period(question, segment), by=question.by, cohorts=cohorts)


def funnel_answer(conn: Connection, metrics: Metrics, question: Question, *, segment: str) -> FunnelAnswer:
    """The metric `checkout_funnel`, and all of it together."""
    metric = metrics.find("checkout_funnel").metric
    rows = metrics.answer(conn, metric.name, question, segment=segment).rows
    if question.by == "segment":  # somebody may be in several
        whole = funnel_whole(conn, metrics.asked(conn, metric, question, segment=segment))
    else:
        whole = {step: sum(row[step] for row in rows) for step in STEPS}
    return FunnelAnswer(**_period(question, segment), by=question.by, whole=whole, rows=rows)


def products_answer(conn: Connection, question: Question, *, segment: str, most: int) -> RowsAnswer:
    """The products that brought most; the question has its segment."""
    rows = product_rows(conn, question, most=most + 1)
    return RowsAnswer(**_period(question, segment), rows=rows[:most], complete=len(rows) <= most)


def beside_answer(conn: Connection, metrics: Metrics, question: Question, *, segment: str) -> RowsAnswer:
    """Channels or campaigns, as `question.by` says."""
    return RowsAnswer(
        **_period(question, segment), rows=beside(conn, metrics, question, by=question.by, segment=segment)
    )


def journeys_answer(
    conn: Connection, question: Question, asked: Asked, *, segment: str, beside: str = ""
) -> JourneysAnswer:  # fmt: skip
    """The journey map; the question has its segment. `beside` names another one. Raises NotFound for it."""
    if beside:
        asked = asked._replace(beside=id_of(conn, question.workspace, beside))
    found = travelled(conn, question, asked)
    other = None
    if found.beside is not None:
        of_other = {name: getattr(found.beside, name) for name in ("journeys", "customers", "kinds", "edges")}
        other = JourneysBeside(segment=beside, **of_other, differences=differences(found.map, found.beside))
    of_map = {name: getattr(found.map, name) for name in ("journeys", "customers", "kinds", "edges", "variants")}
    return JourneysAnswer(
        **_period(question, segment), apart=asked.apart, outcome=asked.outcome, one_in=found.one_in,
        market=asked.market, markets=markets_of(conn, question.workspace), beside=other, **of_map,
    )  # fmt: skip


def patterns_answer(conn: Connection, question: Question, *, segment: str) -> PatternsAnswer:
    """The patterns of the period's orders; the question has its segment."""
    found = look_for_patterns(conn, question)
    return PatternsAnswer(
        **_period(question, segment), orders=found.orders, currency=found.currency, patterns=found.patterns
    )

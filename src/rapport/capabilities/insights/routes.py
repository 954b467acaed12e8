"""`/api/v1/insights`: the numbers of the insight pages."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from litestar import get
from litestar.params import Parameter

from rapport.capabilities.insights.asked import between
from rapport.capabilities.insights.service.answering import (
    FunnelAnswer,
    JourneysAnswer,
    PatternsAnswer,
    RetentionAnswer,
    RowsAnswer,
    beside_answer,
    funnel_answer,
    journeys_answer,
    patterns_answer,
    products_answer,
    retention_answer,
)
from rapport.capabilities.insights.service.journeys import Apart, Asked, Outcome
from rapport.capabilities.insights.service.products import MOST_PRODUCTS
from rapport.kernel.principal import Principal
from rapport.measure.service import Metrics
from rapport.storage.engine import Database

__all__ = ["ROUTES"]

Time: TypeAlias = Annotated[str | None, Parameter(max_length=40)]
Name: TypeAlias = Annotated[str, Parameter(max_length=80)]


@get("/insights/retention", permission="metrics:read", tags=["insights"], sync_to_thread=True)
def retention(
    db: Database, principal: Principal, metrics: Metrics, by: Literal["month", "week"] = "month", since: Time = None,
    until: Time = None, segment: Name = "",
) -> RetentionAnswer:  # fmt: skip
    """Who comes again, by the month or week of the first order. `since` and `until` say which cohorts; a year's where
    they are left out.
    """
    with db.read() as conn:
        asked = between(conn, principal.workspace, since, until, by=by, segment=segment, usual_days=366)
        return retention_answer(conn, metrics, asked, segment=segment)


@get("/insights/funnel", permission="metrics:read", tags=["insights"], sync_to_thread=True)
def funnel(
    db: Database, principal: Principal, metrics: Metrics,
    by: Literal["day", "week", "month", "channel", "device", "country", "segment"] = "channel", since: Time = None,
    until: Time = None, segment: Name = "",
) -> FunnelAnswer:  # fmt: skip
    """How many customers viewed a product, put one into the cart, began to check out, and ordered."""
    with db.read() as conn:
        asked = between(conn, principal.workspace, since, until, by=by, segment=segment)
        return funnel_answer(conn, metrics, asked, segment=segment)


@get("/insights/products", permission="metrics:read", tags=["insights"], sync_to_thread=True)
def products(
    db: Database, principal: Principal, since: Time = None, until: Time = None, segment: Name = "",
    limit: Annotated[int, Parameter(ge=1, le=MOST_PRODUCTS)] = 100,
) -> RowsAnswer:  # fmt: skip
    """The products that brought most, by the lines of the orders placed in the period."""
    with db.read() as conn:
        asked = between(conn, principal.workspace, since, until, by="", segment=segment)
        return products_answer(conn, asked, segment=segment, most=limit)


@get("/insights/channels", permission="metrics:read", tags=["insights"], sync_to_thread=True)
def channels(
    db: Database, principal: Principal, metrics: Metrics, since: Time = None, until: Time = None, segment: Name = ""
) -> RowsAnswer:
    """What each channel brought, by the metrics of the same names."""
    with db.read() as conn:
        asked = between(conn, principal.workspace, since, until, by="channel", segment=segment)
        return beside_answer(conn, metrics, asked, segment=segment)


@get("/insights/campaigns", permission="metrics:read", tags=["insights"], sync_to_thread=True)
def campaigns(
    db: Database, principal: Principal, metrics: Metrics, since: Time = None, until: Time = None, segment: Name = ""
) -> RowsAnswer:
    """What the customers brought whom each campaign won: that of their first visit which came from one."""
    with db.read() as conn:
        asked = between(conn, principal.workspace, since, until, by="campaign", segment=segment)
        return beside_answer(conn, metrics, asked, segment=segment)


@get("/insights/journeys", permission="metrics:read", tags=["insights"], sync_to_thread=True)
def journeys(
    db: Database, principal: Principal, since: Time = None, until: Time = None, segment: Name = "",
    apart: Apart = "week", outcome: Outcome = "all", kinds: Annotated[int, Parameter(ge=3, le=60)] = 12,
    market: Annotated[str, Parameter(max_length=60)] = "", compare: Name = "",
) -> JourneysAnswer:  # fmt: skip
    """The journey map. `apart`: a journey ends where nothing happens for longer (a visit: half an hour); `kinds`: so
    many kinds of touchpoints are told apart; `market`: of customers in this country alone, such as `DE`; `compare`
    names another segment, whose journeys stand beside, with the ways on which the two differ.
    """
    with db.read() as conn:
        asked = between(conn, principal.workspace, since, until, by="", segment=segment)
        return journeys_answer(conn, asked, Asked(apart, outcome, kinds, market), segment=segment, beside=compare)


@get("/insights/patterns", permission="metrics:read", tags=["insights"], sync_to_thread=True)
def patterns(
    db: Database, principal: Principal, since: Time = None, until: Time = None, segment: Name = ""
) -> PatternsAnswer:
    """How orders of a weekday, channel, device or segment differ from all others: effect, interval, and how sure."""
    with db.read() as conn:
        asked = between(conn, principal.workspace, since, until, by="", segment=segment, usual_days=366)
        return patterns_answer(conn, asked, segment=segment)


ROUTES = (retention, funnel, products, channels, campaigns, journeys, patterns)

"""`/api/v1/metrics`: the numbers of the shop, each with its definition."""

from __future__ import annotations

import re
from typing import Annotated
from zoneinfo import ZoneInfo

from litestar import get
from litestar.params import Parameter
from sqlalchemy import Connection

from rapport.kernel.clock import DAY, now_us, to_datetime
from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.principal import Principal
from rapport.measure.days import first_moment
from rapport.measure.model import Answer, Metric, Question
from rapport.measure.periods import first_of
from rapport.measure.service import Metrics, zone_of
from rapport.storage.engine import Database
from rapport.web.asked import moment

__all__ = ["ROUTES"]

USUAL_DAYS = 30

_DATE = re.compile(r"\d{4}-(\d{2}-\d{2}|W\d{2}(-\d)?)")


@get("/metrics", permission="metrics:read", tags=["metrics"])
async def list_metrics(metrics: Metrics) -> list[Metric]:
    """All metrics with their definitions."""
    return metrics.all()


@get("/metrics/{name:str}", permission="metrics:read", tags=["metrics"], sync_to_thread=True)
def answer_metric(
    name: str,
    db: Database,
    principal: Principal,
    metrics: Metrics,
    since: Annotated[str | None, Parameter(max_length=40)] = None,
    until: Annotated[str | None, Parameter(max_length=40)] = None,
    by: Annotated[str, Parameter(max_length=40)] = "",
    segment: Annotated[str, Parameter(max_length=80)] = "",
    since_before: Annotated[str | None, Parameter(query="from", max_length=40)] = None,
    until_before: Annotated[str | None, Parameter(query="to", max_length=40)] = None,
) -> Answer:
    """A metric for a period: `since` and `until` (not included) are ISO 8601, without them the last 30 days, from
    the beginning of the first day, week or month on.

    A date alone is that day of the shop: it begins at midnight in the shop's time zone, and so do the days of the rows.
    `segment` names one: only customers who are in it now are counted. `from` and `to` are the former names of `since`
    and `until`.
    """
    for now_called, before, given, given_before in (
        ("since", "from", since, since_before), ("until", "to", until, until_before),
    ):  # fmt: skip
        if given is not None and given_before is not None:
            raise InvalidInput(f"`{now_called}` and `{before}` mean the same", hint=f"say `{now_called}` alone")
    first = ("since", since) if since_before is None else ("from", since_before)
    last = ("until", until) if until_before is None else ("to", until_before)
    with db.read() as conn:
        question = _question(conn, principal.workspace, metrics.find(name).metric, first, last, by=by)
        return metrics.answer(conn, name, question, segment=segment)


def _question(
    conn: Connection, workspace: WorkspaceId, metric: Metric, since: tuple[str, str | None],
    until: tuple[str, str | None], *, by: str,
) -> Question:  # fmt: skip
    """The question for a period whose ends are given as (parameter, text)."""
    zone = zone_of(conn, workspace)
    end = now_us() if until[1] is None else _moment(until[1], zone, name=until[0])
    usual = first_of(max(0, end - (metric.usual_days or USUAL_DAYS) * DAY), by or metric.by[0], zone)
    start = usual if since[1] is None else _moment(since[1], zone, name=since[0])
    if start > end:
        raise InvalidInput(f"`{since[0]}` is after `{until[0]}`", hint="the end does not belong to the period")
    return Question(workspace=workspace, since=start, until=end, by=by, zone=zone.key)


def _moment(text: str, zone: ZoneInfo, *, name: str) -> int:
    """The time that is said; the beginning of the shop's day where it is a date alone."""
    found = moment(text, name=name)
    if len(text) > len("20261122") and not _DATE.fullmatch(text):
        return found
    return max(0, first_moment(to_datetime(found).date(), zone))


ROUTES = (list_metrics, answer_metric)

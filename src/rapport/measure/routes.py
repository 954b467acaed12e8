"""`/api/v1/metrics`: the numbers of the shop, each with its definition."""

from __future__ import annotations

import re
from typing import Annotated
from zoneinfo import ZoneInfo

from litestar import get
from litestar.params import Parameter

from rapport.kernel.clock import DAY, now_us, to_datetime
from rapport.kernel.errors import InvalidInput
from rapport.kernel.principal import Principal
from rapport.measure.days import first_moment
from rapport.measure.model import Answer, Metric, Question
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
    since: Annotated[str | None, Parameter(query="from", max_length=40)] = None,
    until: Annotated[str | None, Parameter(query="to", max_length=40)] = None,
    by: Annotated[str, Parameter(max_length=40)] = "",
) -> Answer:
    """A metric for a period: `from` and `to` (not included) are ISO 8601, without them the last 30 days.

    A date alone is that day of the shop: it begins at midnight in the shop's time zone, and so do the days of the rows.
    """
    with db.read() as conn:
        zone = zone_of(conn, principal.workspace)
        end = now_us() if until is None else _moment(until, zone, name="to")
        start = max(0, end - USUAL_DAYS * DAY) if since is None else _moment(since, zone, name="from")
        if start > end:
            raise InvalidInput("`from` is after `to`")
        question = Question(workspace=principal.workspace, since=start, until=end, by=by, zone=zone.key)
        return metrics.answer(conn, name, question)


def _moment(text: str, zone: ZoneInfo, *, name: str) -> int:
    """The time that is said; the beginning of the shop's day where it is a date alone."""
    found = moment(text, name=name)
    if len(text) > len("20261122") and not _DATE.fullmatch(text):
        return found
    return max(0, first_moment(to_datetime(found).date(), zone))


ROUTES = (list_metrics, answer_metric)

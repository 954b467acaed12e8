"""`/api/v1/metrics`: the numbers of the shop, each with its definition."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import Parameter

from rapport.kernel.clock import DAY, now_us
from rapport.kernel.errors import InvalidInput
from rapport.kernel.principal import Principal
from rapport.measure.model import Answer, Metric, Question
from rapport.measure.service import Metrics
from rapport.storage.engine import Database
from rapport.web.asked import moment

__all__ = ["ROUTES"]

USUAL_DAYS = 30


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
    """A metric for a period: `from` and `to` are ISO 8601, without them the last 30 days."""
    end = now_us() if until is None else moment(until, name="to")
    start = max(0, end - USUAL_DAYS * DAY) if since is None else moment(since, name="from")
    if start > end:
        raise InvalidInput("`from` is after `to`")
    question = Question(workspace=principal.workspace, since=start, until=end, by=by)
    with db.read() as conn:
        return metrics.answer(conn, name, question)


ROUTES = (list_metrics, answer_metric)

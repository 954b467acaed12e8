"""What Home shows of decisions, and what came of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from rapport.kernel.clock import DAY, MINUTE
from rapport.measure import store
from rapport.measure.metrics import DECISIONS
from rapport.measure.model import Measured, Question
from rapport.measure.service import Metrics
from rapport.web.cards import OfShop, Tile

__all__ = ["TILES"]

_metrics = Metrics((Measured(metric=DECISIONS, read=store.decisions_by),))


def _funnel(conn: Connection, asked: OfShop) -> Mapping[str, Any]:
    until = asked.now + MINUTE
    since = until - until % DAY - (asked.days - 1) * DAY
    question = Question(workspace=asked.workspace, since=since, until=until, by="placement")
    return {"totals": _metrics.answer(conn, DECISIONS.name, question).totals, "days": asked.days}


TILES: tuple[Tile, ...] = (
    Tile(
        name="measure.funnel", title="Decided, clicked, bought", order=200, permission="metrics:read",
        template="measure/funnel.html", read=_funnel,
    ),
)  # fmt: skip

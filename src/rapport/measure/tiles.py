"""What Home shows of decisions, and what came of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from rapport.kernel.clock import MINUTE
from rapport.measure import store
from rapport.measure.days import first_moment, latest_days
from rapport.measure.metrics import DECISIONS
from rapport.measure.model import Measured, Question
from rapport.measure.service import Metrics, zone_of
from rapport.web.cards import OfShop, Tile

__all__ = ["TILES"]

_metrics = Metrics((Measured(metric=DECISIONS, read=store.decisions_by),))


def _funnel(conn: Connection, asked: OfShop) -> Mapping[str, Any]:
    zone, until = zone_of(conn, asked.workspace), asked.now + MINUTE
    since = first_moment(latest_days(asked.now, asked.days, zone)[0], zone)
    question = Question(workspace=asked.workspace, since=since, until=until, by="placement")
    return {"totals": _metrics.answer(conn, DECISIONS.name, question).totals, "days": asked.days, "zone_key": zone.key}


TILES: tuple[Tile, ...] = (
    Tile(
        name="measure.funnel", title="Decided, clicked, bought", order=200, permission="metrics:read",
        template="measure/funnel.html", read=_funnel,
    ),
)  # fmt: skip

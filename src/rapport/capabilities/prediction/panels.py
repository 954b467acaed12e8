"""What the customer's page shows of predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from rapport.capabilities.prediction.model import HORIZON_DAYS
from rapport.web.cards import OfPerson, Panel

__all__ = ["PANELS"]


def _foretold(conn: Connection, asked: OfPerson) -> Mapping[str, Any] | None:
    traits = asked.traits
    if "churn_risk" not in traits:
        return None
    return {
        "risk": traits["churn_risk"] / 100, "orders": traits.get("expected_orders", 0),
        "worth": traits.get("expected_value") or {}, "since": traits.get("next_order_from"),
        "until": traits.get("next_order_until"), "empty": traits.get("running_out") or [],
        "of": traits.get("prediction") or {}, "days": HORIZON_DAYS,
    }  # fmt: skip


PANELS: tuple[Panel, ...] = (
    Panel(
        name="prediction.foretold", title="What is likely", order=210, permission="customers:read",
        template="prediction/panel.html", read=_foretold,
    ),
)  # fmt: skip

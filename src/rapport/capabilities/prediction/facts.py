"""What prediction states of customers."""

from __future__ import annotations

from rapport.kernel.facts import Fact
from rapport.kernel.language import gettext
from rapport.kernel.wording import FactKind

__all__ = ["FACT_KINDS", "MADE"]

MADE = "Prediction Made"


def _told(fact: Fact) -> str:
    risk, orders = fact.properties.get("churn_risk"), fact.properties.get("expected_orders")
    if not isinstance(risk, int) or not isinstance(orders, int | float):
        return ""
    return gettext(
        "%(orders)s orders expected in 90 days, %(risk)s %% that there will be none", orders=f"{orders:g}", risk=risk
    )


FACT_KINDS = (
    FactKind(
        name=MADE, meaning="what a customer will probably do is seen otherwise than before", stated_by="rapport",
        icon="spark", tone="own", tell=_told,
        properties={
            "churn_risk": "probability in per cent that there will be no order within 90 days",
            "expected_orders": "expected days with an order within 90 days",
            "expected_value_minor": "expected revenue before refunds within 90 days, in minor units of `currency`",
            "next_order_from": "a quarter of those who come again have done so by this day",
            "next_order_until": "three quarters have",
            "running_out": "products that run out at home: product_id, name, on, every_days",
            "model": "`bgnbd` or `baseline`",
            "fitted_on": "the day of the fit",
            "withheld": "instead of all these: the purpose without which nothing is foretold of this customer any more",
        },
    ),
)  # fmt: skip

"""What the Golden Record shows of predictions; so segments can ask it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rapport.capabilities.prediction.facts import MADE
from rapport.kernel.facts import Fact
from rapport.kernel.mergeable import Latest, Stamp
from rapport.remember.inputs import ReadingSettings
from rapport.remember.registry import Part, Trait

__all__ = ["PARTS", "TRAITS"]

_NAMES = (
    "churn_risk", "expected_orders", "expected_value_minor", "currency", "next_order_from", "next_order_until",
    "running_out", "model", "fitted_on",
)  # fmt: skip


def _take(fact: Fact, settings: ReadingSettings) -> tuple[int, dict[str, Any]]:
    return 0, {name: fact.properties[name] for name in _NAMES if name in fact.properties}


PARTS = (
    Part(
        name="prediction", kind=Latest(), take=_take, on=(MADE,), own=True,
        reads=tuple(f"properties.{name}" for name in _NAMES),
    ),
)  # fmt: skip


def _of(read: Callable[[dict[str, Any]], Any]) -> Callable[[Any, Stamp, int], tuple[Any, Stamp | None]]:
    def pick(value: dict[str, Any], stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
        return read(value), stamp

    return pick


def _value(said: dict[str, Any]) -> dict[str, int] | None:
    minor, currency = said.get("expected_value_minor"), said.get("currency")
    return {currency: minor} if currency and minor is not None else None


def _fit(said: dict[str, Any]) -> dict[str, Any] | None:
    return {"model": said["model"], "fitted_on": said.get("fitted_on")} if "model" in said else None


_FITTED = " Made anew by each fit, and stated where it is another than before; the day of the fit is in `prediction`."

TRAITS = (
    Trait(name="churn_risk", title="Risk of no order in 90 days, %", type="integer", part="prediction",
          pick=_of(lambda said: said.get("churn_risk")),
          rule="Probability in whole per cent that this customer orders nothing within 90 days." + _FITTED),
    Trait(name="expected_orders", title="Orders expected in 90 days", type="number", part="prediction",
          pick=_of(lambda said: said.get("expected_orders")),
          rule="Expected days with an order within 90 days." + _FITTED),
    Trait(name="expected_value", title="Revenue expected in 90 days", type="money", part="prediction",
          pick=_of(_value),
          rule="Expected orders times what is expected of one, before refunds; for customers who pay in the shop's "
               "currency." + _FITTED),
    Trait(name="next_order_from", title="Next order from", type="date", part="prediction",
          pick=_of(lambda said: said.get("next_order_from")),
          rule="If they order again within a year: the day by which a quarter of such customers have." + _FITTED),
    Trait(name="next_order_until", title="Next order until", type="date", part="prediction",
          pick=_of(lambda said: said.get("next_order_until")),
          rule="If they order again within a year: the day by which three quarters of such customers have." + _FITTED),
    Trait(name="running_out", title="Running out at home", type="list", part="prediction",
          pick=_of(lambda said: said.get("running_out")),
          rule="Products bought again at intervals, of which the next is due between two weeks ago and three weeks "
               "from the fit: the customer's own median interval, leaning on the shop's." + _FITTED),
    Trait(name="prediction", title="Prediction", type="object", part="prediction",
          pick=_of(_fit),
          rule="By which model, and on which day it was fitted to the shop."),
)  # fmt: skip

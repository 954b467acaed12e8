"""How well a late order is known beforehand, on real orders: Olist's marketplace, 2016 to 2018.

    uv run python -m benchmarks.promises [--data ../shared/data/olist] [--json]

The product's own curves (`capabilities/promises/lateness.py`) learn from what was known on a day, and judge the orders
placed after it. Settings are chosen on orders before that day (`--choose` prints how each does there); the test part is
opened once. An order is late when it comes after the last moment of the promised day in São Paulo.

Looks: each open order every midnight from its purchase to its promised day, as the timers would see it. Of the sample
only orders that were delivered in the end are used: it keeps every order that was not, which are 3 % of the whole and a
third of the sample, so no rate of it is the marketplace's.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import click

from rapport.capabilities.promises import lateness
from rapport.capabilities.promises.lateness import Lived, Model, Stage, learn
from rapport.capabilities.promises.service.learning import DAYS
from rapport.kernel.clock import DAY, HOUR, SECOND

__all__ = ["Look", "Order", "auc", "judged", "main", "orders_in", "summed"]

ZONE = ZoneInfo("America/Sao_Paulo")
VALIDATED_FROM, TESTED_FROM = "2018-01-01", "2018-03-01"
AT_RISK = 0.5
"""The shop's setting as it comes."""


class Order(NamedTuple):
    """An order that was delivered in the end; microseconds."""

    placed: int
    handed: int | None
    arrived: int
    promised: int
    segment: str

    @property
    def late(self) -> bool:
        return self.arrived > self.promised


class Look(NamedTuple):
    """What was said of an order at one midnight, and what became of it."""

    order: int
    risk: float
    late: bool
    days_left: float
    slack: float
    """Days left less the days it has been on its way: what a rule without a history looks at."""


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=None, help="The folder with Olist's files.")
@click.option("--choose", is_flag=True, help="Print how settings do on the validation part, and stop.")
@click.option("--json", "as_json", is_flag=True)
def main(data: Path | None, *, choose: bool, as_json: bool) -> None:
    """Judge orders that the curves have not seen."""
    folder = data or Path(os.environ.get("RAPPORT_DATA", "../shared/data")) / "olist"
    orders = orders_in(folder)
    if choose:
        for shrink in (10.0, 40.0, 160.0):
            for days in (60, 120, 240, 480):
                lateness.SHRINK = shrink
                found = summed(judged(orders, VALIDATED_FROM, until=TESTED_FROM, days=days))
                click.echo(f"shrink {shrink:g}, latest {days} days: {json.dumps(found)}")
        return
    found = summed(judged(orders, TESTED_FROM, days=DAYS))
    if as_json:
        click.echo(json.dumps(found))
        return
    for name, value in found.items():
        click.echo(f"{name:28} {value}")


def orders_in(folder: Path) -> list[Order]:
    """The orders of the sample that were delivered, by purchase."""
    with (folder / "olist_customers_dataset.csv").open(encoding="utf-8", newline="") as file:
        states = {row["customer_id"]: row["customer_state"] for row in csv.DictReader(file)}
    found = []
    with (folder / "olist_orders_dataset.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            placed, arrived = (
                _moment(row[name]) for name in ("order_purchase_timestamp", "order_delivered_customer_date")
            )
            promised = _moment(row["order_estimated_delivery_date"])
            if placed is None or arrived is None or promised is None or row["order_status"] == "canceled":
                continue
            handed = _moment(row["order_delivered_carrier_date"])
            segment = f"BR|{states.get(row['customer_id'], '')}"
            found.append(Order(placed, handed, arrived, promised + DAY - 1, segment))
    return sorted(found)


def judged(orders: Sequence[Order], since: str, *, until: str = "9999-01-01", days: int) -> list[Look]:
    """Every look at the orders placed from `since` to `until`, by curves that know what was known at `since`."""
    begins, ends = _midnight(since), _midnight(until)
    model = _learnt([one for one in orders if one.placed < begins], begins, days)
    looks = []
    for number, order in enumerate(orders):
        if begins <= order.placed < ends:
            looks += _looks(model, number, order)
    return looks


def _learnt(orders: Sequence[Order], now: int, days: int) -> Model:
    lived: list[Lived] = []
    for one in (each for each in orders if each.placed >= now - days * DAY):
        stages: tuple[tuple[Stage, int | None], ...] = (("placed", one.placed), ("handed", one.handed))
        for stage, began in stages:
            if began is not None and began < now:
                lived.append(Lived(stage, one.segment, (min(one.arrived, now) - began) / HOUR, one.arrived < now))
    return learn(lived)


def _looks(model: Model, number: int, order: Order) -> list[Look]:
    found = []
    day = datetime.fromtimestamp(order.placed // SECOND, ZONE).date() + timedelta(days=1)
    while (now := _midnight(day.isoformat())) <= min(order.promised, order.arrived):
        stage: Stage = "handed" if order.handed is not None and order.handed <= now else "placed"
        began = order.handed if stage == "handed" and order.handed is not None else order.placed
        risk = model.late(stage, order.segment, waited=now - began, allowed=order.promised - began)
        left = (order.promised - now) / DAY
        on_its_way = (now - order.handed) / DAY if stage == "handed" and order.handed is not None else -3.0
        found.append(Look(number, 0.5 if risk is None else risk, order.late, left, left + on_its_way))
        day += timedelta(days=1)
    return found


def summed(looks: Sequence[Look]) -> dict[str, Any]:
    """AUC with five and two days left, Brier score and calibration of all looks, and how early who is warned of."""
    found: dict[str, Any] = {"orders": len({one.order for one in looks}), "looks": len(looks)}
    found["late_orders"] = len({one.order for one in looks if one.late})
    found["auc"] = round(auc([(one.risk, one.late) for one in looks]), 3)
    found["auc_by_slack"] = round(auc([(-one.slack, one.late) for one in looks]), 3)
    for days in (10, 5, 2):
        some = [one for one in looks if days <= one.days_left < days + 1]
        found[f"auc_{days}_days"] = round(auc([(one.risk, one.late) for one in some]), 3)
        found[f"auc_{days}_days_by_slack"] = round(auc([(-one.slack, one.late) for one in some]), 3)
    found["brier"] = round(sum((one.risk - one.late) ** 2 for one in looks) / len(looks), 4)
    rate = sum(one.late for one in looks) / len(looks)
    found["brier_of_the_rate"] = round(rate * (1 - rate), 4)
    found["calibration"] = _calibration(looks)
    return found | _warned(looks)


def _calibration(looks: Sequence[Look]) -> list[list[float]]:
    """(said, came true, looks) by tenths of what was said."""
    bins: dict[int, list[Look]] = {}
    for one in looks:
        bins.setdefault(min(9, int(one.risk * 10)), []).append(one)
    return [
        [round(sum(o.risk for o in some) / len(some), 3), round(sum(o.late for o in some) / len(some), 3), len(some)]
        for _, some in sorted(bins.items())
    ]  # fmt: skip


def _warned(looks: Sequence[Look]) -> dict[str, Any]:
    """What a notice at the first look above the limit would have been worth."""
    first: dict[int, Look] = {}
    for one in looks:
        if one.risk >= AT_RISK:
            first.setdefault(one.order, one)
    late = {one.order for one in looks if one.late}
    right = [one for one in first.values() if one.late]
    return {
        "warned": len(first), "warned_rightly": round(len(right) / len(first), 3) if first else None,
        "late_warned_of": round(len(right) / len(late), 3) if late else None,
        "days_of_warning": round(median(one.days_left for one in right), 1) if right else None,
    }  # fmt: skip


def auc(scored: Sequence[tuple[float, bool]]) -> float:
    """The probability that of a late and a punctual order the late one was given the higher risk.

    >>> auc([(0.9, True), (0.1, False), (0.9, False)])
    0.75
    """
    ranked = sorted(scored)
    ranks, index = 0.0, 0
    while index < len(ranked):
        same = index
        while same < len(ranked) and ranked[same][0] == ranked[index][0]:
            same += 1
        ranks += sum(late for _, late in ranked[index:same]) * (index + same + 1) / 2
        index = same
    late = sum(is_late for _, is_late in ranked)
    pairs = late * (len(ranked) - late)
    return (ranks - late * (late + 1) / 2) / pairs if pairs else 0.5


def _moment(text: str) -> int | None:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()) * SECOND if text else None


def _midnight(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=ZONE).timestamp()) * SECOND if day < "9" else 2**62


if __name__ == "__main__":
    main()

"""The nouns of prediction, and the plain baseline that every model must beat. Pure, and without optional packages.

All times are days, and the names say so. *Repeats* are days with an order after the first such day; `last_day` is how
old the customer was at the last one (not how long ago), `age_days` how old today.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import isfinite
from operator import itemgetter
from typing import NamedTuple

import msgspec

__all__ = [
    "HORIZON_DAYS",
    "Baseline",
    "Bin",
    "Buyer",
    "Foretold",
    "Judged",
    "ModelCard",
    "baseline_of",
    "calibration_of",
    "judge",
    "running_out",
]

HORIZON_DAYS = 90
"""What is told is about the next so many days."""

_REPEATS = (0, 1, 2, 4, 8, 16)
_SILENT = (7, 14, 30, 45, 60, 90, 120, 180, 270, 365)
"""Cells of the baseline begin there: repeats, and days since the last order."""
_FEW = 20
"""Customers in a cell from which on its mean is believed as much as that of all with as many repeats."""


class Buyer(NamedTuple):
    """What is known of a customer's orders at one time."""

    repeats: int
    last_day: int
    age_days: int

    @property
    def silent_days(self) -> int:
        """Days since the last order."""
        return self.age_days - self.last_day


class Foretold(NamedTuple):
    """What one customer will do within the horizon."""

    orders: float
    """Expected days with an order."""
    buys: float
    """Probability of at least one."""

    @property
    def is_finite(self) -> bool:
        """Whether these are numbers: for somebody unlike all others a formula may run out of them."""
        return isfinite(self.orders) and isfinite(self.buys)


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """Customers with about the same probability: what was said, and what came."""

    customers: int
    said: float
    came: float


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """How well something foretold the days that were held out."""

    rmse: float
    """Of the number of days with an order."""
    total: float
    """Days with an order that it expected of all customers together."""
    actual: int
    calibration: list[Bin] = []


class ModelCard(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a fit: shown in the console, and beside it always the baseline."""

    fitted_at: str
    served: str
    """`bgnbd` or `baseline`."""
    why: str
    customers: int
    sampled: int
    horizon_days: int
    parameters: Mapping[str, float] = {}
    log_likelihood: float | None = None
    spend_parameters: Mapping[str, float] = {}
    spend_customers: int = 0
    currency: str = ""
    mean_spend_minor: int | None = None
    model: Judged | None = None
    baseline: Judged | None = None


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """What customers of the same repeats and days of silence did within the horizon, in the shop's own past."""

    orders: Mapping[str, float]
    buys: Mapping[str, float]
    of_all: tuple[float, float]

    def foretell(self, buyer: Buyer) -> Foretold:
        """The mean of the customer's cell."""
        key = _cell(buyer)
        orders, buys = self.of_all
        return Foretold(self.orders.get(key, orders), self.buys.get(key, buys))


def _cell(buyer: Buyer) -> str:
    repeats = sum(buyer.repeats >= least for least in _REPEATS)
    return f"{repeats}:{sum(buyer.silent_days >= least for least in _SILENT)}"


def baseline_of(seen: Iterable[tuple[Buyer, int]]) -> Baseline:
    """Learn from customers as they were at one time and the days with an order in the horizon after it.

    A cell with few customers leans on all customers with as many repeats, and those on everybody.
    """
    cells: dict[str, list[int]] = {}
    for buyer, came in seen:
        cell = _cell(buyer)
        for key in ("", cell.split(":")[0], cell):
            found = cells.setdefault(key, [0, 0, 0])
            found[0] += 1
            found[1] += came
            found[2] += came > 0
    whole = cells.get("", [0, 0, 0])
    means = {"": _leaning(whole, (0.0, 0.0), few=0)}
    for key in sorted(cells, key=lambda one: one.count(":")):
        if key:
            parent = key.split(":")[0] if ":" in key else ""
            means[key] = _leaning(cells[key], means[parent], few=_FEW)
    own = {key: mean for key, mean in means.items() if ":" in key}
    return Baseline(
        orders={key: mean[0] for key, mean in own.items()}, buys={key: mean[1] for key, mean in own.items()},
        of_all=means[""],
    )  # fmt: skip


def _leaning(found: Sequence[int], parent: tuple[float, float], *, few: int) -> tuple[float, float]:
    number, orders, buyers = found
    weight = number + few
    if not weight:
        return 0.0, 0.0
    return (orders + few * parent[0]) / weight, (buyers + few * parent[1]) / weight


def judge(told: Sequence[Foretold], came: Sequence[int]) -> Judged:
    """Compare what was foretold of customers with what came."""
    errors = sum((one.orders - number) ** 2 for one, number in zip(told, came, strict=True))
    return Judged(
        rmse=(errors / len(told)) ** 0.5 if told else 0.0, total=sum(one.orders for one in told), actual=sum(came),
        calibration=calibration_of([one.buys for one in told], [number > 0 for number in came]),
    )  # fmt: skip


def calibration_of(said: Sequence[float], came: Sequence[bool], *, bins: int = 10) -> list[Bin]:
    """Tenths of the customers by what was said of them, with how many of each came true.

    Those of whom the same was said stay together: dividing them would sort them by what came.

    >>> found = calibration_of([0.1, 0.9, 0.3, 0.7], [False, True, False, True], bins=2)
    >>> [(one.customers, one.said, one.came) for one in found]
    [(2, 0.2, 0.0), (2, 0.8, 1.0)]
    >>> calibration_of([0.5] * 4, [True, False, True, False], bins=2)
    [Bin(customers=4, said=0.5, came=0.5)]
    """
    ordered = sorted(zip(said, came, strict=True))
    wanted = [round(len(ordered) * number / bins) for number in range(1, bins)]
    edges = [bisect_right(ordered, ordered[edge - 1][0], key=itemgetter(0)) for edge in wanted if edge]
    parts = [ordered[one:other] for one, other in pairwise([0, *edges, len(ordered)]) if other > one]
    return [
        Bin(
            customers=len(part), said=round(sum(p for p, _ in part) / len(part), 6),
            came=round(sum(c for _, c in part) / len(part), 6),
        )
        for part in parts
    ]  # fmt: skip


def running_out(days: Sequence[int], usual: int | None) -> int | None:
    """After how many days a product is bought again by somebody who bought it on these days; None where unknowable.

    The median of their own intervals, which leans on the shop's `usual` one while there are few: it counts as two.

    >>> running_out([0, 30, 61], None), running_out([0, 30], 60), running_out([0], 28), running_out([0], None)
    (30, 50, 28, None)
    """
    own = sorted(later - before for before, later in pairwise(days))
    if not own:
        return usual
    median = own[(len(own) - 1) // 2]
    if usual is None:
        return median if len(own) > 1 else None
    return round((len(own) * median + 2 * usual) / (len(own) + 2))

"""What fitted models say of many customers at once. Needs the optional packages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rapport.capabilities.prediction.bgnbd import BgNbd
from rapport.capabilities.prediction.model import HORIZON_DAYS, Buyer, Foretold
from rapport.capabilities.prediction.service.buyers import Days
from rapport.capabilities.prediction.spend import GammaGamma

__all__ = ["foretold", "spends", "windows"]

_YEAR = 365.0


def foretold(parameters: Mapping[str, float], buyers: Sequence[Buyer]) -> list[Foretold]:
    """Orders and the probability of one, within the horizon."""
    model = BgNbd(**parameters, log_likelihood=0.0)
    x, tx, age = np.asarray(buyers, dtype=float).T
    orders, buys = model.expected(x, tx, age, HORIZON_DAYS), model.buys(x, tx, age, HORIZON_DAYS)
    return [Foretold(float(one), float(other)) for one, other in zip(orders, buys, strict=True)]


def windows(parameters: Mapping[str, float], buyers: Sequence[Buyer]) -> list[tuple[int, int] | None]:
    """Days after which a quarter and three quarters of those who come again within a year have done so."""
    model = BgNbd(**parameters, log_likelihood=0.0)
    x, _, age = np.asarray(buyers, dtype=float).T
    early, late = (model.window(x, age, share, _YEAR) for share in (0.25, 0.75))
    return [
        (round(float(one)), round(float(other))) if np.isfinite(one) and np.isfinite(other) else None
        for one, other in zip(early, late, strict=True)
    ]


def spends(parameters: Mapping[str, float], found: Sequence[Days]) -> list[int | None]:
    """What is expected of a day with an order, in minor units; of who has not come again the mean of all."""
    spend = GammaGamma(**parameters, log_likelihood=0.0)
    repeats = np.asarray([len(one.days) - 1 if one.repeat_mean is not None else 0 for one in found], dtype=float)
    means = np.asarray([one.repeat_mean or 0.0 for one in found])
    return [round(float(value)) for value in spend.expected(repeats, means)]

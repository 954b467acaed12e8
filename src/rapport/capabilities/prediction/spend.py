"""Gamma-Gamma: what a customer spends on a day with an order, between their own mean and that of all; own estimation.

**Source:** Fader, Hardie (2013), The Gamma-Gamma Model of Monetary Value: likelihood (1a), conditional expectation (5).

Needs numpy and scipy (extra `prediction`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from scipy.optimize import minimize
from scipy.special import gammaln

from rapport.capabilities.prediction.bgnbd import FitFailed

__all__ = ["GammaGamma", "fit_spend"]

Floats: TypeAlias = Any

STARTS = ((6.0, 4.0, 1.0), (1.0, 2.0, 1.0), (3.0, 10.0, 5.0))
"""p, q, gamma; gamma in means of all."""
_BOUND = 12.0


class GammaGamma(NamedTuple):
    """Parameters, for amounts in the unit of the means that were given."""

    p: float
    q: float
    gamma: float
    log_likelihood: float

    @property
    def parameters(self) -> Mapping[str, float]:
        """By name."""
        return {"p": self.p, "q": self.q, "gamma": self.gamma}

    @property
    def of_all(self) -> float:
        """The mean over everybody; what is expected of whoever has not come again."""
        return self.p * self.gamma / (self.q - 1)

    def expected(self, repeats: Floats, mean: Floats) -> Floats:
        """What is expected of customers with so many repeats and this mean of them."""
        weight = self.p * repeats
        return self.p * (self.gamma + repeats * mean) / (weight + self.q - 1)


def fit_spend(repeats: Sequence[int], means: Sequence[float]) -> GammaGamma:
    """The parameters under which these means are most likely. Raises FitFailed.

    Only customers who came again and whose mean is positive belong here; the others are told by `of_all`.
    """
    x, m = np.asarray(repeats, dtype=float), np.asarray(means, dtype=float)
    if len(x) < 3 or x.min() < 1 or m.min() <= 0:
        raise FitFailed("fewer than three customers have come again and spent something")
    scale = float(m.mean())
    m = m / scale

    def cost(logs: Floats) -> float:
        if np.abs(logs).max() > _BOUND:
            return 1e10
        p, q, gamma = np.exp(logs)
        with np.errstate(all="ignore"):
            each = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(gamma) + (p * x - 1) * np.log(m)
            each += p * x * np.log(x) - (p * x + q) * np.log(gamma + m * x)
            value = -float(each.mean())
        return value if np.isfinite(value) else 1e10

    found = [
        minimize(cost, np.log(start), method="Nelder-Mead", options={"maxiter": 2_000, "xatol": 1e-7, "fatol": 1e-11})
        for start in STARTS
    ]
    best = min(found, key=lambda one: one.fun)
    p, q, gamma = (float(value) for value in np.exp(best.x))
    if best.fun >= 1e9 or np.abs(best.x).max() > _BOUND - 0.01:
        raise FitFailed("the most likely spending is not to be found within any bounds")
    if q <= 1.01:
        raise FitFailed("spending differs so much between customers that there is no mean of all")
    return GammaGamma(p=p, q=q, gamma=gamma * scale, log_likelihood=-best.fun * len(x) - len(x) * float(np.log(scale)))

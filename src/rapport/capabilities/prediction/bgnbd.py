"""BG/NBD: how often customers come again while they are with the shop, and whether they still are; own estimation.

A customer orders as a Poisson process whose rate is gamma distributed over customers (r, alpha); after each order they
leave for good with a probability that is beta distributed (a, b).

**Source:** Fader, Hardie, Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24(2): likelihood (6),
expected purchases (10); the probability of being with the shop from the authors' note of 2008. Formula (10) is used
after Euler's transformation of the hypergeometric function, with which it stays finite for any number of orders.

Needs numpy and scipy (extra `prediction`); imported only where a model is fitted or asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from scipy.optimize import minimize
from scipy.special import gammaln, hyp2f1

from rapport.capabilities.prediction.model import Buyer

__all__ = ["BgNbd", "FitFailed", "fit"]

Floats: TypeAlias = Any
"""An array of doubles."""

STARTS = ((0.25, 0.8, 2.5), (1.0, 1.0, 1.0), (0.5, 0.3, 5.0), (3.0, 2.0, 8.0))
"""r, a, b; alpha is begun so that the mean rate is the data's."""
_BOUND = 12.0
"""Of the logarithms of parameters: whoever ends there has found none."""
_AT_ONE = 1e-6
_ALL_ALIKE = 200.0
"""a + b from which customers hardly differ in how likely they leave: their mean serves (within 0.4 %), where the
hypergeometric series would cancel itself away or overflow."""


class FitFailed(Exception):
    """No parameters were found that can be believed; the message says why."""


class BgNbd(NamedTuple):
    """Parameters, for times in days."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float

    @property
    def parameters(self) -> Mapping[str, float]:
        """By name."""
        return {"r": self.r, "alpha": self.alpha, "a": self.a, "b": self.b}

    def present(self, x: Floats, tx: Floats, age: Floats) -> Floats:
        """The probability that a customer is still with the shop; 1 for who ordered once."""
        more = np.log(self.a) - np.log(self.b + np.maximum(x, 1) - 1)
        odds = more + (self.r + x) * (np.log(self.alpha + age) - np.log(self.alpha + tx))
        return np.where(x > 0, 1 / (1 + np.exp(np.minimum(odds, 700))), 1.0)

    def expected(self, x: Floats, tx: Floats, age: Floats, days: float) -> Floats:
        """Expected orders within the next `days`: formula (10) where it can be computed, and else what somebody of the
        mean chance to leave would order. What any chance allows bounds both.
        """
        told = self._ordering(self.a / (self.a + self.b + x), x, age, days)
        if self.a + self.b <= _ALL_ALIKE:
            most = (self.r + x) * days / (self.alpha + age)
            with np.errstate(all="ignore"):
                exact = self._exact(x, age, days)
                possible = (exact >= self._ordering(1.0, x, age, days)) & (exact <= most)
            told = np.where(possible, exact, told)
        return told * self.present(x, tx, age)

    def _ordering(self, leaves: Floats, x: Floats, age: Floats, days: float) -> Floats:
        """Expected orders of whoever is with the shop and leaves after each with this probability."""
        return -np.expm1(-(self.r + x) * np.log1p(leaves * days / (self.alpha + age))) / leaves

    def _exact(self, x: Floats, age: Floats, days: float) -> Floats:
        a = self.a if abs(self.a - 1) > _AT_ONE else 1 + _AT_ONE
        z = days / (self.alpha + age + days)
        series = hyp2f1(a + self.b - 1 - self.r, a - 1, a + self.b + x - 1, z)
        left = 1 - np.exp((a - 1) * np.log1p(-z)) * series
        return (a + self.b + x - 1) / (a - 1) * left

    def buys(self, x: Floats, tx: Floats, age: Floats, days: float) -> Floats:
        """The probability of at least one order within the next `days`."""
        none = np.exp((self.r + x) * (np.log(self.alpha + age) - np.log(self.alpha + age + days)))
        return self.present(x, tx, age) * (1 - none)

    def window(self, x: Floats, age: Floats, share: float, days: float) -> Floats:
        """Days by which this share of those who come again within `days` have done so."""
        at = self.alpha + age
        within = 1 - np.exp((self.r + x) * (np.log(at) - np.log(at + days)))
        return at * np.expm1(-np.log1p(-share * within) / (self.r + x))


def log_likelihood(parameters: Sequence[float], x: Floats, tx: Floats, age: Floats) -> Floats:
    """Of each customer."""
    r, alpha, a, b = parameters
    rate = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    leaving = gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
    stays = -(r + x) * np.log(alpha + age)
    left = np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + tx)
    return rate + leaving + np.where(x > 0, np.logaddexp(stays, left), stays)


def fit(buyers: Sequence[Buyer]) -> BgNbd:
    """The parameters under which these customers are most likely, from several starts. Raises FitFailed.

    Time is scaled, so that any unit begins alike; customers who are alike are counted together.
    """
    counted, times = np.unique(np.asarray(buyers, dtype=float), axis=0, return_counts=True)
    if len(buyers) < 2 or not counted[:, 0].sum():
        raise FitFailed("nobody has ordered a second time")
    x, scale = counted[:, 0], 10.0 / counted[:, 2].max() if counted[:, 2].max() else 1.0
    tx, age = counted[:, 1] * scale, counted[:, 2] * scale

    def cost(logs: Floats) -> float:
        if np.abs(logs).max() > _BOUND:
            return 1e10
        with np.errstate(all="ignore"):
            value = -float(np.dot(log_likelihood(np.exp(logs), x, tx, age), times)) / len(buyers)
        return value if np.isfinite(value) else 1e10

    rate = float(np.dot(x, times) / max(np.dot(age, times), 1e-9))
    found = [
        minimize(cost, np.log([r, max(r / rate, 1e-4), a, b]), method="Nelder-Mead",
                 options={"maxiter": 1_500, "xatol": 1e-6, "fatol": 1e-10})
        for r, a, b in STARTS
    ]  # fmt: skip
    best = min(found, key=lambda one: one.fun)
    if best.fun >= 1e9 or np.abs(best.x).max() > _BOUND - 0.01:
        raise FitFailed("the most likely parameters are not to be found within any bounds")
    r, alpha, a, b = (float(value) for value in np.exp(best.x))
    likelihood = -best.fun * len(buyers) + float(np.dot(x, times)) * np.log(scale)
    return BgNbd(r=r, alpha=float(alpha / scale), a=a, b=b, log_likelihood=float(likelihood))

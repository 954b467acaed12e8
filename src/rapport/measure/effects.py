"""What something changed: two groups that chance made, compared as they were assigned, with intervals. Pure.

From sums alone, so that groups of any size are compared at the cost of one query.
"""

from __future__ import annotations

from math import erfc, exp, log, sqrt
from typing import NamedTuple

__all__ = ["Difference", "Group", "difference", "effect_on_takers", "sample_ratio_p"]

Z = 1.959963984540054
"""Of a 95 % interval that is looked at once."""
WRONG = 0.05
"""How often, at most, an interval that is looked at often ever misses the truth."""
TIGHTEST = 1_000
"""People of both groups together at which such an interval is as narrow as it can be made."""
_PER_PERSON = (-2 * log(WRONG) + log(-2 * log(WRONG)) + 1) / TIGHTEST
FEWEST = 20
"""People that a group should have before its share is judged: the formula is no good for fewer."""


class Group(NamedTuple):
    """The sums of one measure over the people of an arm, and of who of them took what was offered."""

    people: int
    total: float
    squares: float
    takers: int = 0
    total_of_takers: float = 0.0

    @property
    def mean(self) -> float:
        return self.total / self.people if self.people else 0.0

    @property
    def error(self) -> float:
        """The variance of the mean; 0 where there are fewer than two people."""
        if self.people < 2:
            return 0.0
        return max(0.0, self.squares - self.total**2 / self.people) / (self.people - 1) / self.people


class Difference(NamedTuple):
    """By how much more each person of the first group has, with the interval that holds the truth 95 times of 100."""

    value: float
    low: float
    high: float
    p: float
    """How often chance alone makes a difference so large, were there none; looked at often, so large ever."""


def difference(given: Group, held_out: Group, *, often: bool = False) -> Difference | None:
    """Of the means, as people were assigned; None where a group has fewer than two people. **Source:** Welch's test for
    large groups, without the assumption that both vary alike.

    Looked at `often`, while people come in, the interval holds the truth at all looks together 95 times of 100.

    >>> difference(Group(21_307, 3_894, 3_894), Group(21_306, 2_262, 2_262)).value.__round__(4)
    0.0766
    """
    if min(given.people, held_out.people) < 2:
        return None
    people = given.people + held_out.people if often else None
    return _interval(given.mean - held_out.mean, given.error + held_out.error, people)


def effect_on_takers(given: Group, held_out: Group, *, often: bool = False) -> Difference | None:
    """On those who took it because it was offered (complier average causal effect): the difference over that of the
    shares that took it, with the interval of the delta method. None where the offer moved too few to tell.

    **Source:** Imbens and Angrist 1994; some of the held out may have taken it, too.
    """
    if min(given.people, held_out.people) < 2:
        return None
    share_given, share_held = given.takers / given.people, held_out.takers / held_out.people
    moved = share_given - share_held
    moved_error = _share_error(given) + _share_error(held_out)
    if moved <= 0 or moved < 3 * sqrt(moved_error):
        return None
    value = (given.mean - held_out.mean) / moved
    both = _covariance(given) + _covariance(held_out)
    error = given.error + held_out.error - 2 * value * both + value**2 * moved_error
    people = given.people + held_out.people if often else None
    return _interval(value, max(error, 0.0) / moved**2, people)


def sample_ratio_p(given: int, held_out: int, *, share: float) -> float:
    """How often chance alone makes groups so unlike their shares; below 0.001 something is wrong with the assignment.

    >>> round(sample_ratio_p(21_307, 21_306, share=0.5), 3)
    0.996
    """
    people = given + held_out
    if not people or not 0 < share < 1:
        return 1.0
    wanted = people * share
    if min(wanted, people - wanted) < FEWEST:
        return 1.0
    square = (given - wanted) ** 2 / wanted + (held_out - (people - wanted)) ** 2 / (people - wanted)
    return erfc(sqrt(square / 2))


def _share_error(group: Group) -> float:
    share = group.takers / group.people
    return share * (1 - share) / (group.people - 1)


def _covariance(group: Group) -> float:
    """Of the means of measure and taking."""
    whole = group.total_of_takers - group.total * group.takers / group.people
    return whole / (group.people - 1) / group.people


def _interval(value: float, variance: float, people: int | None) -> Difference:
    """For one look; with `people`, for all looks from the first to the last.

    **Source** of the latter: asymptotic confidence sequences, Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas,
    "Time-uniform central limit theory and asymptotic confidence sequences" (2024), with the normal mixture of Robbins
    (1970); its p is where the sequence begins to hold 0.
    """
    error = sqrt(variance)
    if people is None:
        p = erfc(abs(value) / error / sqrt(2)) if error else float(value == 0)
        return Difference(value, value - Z * error, value + Z * error, p)
    time = people * _PER_PERSON
    width = error * sqrt((1 + 1 / time) * log((time + 1) / WRONG**2))
    p = float(value == 0)
    if error:
        p = min(1.0, sqrt(time + 1) * exp(-((value / error) ** 2) * time / (time + 1) / 2))
    return Difference(value, value - width, value + width, p)

"""What the evidence says of benefits: which nobody used, which cost the most unmeasured, which plan pays or does not.

Only what was seen; nothing is put in force by itself. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from rapport.capabilities.loyalty.programme import Benefit, Programme
from rapport.capabilities.loyalty.trials import BenefitCost, TrialShown

__all__ = ["Suggestion", "suggestions"]

ENOUGH = 100
"""Customers in a tier, or members of a plan; with fewer nothing is said of what they did not use."""
MEASURABLE = ("price", "delivery", "points")
"""Kinds of benefits whose use an order tells."""


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """Something to think about, with what was seen. Money in minor units."""

    kind: Literal["unused", "unmeasured", "pays", "does_not_pay"]
    title: str
    """Of the benefit or plan."""
    source: str
    """`tier:gold`, `plan:plus`."""
    people: int = 0
    minor: int = 0
    low_minor: int = 0
    high_minor: int = 0


def suggestions(
    terms: Programme, costs: Sequence[BenefitCost], trials: Sequence[TrialShown], people: Mapping[str, int]
) -> list[Suggestion]:
    """By what benefits gave in a year, by trials, and by how many people have each source (`tier:gold`)."""
    return [*_of_plans(trials), *_unused(terms, costs, people), *_unmeasured(costs, trials)]


def _of_plans(trials: Sequence[TrialShown]) -> Iterable[Suggestion]:
    """Whose invitation brought more than it cost, or less, beyond chance."""
    for trial in trials:
        net = next((one for one in trial.measures if one.name == "net"), None)
        if not trial.is_enough or net is None or net.low is None or net.high is None or net.difference is None:
            continue
        if net.low > 0 or net.high < 0:
            yield Suggestion(
                kind="pays" if net.low > 0 else "does_not_pay", title=trial.title, source=trial.trial,
                people=trial.given, minor=round(net.difference), low_minor=round(net.low), high_minor=round(net.high),
            )  # fmt: skip


def _unused(terms: Programme, costs: Sequence[BenefitCost], people: Mapping[str, int]) -> Iterable[Suggestion]:
    used = {(one.source, one.kind) for one in costs if one.orders}
    for source, benefit in _benefits(terms):
        if benefit.kind in MEASURABLE and (source, benefit.kind) not in used and people.get(source, 0) >= ENOUGH:
            yield Suggestion(kind="unused", title=benefit.title, source=source, people=people[source])


def _unmeasured(costs: Sequence[BenefitCost], trials: Sequence[TrialShown]) -> Iterable[Suggestion]:
    """The dearest of what no trial measures; costs come with the dearest first."""
    tried = {trial.trial for trial in trials}
    for one in costs:
        minor = one.minor + one.points_minor
        if minor and one.source not in tried:
            yield Suggestion(kind="unmeasured", title=one.title, source=one.source, people=one.orders, minor=minor)
            return


def _benefits(terms: Programme) -> Iterable[tuple[str, Benefit]]:
    for tier in terms.tiers:
        yield from ((f"tier:{tier.name}", benefit) for benefit in tier.benefits)
    for plan in terms.plans:
        yield from ((f"plan:{plan.name}", benefit) for benefit in plan.benefits)

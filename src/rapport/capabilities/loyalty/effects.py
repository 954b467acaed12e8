"""All that is known of what a programme brings: trials, what benefits gave, renewals, and what that suggests."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.loyalty import overview, store
from rapport.capabilities.loyalty.advising import Suggestion, suggestions
from rapport.capabilities.loyalty.programme import Programme
from rapport.capabilities.loyalty.renewing import RenewalForecast, renewals_of
from rapport.capabilities.loyalty.trials import BenefitCost, TrialShown, benefit_costs, trials_of
from rapport.kernel.clock import DAY
from rapport.kernel.ids import WorkspaceId

__all__ = ["Effects", "effects_of"]

YEAR = 365 * DAY
_m = store.memberships.c


class Effects(NamedTuple):
    """What a programme brings, and what it costs."""

    trials: list[TrialShown]
    costs: list[BenefitCost]
    renewals: list[RenewalForecast]
    suggestions: list[Suggestion]


def effects_of(conn: Connection, workspace: WorkspaceId, name: str, terms: Programme, *, now: int) -> Effects:
    """Cost: the people of its trials with their orders, a year of what benefits saved, a year of memberships."""
    trials = trials_of(conn, workspace, name, terms)
    costs = benefit_costs(conn, workspace, name, terms, since=now - YEAR)
    people = {f"tier:{tier}": number for tier, number in overview.tiers(conn, workspace, name).items()}
    running = (
        sa.select(_m.plan, sa.func.count())
        .where(_m.workspace == workspace, _m.programme == name, _m.ended_at.is_(None), _m.until > now).group_by(_m.plan)
    )  # fmt: skip
    people |= {f"plan:{plan}": int(number) for plan, number in conn.execute(running)}
    return Effects(
        trials, costs, renewals_of(conn, workspace, name, terms, now=now), suggestions(terms, costs, trials, people)
    )  # fmt: skip

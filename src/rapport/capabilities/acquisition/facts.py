"""The fact by which a shop's systems state what advertising cost. It is about nobody."""

from __future__ import annotations

from rapport.capabilities.acquisition.model import costs_of, said_costs
from rapport.kernel.errors import InvalidFact
from rapport.kernel.facts import Fact
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.language import ngettext
from rapport.kernel.wording import FactKind, joined, short

__all__ = ["COST", "FACT_KINDS"]

COST = "Campaign Cost Stated"


def _refuse(fact: Fact, currency: str) -> None:
    """Raises InvalidFact where a fact says no cost at all."""
    if not costs_of(WorkspaceId(0), fact, currency):
        raise InvalidFact(
            "no cost could be read: each needs campaign, day (2026-11-20) and cost, an amount from 0 up; a currency "
            "that is named must be one of ISO 4217",
            path="$.properties",
        )


def _tell(fact: Fact) -> str:
    said = said_costs(fact)
    if len(said) != 1:
        return ngettext("%(num)s cost", "%(num)s costs", len(said))
    one = said[0]
    return joined(
        short(one.get("campaign")), f"{short(one.get('cost'))} {short(one.get('currency'))}".strip(),
        short(one.get("day")),
    )  # fmt: skip


FACT_KINDS = (
    FactKind(
        name=COST, meaning="a campaign cost so much on a day; stated again, the last word counts", about="shop",
        icon="tag", tell=_tell, refuse=_refuse,
        properties={
            "campaign": "its name as links carry it (utm_campaign)", "day": "the day, such as 2026-11-20",
            "cost": "what it cost", "currency": "of the cost; the shop's where it is left out",
            "platform": "where it ran, such as `google`: tells two of one name apart",
            "clicks": "how often it was clicked that day", "impressions": "how often it was shown",
            "costs": "several of these at once, at most 200",
        },
    ),
)  # fmt: skip

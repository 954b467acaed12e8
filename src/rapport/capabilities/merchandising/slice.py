"""What merchandising brings: rules of people in every decision about products, versioned."""

from __future__ import annotations

from pathlib import Path

from rapport.capabilities.merchandising import store
from rapport.capabilities.merchandising.service.applying import boosted, excluded, not_included, offered, pinned
from rapport.capabilities.merchandising.service.changing import naming
from rapport.compose.holding import of_shop
from rapport.compose.slice import Slice
from rapport.decide.model import PRODUCT, CandidateSource, EligibilityRule, Pinner, Scorer
from rapport.web.permissions import Permission

__all__ = ["MERCHANDISING"]

_SUGGESTING = ("product.also", "home", "product", "cart", "mail", "app", "store")
"""Where something may be brought in that nothing else found; a search and a category show what they found."""

MERCHANDISING = Slice(
    name="merchandising",
    title="Merchandising",
    candidates=(CandidateSource(name="merchandising.offered", placements=_SUGGESTING, find=offered),),
    eligibility=(
        EligibilityRule(
            name="left_out_by_the_shop", title="Not left out by a rule of the shop", order=400, barred=excluded,
            kinds=(PRODUCT,),
        ),
        EligibilityRule(
            name="only_these", title="Among those that the shop shows here", order=410, barred=not_included,
            kinds=(PRODUCT,),
        ),
    ),
    scorers=(Scorer(name="merchandising.boosted", order=900, rate=boosted, kinds=(PRODUCT,)),),
    pinners=(Pinner(name="merchandising.pinned", order=100, pins=pinned, kinds=(PRODUCT,)),),
    segment_user=naming,
    holds=(of_shop(store.versions, "what people want on placements, every version of it"),),
    migrations=Path(__file__).parent / "migrations",
    permissions=(
        Permission(
            name="merchandising:read", words="see the rules of placements", roles=("marketer", "analyst"), people=False
        ),
        Permission(name="merchandising:write", words="write rules of placements", roles=("marketer",), people=False),
    ),
    web="rapport.capabilities.merchandising.web:WEB",
)  # fmt: skip

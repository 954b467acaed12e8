"""All that loyalty brings, in one declaration."""

from __future__ import annotations

from pathlib import Path

from rapport.capabilities.loyalty import holding, store
from rapport.capabilities.loyalty.command import COMMANDS
from rapport.capabilities.loyalty.early import EARLY_ACCESS
from rapport.capabilities.loyalty.facts import FACT_KINDS
from rapport.capabilities.loyalty.jobs import TIME
from rapport.capabilities.loyalty.pass_keys import SECRETS
from rapport.capabilities.loyalty.service.announcing import ANNOUNCING
from rapport.capabilities.loyalty.service.keeping import LISTENS_TO, keep
from rapport.capabilities.loyalty.settings import LOYALTY_SETTINGS
from rapport.capabilities.loyalty.unsaying import unsay
from rapport.capabilities.loyalty.versions import naming
from rapport.compose.holding import of_person, of_shop
from rapport.compose.slice import Slice
from rapport.kernel.work import BatchStage, Retelling, Seen
from rapport.web.permissions import Permission

__all__ = ["LOYALTY"]

LOYALTY = Slice(
    name="loyalty",
    title="Loyalty",
    facts=FACT_KINDS,
    stage=lambda: BatchStage[Seen](LISTENS_TO, read=lambda seen: seen, write=keep),
    retelling=Retelling(version=1),
    unsay=unsay,
    segment_user=naming,
    holds=(
        of_shop(store.programmes, "the terms of the shop's loyalty programmes, every version"),
        of_shop(store.pass_keys, "with what cards for phones' wallets are signed, sealed"),
        of_shop(store.expectations, "what loyalty's campaigns were expected to cost"),
        of_person(store.lots, "the points somebody earned, and what became of them"),
        of_person(store.redemptions, "what somebody paid with points"),
        of_person(store.causes, "what earned somebody points: orders, refunds, and what else a rule is about"),
        of_person(store.savings, "what benefits saved somebody in each order"),
        of_person(store.announcements, "how far members have been told of something: the last of them"),
        of_person(store.arms, "what somebody was given, or by chance not, so that its worth can be measured"),
        of_person(store.approvals, "points for somebody that a person has to approve"),
        of_person(store.standings, "the tier somebody is in"),
        of_person(store.members, "points, tier and membership of somebody, as lists show them"),
        of_person(store.memberships, "the paid memberships somebody has"),
        of_person(store.stray_fees, "payments of memberships that were taken for nothing, or given back"),
        # Erased from the last to the first: entries and draws are found by their lots and redemptions.
        of_person(
            store.entries, "every movement of somebody's points", by=(), export=holding.entries_of,
            erase=holding.forget_entries,
        ),
        of_person(store.draws, "of which lots somebody paid", by=(), export=holding.draws_of,
                  erase=holding.forget_draws),
        of_person(store.returns, "what a shop told to give back of what somebody paid with points", by=(),
                  export=holding.returns_of, erase=holding.forget_returns),
        of_person(store.periods, "what somebody paid for a membership", by=(), export=holding.periods_of,
                  erase=holding.forget_periods),
        of_person(store.pauses, "when somebody's membership was paused", by=(), export=holding.pauses_of,
                  erase=holding.forget_pauses),
    ),
    migrations=Path(__file__).parent / "migrations",
    settings=LOYALTY_SETTINGS,
    secrets=SECRETS,
    jobs=(TIME, ANNOUNCING),
    eligibility=(EARLY_ACCESS,),
    permissions=(
        Permission(name="loyalty:read", words="see points and programmes", roles=("marketer", "agent", "analyst")),
        Permission(name="loyalty:write", words="hold, redeem and give back points; memberships", roles=("agent",)),
        Permission(name="loyalty:adjust", words="correct somebody's points, approve points"),
        Permission(name="loyalty:keys", words="set with what cards for phones' wallets are signed"),
        Permission(name="programme:write", words="change a loyalty programme", roles=("marketer",)),
    ),
    web="rapport.capabilities.loyalty.web:WEB",
    commands=COMMANDS,
)  # fmt: skip

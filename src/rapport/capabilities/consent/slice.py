"""What consent brings: purposes and policies, people's answers, and the gate that every door asks."""

from __future__ import annotations

from rapport.capabilities.consent import store
from rapport.capabilities.consent.collecting import Collecting, consent_uncollected
from rapport.capabilities.consent.command import COMMANDS
from rapport.capabilities.consent.facts import FACT_KINDS
from rapport.capabilities.consent.law import LAW
from rapport.capabilities.consent.sending import ALLOWED, TOLD
from rapport.capabilities.consent.service import choices, gate, name_purposes
from rapport.capabilities.consent.settings import PRIVACY_SETTINGS
from rapport.capabilities.consent.stage import Listening
from rapport.capabilities.consent.traits import TRAITS
from rapport.compose.holding import of_person, of_shop
from rapport.compose.slice import Slice
from rapport.kernel.work import Retelling
from rapport.web.permissions import Permission

__all__ = ["CONSENT"]

CONSENT = Slice(
    name="consent",
    title="Privacy",
    facts=FACT_KINDS,
    stage=Listening,
    retelling=Retelling(),
    unsay=store.unsay,
    holds=(
        of_person(store.consent_held, "what somebody allows and refuses", by=("key",)),
        of_person(store.consent_answers, "when somebody allowed and refused what, and what they were shown"),
        of_shop(consent_uncollected, "how many visits were counted and not kept, by day"),
        of_shop(store.consent_policies, "what the shop asks people, and what holds until they answer"),
    ),
    send_rules=(ALLOWED, TOLD),
    permissions=(
        Permission(
            name="consent:read", words="see what customers allow, and why", roles=("marketer", "agent", "analyst")
        ),
        Permission(name="consent:write", words="record what a customer allows or refuses", roles=("agent",)),
        Permission(name="privacy:write", words="change the privacy policies"),
    ),
    web="rapport.capabilities.consent.web:WEB",
    commands=COMMANDS,
    gate=gate,
    admission=Collecting,
    choices=choices,
    traits=TRAITS,
    law=LAW,
    settings=PRIVACY_SETTINGS,
    name_purposes=name_purposes,
)

"""Rapport's own rooms in the form of slices: what each brings to the API, the console, the worker and the numbers."""

from __future__ import annotations

from rapport.act import webhooks
from rapport.act.retention import OUTBOX_RETENTION, SECRET_RETENTION
from rapport.collect.facts import FACT_KINDS as COLLECT_FACTS
from rapport.collect.settings import COLLECT_SETTINGS
from rapport.collect.sources import SIGNING_SECRETS
from rapport.compose import commands, holdings, partners, upkeep
from rapport.compose.quarantine_room import QUARANTINE_ROOM
from rapport.compose.slice import Slice
from rapport.decide.facts import FACT_KINDS as DECIDE_FACTS
from rapport.measure import sales
from rapport.measure import store as measure_store
from rapport.measure.metrics import DECISION_SALES, DECISIONS, FACTS
from rapport.measure.model import Measured
from rapport.measure.retention import MINUTES_RETENTION
from rapport.measure.stage import Following
from rapport.remember import traits as remember_traits
from rapport.remember.segments.facts import FACT_KINDS as SEGMENT_FACTS
from rapport.resolve.facts import FACT_KINDS as RESOLVE_FACTS
from rapport.web import factor_store
from rapport.web.permissions import Permission

__all__ = ["ROOMS"]

STORAGE = Slice(name="storage", title="Shops and the log", holds=holdings.STORAGE)

WEB = Slice(
    name="web",
    title="Team and keys",
    holds=holdings.WEB,
    secrets=(factor_store.APP_SECRETS,),
    permissions=(
        Permission(
            name="team:read", words="see who works here", roles=("marketer", "agent", "analyst"), for_keys=False
        ),
        Permission(name="team:write", words="invite people, change roles, remove people", for_keys=False),
        Permission(name="keys:write", words="make and revoke API keys", for_keys=False),
        Permission(
            name="views:write",
            words="keep views of tables for everybody",
            roles=("marketer", "agent", "analyst"),
            for_keys=False,
        ),
        Permission(
            name="settings:read", words="see what the shop decides for itself", roles=("marketer",), people=False
        ),
        Permission(name="settings:write", words="change what the shop decides for itself", people=False),
    ),
    web="rapport.web.settings_pages:WEB",
)

COLLECT = Slice(
    name="collect",
    title="Collecting",
    facts=COLLECT_FACTS,
    holds=holdings.COLLECT,
    secrets=(SIGNING_SECRETS,),
    permissions=(
        Permission(name="facts:read", words="see facts as they came in", roles=("marketer", "agent", "analyst")),
        Permission(name="sources:read", words="see sources", roles=("marketer", "analyst"), people=False),
        Permission(name="sources:write", words="add and change sources, see and rotate write keys", people=False),
        Permission(name="quarantine:read", words="see facts that were refused", roles=("marketer", "analyst")),
        Permission(name="quarantine:write", words="mend, replay and discard refused facts"),
    ),
    settings=COLLECT_SETTINGS,
    jobs=(QUARANTINE_ROOM,),
    web="rapport.collect.web:WEB",
    commands=commands.COLLECT,
)

RESOLVE = Slice(
    name="resolve",
    title="Identity",
    facts=RESOLVE_FACTS,
    holds=holdings.RESOLVE,
    permissions=(Permission(name="customers:write", words="change customers", roles=("marketer", "agent")),),
    jobs=(upkeep.EXPIRY, upkeep.LINKING, upkeep.ASKING),
    web="rapport.resolve.web:WEB",
    commands=commands.RESOLVE,
)

REMEMBER = Slice(
    name="remember",
    title="Golden Records",
    holds=holdings.REMEMBER,
    parts=remember_traits.PARTS,
    traits=remember_traits.TRAITS,
    # A viewer sees numbers, never a person.
    permissions=(
        Permission(
            name="customers:read",
            words="see customers and their Golden Records",
            roles=("marketer", "agent", "analyst"),
        ),
        Permission(
            name="customers:download", words="save lists of customers as files", roles=("marketer",), for_keys=False
        ),
    ),
    web="rapport.remember.web:WEB",
    commands=commands.REMEMBER,
)

SEGMENTS = Slice(
    name="segments",
    title="Segments",
    facts=SEGMENT_FACTS,
    holds=holdings.SEGMENTS,
    permissions=(
        Permission(
            name="segments:read",
            words="see segments, and how many are in them",
            roles=("marketer", "agent", "analyst"),
            people=False,
        ),
        Permission(
            name="segments:write", words="add, change and remove segments", roles=("marketer", "analyst"), people=False
        ),
    ),
    web="rapport.remember.segments.web:WEB",
)

EXPORT = Slice(
    name="export",
    title="Export and erasure",
    holds=holdings.EXPORT,
    after_delivery=partners.after_delivery,
    permissions=(
        Permission(name="customers:export", words="hand out everything that is kept of a customer"),
        Permission(name="requests:read", words="see what people ask of what is kept of them", roles=("agent",)),
        Permission(name="requests:write", words="take such requests, verify and settle them: an erasure is for ever"),
    ),
    web="rapport.compose.web:WEB",
)

DECIDE = Slice(
    name="decide",
    title="Decisions",
    facts=DECIDE_FACTS,
    permissions=(
        Permission(
            name="decisions:read",
            words="see decisions and their reasons",
            roles=("marketer", "agent", "analyst", "viewer"),
        ),
        Permission(name="decisions:write", words="ask for decisions", roles=("marketer",)),
    ),
    web="rapport.decide.web:WEB",
)

ACT = Slice(
    name="act",
    title="Webhooks",
    stage=webhooks.telling,
    holds=holdings.ACT,
    secrets=webhooks.SECRETS,
    permissions=(
        Permission(name="webhooks:read", words="see webhooks and their deliveries", roles=("marketer", "analyst")),
        Permission(name="webhooks:write", words="add and change webhooks, deliver again", people=False),
    ),
    jobs=(OUTBOX_RETENTION, SECRET_RETENTION),
    web="rapport.act.web:WEB",
)

MEASURE = Slice(
    name="measure",
    title="Measuring",
    commands=commands.MEASURE,
    stage=Following,
    unsay=measure_store.unsay,
    holds=holdings.MEASURE,
    permissions=(
        Permission(
            name="metrics:read",
            words="see the numbers of the shop",
            roles=("marketer", "agent", "analyst", "viewer"),
            people=False,
        ),
    ),
    jobs=(MINUTES_RETENTION,),
    metrics=(
        Measured(metric=DECISIONS, read=measure_store.decisions_by),
        Measured(metric=DECISION_SALES, read=sales.sales_by),
        Measured(metric=FACTS, read=measure_store.facts_by),
    ),
    web="rapport.measure.web:WEB",
)

ROOMS = (STORAGE, WEB, COLLECT, RESOLVE, REMEMBER, SEGMENTS, EXPORT, DECIDE, ACT, MEASURE)
"""In the way of the data."""

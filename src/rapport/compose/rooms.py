"""Rapport's own rooms in the form of slices: what each brings to the API, the console, the worker and the numbers."""

from __future__ import annotations

from rapport.act import pages as act_pages
from rapport.act import webhooks
from rapport.act.retention import OUTBOX_RETENTION
from rapport.act.routes import ROUTES as ACT_ROUTES
from rapport.collect import pages as collect_pages
from rapport.collect.facts import FACT_KINDS as COLLECT_FACTS
from rapport.collect.routes import ROUTES as COLLECT_ROUTES
from rapport.compose import holdings, upkeep
from rapport.compose.routes import ROUTES as EXPORT_ROUTES
from rapport.compose.slice import Slice
from rapport.decide import pages as decide_pages
from rapport.decide.facts import FACT_KINDS as DECIDE_FACTS
from rapport.decide.routes import ROUTES as DECIDE_ROUTES
from rapport.measure import pages as measure_pages
from rapport.measure import store as measure_store
from rapport.measure.metrics import DECISIONS, FACTS
from rapport.measure.model import Measured
from rapport.measure.retention import MINUTES_RETENTION
from rapport.measure.routes import ROUTES as MEASURE_ROUTES
from rapport.measure.stage import Following
from rapport.remember import pages as remember_pages
from rapport.remember import traits as remember_traits
from rapport.remember.routes import ROUTES as REMEMBER_ROUTES
from rapport.resolve.actions import pages as identity_pages
from rapport.resolve.actions.routes import ROUTES as RESOLVE_ROUTES
from rapport.resolve.facts import FACT_KINDS as RESOLVE_FACTS
from rapport.resolve.linking import review_pages
from rapport.resolve.linking.review_routes import ROUTES as REVIEW_ROUTES
from rapport.web import settings_pages
from rapport.web.permissions import Permission

__all__ = ["ROOMS"]

STORAGE = Slice(name="storage", title="Shops and the log", holds=holdings.STORAGE)

WEB = Slice(
    name="web",
    title="Team and keys",
    holds=holdings.WEB,
    permissions=(
        Permission(
            name="team:read", words="see who works here", roles=("marketer", "agent", "analyst"), for_keys=False
        ),
        Permission(name="team:write", words="invite people, change roles, remove people", for_keys=False),
        Permission(name="keys:write", words="make and revoke API keys", for_keys=False),
        Permission(name="settings:read", words="see what the shop decides for itself", roles=("marketer",)),
        Permission(name="settings:write", words="change what the shop decides for itself"),
    ),
    routes=settings_pages.ROUTES,
)

COLLECT = Slice(
    name="collect",
    title="Collecting",
    facts=COLLECT_FACTS,
    holds=holdings.COLLECT,
    permissions=(
        Permission(name="facts:read", words="see facts as they came in", roles=("marketer", "agent", "analyst")),
        Permission(name="sources:read", words="see sources", roles=("marketer", "analyst")),
        Permission(name="sources:write", words="add and change sources, see and rotate write keys"),
        Permission(name="quarantine:read", words="see facts that were refused", roles=("marketer", "analyst")),
        Permission(name="quarantine:write", words="mend, replay and discard refused facts"),
    ),
    routes=(*COLLECT_ROUTES,),
    pages=(collect_pages.PAGES,),
)

RESOLVE = Slice(
    name="resolve",
    title="Identity",
    facts=RESOLVE_FACTS,
    holds=holdings.RESOLVE,
    permissions=(Permission(name="customers:write", words="change customers", roles=("marketer", "agent")),),
    jobs=(upkeep.EXPIRY, upkeep.LINKING),
    routes=(*RESOLVE_ROUTES, *REVIEW_ROUTES),
    pages=(identity_pages.PAGES, review_pages.PAGES),
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
        Permission(name="customers:export", words="hand out everything that is kept of a customer"),
    ),
    routes=(*REMEMBER_ROUTES, *EXPORT_ROUTES),
    pages=(remember_pages.PAGES,),
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
    routes=(*DECIDE_ROUTES,),
    pages=(decide_pages.PAGES,),
)

ACT = Slice(
    name="act",
    title="Webhooks",
    stage=webhooks.telling,
    holds=holdings.ACT,
    permissions=(
        Permission(name="webhooks:read", words="see webhooks and their deliveries", roles=("marketer", "analyst")),
        Permission(name="webhooks:write", words="add and change webhooks, deliver again"),
    ),
    jobs=(OUTBOX_RETENTION,),
    routes=(*ACT_ROUTES,),
    pages=(act_pages.PAGES,),
)

MEASURE = Slice(
    name="measure",
    title="Measuring",
    stage=Following,
    holds=holdings.MEASURE,
    permissions=(
        Permission(
            name="metrics:read", words="see the numbers of the shop", roles=("marketer", "agent", "analyst", "viewer")
        ),
    ),
    jobs=(MINUTES_RETENTION,),
    metrics=(
        Measured(metric=DECISIONS, read=measure_store.decisions_by),
        Measured(metric=FACTS, read=measure_store.facts_by),
    ),
    routes=(*MEASURE_ROUTES,),
    pages=(measure_pages.PAGES,),
)

ROOMS = (STORAGE, WEB, COLLECT, RESOLVE, REMEMBER, DECIDE, ACT, MEASURE)
"""In the way of the data."""

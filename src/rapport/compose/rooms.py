"""Rapport's own rooms in the form of slices: what each brings to the API, the console, the worker and the numbers."""

from __future__ import annotations

from rapport.act import pages as act_pages
from rapport.act import webhooks
from rapport.act.routes import ROUTES as ACT_ROUTES
from rapport.collect import pages as collect_pages
from rapport.collect.facts import FACT_KINDS as COLLECT_FACTS
from rapport.collect.routes import ROUTES as COLLECT_ROUTES
from rapport.compose import holdings
from rapport.compose.slice import Slice
from rapport.decide import pages as decide_pages
from rapport.decide.facts import FACT_KINDS as DECIDE_FACTS
from rapport.decide.routes import ROUTES as DECIDE_ROUTES
from rapport.measure import pages as measure_pages
from rapport.measure import store as measure_store
from rapport.measure.metrics import DECISIONS, FACTS
from rapport.measure.model import Measured
from rapport.measure.routes import ROUTES as MEASURE_ROUTES
from rapport.measure.stage import Following
from rapport.remember import pages as remember_pages
from rapport.remember import traits as remember_traits
from rapport.remember.routes import ROUTES as REMEMBER_ROUTES
from rapport.resolve import pages as resolve_pages
from rapport.resolve.facts import FACT_KINDS as RESOLVE_FACTS
from rapport.resolve.review_routes import ROUTES as REVIEW_ROUTES
from rapport.resolve.routes import ROUTES as RESOLVE_ROUTES
from rapport.web import settings_pages

__all__ = ["ROOMS"]

STORAGE = Slice(name="storage", title="Shops and the log", holds=holdings.STORAGE)

WEB = Slice(name="web", title="Team and keys", holds=holdings.WEB, routes=settings_pages.ROUTES)

COLLECT = Slice(
    name="collect",
    title="Collecting",
    facts=COLLECT_FACTS,
    holds=holdings.COLLECT,
    routes=(*COLLECT_ROUTES,),
    pages=(collect_pages.PAGES,),
)

RESOLVE = Slice(
    name="resolve",
    title="Identity",
    facts=RESOLVE_FACTS,
    holds=holdings.RESOLVE,
    routes=(*RESOLVE_ROUTES, *REVIEW_ROUTES),
    pages=(resolve_pages.PAGES,),
)

REMEMBER = Slice(
    name="remember",
    title="Golden Records",
    holds=holdings.REMEMBER,
    parts=remember_traits.PARTS,
    traits=remember_traits.TRAITS,
    routes=(*REMEMBER_ROUTES,),
    pages=(remember_pages.PAGES,),
)

DECIDE = Slice(
    name="decide",
    title="Decisions",
    facts=DECIDE_FACTS,
    routes=(*DECIDE_ROUTES,),
    pages=(decide_pages.PAGES,),
)

ACT = Slice(
    name="act",
    title="Webhooks",
    stage=webhooks.telling,
    holds=holdings.ACT,
    routes=(*ACT_ROUTES,),
    pages=(act_pages.PAGES,),
)

MEASURE = Slice(
    name="measure",
    title="Measuring",
    stage=Following,
    holds=holdings.MEASURE,
    metrics=(
        Measured(metric=DECISIONS, read=measure_store.decisions_by),
        Measured(metric=FACTS, read=measure_store.facts_by),
    ),
    routes=(*MEASURE_ROUTES,),
    pages=(measure_pages.PAGES,),
)

ROOMS = (STORAGE, WEB, COLLECT, RESOLVE, REMEMBER, DECIDE, ACT, MEASURE)
"""In the way of the data."""

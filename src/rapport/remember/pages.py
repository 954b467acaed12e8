"""Console pages of remembering: the list of customers, and one customer's Golden Record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec
from litestar import Request, Response, get
from litestar.response import Redirect
from sqlalchemy import Connection

from rapport.collect.sources import identifier_policy, list_sources
from rapport.kernel.clock import from_iso, now_us
from rapport.kernel.errors import NotFound
from rapport.kernel.facts import Fact
from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.ids import CustomerId, Key, WorkspaceId
from rapport.remember import customers, showing
from rapport.remember.customers import CustomerQuery, Sort
from rapport.remember.golden import GoldenRecord, find_root, golden_record
from rapport.remember.traits import Registry, commerce
from rapport.resolve import identities
from rapport.resolve import pages as resolve
from rapport.resolve.customer_ids import load_customer_ids
from rapport.resolve.identities import Member
from rapport.storage.engine import Database
from rapport.storage.log import of_strands, to_fact
from rapport.storage.workspaces import WorkspaceSettings, all_workspaces
from rapport.web.auth import Principal
from rapport.web.console import ConsolePages, NavItem, render, viewer_zone
from rapport.web.forms import clean, integer

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]

READ_FACTS = 2_000
"""The newest facts of a customer that the page looks at."""

SHOWN = 40
"""Lines of the timeline that come at a time."""

TABS = ("overview", "traits", "identity", "json")


class Found(NamedTuple):
    """The customer a page is about."""

    root: Key
    id: CustomerId
    record: GoldenRecord
    members: list[Member]
    registry: Registry
    policy: IdentifierPolicy


# The list


@get("/customers", permission="customers:read", sync_to_thread=True)
def customers_page(request: AnyRequest, db: Database, principal: Principal) -> Response[Any]:
    """Search, filter and sort customers."""
    asked = request.query_params
    wanted = CustomerQuery(
        prefix=clean(asked.get("q"), longest=100),
        sort=next((sort for sort in get_args(Sort) if sort == asked.get("sort")), "last_seen"),
        has_email={"yes": True, "no": False}.get(asked.get("email", "")),
        channel=clean(asked.get("channel"), longest=40),
        country=clean(asked.get("country"), longest=60),
        min_orders=integer(dict(asked), "orders", least=0, most=10**6, otherwise=0),
    )
    workspace, cursor = WorkspaceId(principal.workspace), clean(asked.get("cursor"), longest=400)
    with db.read() as conn:
        settings = _settings(conn, workspace)
        page = customers.list_customers(conn, workspace, wanted, cursor=cursor or None, region=settings.region)
        number = customers.count_customers(conn, workspace)
        places = customers.countries(conn, workspace)
    filters = {
        "q": wanted.prefix, "email": asked.get("email", "") if wanted.has_email is not None else "",
        "channel": wanted.channel, "country": wanted.country, "orders": str(wanted.min_orders or ""),
    }  # fmt: skip
    return render(
        request, "remember/customers.html", customers=page.customers, cursor=page.cursor, number=number,
        countries=places, filters=filters, sort=wanted.sort, first=not cursor,
        filtered=any(filters.values()), moment_of=from_iso,
    )  # fmt: skip


@get("/customers/of/{strand:str}", permission="customers:read", sync_to_thread=True)
def customer_of_strand(request: AnyRequest, db: Database, principal: Principal, strand: str) -> Response[Any]:
    """The customer behind an identifier's key, as links from facts have it."""
    try:
        key = Key(bytes.fromhex(strand[:64]))
    except ValueError:
        raise NotFound("this is no identifier's key") from None
    with db.read() as conn:
        root = identities.find(conn, WorkspaceId(principal.workspace), key)
        if root is None:
            return render(request, "remember/soon.html", status=404)
        customer_id = load_customer_ids(conn).customer_id(root)
    return Redirect(f"/console/customers/{customer_id}", status_code=303)


# One customer


@get("/customers/{reference:str}", permission="customers:read", sync_to_thread=True)
def customer_page(request: AnyRequest, db: Database, principal: Principal, reference: str) -> Response[Any]:
    """The Golden Record: who, the timeline, traits with their why, identity, JSON."""
    tab = next((tab for tab in TABS if tab == request.query_params.get("tab")), "overview")
    with db.read() as conn:
        found = _find(conn, principal, reference)
        if found.id != reference:
            return Redirect(f"/console/customers/{found.id}?tab={tab}", status_code=303)
        context = _overview(conn, found) | _TAB_CONTEXT[tab](conn, principal, found, request)
    return render(request, "remember/customer.html", tab=tab, customer=found, **context)


@get("/customers/{reference:str}/timeline", permission="customers:read", sync_to_thread=True)
def timeline_page(request: AnyRequest, db: Database, principal: Principal, reference: str) -> Response[str]:
    """More of the timeline, or the same filtered by event."""
    with db.read() as conn:
        found = _find(conn, principal, reference)
        context = _timeline(conn, principal, found, request)
    return render(request, "remember/timeline.html", customer=found, **context)


PAGES = ConsolePages(
    room="remember",
    templates=Path(__file__).parent / "templates",
    handlers=(customers_page, customer_of_strand, customer_page, timeline_page),
    nav=(
        NavItem(
            label="Customers", path="/console/customers", icon="people", group="Customers", order=110,
            permission="customers:read", keys="c",
        ),
    ),
)  # fmt: skip


def _settings(conn: Connection, workspace: WorkspaceId) -> WorkspaceSettings:
    return next(shop.settings for shop in all_workspaces(conn) if shop.id == workspace)


def _find(conn: Connection, principal: Principal, reference: str) -> Found:
    workspace = WorkspaceId(principal.workspace)
    settings = _settings(conn, workspace)
    registry = commerce(default_currency=settings.currency, region=settings.region)
    root = find_root(conn, workspace, reference[:300].replace("\0", ""), region=settings.region)
    record = golden_record(conn, workspace, root, now=now_us(), registry=registry)
    members = identities.identifiers_of_customer(conn, workspace, root)
    return Found(root, record.id, record, members, registry, identifier_policy(settings))


def _overview(conn: Connection, found: Found) -> dict[str, Any]:
    """What every tab shows at the top."""
    traits = {name: shown.value for name, shown in found.record.traits.items()}
    label = traits.get("name") or traits.get("email") or traits.get("phone")
    seen = traits.get("last_seen_at")
    return {
        "label": label or _visitor(found.members),
        "traits": traits,
        "money": showing.money_words,
        "since": min((member.first_seen_at for member in found.members), default=0),
        "last_seen_at": from_iso(seen) if seen else None,
        "last_order_at": from_iso(traits["last_order_at"]) if traits.get("last_order_at") else None,
    }


def _visitor(members: Sequence[Member]) -> str:
    if not members:
        return "Nobody"
    known = next((m for m in members if m.namespace not in ("anonymous_id", "device")), None)
    return known.value if known else f"Visitor {members[0].value[:8]}"


def _overview_tab(conn: Connection, principal: Principal, found: Found, request: AnyRequest) -> dict[str, Any]:
    namespaces = showing.identifiers_by_namespace(found.members, found.policy)
    context = _timeline(conn, principal, found, request)
    return context | {"namespaces": namespaces, "orders": showing.orders_of(context["facts"])}


def _traits_tab(conn: Connection, principal: Principal, found: Found, request: AnyRequest) -> dict[str, Any]:
    sources = {source.id: source.name for source in list_sources(conn, WorkspaceId(principal.workspace))}
    return {"groups": showing.trait_groups(found.record, found.registry.traits), "source_names": sources}


def _identity_tab(conn: Connection, principal: Principal, found: Found, request: AnyRequest) -> dict[str, Any]:
    return resolve.panel(conn, WorkspaceId(principal.workspace), found.root, found.members, found.policy)


def _json_tab(conn: Connection, principal: Principal, found: Found, request: AnyRequest) -> dict[str, Any]:
    return {"body": msgspec.to_builtins(found.record)}


_TAB_CONTEXT = {"overview": _overview_tab, "traits": _traits_tab, "identity": _identity_tab, "json": _json_tab}


def _timeline(conn: Connection, principal: Principal, found: Found, request: AnyRequest) -> dict[str, Any]:
    """A page of the timeline by when things happened, which is not the order in which they arrived."""
    workspace = WorkspaceId(principal.workspace)
    rows = of_strands(conn, workspace, [member.key for member in found.members], limit=READ_FACTS)
    facts = sorted((to_fact(row) for row in rows), key=lambda fact: (-fact.occurred_at, -fact.seq))
    event = clean(request.query_params.get("event"), longest=120)
    skip = integer(dict(request.query_params), "skip", least=0, most=READ_FACTS, otherwise=0)
    chosen = [fact for fact in facts if fact.name == event] if event else facts
    sources = {source.id: source.name for source in list_sources(conn, workspace)}
    zone = viewer_zone(request)
    return {
        "facts": facts,
        "entries": showing.entries_of(chosen[skip : skip + SHOWN], sources=sources, zone=zone),
        "last_day": _day_before(chosen, skip, request),
        "event": event,
        "events": showing.event_counts(facts),
        "total": len(chosen),
        "next_skip": skip + SHOWN if len(chosen) > skip + SHOWN else 0,
        "more_than_read": len(rows) == READ_FACTS,
    }


def _day_before(chosen: Sequence[Fact], skip: int, request: AnyRequest) -> str:
    """The day under which the page before ended, so that its heading is not repeated."""
    if not 0 < skip <= len(chosen):
        return ""
    return showing.entries_of([chosen[skip - 1]], sources={}, zone=viewer_zone(request))[0].day

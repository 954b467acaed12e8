"""Console pages of remembering: one customer's Golden Record; the list stands in `list_pages`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple, cast
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, Response, get
from litestar.response import Redirect
from sqlalchemy import Connection

from rapport.collect.sources import identifier_policy, list_sources
from rapport.kernel.clock import SECOND, from_iso, now_us
from rapport.kernel.errors import NotFound
from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.ids import CustomerId, Key
from rapport.kernel.language import gettext
from rapport.kernel.principal import Principal
from rapport.kernel.text import clean
from rapport.kernel.wording import TOPICS, Wording
from rapport.remember import list_pages, showing, visits
from rapport.remember.customers import BROWSERS
from rapport.remember.golden import GoldenRecord, find_root, golden_record
from rapport.remember.list_pages import settings_of
from rapport.remember.registry import Remembered
from rapport.remember.timeline import cursor_after, cursor_at, event_names, read_page
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.linking.panel import panel
from rapport.resolve.reading import identities
from rapport.resolve.reading.identities import Member
from rapport.resolve.reading.naming import machine_made, name_words
from rapport.storage.engine import Database
from rapport.storage.log import to_fact
from rapport.web.asked import day as asked_day
from rapport.web.cards import OfPerson, Panels
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.formats import viewer_zone

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]

SHOWN = 40
"""Lines of a page of the timeline."""
LOOKED_AT = 240
"""Facts that are read for a page on which visits are one line each."""
BEHIND = 50
"""Facts behind a trait that are listed at a time."""

TABS = ("overview", "traits", "identity", "json")


class Found(NamedTuple):
    """The customer a page is about."""

    root: Key
    id: CustomerId
    record: GoldenRecord
    members: list[Member]
    remembered: Remembered
    policy: IdentifierPolicy
    wording: Wording


@get("/customers/of/{strand:str}", permission="customers:read", sync_to_thread=True)
def customer_of_strand(request: AnyRequest, db: Database, principal: Principal, strand: str) -> Response[Any]:
    """The customer behind an identifier's key, as links from facts have it."""
    try:
        key = Key(bytes.fromhex(strand[:64]))
    except ValueError:
        raise NotFound("this is no identifier's key") from None
    with db.read() as conn:
        root = identities.find(conn, principal.workspace, key)
        if root is None:
            return render(request, "remember/soon.html", status=404)
        customer_id = load_customer_ids(conn).customer_id(root)
    return Redirect(f"/console/customers/{customer_id}", status_code=303)


# One customer


@get("/customers/{reference:str}", permission="customers:read", sync_to_thread=True)
def customer_page(
    request: AnyRequest,
    db: Database,
    principal: Principal,
    panels: Panels,
    remembered: Remembered,
    wording: Wording,
    reference: str,
) -> Response[Any]:
    """The Golden Record: who, the timeline, traits with their why, identity, JSON."""
    tab = next((tab for tab in TABS if tab == request.query_params.get("tab")), "overview")
    with db.read() as conn:
        found = _find(conn, principal, reference, remembered, wording)
        if found.id != reference:
            asked = urlencode(request.query_params.dict(), doseq=True)
            return Redirect(f"/console/customers/{found.id}?{asked}", status_code=303)
        context = _overview(conn, found) | _TAB_CONTEXT[tab](conn, principal, found, request)
    if tab == "overview":
        about = OfPerson(principal.workspace, found.id, [one.key for one in found.members], context["traits"])
        context["panels"] = panels.draw(request, db, principal, about)
    return render(request, "remember/customer.html", tab=tab, customer=found, **context)


@get("/customers/{reference:str}/why/{trait:str}", permission="customers:read", sync_to_thread=True)
def why_page(
    request: AnyRequest, db: Database, principal: Principal, remembered: Remembered, wording: Wording, reference: str,
    trait: str,
) -> Response[Any]:  # fmt: skip
    """All facts that a trait is made of, page by page: in the drawer, or as a page of its own."""
    cursor = clean(request.query_params.get("before"), longest=60)
    with db.read() as conn:
        found = _find(conn, principal, reference, remembered, wording)
        shown, names = found.record.traits.get(trait[:100]), remembered.facts_behind(trait[:100])
        if shown is None or not names:
            raise NotFound(f"no trait {trait[:60]!r} that is made of several facts is in this record")
        strands = [member.key for member in found.members]
        page = read_page(
            conn, principal.workspace, strands, among=names.__contains__, cursor=cursor or None, limit=BEHIND
        )
        sources = {source.id: source.name for source in list_sources(conn, principal.workspace)}
        label = _label({name: one.value for name, one in found.record.traits.items()}, found.members)
    told = visits.entries_of([to_fact(row) for row in page.rows], wording=wording, sources=sources,
                             zone=viewer_zone(request))  # fmt: skip
    template = "remember/why_drawer.html" if request.headers.get("hx-request") else "remember/why.html"
    return render(
        request, template, customer=found, label=label, trait=remembered.traits[trait],
        value=showing.value_words(remembered.traits[trait], shown), rule=shown.rule, entries=told, cursor=page.cursor,
        newest=not cursor, names=names,
    )  # fmt: skip


PAGES = ConsolePages(
    room="remember",
    templates=Path(__file__).parent / "templates",
    handlers=(*list_pages.HANDLERS, customer_of_strand, customer_page, why_page),
    nav=(
        NavItem(
            label="Customers", path="/console/customers", icon="people", group="Customers", order=110,
            permission="customers:read", keys="c",
        ),
    ),
)  # fmt: skip


def _find(conn: Connection, principal: Principal, reference: str, remembered: Remembered, wording: Wording) -> Found:
    workspace = principal.workspace
    settings = settings_of(conn, workspace)
    root = find_root(conn, workspace, reference[:300].replace("\0", ""), region=settings.region)
    record = golden_record(conn, workspace, root, now=now_us(), remembered=remembered, probable=True)
    members = identities.identifiers_of_customer(conn, workspace, root)
    return Found(root, record.id, record, members, remembered, identifier_policy(settings), wording)


def _overview(conn: Connection, found: Found) -> dict[str, Any]:
    """What every tab shows at the top."""
    traits = {name: shown.value for name, shown in found.record.traits.items()}
    seen = traits.get("last_seen_at")
    return {
        "label": _label(traits, found.members),
        "traits": traits,
        "doubtful": {(one.namespace, one.value) for one in found.record.identifiers if one.probable},
        "money": showing.money_words,
        "since": min((member.first_seen_at for member in found.members), default=0),
        "last_seen_at": from_iso(seen) if seen else None,
        "last_order_at": from_iso(traits["last_order_at"]) if traits.get("last_order_at") else None,
    }


def _label(traits: Mapping[str, Any], members: Sequence[Member]) -> str:
    """What the page calls somebody: a name, or what is known best, and no text that a machine made."""
    if told := traits.get("name") or traits.get("email") or traits.get("phone"):
        return str(told)
    readable = next((m for m in members if m.namespace not in BROWSERS and not machine_made(m.value)), None)
    if readable is not None:
        return readable.value
    if not members:
        return gettext("Nobody")
    if traits.get("orders") or any(m.namespace not in BROWSERS for m in members):
        return gettext("Customer %(id)s", id=members[0].value[:8])
    return gettext("Visitor %(id)s", id=members[0].value[:8])


def _overview_tab(conn: Connection, principal: Principal, found: Found, request: AnyRequest) -> dict[str, Any]:
    namespaces = showing.identifiers_by_namespace(found.members, found.policy)
    context = _timeline(conn, principal, found, request)
    return context | {"namespaces": namespaces, "name_of": name_words}


def _traits_tab(conn: Connection, principal: Principal, found: Found, request: AnyRequest) -> dict[str, Any]:
    sources = {source.id: source.name for source in list_sources(conn, principal.workspace)}
    return {"groups": showing.trait_groups(found.record, found.remembered.traits), "source_names": sources}


def _identity_tab(conn: Connection, principal: Principal, found: Found, request: AnyRequest) -> dict[str, Any]:
    return panel(conn, principal.workspace, found.root, found.members, found.policy)


def _json_tab(conn: Connection, principal: Principal, found: Found, request: AnyRequest) -> dict[str, Any]:
    return {"body": msgspec.to_builtins(found.record)}


_TAB_CONTEXT = {"overview": _overview_tab, "traits": _traits_tab, "identity": _identity_tab, "json": _json_tab}


def _timeline(conn: Connection, principal: Principal, found: Found, request: AnyRequest) -> dict[str, Any]:
    """A page of the timeline by when things happened, which is not the order in which they arrived."""
    workspace, asked = principal.workspace, request.query_params
    strands, zone = [member.key for member in found.members], viewer_zone(request)
    event, cursor = clean(asked.get("event"), longest=120), clean(asked.get("before"), longest=60)
    topic = next((one for one in TOPICS if one == asked.get("topic")), "")
    every = asked.get("every") == "yes" or bool(event)
    day = asked_day(until, name="until") if (until := clean(asked.get("until"))) else None
    if day and not cursor:
        cursor = cursor_at(_end(day, zone))
    limit = SHOWN if every or topic not in ("", "visits") else LOOKED_AT
    page = read_page(
        conn, workspace, strands, event=event, cursor=cursor or None, limit=limit,
        among=(lambda name: found.wording.topic_of(name) == topic) if topic else None,
    )  # fmt: skip
    sources = {source.id: source.name for source in list_sources(conn, workspace)}
    facts = [to_fact(row) for row in page.rows]
    lines: Sequence[visits.Line] = visits.entries_of(facts, wording=found.wording, sources=sources, zone=zone)
    full, following = len(page.rows) == limit, page.cursor
    if limit == LOOKED_AT:
        lines, used = visits.page_of(cast(list[visits.Entry], lines), most=SHOWN, more=page.cursor is not None)
        full, following = (True, cursor_after(page.rows[used - 1])) if used < len(page.rows) else (full, following)
    return {
        "lines": lines, "page": page, "cursor": following, "full": full, "event": event, "topic": topic,
        "every": every, "until": day.isoformat() if day else "", "newest": not cursor,
        "names": event_names(conn, workspace, strands),
    }  # fmt: skip


def _end(day: date, zone: ZoneInfo) -> int:
    """When this day ends where the viewer is."""
    try:
        return int(datetime.combine(day + timedelta(days=1), time(), zone).timestamp()) * SECOND
    except OverflowError:
        return now_us()

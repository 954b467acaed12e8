"""`/api/v1/journeys`: graphs as JSON, who enters by a system's word, and what would have happened last month."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, post, put
from msgspec import Meta

from rapport.capabilities.journeys.checking import BadJourney, read_graph
from rapport.capabilities.journeys.service import graphs
from rapport.capabilities.journeys.service.calling import enter
from rapport.capabilities.journeys.service.trying import DryRun, dry_run
from rapport.decide.service import Decider
from rapport.kernel.clock import now_us
from rapport.kernel.principal import Principal
from rapport.remember.registry import Remembered
from rapport.remember.segments.routes import fields_of
from rapport.resolve.graph.customer_ids import ensure_secret
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.reading.references import find_key
from rapport.storage.engine import Database
from rapport.web.etags import ETAG, IfMatch, seen_version, tagged

__all__ = ["ROUTES"]


class JourneyLine(msgspec.Struct, frozen=True, kw_only=True):
    """A journey among others."""

    name: str
    title: str
    version: int
    state: str
    """`live`, or `stopped`: nobody enters, nobody goes on."""


class EntryWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who is to enter a journey."""

    customer: Annotated[str, Meta(max_length=300)]
    """A customer id or `namespace:value`."""
    subject: Annotated[str, Meta(max_length=200)] = ""
    """Which cart, order or product it is about; each has a journey of its own."""
    idempotency_key: Annotated[str, Meta(min_length=1, max_length=200)]
    """Sent twice under one key, it is one entry."""
    data: Annotated[dict[str, Any], Meta(max_length=100)] = {}


class EntryMade(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it."""

    entered: bool
    """False where they are in it, or were and may not come again."""


class DryRunWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be tried."""

    days: Annotated[int, Meta(ge=1, le=90)] = 30
    """Of the log, up to now."""
    graph: dict[str, Any] | None = None
    """Another graph than the one in force."""


class StateWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a journey goes on."""

    live: bool


@get("/journeys", permission="journeys:read", tags=["journeys"], sync_to_thread=True)
def list_journeys(db: Database, principal: Principal) -> list[JourneyLine]:
    """All journeys."""
    with db.read() as conn:
        found = graphs.all_journeys(conn, principal.workspace)
    return [JourneyLine(name=o.name, title=o.graph.title, version=o.version, state=o.state) for o in found]


@get("/journeys/{name:str}", permission="journeys:read", tags=["journeys"], response_headers=[ETAG],
     sync_to_thread=True)  # fmt: skip
def get_journey(db: Database, principal: Principal, name: str) -> Response[dict[str, Any]]:
    """A journey: its graph, with its version and state beside. It can be sent back as it is."""
    with db.read() as conn:
        found = graphs.find(conn, principal.workspace, name)
    return tagged(graphs.document_of(found), graphs.tag_of(found))


@put("/journeys/{name:str}", permission="journeys:write", tags=["journeys"], response_headers=[ETAG],
     sync_to_thread=True)  # fmt: skip
def put_journey(
    db: Database, principal: Principal, remembered: Remembered, decider: Decider, name: str, data: dict[str, Any],
    if_match: IfMatch = None,
) -> Response[dict[str, Any]]:  # fmt: skip
    """Put a graph in force, as a new version. What is wrong with it is said with its place, all at once."""
    graph = read_graph(data)
    with db.write() as conn:
        found = graphs.save(
            conn, principal.workspace, name, graph, fields=fields_of(remembered), placements=decider.placements,
            by=principal.name, now=now_us(), seen=seen_version(if_match),
        )  # fmt: skip
    return tagged(graphs.document_of(found), graphs.tag_of(found))


@delete("/journeys/{name:str}", permission="journeys:write", tags=["journeys"], sync_to_thread=True)
def delete_journey(db: Database, principal: Principal, name: str, if_match: IfMatch = None) -> None:
    """Remove a journey; who is inside gets nothing more of it."""
    with db.write() as conn:
        graphs.remove(
            conn, principal.workspace, name, by=principal.name, now=now_us(), seen=seen_version(if_match)
        )  # fmt: skip


@put("/journeys/{name:str}/state", permission="journeys:write", tags=["journeys"], response_headers=[ETAG],
     sync_to_thread=True)  # fmt: skip
def put_state(
    db: Database, principal: Principal, name: str, data: StateWanted, if_match: IfMatch = None
) -> Response[dict[str, Any]]:
    """Stop a journey, or have it go on: who is inside goes on from where they stand."""
    with db.write() as conn:
        found = graphs.change_state(
            conn, principal.workspace, name, live=data.live, by=principal.name, now=now_us(),
            seen=seen_version(if_match),
        )  # fmt: skip
    return tagged(graphs.document_of(found), graphs.tag_of(found))


@post("/journeys/{name:str}/entries", permission="journeys:enter", tags=["journeys"], status_code=202,
      sync_to_thread=True)  # fmt: skip
def enter_journey(db: Database, principal: Principal, name: str, data: EntryWanted) -> EntryMade:
    """Have somebody enter a journey, whatever it is otherwise entered by."""
    with db.write() as conn:
        ensure_secret(conn)
        key = find_key(conn, principal.workspace, data.customer, region=settings_of(conn, principal.workspace).region)
        entered = enter(
            conn, principal.workspace, name, key, subject=data.subject, ident=data.idempotency_key, data=data.data,
            now=now_us(),
        )  # fmt: skip
    return EntryMade(entered=entered)


@post("/journeys/{name:str}/dry-run", permission="journeys:write", tags=["journeys"], status_code=200,
      sync_to_thread=True)  # fmt: skip
def try_journey(
    db: Database, principal: Principal, remembered: Remembered, decider: Decider, name: str,
    data: DryRunWanted | None = None,
) -> DryRun:  # fmt: skip
    """Who would have entered by last month's log, and what they would have got. Nothing is changed, nobody told.

    With a `graph` it is that one which is tried; there need be no journey of the name yet.
    """
    wanted = data or DryRunWanted()
    fields, workspace = fields_of(remembered), principal.workspace
    with db.read() as conn:
        if wanted.graph is None:
            graph = graphs.find(conn, workspace, name).graph
        else:
            graph = read_graph(wanted.graph)
            if faults := graphs.check(conn, workspace, graph, fields=fields, placements=decider.placements):
                raise BadJourney(faults)
        return dry_run(conn, workspace, name, graph, fields=fields, now=now_us(), days=wanted.days)


ROUTES = (
    try_journey, list_journeys, get_journey, put_journey, delete_journey, put_state, enter_journey,
)  # fmt: skip

"""Console pages of journeys: the list, each with who stands where, and the editor that reads along."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.capabilities.journeys import store
from rapport.capabilities.journeys.comparing import changes
from rapport.capabilities.journeys.drawing import FAMILY, draw
from rapport.capabilities.journeys.editing_pages import EDITING
from rapport.capabilities.journeys.service import graphs
from rapport.capabilities.journeys.service.effect import effect_of
from rapport.capabilities.journeys.service.shipped import shipped
from rapport.capabilities.journeys.wording import entry_words, lines_of_graph
from rapport.decide.people import names_by_strand
from rapport.kernel.clock import now_us
from rapport.kernel.principal import Principal
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.storage.engine import Database
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import Form, integer, text

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]
_SHOWN = 50


@get("/journeys", permission="journeys:read", sync_to_thread=True)
def journeys_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """All journeys with how many are inside, and ready-made ones to begin with."""
    with db.read() as conn:
        found = graphs.all_journeys(conn, principal.workspace)
        totals = store.totals(conn, principal.workspace)
    names = {one.name for one in found}
    ready = {name: graph for name, graph in shipped().items() if name not in names}
    return render(
        request, "journeys/journeys.html", journeys=found, totals=totals, ready=ready, entry_words=entry_words
    )  # fmt: skip


@get("/journeys/{name:str}", permission="journeys:read", sync_to_thread=True)
def journey_page(request: AnyRequest, db: Database, principal: Principal, name: str) -> Response[str]:
    """A journey: its steps in words, how many took each way, who stands at one of them."""
    node = text(dict(request.query_params), "node", longest=60)
    compared = integer(dict(request.query_params), "compared", least=0, most=2**31 - 2, otherwise=0)
    workspace = principal.workspace
    with db.read() as conn:
        found = graphs.find(conn, workspace, name)
        before = graphs.find(conn, workspace, name, version=compared) if compared else None
        sees_people = principal.may("customers:read")
        people = store.standing_at(conn, workspace, name, node, limit=_SHOWN) if node and sees_people else []
        ids = load_customer_ids(conn) if people else None
        context: dict[str, Any] = {
            "standing": store.standing(conn, workspace, name), "passed": store.passed(conn, workspace, name),
            "totals": store.totals(conn, workspace).get(name, {}), "versions": store.history(conn, workspace, name),
            "names": names_by_strand(conn, workspace, {one.strand for one in people}),
            "customer": {one.strand: ids.customer_id(one.strand) for one in people} if ids else {},
            "effect": effect_of(conn, workspace, name, now=now_us()),
        }  # fmt: skip
    return render(
        request, "journeys/journey.html", journey=found, seen=graphs.tag_of(found), node=node, people=people,
        lines=lines_of_graph(found.graph), entry=entry_words(found.graph), family=FAMILY, edits=False, run=None,
        compared=compared, changes=changes(before.graph, found.graph) if before else [],
        picture=draw(msgspec.to_builtins(found.graph), entry=entry_words(found.graph), faults=()), **context,
    )  # fmt: skip


@post("/journeys/{name:str}/state", permission="journeys:write", sync_to_thread=True, status_code=303)
def change_state(db: Database, principal: Principal, name: str, data: Form) -> Redirect:
    """Stop it, have it go on, or remove it."""
    then, seen = text(data, "then"), text(data, "seen", longest=16) or None
    with db.write() as conn:
        if then == "remove":
            graphs.remove(conn, principal.workspace, name, by=principal.name, now=now_us(), seen=seen)
            return Redirect("/console/journeys?done=removed", status_code=303)
        graphs.change_state(
            conn, principal.workspace, name, live=then == "live", by=principal.name, now=now_us(), seen=seen
        )  # fmt: skip
    return Redirect(f"/console/journeys/{name}?done=saved", status_code=303)


PAGES = ConsolePages(
    room="journeys",
    templates=Path(__file__).parent / "templates",
    handlers=(journeys_page, *EDITING, journey_page, change_state),
    nav=(
        NavItem(
            label="Journeys", path="/console/journeys", icon="pulse", group="Engage", order=300,
            permission="journeys:read",
        ),
    ),
)  # fmt: skip

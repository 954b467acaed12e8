"""Console pages of journeys: the list, each with who stands where, and the editor that reads along."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.capabilities.journeys import store
from rapport.capabilities.journeys.checking import BadJourney, read_graph
from rapport.capabilities.journeys.model import Graph
from rapport.capabilities.journeys.service import graphs
from rapport.capabilities.journeys.service.effect import effect_of
from rapport.capabilities.journeys.service.shipped import shipped
from rapport.capabilities.journeys.wording import entry_words, lines_of_graph
from rapport.decide.people import names_by_strand
from rapport.decide.service import Decider
from rapport.kernel.clock import now_us
from rapport.kernel.errors import RapportError
from rapport.kernel.principal import Principal
from rapport.remember.registry import Remembered
from rapport.remember.segments.routes import fields_of
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.storage.engine import Database
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import Form, raw, text

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]
_SHOWN = 50
_LONGEST = 200_000


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


@get("/journeys-new", permission="journeys:write", sync_to_thread=True)
def new_page(
    request: AnyRequest, db: Database, principal: Principal, remembered: Remembered, decider: Decider
) -> Response[str]:
    """The editor for a new journey; `ready` names a ready-made one to begin with."""
    asked = text(dict(request.query_params), "ready", longest=60)
    name = asked if asked in shipped() else "welcome"
    body = _pretty(msgspec.to_builtins(shipped()[name]))
    return _editor(request, db, principal, remembered, decider, name=asked, body=body)


@post("/journeys-try", permission="journeys:write", sync_to_thread=True, status_code=200)
def try_text(
    request: AnyRequest, db: Database, principal: Principal, remembered: Remembered, decider: Decider, data: Form
) -> Response[str]:
    """What is typed, in plain words, and what is wrong with it."""
    body = raw(data, "body")[: _LONGEST + 1]
    return render(request, "journeys/tried.html", **_tried(db, principal, remembered, decider, body))


@post("/journeys-save", permission="journeys:write", sync_to_thread=True, status_code=200)
def save_page(
    request: AnyRequest, db: Database, principal: Principal, remembered: Remembered, decider: Decider, data: Form
) -> Response[Any]:
    """Put what is typed in force; what cannot be stays where it was typed."""
    name, body = text(data, "name", longest=60), raw(data, "body")[: _LONGEST + 1]
    seen = text(data, "seen", longest=16)
    try:
        graph = read_graph(body.encode())
        with db.write() as conn:
            graphs.save(
                conn, principal.workspace, name, graph, fields=fields_of(remembered), placements=decider.placements,
                by=principal.name, now=now_us(), seen=seen or None,
            )  # fmt: skip
    except RapportError as error:
        return _editor(
            request, db, principal, remembered, decider, name=name, body=body, seen=seen, error=error,
            old=text(data, "old", longest=60),
        )  # fmt: skip
    return Redirect(f"/console/journeys/{name}?done=saved", status_code=303)


@get("/journeys/{name:str}", permission="journeys:read", sync_to_thread=True)
def journey_page(request: AnyRequest, db: Database, principal: Principal, name: str) -> Response[str]:
    """A journey: its steps in words, how many took each way, who stands at one of them."""
    node = text(dict(request.query_params), "node", longest=60)
    workspace = principal.workspace
    with db.read() as conn:
        found = graphs.find(conn, workspace, name)
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
        lines=lines_of_graph(found.graph), entry=entry_words(found.graph), **context,
    )  # fmt: skip


@get("/journeys/{name:str}/edit", permission="journeys:write", sync_to_thread=True)
def edit_page(
    request: AnyRequest, db: Database, principal: Principal, remembered: Remembered, decider: Decider, name: str
) -> Response[str]:
    """The editor with a journey in it."""
    with db.read() as conn:
        found = graphs.find(conn, principal.workspace, name)
    body = _pretty(msgspec.to_builtins(found.graph))
    return _editor(
        request, db, principal, remembered, decider, name=name, old=name, body=body, seen=graphs.tag_of(found)
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
    handlers=(journeys_page, new_page, try_text, save_page, journey_page, edit_page, change_state),
    nav=(
        NavItem(
            label="Journeys", path="/console/journeys", icon="pulse", group="Engage", order=300,
            permission="journeys:read",
        ),
    ),
)  # fmt: skip


def _pretty(graph: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(graph), indent=2).decode()


def _tried(db: Database, principal: Principal, remembered: Remembered, decider: Decider, body: str) -> dict[str, Any]:
    """The journey in words, and every fault with its place."""
    graph: Graph | None = None
    try:
        graph = read_graph(body.encode())
    except BadJourney as bad:
        return {"graph": None, "faults": bad.errors, "lines": [], "entry": ""}
    with db.read() as conn:
        faults = graphs.check(
            conn, principal.workspace, graph, fields=fields_of(remembered), placements=decider.placements
        )
    shown = [{"path": one.path, "message": one.message} for one in faults]
    return {"graph": graph, "faults": shown, "lines": lines_of_graph(graph), "entry": entry_words(graph)}


def _editor(
    request: AnyRequest, db: Database, principal: Principal, remembered: Remembered, decider: Decider, *, name: str,
    body: str, old: str = "", seen: str = "", error: RapportError | None = None,
) -> Response[str]:  # fmt: skip
    return render(
        request, "journeys/edit.html", status=error.status if error else 200, name=name, old=old, body=body, seen=seen,
        error=error, **_tried(db, principal, remembered, decider, body),
    )  # fmt: skip

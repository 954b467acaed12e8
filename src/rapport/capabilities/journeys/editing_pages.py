"""The journeys' editor: the picture with a drawer for each step, the text beside it, one validation for both.

The page's script changes the text and nothing else; what stands in the picture, what is wrong and what a step's form
asks is answered here, of whatever is written. Without a script the text is written by hand and sent as a form.
"""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import Request, Response, get, post
from litestar.response import Redirect
from sqlalchemy import Connection

from rapport.act.webhooks import list_webhooks
from rapport.capabilities.journeys.checking import BadJourney, Fault, read_graph
from rapport.capabilities.journeys.comparing import changes
from rapport.capabilities.journeys.drawing import ENTRY, FAMILY, draw, read_node
from rapport.capabilities.journeys.model import Graph, edges_of
from rapport.capabilities.journeys.service import graphs
from rapport.capabilities.journeys.service.shipped import shipped
from rapport.capabilities.journeys.service.trying import DryRun, dry_run
from rapport.capabilities.journeys.wording import entry_words, lines_of_graph, node_words
from rapport.decide.service import Decider
from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput, RapportError
from rapport.kernel.language import gettext
from rapport.kernel.principal import Principal
from rapport.kernel.wording import Wording
from rapport.remember import membership
from rapport.remember.registry import Remembered
from rapport.remember.segments.routes import fields_of
from rapport.storage.engine import Database
from rapport.web.console import render
from rapport.web.forms import Form, integer, raw, text

__all__ = ["EDITING"]

AnyRequest = Request[Any, Any, Any]
_LONGEST = 200_000


@get("/journeys-new", permission="journeys:write", sync_to_thread=True)
def new_page(
    request: AnyRequest, db: Database, principal: Principal, remembered: Remembered, decider: Decider
) -> Response[str]:
    """The editor for a new journey; `ready` names a ready-made one to begin with."""
    asked = text(dict(request.query_params), "ready", longest=60)
    name = asked if asked in shipped() else "welcome"
    body = _pretty(msgspec.to_builtins(shipped()[name]))
    return _editor(request, db, principal, remembered, decider, name=asked, body=body)


@get("/journeys/{name:str}/edit", permission="journeys:write", sync_to_thread=True)
def edit_page(
    request: AnyRequest, db: Database, principal: Principal, remembered: Remembered, decider: Decider, name: str
) -> Response[str]:
    """The editor with a journey in it, or with one of its older versions, to put that back."""
    version = integer(dict(request.query_params), "version", least=0, most=2**31 - 2, otherwise=0)
    with db.read() as conn:
        now = graphs.find(conn, principal.workspace, name)
        found = graphs.find(conn, principal.workspace, name, version=version) if version else now
    body = _pretty(msgspec.to_builtins(found.graph))
    return _editor(
        request, db, principal, remembered, decider, name=name, old=name, body=body, seen=graphs.tag_of(now)
    )  # fmt: skip


@post("/journeys-try", permission="journeys:write", sync_to_thread=True, status_code=200)
def try_text(
    request: AnyRequest, db: Database, principal: Principal, remembered: Remembered, decider: Decider, data: Form
) -> Response[str]:
    """What is written as a picture and in plain words, what is wrong with it, and what it changes."""
    body, old = raw(data, "body")[: _LONGEST + 1], text(data, "old", longest=60)
    return render(request, "journeys/tried.html", **_tried(db, principal, remembered, decider, body, old=old))


@post("/journeys-dry-run", permission="journeys:write", sync_to_thread=True, status_code=200)
def try_on_past(
    request: AnyRequest, db: Database, principal: Principal, remembered: Remembered, decider: Decider, data: Form
) -> Response[str]:
    """The same, with how many would have come to each step last month. Nothing is changed, nobody told."""
    body, old = raw(data, "body")[: _LONGEST + 1], text(data, "old", longest=60)
    tried = _tried(db, principal, remembered, decider, body, old=old)
    run: DryRun | None = None
    failed: RapportError | None = None
    if tried["graph"] is None or tried["faults"]:
        failed = InvalidInput("it cannot be tried yet", hint="mend what is wrong first")
    else:
        try:
            with db.read() as conn:
                run = dry_run(
                    conn, principal.workspace, text(data, "name", longest=60) or "untitled", tried["graph"],
                    fields=fields_of(remembered), now=now_us(),
                )  # fmt: skip
        except RapportError as error:
            failed = error
    return render(request, "journeys/tried.html", **tried | {"run": run, "run_failed": failed})


@post("/journeys-step", permission="journeys:write", sync_to_thread=True, status_code=200)
def step_form(
    request: AnyRequest, db: Database, principal: Principal, decider: Decider, wording: Wording, data: Form
) -> Response[str]:
    """The form of one step, or of the entry: its fields with what this shop has to choose from."""
    name, document = text(data, "step", longest=60), _document(raw(data, "body")[: _LONGEST + 1])
    nodes = document.get("nodes")
    nodes = nodes if isinstance(nodes, dict) else {}
    node = document if name == ENTRY else nodes.get(name)
    if not isinstance(node, dict):
        raise InvalidInput(f"there is no step {name!r} in what was sent", hint="choose one in the picture")
    with db.read() as conn:
        known = _known(conn, principal, decider, wording)
    steps = {str(one): _step_words(body) for one, body in nodes.items()}
    deciding = [str(one) for one, body in nodes.items() if isinstance(body, dict) and body.get("kind") == "decide"]
    found = read_node(node)
    edges = [path for path, _ in edges_of(found)] if found is not None else []
    return render(
        request, "journeys/step.html", step=name, node=_shaped(node), kind=ENTRY if name == ENTRY else node.get("kind"),
        steps=steps, deciding=deciding, edges=edges, family=FAMILY, **known,
    )  # fmt: skip


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


EDITING = (new_page, edit_page, try_text, try_on_past, step_form, save_page)


def _pretty(graph: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(graph), indent=2).decode()


def _document(body: str) -> dict[str, Any]:
    """What is written as an object; empty where it is none."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return {}


_OBJECTS = frozenset({"until", "goal", "happened", "data"})
_LISTS = frozenset({"ways", "where", "entry"})
_WORDS = frozenset({"days", "choices", "fallback"})


def _shaped(node: dict[str, Any]) -> dict[str, Any]:
    """The step as its form reads it: what is written in another shape than the field has is not shown in it."""
    shaped: dict[str, Any] = {}
    for key, value in node.items():
        if key in _OBJECTS or (key == "entry" and isinstance(value, dict)):
            shaped[key] = (value if key == "data" else _shaped(value)) if isinstance(value, dict) else {}
        elif key in _WORDS:
            shaped[key] = [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
        elif key in _LISTS and not isinstance(value, str):
            shaped[key] = [_shaped(one) for one in value if isinstance(one, dict)] if isinstance(value, list) else []
        elif key != "nodes":
            shaped[key] = value if isinstance(value, str | int | float) else ""
    return shaped


def _step_words(node: Any) -> str:
    found = read_node(node)
    return "" if found is None else node_words(found)


def _known(conn: Connection, principal: Principal, decider: Decider, wording: Wording) -> dict[str, Any]:
    """What the shop has that a step can name."""
    workspace, s = principal.workspace, membership.segments.c
    sendable = graphs.sendable_of(conn, workspace)
    segments = conn.execute(sa.select(s.name).where(s.workspace == workspace).order_by(s.name)).scalars()
    return {
        "templates": sendable.templates, "segments": list(segments), "channels": sendable.channels,
        "placements": sorted(decider.placements), "facts": sorted(wording.kinds),
        "webhooks": [(one.id, one.url) for one in list_webhooks(conn, workspace)],
    }  # fmt: skip


def _tried(
    db: Database, principal: Principal, remembered: Remembered, decider: Decider, body: str, *, old: str = ""
) -> dict[str, Any]:
    """What is written: its picture, its words, every fault with its place, what it changes of the version in force."""
    graph: Graph | None = None
    faults: list[Fault] = []
    before: Graph | None = None
    try:
        graph = read_graph(body.encode())
    except BadJourney as bad:
        faults = [Fault(one["path"], one["message"]) for one in bad.errors]
    with db.read() as conn:
        if graph is not None:
            faults = graphs.check(
                conn, principal.workspace, graph, fields=fields_of(remembered), placements=decider.placements
            )
        if graph is not None and old:
            before = graphs.find(conn, principal.workspace, old).graph
    entry = entry_words(graph) if graph is not None else ""
    return {
        "graph": graph, "faults": faults, "lines": lines_of_graph(graph) if graph is not None else [], "entry": entry,
        "picture": draw(_document(body), entry=entry or "Who enters", faults=faults), "family": FAMILY,
        "changes": changes(before, graph) if before is not None and graph is not None else [], "old": old,
        "run": None, "run_failed": None, "edits": True, "standing": {}, "passed": {}, "node": "",
    }  # fmt: skip


def _editor(
    request: AnyRequest, db: Database, principal: Principal, remembered: Remembered, decider: Decider, *, name: str,
    body: str, old: str = "", seen: str = "", error: RapportError | None = None,
) -> Response[str]:  # fmt: skip
    with db.read() as conn:
        templates = graphs.sendable_of(conn, principal.workspace).templates
        s = membership.segments.c
        segment = conn.execute(sa.select(sa.func.min(s.name)).where(s.workspace == principal.workspace)).scalar()
        webhooks = list_webhooks(conn, principal.workspace)
    template = "welcome" if "welcome" in templates else next(iter(templates), "")
    return render(
        request, "journeys/edit.html", status=error.status if error else 200, name=name, body=body, seen=seen,
        error=error, palette=_palette(template, segment or "", decider, webhooks),
        **_tried(db, principal, remembered, decider, body, old=old),
    )  # fmt: skip


def _palette(template: str, segment: str, decider: Decider, webhooks: list[Any]) -> dict[str, dict[str, Any]]:
    """What each kind of step is when it is put in, before anybody has said more."""
    return {
        "wait": {"for": "1d"}, "hour": {"at": "09:00"},
        "fact": {"until": {"fact": "Order Completed"}, "at_most": "3d"},
        "segment": {"segment": segment, "at_most": "3d"},
        "branch": {"ways": [{"where": "orders >= 1"}]}, "split": {"ways": [{"percent": 50}, {"percent": 50}]},
        "send": {"template": template},
        "decide": {"placement": min(decider.placements, default="")},
        "ask": {"question": gettext("How do you like it?"), "trait": "answer"},
        "award": {"points": 100, "reason": gettext("Thank you")},
        "task": {"title": gettext("Call them")}, "webhook": {"webhook": webhooks[0].id if webhooks else ""},
        "trait": {"name": "note", "value": "yes"}, "exit": {}, "goal": {},
    }  # fmt: skip

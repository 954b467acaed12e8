"""Console pages of segments: the list, the editor with its builder, and what each segment is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get, post
from litestar.response import Redirect, Stream
from sqlalchemy import Connection

from rapport.kernel.clock import now_us
from rapport.kernel.errors import NotFound, RapportError
from rapport.kernel.gate import Gate
from rapport.kernel.ids import CustomerId, Key, WorkspaceId
from rapport.kernel.language import noted
from rapport.kernel.principal import Principal
from rapport.kernel.text import clean
from rapport.remember.listing import CustomerSummary, called, customers_of
from rapport.remember.registry import Remembered
from rapport.remember.segments import portrait, service
from rapport.remember.segments.fields import Fields
from rapport.remember.segments.following import fill_now
from rapport.remember.segments.language import BadSegment
from rapport.remember.segments.parsing import LONGEST_TEXT
from rapport.remember.segments.ready import READY
from rapport.remember.segments.routes import fields_of
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.storage.engine import Database
from rapport.storage.workspaces import workspace_of
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import Form, raw, text
from rapport.web.people_files import PeopleFile, people_file
from rapport.web.purposes import Purposes

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]
_BY_TYPE = {
    "number": (">=", "<=", "=", "<>"), "money": (">=", "<="), "text": ("=", "<>", "LIKE"),
    "list": (noted("has"),), "time": (noted("within days"), noted("more than days ago")),
    "date": ("=", "<", ">"), "flag": ("yes", "no"),
}  # fmt: skip
OPERATIONS = tuple(dict.fromkeys(one for several in _BY_TYPE.values() for one in several))
SHOWN = 20


@get("/segments", permission="segments:read", sync_to_thread=True)
def segments_page(request: AnyRequest, db: Database, principal: Principal, remembered: Remembered) -> Response[str]:
    """All segments with their sizes, and ready-made ones to add."""
    with db.read() as conn:
        found = service.list_segments(conn, principal.workspace, fields=fields_of(remembered))
    names = {one.name for one in found}
    ready = [one for one in READY if one.name not in names]
    return render(request, "segments/segments.html", segments=found, ready=ready, quote=_quoted)


@get("/segments-new", permission="segments:write", sync_to_thread=True)
def new_page(request: AnyRequest, db: Database, principal: Principal, remembered: Remembered) -> Response[str]:
    """The editor for a new segment; `ready` names a ready-made one to begin with."""
    asked = request.query_params.get("ready", "")
    ready = next((one for one in READY if one.key == asked), None)
    return _editor(request, db, principal, fields_of(remembered), name=ready.name if ready else "",
                   where=ready.where if ready else "", why=ready.why if ready else "")  # fmt: skip


@post("/segments-try", permission="segments:read", sync_to_thread=True, status_code=200)
def try_text(
    request: AnyRequest, db: Database, principal: Principal, remembered: Remembered, data: Form
) -> Response[str]:  # fmt: skip
    """The count and sample for a text, while somebody types."""
    where = raw(data, "where")[: LONGEST_TEXT + 1]
    return render(request, "segments/tried.html", called=called, **_tried(db, principal, fields_of(remembered), where))


@post("/segments-save", permission="segments:write", sync_to_thread=True, status_code=200)
def save(
    request: AnyRequest, db: Database, principal: Principal, remembered: Remembered, data: Form
) -> Response[Any]:  # fmt: skip
    """Put one more condition of the builder into the text, or save it."""
    fields, where = fields_of(remembered), raw(data, "where")[: LONGEST_TEXT + 1]
    name, old, seen = text(data, "name"), text(data, "old"), text(data, "seen", longest=16) or None
    shown: dict[str, Any] = {"name": name, "old": old, "seen": seen or ""}
    if text(data, "then") == "build":
        more = _built(fields, text(data, "field"), text(data, "op"), text(data, "value"))
        joined = f"{where.strip()} {'OR' if text(data, 'join') == 'or' else 'AND'} {more}" if where.strip() else more
        return _editor(request, db, principal, fields, where=joined, **shown)
    try:
        with db.write() as conn:
            workspace, now = principal.workspace, now_us()
            if old:
                made = service.change(conn, workspace, old, where=where, new_name=name, fields=fields,
                                      by=principal.name, now=now, seen=seen)  # fmt: skip
            else:
                made = service.add(conn, workspace, name=name, where=where, fields=fields, by=principal.name, now=now)
            fill_now(conn, workspace, remembered, now=now)
    except RapportError as error:
        return _editor(request, db, principal, fields, where=where, error=error, **shown)
    return Redirect(f"/console/segments/{_quoted(made.name)}?done=saved", status_code=303)


@get("/segments/{name:str}", permission="segments:read", sync_to_thread=True)
def segment_page(
    request: AnyRequest, db: Database, principal: Principal, remembered: Remembered, purposes: Purposes, name: str
) -> Response[str]:  # fmt: skip
    """One segment: what it says, who is in it, how it grew, whom it shares with another."""
    fields, workspace = fields_of(remembered), principal.workspace
    other = clean(request.query_params.get("with"), longest=80)
    with db.read() as conn:
        found = service.find(conn, workspace, name, fields=fields)
        settings = workspace_of(conn, workspace).settings
        number = service.id_of(conn, workspace, name)
        names = [one.name for one in service.list_segments(conn, workspace, fields=fields) if one.name != name]
        page = service.members_of(conn, workspace, name, limit=SHOWN)
        who = _labelled(conn, workspace, [one.customer_id for one in page.members])
        shared = service.overlap(conn, workspace, name, other) if other in names else None
        context: dict[str, Any] = {
            "portrait": portrait.portrait_of(conn, workspace, number, currency=settings.currency),
            "sizes": portrait.sizes_of(conn, workspace, number, days=30),
            "versions": service.history(conn, workspace, name),
        }
    return render(
        request, "segments/segment.html", called=called, segment=found, seen=service.tag_of(found), members=who,
        more=page.cursor, currency=settings.currency, names=names, other=other, shared=shared,
        day_of=_day_of, quote=_quoted, purposes=purposes.names(workspace), **context,
    )  # fmt: skip


@get("/segments/{name:str}/edit", permission="segments:write", sync_to_thread=True)
def edit_page(
    request: AnyRequest, db: Database, principal: Principal, remembered: Remembered, name: str
) -> Response[str]:  # fmt: skip
    """The editor with a segment in it."""
    fields = fields_of(remembered)
    with db.read() as conn:
        found = service.find(conn, principal.workspace, name, fields=fields)
    return _editor(request, db, principal, fields, name=found.name, old=found.name, where=found.where,
                   seen=service.tag_of(found))  # fmt: skip


@post("/segments/{name:str}/remove", permission="segments:write", sync_to_thread=True, status_code=200)
def remove_segment(db: Database, principal: Principal, remembered: Remembered, name: str, data: Form) -> Response[Any]:
    """Remove it."""
    with db.write() as conn:
        service.remove(
            conn, principal.workspace, name, fields=fields_of(remembered), seen=text(data, "seen", longest=16) or None
        )
    return Redirect("/console/segments?done=removed", status_code=303)


@get("/segments/{name:str}/members.csv", permission="customers:download", sync_to_thread=True)
def members_file(
    request: AnyRequest, db: Database, principal: Principal, remembered: Remembered, gate: Gate, purposes: Purposes,
    name: str,
) -> Stream:  # fmt: skip
    """The members who allow what the file is for: complete, in one order."""
    with db.read() as conn:
        service.find(conn, principal.workspace, name, fields=fields_of(remembered))
    return people_file(
        db, principal, gate, purposes, clean(request.query_params.get("purpose"), longest=60),
        PeopleFile("segment", ("customer_id", "since"), about="members of a segment"),
        lambda: _member_pages(db, principal.workspace, name),
    )  # fmt: skip


def _member_pages(
    db: Database, workspace: WorkspaceId, name: str
) -> Iterator[list[tuple[Key, Sequence[object]]]]:  # fmt: skip
    cursor, first = None, True
    while first or cursor:
        first = False
        with db.read() as conn:
            page = service.members_of(conn, workspace, name, cursor=cursor, limit=1_000)
            ids = load_customer_ids(conn)
        yield [(ids.key(one.customer_id), (one.customer_id, one.since)) for one in page.members]
        cursor = page.cursor


PAGES = ConsolePages(
    room="segments",
    templates=Path(__file__).parent / "templates",
    handlers=(
        segments_page, new_page, try_text, save, segment_page, edit_page, remove_segment, members_file,
    ),
    nav=(
        NavItem(
            label="Segments", path="/console/segments", icon="people", group="Customers", order=240,
            permission="segments:read",
        ),
    ),
)  # fmt: skip


def _labelled(conn: Connection, workspace: WorkspaceId, ids: Sequence[CustomerId]) -> list[CustomerSummary]:
    """The lines of these customers in the list, in their order."""
    if not ids:
        return []
    keys = load_customer_ids(conn)
    return customers_of(conn, workspace, [keys.key(one) for one in ids])


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _day_of(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)


def _built(fields: Fields, name: str, op: str, value: str) -> str:
    """The condition that the builder's fields say, as text; a value that does not fit is told by the editor."""
    field = fields.all.get(name.partition(".")[0])
    kind = field.type if field else "number"
    quoted = "'" + value.replace("'", "''") + "'"
    if kind == "flag":
        return f"{'NOT ' if op == 'no' else ''}{name}"
    if kind == "list":
        return f"has({name}, {quoted})"
    if kind == "time" and op in ("within days", "more than days ago"):
        return f"{name} {'>' if op == 'within days' else '<'} now() - INTERVAL {value or '30'} DAY"
    op = op if op in ("=", "<>", "<", ">", "<=", ">=", "LIKE") else ("=" if kind == "text" else ">=")
    return f"{name} {op} {value or '0'}" if kind in ("number", "money") else f"{name} {op} {quoted}"


def _tried(db: Database, principal: Principal, fields: Fields, where: str) -> dict[str, Any]:
    """What a text says and whom it finds, or what is wrong with it; nothing while there is no text."""
    if not where.strip():
        return {"found": None, "bad": None, "sample": []}
    try:
        with db.read() as conn:
            seen = service.glance(conn, principal.workspace, where, fields=fields, now=now_us())
            sample = _labelled(conn, principal.workspace, seen.found.sample)
    except BadSegment as bad:
        at = min(bad.position, max(0, len(where) - 1))
        word = re.match(r"\w+|.", where[at:], re.DOTALL)
        end = at + (word.end() if word else 0)
        around = {"before": where[max(0, at - 30) : at], "here": where[at:end], "after": where[end : end + 30]}
        return {"found": None, "bad": bad, "around": around, "sample": []}
    shown = sample if principal.may("customers:read") else []
    return {"bad": None, "sample": shown, "least": service.LEAST_FOUND, **seen._asdict()}


def _editor(
    request: AnyRequest, db: Database, principal: Principal, fields: Fields, *, where: str, name: str = "",
    old: str = "", seen: str = "", why: str = "", error: RapportError | None = None,
) -> Response[str]:  # fmt: skip
    if isinstance(error, NotFound):
        raise error
    listed = sorted(fields.all.values(), key=lambda one: one.title)
    shown_error = None if isinstance(error, BadSegment) else error
    return render(
        request, "segments/edit.html", status=error.status if error else 200, name=name, old=old, where=where,
        called=called, seen=seen, why=why, error=shown_error, fields=listed, operations=OPERATIONS,
        **_tried(db, principal, fields, where),
    )  # fmt: skip

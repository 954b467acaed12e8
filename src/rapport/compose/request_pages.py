"""The console's page of requests: what is due, what is to be verified, and the proof of each erasure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.compose import hold_pages, redaction_pages, requests
from rapport.compose.answering import answer_of
from rapport.compose.correcting import CORRECTABLE
from rapport.compose.installed import Installed
from rapport.compose.lifting import LiftWanted, lift
from rapport.compose.partners import PartnerAnswer, note_answer
from rapport.compose.requests import HANDED_OUT, OPEN, RequestWanted
from rapport.kernel.clock import now_us, to_iso
from rapport.kernel.errors import InvalidInput, NotFound, RapportError
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import Form, text

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]


@get("/requests", permission="requests:read", sync_to_thread=True)
def requests_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """What people ask, the soonest due first."""
    return _show(request, db, principal)


@post("/requests/let-in", permission="requests:write", sync_to_thread=True, status_code=200)
def let_in(request: AnyRequest, db: Database, principal: Principal, data: Form) -> Response[Any]:
    """Somebody who was erased is let in again."""
    typed = {"identifier": text(data, "identifier", longest=300), "reason": text(data, "reason", longest=200)}
    try:
        lift(db, principal.workspace, msgspec.convert(typed, LiftWanted), by=f"user:{principal.id}", now=now_us())
    except msgspec.ValidationError:
        return _show(request, db, principal, error=InvalidInput("say who is let in again, and why"))
    except RapportError as error:
        return _show(request, db, principal, error=error)
    return Redirect("/console/requests?done=let-in", status_code=303)


@post("/requests", permission="requests:write", sync_to_thread=True, status_code=200)
def take_down(request: AnyRequest, db: Database, principal: Principal, slices: Installed, data: Form) -> Response[Any]:
    """A request that reached somebody of the staff."""
    correction = {name: value for name in CORRECTABLE if (value := text(data, name, longest=200))}
    typed = {
        "kind": text(data, "kind"), "customer": text(data, "customer", longest=300), "verified": _note(data),
        "correction": correction,
    }  # fmt: skip
    try:
        wanted = msgspec.convert(typed, RequestWanted)
    except msgspec.ValidationError as error:
        return _show(request, db, principal, error=InvalidInput(f"this cannot be asked: {error}"))
    try:
        with db.write() as conn:
            requests.ask(conn, principal.workspace, wanted, by=f"user:{principal.id}", now=now_us(), law=slices.law)
    except InvalidInput as error:
        return _show(request, db, principal, error=error)
    return Redirect("/console/requests", status_code=303)


@post("/requests/{request_id:str}", permission="requests:write", sync_to_thread=True, status_code=200)
def move_on(request: AnyRequest, db: Database, principal: Principal, request_id: str, data: Form) -> Response[Any]:
    """Say how it was made sure who asks, or what was done."""
    then, note = text(data, "then"), text(data, "note", longest=200)
    try:
        with db.write() as conn:
            if then == "verify":
                requests.verify(conn, principal.workspace, request_id, how=note)
            else:
                requests.settle(
                    conn, principal.workspace, request_id, refused=then == "refuse", note=note, now=now_us()
                )
    except RapportError as error:
        return _show(request, db, principal, error=error)
    return Redirect("/console/requests", status_code=303)


@post(
    "/requests/{request_id:str}/partners/{webhook_id:str}", permission="requests:write", sync_to_thread=True,
    status_code=200,
)  # fmt: skip
def partner_page(
    request: AnyRequest, db: Database, principal: Principal, request_id: str, webhook_id: str, data: Form
) -> Response[Any]:
    """What a partner answered, told to somebody of the staff."""
    try:
        typed = {"state": text(data, "state"), "note": text(data, "note", longest=200)}
        answer = msgspec.convert(typed, PartnerAnswer)
        with db.write() as conn:
            by = f"user:{principal.id}"
            note_answer(conn, principal.workspace, request_id, webhook_id, answer, by=by, now=now_us())
    except msgspec.ValidationError as error:
        return _show(request, db, principal, error=InvalidInput(f"this is no answer: {error}"))
    except RapportError as error:
        return _show(request, db, principal, error=error)
    return Redirect("/console/requests", status_code=303)


@get("/requests/{request_id:str}/proof", permission="requests:read", sync_to_thread=True)
def download_proof(db: Database, principal: Principal, request_id: str) -> Response[bytes]:
    """The proof of an erasure, as a file."""
    with db.read() as conn:
        found = requests.find_request(conn, principal.workspace, request_id)
    if found.proof is None:
        raise NotFound("this request has no proof", hint="only an erasure has one, once somebody is erased")
    return Response(
        msgspec.json.format(msgspec.json.encode(found), indent=2), media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{found.id}.json"', "Cache-Control": "no-store"},
    )  # fmt: skip


@get("/requests/{request_id:str}/answer", permission="requests:write", sync_to_thread=True)
def answer_page(
    request: AnyRequest, db: Database, principal: Principal, slices: Installed, request_id: str
) -> Response[Any]:
    """All that is kept of whoever asked: to read, or with `?as=json` as a file."""
    found = answer_of(db, slices, principal.workspace, request_id, who=principal.id, name=principal.name)
    if request.query_params.get("as") == "json":
        return Response(
            msgspec.json.format(msgspec.json.encode(found), indent=2), media_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="{request_id}.json"', "Cache-Control": "no-store"},
        )  # fmt: skip
    return render(request, "export/answer.html", answer=found, request_id=request_id, whats=slices.whats)


PAGES = ConsolePages(
    room="export",
    templates=Path(__file__).parent / "templates",
    handlers=(
        requests_page, take_down, let_in, *redaction_pages.HANDLERS, *hold_pages.HANDLERS, move_on, partner_page,
        download_proof, answer_page,
    ),
    nav=(
        NavItem(
            label="Requests", path="/console/requests", icon="shield", group="Customers", order=280,
            permission="requests:read",
        ),
    ),
)  # fmt: skip


def _note(data: Form) -> str:
    return text(data, "verified", longest=200)


def _show(
    request: AnyRequest, db: Database, principal: Principal, *, error: RapportError | None = None
) -> Response[str]:
    with db.read() as conn:
        found = requests.newest_requests(conn, principal.workspace)
    now = to_iso(now_us())
    return render(
        request, "export/requests.html", status=error.status if error else 200, requests=found, error=error,
        late={one.id for one in found if one.status in OPEN and one.due_at < now},
        may_write=principal.may("requests:write"), handed_out=HANDED_OUT,
        correctable=CORRECTABLE,
    )  # fmt: skip

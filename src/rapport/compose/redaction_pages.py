"""The console's page of redactions: a field and a span of time, how much that is, and taking it out."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.collect.sources import list_sources
from rapport.compose import redactions
from rapport.compose.redactions import WORKING, RedactionWanted
from rapport.kernel.clock import DAY, now_us, to_datetime, to_iso
from rapport.kernel.errors import InvalidInput, RapportError
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.console import render
from rapport.web.formats import viewer_zone
from rapport.web.forms import Form, text

__all__ = ["HANDLERS"]

AnyRequest = Request[Any, Any, Any]

_PAGE = "/console/requests/redactions"


@get("/requests/redactions", permission="requests:read", sync_to_thread=True)
def redactions_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """What was taken out, and what is being."""
    return _page(request, db, principal)


@post("/requests/redactions", permission="requests:write", sync_to_thread=True, status_code=200)
def ask_redaction(request: AnyRequest, db: Database, principal: Principal, data: Form) -> Response[Any]:
    """Count where the field is; nothing is changed yet."""
    zone = viewer_zone(request)
    typed = {name: text(data, name, longest=300) for name in ("field", "customer", "source", "event", "reason")}
    try:
        span = {name: to_iso(_moment(text(data, name), zone)) for name in ("since", "until")}
        wanted = msgspec.convert(typed | span, RedactionWanted)
        with db.write() as conn:
            redactions.ask(conn, principal.workspace, wanted, by=f"user:{principal.id}", now=now_us())
    except msgspec.ValidationError as error:
        refused = InvalidInput(f"this cannot be asked: {error}")
        return _page(request, db, principal, error=refused, typed=dict(data))
    except RapportError as error:
        return _page(request, db, principal, error=error, typed=dict(data))
    return Redirect(_PAGE, status_code=303)


@post("/requests/redactions/{ident:str}", permission="requests:write", sync_to_thread=True, status_code=200)
def confirm_redaction(request: AnyRequest, db: Database, principal: Principal, ident: str) -> Response[Any]:
    """Have it taken out, for good."""
    try:
        with db.write() as conn:
            redactions.confirm(conn, principal.workspace, ident, by=f"user:{principal.id}", now=now_us())
    except RapportError as error:
        return _page(request, db, principal, error=error)
    return Redirect(_PAGE, status_code=303)


HANDLERS = (redactions_page, ask_redaction, confirm_redaction)


def _page(
    request: AnyRequest, db: Database, principal: Principal, *, error: RapportError | None = None,
    typed: dict[str, Any] | None = None,
) -> Response[str]:  # fmt: skip
    with db.read() as conn:
        found = redactions.newest(conn, principal.workspace)
        sources = list_sources(conn, principal.workspace)
        held = redactions.wait_for(conn, principal.workspace, found, now=now_us())
    now, zone = now_us(), viewer_zone(request)
    empty = dict.fromkeys(("field", "customer", "source", "event", "reason"), "")
    form = empty | {"since": _local(now - DAY, zone), "until": _local(now, zone)} | (typed or {})
    return render(
        request, "export/redactions.html", status=error.status if error else 200, found=found, error=error,
        form=form, sources=sources, names={one.id: one.name for one in sources}, held=held,
        waits=any(one.state in WORKING for one in found), may_write=principal.may("requests:write"),
    )  # fmt: skip


def _local(at: int, zone: ZoneInfo) -> str:
    return to_datetime(at).astimezone(zone).strftime("%Y-%m-%dT%H:%M")


def _moment(said: str, zone: ZoneInfo) -> int:
    try:
        return int(datetime.fromisoformat(said).replace(tzinfo=zone).timestamp()) * 1_000_000
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"{said[:40]!r} is no moment", hint="choose a day and a time") from error

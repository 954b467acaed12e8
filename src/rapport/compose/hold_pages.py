"""The console's page of legal holds: who is held, by whom, why, until when; placed and ended."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.compose import holds
from rapport.compose.holds import HoldWanted
from rapport.kernel.clock import now_us, to_datetime
from rapport.kernel.errors import InvalidInput, RapportError
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.console import render
from rapport.web.forms import Form, text

__all__ = ["HANDLERS"]

AnyRequest = Request[Any, Any, Any]

_PAGE = "/console/requests/holds"
_USUAL = timedelta(days=365)


@get("/requests/holds", permission="requests:read", sync_to_thread=True)
def holds_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """Who is held, and who was."""
    return _page(request, db, principal)


@post("/requests/holds", permission="requests:write", sync_to_thread=True, status_code=200)
def place_hold(request: AnyRequest, db: Database, principal: Principal, data: Form) -> Response[Any]:
    """Hold somebody to the end of a day."""
    typed = {name: text(data, name, longest=300) for name in ("customer", "why", "until")}
    try:
        wanted = msgspec.convert(typed | {"until": _end_of(typed["until"])}, HoldWanted)
        with db.write() as conn:
            holds.hold(conn, principal.workspace, wanted, by=principal.name, now=now_us())
    except msgspec.ValidationError as error:
        refused = InvalidInput(f"this cannot be held: {error}")
        return _page(request, db, principal, error=refused, typed=typed)
    except RapportError as error:
        return _page(request, db, principal, error=error, typed=typed)
    return Redirect(_PAGE, status_code=303)


@post("/requests/holds/{ident:str}", permission="requests:write", sync_to_thread=True, status_code=200)
def end_hold(request: AnyRequest, db: Database, principal: Principal, ident: str) -> Response[Any]:
    """End a hold before its time."""
    try:
        with db.write() as conn:
            holds.end(conn, principal.workspace, ident, by=principal.name, now=now_us())
    except RapportError as error:
        return _page(request, db, principal, error=error)
    return Redirect(_PAGE, status_code=303)


HANDLERS = (holds_page, place_hold, end_hold)


def _page(
    request: AnyRequest, db: Database, principal: Principal, *, error: RapportError | None = None,
    typed: dict[str, str] | None = None,
) -> Response[str]:  # fmt: skip
    now = now_us()
    with db.read() as conn:
        found = holds.newest(conn, principal.workspace, now=now)
    today = to_datetime(now).date()
    form = {"customer": "", "why": "", "until": (today + _USUAL).isoformat()} | (typed or {})
    return render(
        request, "export/holds.html", status=error.status if error else 200, found=found, error=error, form=form,
        may_write=principal.may("requests:write"), tomorrow=(today + timedelta(days=1)).isoformat(),
    )  # fmt: skip


def _end_of(day: str) -> str:
    """The moment at which a day is over, by UTC."""
    try:
        return f"{date.fromisoformat(day) + timedelta(days=1)}T00:00:00Z"
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"{day[:40]!r} is no day", hint="choose a day") from error

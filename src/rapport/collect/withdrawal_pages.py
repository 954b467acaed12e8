"""The console's page of a source's withdrawals: a window, what would go, and taking it back."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.collect import withdrawals
from rapport.collect.sources import find_source
from rapport.collect.withdrawals import Effects
from rapport.kernel.clock import DAY, SECOND, now_us, to_datetime
from rapport.kernel.errors import InvalidInput, RapportError
from rapport.kernel.money import format_minor
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.console import render
from rapport.web.formats import viewer_zone
from rapport.web.forms import Form, text

__all__ = ["HANDLERS"]

AnyRequest = Request[Any, Any, Any]

_WORDS = {
    "orders": "orders that nobody else has told of", "refunds": "refunds", "points": "loyalty points",
    "touchpoints": "visits and other touchpoints", "promises": "delivery promises",
    "answers on consent": "answers on consent",
}  # fmt: skip


@get("/sources/{source_id:str}/withdrawals", permission="sources:read", sync_to_thread=True)
def withdrawals_page(request: AnyRequest, db: Database, principal: Principal, source_id: str) -> Response[str]:
    """What was, or would be, taken back of a source."""
    return _page(request, db, principal, source_id)


@post("/sources/{source_id:str}/withdrawals", permission="sources:write", sync_to_thread=True, status_code=200)
def ask_withdrawal(
    request: AnyRequest, db: Database, principal: Principal, source_id: str, data: Form
) -> Response[Any]:
    """Look at what would go; nothing is changed yet."""
    zone = viewer_zone(request)
    try:
        since, until = _moment(text(data, "since"), zone), _moment(text(data, "until"), zone)
        with db.write() as conn:
            withdrawals.ask(
                conn, principal.workspace, source_id, since=since, until=until,
                reason=text(data, "reason", longest=500), by=f"user:{principal.id}", now=now_us(),
            )  # fmt: skip
    except InvalidInput as error:
        return _page(request, db, principal, source_id, error=error, typed=dict(data))
    return Redirect(f"/console/sources/{source_id}/withdrawals", status_code=303)


@post("/sources/{source_id:str}/withdrawals/{ident:str}", permission="sources:write", sync_to_thread=True,
      status_code=200)  # fmt: skip
def move_withdrawal(
    request: AnyRequest, db: Database, principal: Principal, source_id: str, ident: str, data: Form
) -> Response[Any]:
    """Confirm it, or put back what was taken."""
    step = withdrawals.put_back if text(data, "then") == "put_back" else withdrawals.confirm
    try:
        with db.write() as conn:
            step(conn, principal.workspace, ident, by=f"user:{principal.id}", now=now_us())
    except RapportError as error:
        return _page(request, db, principal, source_id, error=error)
    return Redirect(f"/console/sources/{source_id}/withdrawals", status_code=303)


HANDLERS = (withdrawals_page, ask_withdrawal, move_withdrawal)


def _page(
    request: AnyRequest, db: Database, principal: Principal, source_id: str, *, error: RapportError | None = None,
    typed: dict[str, Any] | None = None,
) -> Response[str]:  # fmt: skip
    with db.read() as conn:
        source = find_source(conn, principal.workspace, source_id)
        found = withdrawals.listing(conn, principal.workspace, source_id)
    now, zone = now_us(), viewer_zone(request)
    form = {"since": _local(now - DAY, zone), "until": _local(now, zone), "reason": ""} | (typed or {})
    return render(
        request, "collect/withdrawals.html", status=error.status if error else 200, source=source, found=found,
        error=error, form=form, numbers=_numbers, waits=any(one.state in withdrawals.WAITING for one in found),
    )  # fmt: skip


def _numbers(effects: Effects) -> list[tuple[str, str]]:
    """What goes, as people say it: how much, and of what."""
    told = [
        (f"{effects.facts:,}", "facts of this source"),
        (f"{effects.followed:,}", "that Rapport stated because of them"),
        (f"{effects.customers:,}", "customers of whom something changes"),
        (f"{effects.parted:,}", "customers come apart that had been merged"),
        (f"{effects.gone:,}", "identifiers that nobody else has named"),
    ]  # fmt: skip
    for name, number in sorted(effects.numbers.items()):
        kind, _, currency = name.partition(":")
        if kind == "revenue_minor":
            told.append((format_minor(number, currency), "revenue before refunds"))
        else:
            told.append((f"{number:,}", _WORDS.get(name, name)))
    return [(amount, words) for amount, words in told if amount != "0"]


def _local(at: int, zone: ZoneInfo) -> str:
    return to_datetime(at).astimezone(zone).strftime("%Y-%m-%dT%H:%M")


def _moment(said: str, zone: ZoneInfo) -> int:
    try:
        return int(datetime.fromisoformat(said).replace(tzinfo=zone).timestamp()) * SECOND
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"{said[:40]!r} is no moment", hint="choose a day and a time") from error

"""The console's pages of promises: those in danger with what to do, and one promise with its shipments and history."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get, post
from litestar.params import Parameter
from litestar.response import Redirect
from sqlalchemy import Connection

from rapport.act.routes import GivenSettings
from rapport.capabilities.promises.links import order_path
from rapport.capabilities.promises.listing import SHOWN, counted, listed, unread_words
from rapport.capabilities.promises.service.promising import PromiseWanted, Whole, WindowWanted, load, promise
from rapport.capabilities.promises.windows import Window, day_of
from rapport.capabilities.promises.wording import CAUSES, TO_DO
from rapport.decide.people import names_by_strand
from rapport.kernel.clock import now_us, to_datetime, zone_named
from rapport.kernel.errors import RapportError
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.language import gettext
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.formats import date_words_of
from rapport.web.forms import Form, integer, text

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]

A_PAGE = 50
OrderId = Parameter(query="id", max_length=512)


@get("/promises", permission="promises:read", sync_to_thread=True)
def promises_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """Promises, those in danger first, each with what to do about it."""
    asked, now = dict(request.query_params), now_us()
    wanted = text(asked, "show", longest=10)
    shown = wanted if wanted in SHOWN else "danger"
    page = integer(asked, "page", least=1, most=10_000, otherwise=1)
    with db.read() as conn:
        rows = listed(
            conn, principal.workspace, shown=shown, limit=A_PAGE + 1, offset=(page - 1) * A_PAGE, now=now
        )  # fmt: skip
        names = names_by_strand(conn, principal.workspace, {Key(one.row.strand) for one in rows})
        numbers = counted(conn, principal.workspace, now=now)
        words = unread_words(conn, principal.workspace, now=now)
    return render(
        request, "promises/promises.html", rows=rows[:A_PAGE], more=len(rows) > A_PAGE, page=page, shown=shown,
        names=names, numbers=numbers, words=words, told=lambda window, zone: window_words(window, zone_named(zone)),
    )  # fmt: skip


@get("/promises/order", permission="promises:read", sync_to_thread=True)
def promise_page(
    request: AnyRequest, db: Database, principal: Principal, channel_settings: GivenSettings,
    order_id: str = OrderId,
) -> Response[str]:  # fmt: skip
    """One promise: what was said and when, where the shipments are, what the customer chose."""
    with db.read() as conn:
        return _one(request, conn, principal.workspace, order_id, public_url=channel_settings.public_url)


@post("/promises/order", permission="promises:write", sync_to_thread=True, status_code=200)
def promise_anew(
    request: AnyRequest, db: Database, principal: Principal, channel_settings: GivenSettings, data: Form
) -> Response[Any]:
    """Promise another time."""
    order_id = text(data, "id", longest=512)
    window = WindowWanted(from_=text(data, "from", longest=30) or None, to=text(data, "to", longest=30))
    wanted = PromiseWanted(window=window, reason=text(data, "reason", longest=500))
    try:
        with db.write() as conn:
            promise(conn, principal.workspace, order_id, wanted, by="staff", now=now_us())
    except RapportError as error:
        with db.read() as conn:
            return _one(
                request, conn, principal.workspace, order_id, public_url=channel_settings.public_url, error=error
            )  # fmt: skip
    return Redirect(f"/console/promises/order?id={quote(order_id, safe='')}&done=saved", status_code=303)


def window_words(window: Window | None, zone: Any) -> str:
    """A window as staff read it: days, or a day with its hours."""
    if window is None:
        return ""
    last = date_words_of(day_of(window.to_at, zone))
    if window.whole_days:
        first = date_words_of(day_of(window.from_at, zone)) if window.from_at else ""
        return last if first in ("", last) else gettext("%(first)s to %(last)s", first=first, last=last)
    until = to_datetime(window.to_at).astimezone(zone)
    if not window.from_at:
        return gettext("%(day)s, by %(until)s", day=last, until=f"{until:%H:%M}")
    since = to_datetime(window.from_at).astimezone(zone)
    return gettext("%(day)s, %(since)s to %(until)s", day=last, since=f"{since:%H:%M}", until=f"{until:%H:%M}")


def _one(
    request: AnyRequest, conn: Connection, workspace: WorkspaceId, order_id: str, *, public_url: str,
    error: RapportError | None = None,
) -> Response[str]:  # fmt: skip
    whole: Whole = load(conn, workspace, order_id)
    zone = zone_named(whole.order.zone)
    names = names_by_strand(conn, workspace, {Key(whole.order.strand)})
    return render(
        request, "promises/promise.html", status=error.status if error else 200, whole=whole, row=whole.row,
        name=names.get(Key(whole.order.strand), ""), told=lambda window: window_words(window, zone),
        cause=gettext(CAUSES.get(whole.row.cause, "")), to_do=gettext(TO_DO.get(whole.row.cause, "")), error=error,
        link=public_url + order_path(conn, workspace, order_id), there=zone.key,
    )  # fmt: skip


PAGES = ConsolePages(
    room="promises",
    templates=Path(__file__).parent / "templates",
    handlers=(promises_page, promise_page, promise_anew),
    nav=(
        NavItem(
            label="Promises", path="/console/promises", icon="clock", group="Shop", order=150,
            permission="promises:read",
        ),
    ),
)  # fmt: skip

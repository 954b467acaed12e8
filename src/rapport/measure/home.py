"""Home: what the shop should see to, and how it does, in the cards that slices bring."""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa
from litestar import Request, Response, get
from sqlalchemy import Connection

from rapport.kernel.clock import now_us
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.principal import Principal
from rapport.measure.service import zone_of
from rapport.storage.engine import Database
from rapport.storage.log import facts
from rapport.storage.workspaces import Workspace, all_workspaces
from rapport.web.alarms import Alarms
from rapport.web.cards import OfShop, Tiles
from rapport.web.console import NavItem, render
from rapport.web.formats import date_words, time_words, weekday_of

__all__ = ["HANDLERS", "NAV"]

AnyRequest = Request[Any, Any, Any]

REPORT_DAYS = 30


class Step(NamedTuple):
    """What a new shop does first."""

    title: str
    text: str
    path: str
    permission: str


STEPS = (
    Step("Connect your shop", "A website, a till or a webhook of your shop system: each gets a key and the lines to "
         "paste. What happens there appears here a second later.", "/console/sources", "sources:read"),
    Step("Bring what you have", "Files with the orders and customers of the last years: then Home compares from the "
         "first day.", "/console/import", "sources:write"),
    Step("Say what your shop is", "Name, main currency, country and time zone: amounts and days are told in them.",
         "/console/settings", "settings:read"),
    Step("Invite your team", "Everybody with their own account, seeing what their work needs.", "/console/team",
         "team:read"),
)  # fmt: skip


@get("/", permission="signed_in", sync_to_thread=True)
def home_page(request: AnyRequest, db: Database, principal: Principal, tiles: Tiles, alarms: Alarms) -> Response[str]:
    """How the shop does; where nothing has come yet, what to do first."""
    if not principal.may("metrics:read"):
        return render(request, "measure/no_numbers.html")
    return render(request, "measure/home.html", **_report(request, db, principal, tiles, alarms))


@get("/home/report", permission="metrics:read", sync_to_thread=True)
def home_report(request: AnyRequest, db: Database, principal: Principal, tiles: Tiles, alarms: Alarms) -> Response[str]:
    """The part of Home that is asked for now and then."""
    return render(request, "measure/report.html", **_report(request, db, principal, tiles, alarms))


HANDLERS = (home_page, home_report)
NAV = NavItem(label="Home", path="/console", icon="home", group="", order=0, permission="signed_in", keys="h")


def _report(request: AnyRequest, db: Database, principal: Principal, tiles: Tiles, alarms: Alarms) -> dict[str, Any]:
    """Everything on Home, of one moment: a midnight between two looks at the clock would lose a day."""
    now = now_us()
    with db.read() as conn:
        shop, is_new = _shop(conn, principal.workspace), _is_new(conn, principal.workspace)
        zone = zone_of(conn, shop.id)
    context: dict[str, Any] = {
        "shop": shop.name, "today": f"{weekday_of(now, zone)}, {date_words(now, zone)}, {time_words(now, zone)}",
        "zone_key": zone.key, "steps": _steps(request, principal) if is_new else [],
        "alarms": alarms.now(db, principal, now),
    }  # fmt: skip
    asked = OfShop(shop.id, shop.settings.currency, now, REPORT_DAYS)
    return context | {"tiles": [] if is_new else tiles.draw(request, db, principal, asked)}


def _steps(request: AnyRequest, principal: Principal) -> list[Step]:
    """Those whose page there is, for this person."""
    paths = {item.path for item in request.app.state.console.nav}
    return [step for step in STEPS if step.path in paths and principal.may(step.permission)]


def _shop(conn: Connection, workspace: WorkspaceId) -> Workspace:
    return next(shop for shop in all_workspaces(conn) if shop.id == workspace)


def _is_new(conn: Connection, workspace: WorkspaceId) -> bool:
    """Whether no fact has come yet."""
    return conn.execute(sa.select(facts.c.seq).where(facts.c.workspace == workspace).limit(1)).first() is None

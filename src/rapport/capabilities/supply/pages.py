"""The console's page of stores and warehouses: what each does, and how well its stock is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litestar import Request, Response, get

from rapport.capabilities.supply import store
from rapport.capabilities.supply.service import known_since
from rapport.kernel.clock import HOUR, now_us
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.console import ConsolePages, NavItem, render

__all__ = ["PAGES"]


@get("/stock", permission="supply:read", sync_to_thread=True)
def stock_page(request: Request[Any, Any, Any], db: Database, principal: Principal) -> Response[str]:
    """All places by name, with how many products each has, has sold out of, and was told of too long ago."""
    now = now_us()
    with db.read() as conn:
        since = known_since(conn, principal.workspace, now=now)
        places = store.find_locations(conn, principal.workspace)
        counted = store.levels_at(conn, principal.workspace, since=since)
    rows = [(place, counted.get(place.location_id, (0, 0, 0, 0))) for place in places.values()]
    return render(request, "supply/stock.html", rows=rows, hours=(now - since) // HOUR)


PAGES = ConsolePages(
    room="supply",
    templates=Path(__file__).parent / "templates",
    handlers=(stock_page,),
    nav=(
        NavItem(label="Stock", path="/console/stock", icon="store", group="Shop", order=200, permission="supply:read"),
    ),
)

"""The living page of what the console's pages are made of: each component with how it is used, in use."""

from __future__ import annotations

from typing import Any, NamedTuple

from litestar import Request, Response, get

from rapport.kernel.clock import HOUR, now_us
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.console import render
from rapport.web.tables import Column, read_view
from rapport.web.views import load_views

__all__ = ["HANDLERS"]

PATH = "/console/components"


class _Tea(NamedTuple):
    id: str
    label: str
    price_minor: int
    picked_at: int
    note: str


COLUMNS = (
    Column(key="name", title="Tea", sortable=True, largest_first=False, fixed=True),
    Column(key="price", title="Price", sortable=True, right=True, note="For 100 grams"),
    Column(key="picked", title="Picked", right=True),
    Column(key="note", title="Note", shown=False),
)


@get("/components", permission="signed_in", sync_to_thread=True)
def components_page(request: Request[Any, Any, Any], db: Database, principal: Principal) -> Response[str]:
    """What pages are made of."""
    now = now_us()
    teas = [
        _Tea("darjeeling", "Darjeeling, first flush", 1290, now - 5 * HOUR, "light, like muscat"),
        _Tea("sencha", "Sencha", 990, now - 50 * HOUR, ""),
        _Tea("mint", "נענע", 450, now - 900 * HOUR, "a name that is read from the right"),
    ]
    view = read_view(request, COLUMNS, filters=("q",), sort="name", path=PATH)
    asked = view.asked.get("q", "").casefold()
    rows = sorted(
        (tea for tea in teas if asked in tea.label.casefold()),
        key=lambda tea: tea.price_minor if view.sort == "price" else tea.label.casefold(),
        reverse=not view.upwards,
    )
    with db.read() as conn:
        views = load_views(conn, principal.workspace, PATH)
    return render(request, "web/components.html", view=view, teas=rows, views=views)


HANDLERS = (components_page,)

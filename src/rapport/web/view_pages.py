"""The forms that keep a view of a table and take one away."""

from __future__ import annotations

from typing import Any

from litestar import Request, post
from litestar.response import Redirect

from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.console import Console
from rapport.web.forms import Form, integer, raw, text
from rapport.web.views import load_views, remove_view, save_view

__all__ = ["HANDLERS"]


@post("/views", permission="views:write", sync_to_thread=True, status_code=303)
def keep(request: Request[Any, Any, Any], db: Database, principal: Principal, data: Form) -> Redirect:
    """Keep the table that is shown, under a name."""
    page = _page(request, data)
    with db.write() as conn:
        id = save_view(
            conn, principal.workspace, page=page, name=text(data, "name", longest=60), query=raw(data, "query"),
            by=principal.name, now=now_us(), id=text(data, "id", longest=60),
            version=integer(data, "version", least=0, most=2**31 - 2, otherwise=0),
        )  # fmt: skip
        found = next(view for view in load_views(conn, principal.workspace, page) if view.id == id)
    return Redirect(f"{found.address}&done=saved", status_code=303)


@post("/views/{id:str}/remove", permission="views:write", sync_to_thread=True, status_code=303)
def remove(request: Request[Any, Any, Any], db: Database, principal: Principal, id: str, data: Form) -> Redirect:
    """Take a view away."""
    page, version = _page(request, data), integer(data, "version", least=0, most=2**31 - 2, otherwise=0)
    with db.write() as conn:
        remove_view(conn, principal.workspace, id[:60], version=version)
    return Redirect(f"{page}?done=removed", status_code=303)


def _page(request: Request[Any, Any, Any], data: Form) -> str:
    """The page a form is about. Raises InvalidInput where the console has none such."""
    console: Console = request.app.state.console
    page = text(data, "page")
    if page not in {item.path for item in console.nav}:
        raise InvalidInput("views are kept of pages in the side bar")
    return page


HANDLERS = (keep, remove)

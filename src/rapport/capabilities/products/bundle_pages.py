"""The console's page of bundles: what is in each and how many can be had, and stating one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.capabilities.products.service import bundle_written, bundles_page, keep_bundle
from rapport.collect.appender import Appender
from rapport.collect.names import Vocabulary
from rapport.kernel.clock import now_us
from rapport.kernel.errors import RapportError
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.console import ConsolePages, render
from rapport.web.forms import Form, raw, text

__all__ = ["BUNDLE_PAGES"]

AnyRequest = Request[Any, Any, Any]
PATH = "/console/bundles"


@get("/bundles", permission="supply:read", sync_to_thread=True)
def bundles(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """What bundles are made of, and how many of each can be had."""
    return _page(request, db, principal)


@post("/bundles", permission="supply:write", sync_to_thread=True, status_code=200)
def state(
    request: AnyRequest, db: Database, principal: Principal, appender: Appender, vocabulary: Vocabulary, data: Form
) -> Response[Any]:
    """State what a bundle is made of, one part a line; what was typed stays where that cannot be read."""
    product_id, parts = text(data, "product_id", longest=120), raw(data, "parts")[:10_000]
    try:
        keep_bundle(db, principal.workspace, appender, vocabulary, product_id, parts, now=now_us())
    except RapportError as error:
        return _page(request, db, principal, typed={"product_id": product_id, "parts": parts}, error=error)
    return Redirect(f"{PATH}?done=saved", status_code=303)


BUNDLE_PAGES = ConsolePages(
    room="bundles", templates=Path(__file__).parent / "templates" / "bundles", handlers=(bundles, state)
)


def _page(
    request: AnyRequest, db: Database, principal: Principal, *, typed: dict[str, str] | None = None,
    error: RapportError | None = None,
) -> Response[str]:  # fmt: skip
    asked = dict(request.query_params)
    after, change = text(asked, "after", longest=120), text(asked, "change", longest=120)
    with db.read() as conn:
        lines, more = bundles_page(conn, principal.workspace, after, now=now_us())
        written = bundle_written(conn, principal.workspace, change) if change else ""
    shown = typed or {"product_id": change, "parts": written}
    return render(
        request, "bundles/bundles.html", status=error.status if error else 200, lines=lines, more=more, shown=shown,
        error=error,
    )  # fmt: skip

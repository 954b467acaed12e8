"""Console pages of products: the search, and all of one product; and products in the palette."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from sqlalchemy import Connection

from rapport.capabilities.products.service import PAGE, find_page, search_page
from rapport.kernel.clock import from_iso, now_us
from rapport.kernel.language import noted
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.finder import Finder, Hit, Wanted
from rapport.web.forms import integer, text

__all__ = ["FINDER", "PAGES"]

AnyRequest = Request[Any, Any, Any]
PATH = "/console/products"
_SORTS = {
    "relevance": noted("What fits best"),
    "name": noted("Name"),
    "price": noted("Price, lowest first"),
    "-price": noted("Price, highest first"),
}
_MOST_PAGES = 300


@get("/products", permission="catalog:read", sync_to_thread=True)
def products_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """The catalogue, searched: slips are forgiven in words, never in codes."""
    asked = dict(request.query_params)
    query, sort = text(asked, "q", longest=200), text(asked, "sort")
    sort = sort if sort in _SORTS else "relevance"
    page = integer(asked, "page", least=1, most=_MOST_PAGES, otherwise=1)
    with db.read() as conn:
        found, counts = search_page(conn, principal.workspace, query, sort=sort, page=page, now=now_us())
    return render(
        request, "products/products.html", found=found, counts=counts, query=query, sort=sort, sorts=_SORTS, page=page,
        last=min(_MOST_PAGES, max(1, -(-found.total // PAGE))),
    )  # fmt: skip


@get("/products/{product_id:path}", permission="catalog:read", sync_to_thread=True)
def product_page(request: AnyRequest, db: Database, principal: Principal, product_id: str) -> Response[str]:
    """A product: stock by place, prices and margin, views and sales, returns, what with it, who buys it."""
    with db.read() as conn:
        found = find_page(
            conn, principal.workspace, product_id.removeprefix("/")[:120],
            sees_people=principal.may("customers:read"), now=now_us(),
        )  # fmt: skip
    return render(request, "products/product.html", found=found, product=found.product, moment_of=from_iso)


PAGES = ConsolePages(
    room="products",
    templates=Path(__file__).parent / "templates",
    handlers=(products_page, product_page),
    nav=(
        NavItem(label="Products", path=PATH, icon="tag", group="Shop", order=150, permission="catalog:read"),
    ),
)  # fmt: skip


def _hits(conn: Connection, wanted: Wanted) -> Sequence[Hit]:
    found, _ = search_page(conn, wanted.workspace, wanted.text[:100], sort="relevance", page=1, now=now_us())
    return [
        Hit(f"{PATH}/{one.product_id}", (one.name or one.product_id)[:80], one.brand or one.product_id, "tag")
        for one in found.products[: wanted.most]
    ]


FINDER = Finder(name="products.products", title="Products", order=30, permission="catalog:read", find=_hits)

"""The console's list of customers and visitors: found, filtered, sorted, kept as a view, saved as a file."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, cast, get_args

import msgspec
from litestar import Request, Response, get
from litestar.response import Stream

from rapport.kernel.clock import DAY, from_iso, now_us
from rapport.kernel.currencies import exponent
from rapport.kernel.gate import Gate
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.language import gettext, noted
from rapport.kernel.money import to_minor
from rapport.kernel.principal import Principal
from rapport.kernel.text import clean
from rapport.remember import listing, searching
from rapport.remember.listing import CustomerQuery, CustomerSummary, Sort, Who, called
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.storage.engine import Database
from rapport.storage.workspaces import WorkspaceSettings, all_workspaces
from rapport.web.console import render
from rapport.web.finder import Lookups
from rapport.web.people_files import PeopleFile, people_file
from rapport.web.purposes import Purposes
from rapport.web.tables import Column, TableView, read_view
from rapport.web.views import load_views

__all__ = ["HANDLERS", "PATH", "settings_of"]

_logger = logging.getLogger("rapport")

AnyRequest = Request[Any, Any, Any]

PATH = "/console/customers"
AT_ONCE = 500
"""Customers that are read at a time for a file."""
CHOSEN = 200
"""Customers that can be chosen by their boxes."""

COLUMNS = (
    Column(key="name", title="Customer", sortable=True, largest_first=False, fixed=True),
    Column(key="last_order", title="Last order", sortable=True, right=True),
    Column(key="orders", title="Orders", sortable=True, right=True),
    Column(key="revenue", title="Revenue", sortable=True, right=True,
           note="Before refunds, without tax and delivery, in the currency it is largest in"),
    Column(key="country", title="Country"),
    Column(key="channels", title="Channels"),
    Column(key="campaign", title="Came by", note="The campaign of the first visit, or the site that led here"),
    Column(key="last_seen", title="Last seen", sortable=True, right=True),
    Column(key="consent", title="Consent", shown=False),
    Column(key="email", title="E-mail", shown=False),
    Column(key="phone", title="Phone", shown=False),
    Column(key="since", title="First seen", right=True, shown=False),
)  # fmt: skip
VISITOR_COLUMNS = tuple(
    msgspec.structs.replace(column, shown=column.key in ("name", "country", "channels", "campaign", "last_seen",
                                                         "since"))
    for column in COLUMNS
)  # fmt: skip
FILTERS = ("q", "who", "ordered", "orders", "from", "to", "country", "channel", "campaign", "consent", "email")

ORDERED = {
    "30": noted("in the last 30 days"), "90": noted("in the last 90 days"), "365": noted("in the last year"),
    "over-90": noted("not for 90 days"), "over-180": noted("not for half a year"), "over-365": noted("not for a year"),
    "never": noted("never"),
}  # fmt: skip
ORDERS = {
    "1": noted("1 or more orders"), "2": noted("2 or more orders"), "5": noted("5 or more orders"),
    "10": noted("10 or more orders"), "just-1": noted("exactly 1 order"),
}  # fmt: skip


@get("/customers", permission="customers:read", sync_to_thread=True)
def customers_page(
    request: AnyRequest, db: Database, principal: Principal, lookups: Lookups, purposes: Purposes
) -> Response[Any]:  # fmt: skip
    """Search, filter and sort customers."""
    workspace = principal.workspace
    with db.read() as conn:
        settings = settings_of(conn, workspace)
        view = _view(request)
        wanted = _wanted(view, settings)
        found = listing.list_counted(
            conn, workspace, wanted, cursor=view.cursor or None, region=settings.region, lookups=lookups
        )
        numbers = {who: listing.count_customers(conn, workspace, who) for who in ("customers", "visitors")}
        values = {name: searching.facet_values(conn, workspace, name) for name in get_args(searching.Facet)}
        views = load_views(conn, workspace, PATH)
    current = next((one for one in views if one.id == request.query_params.get("view")), None)
    return render(
        request, "remember/customers.html", view=view, wanted=wanted, customers=found.page.customers,
        cursor=found.page.cursor, matches=found.matches, more=found.more, numbers=numbers, values=values,
        views=views, current_view=current, ordered=ORDERED, orders=ORDERS, currency=settings.currency,
        moment_of=from_iso, purposes=purposes.names(workspace),
        pairs=_pairs, called=called, consents=[_consent(one) for one in values["consent"]],
        by=", ".join(gettext(one.title) for one in lookups.lookups),
        several_currencies=any(one.currency not in ("", settings.currency) for one in found.page.customers),
    )  # fmt: skip


@get("/customers.csv", permission="customers:download", sync_to_thread=True)
def customers_file(
    request: AnyRequest, db: Database, principal: Principal, lookups: Lookups, gate: Gate, purposes: Purposes
) -> Stream:  # fmt: skip
    """The list as it is filtered and sorted, or those of it that were chosen, as a file for a purpose."""
    workspace = principal.workspace
    view = _view(request)
    chosen = [given[:60] for given in request.query_params.getall("id", [])][:CHOSEN]
    with db.read() as conn:
        wanted = _wanted(view, settings_of(conn, workspace))
    _logger.info("%s saves a list of customers as a file", principal.id)

    def pages() -> Iterator[list[tuple[Key, Sequence[object]]]]:
        for page in [_chosen(db, workspace, chosen)] if chosen else _all(db, workspace, wanted, lookups):
            with db.read() as conn:
                ids = load_customer_ids(conn)
            yield [(ids.key(one.id), _cells(one)) for one in page]

    purpose = clean(request.query_params.get("purpose"), longest=60)
    return people_file(
        db, principal, gate, purposes, purpose, PeopleFile("customers", _TITLES, about="list of customers"), pages
    )


HANDLERS = (customers_page, customers_file)


def settings_of(conn: Any, workspace: WorkspaceId) -> WorkspaceSettings:
    """What the shop has decided about itself."""
    return next(shop.settings for shop in all_workspaces(conn) if shop.id == workspace)


def _view(request: AnyRequest) -> TableView:
    """A search shows whoever fits, best first; otherwise customers, the latest first."""
    asked = request.query_params
    columns = VISITOR_COLUMNS if asked.get("who") == "visitors" else COLUMNS
    sort = "best" if (asked.get("q") or "").strip() else "last_seen"
    view = read_view(request, columns, filters=FILTERS, sort=sort, path=PATH)
    if view.sort == "best" and "q" not in view.asked:
        return msgspec.structs.replace(view, sort="last_seen")
    return view


def _wanted(view: TableView, settings: WorkspaceSettings) -> CustomerQuery:
    asked = view.asked
    usual: Who = "everybody" if "q" in asked else "customers"
    kind, days = _ordered(asked.get("ordered", ""))
    never = kind == "never"
    just = asked.get("orders", "").removeprefix("just-") if asked.get("orders", "").startswith("just-") else ""
    number = _whole(just or asked.get("orders", ""))
    since = now_us() - days * DAY if days else None
    return CustomerQuery(
        prefix=asked.get("q", ""),
        who=next((who for who in get_args(Who) if who == asked.get("who")), usual),
        sort=cast(Sort, view.sort if view.sort == "best" or view.sort in listing.SORTS else "last_seen"),
        ascending=view.upwards,
        currency=settings.currency,
        has_email={"yes": True, "no": False}.get(asked.get("email", "")),
        channel=asked.get("channel", ""), country=asked.get("country", ""), campaign=asked.get("campaign", ""),
        consent=asked.get("consent", ""),
        min_orders=number or 0, max_orders=0 if never else number if just else None,
        min_revenue=to_minor(asked.get("from"), settings.currency),
        max_revenue=to_minor(asked.get("to"), settings.currency),
        ordered_after=since if kind == "within" else None, ordered_before=since if kind == "over" else None,
    )  # fmt: skip


def _ordered(asked: str) -> tuple[str, int]:
    """What the filter by last order asks: never, within or over so many days.

    >>> _ordered("90"), _ordered("over-90"), _ordered("never"), _ordered("x")
    (('within', 90), ('over', 90), ('never', 0), ('', 0))
    """
    if asked == "never":
        return "never", 0
    days = _whole(asked.removeprefix("over-"))
    return ("over" if asked.startswith("over-") else "within", days) if days else ("", 0)


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 7 else None


def _pairs(values: Sequence[str]) -> list[tuple[str, str]]:
    return [(value, value) for value in values]


def _consent(choice: str) -> tuple[str, str]:
    """A choice as the filter offers it: `marketing=no` is "marketing: refused"."""
    purpose, _, allowed = choice.rpartition("=")
    return choice, gettext(
        "%(purpose)s: allowed" if allowed == "yes" else "%(purpose)s: refused", purpose=purpose.replace("_", " ")
    )


_TITLES = ("Customer id", "Name", "E-mail", "Phone", "Country", "City", "Channels", "Came by", "Consent", "First seen",
           "Last seen", "Last order", "Orders", "Revenue before refunds", "Currency")  # fmt: skip


def _cells(one: CustomerSummary) -> Sequence[object]:
    consent = ", ".join(f"{purpose}: {'yes' if allowed else 'no'}" for purpose, allowed in one.consent.items())
    revenue = Decimal(one.revenue_minor).scaleb(-exponent(one.currency)) if one.currency else None
    return (
        one.id, one.name, one.email, one.phone, one.country, one.city, ", ".join(one.channels), one.campaign, consent,
        one.first_seen_at, one.last_seen_at, one.last_order_at, one.orders, revenue,
        one.currency,
    )  # fmt: skip


def _all(
    db: Database, workspace: WorkspaceId, wanted: CustomerQuery, lookups: Lookups
) -> Iterator[Sequence[CustomerSummary]]:  # fmt: skip
    """Page by page, each in a transaction of its own: however long the file takes, nobody waits for it."""
    cursor: str | None = None
    while True:
        with db.read() as conn:
            region = settings_of(conn, workspace).region
            page = listing.list_customers(
                conn, workspace, wanted, cursor=cursor, limit=AT_ONCE, region=region, lookups=lookups
            )
        yield page.customers
        cursor = page.cursor
        if cursor is None:
            return


def _chosen(db: Database, workspace: WorkspaceId, ids: Sequence[str]) -> list[CustomerSummary]:
    with db.read() as conn:
        keys = [load_customer_ids(conn).key(id) for id in dict.fromkeys(ids)]
        return listing.customers_of(conn, workspace, keys)

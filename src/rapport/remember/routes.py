"""`/api/v1/customers`: Golden Records, the list of customers, timelines."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import Parameter
from sqlalchemy import Connection

from rapport.kernel.clock import now_us
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.principal import Principal
from rapport.remember.golden import GoldenRecord, find_key, golden_record
from rapport.remember.list_pages import settings_of
from rapport.remember.listing import CustomerPage, CustomerQuery, Sort, Who, list_customers
from rapport.remember.registry import Remembered
from rapport.remember.timeline import Timeline, timeline
from rapport.storage.engine import Database
from rapport.storage.workspaces import all_workspaces
from rapport.web.finder import Lookups

__all__ = ["ROUTES", "region_of"]

Reference = Annotated[
    str, Parameter(description="A customer id (`cus_…`) or `namespace:value`, such as `email:ada@example.com`.")
]
Cursor = Annotated[str | None, Parameter(max_length=1_000, description="`cursor` of the page before.")]
Probable = Annotated[
    bool, Parameter(description="Also what learned links add, marked `probable`. For the shop's own staff alone.")
]
Limit = Annotated[int, Parameter(ge=1, le=200, description="Entries a page.")]


@get("/customers", permission="customers:read", tags=["customers"], sync_to_thread=True)
def search_customers(
    db: Database,
    principal: Principal,
    lookups: Lookups,
    q: Annotated[
        str,
        Parameter(
            max_length=200, description="Beginning of a name, identifier or order number; last digits; postcode."
        ),
    ] = "",
    *,
    who: Who = "everybody",
    sort: Sort = "last_seen",
    ascending: bool | None = None,
    has_email: bool | None = None,
    channel: Annotated[str, Parameter(max_length=120)] = "",
    country: Annotated[str, Parameter(max_length=120)] = "",
    campaign: Annotated[str, Parameter(max_length=120, description="Of the first visit that came from one.")] = "",
    consent: Annotated[str, Parameter(max_length=120, description="`marketing=yes`.")] = "",
    min_orders: Annotated[int, Parameter(ge=0, le=1_000_000_000)] = 0,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> CustomerPage:
    """Customers, searched, filtered and sorted. The list follows the Golden Records within about a second."""
    workspace = principal.workspace
    with db.read() as conn:
        settings = settings_of(conn, workspace)
        wanted = CustomerQuery(
            prefix=q, who=who, sort=sort, ascending=ascending, has_email=has_email, channel=channel, country=country,
            campaign=campaign, consent=consent, min_orders=min_orders, currency=settings.currency,
        )  # fmt: skip
        return list_customers(
            conn, workspace, wanted, cursor=cursor, limit=limit, region=settings.region, lookups=lookups
        )


@get("/customers/{reference:str}", permission="customers:read", tags=["customers"], sync_to_thread=True)
def get_customer(
    db: Database, principal: Principal, remembered: Remembered, reference: Reference, *, probable: Probable = False
) -> GoldenRecord:
    """The Golden Record, read fresh. Ids and identifiers of customers that were merged into another answer with it."""
    workspace = principal.workspace
    with db.read() as conn:
        key = find_key(conn, workspace, reference, region=region_of(conn, workspace))
        return golden_record(conn, workspace, key, now=now_us(), remembered=remembered, probable=probable)


@get("/customers/{reference:str}/timeline", permission="customers:read", tags=["customers"], sync_to_thread=True)
def get_timeline(
    db: Database,
    principal: Principal,
    reference: Reference,
    event: Annotated[
        str, Parameter(max_length=120, description="Only facts with this in their name, in any case: `order`.")
    ] = "",
    *,
    probable: Probable = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Timeline:
    """The customer's facts on all channels, newest first: go on with `cursor` until there is none."""
    workspace = principal.workspace
    with db.read() as conn:
        key = find_key(conn, workspace, reference, region=region_of(conn, workspace))
        return timeline(conn, workspace, key, event=event, cursor=cursor, limit=limit, probable=probable)


def region_of(conn: Connection, workspace: WorkspaceId) -> str | None:
    """The country whose phone numbers may be written without a country code."""
    return next((shop.settings.region for shop in all_workspaces(conn) if shop.id == workspace), None)


ROUTES = (search_customers, get_customer, get_timeline)

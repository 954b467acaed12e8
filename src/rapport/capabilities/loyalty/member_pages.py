"""The console's list of members: filtered, sorted, paged by key, saved as a file for a purpose; and the same by API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

from litestar import Request, Response, get
from litestar.params import Parameter
from litestar.response import Stream

from rapport.capabilities.loyalty.earning import MAX_POINTS
from rapport.capabilities.loyalty.members import (
    MemberPage,
    MemberQuery,
    MemberRow,
    count_members,
    list_members,
)
from rapport.capabilities.loyalty.redeeming import current, worth_of
from rapport.capabilities.loyalty.versions import KeptVersion, names_of
from rapport.kernel.clock import DAY, from_iso, now_us
from rapport.kernel.countries import country_code
from rapport.kernel.currencies import exponent
from rapport.kernel.errors import InvalidInput
from rapport.kernel.gate import Gate
from rapport.kernel.ids import CustomerId, Key, WorkspaceId
from rapport.kernel.language import noted
from rapport.kernel.principal import Principal
from rapport.kernel.text import clean
from rapport.remember.searching import facet_values
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.storage.engine import Database
from rapport.web.console import render
from rapport.web.people_files import PeopleFile, people_file
from rapport.web.purposes import Purposes
from rapport.web.tables import Column, TableView, read_view

__all__ = ["MEMBER_PAGES", "MEMBER_ROUTES", "PATH"]

AnyRequest = Request[Any, Any, Any]

PATH = "/console/loyalty/members"
Points = Annotated[int | None, Parameter(ge=-MAX_POINTS, le=MAX_POINTS)]
AT_ONCE = 500
"""Members that are read at a time for a file."""

COLUMNS = (
    Column(key="name", title=noted("Customer"), fixed=True),
    Column(key="tier", title=noted("Tier")),
    Column(key="points", title=noted("Points"), sortable=True, right=True,
           note=noted("Available and waiting, less what is owed")),
    Column(key="way", title=noted("To the next tier"), sortable=True, right=True,
           note=noted("How much of the way is done, as it was when something last changed")),
    Column(key="membership", title=noted("Membership")),
    Column(key="expires", title=noted("Points expire"), sortable=True, right=True, largest_first=False),
    Column(key="since", title=noted("Member since"), sortable=True, right=True),
    Column(key="country", title=noted("Country"), shown=False),
)  # fmt: skip
FILTERS = ("programme", "tier", "from", "to", "membership", "joined", "country", "expiring", "near", "owing")

MEMBERSHIPS = {
    "any": noted("with a membership"), "trial": noted("on trial"), "active": noted("paid"),
    "cancelled": noted("cancelled, still good"), "ended": noted("ended"), "none": noted("without a membership"),
}  # fmt: skip
JOINED = {
    "30": noted("in the last 30 days"), "90": noted("in the last 90 days"), "365": noted("in the last year"),
    "over-365": noted("over a year ago"),
}  # fmt: skip
EXPIRING = {
    "7": noted("within 7 days"), "30": noted("within 30 days"), "90": noted("within 90 days"),
}  # fmt: skip
NEAR = {"90": noted("90 % of the way done"), "75": noted("75 % of the way done"), "50": noted("half of the way done")}
_TITLES = ("Customer id", "Name", "Country", "Tier", "Points", "Points owed", "Worth", "Currency",
           "Per cent of the way to the next tier", "Member since", "First points expire", "Plan", "Membership",
           "Membership until")  # fmt: skip


@get("/loyalty/members", permission="loyalty:read", sync_to_thread=True)
def members_page(
    request: AnyRequest, db: Database, principal: Principal, purposes: Purposes
) -> Response[Any]:  # fmt: skip
    """Who is in a programme."""
    workspace, now = principal.workspace, now_us()
    view = read_view(request, COLUMNS, filters=FILTERS, sort="points", path=PATH)
    with db.read() as conn:
        kept = names_of(conn, workspace)
        shown = next((one for one in kept if one.name == view.asked.get("programme")), kept[0] if kept else None)
        name = shown.name if shown else ""
        wanted = _wanted(view, shown, now)
        page = list_members(conn, workspace, name, wanted, cursor=view.cursor, now=now)
        matches, more = count_members(conn, workspace, name, wanted, now=now)
        countries = facet_values(conn, workspace, "country")
    return render(
        request, "loyalty/members.html", view=view, kept=kept, shown=shown, members=page.members, cursor=page.cursor,
        matches=matches, more=more, countries=[(one, one) for one in countries], memberships=MEMBERSHIPS, joined=JOINED,
        expiring=EXPIRING, near=NEAR, moment_of=from_iso, purposes=purposes.names(workspace),
    )  # fmt: skip


@get("/loyalty/members.csv", permission="customers:download", sync_to_thread=True)
def members_file(request: AnyRequest, db: Database, principal: Principal, gate: Gate, purposes: Purposes) -> Stream:
    """The list as it is filtered and sorted, as a file for a purpose."""
    workspace, now = principal.workspace, now_us()
    view = read_view(request, COLUMNS, filters=FILTERS, sort="points", path=PATH)
    with db.read() as conn:
        shown = current(conn, workspace, view.asked.get("programme", ""))
    return people_file(
        db, principal, gate, purposes, clean(request.query_params.get("purpose"), longest=60),
        PeopleFile("members", _TITLES, about="members of a loyalty programme"),
        lambda: _file_pages(db, workspace, shown, _wanted(view, shown, now), now),
    )  # fmt: skip


@get("/loyalty/members", permission="loyalty:read", tags=["loyalty"], sync_to_thread=True)
def get_members(
    db: Database, principal: Principal, *, programme: str = "", tier: str = "", plan: str = "",
    membership: Literal["", "any", "trial", "active", "cancelled", "ended", "none"] = "",
    least_points: Points = None, most_points: Points = None,
    country: Annotated[str, Parameter(max_length=60, description="ISO 3166, such as DE.")] = "",
    joined_after: Annotated[str, Parameter(description="ISO 8601.")] = "",
    joined_before: Annotated[str, Parameter(description="ISO 8601.")] = "",
    expiring_days: Annotated[int, Parameter(ge=0, le=3_650)] = 0,
    near_percent: Annotated[int, Parameter(ge=0, le=100)] = 0, owing: bool = False,
    sort: Literal["points", "since", "expires", "way"] = "points", ascending: bool = False,
    limit: Annotated[int, Parameter(ge=1, le=500)] = 50, cursor: Annotated[str, Parameter(max_length=1_000)] = "",
) -> MemberPage:  # fmt: skip
    """Members of a programme: filtered, sorted, page by page."""
    now = now_us()
    with db.read() as conn:
        shown = current(conn, principal.workspace, programme)
    wanted = MemberQuery(
        tier=tier, first_tier=_first_tier(shown), plan=plan, membership=membership, least_points=least_points,
        most_points=most_points, country=country_code(country) or country,
        joined_after=_moment(joined_after, "joined_after"), joined_before=_moment(joined_before, "joined_before"),
        expiring_days=expiring_days, near_percent=near_percent, owing=owing, sort=sort, ascending=ascending,
    )  # fmt: skip
    with db.read() as conn:
        return list_members(conn, principal.workspace, shown.name, wanted, cursor=cursor, limit=limit, now=now)


MEMBER_PAGES = (members_page, members_file)
MEMBER_ROUTES = (get_members,)


def _first_tier(shown: KeptVersion | None) -> str:
    return shown.programme.tiers[0].name if shown and shown.programme.tiers else ""


def _moment(text: str, name: str) -> int | None:
    try:
        return from_iso(text) if text else None
    except ValueError as error:
        raise InvalidInput(f"{name} is {text[:40]!r}, no time", hint="such as 2026-12-01T00:00:00Z") from error


def _wanted(view: TableView, shown: KeptVersion | None, now: int) -> MemberQuery:
    asked = view.asked
    joined = asked.get("joined", "")
    since = now - _whole(joined.removeprefix("over-")) * DAY if joined in JOINED else None
    return MemberQuery(
        tier=asked.get("tier", ""), first_tier=_first_tier(shown), least_points=_points(asked, "from"),
        most_points=_points(asked, "to"),
        membership=asked["membership"] if asked.get("membership") in MEMBERSHIPS else "",
        joined_after=None if joined.startswith("over-") else since,
        joined_before=since if joined.startswith("over-") else None, country=asked.get("country", ""),
        expiring_days=_whole(asked.get("expiring", "")), near_percent=min(_whole(asked.get("near", "")), 100),
        owing=asked.get("owing") == "yes", sort=view.sort, ascending=view.upwards,
    )  # fmt: skip


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0


def _points(asked: Mapping[str, str], name: str) -> int | None:
    text = asked.get(name, "").replace(",", "").replace(".", "").replace(" ", "")
    return int(text) if text.isascii() and text.removeprefix("-").isdigit() and len(text) < 16 else None


def _file_pages(
    db: Database, workspace: WorkspaceId, shown: KeptVersion, wanted: MemberQuery, now: int
) -> Iterator[list[tuple[Key, Sequence[object]]]]:  # fmt: skip
    """Page by page, each in a transaction of its own."""
    cursor: str | None = ""
    while cursor is not None:
        with db.read() as conn:
            page = list_members(conn, workspace, shown.name, wanted, cursor=cursor, limit=AT_ONCE, now=now)
            ids = load_customer_ids(conn)
        yield [(ids.key(CustomerId(one.customer_id)), _cells(one, shown)) for one in page.members]
        cursor = page.cursor


def _cells(one: MemberRow, shown: KeptVersion) -> Sequence[object]:
    terms = shown.programme
    worth = Decimal(worth_of(one.points, terms.worth)).scaleb(-exponent(terms.currency))
    return (
        one.customer_id, one.name, one.country, one.tier, one.points, one.owed, worth, terms.currency, one.way_percent,
        one.since, one.expires_at, one.plan, one.membership, one.membership_until,
    )  # fmt: skip

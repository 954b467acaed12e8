"""Console pages of loyalty: the programme in words, members by tier, what is owed by month, fees, approvals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.capabilities.loyalty import fees, membership, overview, redeeming
from rapport.capabilities.loyalty.editor_pages import EDITOR_PAGES
from rapport.capabilities.loyalty.effects import Effects, effects_of
from rapport.capabilities.loyalty.member_pages import MEMBER_PAGES
from rapport.capabilities.loyalty.members import MemberQuery, list_members
from rapport.capabilities.loyalty.pass_routes import PASS_CONSOLE
from rapport.capabilities.loyalty.plain import sentences
from rapport.capabilities.loyalty.shipped import EXAMPLE
from rapport.capabilities.loyalty.versions import names_of
from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import CustomerId, new_id
from rapport.kernel.principal import Principal
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.storage.engine import Database
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import Form, integer, text

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]

_NO_EFFECTS = Effects([], [], [], [])


@get("/loyalty", permission="loyalty:read", sync_to_thread=True)
def loyalty_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """The programme, its members, and what is owed."""
    return _show(request, db, principal)


@get("/loyalty/effects", permission="loyalty:read", sync_to_thread=True)
def effects_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """What trials changed, and what each benefit and campaign gave."""
    wanted, now = str(request.query_params.get("programme", ""))[:40], now_us()
    with db.read() as conn:
        kept = names_of(conn, principal.workspace)
        shown = next((one for one in kept if one.name == wanted), kept[0] if kept else None)
        found = effects_of(conn, principal.workspace, shown.name, shown.programme, now=now) if shown else _NO_EFFECTS
    return render(
        request, "loyalty/effects.html", shown=shown, programme=shown.programme if shown else EXAMPLE,
        **found._asdict(),
    )  # fmt: skip


@post("/loyalty/approvals", permission="loyalty:adjust", sync_to_thread=True, status_code=200)
def decide_points(db: Database, principal: Principal, data: Form) -> Response[Any]:
    """Give points that waited for a person, or do not."""
    with db.write() as conn:
        overview.decide(
            conn, principal.workspace, text(data, "programme", longest=40), text(data, "lot", longest=400),
            approve=text(data, "then") == "approve", by=principal.name, now=now_us(),
        )  # fmt: skip
    return Redirect("/console/loyalty#waiting-title", status_code=303)


@post("/customers/{customer_id:str}/points", permission="loyalty:adjust", sync_to_thread=True, status_code=200)
def correct_points(db: Database, principal: Principal, customer_id: str, data: Form) -> Response[Any]:
    """A person of the staff gives or takes points."""
    points, reason = integer(data, "points", least=1, most=10**9, otherwise=0), text(data, "reason", longest=200)
    if not points:
        raise InvalidInput("say how many points", hint="a whole number from 1 on")
    with db.read() as conn:
        key = load_customer_ids(conn).key(CustomerId(customer_id))
    redeeming.adjust(
        db, principal.workspace, key, -points if text(data, "then") == "take" else points, reason=reason,
        by=principal.name, request_id=text(data, "request", longest=40) or new_id("adj"), now=now_us(),
    )  # fmt: skip
    return Redirect(f"/console/customers/{customer_id}#loyalty-title", status_code=303)


@post("/loyalty/fees", permission="loyalty:write", sync_to_thread=True, status_code=200)
def see_to_fee(db: Database, principal: Principal, data: Form) -> Response[Any]:
    """A fee that did not fit is seen to, or the membership whose fee went back is ended."""
    payment = text(data, "payment", longest=120)
    if text(data, "then") == "end":
        id = text(data, "membership", longest=60)
        membership.fee_came_back(db, principal.workspace, id, payment=payment, end=True, now=now_us())
    else:
        with db.write() as conn:
            fees.settle_fee(conn, principal.workspace, payment, by=principal.name, now=now_us())
    return Redirect("/console/loyalty?done=fee", status_code=303)


PAGES = ConsolePages(
    room="loyalty",
    templates=Path(__file__).parent / "templates",
    handlers=(
        loyalty_page,
        effects_page,
        decide_points,
        see_to_fee,
        correct_points,
        *MEMBER_PAGES,
        *PASS_CONSOLE,
        *EDITOR_PAGES,
    ),
    nav=(
        NavItem(
            label="Loyalty", path="/console/loyalty", icon="star", group="Engage", order=330, permission="loyalty:read"
        ),
    ),
)


def _show(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    workspace, now = principal.workspace, now_us()
    wanted = str(request.query_params.get("programme", ""))[:40]
    with db.read() as conn:
        kept = names_of(conn, workspace)
        shown = next((one for one in kept if one.name == wanted), kept[0] if kept else None)
        months = overview.liability(conn, workspace, shown.name, now=now) if shown else []
        first = MemberQuery(first_tier=shown.programme.tiers[0].name if shown and shown.programme.tiers else "")
        people = list_members(conn, workspace, shown.name, first, limit=10, now=now).members if shown else []
        in_tiers = overview.tiers(conn, workspace, shown.name) if shown else {}
        waiting = overview.waiting(conn, workspace)
        stray = fees.stray_fees(conn, workspace, now=now)
    programme = shown.programme if shown else EXAMPLE
    return render(
        request, "loyalty/loyalty.html", kept=kept, shown=shown, months=months, members=people, in_tiers=in_tiers,
        waiting=waiting, stray=stray, sentences=sentences(programme), name=shown.name if shown else "",
        programme=programme,
    )  # fmt: skip

"""Console pages of loyalty: the programme in words, tried and changed; members, what is owed by month, approvals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.capabilities.loyalty import fees, membership, overview, redeeming
from rapport.capabilities.loyalty.changing import change_programme, effect_of
from rapport.capabilities.loyalty.effects import Effects, effects_of
from rapport.capabilities.loyalty.plain import differences, sentences
from rapport.capabilities.loyalty.programme import read_programme
from rapport.capabilities.loyalty.shipped import EXAMPLE
from rapport.capabilities.loyalty.versions import names_of
from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput, RapportError
from rapport.kernel.ids import CustomerId, new_id
from rapport.kernel.principal import Principal
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.storage.engine import Database
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import Form, integer, raw, text

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]

LONGEST = 100_000
_NO_EFFECTS = Effects([], [], [], [])


@get("/loyalty", permission="loyalty:read", sync_to_thread=True)
def loyalty_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """The programme, its members, and what is owed."""
    return _show(request, db, principal)


@post("/loyalty", permission="programme:write", sync_to_thread=True, status_code=200)
def change_terms(request: AnyRequest, db: Database, principal: Principal, data: Form) -> Response[Any]:
    """Try terms, or put them in force."""
    typed, name = raw(data, "programme")[:LONGEST], text(data, "name", longest=40)
    seen = integer(data, "version", least=0, most=2**31 - 2, otherwise=0)
    reason = text(data, "reason", longest=500)
    said: dict[str, Any] = {"typed": typed, "name": name, "reason": reason}
    try:
        wanted = read_programme(typed.encode())
        if text(data, "then") == "apply":
            change_programme(
                db, principal.workspace, name, typed.encode(), seen=seen, by=principal.name, reason=reason, now=now_us()
            )
            return Redirect(f"/console/loyalty?programme={name}&done=saved", status_code=303)
        with db.read() as conn:
            said["effect"] = effect_of(conn, principal.workspace, name, wanted, now=now_us())
            kept = [one for one in names_of(conn, principal.workspace) if one.name == name]
        said["changes"] = differences(kept[0].programme, wanted) if kept else [("+", s) for s in sentences(wanted)]
    except RapportError as error:
        said["error"] = error
    return _show(request, db, principal, **said)


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
    handlers=(loyalty_page, change_terms, effects_page, decide_points, see_to_fee, correct_points),
    nav=(
        NavItem(
            label="Loyalty", path="/console/loyalty", icon="star", group="Engage", order=330, permission="loyalty:read"
        ),
    ),
)


def _show(request: AnyRequest, db: Database, principal: Principal, **said: Any) -> Response[str]:
    workspace, now = principal.workspace, now_us()
    wanted = said.get("name") or str(request.query_params.get("programme", ""))[:40]
    with db.read() as conn:
        kept = names_of(conn, workspace)
        shown = next((one for one in kept if one.name == wanted), kept[0] if kept else None)
        months = overview.liability(conn, workspace, shown.name, now=now) if shown else []
        people = overview.members(conn, workspace, shown.name) if shown else []
        in_tiers = overview.tiers(conn, workspace, shown.name) if shown else {}
        waiting = overview.waiting(conn, workspace)
        stray = fees.stray_fees(conn, workspace, now=now)
    error = said.get("error")
    programme = shown.programme if shown else EXAMPLE
    values: dict[str, Any] = {
        "kept": kept, "shown": shown, "months": months, "members": people, "in_tiers": in_tiers, "waiting": waiting,
        "stray": stray,
        "sentences": sentences(programme), "effect": None, "changes": [], "error": None, "reason": "",
        "typed": msgspec.json.format(msgspec.json.encode(programme), indent=2).decode(),
        "name": shown.name if shown else "club", "version": shown.version if shown else 0, "programme": programme,
    }  # fmt: skip
    return render(request, "loyalty/loyalty.html", status=error.status if error else 200, **(values | said))

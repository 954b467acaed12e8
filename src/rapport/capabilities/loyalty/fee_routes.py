"""`/api/v1/loyalty`: what memberships cost beside joining: another plan, fees that went back or do not fit."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import get, post
from litestar.params import Parameter
from msgspec import Meta

from rapport.capabilities.loyalty.fees import Why, settle_fee, stray_fees
from rapport.capabilities.loyalty.membership import fee_came_back
from rapport.capabilities.loyalty.upgrading import Change, change_of, change_plan
from rapport.kernel.clock import now_us, to_iso
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database

__all__ = ["FEE_ROUTES"]

PlanNamed = Annotated[str, Parameter(max_length=40, description="The plan to go to.")]


class FeeBack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A payment of a membership that went back to the member."""

    payment: Annotated[str, Meta(min_length=1, max_length=120)]
    end: bool = False
    """Whether the membership ends with it; else its benefits go on, and somebody is told."""


class ChangeWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To which plan; `payment` is the id of what was paid for it, empty where the credit pays all."""

    plan: Annotated[str, Meta(max_length=40)]
    payment: Annotated[str, Meta(max_length=120)] = ""


class StrayFeeShown(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that somebody must see to."""

    payment: str
    membership: str
    plan: str
    customer: str
    why: Why
    """`ended`: taken after the end; `ahead`: a second one for one period; `back`: given back while benefits go on."""
    at: str


@post(
    "/loyalty/memberships/{membership:str}/fee-back", permission="loyalty:write", status_code=204, tags=["loyalty"],
    sync_to_thread=True,
)  # fmt: skip
def tell_fee_back(db: Database, principal: Principal, membership: str, data: FeeBack) -> None:
    """The shop gave a fee back, or it was charged back. Again is once."""
    fee_came_back(db, principal.workspace, membership, payment=data.payment, end=data.end, now=now_us())


@get("/loyalty/stray-fees", permission="loyalty:read", tags=["loyalty"], sync_to_thread=True)
def list_stray_fees(db: Database, principal: Principal) -> list[StrayFeeShown]:
    """Fees that do not fit and nobody has seen to yet, the oldest first; at most 100."""
    with db.read() as conn:
        found = stray_fees(conn, principal.workspace, now=now_us())
    return [
        StrayFeeShown(payment=one.payment, membership=one.membership, plan=one.plan, customer=one.customer_id,
                      why=one.why, at=to_iso(one.at))
        for one in found
    ]  # fmt: skip


@post(
    "/loyalty/stray-fees/{payment:str}/settle", permission="loyalty:write", status_code=204, tags=["loyalty"],
    sync_to_thread=True,
)  # fmt: skip
def settle_stray_fee(db: Database, principal: Principal, payment: str) -> None:
    """Somebody has seen to it: the money went back, or the benefits are a gift. Again is once."""
    with db.write() as conn:
        settle_fee(conn, principal.workspace, payment, by=principal.name, now=now_us())


@get("/loyalty/memberships/{membership:str}/change", permission="loyalty:read", tags=["loyalty"], sync_to_thread=True)
def ask_change(db: Database, principal: Principal, membership: str, plan: PlanNamed) -> Change:
    """What going to another plan would cost now, with the credit for what is paid and not used yet."""
    with db.read() as conn:
        return change_of(conn, principal.workspace, membership, plan, now=now_us())


@post(
    "/loyalty/memberships/{membership:str}/change", permission="loyalty:write", status_code=200, tags=["loyalty"],
    sync_to_thread=True,
)  # fmt: skip
def change_membership(db: Database, principal: Principal, membership: str, data: ChangeWanted) -> Change:
    """Go to another plan now: this membership ends, the new one begins. The same payment again answers the same."""
    return change_plan(db, principal.workspace, membership, data.plan, payment=data.payment, now=now_us())


FEE_ROUTES = (ask_change, change_membership, tell_fee_back, list_stray_fees, settle_stray_fee)

"""`/api/v1/privacy/holds`: whose data is held for a time, whatever they or the shop ask."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import get, post
from litestar.params import Parameter

from rapport.compose import holds
from rapport.compose.holds import HoldShown, HoldWanted
from rapport.kernel.clock import now_us
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database

__all__ = ["ROUTES"]


class HoldsShown(msgspec.Struct, frozen=True, kw_only=True):
    """The newest hundred, those that stand first."""

    holds: list[HoldShown]


@post("/privacy/holds", permission="requests:write", tags=["privacy"], sync_to_thread=True)
def place_hold(data: HoldWanted, db: Database, principal: Principal) -> HoldShown:
    """Hold somebody: an erasure, a deletion as nothing keeps them, a field taken out of theirs wait until it ends."""
    now = now_us()
    with db.write() as conn:
        ident = holds.hold(conn, principal.workspace, data, by=principal.name, now=now)
        return holds.find(conn, principal.workspace, ident, now=now)


@get("/privacy/holds", permission="requests:read", tags=["privacy"], sync_to_thread=True)
def list_holds(db: Database, principal: Principal) -> HoldsShown:
    """Who is held, and who was."""
    with db.read() as conn:
        return HoldsShown(holds=holds.newest(conn, principal.workspace, now=now_us()))


@post(
    "/privacy/holds/{hold_id:str}/end", permission="requests:write", status_code=200, tags=["privacy"],
    sync_to_thread=True,
)  # fmt: skip
def end_hold(
    hold_id: Annotated[str, Parameter(max_length=100)], db: Database, principal: Principal
) -> HoldShown:  # fmt: skip
    """End a hold before its time; what waited for it goes on."""
    now = now_us()
    with db.write() as conn:
        holds.end(conn, principal.workspace, hold_id, by=principal.name, now=now)
        return holds.find(conn, principal.workspace, hold_id, now=now)


ROUTES = (place_hold, list_holds, end_hold)

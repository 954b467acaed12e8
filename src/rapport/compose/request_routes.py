"""`/api/v1/privacy/requests`: what people ask of what is kept of them, and how it stands."""

from __future__ import annotations

import msgspec
from litestar import get, post

from rapport.compose import requests
from rapport.compose.answering import answer_of
from rapport.compose.installed import Installed
from rapport.compose.lifting import LiftWanted, lift
from rapport.compose.partners import PartnerAnswer, PartnerTold, note_answer
from rapport.compose.requests import RequestShown, RequestWanted
from rapport.compose.routes import Export
from rapport.kernel.clock import now_us
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database

__all__ = ["ROUTES"]


class RequestsShown(msgspec.Struct, frozen=True, kw_only=True):
    """What is open, the soonest due first; then what is over."""

    requests: list[RequestShown]


class HowVerified(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it was made sure that it is this person."""

    verified: str


@post("/privacy/requests", permission="requests:write", status_code=200, tags=["privacy"], sync_to_thread=True)
def ask(db: Database, principal: Principal, slices: Installed, data: RequestWanted) -> RequestShown:
    """Take a request. One without `verified` waits until somebody says how it was made sure who asks."""
    with db.write() as conn:
        return requests.ask(
            conn, principal.workspace, data, by=f"{principal.kind}:{principal.id}", now=now_us(), law=slices.law
        )


@get("/privacy/requests", permission="requests:read", tags=["privacy"], sync_to_thread=True)
def list_requests(db: Database, principal: Principal) -> RequestsShown:
    """At most a hundred that are open and a hundred that are over."""
    with db.read() as conn:
        return RequestsShown(requests=requests.newest_requests(conn, principal.workspace))


@get("/privacy/requests/{request_id:str}", permission="requests:read", tags=["privacy"], sync_to_thread=True)
def get_request(db: Database, principal: Principal, request_id: str) -> RequestShown:
    """How a request stands; of an erasure that is over, the proof."""
    with db.read() as conn:
        return requests.find_request(conn, principal.workspace, request_id)


@post(
    "/privacy/requests/{request_id:str}/verified", permission="requests:write", status_code=200, tags=["privacy"],
    sync_to_thread=True,
)  # fmt: skip
def verify(db: Database, principal: Principal, request_id: str, data: HowVerified) -> RequestShown:
    """Say how it was made sure that it is this person; an erasure begins then."""
    with db.write() as conn:
        return requests.verify(conn, principal.workspace, request_id, how=data.verified)


@get("/privacy/requests/{request_id:str}/answer", permission="requests:write", tags=["privacy"], sync_to_thread=True)
def get_answer(db: Database, principal: Principal, slices: Installed, request_id: str) -> Export:
    """The answer to a request for access or portability: all that is kept now, with its sources."""
    return answer_of(db, slices, principal.workspace, request_id, who=principal.id, name=principal.name)


@post(
    "/privacy/requests/{request_id:str}/partners/{webhook_id:str}", permission="requests:write", status_code=200,
    tags=["privacy"], sync_to_thread=True,
)  # fmt: skip
def partner_answers(
    db: Database, principal: Principal, request_id: str, webhook_id: str, data: PartnerAnswer
) -> list[PartnerTold]:
    """Keep what a partner answers that was told of a request by its webhook."""
    with db.write() as conn:
        return note_answer(
            conn, principal.workspace, request_id, webhook_id, data, by=f"{principal.kind}:{principal.id}", now=now_us()
        )


@post("/privacy/suppressions/lift", permission="requests:write", status_code=204, tags=["privacy"], sync_to_thread=True)
def lift_suppression(db: Database, principal: Principal, data: LiftWanted) -> None:
    """Let facts of somebody in again who was erased for good; what was erased stays erased."""
    lift(db, principal.workspace, data, by=f"{principal.kind}:{principal.id}", now=now_us())


ROUTES = (ask, list_requests, get_request, verify, get_answer, partner_answers, lift_suppression)

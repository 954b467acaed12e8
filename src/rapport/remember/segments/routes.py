"""`/api/v1/segments`: conditions over Golden Records, who fulfils them, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated

import msgspec
from litestar import Response, delete, get, post, put
from litestar.params import Parameter
from msgspec import Meta

from rapport.kernel.clock import now_us
from rapport.kernel.gate import Gate
from rapport.kernel.ids import CustomerId, WorkspaceId
from rapport.kernel.principal import Principal
from rapport.kernel.work import Connection
from rapport.remember.registry import Remembered
from rapport.remember.segments import service
from rapport.remember.segments.fields import Field, Fields
from rapport.remember.segments.following import fill_now
from rapport.remember.segments.service import Members, Overlap, Preview, Segment, SegmentVersion
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.storage.engine import Database
from rapport.web.etags import ETAG, IfMatch, seen_version, tagged

__all__ = ["ROUTES", "fields_of"]

Name = Annotated[str, Parameter(max_length=200, description="The segment's name.")]
Purposed = Annotated[
    str, Parameter(max_length=60, description="Only those with whom this may be done: `email_marketing`.")
]
Where = Annotated[str, Meta(max_length=20_000)]


class SegmentWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new segment."""

    name: Annotated[str, Meta(max_length=200)]
    where: Where
    """Such as `orders >= 3 AND last_order_at > now() - INTERVAL 60 DAY`."""


class SegmentChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be another; what is absent stays."""

    name: Annotated[str, Meta(max_length=200)] | None = None
    where: Where | None = None


class Tried(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A condition to be tried."""

    where: Where


class Segments(msgspec.Struct, frozen=True, kw_only=True):
    """All segments of the shop, by name."""

    segments: list[Segment]


class SegmentHistory(msgspec.Struct, frozen=True, kw_only=True):
    """All versions, the newest first."""

    versions: list[SegmentVersion]


class SegmentFields(msgspec.Struct, frozen=True, kw_only=True):
    """What a condition may ask."""

    fields: list[Field]


@lru_cache(maxsize=4)
def fields_of(remembered: Remembered) -> Fields:
    """The fields of this installation."""
    return Fields(remembered)


@get("/segments", permission="segments:read", tags=["segments"], sync_to_thread=True)
def get_segments(db: Database, principal: Principal, remembered: Remembered) -> Segments:
    """The segments with their sizes, which are at most a second behind the Golden Records."""
    with db.read() as conn:
        return Segments(segments=service.list_segments(conn, principal.workspace, fields=fields_of(remembered)))


@post(
    "/segments", permission="segments:write", tags=["segments"], response_headers=[ETAG], sync_to_thread=True
)  # fmt: skip
def post_segment(
    db: Database, principal: Principal, remembered: Remembered, data: SegmentWanted
) -> Response[Segment]:  # fmt: skip
    """Keep a segment. Its customers are found by a job, some hundred thousand a minute; from then on it is live.

    Whoever is in it from the start is told by no fact; whoever comes and goes later is.
    """
    with db.write() as conn:
        segment = service.add(
            conn, principal.workspace, name=data.name, where=data.where, fields=fields_of(remembered),
            by=principal.name, now=now_us(),
        )  # fmt: skip
        fill_now(conn, principal.workspace, remembered, now=now_us())
        segment = service.find(conn, principal.workspace, segment.name, fields=fields_of(remembered))
    return tagged(segment, service.tag_of(segment))


@get("/segments/fields", permission="segments:read", tags=["segments"], sync_to_thread=False)
def get_fields(remembered: Remembered) -> SegmentFields:
    """What a condition may ask, with types and rules."""
    return SegmentFields(fields=list(fields_of(remembered).all.values()))


@post("/segments/preview", permission="segments:read", door="asks", tags=["segments"], status_code=200,
      sync_to_thread=True)  # fmt: skip
def post_preview(
    db: Database, principal: Principal, remembered: Remembered, gate: Gate, data: Tried, purpose: Purposed = ""
) -> Preview:  # fmt: skip
    """Who fulfils a condition now, of all customers. A text that is none answers 400 with its `position`.

    With a purpose the sample holds none who does not allow it, and it is not said how many they are.
    """
    purpose = principal.purpose_for(purpose)
    with db.read() as conn:
        found = service.preview(conn, principal.workspace, data.where, fields=fields_of(remembered), now=now_us())
        if not purpose:
            return found
        allowed = _allowed(conn, gate, principal.workspace, found.sample, purpose)
        return msgspec.structs.replace(found, count=None, sample=[one for one in found.sample if one in allowed])


@get("/segments/{name:str}", permission="segments:read", tags=["segments"], response_headers=[ETAG],
     sync_to_thread=True)  # fmt: skip
def get_segment(db: Database, principal: Principal, remembered: Remembered, name: Name) -> Response[Segment]:
    """One segment."""
    with db.read() as conn:
        segment = service.find(conn, principal.workspace, name, fields=fields_of(remembered))
    return tagged(segment, service.tag_of(segment))


@put("/segments/{name:str}", permission="segments:write", tags=["segments"], response_headers=[ETAG],
     sync_to_thread=True)  # fmt: skip
def put_segment(
    db: Database, principal: Principal, remembered: Remembered, name: Name, data: SegmentChange,
    if_match: IfMatch = None,
) -> Response[Segment]:  # fmt: skip
    """Change a segment. Whoever no longer fulfils it leaves it, with a fact."""
    with db.write() as conn:
        segment = service.change(
            conn, principal.workspace, name, where=data.where, new_name=data.name, fields=fields_of(remembered),
            by=principal.name, now=now_us(), seen=seen_version(if_match),
        )  # fmt: skip
        fill_now(conn, principal.workspace, remembered, now=now_us())
        segment = service.find(conn, principal.workspace, segment.name, fields=fields_of(remembered))
    return tagged(segment, service.tag_of(segment))


@delete("/segments/{name:str}", permission="segments:write", tags=["segments"], sync_to_thread=True)
def delete_segment(
    db: Database, principal: Principal, remembered: Remembered, name: Name, if_match: IfMatch = None
) -> None:
    """Remove a segment; no fact tells that its members left."""
    with db.write() as conn:
        service.remove(conn, principal.workspace, name, fields=fields_of(remembered), seen=seen_version(if_match))


@get("/segments/{name:str}/history", permission="segments:read", tags=["segments"], sync_to_thread=True)
def get_history(db: Database, principal: Principal, name: Name) -> SegmentHistory:
    """How the segment was before, and who changed it."""
    with db.read() as conn:
        return SegmentHistory(versions=service.history(conn, principal.workspace, name))


@get("/segments/{name:str}/overlap/{other:str}", permission="segments:read", tags=["segments"], sync_to_thread=True)
def get_overlap(db: Database, principal: Principal, name: Name, other: Name) -> Overlap:
    """How many customers two segments share."""
    with db.read() as conn:
        return service.overlap(conn, principal.workspace, name, other)


@get("/segments/{name:str}/members", permission="segments:read", door="asks", tags=["segments"], sync_to_thread=True)
def get_members(
    db: Database,
    principal: Principal,
    gate: Gate,
    name: Name,
    purpose: Purposed = "",
    cursor: Annotated[str | None, Parameter(max_length=1_000, description="`cursor` of the page before.")] = None,
    limit: Annotated[int, Parameter(ge=1, le=1_000, description="Members a page.")] = 100,
) -> Members:
    """Who is in the segment. With a purpose, a page may hold fewer: whoever does not allow it is left out."""
    purpose = principal.purpose_for(purpose)
    with db.read() as conn:
        page = service.members_of(conn, principal.workspace, name, cursor=cursor, limit=limit)
        if not purpose or not page.members:
            return page
        allowed = _allowed(conn, gate, principal.workspace, [one.customer_id for one in page.members], purpose)
        kept = [one for one in page.members if one.customer_id in allowed]
        return msgspec.structs.replace(page, members=kept, left_out=len(page.members) - len(kept))


def _allowed(
    conn: Connection, gate: Gate, workspace: WorkspaceId, customers: Sequence[CustomerId], purpose: str
) -> frozenset[CustomerId]:
    """Those of these customers who allow it."""
    ids = load_customer_ids(conn)
    keys = {one: ids.key(one) for one in customers}
    permits = gate(conn, workspace, list(keys.values()), purpose, now_us())
    return frozenset(one for one, key in keys.items() if key in permits and permits[key].may)


ROUTES = (
    get_segments, post_segment, get_fields, post_preview, get_segment, put_segment, delete_segment, get_history,
    get_overlap, get_members,
)  # fmt: skip

"""Golden Records in the shape of Segment's Profile API, for shops that have clients of it.

`GET /v1/spaces/{space}/collections/users/profiles/{namespace}:{value}/{traits|external_ids|events|metadata}`. The key
is an API key of ours, sent as the user name of Basic authentication (as Segment's clients do) or as Bearer. The space
is not looked at: a key belongs to one workspace.

**Source:** Segment documentation, Unify, "Profile API".
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

import msgspec
from litestar import Request, Router, get
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.params import Parameter
from litestar.types import ASGIApp, Receive, Scope, Send
from sqlalchemy import Connection

from rapport.kernel.clock import now_us, to_iso
from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import Key
from rapport.kernel.principal import Principal
from rapport.remember.golden import GoldenRecord, find_key, golden_record
from rapport.remember.registry import Remembered
from rapport.remember.routes import region_of
from rapport.remember.timeline import TimelineFact, timeline
from rapport.resolve.linking.units import members_of
from rapport.resolve.reading.identities import worth_showing
from rapport.storage.engine import Database
from rapport.web import auth
from rapport.web.auth import client_address
from rapport.web.key_ring import KeyRing
from rapport.web.purposes import ask_purpose
from rapport.web.recording import Audited

__all__ = ["PROFILES"]

BASE = "/v1/spaces/{space:str}/collections/users/profiles/{reference:str}"


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """Where a page ends; `next` is what to send as `next` for the following one."""

    url: str
    has_more: bool
    next: str
    limit: int


class ProfileTraits(msgspec.Struct, frozen=True, kw_only=True):
    """Traits by name: plain values, or with their source and time where `verbose` was asked for."""

    traits: dict[str, Any]
    cursor: Cursor


class ExternalId(msgspec.Struct, frozen=True, kw_only=True):
    """One identifier of the customer."""

    id: str
    type: str
    source_id: str
    collection: str = "users"
    created_at: str
    encoding: str = "none"


class ProfileExternalIds(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the customer's identifiers."""

    data: list[ExternalId]
    cursor: Cursor


class ProfileEvents(msgspec.Struct, frozen=True, kw_only=True):
    """A page of what the customer did, newest first."""

    data: list[dict[str, Any]]
    cursor: Cursor


class ProfileMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """When the customer was seen first and last, and its id here."""

    metadata: dict[str, str | None]


class ProfileKeyMiddleware(ASGIMiddleware):
    """Puts the API key's principal on the request, whether the key came as Basic user name or as Bearer."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
        authorization = connection.headers.get("authorization")
        keys: KeyRing = connection.app.state.key_ring
        scope["user"] = None
        if authorization is not None:
            scope["user"] = await keys.authenticate(_bearer(authorization), address=client_address(connection))
        scope["auth"] = None
        await next_app(scope, receive, send)


def _bearer(authorization: str) -> str:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return authorization
    try:
        plain = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return f"Bearer {plain.partition(':')[0]}"


Space = Annotated[str, Parameter(description="Not looked at; a key belongs to one workspace.")]
Reference = Annotated[str, Parameter(description="`namespace:value`, such as `email:ada@example.com`.")]
Limit = Annotated[int, Parameter(ge=1, le=200)]
Next = Annotated[str, Parameter(max_length=200, description="`cursor.next` of the page before.")]
AnyRequest = Request[Any, Any, Any]


@get(f"{BASE}/traits", permission="customers:read", tags=["profiles"], sync_to_thread=True)
def profile_traits(
    request: AnyRequest,
    db: Database,
    principal: Principal,
    remembered: Remembered,
    space: Space,
    reference: Reference,
    include: Annotated[str, Parameter(max_length=2_000, description="Names, with commas between them.")] = "",
    *,
    verbose: bool = False,
    limit: Limit = 10,
    next: Next = "",
) -> ProfileTraits:
    """The customer's traits, ten at a time unless `limit` says otherwise."""
    with db.read() as conn:
        record = _record(conn, principal, reference, remembered)
    names = [name for name in record.traits if not include or name in include.split(",")]
    start = _offset(next)
    shown = {name: record.traits[name] for name in names[start : start + limit]}
    if verbose:
        return ProfileTraits(
            traits={
                name: {"value": trait.value, "source_id": trait.source, "updated_at": trait.occurred_at}
                for name, trait in shown.items()
            },
            cursor=_cursor(request, start, limit, len(names)),
        )
    return ProfileTraits(
        traits={name: trait.value for name, trait in shown.items()}, cursor=_cursor(request, start, limit, len(names))
    )


@get(f"{BASE}/external_ids", permission="customers:read", tags=["profiles"], sync_to_thread=True)
def profile_external_ids(
    request: AnyRequest,
    db: Database,
    principal: Principal,
    space: Space,
    reference: Reference,
    limit: Limit = 25,
    next: Next = "",
) -> ProfileExternalIds:
    """All identifiers that are certainly of this person, the earliest first."""
    workspace = principal.workspace
    with db.read() as conn:
        members = worth_showing(members_of(conn, workspace, _key(conn, principal, reference)))
    start = _offset(next)
    data = [
        ExternalId(id=one.value, type=one.namespace, source_id=one.source, created_at=to_iso(one.first_seen_at))
        for one in members[start : start + limit]
    ]
    return ProfileExternalIds(data=data, cursor=_cursor(request, start, limit, len(members)))


@get(f"{BASE}/events", permission="customers:read", tags=["profiles"], sync_to_thread=True)
def profile_events(
    request: AnyRequest,
    db: Database,
    principal: Principal,
    space: Space,
    reference: Reference,
    limit: Limit = 10,
    next: Next = "",
) -> ProfileEvents:
    """What the customer did, newest first."""
    workspace = principal.workspace
    with db.read() as conn:
        found = timeline(conn, workspace, _key(conn, principal, reference), cursor=next or None, limit=limit)
    cursor = Cursor(url=request.url.path, has_more=found.cursor is not None, next=found.cursor or "", limit=limit)
    return ProfileEvents(data=[_event(fact) for fact in found.facts], cursor=cursor)


@get(f"{BASE}/metadata", permission="customers:read", tags=["profiles"], sync_to_thread=True)
def profile_metadata(
    db: Database, principal: Principal, remembered: Remembered, space: Space, reference: Reference
) -> ProfileMetadata:
    """When the customer was seen first and last."""
    with db.read() as conn:
        record = _record(conn, principal, reference, remembered)
    first, last = record.traits.get("first_seen_at"), record.traits.get("last_seen_at")
    return ProfileMetadata(
        metadata={
            "id": record.id,
            "created_at": first.value if first else None,
            "updated_at": last.value if last else None,
        }
    )


def _key(conn: Connection, principal: Principal, reference: str) -> Key:
    workspace = principal.workspace
    return find_key(conn, workspace, reference, region=region_of(conn, workspace))


def _record(conn: Connection, principal: Principal, reference: str, remembered: Remembered) -> GoldenRecord:
    key = _key(conn, principal, reference)
    return golden_record(conn, principal.workspace, key, now=now_us(), remembered=remembered)


def _event(fact: TimelineFact) -> dict[str, Any]:
    return {
        "external_ids": [
            {"collection": "users", "type": fact.strand.namespace, "id": fact.strand.value, "encoding": "none"}
        ],
        "context": fact.context,
        "type": fact.type,
        "source_id": fact.source,
        "message_id": fact.id,
        "timestamp": fact.occurred_at,
        "properties": fact.properties,
        "traits": fact.traits,
        "event": fact.name,
    }


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):
        raise InvalidInput(f"next {cursor[:60]!r} cannot be read", hint="send `cursor.next` of the page before")
    return int(cursor)


def _cursor(request: AnyRequest, start: int, limit: int, total: int) -> Cursor:
    end = start + limit
    more = end < total
    return Cursor(url=request.url.path, has_more=more, next=str(end) if more else "", limit=limit)


PROFILES = Router(
    path="/",
    route_handlers=[profile_traits, profile_external_ids, profile_events, profile_metadata],
    middleware=[ProfileKeyMiddleware(), Audited()],
    guards=[auth.allow, ask_purpose],
    dependencies={"principal": Provide(auth.current_principal)},
    security=[{"apiKey": []}],
)
"""All of it, with its own way of reading the key."""

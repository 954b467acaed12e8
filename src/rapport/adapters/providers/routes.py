"""`POST /v1/webhooks/providers/{provider}/{shop}`, where providers tell; `/api/v1/providers`, whose are taken."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hmac import compare_digest
from typing import Annotated, Any

import anyio.to_thread
import msgspec
from litestar import MediaType, Request, Response, delete, get, post, put
from litestar.params import Parameter
from msgspec import Meta

from rapport.act.routes import GivenSettings
from rapport.adapters.channels.connecting import NeverSent, Unanswered, ask
from rapport.adapters.providers import store
from rapport.adapters.providers.model import PROVIDERS, Delivery, Provider
from rapport.adapters.providers.store import Door
from rapport.adapters.providers.taking import Taken, not_taken, note_refused, take
from rapport.adapters.providers.verifying import is_amazons, meta_token
from rapport.collect.limiter import InFlight
from rapport.collect.model import KIB
from rapport.collect.strange_bodies import body_of
from rapport.kernel.clock import now_us, to_iso
from rapport.kernel.errors import NotFound, Unauthenticated, Unavailable
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.storage.workspaces import all_workspaces
from rapport.web.auth import client_address

__all__ = ["DOORS", "ROUTES", "ProviderConnected", "known_provider", "path_of"]

FORGED_A_MINUTE = 120

LARGEST: Mapping[Provider, int] = {
    "ses": 512 * KIB, "mailgun": 512 * KIB, "sendgrid": 2_048 * KIB, "twilio": 128 * KIB, "meta": 4_096 * KIB,
}  # fmt: skip
"""Bytes of a delivery: some times what each sends at most. **Sources**: Amazon SNS quotas (256 KiB); Meta "Webhooks",
"Payloads can be as large as 3 MB"; SendGrid batches up to 768 KB; the others send one event."""


@post("/providers/{carrier:str}/{shop:str}", status_code=200)
async def take_report(
    request: Request[Any, Any, Any], db: Database, channel_settings: GivenSettings, in_flight: InFlight, carrier: str,
    shop: str,
) -> Taken:  # fmt: skip
    """Verify what a provider says by the secret that the shop has set, and keep it before answering.

    Nothing is read where no webhooks of it are taken, or its sender has forged too many.
    """
    kind, shops = known_provider(carrier), request.app.state.shops
    workspace = (await shops.by_name(shop[:120])).id
    bucket = f"webhook {kind} {workspace}"  # a provider sends for many shops from the same addresses
    shops.refuse_over(bucket, client_address(request), a_minute=FORGED_A_MINUTE)
    await anyio.to_thread.run_sync(_must_be_taken, db, kind, workspace)
    headers = {name.lower(): value for name, value in request.headers.items()}
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    base = channel_settings.public_url or str(request.base_url).rstrip("/")
    async with body_of(request, in_flight, limit=LARGEST[kind]) as body:
        sent = Delivery(headers, body, f"{base}{path}")
        try:
            taken = await anyio.to_thread.run_sync(_take, db, kind, workspace, sent)
        except (Unauthenticated, Unavailable) as error:
            if isinstance(error, Unauthenticated):  # that Amazon could not be reached is no forgery
                shops.count(bucket, client_address(request), a_minute=FORGED_A_MINUTE)
            await anyio.to_thread.run_sync(_note_refused, db, kind, workspace, error.message)
            raise
    if taken.confirm:
        await anyio.to_thread.run_sync(_confirm, taken.confirm)
    return Taken(messages=taken.messages, replies=taken.replies)


@get("/providers/{carrier:str}/{shop:str}", sync_to_thread=True)
def greet_meta(
    db: Database, carrier: str, shop: str,
    token: Annotated[str, Parameter(query="hub.verify_token", max_length=200)] = "",
    challenge: Annotated[str, Parameter(query="hub.challenge", max_length=200)] = "",
) -> Response[str]:  # fmt: skip
    """Answer Meta's question whether this address is the shop's."""
    with db.read() as conn:
        door = store.door_of(conn, _shop(db, shop), "meta") if carrier == "meta" else None
    known = [meta_token(one) for one in door.secrets(now_us())] if door is not None else []
    if not any(compare_digest(token.encode(), one.encode()) for one in known):
        raise Unauthenticated("the verify token is not the one of this shop", hint="GET /api/v1/providers names it")
    return Response(challenge if challenge.isalnum() else "", media_type=MediaType.TEXT)


def _must_be_taken(db: Database, provider: Provider, workspace: WorkspaceId) -> None:
    with db.read() as conn:
        if not store.is_taken(conn, workspace, provider):
            raise not_taken(provider)


def _take(db: Database, provider: Provider, workspace: WorkspaceId, sent: Delivery) -> Taken:
    return take(db, workspace, provider, sent, certificate_of=_certificate, now=now_us())


def _note_refused(db: Database, provider: Provider, workspace: WorkspaceId, why: str) -> None:
    note_refused(db, workspace, provider, why, now=now_us())


def _shop(db: Database, slug: str) -> WorkspaceId:
    with db.read() as conn:
        found = next((one.id for one in all_workspaces(conn) if one.slug == slug), None)
    if found is None:
        raise NotFound(f"no shop {slug[:60]!r}")
    return found


@lru_cache(maxsize=32)
def _certificate(url: str) -> bytes:
    """Amazon's certificate, fetched once. Raises Unavailable, so that the delivery comes again."""
    return _fetched(url)


def _confirm(url: str) -> None:
    if not is_amazons(url):
        raise Unauthenticated("what is to be called is no address of Amazon SNS")
    _fetched(url)


def _fetched(url: str) -> bytes:
    try:
        answer = ask("GET", url, b"", {}, allow_private=False)
    except (NeverSent, Unanswered) as error:
        raise Unavailable(f"Amazon SNS was not reached: {error}", hint="it sends again") from error
    if answer.status != 200:
        raise Unavailable(f"Amazon SNS answered {answer.status}", hint="it sends again")
    return answer.body


def known_provider(provider: str) -> Provider:
    """The provider of this name. Raises NotFound."""
    for kind in PROVIDERS:
        if kind == provider:
            return kind
    raise NotFound(f"no webhooks of {provider[:40]!r} are known", hint=f"there are {', '.join(PROVIDERS)}")


class ProviderSecret(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By what a provider's deliveries are known."""

    secret: Annotated[str, Meta(min_length=8, max_length=1000)]
    """SES: the ARN of the SNS topic. Mailgun: the webhook signing key. SendGrid: the public key. Twilio: the auth
    token. Meta: the app's secret."""


class ProviderConnected(msgspec.Struct, frozen=True, kw_only=True):
    """A provider whose webhooks are taken, with what has come of it. Its secret is never shown."""

    provider: Provider
    path: str
    """Where it sends."""
    verify_token: str
    """What Meta asks for; empty for the others."""
    is_readable: bool
    """False: its secret cannot be opened with the server's key, so that nothing is taken until it is set anew."""
    made_at: str
    last_at: str | None
    accepted: int
    ignored: int
    """Those about no message of this shop, or that say nothing that is kept."""
    refused: int
    refused_at: str | None
    refused_why: str
    secret_at: str
    """When its secret was set."""
    old_secret_until: str | None
    """So long the one before counts, too."""


class ProvidersShown(msgspec.Struct, frozen=True, kw_only=True):
    """All providers whose webhooks are taken."""

    providers: list[ProviderConnected]


@get("/providers", permission="providers:read", tags=["messages"], sync_to_thread=True)
def list_providers(db: Database, principal: Principal) -> ProvidersShown:
    """Whose webhooks about messages are taken, and what has come of them."""
    return _shown(db, principal.workspace)


@put("/providers/{carrier:str}", permission="providers:write", tags=["messages"], sync_to_thread=True)
def connect_provider(db: Database, principal: Principal, carrier: str, data: ProviderSecret) -> ProvidersShown:
    """Take a provider's webhooks about messages, or give them another secret: the one before counts for a day more."""
    kind = known_provider(carrier)
    with db.write() as conn:
        store.keep_door(conn, principal.workspace, kind, data.secret.strip(), now=now_us(), by=principal.name)
    return _shown(db, principal.workspace)


@delete("/providers/{carrier:str}", permission="providers:write", status_code=200, tags=["messages"],
        sync_to_thread=True)  # fmt: skip
def disconnect_provider(db: Database, principal: Principal, carrier: str) -> ProvidersShown:
    """Take its webhooks no more; what it told stays."""
    kind = known_provider(carrier)
    with db.write() as conn:
        if not store.remove_door(conn, principal.workspace, kind, now=now_us(), by=principal.name):
            raise NotFound(f"no webhooks of {kind} are taken", hint="GET /api/v1/providers")
    return _shown(db, principal.workspace)


def _shown(db: Database, workspace: WorkspaceId) -> ProvidersShown:
    with db.read() as conn:
        slug = next(one.slug for one in all_workspaces(conn) if one.id == workspace)
        found = store.doors_of(conn, workspace)
    return ProvidersShown(providers=[_connected(door, slug) for door in found])


def path_of(provider: Provider, slug: str) -> str:
    """Where a provider sends what it tells of a shop's messages."""
    return f"/v1/webhooks/providers/{provider}/{slug}"


def _connected(door: Door, slug: str) -> ProviderConnected:
    return ProviderConnected(
        provider=door.provider, path=path_of(door.provider, slug),
        is_readable=door.is_readable, made_at=to_iso(door.made_at),
        verify_token=meta_token(door.secret) if door.provider == "meta" and door.is_readable else "",
        last_at=to_iso(door.last_at) if door.last_at else None, accepted=door.accepted, ignored=door.ignored,
        refused=door.refused, refused_at=to_iso(door.refused_at) if door.refused_at else None,
        refused_why=door.refused_why, secret_at=to_iso(door.secret_at or door.made_at),
        old_secret_until=to_iso(door.old_secret_until) if door.old_secret and door.old_secret_until else None,
    )  # fmt: skip


ROUTES = (list_providers, connect_provider, disconnect_provider)
DOORS = (take_report, greet_meta)

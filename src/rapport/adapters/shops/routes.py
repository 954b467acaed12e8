"""`POST /v1/webhooks/{shop}/{source}`, where shops send; `/api/v1/shops`, whose webhooks are taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import anyio.to_thread
import msgspec
from litestar import Request, delete, get, post, put
from litestar.params import Parameter
from msgspec import Meta

from rapport.adapters.shops import store
from rapport.adapters.shops.model import Shop, known_shop
from rapport.adapters.shops.pulling.store import remove as remove_pull
from rapport.adapters.shops.store import Door
from rapport.adapters.shops.taking import read_body, take
from rapport.adapters.shops.verifying import is_ping, topic_of, triggered_at, verify
from rapport.collect.limiter import InFlight
from rapport.collect.names import Vocabulary
from rapport.collect.sources import find_source
from rapport.collect.strange_bodies import body_of
from rapport.kernel.clock import now_us, to_iso
from rapport.kernel.errors import NotFound, Unauthenticated
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.auth import client_address

__all__ = ["DOORS", "ROUTES", "ShopConnected"]

FORGED_A_MINUTE = 120
LARGEST = 5_000_000
LARGEST_PING = 100
"""Bytes of a delivery, and of what WooCommerce sends to an address of which nothing is known yet."""
SourceId = Annotated[str, Parameter(max_length=120)]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a delivery."""

    outcome: str
    """accepted; duplicates: nothing of it was new; late: a newer one came before it; ignored: it tells nothing that is
    taken; ping."""
    facts: int = 0
    """How many it added to the log, those in quarantine among them."""
    waiting: int = 0
    """Levels of stock that wait for their product to be told."""


@post("/{shop:str}/{source_id:str}", status_code=200)
async def take_webhook(
    request: Request[Any, Any, Any], db: Database, vocabulary: Vocabulary, in_flight: InFlight, shop: str,
    source_id: str,
) -> Answer:  # fmt: skip
    """Verify a delivery by the secret of its source, and put what is new of it into the log before answering.

    Nothing is read where no webhooks are taken for it, or its sender has forged too many.
    """
    kind, shops = known_shop(shop), request.app.state.shops
    headers = {name.lower(): value for name, value in request.headers.items()}
    bucket = f"webhook {kind} {source_id[:120]}"  # many shops send from one system's addresses
    shops.refuse_over(bucket, client_address(request), a_minute=FORGED_A_MINUTE)
    is_taken = await anyio.to_thread.run_sync(_is_taken, db, kind, source_id[:120])
    if not is_taken and not _is_short(headers):
        raise _not_taken(source_id)
    async with body_of(request, in_flight, limit=LARGEST if is_taken else LARGEST_PING) as body:
        if is_ping(kind, body):
            return Answer(outcome="ping")
        if not is_taken:
            raise _not_taken(source_id)
        try:
            return await anyio.to_thread.run_sync(_take, db, vocabulary, kind, source_id[:120], headers, body)
        except Unauthenticated as error:
            shops.count(bucket, client_address(request), a_minute=FORGED_A_MINUTE)
            await anyio.to_thread.run_sync(_refuse, db, kind, source_id[:120], error.message)
            raise


def _is_short(headers: Mapping[str, str]) -> bool:
    """Whether it says that it is no longer than a ping."""
    said = headers.get("content-length", "")
    return said.isdecimal() and len(said) <= len(str(LARGEST_PING)) and int(said) <= LARGEST_PING


def _is_taken(db: Database, shop: Shop, source_id: str) -> bool:
    with db.read() as conn:
        return store.is_taken(conn, source_id, shop)


def _take(
    db: Database, vocabulary: Vocabulary, shop: Shop, source_id: str, headers: dict[str, str], body: bytes
) -> Answer:
    with db.read() as conn:
        door = _verified(store.doors_named(conn, source_id, shop), headers, body, source_id)
        source = find_source(conn, door.workspace, source_id)
    if not source.enabled:
        raise NotFound("this source is switched off", hint="switch it on in the console")
    said = read_body(body)
    with db.write() as conn:
        taken = take(
            conn, door, source, topic=topic_of(shop, headers), body=said, triggered_at=triggered_at(headers),
            now=now_us(), vocabulary=vocabulary,
        )  # fmt: skip
    return Answer(outcome=taken.outcome, facts=taken.facts, waiting=taken.waiting)


def _verified(doors: Iterable[Door], headers: dict[str, str], body: bytes, source_id: str) -> Door:
    refused: Unauthenticated | None = None
    now = now_us()
    for door in doors:
        for secret in door.secrets(now):
            try:
                verify(door.shop, headers, body, secret)
            except Unauthenticated as error:
                refused = refused or error
                continue
            return door
    raise refused or _not_taken(source_id)


def _not_taken(source_id: str) -> NotFound:
    return NotFound(f"no webhooks are taken for {source_id[:60]!r}", hint="PUT /api/v1/shops/{shop}/{source} first")


def _refuse(db: Database, shop: Shop, source_id: str, why: str) -> None:
    with db.write() as conn:
        store.refuse(conn, source_id, shop, now=now_us(), why=why)


class SecretWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The secret by which the shop signs its webhooks."""

    secret: Annotated[str, Meta(min_length=8, max_length=500)]


class ShopConnected(msgspec.Struct, frozen=True, kw_only=True):
    """A shop system whose webhooks are taken, with what has come of it. Its secret is never shown."""

    shop: Shop
    source: str
    path: str
    """Where it sends."""
    made_at: str
    last_at: str | None
    """When a delivery with a good signature came last."""
    accepted: int
    duplicates: int
    """Of the accepted ones: those with nothing new."""
    late: int
    """Of the accepted ones: those that came after a newer one."""
    ignored: int
    refused: int
    refused_at: str | None
    refused_why: str


class ShopsShown(msgspec.Struct, frozen=True, kw_only=True):
    """All shop systems whose webhooks are taken."""

    shops: list[ShopConnected]


@get("/shops", permission="shops:read", tags=["shops"], sync_to_thread=True)
def list_shops(db: Database, principal: Principal) -> ShopsShown:
    """Whose webhooks are taken, and what has come of them."""
    with db.read() as conn:
        return ShopsShown(shops=[_shown(door) for door in store.doors_of(conn, principal.workspace)])


@put("/shops/{shop:str}/{source_id:str}", permission="shops:write", tags=["shops"], sync_to_thread=True)
def connect_shop(
    db: Database, principal: Principal, shop: str, source_id: SourceId, data: SecretWanted
) -> ShopConnected:  # fmt: skip
    """Take a shop's webhooks for a source, or give them another secret: the one before counts for a day beside it."""
    kind = known_shop(shop)
    with db.write() as conn:
        source = find_source(conn, principal.workspace, source_id)
        store.keep_door(conn, principal.workspace, source.id, kind, data.secret.encode(), now=now_us())
        found = store.doors_of(conn, principal.workspace)
    return next(_shown(door) for door in found if (door.source, door.shop) == (source.id, kind))


@delete(
    "/shops/{shop:str}/{source_id:str}", permission="shops:write", status_code=200, tags=["shops"], sync_to_thread=True
)
def disconnect_shop(db: Database, principal: Principal, shop: str, source_id: SourceId) -> ShopsShown:
    """Take its webhooks no more and fetch nothing any more; what it told stays."""
    with db.write() as conn:
        remove_pull(conn, principal.workspace, source_id, known_shop(shop))
        if not store.remove_door(conn, principal.workspace, source_id, known_shop(shop)):
            raise NotFound(f"no webhooks of {shop[:40]} are taken for {source_id[:60]!r}", hint="GET /api/v1/shops")
        return ShopsShown(shops=[_shown(door) for door in store.doors_of(conn, principal.workspace)])


def _shown(door: Door) -> ShopConnected:
    return ShopConnected(
        shop=door.shop, source=door.source, path=f"/v1/webhooks/{door.shop}/{door.source}",
        made_at=to_iso(door.made_at),
        last_at=to_iso(door.last_at) if door.last_at else None, accepted=door.accepted, duplicates=door.duplicates,
        late=door.late, ignored=door.ignored, refused=door.refused,
        refused_at=to_iso(door.refused_at) if door.refused_at else None, refused_why=door.refused_why,
    )  # fmt: skip


ROUTES = (list_shops, connect_shop, disconnect_shop)
DOORS = (take_webhook,)

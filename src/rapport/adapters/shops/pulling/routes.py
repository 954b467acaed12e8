"""`/api/v1/shops/{shop}/{source}/pull`: whose lists are fetched, how far, and what went wrong."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import delete, get, post, put
from litestar.params import Parameter

from rapport.act.routes import GivenSettings
from rapport.adapters.shops.model import Shop, known_shop
from rapport.adapters.shops.pulling import service, store
from rapport.adapters.shops.pulling.service import PullWanted
from rapport.adapters.shops.pulling.store import Pull
from rapport.adapters.shops.pulling.systems import lists_of
from rapport.kernel.clock import now_us, to_iso
from rapport.kernel.errors import NotFound
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database

__all__ = ["ROUTES"]

SourceId = Annotated[str, Parameter(max_length=120)]


class PullShown(msgspec.Struct, frozen=True, kw_only=True):
    """A shop system whose lists are fetched for a source. Its key is never shown."""

    shop: Shop
    source: str
    address: str
    every_minutes: int
    enabled: bool
    version: int
    reading: str
    """The list that is read now, such as `orders`; empty while none is."""
    pages: int
    """Of the reading under way, else of the last one; likewise the things on them, and the facts that were new."""
    things: int
    facts: int
    finished_at: str | None
    """When all lists were read to their end last."""
    next_at: str
    failed_at: str | None
    """Since when it cannot go on; null after a page that was read."""
    last_error: str


@get("/shops/{shop:str}/{source_id:str}/pull", permission="shops:read", tags=["shops"], sync_to_thread=True)
def get_pull(db: Database, principal: Principal, shop: str, source_id: SourceId) -> PullShown:
    """How the fetching of a shop's lists stands."""
    with db.read() as conn:
        return _shown(_found(store.pull_of(conn, principal.workspace, source_id, known_shop(shop)), shop, source_id))


@put("/shops/{shop:str}/{source_id:str}/pull", permission="shops:write", tags=["shops"], sync_to_thread=True)
def put_pull(
    db: Database, principal: Principal, channel_settings: GivenSettings, shop: str, source_id: SourceId,
    data: PullWanted,
) -> PullShown:  # fmt: skip
    """Fetch a shop's lists again and again, so that what its webhooks lost is not lost. Begins at once."""
    with db.write() as conn:
        kept = service.keep_pull(
            conn, principal.workspace, source_id, known_shop(shop), data, allow_private=channel_settings.allow_private,
            now=now_us(),
        )  # fmt: skip
    return _shown(kept)


@post(
    "/shops/{shop:str}/{source_id:str}/pull/now", permission="shops:write", status_code=200, tags=["shops"],
    sync_to_thread=True,
)  # fmt: skip
def pull_now(db: Database, principal: Principal, shop: str, source_id: SourceId) -> PullShown:
    """Let the next reading begin at once."""
    with db.write() as conn:
        service.fetch_now(conn, principal.workspace, source_id, known_shop(shop), now=now_us())
        return _shown(_found(store.pull_of(conn, principal.workspace, source_id, known_shop(shop)), shop, source_id))


@delete(
    "/shops/{shop:str}/{source_id:str}/pull", permission="shops:write", status_code=204, tags=["shops"],
    sync_to_thread=True,
)  # fmt: skip
def delete_pull(db: Database, principal: Principal, shop: str, source_id: SourceId) -> None:
    """Fetch its lists no more and forget the key; what was read stays."""
    with db.write() as conn:
        service.remove_pull(conn, principal.workspace, source_id, known_shop(shop))


def _found(pull: Pull | None, shop: str, source_id: str) -> Pull:
    if pull is None:
        raise NotFound(f"nothing is fetched from {shop[:40]} for {source_id[:60]!r}", hint="PUT the same address first")
    return pull


def _shown(pull: Pull) -> PullShown:
    return PullShown(
        shop=pull.shop, source=pull.source, address=pull.address, every_minutes=pull.every_minutes,
        enabled=pull.enabled, version=pull.version, reading=lists_of(pull.shop, pull.place)[0] if pull.place else "",
        pages=pull.pages, things=pull.things, facts=pull.facts, finished_at=_iso(pull.finished_at),
        next_at=to_iso(pull.next_at), failed_at=_iso(pull.failed_at), last_error=pull.last_error,
    )  # fmt: skip


def _iso(at: int | None) -> str | None:
    return None if at is None else to_iso(at)


ROUTES = (get_pull, put_pull, pull_now, delete_pull)

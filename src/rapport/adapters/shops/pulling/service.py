"""Deciding of a pull: whose lists are read, how often, with which key."""

from __future__ import annotations

import secrets
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta
from sqlalchemy import Connection

from rapport.act.addresses import checked_url, refuse_private
from rapport.adapters.shops import store as doors
from rapport.adapters.shops.model import Shop
from rapport.adapters.shops.pulling import store
from rapport.adapters.shops.pulling.jobs import hurry
from rapport.adapters.shops.pulling.store import Pull
from rapport.collect.sources import find_source
from rapport.kernel.clock import DAY
from rapport.kernel.errors import Conflict, InvalidInput, Misconfigured, NotFound
from rapport.kernel.ids import WorkspaceId

__all__ = ["PullWanted", "fetch_now", "keep_pull", "remove_pull"]


class PullWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose lists are to be read, and how often."""

    address: Annotated[str, Meta(max_length=300)]
    """Where the shop's API is: `https://example.myshopify.com`."""
    access: Annotated[str, Meta(max_length=500)] = ""
    """The key: Shopify's Admin API access token, WooCommerce's consumer key and secret with a colon between them,
    Medusa's secret API key, Saleor's app token. Empty keeps the one there is."""
    every_minutes: Annotated[int, Meta(ge=5, le=10_080)] = 60
    orders_days: Annotated[int, Meta(ge=0, le=3_650)] = 60
    """How many days back orders are read the first time, and again where they become more. Products and stock are read
    whole."""
    enabled: bool = True
    version: Annotated[int, Meta(ge=0)] | None = None
    """That of the pull this was made from (0: there was none): refused where somebody changed it since."""


def keep_pull(
    conn: Connection, workspace: WorkspaceId, source: str, shop: Shop, wanted: PullWanted, *,
    allow_private: bool, now: int,
) -> Pull:  # fmt: skip
    """Read a shop's lists for a source from now on, or otherwise than before. Raises InvalidInput, NotFound, Conflict.

    A key is never handed to another address than the one it was typed for.
    """
    found = find_source(conn, workspace, source)
    before = store.pull_of(conn, workspace, found.id, shop)
    if wanted.version not in (None, before.version if before else 0):
        raise Conflict("somebody else changed this meanwhile", hint="look at it again, then save")
    address = _address(wanted.address, allow_private=allow_private)
    is_other_shop = before is None or before.address != address
    access = wanted.access.strip() or _kept(conn, before, is_other_shop=is_other_shop)
    _check_access(shop, access)
    if not doors.is_taken(conn, found.id, shop, workspace=workspace):
        doors.keep_door(conn, workspace, found.id, shop, secrets.token_hex(32).encode(), now=now)
    orders_since = now - wanted.orders_days * DAY
    reaches_back = before is not None and orders_since < before.orders_since  # what is older was never asked for
    kept = Pull(
        workspace=workspace, source=found.id, shop=shop, address=address, every_minutes=wanted.every_minutes,
        orders_since=orders_since, enabled=wanted.enabled,
        version=before.version + 1 if before else 1, reached=0, began_at=None, place=None, next_at=now,
        leased_until=0, pages=0, things=0, facts=0, finished_at=None, failed_at=None, last_error="",
    )  # fmt: skip
    store.keep(conn, kept, access, is_anew=is_other_shop or reaches_back)
    hurry(conn, workspace, found.id, shop, now=now)
    return store.pull_of(conn, workspace, found.id, shop) or kept


def remove_pull(conn: Connection, workspace: WorkspaceId, source: str, shop: Shop) -> None:
    """Read its lists no more, and forget the key; what was read stays. Raises NotFound."""
    if not store.remove(conn, workspace, source, shop):
        raise NotFound(f"nothing is fetched from {shop} for {source[:60]!r}")


def fetch_now(conn: Connection, workspace: WorkspaceId, source: str, shop: Shop, *, now: int) -> None:
    """Let its next reading begin at once. Raises NotFound, and Conflict where it is switched off."""
    if store.ask_soon(conn, workspace, source, shop, now=now):
        return hurry(conn, workspace, source, shop, now=now)
    if store.pull_of(conn, workspace, source, shop) is None:
        raise NotFound(f"nothing is fetched from {shop} for {source[:60]!r}", hint="connect it first")
    raise Conflict(f"fetching from {shop} is switched off", hint="switch it on first")


def _address(said: str, *, allow_private: bool) -> str:
    plain = checked_url(said).rstrip("/")
    parts = urlsplit(plain)
    if parts.query or parts.fragment:
        raise InvalidInput(f"{plain[:100]!r} has more than an address", hint="such as https://example.myshopify.com")
    if not allow_private:
        refuse_private(plain)
        if parts.scheme != "https":
            raise InvalidInput("without TLS the key would be read on the way", hint="an address of https://")
    return plain


def _kept(conn: Connection, before: Pull | None, *, is_other_shop: bool) -> str:
    if before is None or is_other_shop:
        raise InvalidInput("the access key is needed", hint="for another address it has to be typed anew")
    try:
        return store.key_of_access(conn, before)
    except Misconfigured:
        raise InvalidInput("the access key cannot be opened any more", hint="type it in anew") from None


def _check_access(shop: Shop, access: str) -> None:
    if not access.isascii() or not access.isprintable() or " " in access:
        raise InvalidInput("an access key has no blanks and no signs but ASCII", hint="copy it once more")
    if shop == "woocommerce" and ":" not in access:
        raise InvalidInput(
            "WooCommerce's key has two parts", hint="consumer key and consumer secret with a colon between: ck_…:cs_…"
        )

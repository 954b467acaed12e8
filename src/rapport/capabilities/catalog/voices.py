"""Whose word about a product counts: the shop's statement, then its servers, then what visitors' browsers say.

A key that every visitor can read takes nothing away from what the shop says, and leads nobody to another site: of a
product that the shop states browsers add an address and a picture alone, and both only on sites that the shop uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Connection, Integer, MetaData, Table

from rapport.capabilities.catalog.entry import Entry, price_at
from rapport.capabilities.catalog.model import Description, Product
from rapport.capabilities.catalog.settings import CATALOG_SETTINGS
from rapport.capabilities.catalog.stating import Statement
from rapport.collect.model import CLIENT_KINDS, IMPORT_SOURCE
from rapport.collect.store import sources
from rapport.kernel.clock import SECOND
from rapport.kernel.facts import OWN_SOURCE
from rapport.kernel.ids import WorkspaceId
from rapport.storage import settings
from rapport.storage.bulk import insert_ignore
from rapport.storage.engine import CText

__all__ = [
    "BROWSERS",
    "SHOP",
    "STATED",
    "Voices",
    "at_home",
    "description_of",
    "host_of",
    "hosts",
    "joined",
    "save_hosts",
    "sites",
]

BROWSERS, SHOP, STATED = 0, 1, 2
"""Who says it, the later before the earlier."""
_KNOWN_FOR = 30 * SECOND
_SITES = 2_000

hosts = Table(
    "catalog_hosts", MetaData(), Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("host", CText, primary_key=True), Column("pictures", Boolean, primary_key=True),
)  # fmt: skip
"""Sites that the shop itself led to, in its statements and by its servers; with `pictures` those of pictures alone."""


class Voices:
    """Which facts came with a key that every visitor can read."""

    def __init__(self) -> None:
        self._known: dict[WorkspaceId, tuple[int, Mapping[str, bool]]] = {}

    def of(self, conn: Connection, workspace: WorkspaceId, source: str, now: int) -> int:
        """Who speaks by this source. A kind that somebody changes is taken up within half a minute."""
        read_at, public = self._known.get(workspace, (0, {}))
        if now - read_at > _KNOWN_FOR or source not in (*public, OWN_SOURCE, IMPORT_SOURCE):
            query = sa.select(sources.c.id, sources.c.kind).where(sources.c.workspace == workspace)
            public = {source: False} | {row.id: row.kind in CLIENT_KINDS for row in conn.execute(query)}
            self._known[workspace] = (now, public)
        return BROWSERS if public.get(source) else SHOP


def description_of(statement: Statement) -> Description:
    """A statement, as products are known to whoever needs little of them; its price is the lowest one then."""
    entry, at = statement.entry, statement.stated_at
    held = (price_at(entry.prices_of(piece), now=at) for piece in entry.pieces)
    price = min((one for one in held if one), key=lambda one: one.price_minor, default=None)
    currency = price.currency if price else entry.cost_currency
    return Description(
        statement.workspace, entry.product_id, entry.name, entry.category, entry.brand,
        price.price_minor if price else None,
        entry.cost_minor if entry.cost_currency == currency else None, currency, entry.url, _picture(entry), at,
        statement.fact,
    )  # fmt: skip


def joined(said: Mapping[int, Product]) -> tuple[Product, frozenset[str]]:
    """What is known of a product by what each says, and which addresses of it only browsers told."""
    told = [said[voice] for voice in sorted(said, reverse=True)]
    of_shop = [said[voice] for voice in sorted(said, reverse=True) if voice != BROWSERS]
    believed = of_shop if STATED in said else told
    price = next((one for one in believed if one.price_minor is not None), None)
    costs = (one for one in of_shop if one.cost_minor is not None and (not price or one.currency == price.currency))
    cost = next(costs, None)
    priced = price or cost
    url, image_url = (_first(told, name) for name in ("url", "image_url"))
    known = Product(
        product_id=told[0].product_id, name=_first(believed, "name"), category=_first(believed, "category"),
        brand=_first(believed, "brand"), price_minor=price.price_minor if price else None,
        cost_minor=cost.cost_minor if cost else None, currency=priced.currency if priced else None, url=url,
        image_url=image_url, last_seen_at=max(one.last_seen_at for one in told),
    )  # fmt: skip
    addresses = {"url": url, "image_url": image_url}
    return known, frozenset(name for name, one in addresses.items() if one and _first(of_shop, name) is None)


def _first(told: Iterable[Product], name: str) -> str | None:
    return next((value for one in told if (value := getattr(one, name)) is not None), None)


def host_of(address: str) -> str | None:
    """The site that an address leads to: empty for a path on the shop's own, None for what may lead anywhere.

    >>> host_of("https://www.shop.example/p"), host_of("/p"), host_of("//evil.example/p")
    ('shop.example', '', None)
    """
    if "\\" in address or any(sign <= " " for sign in address) or address.startswith("//"):
        return None
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return None
    if not parts.scheme and not parts.netloc:
        return "" if address.startswith("/") else None
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or not host:
        return None
    return host.removeprefix("www.")


def at_home(address: str | None, *, sites: Mapping[str, bool], picture: bool) -> bool:
    """Whether an address that a browser told leads nowhere but to the shop."""
    host = host_of(address) if address else None
    return host is not None and (not host or (host in sites and (picture or not sites[host])))


def sites(conn: Connection, workspace: WorkspaceId) -> dict[str, bool]:
    """The shop's sites: those it says are its own, and those it led to itself; True: with nothing but pictures."""
    query = sa.select(hosts.c.host, hosts.c.pictures).where(hosts.c.workspace == workspace)
    known = {row[0]: bool(row[1]) for row in conn.execute(query.order_by(hosts.c.pictures.desc()).limit(_SITES))}
    said = settings.load(conn, workspace, CATALOG_SETTINGS).value.sites
    own = (host_of(one if "://" in one else f"https://{one}") for one in said.lower().replace(",", " ").split())
    return known | {host: False for host in own if host}


def save_hosts(conn: Connection, described: Iterable[Description], stated: Iterable[Statement]) -> None:
    """Note which sites the shop leads to."""
    found = {(one.workspace, host_of(one.url or ""), False) for one in described}
    found |= {(one.workspace, host_of(one.image_url or ""), True) for one in described}
    for workspace, entry, _, _ in stated:
        pages = (entry.url, *(piece.url for piece in entry.variants))
        pictures = (*(medium.url for medium in entry.media), *(piece.image_url for piece in entry.variants))
        found |= {(workspace, host_of(one), False) for one in pages if one}
        found |= {(workspace, host_of(one), True) for one in pictures if one}
    rows = sorted((workspace, host, pictures) for workspace, host, pictures in found if host)
    insert_ignore(
        conn, hosts, [dict(zip(("workspace", "host", "pictures"), row, strict=True)) for row in rows],
        key=("workspace", "host", "pictures"),
    )  # fmt: skip


def _picture(entry: Entry) -> str | None:
    return next((medium.url for medium in entry.media if medium.kind == "image"), None)

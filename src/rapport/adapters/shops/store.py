"""Tables of shops' webhooks: whose are taken with which secret, what was heard of each thing last, what waits."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, MetaData, Table

from rapport.adapters.shops.model import Shop, StockItem
from rapport.collect.statements import order_statements
from rapport.kernel.clock import DAY
from rapport.kernel.errors import Misconfigured
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage.bulk import chunks, upsert
from rapport.storage.engine import CText
from rapport.storage.lookup import CHUNK
from rapport.storage.resealing import SecretPlace
from rapport.storage.sealing import opened, sealed, state_of

__all__ = [
    "OVERLAP",
    "SECRETS",
    "Door",
    "Heard",
    "Waiting",
    "count",
    "door_of",
    "doors",
    "doors_named",
    "doors_of",
    "find_items",
    "forget_orders",
    "forget_waiting",
    "heard",
    "hold",
    "hold_door",
    "is_taken",
    "keep_door",
    "objects",
    "refuse",
    "remember",
    "remember_items",
    "remove_door",
    "stock_items",
    "telling_no_stock",
    "waiting",
    "waiting_for",
]  # fmt: skip

_logger = logging.getLogger(__name__)
_metadata = MetaData()
OVERLAP = DAY
"""How long the secret before still counts: Shopify signs by it for up to an hour, and sends for hours what failed."""
_PAGE = 100
_told_closed: set[tuple[WorkspaceId, str, str]] = set()
"""Each is told once by a process, however many deliveries come to it."""
_COUNTS = ("accepted", "duplicates", "late", "ignored", "refused")


def _workspace() -> Column[int]:
    return Column("workspace", Integer, primary_key=True, autoincrement=False)


def _key(name: str) -> Column[str]:
    return Column(name, CText, primary_key=True)


doors = Table(
    "shops_doors", _metadata, _workspace(), _key("source"), _key("shop"), Column("secret", LargeBinary, nullable=False),
    Column("made_at", BigInteger, nullable=False), Column("last_at", BigInteger),
    *(Column(name, BigInteger, nullable=False) for name in _COUNTS), Column("refused_at", BigInteger),
    Column("refused_why", CText, nullable=False), Column("old_secret", LargeBinary),
    Column("old_secret_until", BigInteger),
)  # fmt: skip
objects = Table(
    "shops_objects", _metadata, _workspace(), _key("source"), _key("kind"), _key("object_id"),
    Column("digest", CText, nullable=False), Column("changed_at", BigInteger, nullable=False),
)  # fmt: skip
"""Orders, products and levels with a digest of what they were when they were heard of last, keyed by the secret."""

stock_items = Table(
    "shops_stock_items", _metadata, _workspace(), _key("source"), _key("item"),
    Column("product_id", CText, nullable=False), Column("variant", CText, nullable=False),
)  # fmt: skip
waiting = Table(
    "shops_waiting_levels", _metadata, _workspace(), _key("source"), _key("item"), _key("location_id"),
    Column("changed_at", BigInteger, nullable=False), Column("body", LargeBinary, nullable=False),
)  # fmt: skip
"""Levels of stock items whose product is not known yet: the latest of each place, as the fact that it will be."""


class Door(NamedTuple):
    """One shop system whose webhooks are taken for a source."""

    workspace: WorkspaceId
    source: str
    shop: Shop
    secret: bytes
    made_at: int
    last_at: int | None
    accepted: int
    duplicates: int
    late: int
    ignored: int
    refused: int
    refused_at: int | None
    refused_why: str
    old_secret: bytes | None = None
    old_secret_until: int | None = None

    def secrets(self, now: int) -> list[bytes]:
        """Those by which a delivery may be signed: the one before the last change for a while beside it."""
        overlaps = self.old_secret is not None and self.old_secret_until is not None and now < self.old_secret_until
        return [self.secret, self.old_secret] if overlaps and self.old_secret is not None else [self.secret]


class Heard(NamedTuple):
    """What a thing was when it was heard of last."""

    digest: str
    """Empty where it ended before anything was told of it."""
    changed_at: int


class Waiting(NamedTuple):
    """A level whose product is not known yet, as the fact that it will be."""

    item: str
    location_id: str
    changed_at: int
    fact: dict[str, Any]


def keep_door(conn: Connection, workspace: WorkspaceId, source: str, shop: Shop, secret: bytes, *, now: int) -> None:
    """Take a shop's webhooks for a source, or give it another secret; the one before counts for `OVERLAP` more.

    It lies sealed where there is a key for that. One that is kept and that no key opens is followed by the new one.
    """
    about = _about(workspace, source, shop)
    c = doors.c
    mine = (c.workspace == workspace, c.source == source, c.shop == shop)
    before = conn.execute(sa.select(c.secret).where(*mine).with_for_update()).scalar()
    is_closed = before is not None and state_of(bytes(before), about=about) == "closed"
    if before is not None and not is_closed and opened(bytes(before), about=about) == secret:
        return
    row = {"workspace": workspace, "source": source, "shop": shop, "secret": sealed(secret, about=about),
           "made_at": now, "last_at": None, **dict.fromkeys(_COUNTS, 0), "refused_at": None, "refused_why": "",
           "old_secret": before, "old_secret_until": now + OVERLAP}  # fmt: skip
    # Nothing can be compared with one that no key opens, or be signed by it: the one before it stays where it is.
    changing = ("secret",) if is_closed else ("secret", "old_secret", "old_secret_until")
    upsert(conn, doors, [row], key=("workspace", "source", "shop"), update=changing)


def remove_door(conn: Connection, workspace: WorkspaceId, source: str, shop: Shop) -> bool:
    """Take them no more. Returns whether they were."""
    c = doors.c
    mine = (c.workspace == workspace, c.source == source, c.shop == shop)
    return conn.execute(sa.delete(doors).where(*mine)).rowcount > 0


def doors_of(conn: Connection, workspace: WorkspaceId) -> list[Door]:
    """All of a workspace, by source; their secrets as they lie there, sealed perhaps."""
    query = sa.select(doors).where(doors.c.workspace == workspace).order_by(doors.c.source, doors.c.shop)
    return [Door._make(row) for row in conn.execute(query)]


def telling_no_stock(conn: Connection, workspace: WorkspaceId, *, made_before: int) -> list[str]:
    """Sources of Shopify's that told of a product and never of a level, though they have been taken so long; a few."""
    d, o, w = doors.c, objects.c, waiting.c

    def told(kind: str) -> sa.ColumnElement[bool]:
        return sa.exists().where(o.workspace == d.workspace, o.source == d.source, o.kind == kind)

    held = sa.exists().where(w.workspace == d.workspace, w.source == d.source)
    query = sa.select(d.source).where(
        d.workspace == workspace, d.shop == "shopify", d.made_at < made_before, told("product"), ~told("level"), ~held
    )
    return list(conn.execute(query.order_by(d.source).limit(5)).scalars())


def doors_named(conn: Connection, source: str, shop: str) -> Iterator[Door]:
    """Those of any workspace with this source and shop, a page at a time; the signature tells which is meant.

    One whose secret lies sealed and nothing opens it is left out and told in the log: the others are no worse for it.
    Raises Misconfigured at the end, where that is so of all of them.
    """
    query = sa.select(doors).where(doors.c.source == source, doors.c.shop == shop).order_by(doors.c.workspace)
    after, is_any_open, closed = -1, False, None
    while found := [Door._make(row) for row in conn.execute(query.where(doors.c.workspace > after).limit(_PAGE))]:
        for door in found:
            try:
                readable = _readable(door)
            except Misconfigured as error:
                closed = error
                _tell_closed(door)
                continue
            is_any_open = True
            yield readable
        after = found[-1].workspace
    if closed is not None and not is_any_open:
        raise closed


def door_of(conn: Connection, workspace: WorkspaceId, source: str, shop: str) -> Door | None:
    """That of a workspace; None where none is taken. Raises Misconfigured where nothing opens its secret."""
    d = doors.c
    row = conn.execute(sa.select(doors).where(d.workspace == workspace, d.source == source, d.shop == shop)).first()
    return None if row is None else _readable(Door._make(row))


def is_taken(conn: Connection, source: str, shop: str, *, workspace: WorkspaceId | None = None) -> bool:
    """Whether anybody, or that workspace, takes webhooks for this source and shop; no secret is opened for it."""
    query = sa.select(doors.c.made_at).where(doors.c.source == source, doors.c.shop == shop)
    if workspace is not None:
        query = query.where(doors.c.workspace == workspace)
    return conn.execute(query.limit(1)).first() is not None


def _readable(door: Door) -> Door:
    about = _about(door.workspace, door.source, door.shop)
    return door._replace(secret=opened(bytes(door.secret), about=about), old_secret=_old_one(door, about))


def _old_one(door: Door, about: str) -> bytes | None:
    """None, too, where nothing opens it: it counts for a day beside the secret that does."""
    try:
        return None if door.old_secret is None else opened(bytes(door.old_secret), about=about)
    except Misconfigured:
        return None


def _tell_closed(door: Door) -> None:
    key = (door.workspace, door.source, door.shop)
    if key not in _told_closed:
        _told_closed.add(key)
        _logger.warning("no key opens the secret of webhooks of %s for %r of shop %d: they are refused", door.shop,
                        door.source, door.workspace)  # fmt: skip


def _about(workspace: WorkspaceId, source: str, shop: str) -> str:
    return f"shops_doors:{workspace}:{source}:{shop}"


SECRETS = tuple(
    SecretPlace(doors, column, lambda row: _about(row["workspace"], row["source"], row["shop"]))
    for column in ("secret", "old_secret")
)


def refuse(conn: Connection, source: str, shop: str, *, now: int, why: str) -> None:
    """Count a delivery whose signature was none of theirs, at each of those that it may have been meant for."""
    mine = (doors.c.source == source, doors.c.shop == shop)
    values = {"refused": doors.c.refused + 1, "refused_at": now, "refused_why": why[:200]}
    conn.execute(sa.update(doors).where(*mine).values(values))


def count(conn: Connection, door: Door, outcome: str, *, now: int) -> None:
    """Count a delivery. The row stays held until the transaction ends, so one delivery of a door is taken at a time."""
    c = doors.c
    values: dict[str, Any] = {outcome: doors.c[outcome] + 1, "last_at": now}
    mine = (c.workspace == door.workspace, c.source == door.source, c.shop == door.shop)
    conn.execute(sa.update(doors).where(*mine).values(values))


def hold_door(conn: Connection, door: Door) -> None:
    """Hold the row until the transaction ends, as counting a delivery does, and count nothing."""
    c = doors.c
    mine = (c.workspace == door.workspace, c.source == door.source, c.shop == door.shop)
    conn.execute(sa.update(doors).where(*mine).values(late=c.late))


def heard(conn: Connection, door: Door, things: Collection[tuple[str, str]]) -> dict[tuple[str, str], Heard]:
    """What these things, given as kind and id, were when they were heard of last."""
    c = objects.c
    found: dict[tuple[str, str], Heard] = {}
    for kind in {kind for kind, _ in things}:
        query = sa.select(c.object_id, c.digest, c.changed_at).where(c.kind == kind)
        for mine in _mine(door, c.object_id, [object_id for other, object_id in things if other == kind]):
            found |= {(kind, row[0]): Heard(row[1], row[2]) for row in conn.execute(query.where(mine))}
    return found


def remember(conn: Connection, door: Door, things: Mapping[tuple[str, str], Heard]) -> None:
    """Keep what these things, given as kind and id, are now."""
    rows = [
        {"workspace": door.workspace, "source": door.source, "kind": kind, "object_id": object_id, **one._asdict()}
        for (kind, object_id), one in sorted(things.items())
    ]
    upsert(conn, objects, rows, key=("workspace", "source", "kind", "object_id"), update=("digest", "changed_at"))


def forget_orders(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> int:
    """Forget what was heard of the orders of a person with these strands; returns how many."""
    o, s = objects.c, order_statements.c
    gone = 0
    for some in chunks(sorted(keys), 500):
        theirs = sa.select(s.order_id).where(s.workspace == workspace, s.strand.in_(some), ~s.unverified)
        query = objects.delete().where(o.workspace == workspace, o.kind == "order", o.object_id.in_(theirs))
        gone += conn.execute(query).rowcount
    return gone


def find_items(conn: Connection, door: Door, items: Collection[str]) -> dict[str, StockItem]:
    """The products of these stock items; unknown ones are missing."""
    c = stock_items.c
    query = sa.select(c.item, c.product_id, c.variant)
    found = (row for mine in _mine(door, c.item, items) for row in conn.execute(query.where(mine)))
    return {row[0]: StockItem(*row) for row in found}


def remember_items(conn: Connection, door: Door, items: Sequence[StockItem]) -> None:
    """Keep which products these stock items are."""
    latest = {item.item: item for item in items}
    rows = [{"workspace": door.workspace, "source": door.source, **item._asdict()} for item in latest.values()]
    upsert(conn, stock_items, rows, key=("workspace", "source", "item"), update=("product_id", "variant"))


def hold(conn: Connection, door: Door, levels: Sequence[Waiting]) -> None:
    """Keep levels until their products are known; of each place the newest."""
    newest: dict[tuple[str, str], Waiting] = {}
    for one in sorted(levels, key=lambda level: level.changed_at):
        newest[one.item, one.location_id] = one
    rows = [
        {"workspace": door.workspace, "source": door.source, "item": one.item, "location_id": one.location_id,
         "changed_at": one.changed_at, "body": msgspec.json.encode(one.fact)}
        for one in newest.values()
    ]  # fmt: skip
    newer = "excluded.changed_at > shops_waiting_levels.changed_at"
    key = ("workspace", "source", "item", "location_id")
    upsert(conn, waiting, rows, key=key, update=("changed_at", "body"), where=newer)


def waiting_for(conn: Connection, door: Door, items: Collection[str]) -> list[tuple[str, dict[str, Any]]]:
    """The levels that wait for these stock items, each with its item."""
    c = waiting.c
    query = sa.select(c.item, c.body)
    found = (row for mine in _mine(door, c.item, items) for row in conn.execute(query.where(mine)))
    return [(row[0], msgspec.json.decode(row[1], type=dict[str, Any])) for row in found]


def forget_waiting(conn: Connection, door: Door, items: Collection[str]) -> None:
    """They wait no more."""
    c = waiting.c
    for mine in _mine(door, c.item, items):
        conn.execute(sa.delete(waiting).where(mine))


def _mine(door: Door, column: Column[str], names: Collection[str]) -> Iterator[sa.ColumnElement[bool]]:
    """The rows of a door with one of these names: a condition for each 500, along the primary key."""
    c = column.table.c
    for some in chunks(names, CHUNK):
        yield sa.and_(c.workspace == door.workspace, c.source == door.source, column.in_(some))

"""Tables of supply, and what is asked of them. The latest statement holds, whatever order they arrive in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Connection, Index, Integer, LargeBinary, MetaData, Table

from rapport.capabilities.supply.bundles import Bundle, Part
from rapport.capabilities.supply.model import Level, Location
from rapport.kernel.ids import WorkspaceId
from rapport.storage.bulk import insert_ignore, upsert
from rapport.storage.engine import CText
from rapport.storage.lookup import select_among
from rapport.storage.prepared import Prepared

__all__ = [
    "Summed",
    "bundles",
    "bundles_after",
    "find_bundles",
    "find_locations",
    "levels",
    "levels_at",
    "levels_of_parts",
    "levels_of_product",
    "locations",
    "lying",
    "save_bundles",
    "save_levels",
    "save_locations",
    "summed",
]

_metadata = MetaData()

locations = Table(
    "supply_locations",
    _metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("location_id", CText, primary_key=True),
    Column("name", CText, nullable=False),
    Column("ships", Boolean, nullable=False),
    Column("pickup", Boolean, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("place", LargeBinary, nullable=False),
    Column("stated_at", BigInteger, nullable=False),
    Column("fact", CText, nullable=False),
)
"""`place` is all of a `Location`, as JSON. One that only levels name was stated at 0."""

levels = Table(
    "supply_levels",
    _metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("product_id", CText, primary_key=True),
    Column("variant", CText, primary_key=True),
    Column("location_id", CText, primary_key=True),
    Column("on_hand", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Column("incoming", BigInteger, nullable=False),
    Column("incoming_at", BigInteger),
    Column("stated_at", BigInteger, nullable=False),
    Column("fact", CText, nullable=False),
    Column("net", Boolean, nullable=False, server_default=sa.false()),
    Index("supply_levels_at", "workspace", "location_id", "product_id"),
)

bundles = Table(
    "supply_bundles", _metadata, Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("bundle", CText, primary_key=True), Column("parts", LargeBinary, nullable=False),
    Column("stated_at", BigInteger, nullable=False), Column("fact", CText, nullable=False),
)  # fmt: skip
"""`parts` is a list of `Part`, as JSON; an empty one is of what is no bundle any more."""

_KEY = ("workspace", "product_id", "variant", "location_id")


class Summed(NamedTuple):
    """What some locations have of a product together."""

    product_id: str
    available: int
    fresh: int
    """Levels that are recent enough to be known; only these were summed."""
    all: int
    oldest: int | None
    """When the oldest of the fresh ones was stated."""
    newest: int
    """When any was stated last."""


def save_levels(conn: Connection, stated: Iterable[Level]) -> None:
    """Keep the latest statement of each product in each place; a place that nobody described is known by its id."""
    latest: dict[tuple[object, ...], Level] = {}
    for level in stated:
        key = level[:4]
        if key not in latest or (latest[key].stated_at, latest[key].fact) < (level.stated_at, level.fact):
            latest[key] = level
    rows = [latest[key]._asdict() for key in sorted(latest)]
    upsert(conn, levels, rows, key=_KEY, update=_changing(levels, _KEY), where=_newer("supply_levels"))
    named = sorted({(level.workspace, level.location_id) for level in latest.values()})
    places = [(ws, Location(location_id=place, name=place), 0, "") for ws, place in named]
    insert_ignore(conn, locations, [_row(*place) for place in places], key=("workspace", "location_id"))


def save_locations(conn: Connection, stated: Iterable[tuple[WorkspaceId, Location, int, str]]) -> None:
    """Keep the latest statement of each location, given with its time and fact."""
    latest: dict[tuple[WorkspaceId, str], tuple[WorkspaceId, Location, int, str]] = {}
    for one in sorted(stated, key=lambda one: (one[2], one[3])):
        latest[one[0], one[1].location_id] = one
    rows = [_row(*latest[key]) for key in sorted(latest)]
    key = ("workspace", "location_id")
    upsert(conn, locations, rows, key=key, update=_changing(locations, key), where=_newer("supply_locations"))


def find_locations(conn: Connection, workspace: WorkspaceId) -> dict[str, Location]:
    """All locations of a shop by id, by name."""
    return dict(_read_locations(tuple(row[0] for row in _LOCATIONS.rows(conn, ws=workspace))))


@lru_cache(maxsize=64)
def _read_locations(bodies: tuple[bytes, ...]) -> Mapping[str, Location]:
    """They seldom change, and each decision asks for them."""
    found = [_decode(body) for body in bodies]
    return {location.location_id: location for location in found}


def summed(
    conn: Connection, workspace: WorkspaceId, product_ids: Collection[str] | None, places: Sequence[str], *, since: int
) -> dict[str, Summed]:
    """What these locations have of each product (of all for None) together; stated before `since` it is not known.

    A statement for each 500 products, one for all; one without any level there is missing.
    """
    if not places:
        return {}
    asked = {"ws": workspace, "places": list(places), "since": since}
    if product_ids is None:
        rows = _SUMMED.rows(conn, **asked)
    else:
        rows = _SUMMED_AMONG.among(conn, "ids", dict.fromkeys(product_ids), **asked)
    return {row[0]: Summed(row[0], int(row[1]), int(row[2]), *row[3:]) for row in rows}


def _summed() -> sa.Select[*tuple[Any, ...]]:
    c = levels.c
    fresh = c.stated_at >= sa.bindparam("since", type_=BigInteger)
    left = sa.case((c.on_hand > c.reserved, c.on_hand - c.reserved), else_=0)
    return sa.select(
        c.product_id, sa.func.sum(sa.case((fresh, left), else_=0)), sa.func.sum(sa.case((fresh, 1), else_=0)),
        sa.func.count(), sa.func.min(sa.case((fresh, c.stated_at))), sa.func.max(c.stated_at),
    ).where(
        c.workspace == sa.bindparam("ws"), c.location_id.in_(sa.bindparam("places", expanding=True))
    ).group_by(c.product_id)  # fmt: skip


_LOCATIONS = Prepared(
    sa.select(locations.c.place)
    .where(locations.c.workspace == sa.bindparam("ws"))
    .order_by(locations.c.name, locations.c.location_id)
)
_SUMMED = Prepared(_summed())
_SUMMED_AMONG = Prepared(_summed().where(levels.c.product_id.in_(sa.bindparam("ids", expanding=True))))


def lying(
    conn: Connection, workspace: WorkspaceId, product_ids: Collection[str], places: Sequence[str], *, since: int
) -> dict[str, tuple[int, int, int | None]]:
    """By product: pieces that lie in these locations, when the oldest of these levels was stated, and when more are
    expected. One with a level stated before `since`, or net, is missing: nobody knows how many lie there.
    """
    c = levels.c
    due = sa.func.min(sa.case((c.incoming > 0, c.incoming_at)))
    net = sa.func.sum(sa.case((c.net, 1), else_=0))
    query = sa.select(c.product_id, sa.func.sum(c.on_hand), sa.func.min(c.stated_at), due).where(
        c.location_id.in_(places)
    ).group_by(c.product_id).having(sa.func.min(c.stated_at) >= since, net == 0)  # fmt: skip
    rows = select_among(conn, query, workspace, c.product_id, dict.fromkeys(product_ids)) if places else ()
    return {row[0]: (int(row[1]), int(row[2]), row[3]) for row in rows}


def levels_of_parts(
    conn: Connection, workspace: WorkspaceId, product_ids: Collection[str], places: Collection[str] | None
) -> list[Level]:
    """All levels of these products in these places (in all for None). A statement for each 500."""
    query = sa.select(levels)
    if places is not None:
        query = query.where(levels.c.location_id.in_(places))
    rows = select_among(conn, query, workspace, levels.c.product_id, dict.fromkeys(product_ids))
    return [Level._make(row) for row in rows]


def levels_of_product(conn: Connection, workspace: WorkspaceId, product_id: str) -> list[Level]:
    """All levels of one product, by location and variant."""
    c = levels.c
    query = sa.select(levels).where(c.workspace == workspace, c.product_id == product_id)
    return [Level._make(row) for row in conn.execute(query.order_by(c.location_id, c.variant).limit(2_000))]


def levels_at(conn: Connection, workspace: WorkspaceId, *, since: int) -> dict[str, tuple[int, int, int, int]]:
    """By location: products with a level, of these sold out, of these stated before `since`, and the last statement."""
    c = levels.c
    gone, old = sa.case((c.on_hand <= c.reserved, 1), else_=0), sa.case((c.stated_at < since, 1), else_=0)
    query = (
        sa.select(c.location_id, sa.func.count(), sa.func.sum(gone), sa.func.sum(old), sa.func.max(c.stated_at))
        .where(c.workspace == workspace)
        .group_by(c.location_id)
    )
    return {row[0]: (int(row[1]), int(row[2]), int(row[3]), int(row[4])) for row in conn.execute(query)}


def _row(workspace: WorkspaceId, location: Location, stated_at: int, fact: str) -> dict[str, object]:
    return {
        "workspace": workspace, "location_id": location.location_id, "name": location.name, "ships": location.ships,
        "pickup": location.pickup, "open": location.open, "place": msgspec.json.encode(location),
        "stated_at": stated_at, "fact": fact,
    }  # fmt: skip


def _changing(table: Table, key: Sequence[str]) -> list[str]:
    return [column.name for column in table.columns if column.name not in key]


def _newer(table: str) -> str:
    # The same fact again may be read otherwise by now.
    return f"(excluded.stated_at, excluded.fact) >= ({table}.stated_at, {table}.fact)"


_decode = msgspec.json.Decoder(Location).decode


def save_bundles(conn: Connection, stated: Iterable[Bundle]) -> None:
    """Keep the latest statement of each bundle."""
    latest: dict[tuple[WorkspaceId, str], Bundle] = {}
    for one in sorted(stated, key=lambda one: (one.stated_at, one.fact)):
        latest[one.workspace, one.product_id] = one
    rows = [
        {"workspace": one.workspace, "bundle": one.product_id, "parts": msgspec.json.encode(one.parts),
         "stated_at": one.stated_at, "fact": one.fact}
        for _, one in sorted(latest.items())
    ]  # fmt: skip
    newer = "(excluded.stated_at, excluded.fact) >= (supply_bundles.stated_at, supply_bundles.fact)"
    upsert(
        conn, bundles, rows, key=("workspace", "bundle"), update=("parts", "stated_at", "fact"), where=newer
    )  # fmt: skip


def find_bundles(
    conn: Connection, workspace: WorkspaceId, product_ids: Collection[str] | None
) -> dict[str, tuple[Part, ...]]:
    """The parts of those of the products that are bundles (of all bundles for None). One statement for 500."""
    if product_ids is None:
        rows = _ALL_BUNDLES.rows(conn, ws=workspace)
    else:
        rows = _BUNDLES_AMONG.among(conn, "ids", dict.fromkeys(product_ids), ws=workspace)
    return {row[0]: parts for row in rows if (parts := _decode_parts(row[1]))}


def bundles_after(conn: Connection, workspace: WorkspaceId, after: str, *, limit: int, part: str = "") -> list[Bundle]:
    """The next bundles by the ids of their products; only those with a part, where one is named: the database looks for
    it in what it keeps of each, and no other is read.
    """
    c = bundles.c
    query = sa.select(c.bundle, c.parts, c.stated_at, c.fact).where(c.workspace == workspace).order_by(c.bundle)
    if part:
        # Each part is kept as a list that begins with its product; no text within can look like that.
        begins = b"[" + msgspec.json.encode(part) + b","
        on_postgres = conn.dialect.name == "postgresql"
        at = sa.func.pg_catalog.position(c.parts, begins) if on_postgres else sa.func.instr(c.parts, begins)
        query = query.where(at > 0)
    found: list[Bundle] = []
    while len(found) < limit:
        rows = conn.execute(query.where(c.bundle > after).limit(_PAGE)).all()
        for row in rows:
            parts = _decode_parts(row.parts)
            if parts:
                found.append(Bundle(workspace, row.bundle, parts, row.stated_at, row.fact))
        if len(rows) < _PAGE:
            break
        after = rows[-1].bundle
    return found[:limit]


_PAGE = 500
_bundles_of_shop = sa.select(bundles.c.bundle, bundles.c.parts).where(bundles.c.workspace == sa.bindparam("ws"))
_ALL_BUNDLES = Prepared(_bundles_of_shop)
_BUNDLES_AMONG = Prepared(_bundles_of_shop.where(bundles.c.bundle.in_(sa.bindparam("ids", expanding=True))))
_decode_parts = msgspec.json.Decoder(tuple[Part, ...]).decode

"""The list of customers: one summary row each, for searching, filtering and sorting; at most a second behind.

The Golden Record itself is always read fresh. A row is made anew when a strand of its customer was folded into
(`dirty`) or when identifiers moved between customers (`stale`).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple, Protocol

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.clock import to_iso
from rapport.kernel.countries import country_code
from rapport.kernel.errors import InvalidInput
from rapport.kernel.identifiers import bucket_of
from rapport.kernel.ids import CustomerId, Key, WorkspaceId
from rapport.kernel.mergeable import Activity
from rapport.remember.golden import Gathered, gather
from rapport.remember.registry import Remembered, StrandState
from rapport.remember.searching import called, folded, keep_words, words_of
from rapport.remember.store import customers, states_of, strands
from rapport.remember.strands import decoder_of
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.graph.store import identifiers, roots_of
from rapport.resolve.linking.units import units_among
from rapport.resolve.reading import identities
from rapport.storage.bulk import chunks, upsert
from rapport.storage.locks import Lock, lock_each
from rapport.storage.lookup import among

__all__ = [
    "CustomerPage",
    "CustomerQuery",
    "CustomerSummary",
    "Refreshed",
    "Sort",
    "count_customers",
    "countries",
    "list_customers",
    "mark_moved",
    "pending",
    "refresh",
]

Sort = Literal["last_seen", "orders", "revenue", "name"]

SEARCHED = 500
"""Customers that a search by prefix looks at, of each way the prefix can be meant."""

_PARTS = frozenset({"activity", "channels", "name", "last_name", "email", "phone", "country", "location"})
"""What a row is made of, beside what parts of slices say by their `summary`."""
_PERSONAL = frozenset({"name", "last_name", "email", "phone", "country", "location"})
"""Parts that tell who somebody is; a learned link alone discloses none of them."""

_table = customers.c
_SORTS: dict[Sort, sa.Column[Any]] = {
    "last_seen": _table.last_seen_at,
    "orders": _table.orders,
    "revenue": _table.revenue_minor,
    "name": _table.name_key,
}


class Moved(Protocol):
    """What the resolver says of an identifier whose customer is another now."""

    @property
    def workspace(self) -> WorkspaceId: ...

    @property
    def old_root(self) -> Key | None: ...

    @property
    def new_root(self) -> Key: ...


class Refreshed(NamedTuple):
    """What a round of bringing rows up to date did."""

    taken: int
    """Changed strands and rows that it looked at."""
    roots: dict[WorkspaceId, set[Key]]
    """The customers that are, or were, behind them."""


class CustomerSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list of customers. What is not known is empty."""

    id: CustomerId
    label: str
    """The name, or else the e-mail or another identifier."""
    name: str
    email: str
    phone: str
    country: str
    city: str
    channels: list[str]
    first_seen_at: str | None
    last_seen_at: str | None
    orders: int
    revenue_minor: int
    """Revenue before refunds in the currency it is largest in, without shipping and tax."""
    currency: str
    identifiers: int


class CustomerPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the list; `cursor` asks for the next one, None after the last."""

    customers: list[CustomerSummary]
    cursor: str | None


class CustomerQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which customers, in which order."""

    prefix: str = ""
    """Words of a name, in any order and by how they begin, or the beginning of any identifier."""
    sort: Sort = "last_seen"
    """Newest, most, or by name from A."""
    has_email: bool | None = None
    channel: str = ""
    country: str = ""
    min_orders: int = 0


_Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class _Place(NamedTuple):
    """Where a page ended: the sort value and the root of its last row."""

    value: int | str
    root: bytes


# --- keeping the rows fresh ----------------------------------------------------------------------------------------


def pending(conn: Connection, *, buckets: Collection[int]) -> bool:
    """Whether `refresh` would have something to do."""
    dirty = sa.select(sa.literal(1)).where(strands.c.dirty, strands.c.bucket.in_(buckets)).limit(1)
    stale = sa.select(sa.literal(1)).where(_table.stale, _table.bucket.in_(buckets)).limit(1)
    return any(conn.execute(query).first() is not None for query in (dirty, stale))


def mark_moved(conn: Connection, moved: Iterable[Moved]) -> int:
    """Have the rows of customers that lost or won identifiers made anew. Returns how many customers that are."""
    touched: set[tuple[WorkspaceId, Key]] = set()
    for one in moved:
        if one.old_root is not None:
            touched.update([(one.workspace, one.old_root), (one.workspace, one.new_root)])
    if touched:
        _lock(conn, {workspace for workspace, _ in touched})
        rows = [_blank(workspace, root) for workspace, root in sorted(touched)]
        upsert(conn, customers, rows, key=("workspace", "root"), update=("stale",))
    return len(touched)


def refresh(conn: Connection, *, limit: int, buckets: Sequence[int], remembered: Remembered) -> Refreshed:
    """Bring the rows of at most about `limit` changed customers up to date.

    Call inside a write transaction. Several workers may do so at a time: on PostgreSQL they take turns in a workspace,
    so that whoever writes a row has seen all that was committed before.
    """
    dirty = _dirty(conn, limit, buckets)
    stale = _stale(conn, limit, buckets)
    by_workspace = {workspace: set[Key]() for workspace in sorted({w for w, _ in (*dirty, *stale)})}
    _lock(conn, by_workspace)
    for workspace, roots in by_workspace.items():
        keys = [key for owner, key in dirty if owner == workspace]
        _clear(conn, strands, strands.c.key, strands.c.dirty, workspace, keys)
        roots.update(key for owner, key in stale if owner == workspace)
        _clear(conn, customers, _table.root, _table.stale, workspace, roots)
        roots.update(roots_of(conn, workspace, keys).values())
        _rewrite(conn, workspace, roots, remembered)
    return Refreshed(len(dirty) + len(stale), by_workspace)


def _dirty(conn: Connection, limit: int, buckets: Sequence[int]) -> list[tuple[WorkspaceId, Key]]:
    query = sa.select(strands.c.workspace, strands.c.key).where(strands.c.dirty, strands.c.bucket.in_(buckets))
    return [(WorkspaceId(row.workspace), Key(row.key)) for row in conn.execute(query.limit(limit))]


def _stale(conn: Connection, limit: int, buckets: Sequence[int]) -> list[tuple[WorkspaceId, Key]]:
    query = sa.select(_table.workspace, _table.root).where(_table.stale, _table.bucket.in_(buckets))
    return [(WorkspaceId(row.workspace), Key(row.root)) for row in conn.execute(query.limit(limit))]


def _lock(conn: Connection, workspaces: Iterable[WorkspaceId]) -> None:
    lock_each(conn, Lock.SUMMARIES, workspaces)


def _clear(
    conn: Connection,
    table: sa.Table,
    key: sa.Column[Any],
    flag: sa.Column[Any],
    workspace: WorkspaceId,
    keys: Iterable[Key],
) -> None:
    for batch in chunks(sorted(keys), 500):
        conn.execute(table.update().where(among(conn, workspace, key, batch)).values({flag: False}))


def _rewrite(conn: Connection, workspace: WorkspaceId, roots: set[Key], remembered: Remembered) -> None:
    gathered = gather(conn, workspace, sorted(roots), remembered=remembered, decode=_decoder(remembered))
    certain = _certain_states(conn, workspace, gathered, remembered)
    rows = [
        _row(workspace, root, found, found.state, certain.get(root, found.state), remembered)
        for root, found in gathered.items()
        if found.state is not None
    ]
    rows.sort(key=lambda row: row["root"])
    shown = {row["root"]: row.pop("words") for row in rows}
    if rows:
        columns = [name for name in rows[0] if name not in ("workspace", "root", "bucket", "stale")]
        upsert(conn, customers, rows, key=("workspace", "root"), update=columns)
    gone = roots - shown.keys()
    keep_words(conn, workspace, shown | {root: set() for root in gone})
    for batch in chunks(sorted(gone), 500):
        conn.execute(customers.delete().where(among(conn, workspace, _table.root, batch)))


def _certain_states(
    conn: Connection, workspace: WorkspaceId, gathered: Mapping[Key, Gathered], remembered: Remembered
) -> dict[Key, StrandState]:
    """Of customers held together by a learned link: what is certainly of the person whose identifier is the root."""
    units = units_among(conn, workspace, {root: found.members for root, found in gathered.items()})
    own = {root: next(keys for keys in several.values() if root in keys) for root, several in units.items()
           if len(several) > 1}  # fmt: skip
    bodies = states_of(conn, workspace, [key for keys in own.values() for key in keys])
    decode = _decoder(remembered)
    return {
        root: remembered.merge([decode(bodies[key]) for key in keys if key in bodies]) for root, keys in own.items()
    }


def _blank(workspace: WorkspaceId, root: Key) -> dict[str, Any]:
    texts = dict.fromkeys(("name", "name_key", "email", "phone", "country", "city", "channels", "currency"), "")
    numbers = dict.fromkeys(("first_seen_at", "last_seen_at", "orders", "revenue_minor", "identifiers"), 0)
    return {"workspace": workspace, "root": root, "bucket": bucket_of(root), "stale": True, **texts, **numbers}


def _row(
    workspace: WorkspaceId, root: Key, found: Gathered, state: StrandState, certain: StrandState, remembered: Remembered
) -> dict[str, Any]:
    """A customer's row. Who she is stands in `certain`, without learned links; what she did in `state`."""

    def read(part: str, otherwise: Any) -> Any:
        """What a part says; not by way of the traits, which would cost ten times as much."""
        held = certain if part in _PERSONAL else state
        value = remembered.parts[part].kind.read(held[part]) if part in held else None
        return otherwise if value is None else value

    name, email, phone = read("name", ""), read("email", ""), read("phone", "")
    channels = ",".join(channel.replace(",", " ") for channel, _ in read("channels", []))
    first_seen_at, last_seen_at = Activity.span(state["activity"]) if "activity" in state else (0, 0)
    return _blank(workspace, root) | {
        "stale": False,
        "name": name,
        "name_key": _key(name or email or phone or found.members[0].value),
        "words": words_of(f"{name} {read('last_name', '')}"),
        "email": email,
        "phone": phone,
        "country": read("country", ""),
        "city": read("location", {}).get("city", ""),
        "channels": f",{channels}," if channels else "",
        "first_seen_at": first_seen_at,
        "last_seen_at": last_seen_at,
        "identifiers": len(found.members),
        **_of_slices(state, remembered),
    }


def _of_slices(state: StrandState, remembered: Remembered) -> dict[str, Any]:
    """The columns that parts of slices fill."""
    found: dict[str, Any] = {}
    for part in remembered.parts.values():
        if part.summary is not None and part.name in state:
            value = part.kind.read(state[part.name])
            if value is not None:
                found.update(part.summary(value).items())
    return found


@lru_cache(maxsize=8)
def _decoder(remembered: Remembered) -> Callable[[bytes], StrandState]:
    """Reads of a state what a row is made of."""
    summarised = {part.name for part in remembered.parts.values() if part.summary is not None}
    return decoder_of(remembered.keys_of(_PARTS | summarised))


def _key(label: str) -> str:
    return folded(label)[:120]


# --- reading them --------------------------------------------------------------------------------------------------


def count_customers(conn: Connection, workspace: WorkspaceId) -> int:
    """How many customers a shop has."""
    query = sa.select(sa.func.count()).where(_table.workspace == workspace, _table.identifiers > 0)
    return int(conn.execute(query).scalar_one())


def countries(conn: Connection, workspace: WorkspaceId) -> list[str]:
    """The countries customers live in, for a filter."""
    query = sa.select(_table.country).distinct().where(_table.workspace == workspace, _table.country != "")
    return list(conn.execute(query.order_by(_table.country)).scalars())


def list_customers(
    conn: Connection,
    workspace: WorkspaceId,
    wanted: CustomerQuery,
    *,
    cursor: str | None = None,
    limit: int = 50,
    region: str | None = None,
) -> CustomerPage:
    """A page of customers. A page costs the same wherever it lies in the list. Raises InvalidInput for a bad cursor."""
    column = _SORTS[wanted.sort]
    query = sa.select(customers).where(_table.workspace == workspace, _table.identifiers > 0, *_filters(wanted))
    if prefix := wanted.prefix.replace("\x00", "").strip():
        matching = _matching(conn, workspace, prefix, region)
        query = query.where(among(conn, workspace, _table.root, matching))
    ascending = wanted.sort == "name"
    if cursor:
        place = _decode_cursor(cursor, text=ascending)
        here, there = sa.tuple_(column, _table.root), sa.tuple_(sa.literal(place.value), sa.literal(place.root))
        query = query.where(here > there if ascending else here < there)
    order = (column, _table.root) if ascending else (column.desc(), _table.root.desc())
    rows = conn.execute(query.order_by(*order).limit(limit + 1)).all()
    shown = rows[:limit]
    more = len(rows) > len(shown)
    following = _encode_cursor(_Place(shown[-1]._mapping[column.name], shown[-1].root)) if more else None
    return CustomerPage(customers=_summaries(conn, shown), cursor=following)


def _filters(wanted: CustomerQuery) -> list[sa.ColumnElement[bool]]:
    channel, country = (given.replace("\x00", "") for given in (wanted.channel, wanted.country))
    found: list[sa.ColumnElement[bool]] = []
    if wanted.has_email is not None:
        found.append(_table.email != "" if wanted.has_email else _table.email == "")
    if channel:
        found.append(_table.channels.contains(f",{channel.replace(',', ' ')},", autoescape=True))
    if country:
        found.append(_table.country == (country_code(country) or country))
    if wanted.min_orders > 0:
        found.append(_table.orders >= wanted.min_orders)
    return found


def _matching(conn: Connection, workspace: WorkspaceId, prefix: str, region: str | None) -> list[Key]:
    """Roots of customers who are called so or have an identifier that begins so, at most SEARCHED of each."""
    found = dict.fromkeys(called(conn, workspace, prefix, limit=SEARCHED))
    members = identities.search(conn, workspace, prefix, limit=SEARCHED, region=region)
    found.update((one.root, None) for one in members)
    return list(found)


def _summaries(conn: Connection, rows: Sequence[sa.Row[Any]]) -> list[CustomerSummary]:
    if not rows:
        return []
    ids = load_customer_ids(conn)
    unnamed = [row for row in rows if not (row.name or row.email or row.phone)]
    values = _root_values(conn, unnamed)
    return [
        CustomerSummary(
            id=ids.customer_id(Key(row.root)), label=row.name or row.email or row.phone or values.get(row.root, ""),
            name=row.name, email=row.email, phone=row.phone, country=row.country, city=row.city,
            channels=[channel for channel in row.channels.split(",") if channel],
            first_seen_at=to_iso(row.first_seen_at) if row.first_seen_at else None,
            last_seen_at=to_iso(row.last_seen_at) if row.last_seen_at else None,
            orders=row.orders, revenue_minor=row.revenue_minor, currency=row.currency, identifiers=row.identifiers,
        )
        for row in rows
    ]  # fmt: skip


def _root_values(conn: Connection, rows: Sequence[sa.Row[Any]]) -> dict[bytes, str]:
    """The value of the root identifier, to call a customer by who has told nothing else."""
    if not rows:
        return {}
    query = sa.select(identifiers.c.key, identifiers.c.value).where(
        among(conn, rows[0].workspace, identifiers.c.key, [row.root for row in rows])
    )
    return {row.key: row.value for row in conn.execute(query)}


def _encode_cursor(place: _Place) -> str:
    body = msgspec.json.encode([place.value, place.root.hex()])
    return base64.urlsafe_b64encode(body).decode().rstrip("=")


def _decode_cursor(cursor: str, *, text: bool) -> _Place:
    try:
        body = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        if text:
            name, root = msgspec.json.decode(body, type=tuple[str, str])
            return _Place(name.replace("\x00", ""), bytes.fromhex(root))
        number, root = msgspec.json.decode(body, type=tuple[_Int64, str])
        return _Place(number, bytes.fromhex(root))
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise InvalidInput(f"cursor {cursor[:60]!r} cannot be read", hint="start again without a cursor") from None

"""The list of customers: one summary row each, for searching, filtering and sorting; at most a second behind.

The Golden Record itself is always read fresh. A row is made anew when a strand of its customer was folded into
(`dirty`) or when identifiers moved between customers (`stale`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.gate import Choice, Choosing
from rapport.kernel.identifiers import bucket_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.mergeable import Activity
from rapport.remember.golden import Gathered, gather
from rapport.remember.nobodys import without_nobodys
from rapport.remember.registry import Remembered, StrandState
from rapport.remember.searching import facet, folded, keep_words, phone_word, postcode_word, words_of
from rapport.remember.store import UNREAD, customers, states_of, strands
from rapport.remember.strands import decoder_of
from rapport.resolve.graph.store import identifiers, roots_of
from rapport.resolve.linking.units import units_among
from rapport.resolve.reading.identities import Member
from rapport.storage.bulk import chunks, upsert
from rapport.storage.locks import Lock, lock_each
from rapport.storage.lookup import among, select_among
from rapport.storage.prepared import Prepared

__all__ = ["Follower", "Refreshed", "Summarised", "mark_moved", "mark_stale", "pending", "refresh"]

_PERSONAL = frozenset({"name", "last_name", "email", "phone", "country", "location"})
"""Parts that tell who somebody is; a learned link alone discloses none of them."""
_PARTS = _PERSONAL | {"activity", "channels", "acquisition"}
"""What a row is made of, beside what parts of slices say by their `summary`."""

BROWSERS = ("anonymous_id", "device")
"""Namespaces of what was used, and not of who used it."""

PHONES = 20
"""Telephone numbers by whose last digits one customer is found."""

_table = customers.c
_PENDING = tuple(
    Prepared(sa.select(sa.literal(1)).where(mark, bucket.in_(sa.bindparam("buckets", expanding=True))).limit(1))
    for mark, bucket in ((strands.c.dirty, strands.c.bucket), (_table.stale, _table.bucket))
)


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


class Summarised(NamedTuple):
    """A customer whose row was made anew."""

    state: StrandState
    """What was done, over all strands, in the parts that rows and the follower need."""
    certain: StrandState
    """The same without learned links: who it is."""
    row: Mapping[str, Any]
    choices: Mapping[str, Choice] = {}
    """What the person allows and refuses, by purpose."""


class Follower(Protocol):
    """What wants to know of every customer whose row was made anew, in the same transaction."""

    @property
    def parts(self) -> frozenset[str]:
        """The parts it reads."""

    def __call__(
        self, conn: Connection, workspace: WorkspaceId, told: Mapping[Key, Summarised], gone: Collection[Key]
    ) -> None:
        """Take in customers whose rows are new, and those who are no more."""


def pending(conn: Connection, *, buckets: Collection[int]) -> bool:
    """Whether `refresh` would have something to do."""
    return bool(buckets) and any(query.row(conn, buckets=list(buckets)) is not None for query in _PENDING)


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


def mark_stale(conn: Connection, workspace: WorkspaceId, roots: Iterable[Key]) -> None:
    """Have the rows of these customers made anew, those there are."""
    roots = sorted(set(roots))
    if roots:
        _lock(conn, [workspace])
        for batch in chunks(roots, 500):
            conn.execute(customers.update().where(among(conn, workspace, _table.root, batch)).values(stale=True))


def refresh(
    conn: Connection,
    *,
    limit: int,
    buckets: Sequence[int],
    remembered: Remembered,
    follower: Follower | None = None,
) -> Refreshed:
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
        moved = [key for owner, key in stale if owner == workspace]
        roots.update(moved, roots_of(conn, workspace, [*keys, *moved]).values())
        roots.update(_merged(conn, workspace, roots))
        _clear(conn, customers, _table.root, _table.stale, workspace, roots)
        _rewrite(conn, workspace, roots, remembered, follower)
    return Refreshed(len(dirty) + len(stale), by_workspace)


def _dirty(conn: Connection, limit: int, buckets: Sequence[int]) -> list[tuple[WorkspaceId, Key]]:
    query = sa.select(strands.c.workspace, strands.c.key).where(strands.c.dirty, strands.c.bucket.in_(buckets))
    return [(WorkspaceId(row.workspace), Key(row.key)) for row in conn.execute(query.limit(limit))]


def _stale(conn: Connection, limit: int, buckets: Sequence[int]) -> list[tuple[WorkspaceId, Key]]:
    query = sa.select(_table.workspace, _table.root).where(_table.stale, _table.bucket.in_(buckets))
    return [(WorkspaceId(row.workspace), Key(row.root)) for row in conn.execute(query.limit(limit))]


def _merged(conn: Connection, workspace: WorkspaceId, roots: Collection[Key]) -> list[Key]:
    """Those who became one of these customers and whose rows are there still: what they leave is inherited now, or
    never, whichever bucket they are in.
    """
    i = identifiers.c
    # In two steps: joined, PostgreSQL looks through all customers of a shop for those few identifiers.
    query = sa.select(i.key).where(i.key != i.root)
    keys = [row.key for row in select_among(conn, query, workspace, i.root, roots)]
    return [Key(row.root) for row in select_among(conn, sa.select(_table.root), workspace, _table.root, keys)]


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


def _rewrite(
    conn: Connection, workspace: WorkspaceId, roots: set[Key], remembered: Remembered, follower: Follower | None
) -> None:
    decode = _decoder(remembered, frozenset() if follower is None else follower.parts)
    gathered = gather(conn, workspace, sorted(roots), remembered=remembered, decode=decode)
    units = _apart(conn, workspace, gathered)
    certain = _certain_states(conn, workspace, units, remembered, decode)
    states = {root: certain.get(root, found.state) for root, found in gathered.items() if found.state is not None}
    who_they_are = without_nobodys(
        conn, workspace, {root: state or gathered[root].state or {} for root, state in states.items()}, remembered
    )
    told = {
        root: Summarised(
            found.state,
            who_they_are[root],
            _row(workspace, root, found, found.state, who_they_are[root], remembered),
        )
        for root, found in sorted(gathered.items())
        if found.state is not None
    }
    _choose(conn, workspace, told, gathered, units, remembered)
    rows = [{name: value for name, value in one.row.items() if name != "words"} for one in told.values()]
    if rows:
        columns = [name for name in rows[0] if name not in ("workspace", "root", "bucket", "stale")]
        upsert(conn, customers, rows, key=("workspace", "root"), update=columns)
    gone = roots - told.keys()
    shown = {root: one.row["words"] for root, one in told.items()}
    keep_words(conn, workspace, shown | {root: set() for root in gone})
    for batch in chunks(sorted(gone), 500):
        conn.execute(customers.delete().where(among(conn, workspace, _table.root, batch)))
    if follower is not None:
        follower(conn, workspace, told, gone)


def _apart(conn: Connection, workspace: WorkspaceId, gathered: Mapping[Key, Gathered]) -> dict[Key, list[Key]]:
    """Of customers held together by a learned link: what is certainly of the person whose identifier is the root."""
    units = units_among(conn, workspace, {root: found.members for root, found in gathered.items()})
    return {
        root: next(keys for keys in several.values() if root in keys)
        for root, several in units.items()
        if len(several) > 1
    }


def _choose(
    conn: Connection,
    workspace: WorkspaceId,
    told: dict[Key, Summarised],
    gathered: Mapping[Key, Gathered],
    units: Mapping[Key, list[Key]],
    remembered: Remembered,
) -> None:
    """Fill in what these people allow and refuse, by the country that their row has now."""
    if remembered.choices is None:
        return
    asked = {
        root: Choosing(units.get(root) or [member.key for member in gathered[root].members], str(one.row["country"]))
        for root, one in told.items()
    }
    for root, chosen in remembered.choices(conn, workspace, asked).items():
        said = [f"{purpose}={_SAID.get(one.state, one.state)}" for purpose, one in sorted(chosen.items())]
        row = {**told[root].row, "consent": _listed(said)}
        row["words"] = row["words"] | {facet("consent", choice) for choice in said}
        told[root] = told[root]._replace(row=row, choices=chosen)


_SAID = {"granted": "yes", "denied": "no"}


def _certain_states(
    conn: Connection,
    workspace: WorkspaceId,
    own: Mapping[Key, list[Key]],
    remembered: Remembered,
    decode: Callable[[bytes], StrandState],
) -> dict[Key, StrandState]:
    """What those have been through who are only a part of a customer."""
    bodies = states_of(conn, workspace, [key for keys in own.values() for key in keys])
    return {
        root: remembered.merge([decode(bodies[key]) for key in keys if key in bodies]) for root, keys in own.items()
    }


def _blank(workspace: WorkspaceId, root: Key) -> dict[str, Any]:
    return {
        "workspace": workspace, "root": root, "bucket": bucket_of(root), "stale": True, "known": UNREAD,
        **dict.fromkeys(_TEXTS, ""), **dict.fromkeys(_NUMBERS, 0),
    }  # fmt: skip


_TEXTS = ("name", "name_key", "email", "phone", "country", "city", "channels", "currency", "campaign", "consent")
_NUMBERS = ("first_seen_at", "last_seen_at", "last_order_at", "orders", "revenue_minor", "identifiers")


def _row(
    workspace: WorkspaceId, root: Key, found: Gathered, state: StrandState, certain: StrandState,
    remembered: Remembered,
) -> dict[str, Any]:  # fmt: skip
    """A customer's row. Who she is stands in `certain`, without learned links; what she did in `state`."""

    def read(part: str, otherwise: Any) -> Any:
        """What a part says; not by way of the traits, which would cost ten times as much."""
        held = certain if part in _PERSONAL else state
        value = remembered.parts[part].kind.read(held[part]) if part in held else None
        return otherwise if value is None else value

    name, email, phone = read("name", ""), read("email", ""), read("phone", "")
    place, came_by = read("location", {}), read("acquisition", {})
    channels = [channel.replace(",", " ") for channel, _ in read("channels", [])]
    first_seen_at, last_seen_at = Activity.span(state["activity"]) if "activity" in state else (0, 0)
    row = _blank(workspace, root) | {
        "stale": False,
        "name": name,
        "name_key": _key(name or email or phone or found.members[0].value),
        "email": email,
        "phone": phone,
        "country": read("country", ""),
        "city": place.get("city", ""),
        "channels": _listed(channels),
        "campaign": came_by.get("campaign") or came_by.get("source") or "",
        "first_seen_at": first_seen_at,
        "last_seen_at": last_seen_at,
        "identifiers": len(found.members),
        **_of_slices(state, remembered),
    }
    row["known"] = int(_is_known(row, found.members))
    numbers = dict.fromkeys([phone, *(one.value for one in found.members if one.namespace == "phone")])
    row["words"] = (
        words_of(f"{name} {read('last_name', '')}")
        | {phone_word(number) for number in list(numbers)[:PHONES] if number}
        | ({postcode_word(str(place["postal_code"]))} if place.get("postal_code") else set())
        | _facets(row, channels)
    )
    return row


_YES_NO = {True: "yes", False: "no"}


def _listed(texts: Sequence[str]) -> str:
    return f",{','.join(texts)}," if texts else ""


def _is_known(row: Mapping[str, Any], members: Sequence[Member]) -> bool:
    """Whether this is somebody, and not a browser that came by: who told a name, has an account, or bought."""
    told = row["name"] or row["email"] or row["phone"] or row["orders"]
    return bool(told) or any(one.namespace not in BROWSERS for one in members)


def _facets(row: Mapping[str, Any], channels: Iterable[str]) -> set[str]:
    found = {facet("email", _YES_NO[bool(row["email"])])}
    found |= {facet("channel", channel) for channel in channels}
    found |= {facet("country", row["country"])} if row["country"] else set()
    found |= {facet("campaign", row["campaign"])} if row["campaign"] else set()
    return found


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
def _decoder(remembered: Remembered, also: frozenset[str]) -> Callable[[bytes], StrandState]:
    """Reads of a state what a row is made of, and `also` these parts."""
    summarised = {part.name for part in remembered.parts.values() if part.summary is not None}
    return decoder_of(remembered.keys_of(_PARTS | summarised | also))


def _key(label: str) -> str:
    return folded(label)[:120]

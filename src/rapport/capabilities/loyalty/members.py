"""One row for each member of a programme, so that lists of them are filtered, sorted and paged by index.

A row is made anew in the transaction that changes anything of its person: it is never behind what it is the sum of. It
stands under the least of the person's identifiers; after a merge the others' rows are gone, after a split each has its
own again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec
import sqlalchemy as sa

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.earning import FOR_EVER
from rapport.capabilities.loyalty.whose import persons_of
from rapport.decide import people
from rapport.kernel.clock import DAY, to_iso
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection
from rapport.remember import places
from rapport.remember.places import Place
from rapport.remember.store import customers
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.graph.store import identifiers
from rapport.storage.bulk import insert_rows
from rapport.storage.lookup import change_among, select_among

__all__ = ["SORTS", "MemberPage", "MemberQuery", "MemberRow", "State", "count_members", "list_members", "make_anew",
           "refresh"]  # fmt: skip

State: TypeAlias = Literal["trial", "active", "cancelled", "ended"]
SORTS = ("points", "since", "expires", "way")
COUNTED = 1_000
_c = store.members.c
_COLUMNS: Mapping[str, sa.Column[Any]] = {
    "points": _c.points, "since": _c.since, "expires": _c.expires_at, "way": _c.way,
}  # fmt: skip


class MemberQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asked for; what is empty asks for everybody."""

    tier: str = ""
    first_tier: str = ""
    """What whoever has not bought yet is in."""
    least_points: int | None = None
    most_points: int | None = None
    membership: str = ""
    """A state of `State`, `any` for whoever has one now, `none` for whoever has none."""
    plan: str = ""
    joined_after: int | None = None
    joined_before: int | None = None
    country: str = ""
    expiring_days: int = 0
    """Points that expire within so many days; 0: does not matter."""
    near_percent: int = 0
    """So much of the way to the next tier is done at least; 0: does not matter."""
    owing: bool = False
    sort: str = "points"
    ascending: bool = False


class MemberRow(msgspec.Struct, frozen=True, kw_only=True):
    """A member as the list shows them."""

    customer_id: str
    name: str
    tier: str
    points: int
    """Available and waiting, less what is owed."""
    owed: int
    way_percent: int | None
    """How much of the way to the next tier was done when something last changed; None in the last tier."""
    since: str
    expires_at: str | None
    """When the first of their points expire."""
    plan: str
    membership: str
    """A state of `State`; empty without one."""
    membership_until: str | None
    country: str


class MemberPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the list; `cursor` asks for the next one, None after the last."""

    members: list[MemberRow]
    cursor: str | None


def refresh(conn: Connection, workspace: WorkspaceId, strands: Collection[Key], *, now: int) -> None:
    """Make the rows of whoever these strands belong to anew."""
    if strands:
        make_anew(conn, workspace, persons_of(conn, workspace, strands), now=now)


def make_anew(
    conn: Connection, workspace: WorkspaceId, persons: Mapping[Key, Sequence[Key]], *, now: int
) -> None:  # fmt: skip
    """The same for people whose strands are known, by the least of them. Cost: some statements for each 500."""
    root_of = {strand: root for root, several in persons.items() for strand in several}
    if not root_of:
        return
    rows: dict[tuple[str, Key], dict[str, Any]] = {}

    def row_of(programme: str, strand: Key) -> dict[str, Any]:
        key = (programme, root_of[strand])
        return rows.setdefault(key, {
            "workspace": workspace, "programme": programme, "strand": key[1], "points": 0, "owed": 0, "tier": "",
            "way": -1, "since": FOR_EVER, "expires_at": FOR_EVER, "plan": "", "plan_state": "", "plan_until": 0,
        })  # fmt: skip

    for found in select_among(conn, _SUMS, workspace, store.lots.c.strand, root_of):
        row = row_of(found.programme, Key(found.strand))
        row["points"] += int(found.points)
        row["owed"] += int(found.owed)
        row["since"] = min(row["since"], found.since)
        row["expires_at"] = min(row["expires_at"], FOR_EVER if found.expires is None else found.expires)
    m, s = store.memberships.c, store.standings.c
    several = select_among(conn, _MEMBERSHIPS, workspace, m.strand, root_of)
    for found in sorted(several, key=lambda one: (one.anchor, one.id)):  # the latest is the one that is shown
        row = row_of(found.programme, Key(found.strand))
        row.update(plan=found.plan, plan_state=_state(found, now), plan_until=found.until,
                   since=min(row["since"], found.began))  # fmt: skip
    for found in select_among(conn, sa.select(store.standings), workspace, s.strand, set(persons)):
        if (found.programme, Key(found.strand)) in rows:
            rows[found.programme, Key(found.strand)].update(tier=found.tier, way=found.way)
    change_among(conn, store.members.delete(), workspace, _c.strand, root_of)
    insert_rows(conn, store.members, [rows[key] for key in sorted(rows)])


def _sums() -> sa.Select[Any]:
    lot, total = store.lots.c, sa.func.sum
    return sa.select(
        lot.programme, lot.strand, total(lot.available + lot.pending - lot.owed).label("points"),
        total(lot.owed).label("owed"), sa.func.min(lot.at).label("since"),
        sa.func.min(sa.case((lot.available > 0, lot.expires_at))).label("expires"),
    ).group_by(lot.programme, lot.strand)  # fmt: skip


def _memberships() -> sa.Select[Any]:
    m, p = store.memberships.c, store.periods.c
    paid = sa.exists().where(p.workspace == m.workspace, p.membership == m.id, p.number > 0)
    began = sa.select(sa.func.min(p.since)).where(p.workspace == m.workspace, p.membership == m.id)
    return sa.select(store.memberships, paid.label("is_paid"),
                     sa.func.coalesce(began.scalar_subquery(), m.anchor).label("began"))  # fmt: skip


_SUMS, _MEMBERSHIPS = _sums(), _memberships()


def _state(row: Any, now: int) -> State:
    if row.ended_at is not None or row.until <= now:
        return "ended"
    if row.cancelled_at is not None:
        return "cancelled"
    return "active" if row.is_paid else "trial"


def list_members(
    conn: Connection, workspace: WorkspaceId, programme: str, wanted: MemberQuery, *, cursor: str = "",
    limit: int = 50, now: int,
) -> MemberPage:  # fmt: skip
    """A page of members. Raises InvalidInput for a bad cursor. Cost: the rows up to the page's end, by index."""
    column = _COLUMNS.get(wanted.sort, _c.points)
    query = sa.select(store.members).where(*_conditions(workspace, programme, wanted, now=now))
    if cursor:
        after = places.decode(cursor, text=False)
        here, there = sa.tuple_(column, _c.strand), sa.tuple_(sa.literal(after.value), sa.literal(after.root))
        query = query.where(here > there if wanted.ascending else here < there)
    order = (column, _c.strand) if wanted.ascending else (column.desc(), _c.strand.desc())
    rows = conn.execute(query.order_by(*order).limit(limit + 1)).all()
    shown = rows[:limit]
    following = None
    if len(rows) > limit:
        last = shown[-1]
        following = places.encode(Place("", last._mapping[column.name], bytes(last.strand)))
    return MemberPage(members=_shown(conn, workspace, shown, wanted.first_tier), cursor=following)


def count_members(
    conn: Connection, workspace: WorkspaceId, programme: str, wanted: MemberQuery, *, now: int
) -> tuple[int, bool]:  # fmt: skip
    """How many fit, counted up to COUNTED, and whether there are more."""
    some = sa.select(sa.literal(1)).where(*_conditions(workspace, programme, wanted, now=now)).limit(COUNTED + 1)
    number = int(conn.execute(sa.select(sa.func.count()).select_from(some.subquery())).scalar_one())
    return min(number, COUNTED), number > COUNTED


def _conditions(
    workspace: WorkspaceId, programme: str, wanted: MemberQuery, *, now: int
) -> list[sa.ColumnElement[bool]]:  # fmt: skip
    found = [_c.workspace == workspace, _c.programme == programme]
    for value, condition in (
        (wanted.tier, _c.tier.in_([wanted.tier, *([""] if wanted.tier == wanted.first_tier else [])])),
        (wanted.plan, _c.plan == wanted.plan),
        (wanted.owing, _c.owed > 0), (wanted.near_percent, _c.way >= wanted.near_percent),
        (wanted.expiring_days, sa.and_(_c.expires_at > now, _c.expires_at <= now + wanted.expiring_days * DAY)),
        (wanted.least_points is not None, _c.points >= (wanted.least_points or 0)),
        (wanted.most_points is not None, _c.points <= (wanted.most_points or 0)),
        (wanted.joined_after is not None, _c.since >= (wanted.joined_after or 0)),
        (wanted.joined_before is not None, _c.since < (wanted.joined_before or 0)),
    ):  # fmt: skip
        if value:
            found.append(condition)
    runs = sa.and_(_c.plan_state.in_(("trial", "active", "cancelled")), _c.plan_until > now)
    if wanted.membership == "any":
        found.append(runs)
    elif wanted.membership in ("none", "ended"):
        found.append(_c.plan_state == "" if wanted.membership == "none" else sa.and_(_c.plan_state != "", ~runs))
    elif wanted.membership:
        found.append(sa.and_(_c.plan_state == wanted.membership, _c.plan_until > now))
    if wanted.country:
        found.append(sa.exists().where(*_THEIRS, customers.c.country == wanted.country))
    return found


_THEIRS = (
    identifiers.c.workspace == _c.workspace, identifiers.c.key == _c.strand,
    customers.c.workspace == identifiers.c.workspace, customers.c.root == identifiers.c.root,
)  # fmt: skip
"""Joins a member's row to their line in the list of customers."""


def _shown(conn: Connection, workspace: WorkspaceId, rows: Sequence[Any], first_tier: str) -> list[MemberRow]:
    keys = [Key(row.strand) for row in rows]
    if not keys:
        return []
    names, ids = people.names_by_strand(conn, workspace, keys), load_customer_ids(conn)
    i, c = identifiers.c, customers.c
    query = sa.select(i.key, c.country).join(customers, (c.workspace == i.workspace) & (c.root == i.root))
    country = {Key(key): found for key, found in select_among(conn, query, workspace, i.key, keys)}
    return [
        MemberRow(
            customer_id=ids.customer_id(key), name=names.get(key, ""), tier=row.tier or first_tier,
            points=row.points, owed=row.owed,
            way_percent=row.way if row.way >= 0 else None, since=to_iso(row.since),
            expires_at=to_iso(row.expires_at) if row.expires_at < FOR_EVER else None, plan=row.plan,
            membership=row.plan_state, country=country.get(key, ""),
            membership_until=to_iso(row.plan_until) if row.plan_until else None,
        )
        for row, key in zip(rows, keys, strict=True)
    ]  # fmt: skip

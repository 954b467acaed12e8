"""The tables of loyalty, and what is read from them by many keys at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
)  # fmt: skip

from rapport.capabilities.loyalty.causes import Cause
from rapport.capabilities.loyalty.earning import Paid, Version
from rapport.capabilities.loyalty.ledger import Lot
from rapport.capabilities.loyalty.programme import Programme
from rapport.kernel.clock import to_iso
from rapport.kernel.errors import Conflict
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage.bulk import chunks, insert_ignore, insert_rows, upsert
from rapport.storage.engine import CText
from rapport.storage.locks import Lock, lock_each
from rapport.storage.lookup import select_among

__all__ = [
    "KeptVersion",
    "approvals",
    "causes",
    "causes_of",
    "draws",
    "draws_of",
    "entries",
    "entries_of",
    "forget_draws",
    "forget_entries",
    "forget_periods",
    "keep_causes",
    "lock_people",
    "lots",
    "lots_named",
    "lots_of",
    "memberships",
    "names_of",
    "paid_periods",
    "periods",
    "periods_of",
    "programmes",
    "redemptions",
    "save_lots",
    "save_version",
    "standings",
    "versions_of",
]

_metadata = MetaData()


def _workspace() -> Column[Any]:
    return Column("workspace", Integer, primary_key=True, autoincrement=False)


programmes = Table(
    "loyalty_programmes", _metadata, _workspace(),
    Column("name", CText, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)  # fmt: skip
"""Every version of every programme's terms."""

causes = Table(
    "loyalty_causes", _metadata, _workspace(),
    Column("fact", CText, primary_key=True),
    Column("subject", CText, nullable=False),
    Column("name", CText, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("strand", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("loyalty_causes_by_subject", "workspace", "subject"),
    Index("loyalty_causes_by_strand", "workspace", "strand"),
)  # fmt: skip

lots = Table(
    "loyalty_lots", _metadata, _workspace(),
    Column("programme", CText, primary_key=True),
    Column("lot", CText, primary_key=True),
    Column("strand", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("available_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    *(Column(name, BigInteger, CheckConstraint(f"{name} >= 0"), nullable=False)
      for name in ("pending", "available", "held", "redeemed", "expired", "owed")),
    Column("entries", Integer, nullable=False),
    Column("counted_minor", BigInteger, nullable=False),
    Column("is_order", SmallInteger, nullable=False),
    Column("rule", CText, nullable=False),
    Column("words", Text, nullable=False),
    Index("loyalty_lots_by_strand", "workspace", "strand"),
    Index("loyalty_lots_by_name", "workspace", "lot"),
    Index("loyalty_lots_by_rule", "workspace", "rule", "at", sqlite_where=sa.text("rule <> ''"),
          postgresql_where=sa.text("rule <> ''")),
    Index("loyalty_lots_waiting", "workspace", "available_at", sqlite_where=sa.text("pending > 0"),
          postgresql_where=sa.text("pending > 0")),
    Index("loyalty_lots_expiring", "workspace", "expires_at", sqlite_where=sa.text("available > 0"),
          postgresql_where=sa.text("available > 0")),
)  # fmt: skip
"""What became of each lot's points: the sums of its entries, kept."""

entries = Table(
    "loyalty_entries", _metadata, _workspace(),
    Column("programme", CText, primary_key=True),
    Column("lot", CText, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("debit", CText, nullable=False),
    Column("credit", CText, nullable=False),
    Column("points", BigInteger, CheckConstraint("points > 0"), nullable=False),
    Column("cause", CText, nullable=False),
    Column("words", Text, nullable=False),
    Column("stated_by", Text, nullable=False),
    Index("loyalty_entries_by_time", "workspace", "at"),
)  # fmt: skip
"""Append-only. That a lot has one entry of each number is what refuses the second of two who change it at once."""

redemptions = Table(
    "loyalty_redemptions", _metadata, _workspace(),
    Column("id", CText, primary_key=True),
    Column("programme", CText, nullable=False),
    Column("strand", LargeBinary, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("minor", BigInteger, nullable=False),
    Column("currency", CText, nullable=False),
    Column("state", CText, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
    Column("order_id", CText, nullable=False),
    Column("returned", BigInteger, nullable=False),
    Index("loyalty_redemptions_by_strand", "workspace", "strand"),
    Index("loyalty_redemptions_by_order", "workspace", "order_id"),
    Index("loyalty_redemptions_held", "workspace", "expires_at", sqlite_where=sa.text("state = 'held'"),
          postgresql_where=sa.text("state = 'held'")),
)  # fmt: skip

draws = Table(
    "loyalty_draws", _metadata, _workspace(),
    Column("redemption", CText, primary_key=True),
    Column("lot", CText, primary_key=True),
    Column("points", BigInteger, nullable=False),
    Column("returned", BigInteger, nullable=False),
)  # fmt: skip
"""Of which lots a redemption is."""

approvals = Table(
    "loyalty_approvals", _metadata, _workspace(),
    Column("programme", CText, primary_key=True),
    Column("lot", CText, primary_key=True),
    Column("strand", LargeBinary, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("rule", CText, nullable=False),
    Column("state", CText, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Index("loyalty_approvals_by_strand", "workspace", "strand"),
    Index("loyalty_approvals_waiting", "workspace", "state", "at"),
)  # fmt: skip
"""Points that wait for a person to approve them."""

standings = Table(
    "loyalty_standings", _metadata, _workspace(),
    Column("programme", CText, primary_key=True),
    Column("strand", LargeBinary, primary_key=True),
    Column("tier", CText, nullable=False),
    Column("until", BigInteger, nullable=False),
    Index("loyalty_standings_ending", "workspace", "until"),
)  # fmt: skip
"""The tier of each customer, by the root of their strands, as it was last stated."""

memberships = Table(
    "loyalty_memberships", _metadata, _workspace(),
    Column("id", CText, primary_key=True),
    Column("programme", CText, nullable=False),
    Column("plan", CText, nullable=False),
    Column("strand", LargeBinary, nullable=False),
    Column("anchor", BigInteger, nullable=False),
    Column("cancelled_at", BigInteger),
    Column("until", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Index("loyalty_memberships_by_strand", "workspace", "strand"),
    Index("loyalty_memberships_ending", "workspace", "until", sqlite_where=sa.text("ended_at IS NULL"),
          postgresql_where=sa.text("ended_at IS NULL")),
)  # fmt: skip

periods = Table(
    "loyalty_periods", _metadata, _workspace(),
    Column("membership", CText, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("fee_minor", BigInteger, nullable=False),
    Column("payment", CText, nullable=False),
    Index("loyalty_periods_by_payment", "workspace", "payment", unique=True),
)  # fmt: skip
"""What is paid for, one row for each period of a membership and each payment for ever; number 0 is the trial."""

_LOT_FIELDS = tuple(name for name in Lot.__struct_fields__ if name != "new")
_l, _p, _m = lots.c, programmes.c, memberships.c


class KeptVersion(NamedTuple):
    """The newest version of a programme, as its page shows it."""

    name: str
    version: int
    programme: Programme
    changed_at: int
    changed_by: str
    reason: str


def lock_people(conn: Connection, strands: Iterable[Key]) -> None:
    """Be the only one who changes what these strands have, until the transaction ends."""
    lock_each(conn, Lock.POINTS, (int.from_bytes(one[:4], "big", signed=True) for one in strands))


def keep_causes(conn: Connection, rows: Collection[Cause]) -> None:
    """Keep causes, each once for ever."""
    insert_ignore(conn, causes, [row._asdict() for row in sorted(set(rows))], key=("workspace", "fact"))


def causes_of(
    conn: Connection, workspace: WorkspaceId, strands: Collection[Key], subjects: Collection[str] = ()
) -> list[Cause]:
    """All that is known of the subjects of these strands, whoever told it, and of these subjects."""
    c = causes.c
    found = set(subjects)
    found.update(row[0] for row in select_among(conn, sa.select(c.subject), workspace, c.strand, set(strands)))
    return [
        Cause(workspace, row.fact, row.subject, row.name, row.at, Key(row.strand), row.body)
        for row in select_among(conn, sa.select(causes), workspace, c.subject, sorted(found))
    ]


def lots_of(conn: Connection, workspace: WorkspaceId, strands: Collection[Key]) -> list[Lot]:
    """All lots of these strands."""
    return [_lot(row) for row in select_among(conn, sa.select(lots), workspace, _l.strand, strands)]


def lots_named(conn: Connection, workspace: WorkspaceId, names: Collection[str]) -> dict[tuple[str, str], Lot]:
    """The lots of these names, by programme and name."""
    rows = select_among(conn, sa.select(lots), workspace, _l.lot, sorted(names))
    return {(row.programme, row.lot): _lot(row) for row in rows}


def save_lots(conn: Connection, workspace: WorkspaceId, changed: Iterable[Lot]) -> None:
    """Write the lots with their new entries. Raises IntegrityError where somebody else has changed one meanwhile."""
    rows, posted = [], []
    for lot in changed:
        rows.append({"workspace": workspace, **{name: getattr(lot, name) for name in _LOT_FIELDS},
                     "is_order": int(lot.is_order)})  # fmt: skip
        posted += [{"workspace": workspace, "programme": lot.programme, **e._asdict()} for e in lot.new]
        lot.new = []
    insert_rows(conn, entries, posted)
    rows.sort(key=lambda row: (row["programme"], row["lot"]))
    upsert(conn, lots, rows, key=("workspace", "programme", "lot"),
           update=[name for name in _LOT_FIELDS if name not in ("programme", "lot")])  # fmt: skip


def versions_of(conn: Connection, workspace: WorkspaceId) -> dict[str, list[Version]]:
    """All programmes of a shop, each with all its versions, the oldest first."""
    found: dict[str, list[Version]] = {}
    query = sa.select(programmes).where(_p.workspace == workspace).order_by(_p.name, _p.version)
    for row in conn.execute(query):
        programme = msgspec.json.decode(row.body, type=Programme)
        found.setdefault(row.name, []).append(Version(row.version, row.changed_at, programme))
    return found


def names_of(conn: Connection, workspace: WorkspaceId) -> list[KeptVersion]:
    """The newest version of each programme, by name."""
    newest = sa.select(_p.name, sa.func.max(_p.version)).where(_p.workspace == workspace).group_by(_p.name)
    query = sa.select(programmes).where(_p.workspace == workspace, sa.tuple_(_p.name, _p.version).in_(newest))
    return [
        KeptVersion(row.name, row.version, msgspec.json.decode(row.body, type=Programme), row.changed_at,
                    row.changed_by, row.reason)
        for row in conn.execute(query.order_by(_p.name))
    ]  # fmt: skip


def save_version(
    conn: Connection,
    workspace: WorkspaceId,
    name: str,
    programme: Programme,
    *,
    seen: int,
    by: str,
    reason: str,
    now: int,
) -> int:
    """Put the next version in force; returns its number. Raises Conflict where somebody else did meanwhile."""
    query = sa.select(sa.func.max(_p.version)).where(_p.workspace == workspace, _p.name == name)
    newest = conn.execute(query).scalar() or 0
    row = {"workspace": workspace, "name": name, "version": seen + 1, "body": msgspec.json.encode(programme),
           "changed_at": now, "changed_by": by, "reason": reason}  # fmt: skip
    if newest != seen or not insert_ignore(conn, programmes, [row], key=("workspace", "name", "version")):
        raise Conflict(
            f"the programme {name!r} is at version {newest}, you changed version {seen}", hint="read it again"
        )
    return seen + 1


def paid_periods(
    conn: Connection, workspace: WorkspaceId, strands: Collection[Key]
) -> dict[Key, list[tuple[str, Paid]]]:
    """What memberships of these strands are paid for, each with its programme."""
    joined = memberships.join(
        periods, (periods.c.workspace == _m.workspace) & (periods.c.membership == _m.id)
    )  # fmt: skip
    query = sa.select(_m.strand, _m.programme, _m.plan, periods.c.since, periods.c.until).select_from(joined)
    found: dict[Key, list[tuple[str, Paid]]] = {}
    for strand, programme, plan, since, until in select_among(conn, query, workspace, _m.strand, strands):
        found.setdefault(Key(strand), []).append((programme, Paid(plan, since, until)))
    return found


def entries_of(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> Iterable[Mapping[str, Any]]:
    """The entries of the lots of these strands, in plain values."""
    e = entries.c
    for some in chunks(sorted(keys), 500):
        joined = entries.join(
            lots, (_l.workspace == e.workspace) & (_l.programme == e.programme) & (_l.lot == e.lot)
        )  # fmt: skip
        query = (
            sa.select(e.programme, e.lot, e.number, e.at, e.debit, e.credit, e.points, e.words)
            .select_from(joined)
            .where(e.workspace == workspace, _l.strand.in_(some))
        )
        for row in conn.execute(query.order_by(e.at, e.lot, e.number)):
            yield {**row._mapping, "at": to_iso(row.at)}


def forget_entries(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> int:
    """Delete the entries of the lots of these strands."""
    gone = 0
    for some in chunks(sorted(keys), 500):
        theirs = sa.select(_l.lot).where(_l.workspace == workspace, _l.strand.in_(some))
        gone += conn.execute(
            sa.delete(entries).where(entries.c.workspace == workspace, entries.c.lot.in_(theirs))
        ).rowcount  # fmt: skip
    return gone


def draws_of(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> Iterable[Mapping[str, Any]]:
    """The draws of the redemptions of these strands, in plain values."""
    return _through(conn, workspace, keys, draws, redemptions, draws.c.redemption == redemptions.c.id)


def forget_draws(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> int:
    """Delete the draws of the redemptions of these strands."""
    return _forget_through(conn, workspace, keys, draws, draws.c.redemption, redemptions)


def periods_of(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> Iterable[Mapping[str, Any]]:
    """The periods of the memberships of these strands, in plain values."""
    return _through(conn, workspace, keys, periods, memberships, periods.c.membership == _m.id)


def forget_periods(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> int:
    """Delete the periods of the memberships of these strands."""
    return _forget_through(conn, workspace, keys, periods, periods.c.membership, memberships)


def _through(
    conn: Connection, workspace: WorkspaceId, keys: Collection[Key], table: Table, owner: Table,
    on: sa.ColumnElement[bool],
) -> Iterable[Mapping[str, Any]]:  # fmt: skip
    for some in chunks(sorted(keys), 500):
        joined = table.join(owner, on & (table.c.workspace == owner.c.workspace))
        query = sa.select(table).select_from(joined).where(owner.c.workspace == workspace, owner.c.strand.in_(some))
        for row in conn.execute(query):
            yield {name: value for name, value in row._mapping.items() if name != "workspace"}


def _forget_through(
    conn: Connection, workspace: WorkspaceId, keys: Collection[Key], table: Table, column: sa.ColumnElement[Any],
    owner: Table,
) -> int:  # fmt: skip
    gone = 0
    for some in chunks(sorted(keys), 500):
        theirs = sa.select(owner.c.id).where(owner.c.workspace == workspace, owner.c.strand.in_(some))
        gone += conn.execute(sa.delete(table).where(table.c.workspace == workspace, column.in_(theirs))).rowcount
    return gone


def _lot(row: Any) -> Lot:
    values = {name: getattr(row, name) for name in _LOT_FIELDS}
    values["strand"], values["is_order"] = Key(row.strand), bool(row.is_order)
    return Lot(**values)

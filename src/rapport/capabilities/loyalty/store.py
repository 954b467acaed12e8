"""The tables of loyalty, and what is read from them by many keys at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

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
from rapport.capabilities.loyalty.ledger import Lot
from rapport.capabilities.loyalty.savings import Saving
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage.bulk import chunks, insert_ignore, insert_rows, upsert
from rapport.storage.engine import CText
from rapport.storage.locks import Lock, lock_each
from rapport.storage.lookup import select_among

__all__ = [
    "announcements",
    "approvals",
    "arms",
    "cause_in",
    "causes",
    "causes_of",
    "draws",
    "entries",
    "expectations",
    "given_of",
    "keep_causes",
    "lock_budgets",
    "lock_people",
    "lots",
    "lots_named",
    "lots_of",
    "members",
    "memberships",
    "pass_keys",
    "pauses",
    "periods",
    "programmes",
    "redemptions",
    "returns",
    "save_lots",
    "save_savings",
    "saved_by_source",
    "savings",
    "standings",
    "stray_fees",
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
    Column("segments", Text, nullable=False, server_default=""),
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
    Column("taken", BigInteger, CheckConstraint("taken >= 0"), nullable=False, server_default="0"),
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
    Column("told", BigInteger, nullable=False, server_default="0"),
    Column("by_order", BigInteger, nullable=False, server_default="0"),
    Index("loyalty_redemptions_by_strand", "workspace", "strand"),
    Index("loyalty_redemptions_by_order", "workspace", "order_id"),
    Index("loyalty_redemptions_held", "workspace", "expires_at", sqlite_where=sa.text("state = 'held'"),
          postgresql_where=sa.text("state = 'held'")),
)  # fmt: skip

"""`returned` is what came back: the larger of what the shop `told` and of what is back with the order (`by_order`)."""

returns = Table(
    "loyalty_returns", _metadata, _workspace(),
    Column("redemption", CText, primary_key=True),
    Column("refund", CText, primary_key=True),
    Column("points", BigInteger, nullable=False),
)  # fmt: skip
"""What a shop told to give back of a redemption, each refund once for ever."""

draws = Table(
    "loyalty_draws", _metadata, _workspace(),
    Column("redemption", CText, primary_key=True),
    Column("lot", CText, primary_key=True),
    Column("points", BigInteger, nullable=False),
    Column("returned", BigInteger, nullable=False),
)  # fmt: skip
"""Of which lots a redemption is."""

savings = Table(
    "loyalty_savings", _metadata, _workspace(),
    Column("programme", CText, primary_key=True),
    Column("lot", CText, primary_key=True),
    Column("kind", CText, primary_key=True),
    Column("source", CText, primary_key=True),
    Column("strand", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("title", Text, nullable=False),
    Column("minor", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    Index("loyalty_savings_by_strand", "workspace", "strand"),
    Index("loyalty_savings_by_time", "workspace", "programme", "at"),
)  # fmt: skip
"""What benefits brought in each order, by tier or membership."""

announcements = Table(
    "loyalty_announcements", _metadata, _workspace(),
    Column("programme", CText, primary_key=True),
    Column("what", CText, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("strand", LargeBinary, nullable=False),
    Column("done", SmallInteger, nullable=False),
)  # fmt: skip
"""How far members have been told of something: up to this time, and of that up to this person."""

arms = Table(
    "loyalty_arms", _metadata, _workspace(),
    Column("programme", CText, primary_key=True),
    Column("trial", CText, primary_key=True),
    Column("strand", LargeBinary, primary_key=True),
    Column("arm", SmallInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("loyalty_arms_by_strand", "workspace", "strand"),
)  # fmt: skip
"""Who was given something and who, by chance, was not (`arm` 0), since when: of `rule:late` or `plan:plus`."""

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
    Column("way", SmallInteger, nullable=False, server_default="-1"),
    Index("loyalty_standings_ending", "workspace", "until"),
)  # fmt: skip
"""The tier of each customer, by the root of their strands, as it was last stated; `way`: hundredths of the way to the
next, -1 in the last.
"""

members = Table(
    "loyalty_members", _metadata, _workspace(),
    Column("programme", CText, primary_key=True),
    Column("strand", LargeBinary, primary_key=True),
    Column("points", BigInteger, nullable=False),
    Column("owed", BigInteger, nullable=False),
    Column("tier", CText, nullable=False),
    Column("way", SmallInteger, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("plan", CText, nullable=False),
    Column("plan_state", CText, nullable=False),
    Column("plan_until", BigInteger, nullable=False),
    Index("loyalty_members_by_strand", "workspace", "strand"),
    *(Index(f"loyalty_members_by_{name}", "workspace", "programme", column, "strand")
      for name, column in (("points", "points"), ("since", "since"), ("expiry", "expires_at"), ("way", "way"))),
)  # fmt: skip
"""Members as lists show them, by the root of their strands: the sums of what stands elsewhere (`members.py`)."""

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
    Column("refunded_minor", BigInteger, nullable=False, server_default="0"),
    Column("ended_by", CText, nullable=False, server_default=""),
    Column("changed_to", CText, nullable=False, server_default=""),
    Column("credited_minor", BigInteger, nullable=False, server_default="0"),
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
    Column("charged_minor", BigInteger),
    Index("loyalty_periods_by_payment", "workspace", "payment", unique=True),
)  # fmt: skip
"""What is paid for, one row for each period of a membership and each payment for ever; number 0 is the trial.
Where less than the fee was charged, since something was credited, `charged_minor` says how much.
"""

pauses = Table(
    "loyalty_pauses", _metadata, _workspace(),
    Column("membership", CText, primary_key=True),
    Column("since", BigInteger, primary_key=True, autoincrement=False),
    Column("until", BigInteger, nullable=False),
)  # fmt: skip
"""When memberships brought nothing because their member wished so; what is paid for lasts as much longer."""

stray_fees = Table(
    "loyalty_stray_fees", _metadata, _workspace(),
    Column("payment", CText, primary_key=True),
    Column("membership", CText, nullable=False),
    Column("strand", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("why", CText, nullable=False),
    Column("settled_at", BigInteger),
    Column("settled_by", Text, nullable=False),
    Index("loyalty_stray_fees_by_strand", "workspace", "strand"),
    Index("loyalty_stray_fees_open", "workspace", "at", sqlite_where=sa.text("settled_at IS NULL"),
          postgresql_where=sa.text("settled_at IS NULL")),
)  # fmt: skip
"""Fees that somebody must see to: taken for nothing (`ended`, `ahead`), or given back while benefits go on (`back`)."""

expectations = Table(
    "loyalty_expectations", _metadata, _workspace(),
    Column("programme", CText, primary_key=True),
    Column("rule", CText, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("windows", Integer, nullable=False),
    *(Column(name, BigInteger, nullable=False) for name in ("points", "minor", "low_minor", "high_minor")),
)  # fmt: skip
"""What campaigns were expected to cost when they were put in force."""

pass_keys = Table(
    "loyalty_pass_keys", _metadata, _workspace(),
    Column("wallet", CText, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("about", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("changed_by", Text, nullable=False),
)  # fmt: skip
"""With what passes of phones' wallets are signed, sealed where there is a key for that."""

_LOT_FIELDS = tuple(name for name in Lot.__struct_fields__ if name != "new")
_l = lots.c


def given_of(c: Any) -> sa.ColumnElement[int]:
    """What a lot of these columns was given, less what was taken back: `Lot.given` in SQL."""
    given: sa.ColumnElement[int] = c.pending + c.available + c.held + c.redeemed + c.expired + c.taken - c.owed
    return given


def lock_budgets(conn: Connection, workspace: WorkspaceId) -> None:
    """Be the only one who spends a shop's budgets until the transaction ends; take it after the people."""
    lock_each(conn, Lock.BUDGETS, [workspace])


def lock_people(conn: Connection, strands: Iterable[Key]) -> None:
    """Be the only one who changes what these strands have, until the transaction ends."""
    lock_each(conn, Lock.POINTS, (int.from_bytes(one[:4], "big", signed=True) for one in strands))


def keep_causes(conn: Connection, rows: Collection[Cause]) -> None:
    """Keep causes, each once for ever."""
    insert_ignore(conn, causes, sorted(set(rows)), key=("workspace", "fact"))


def causes_of(
    conn: Connection, workspace: WorkspaceId, strands: Collection[Key], subjects: Collection[str] = ()
) -> list[Cause]:
    """All that is known of the subjects of these strands, whoever told it, and of these subjects."""
    c = causes.c
    found = set(subjects)
    found.update(row[0] for row in select_among(conn, sa.select(c.subject), workspace, c.strand, set(strands)))
    return [cause_in(row) for row in select_among(conn, sa.select(causes), workspace, c.subject, sorted(found))]


def cause_in(row: Any) -> Cause:
    """A row of the table of causes."""
    return Cause(
        WorkspaceId(row.workspace), row.fact, row.subject, row.name, row.at, Key(row.strand), row.body, row.segments
    )


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


def save_savings(
    conn: Connection, workspace: WorkspaceId, of: Mapping[tuple[str, str], tuple[Key, int, Sequence[Saving]]]
) -> None:
    """What benefits brought in these orders, given by programme and lot with whose and when, instead of what was kept
    of them.
    """
    s = savings.c
    for programme in sorted({name for name, _ in of}):
        for some in chunks(sorted(lot for name, lot in of if name == programme), 500):
            theirs = sa.and_(s.workspace == workspace, s.programme == programme, s.lot.in_(some))
            conn.execute(sa.delete(savings).where(theirs))
    insert_rows(conn, savings, [
        {"workspace": workspace, "programme": programme, "lot": lot, "strand": strand, "at": at, **one._asdict()}
        for (programme, lot), (strand, at, several) in sorted(of.items()) for one in several
    ])  # fmt: skip


def saved_by_source(
    conn: Connection, workspace: WorkspaceId, programme: str, strands: Collection[Key], *, since: int = 0
) -> dict[str, int]:
    """What benefits have saved these strands in money, by what brought it."""
    s = savings.c
    found: dict[str, int] = {}
    query = sa.select(s.source, s.minor).where(s.programme == programme, s.at >= since)
    for source, minor in select_among(conn, query, workspace, s.strand, strands):
        found[source] = found.get(source, 0) + int(minor)
    return found


def _lot(row: Any) -> Lot:
    values = {name: getattr(row, name) for name in _LOT_FIELDS}
    values["strand"], values["is_order"] = Key(row.strand), bool(row.is_order)
    return Lot(**values)

"""Tables of identity: identifiers with their customer, evidence between them, what people did to it, what changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)

from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage.bulk import chunks, upsert
from rapport.storage.engine import CText, metadata
from rapport.storage.locks import Lock, lock_each
from rapport.storage.lookup import among, select_among

__all__ = [
    "among",
    "audit",
    "audit_subjects",
    "bump_epoch",
    "customer_changes",
    "epoch_of",
    "evidence",
    "forbidden_pairs",
    "identifiers",
    "identity_epochs",
    "identity_secret",
    "lock",
    "roots_of",
    "see_again",
    "select_among",
]

CHUNK = 500
"""Values bound in one statement."""

identifiers = Table(
    "identifiers",
    metadata,
    Column("workspace", Integer, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("value", CText, nullable=False),
    Column("first_seen_at", BigInteger, nullable=False),
    Column("first_fact", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("shared_at", BigInteger),
    Column("stated_at", BigInteger),
    Column("renamed_by", CText),
    Column("standing", SmallInteger, nullable=False, server_default="0"),
    Index("identifiers_by_root", "workspace", "root"),
    Index("identifiers_by_value", "workspace", "value"),
    Index(
        "identifiers_shared", "workspace", "shared_at",
        sqlite_where=sa.text("shared_at IS NOT NULL"), postgresql_where=sa.text("shared_at IS NOT NULL"),
    ),
)  # fmt: skip
"""One row for each identifier ever seen. `root` is its customer. `shared_at` is set where it names nobody any more.
`stated_at`, `renamed_by` and `standing` say of accounts what was said in their name (`renaming.py`)."""

evidence = Table(
    "evidence",
    metadata,
    Column("workspace", Integer, primary_key=True),
    Column("id", LargeBinary, primary_key=True),
    Column("a", LargeBinary, nullable=False),
    Column("b", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),
    Column("peer", Boolean, nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("first_fact", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("weight", Integer, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("last_day", Integer, nullable=False, server_default="0"),
    Column("until_day", Integer),
    Column("author", Text),
    Column("reason", Text),
    Index("evidence_by_a", "workspace", "a", "status"),
    Index("evidence_by_b", "workspace", "b", "status"),
    Index(
        "evidence_between_peers", "workspace", "a", sqlite_where=sa.text("peer = 1"), postgresql_where=sa.text("peer")
    ),
    Index(
        "evidence_refused", "workspace", "first_at", sqlite_where=sa.text("status = 2"),
        postgresql_where=sa.text("status = 2"),
    ),
    Index(
        "evidence_until", "workspace", "until_day", sqlite_where=sa.text("until_day IS NOT NULL"),
        postgresql_where=sa.text("until_day IS NOT NULL"),
    ),
)  # fmt: skip
"""One row for each piece of evidence. `a` is the more stable end (of equals, `peer`, the smaller key).
`last_day` is the day, from 1970, on which it was last seen, written when the day moves on; `until_day` the last one on
which it counts, NULL where nothing is to be waited for: the policy sets no bound, or it does not count anyway.
`author` and `reason` belong to what a person joined or withdrew."""

forbidden_pairs = Table(
    "forbidden_pairs",
    metadata,
    Column("workspace", Integer, primary_key=True),
    Column("a", LargeBinary, primary_key=True),
    Column("b", LargeBinary, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Index("forbidden_pairs_by_b", "workspace", "b"),
)
"""Identifiers (`a` < `b`) that must never be one customer."""

customer_changes = Table(
    "customer_changes",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("workspace", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("root_from", LargeBinary, nullable=False),
    Column("root_to", LargeBinary, nullable=False),
    Column("fact", Text, nullable=False),
    Index("customer_changes_by_from", "workspace", "root_from"),
    Index("customer_changes_by_to", "workspace", "root_to"),
    Index("customer_changes_by_seq", "workspace", "seq"),
)
"""History for people: customer `root_from` was `merged` into `root_to`, or `root_to` was `split` from it. What happened
on the way depends on the order of arrival; who is one customer does not."""

audit = Table(
    "audit",
    metadata,
    Column("workspace", Integer, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("who_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("details", LargeBinary, nullable=False),
    Column("undone_by", Text),
    Index("audit_by_time", "workspace", "at"),
)
"""What people did to identities, and why. `details` is the JSON of `audit.Effects`, all that undoing needs."""

audit_subjects = Table(
    "audit_subjects",
    metadata,
    Column("workspace", Integer, primary_key=True),
    Column("subject", LargeBinary, primary_key=True),
    Column("id", Text, primary_key=True),
)
"""The identifiers an action of the audit trail was about."""

identity_epochs = Table(
    "identity_epochs",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
)
"""Grows with every change of a workspace's policy, so that a worker knows when it read an older one. No row is 0."""

identity_secret = Table(
    "identity_secret",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("secret", LargeBinary, nullable=False),
)
"""One row: the installation's secret behind customer ids."""


def lock(conn: Connection, workspace: WorkspaceId) -> None:
    """Be the only transaction that changes the identities of this workspace, until it ends.

    On PostgreSQL, statements that follow see what earlier holders committed (the transaction is READ COMMITTED).
    A SQLite write transaction is alone anyway.
    """
    lock_each(conn, Lock.IDENTITIES, [workspace])


def epoch_of(conn: Connection, workspace: WorkspaceId) -> int:
    """The workspace's epoch; certain only under `lock`."""
    query = sa.select(identity_epochs.c.epoch).where(identity_epochs.c.workspace == workspace)
    return int(conn.execute(query).scalar() or 0)


def bump_epoch(conn: Connection, workspace: WorkspaceId) -> None:
    """Make every worker read the workspace's policy anew before it writes again. Needs `lock`."""
    row = {"workspace": workspace, "epoch": epoch_of(conn, workspace) + 1}
    upsert(conn, identity_epochs, [row], key=["workspace"], update=["epoch"])


def see_again(conn: Connection, workspace: WorkspaceId, days: Sequence[tuple[bytes, int]]) -> None:
    """Move on the last day of evidence, as (id, day), that was seen later than it says. Needs `lock`.

    A statement for each 500 pieces; an unknown id is passed over.
    """
    rows = [(int(workspace), ident, day) for ident, day in days]
    for batch in chunks(rows, CHUNK):
        if conn.dialect.name == "postgresql":
            values = "SELECT * FROM unnest(%s::int[], %s::bytea[], %s::int[])"
            parameters: tuple[object, ...] = tuple([row[column] for row in batch] for column in range(3))
        else:  # filled up, so that few different statements are prepared
            size = next(size for size in (8, 64, CHUNK) if size >= len(batch))
            filled = batch + batch[-1:] * (size - len(batch))
            values = f"VALUES {', '.join(['(?, ?, ?)'] * size)}"
            parameters = tuple(value for row in filled for value in row)
        conn.exec_driver_sql(f"WITH seen (workspace, id, day) AS ({values}) {_SEE_AGAIN}", parameters)


_SEE_AGAIN = """UPDATE evidence SET last_day = seen.day, until_day = evidence.until_day + seen.day - evidence.last_day
FROM seen WHERE evidence.workspace = seen.workspace AND evidence.id = seen.id AND evidence.last_day < seen.day"""


def roots_of(conn: Connection, workspace: WorkspaceId, keys: Iterable[Key]) -> dict[Key, Key]:
    """Identifier → customer for those that were seen."""
    query = sa.select(identifiers.c.key, identifiers.c.root)
    return {Key(key): Key(root) for key, root in select_among(conn, query, workspace, identifiers.c.key, keys)}

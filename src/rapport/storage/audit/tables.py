"""The tables of the audit trail: entries, what of them can be erased, and the Merkle tree over a shop's entries."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, SmallInteger, Table, Text, text

from rapport.storage.engine import CText, metadata

__all__ = ["audit_entries", "audit_heads", "audit_nodes", "audit_parts"]

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("id", CText, primary_key=True),
    Column("leaf", BigInteger),
    Column("at", BigInteger, nullable=False),
    Column("who", CText, nullable=False),
    Column("action", CText, nullable=False),
    Column("about", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("audit_entries_by_leaf", "workspace", "leaf", unique=True),
    Index("audit_entries_by_time", "workspace", "at", "id"),
    Index(
        "audit_entries_unsealed", "workspace", "at", sqlite_where=text("leaf IS NULL"),
        postgresql_where=text("leaf IS NULL"),
    ),
)  # fmt: skip
"""One row for each entry. `body` is the leaf of the tree, JSON that names nobody but the one who acted, and commits to
the parts; `leaf` is its place, NULL until the entry is sealed."""

audit_parts = Table(
    "audit_parts",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("entry", CText, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("key", LargeBinary),
    Column("salt", LargeBinary),
    Column("body", LargeBinary),
    Index("audit_parts_by_key", "workspace", "key"),
)
"""What of an entry can be erased: number 0 its details, each other one a person it is about. The entry holds SHA-256 of
salt and body. Erased: `key`, `salt` and `body` are NULL."""

audit_nodes = Table(
    "audit_nodes",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)
"""The perfect subtrees of a shop's tree (`kernel.merkle`)."""

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)
"""The tree's root after each sealing."""

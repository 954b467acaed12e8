"""Tables of remembering: the states of strands, and the summaries of customers that lists are made of."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Connection, Index, Integer, LargeBinary, SmallInteger, Table, Text

from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage.engine import CText, metadata
from rapport.storage.lookup import select_among

__all__ = ["ALWAYS", "KNOWN", "OPEN", "UNREAD", "VISITOR", "customers", "folded", "states_of", "strands", "words"]

_GAP = sa.text("upto < target")

strands = Table(
    "strands",
    metadata,
    Column("workspace", Integer, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("bucket", SmallInteger, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Column("dirty", Boolean, nullable=False),
    Index("strands_dirty", "bucket", sqlite_where=sa.text("dirty"), postgresql_where=sa.text("dirty")),
)
"""What each strand has been through, as MessagePack. `dirty`: the customer's summary does not show it yet."""

customers = Table(
    "customers",
    metadata,
    Column("workspace", Integer, primary_key=True),
    Column("root", LargeBinary, primary_key=True),
    Column("bucket", SmallInteger, nullable=False),
    Column("stale", Boolean, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_key", CText, nullable=False),
    Column("email", CText, nullable=False),
    Column("phone", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("channels", Text, nullable=False),
    Column("first_seen_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False),
    Column("orders", BigInteger, nullable=False),
    Column("revenue_minor", BigInteger, nullable=False),
    Column("currency", CText, nullable=False),
    Column("identifiers", Integer, nullable=False),
    Column("known", SmallInteger, nullable=False, server_default="1"),
    Column("last_order_at", BigInteger, nullable=False, server_default="0"),
    Column("campaign", Text, nullable=False, server_default=""),
    Column("consent", Text, nullable=False, server_default=""),
    Index("customers_by_last_seen", "workspace", "known", "last_seen_at", "root"),
    Index("customers_by_last_order", "workspace", "known", "last_order_at", "root"),
    Index("customers_by_orders", "workspace", "known", "orders", "root"),
    Index("customers_by_revenue", "workspace", "known", "currency", "revenue_minor", "root"),
    Index("customers_by_name", "workspace", "known", "name_key", "root"),
    Index("customers_stale", "bucket", sqlite_where=sa.text("stale"), postgresql_where=sa.text("stale")),
)
"""One row a customer, at most a second behind its Golden Record. Empty text and 0 stand for what is not known, so that
every sort has a plain index. `channels` is `,web,store,`, `consent` `,email_marketing=yes,`. `known`: 1 a customer, 0 a
visitor of whom nothing is known but a browser or device, 2 not read yet. `stale`: identifiers have moved, make the row
anew."""

VISITOR, KNOWN, UNREAD = 0, 1, 2
"""What `known` says."""

words = Table(
    "customer_words",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, primary_key=True),
    Column("word", CText, primary_key=True),
    Index("customer_words_by_word", "workspace", "word", "root"),
)
"""By which words customers are found: those of their names, without accents and case, and marked ones (`searching`)."""

OPEN = 2**62
"""The end of a span that is not over."""

ALWAYS = ""
"""The part of a row that says: this bucket was folded before it was noted which part folded what."""

folded = Table(
    "folded_parts",
    metadata,
    Column("bucket", SmallInteger, primary_key=True, autoincrement=False),
    Column("part", CText, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("target", BigInteger, primary_key=True, autoincrement=False),
    Column("upto", BigInteger, nullable=False),
    Index("folded_parts_gaps", "bucket", sqlite_where=_GAP, postgresql_where=_GAP),
)
"""Spans of the log, (upto, target], whose facts of this bucket a part has not folded yet. A part that misses nothing
has one that is empty; a part that is not installed misses all that comes: `target` is OPEN."""


def states_of(conn: Connection, workspace: WorkspaceId, keys: Iterable[Key]) -> dict[Key, bytes]:
    """The encoded states of those strands that have one."""
    query = sa.select(strands.c.key, strands.c.state)
    return {Key(row.key): row.state for row in select_among(conn, query, workspace, strands.c.key, keys)}

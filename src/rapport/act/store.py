"""Tables of acting: timers, the outbox, the state of its destinations, webhook endpoints, how the jobs do."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, SmallInteger, Table, Text, text

from rapport.kernel.clock import MINUTE, SECOND
from rapport.storage.engine import CText, metadata

__all__ = [
    "LEASE", "LONGEST_LEASE", "destinations", "jobs", "outbox", "paused_jobs", "timers", "unclaimed", "webhooks",
]  # fmt: skip

LEASE = 30 * SECOND
"""Longer than any channel takes that does not extend it; after a crash what was under way is taken up this late."""
LONGEST_LEASE = 7 * MINUTE
"""An extended one; longer than a mail server may take to say that it has a mail."""

timers = Table(
    "timers",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("kind", CText, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("bucket", SmallInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("last_error", Text, nullable=False),
    Index("timers_due_of_kind", "kind", "due_at", "bucket"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("id", CText, primary_key=True),
    Column("channel", CText, nullable=False),
    Column("destination", CText, nullable=False),
    Column("idempotency_key", CText, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("status", CText, nullable=False),
    Column("leased_until", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("last_error", Text, nullable=False),
    Column("strand", LargeBinary),
    Column("purpose", CText, nullable=False, server_default="operations"),
    Index(
        "outbox_of_person", "workspace", "strand",
        sqlite_where=text("strand IS NOT NULL"), postgresql_where=text("strand IS NOT NULL"),
    ),
    Index("outbox_once", "workspace", "idempotency_key", unique=True),
    Index(
        "outbox_pending", "workspace", "channel", "destination", "due_at",
        sqlite_where=text("status = 'pending'"), postgresql_where=text("status = 'pending'"),
    ),
    Index(
        "outbox_first", "workspace", "channel", "destination", "due_at",
        sqlite_where=text("status = 'pending' AND purpose <> 'marketing'"),
        postgresql_where=text("status = 'pending' AND purpose <> 'marketing'"),
    ),
    Index(
        "outbox_under_way", "workspace", "leased_until",
        sqlite_where=text("status = 'pending' AND purpose = 'marketing' AND leased_until > 0"),
        postgresql_where=text("status = 'pending' AND purpose = 'marketing' AND leased_until > 0"),
    ),
    Index("outbox_of_destination", "workspace", "channel", "destination", "created_at"),
    Index(
        "outbox_finished", "finished_at",
        sqlite_where=text("finished_at IS NOT NULL"), postgresql_where=text("finished_at IS NOT NULL"),
    ),
)  # fmt: skip

destinations = Table(
    "outbox_destinations",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("channel", CText, primary_key=True),
    Column("destination", CText, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("closed_until", BigInteger, nullable=False),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("id", CText, primary_key=True),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("old_secret", Text, nullable=False, server_default=""),
    Column("old_secret_until", BigInteger),
    Column("events", LargeBinary, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("disabled_reason", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("purpose", Text, nullable=False, server_default="service"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("name", CText, primary_key=True),
    Column("worker", CText, primary_key=True),
    Column("title", Text, nullable=False),
    Column("last_at", BigInteger),
    Column("took_us", BigInteger, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("asked_at", BigInteger),
    Column("may_pause", Boolean, nullable=False, server_default=sa.false()),
    Column("ahead", BigInteger),
    Column("ends_at", BigInteger),
)
"""How each job does; `worker` is empty where one worker at a time does it. Of a long one: how many things lie ahead,
and when it will have done them at its pace so far; empty where that is not known."""

paused_jobs = Table(
    "paused_jobs",
    metadata,
    Column("name", CText, primary_key=True),
    Column("since", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
)
"""Jobs that do nothing until somebody resumes them, and who paused them."""


def unclaimed(now: int) -> sa.ColumnElement[bool]:
    """Messages that nobody delivers at this moment. A lease that lies much further ahead than any lasts was taken
    before the clock was set back; one that ends a little later than ours would is that of somebody who asked after us.
    """
    return sa.not_(outbox.c.leased_until.between(now + 1, now + LONGEST_LEASE))

"""Advisory locks of PostgreSQL: every one this program takes, each with a number of its own.

They are held until the transaction ends (`held_by_session`: until the block does).
On SQLite they are nothing: a write transaction is alone anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import IntEnum, unique

import sqlalchemy as sa
from sqlalchemy import Connection

__all__ = ["Lock", "held_by_session", "lock_alone", "lock_each", "lock_shared"]


@unique
class Lock(IntEnum):
    """What is locked. The number is the lock's key, or its first half where many are told apart by a second."""

    MIGRATING = 7_262_040
    """One process migrates at a time."""
    BEGINNING = 7_262_052
    """One process makes what a new installation lacks."""
    APPENDING = 7_262_041
    """Shared by all who append to the log, so that readers know whom to wait for."""
    IDENTITIES = 7_262_042
    """By workspace: one transaction changes its identities."""
    SUMMARIES = 7_262_043
    """By workspace: one transaction writes its customers' summaries."""
    CARTS = 7_262_045
    """By customer: one transaction judges their carts."""
    LAKE = 7_262_046
    """One session writes to the lake (`lake/lease.py`)."""
    LAKE_HOME = 7_262_047
    """Shared by those who erase somebody, so that nobody begins a lake while they do."""
    PROMISES = 7_262_053
    """By order: one transaction judges its promise."""
    POINTS = 7_262_049
    """By strand: one transaction changes what it has of a loyalty programme."""
    ANSWERS = 7_262_061
    """By identifier: one transaction answers a question for them."""
    BUDGETS = 7_262_055
    """By workspace: one transaction spends the budgets of its loyalty programmes; taken after POINTS."""
    REFUNDS = 7_262_063
    """By workspace: one transaction keeps refunds that name no order; shared by those whose refunds do."""
    AUDIT = 7_262_051
    """By workspace: one transaction gives entries of the audit trail their places."""


def lock_alone(conn: Connection, lock: Lock) -> None:
    """Wait to be the only transaction that holds this lock."""
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.literal(int(lock), sa.BigInteger))))


def lock_shared(conn: Connection, lock: Lock) -> None:
    """Hold this lock beside others who share it."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock_shared({int(lock)})")


def lock_each(conn: Connection, lock: Lock, numbers: Iterable[int], *, shared: Iterable[int] = ()) -> None:
    """Wait to be the only transaction that holds this lock for each of these 32-bit numbers, and one of those that
    share it for each of the `shared` ones that are not among them.

    In ascending order, all in one pass, so that two transactions never wait for each other.
    """
    if conn.dialect.name == "postgresql":
        alone = set(numbers)
        wanted = sorted(alone.union(shared))
        if wanted:
            # `unnest` hands the numbers out one by one in their order, and each is locked before the next.
            conn.exec_driver_sql(
                "SELECT CASE WHEN alone THEN pg_advisory_xact_lock(%s, number)"
                " ELSE pg_advisory_xact_lock_shared(%s, number) END"
                " FROM unnest(%s::int[], %s::bool[]) AS wanted (number, alone)",
                (int(lock), int(lock), wanted, [number in alone for number in wanted]),
            ).all()


@contextmanager
def held_by_session(engine: sa.Engine, lock: Lock, *, wait: bool) -> Iterator[bool]:
    """Hold this lock on PostgreSQL while the block lasts, without a transaction, which would keep the database from
    tidying for minutes. False where somebody else has it and `wait` is False.
    """
    key = sa.literal(int(lock), sa.BigInteger)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        if wait:
            conn.execute(sa.select(sa.func.pg_advisory_lock(key)))
        elif not conn.execute(sa.select(sa.func.pg_try_advisory_lock(key))).scalar():
            yield False
            return
        try:
            yield True
        finally:
            conn.execute(sa.select(sa.func.pg_advisory_unlock(key)))

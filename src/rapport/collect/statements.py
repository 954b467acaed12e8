"""Whose an order is: who said something of it, and whose word counts.

An order that the shop's own systems have reported is its customer's: of what comes with a public write key, only what
that customer's own browser says counts. An order that only browsers reported is the customer's whose report came first.
What anybody else says of it is a fact like any other, kept and shown with its source, and changes nothing. While no
report says whose it is, all that is said counts.

Nothing here depends on the order in which facts are folded: whoever settles an order asks anew what counts of all that
was said, and does so again when two customers turn out to be one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Connection, Index, Integer, LargeBinary, Table, Text

from rapport.kernel.clock import HOUR
from rapport.kernel.facts import Fact
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.order_states import OrderState, state_of
from rapport.storage.bulk import chunks, upsert
from rapport.storage.engine import CText, metadata
from rapport.storage.lookup import change_among, select_among

__all__ = [
    "ORDER_EVENTS",
    "REPORT",
    "Statement",
    "called_off_at",
    "contested_by",
    "disputed",
    "disputed_in",
    "is_plain",
    "keep_statements",
    "mark_disputed",
    "order_statements",
    "reports_of",
    "statement_of",
    "statements_of",
    "unverified_of",
]

ORDER_EVENTS = "Order "
"""What begins the name of a fact that says something of an order."""

REPORT, OFF = "Order Completed", "Order Cancelled"

order_statements = Table(
    "order_statements",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("fact", CText, primary_key=True),
    Column("order_id", CText, nullable=False),
    Column("name", CText, nullable=False),
    Column("state", CText, nullable=False),
    Column("strand", LargeBinary, nullable=False),
    Column("source", Text, nullable=False),
    Column("unverified", Boolean, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("disputed", Boolean, nullable=False, server_default=sa.false()),
    Index("order_statements_of_order", "workspace", "order_id"),
    Index("order_statements_of_strand", "workspace", "strand"),
    Index(
        "order_statements_disputed", "workspace", "source", "received_at",
        sqlite_where=sa.text("disputed"), postgresql_where=sa.text("disputed"),
    ),
)  # fmt: skip
"""Every fact that names an order, by its id. `disputed`: it is a stranger's, and changes nothing."""

_IS_DISPUTED = sa.literal_column("order_statements.disputed", sa.Boolean)
"""As the partial index says it: `= 1` would not be seen to be the same."""


class Statement(NamedTuple):
    """That a fact says something of an order."""

    workspace: WorkspaceId
    fact: str
    order_id: str
    name: str
    state: OrderState
    """What it says of the order's state, if anything."""
    strand: Key
    source: str
    unverified: bool
    """It came with a key that every visitor can read."""
    received_at: int
    seq: int
    disputed: bool = False


def statement_of(workspace: WorkspaceId, strand: Key, fact: Fact, order_id: str) -> Statement:
    """What is kept of a fact that names this order."""
    return Statement(
        workspace, fact.id, order_id, fact.name, state_of(fact), strand, fact.source, fact.unverified,
        fact.received_at, fact.seq,
    )  # fmt: skip


def keep_statements(conn: Connection, told: Iterable[Statement]) -> None:
    """Keep who said something of which order, each fact once."""
    rows = {(one.workspace, one.fact): one for one in told}
    values = [{**rows[key]._asdict()} for key in sorted(rows)]
    upsert(conn, order_statements, values, key=("workspace", "fact"), update=("order_id", "state"))


def statements_of(
    conn: Connection, workspace: WorkspaceId, order_ids: Collection[str]
) -> dict[str, list[Statement]]:  # fmt: skip
    """All that was said of these orders, by whomever."""
    found: dict[str, list[Statement]] = {}
    columns = [order_statements.c[name] for name in Statement._fields]
    asked = select_among(conn, sa.select(*columns), workspace, order_statements.c.order_id, sorted(order_ids))
    for row in asked:
        found.setdefault(row.order_id, []).append(Statement._make(row)._replace(strand=Key(bytes(row.strand))))
    return found


def contested_by(conn: Connection, workspace: WorkspaceId, strands: Collection[Key]) -> set[str]:
    """The orders of which these strands and others said something, at least once without being the shop's own word."""
    s, more = order_statements.c, order_statements.alias()
    theirs = sa.select(s.order_id)
    found: set[str] = set()
    for some in chunks(sorted(strands), 500):
        ours = theirs.where(s.workspace == workspace, s.strand.in_(some))
        query = (
            sa.select(more.c.order_id)
            .where(more.c.workspace == workspace, more.c.order_id.in_(ours))
            .group_by(more.c.order_id)
            .having(sa.func.count(more.c.strand.distinct()) > 1)
            .having(sa.func.sum(sa.case((more.c.unverified, 1), else_=0)) > 0)
        )
        found.update(conn.execute(query).scalars())
    return found


def is_plain(told: Sequence[Statement]) -> bool:
    """Whether all that was said of an order counts, and nobody's word before another's: it is all the shop's own, or
    all of one browser, and says at most by `Order Cancelled` that it was called off.
    """
    states = {one.state for one in told}
    if "cancelled" in states and ("live" in states or any(one.state and one.name != OFF for one in told)):
        return False
    return not any(one.unverified for one in told) or (
        all(one.unverified for one in told) and len({one.strand for one in told}) == 1
    )


def disputed(told: Sequence[Statement], root_of: Mapping[Key, Key]) -> frozenset[str]:
    """The facts of strangers about one order. Pure; `root_of` names the customer of each strand."""
    owners = _owners(told, root_of)
    if owners is None:
        return frozenset()
    return frozenset(
        one.fact for one in told if one.unverified and root_of.get(one.strand, one.strand) not in owners
    )  # fmt: skip


def called_off_at(said: Iterable[tuple[OrderState, int, bool]], *, by_shop: bool) -> int | None:
    """Since when an order is called off, by what counts of it: state, time and whether a browser says it. None where it
    is not, or was said later to stand: by the shop, or where no shop has reported it by a browser that called it off.
    Pure.
    """
    known = list(said)
    stands = max((at for state, at, unverified in known if state == "live" and not unverified), default=-1)
    theirs = max((at for state, at, unverified in known if state == "live" and unverified), default=-1)
    for_theirs = stands if by_shop else max(stands, theirs)
    return min(
        (
            at
            for state, at, unverified in known
            if state == "cancelled" and at >= (for_theirs if unverified else stands)
        ),
        default=None,
    )


def unverified_of(conn: Connection, workspace: WorkspaceId, order_ids: Collection[str]) -> dict[str, dict[str, bool]]:
    """What browsers said of each of these orders: by fact, whether it is noted as a stranger's."""
    s = order_statements.c
    query = sa.select(s.order_id, s.fact, s.disputed).where(s.unverified)
    found: dict[str, dict[str, bool]] = {}
    for order_id, fact, is_disputed in select_among(conn, query, workspace, s.order_id, sorted(order_ids)):
        found.setdefault(order_id, {})[fact] = is_disputed
    return found


def mark_disputed(conn: Connection, workspace: WorkspaceId, told: Iterable[Statement], aside: Collection[str]) -> None:
    """Note which of these facts change nothing, where that is new."""
    changed = [one for one in told if one.disputed != (one.fact in aside)]
    for now in (True, False):
        facts = sorted(one.fact for one in changed if (one.fact in aside) is now)
        if facts:
            update = sa.update(order_statements).values(disputed=now)
            change_among(conn, update, workspace, order_statements.c.fact, facts)


def disputed_in(
    conn: Connection, workspace: WorkspaceId, source: str, *, since: int
) -> list[tuple[str, int, int, int]]:
    """What a source said of somebody else's orders since this moment: (event, hour, how often, the newest's number)."""
    s = order_statements.c
    hour = s.received_at - s.received_at % sa.literal_column(str(HOUR))
    query = (
        sa.select(s.name, hour, sa.func.count(), sa.func.max(s.seq))
        .where(s.workspace == workspace, s.source == source, _IS_DISPUTED, s.received_at >= since)
        .group_by(sa.literal_column("1"), sa.literal_column("2"))
        .order_by(sa.literal_column("1"), sa.literal_column("2"))
    )
    return [(name, int(at), int(number), int(seq)) for name, at, number, seq in conn.execute(query)]


def _owners(told: Sequence[Statement], root_of: Mapping[Key, Key]) -> set[Key] | None:
    """The customers whose order it is; None while no report says so."""
    reports = [one for one in told if one.name == REPORT]
    own = [one for one in reports if not one.unverified]
    if own:
        return {root_of.get(one.strand, one.strand) for one in own}
    backed = {root_of.get(one.strand, one.strand) for one in told if not one.unverified}
    ranked = sorted(
        reports, key=lambda one: (root_of.get(one.strand, one.strand) not in backed, one.received_at, one.seq, one.fact)
    )
    return {root_of.get(one.strand, one.strand) for one in ranked[:1]} or None


def reports_of(conn: Connection, workspace: WorkspaceId, order_ids: Collection[str]) -> list[tuple[str, str]]:
    """The reports of these orders that have been handled so far: (order, fact)."""
    query = sa.select(order_statements.c.order_id, order_statements.c.fact).where(order_statements.c.name == REPORT)
    return [(row[0], row[1]) for row in select_among(conn, query, workspace, order_statements.c.order_id, order_ids)]

"""The timeline of a customer: the facts of all its strands as one story, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.clock import to_iso
from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember.golden import IdentifierShown
from rapport.resolve.identities import identifiers_of_customer
from rapport.resolve.store import among
from rapport.storage.log import StoredRow, facts, to_fact

__all__ = ["Timeline", "TimelineFact", "timeline"]


class TimelineFact(msgspec.Struct, frozen=True, kw_only=True):
    """One fact as it stands in the log."""

    seq: int
    id: str
    """The messageId."""
    type: str
    name: str
    occurred_at: str
    received_at: str
    source: str
    strand: IdentifierShown
    """The identifier it was filed under."""
    title: str | None
    properties: dict[str, Any]
    traits: dict[str, Any]
    context: dict[str, Any]


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the timeline; `cursor` asks for older facts, None after the oldest."""

    facts: list[TimelineFact]
    cursor: str | None


def timeline(
    conn: Connection, workspace: WorkspaceId, root: Key, *, cursor: str | None = None, limit: int = 50
) -> Timeline:
    """What a customer did, on all channels, the newest first. Raises InvalidInput for a bad cursor."""
    members = identifiers_of_customer(conn, workspace, root)
    strands = {one.key: IdentifierShown(one.namespace, one.value) for one in members}
    if not strands:
        return Timeline(facts=[], cursor=None)
    columns = facts.c
    query = sa.select(facts).where(among(conn, workspace, columns.strand, list(strands)))
    if cursor:
        at, seq = _decode_cursor(cursor)
        query = query.where(sa.tuple_(columns.occurred_at, columns.seq) < sa.tuple_(sa.literal(at), sa.literal(seq)))
    query = query.order_by(columns.occurred_at.desc(), columns.seq.desc()).limit(limit + 1)
    rows = [StoredRow._make(row) for row in conn.execute(query)]
    shown = rows[:limit]
    following = f"{shown[-1].occurred_at}.{shown[-1].seq}" if len(rows) > limit else None
    return Timeline(facts=[_shown(row, strands) for row in shown], cursor=following)


def _shown(row: StoredRow, strands: Mapping[Key, IdentifierShown]) -> TimelineFact:
    fact = to_fact(row)
    return TimelineFact(
        seq=row.seq, id=row.message_id, type=fact.type, name=fact.name, occurred_at=to_iso(row.occurred_at),
        received_at=to_iso(row.received_at), source=row.source, strand=strands[Key(row.strand)], title=fact.title,
        properties=fact.properties, traits=fact.traits, context=fact.context,
    )  # fmt: skip


def _decode_cursor(cursor: str) -> tuple[int, int]:
    at, dot, seq = cursor.partition(".")
    try:
        place = int(at), int(seq)
        if not dot or any(not -(2**63) <= number < 2**63 for number in place):
            raise ValueError
    except ValueError:
        raise InvalidInput(f"cursor {cursor[:60]!r} cannot be read", hint="start again without a cursor") from None
    return place

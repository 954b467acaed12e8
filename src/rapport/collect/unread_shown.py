"""What of a source's facts could not be read, as people and programs are told it: counted by event and field."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.collect.statements import disputed_in
from rapport.collect.store import source_unread
from rapport.collect.unread import time_zone_of
from rapport.kernel.clock import DAY, SECOND, zone_named
from rapport.kernel.ids import WorkspaceId

__all__ = ["ORDER_OF_ANOTHER", "UnreadDay", "UnreadField", "unread_of_source"]


ORDER_OF_ANOTHER = "order_id"
"""The field by which a fact of a public source is about an order of somebody else."""


class UnreadDay(msgspec.Struct, frozen=True, kw_only=True):
    """One of the shop's days."""

    day: str
    facts: int


class UnreadField(msgspec.Struct, frozen=True, kw_only=True):
    """A field of an event that is stated and could not be read, or an event whose name is like a known one."""

    event: str
    field: str
    """As it is reached in the message: `revenue`, `products[].price`; `event` where it is the name itself; `more`, of
    no event, for all beyond the hundred fields that are told apart on one day; `order_id` where it was read, and is of
    an order of somebody else, so that the fact changes nothing."""
    facts: int
    """That had it and could not be read."""
    of: int | None
    """Facts of this event, on the days that had one, from the first one on; None for a name."""
    share: float | None
    example: str
    """What came in the newest of them, without what may be personal, and why it could not be read; of a name, the one
    that it is like."""
    fact: int
    """The number of the newest of them, at `/console/facts/{fact}`."""
    days: list[UnreadDay]
    """Those on which there was one."""


def unread_of_source(
    conn: Connection, workspace: WorkspaceId, source: str, *, now: int, days: int
) -> list[UnreadField]:
    """What could not be read of what a source sent in the last days of the shop, the most frequent first."""
    today = datetime.fromtimestamp(now // SECOND, zone_named(time_zone_of(conn, workspace))).date()
    c = source_unread.c
    query = (
        sa.select(c.day, c.event, c.field, c.facts, c.example, c.seq)
        .where(c.workspace == workspace, c.source == source, c.day > (today - timedelta(days=days)).isoformat())
        .order_by(c.day)
    )
    of: dict[tuple[str, str], int] = {}
    found: dict[tuple[str, str], list[Any]] = {}
    for row in conn.execute(query):
        if row.field:
            found.setdefault((row.event, row.field), []).append(row)
        else:
            of[row.event, row.day] = row.facts
    told = [_field(rows, of) for rows in found.values()]
    told += _of_others(conn, workspace, source, zone=zone_named(time_zone_of(conn, workspace)), now=now, days=days)
    return sorted(told, key=lambda one: (-one.facts, one.event, one.field))


def _of_others(
    conn: Connection, workspace: WorkspaceId, source: str, *, zone: ZoneInfo, now: int, days: int
) -> list[UnreadField]:  # fmt: skip
    """What the source said of orders that are somebody else's."""
    by_event: dict[str, dict[str, int]] = {}
    newest: dict[str, int] = {}
    for event, hour, number, seq in disputed_in(conn, workspace, source, since=now - days * DAY):
        day = datetime.fromtimestamp(hour // SECOND, zone).date().isoformat()
        by_day = by_event.setdefault(event, {})
        by_day[day] = by_day.get(day, 0) + number
        newest[event] = max(seq, newest.get(event, 0))
    return [
        UnreadField(
            event=event, field=ORDER_OF_ANOTHER, facts=sum(by_day.values()), of=None, share=None,
            example="another customer's order: it changes nothing of it", fact=newest[event],
            days=[UnreadDay(day=day, facts=number) for day, number in sorted(by_day.items())],
        )
        for event, by_day in by_event.items()
    ]  # fmt: skip


def _field(rows: list[Any], of: dict[tuple[str, str], int]) -> UnreadField:
    newest = max(rows, key=lambda row: row.seq)
    facts = sum(row.facts for row in rows)
    known = [of[row.event, row.day] for row in rows if (row.event, row.day) in of]
    among = max(sum(known), facts) if known else None
    return UnreadField(
        event=newest.event, field=newest.field, facts=facts, of=among,
        share=None if among is None else round(facts / among, 4), example=newest.example, fact=newest.seq,
        days=[UnreadDay(day=row.day, facts=row.facts) for row in rows],
    )  # fmt: skip

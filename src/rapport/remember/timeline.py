"""The timeline of a customer: the facts of all its strands as one story, newest first.

The API, clients of Segment's Profile API and the console read it here: page by page through all there ever was, each
page as quick as the first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from rapport.kernel.clock import to_iso
from rapport.kernel.errors import InvalidInput
from rapport.kernel.facts import name_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember.golden import IdentifierShown
from rapport.resolve.linking.units import members_of
from rapport.storage.log import LogMoment, StoredRow, of_strands, to_fact
from rapport.storage.lookback import look_back, named

__all__ = [
    "Timeline",
    "TimelineFact",
    "TimelinePage",
    "cursor_after",
    "cursor_at",
    "event_names",
    "read_page",
    "timeline",
]

_RECENT = 500
"""The newest facts whose names are worth suggesting as a filter."""


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
    """A page of the timeline; `cursor` asks for older facts, None after the oldest.

    Where an event is asked for that is rare, a page may hold few facts or none and yet have a cursor.
    """

    facts: list[TimelineFact]
    cursor: str | None


class TimelinePage(NamedTuple):
    """A page as the log has it."""

    rows: list[StoredRow]
    cursor: str | None
    """Asks for what is older; None after the oldest."""
    before: int | None
    """When the last fact happened that was looked at; None after the oldest."""
    looked_at: int
    """Facts that were looked at to find those of the event that was asked for."""


def timeline(
    conn: Connection,
    workspace: WorkspaceId,
    key: Key,
    *,
    event: str = "",
    cursor: str | None = None,
    limit: int = 50,
    probable: bool = False,
) -> Timeline:
    """What the customer who has this identifier did, on all channels, the newest first.

    Facts that only a learned link adds are left out, unless `probable` is asked for. Raises InvalidInput for a bad
    cursor.
    """
    members = members_of(conn, workspace, key, probable=probable)
    strands = {one.key: IdentifierShown(one.namespace, one.value) for one in members}
    page = read_page(conn, workspace, list(strands), event=event, cursor=cursor, limit=limit)
    return Timeline(facts=[_shown(row, strands) for row in page.rows], cursor=page.cursor)


def read_page(
    conn: Connection,
    workspace: WorkspaceId,
    strands: Sequence[Key],
    *,
    event: str = "",
    among: Callable[[str], bool] | None = None,
    cursor: str | None = None,
    limit: int,
) -> TimelinePage:
    """The facts of these strands whose name has `event` in it, the latest first. Raises InvalidInput for a bad cursor.

    `among` says of a name whether facts of it are wanted.

    Cost: that of `limit` facts for any page; with an event, at most that of `lookback.MOST` facts.
    """
    start = _decode_cursor(cursor) if cursor else None

    def older(row: StoredRow | None, most: int) -> list[StoredRow]:
        return of_strands(conn, workspace, strands, before=start if row is None else _moment(row), limit=most)

    look = look_back(older, _wanted(event, among), limit=limit)
    if look.last is None:
        return TimelinePage(look.rows, None, None, look.looked_at)
    return TimelinePage(look.rows, _encode_cursor(_moment(look.last)), look.last.occurred_at, look.looked_at)


def _wanted(event: str, among: Callable[[str], bool] | None) -> Callable[[StoredRow], bool] | None:
    called = named(event) if event else None
    if among is None:
        return called
    return lambda row: among(name_of(row.body)) and (called is None or called(row))


def cursor_after(row: StoredRow) -> str:
    """The cursor of the facts that come after this one."""
    return _encode_cursor(_moment(row))


def cursor_at(at: int) -> str:
    """The cursor of the facts that happened before this time."""
    return _encode_cursor(LogMoment(at, 0))


def event_names(conn: Connection, workspace: WorkspaceId, strands: Sequence[Key]) -> list[str]:
    """What these strands' newest facts are called, the most frequent name first."""
    rows = of_strands(conn, workspace, strands, limit=_RECENT)
    return [name for name, _ in Counter(name_of(row.body) for row in rows).most_common()]


def _shown(row: StoredRow, strands: Mapping[Key, IdentifierShown]) -> TimelineFact:
    fact = to_fact(row)
    return TimelineFact(
        seq=row.seq, id=row.message_id, type=fact.type, name=fact.name, occurred_at=to_iso(row.occurred_at),
        received_at=to_iso(row.received_at), source=row.source, strand=strands[Key(row.strand)], title=fact.title,
        properties=fact.properties, traits=fact.traits, context=fact.context,
    )  # fmt: skip


def _moment(row: StoredRow) -> LogMoment:
    return LogMoment(row.occurred_at, row.seq)


def _encode_cursor(moment: LogMoment) -> str:
    return f"{moment.occurred_at}.{moment.seq}"


def _decode_cursor(cursor: str) -> LogMoment:
    at, dot, seq = cursor.partition(".")
    try:
        place = LogMoment(int(at), int(seq))
        if not dot or any(not -(2**63) <= number < 2**63 for number in place):
            raise ValueError
    except ValueError:
        raise InvalidInput(f"cursor {cursor[:60]!r} cannot be read", hint="start again without a cursor") from None
    return place

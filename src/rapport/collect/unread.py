"""What of a source's newest facts could not be read: looked up when its page is opened, counted by event and field."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec
from sqlalchemy import Connection

from rapport.kernel.facts import Fact
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.wording import Wording
from rapport.storage.log import latest, to_fact

__all__ = ["LOOKED_AT", "Unread", "unread_of_source"]

_logger = logging.getLogger(__name__)

LOOKED_AT = 500
"""Newest facts of a source that are looked at."""


class Unread(msgspec.Struct, kw_only=True):
    """A field of an event that is stated and could not be read."""

    event: str
    field: str
    example: str
    """What came in the newest of them, and why it could not be read."""
    facts: int = 0
    of: int = 0
    """Facts of this event among those looked at."""
    seq: int = 0
    """The newest of them."""


def unread_of_source(conn: Connection, workspace: WorkspaceId, source: str, wording: Wording) -> list[Unread]:
    """The fields of a source's newest facts that their kinds cannot read, the most frequent first."""
    found: dict[tuple[str, str], Unread] = {}
    events: dict[str, int] = {}
    for row in latest(conn, workspace, source=source, limit=LOOKED_AT):
        fact = to_fact(row)
        kind = wording.kinds.get(fact.name)
        if kind is None or kind.unread is None:
            continue
        events[fact.name] = events.get(fact.name, 0) + 1
        for field, why in _fields(kind.unread, fact).items():
            new = Unread(event=fact.name, field=field, example=why, seq=row.seq)
            one = found.setdefault((fact.name, field), new)
            one.facts += 1
    for one in found.values():
        one.of = events[one.event]
    return sorted(found.values(), key=lambda one: (-one.facts, one.event, one.field))


def _fields(unread: Callable[[Fact], dict[str, str]], fact: Fact) -> dict[str, str]:
    try:
        return unread(fact)
    except Exception:  # whatever a slice makes of a fact, the source's page is not its own
        _logger.exception("what of a %s fact cannot be read could not be told", fact.type)
        return {}

"""Facts about messages, appended to the log; the same one twice is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from rapport.capabilities.messages.store import MessageRow
from rapport.collect.own import own_fact
from rapport.decide.people import identifiers_by_key, naming
from rapport.kernel.ids import WorkspaceId
from rapport.storage import log

__all__ = ["About", "state"]


class About(NamedTuple):
    """A fact about a message."""

    row: MessageRow
    name: str
    reason: str
    suffix: str
    at: int
    machine: bool = False


def state(conn: Connection, workspace: WorkspaceId, about: Sequence[About], *, now: int) -> None:
    """Append the facts; the same one twice is one."""
    names = identifiers_by_key(conn, workspace, {one.row.strand for one in about})
    log.append(
        conn,
        [
            own_fact(
                workspace, name=one.name, id=f"{one.row.id}-{one.suffix}", occurred_at=one.at or now, received_at=now,
                properties=_properties(one), **naming(names[one.row.strand]),
            )
            for one in about
            if one.row.strand in names
        ],
    )  # fmt: skip


def _properties(one: About) -> dict[str, Any]:
    row = one.row
    found: dict[str, Any] = {
        "message_id": row.id, "template": row.template, "channel": row.channel, "purpose": row.purpose,
    }  # fmt: skip
    if one.reason:
        found["reason"] = one.reason
    if one.machine:
        found["machine"] = True
    return found

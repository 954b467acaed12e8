"""Where a message goes that its channel cannot bring: by the next channel named for it, each once, within its time."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from rapport.capabilities.messages.model import is_of_the_channel
from rapport.capabilities.messages.service.queueing import queue_instead
from rapport.capabilities.messages.store import MessageRow
from rapport.kernel.ids import WorkspaceId

__all__ = ["fall_back"]


def fall_back(conn: Connection, workspace: WorkspaceId, astray: Sequence[tuple[MessageRow, str]], *, now: int) -> None:
    """Queue by another channel what did not arrive for a reason that is the channel's. All is asked anew there."""
    several = {
        row.id: row for row, reason in astray if row.fallback and now <= row.latest_at and is_of_the_channel(reason)
    }
    queue_instead(conn, workspace, list(several.values()), now=now)

"""The trail as a file of JSON lines that anybody can check without Rapport (`docs/examples/check_audit.py`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.ids import WorkspaceId
from rapport.storage.audit.entries import parts_of
from rapport.storage.audit.sealing import head
from rapport.storage.audit.tables import audit_entries

__all__ = ["lines"]

_e = audit_entries.c
_AT_ONCE = 1_000


def lines(conn: Connection, workspace: WorkspaceId) -> Iterator[bytes]:
    """First the head, then every sealed entry: the text of its leaf, and its parts with their salts."""
    newest = head(conn, workspace)
    yield _line({"format": "rapport-audit-1", "size": newest.size, "root": newest.root.hex()})
    reached = -1
    while reached + 1 < newest.size:
        query = sa.select(audit_entries).where(_e.workspace == workspace, _e.leaf > reached, _e.leaf < newest.size)
        rows = conn.execute(query.order_by(_e.leaf).limit(_AT_ONCE)).all()
        if not rows:
            return
        parts = parts_of(conn, workspace, [row.id for row in rows])
        for row in rows:
            shown = [
                None if part.salt is None or part.body is None else [part.salt.hex(), part.body.decode()]
                for part in parts.get(row.id, [])
            ]
            yield _line({"leaf": row.body.decode(), "parts": shown})
        reached = rows[-1].leaf


def _line(value: Any) -> bytes:
    return msgspec.json.encode(value) + b"\n"

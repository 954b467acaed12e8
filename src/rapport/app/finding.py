"""The customer behind an id, for those who decide."""

from __future__ import annotations

from sqlalchemy import Connection

from rapport.kernel.errors import NotFound
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.reading import identities

__all__ = ["customer_key"]


def customer_key(conn: Connection, workspace: WorkspaceId, customer_id: str) -> Key | None:
    """The customer behind an id, None where there is none."""
    try:
        return identities.find_customer(conn, workspace, customer_id, load_customer_ids(conn))
    except NotFound:
        return None

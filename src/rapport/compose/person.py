"""One person over all slices: everything that is kept of her, to be handed out; and all of it forgotten."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from rapport.kernel.ids import Key, WorkspaceId

if TYPE_CHECKING:
    from rapport.compose.installed import Installed

__all__ = ["erase_person", "export_person"]


def export_person(
    conn: Connection, slices: Installed, workspace: WorkspaceId, keys: Collection[Key]
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """By slice and table: all rows about the person with these strands, in plain values."""
    told: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for one in slices.slices:
        for holding in one.holds:
            rows = [dict(row) for row in holding.export(conn, workspace, keys)] if holding.export else []
            if rows:
                told.setdefault(one.name, {})[holding.table.name] = rows
    return told


def erase_person(conn: Connection, slices: Installed, workspace: WorkspaceId, keys: Collection[Key]) -> dict[str, int]:
    """Forget the person with these strands in every table, in this transaction; returns rows by table.

    The slices that came last go first: what they keep may lead back to what is found by those before them.
    """
    gone: dict[str, int] = {}
    for one in reversed(slices.slices):
        for holding in reversed(one.holds):
            if holding.erase is not None and not isinstance(holding.erase, str):
                gone[holding.table.name] = holding.erase(conn, workspace, keys)
    return gone

"""Loyalty: points in a double-entry ledger, tiers, benefits, paid membership, and the programme that says the rules.

The front door: `give_points`. It is imported when it is called: the list of commands stands in this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rapport.kernel.ids import Key, WorkspaceId

__all__ = ["give_points"]


def give_points(
    conn: Any, workspace: WorkspaceId, key: Key, points: int, *, reason: str, by: str, request_id: str,
    programme: str = "", now: int,
) -> None:  # fmt: skip
    """Give somebody points, once under one `request_id`. Raises NotFound where the shop has no programme."""
    from rapport.capabilities.loyalty.redeeming import give

    give(
        conn, workspace, key, points, reason=reason, by=by, request_id=request_id, programme=programme, now=now
    )  # fmt: skip

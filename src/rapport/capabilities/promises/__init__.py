"""Promises: what a shop said about when an order is there, watched, and told honestly before the customer asks.

The front door: `shipments_of` answers the shipments of an order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rapport.capabilities.promises.service.promising import ShipmentShown
    from rapport.kernel.ids import WorkspaceId

__all__ = ["shipments_of"]


def shipments_of(conn: Any, workspace: WorkspaceId, order_id: str) -> list[ShipmentShown]:
    """The shipments of an order, the earliest first; none where nobody has told of any."""
    from rapport.capabilities.promises.service.promising import shipments_shown

    return shipments_shown(conn, workspace, order_id)

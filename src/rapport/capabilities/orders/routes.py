"""`/api/v1/orders/{id}`: one order as it stands."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import Parameter

from rapport.capabilities.orders.service import shipped
from rapport.capabilities.orders.shown import OrderShown, find_order
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database

__all__ = ["ROUTES"]


@get("/orders/{order_id:str}", permission="customers:read", tags=["orders"], sync_to_thread=True)
def get_order(db: Database, principal: Principal, order_id: Annotated[str, Parameter(max_length=512)]) -> OrderShown:
    """An order with its lines, its refunds, its shipments, its customer and what is left of its revenue."""
    with db.read() as conn:
        shipments = shipped(conn, principal.workspace, order_id)
        return find_order(conn, principal.workspace, order_id, shipments=shipments)


ROUTES = (get_order,)

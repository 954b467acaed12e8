"""The signed link to an order's page: it opens that one order, needs no login, and holds nothing of a person."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

from sqlalchemy import Connection

from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import WorkspaceId
from rapport.resolve.graph.signing import load_signer
from rapport.storage.workspaces import workspace_of

__all__ = ["open_order", "order_path", "order_token"]

_USE = b"promises-order-links-1"


def order_token(conn: Connection, workspace: WorkspaceId, order_id: str) -> str:
    """What the link to an order carries. Raises NotFound before the first customer was seen."""
    named = urlsafe_b64encode(order_id.encode("utf-8", "surrogatepass")).decode().rstrip("=")
    return load_signer(conn, _USE, workspace).sign(f"o.{named}")


def order_path(conn: Connection, workspace: WorkspaceId, order_id: str) -> str:
    """The address of an order's page below the address of this server."""
    shop = workspace_of(conn, workspace).slug
    return f"/shop/promises/order?shop={shop}&t={order_token(conn, workspace, order_id)}"


def open_order(conn: Connection, workspace: WorkspaceId, token: str) -> str:
    """The order a link opens. Raises InvalidInput for one that is not ours."""
    text = load_signer(conn, _USE, workspace).read(token)
    try:
        named = text.removeprefix("o.")
        return urlsafe_b64decode(named + "=" * (-len(named) % 4)).decode("utf-8", "surrogatepass")
    except ValueError as error:
        raise InvalidInput("this link is for something else", hint="open it as it stands in the message") from error

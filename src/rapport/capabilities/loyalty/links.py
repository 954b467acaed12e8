"""The signed link to somebody's wallet: it opens theirs alone, for a week, and holds no address of theirs."""

from __future__ import annotations

from sqlalchemy import Connection

from rapport.kernel.clock import DAY, SECOND
from rapport.kernel.errors import Conflict, InvalidInput
from rapport.kernel.ids import CustomerId, Key, WorkspaceId
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.graph.signing import load_signer
from rapport.storage.workspaces import workspace_of

__all__ = ["OPEN_FOR", "PASS_PAGES", "WalletLinks", "open_wallet"]

OPEN_FOR = 7 * DAY
PASS_PAGES = {"apple": "card.pkpass", "google": "google-wallet"}
"""Where somebody takes their card for a phone's wallet."""
_USE = b"loyalty-wallet-links-1"


class WalletLinks:
    """Makes the links of one shop, by three small reads. Raises NotFound before the first customer was seen."""

    def __init__(self, conn: Connection, workspace: WorkspaceId) -> None:
        self._ids = load_customer_ids(conn)
        self._signer = load_signer(conn, _USE, workspace)
        self._shop = workspace_of(conn, workspace).slug

    def token(self, key: Key, *, now: int) -> str:
        """What opens somebody's wallet until OPEN_FOR is over."""
        return self._signer.sign(f"w.{self._ids.customer_id(key)}.{(now + OPEN_FOR) // SECOND}")

    def path(self, key: Key, *, now: int, page: str = "wallet") -> str:
        """The address of somebody's wallet, or of another page of theirs, below the address of this server."""
        return f"/shop/loyalty/{page}?shop={self._shop}&t={self.token(key, now=now)}"


def open_wallet(conn: Connection, workspace: WorkspaceId, token: str, *, now: int) -> Key:
    """Whose wallet it opens. Raises InvalidInput for a token that is not ours, Conflict for one that is over."""
    kind, _, rest = load_signer(conn, _USE, workspace).read(token).partition(".")
    customer, _, until = rest.partition(".")
    if kind != "w" or not (until.isascii() and until.isdigit()):
        raise InvalidInput("this link is for something else", hint="open it as it stands in the message")
    if int(until) * SECOND <= now:
        raise Conflict("this link is over", hint="ask the shop for a new one")
    return load_customer_ids(conn).key(CustomerId(customer))

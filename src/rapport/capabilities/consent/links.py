"""Two kinds of signed link: one as long-lived as the mail it stands in, which can only refuse; one that opens the
preferences for an hour. Neither holds an address, or anything that leads to one without this installation's secret.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from rapport.kernel.clock import DAY, HOUR, SECOND
from rapport.kernel.errors import Conflict, InvalidInput
from rapport.kernel.ids import CustomerId, Key, WorkspaceId
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.graph.signing import Signer, load_signer

__all__ = ["OPEN_FOR", "Links", "Opened", "load_links"]

OPEN_FOR = HOUR
"""How long a link to the preferences opens them."""

CONFIRM_WITHIN = 7 * DAY

_USE = b"consent-links-1"
_LONGEST = 200


class Opened(NamedTuple):
    """Whose link it is, and what it may refuse; empty for the preferences, where all can be answered."""

    key: Key
    purpose: str


class Links:
    """Makes and reads the links of one shop."""

    def __init__(self, signer: Signer, conn: Connection) -> None:
        self._signer = signer
        self._ids = load_customer_ids(conn)

    def preferences(self, key: Key, *, now: int) -> str:
        """A token that opens somebody's preferences until OPEN_FOR is over."""
        return self._signer.sign(f"p.{self._ids.customer_id(key)}.{(now + OPEN_FOR) // SECOND}")

    def refusal(self, key: Key, purpose: str) -> str:
        """A token with which somebody refuses one purpose, for ever."""
        return self._signer.sign(f"w.{self._ids.customer_id(key)}.{purpose}")

    def confirmation(self, key: Key, purpose: str, *, now: int) -> str:
        """A token with which somebody confirms their yes to one purpose, until CONFIRM_WITHIN is over."""
        return self._signer.sign(f"c.{self._ids.customer_id(key)}.{purpose}~{(now + CONFIRM_WITHIN) // SECOND}")

    def open_confirmation(self, token: str, *, now: int) -> Opened:
        """Who confirms what. Raises InvalidInput for one that is not ours, Conflict for one that is over."""
        customer, said = self._read(token, "c")
        purpose, _, until = said.rpartition("~")
        if not (until.isascii() and until.isdigit()) or int(until) * SECOND <= now:
            raise Conflict("this link is over", hint="say yes again, and a new one comes")
        return Opened(self._key(customer), purpose)

    def open_preferences(self, token: str, *, now: int) -> Opened:
        """Whose preferences it opens. Raises InvalidInput for one that is not ours, Conflict for one that is over."""
        customer, until = self._read(token, "p")
        if not (until.isascii() and until.isdigit()) or int(until) * SECOND <= now:
            raise Conflict("this link is over", hint="ask the shop for a new one")
        return Opened(self._key(customer), "")

    def open_refusal(self, token: str) -> Opened:
        """Who refuses what with it. Raises InvalidInput for one that is not ours."""
        customer, purpose = self._read(token, "w")
        return Opened(self._key(customer), purpose)

    def _read(self, token: str, kind: str) -> tuple[str, str]:
        parts = self._signer.read(token[:_LONGEST]).split(".")
        if len(parts) != 3 or parts[0] != kind:
            raise InvalidInput("this link is for something else", hint="open it as it stands in the message")
        return parts[1], parts[2]

    def _key(self, customer: str) -> Key:
        return self._ids.key(CustomerId(customer))


def load_links(conn: Connection, workspace: WorkspaceId) -> Links:
    """The links of a shop. Raises NotFound before the first customer was seen."""
    return Links(load_signer(conn, _USE, workspace), conn)

"""What is a person's data asked for? The guard of every address of the API that tells of people, closed by default.

The caller names the purpose, `?purpose=email_marketing`; whoever names none asks for the shop's own work. An API key
that was made for some purposes may name no other, and reaches people only where it is asked what may be done with
each: at addresses that name one person (`{reference}`), and at those that say `door="asks"` and ask for themselves.
What shows nobody says `door="open"`, or has a permission without people. Everything else refuses such a key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import anyio.to_thread
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from rapport.kernel.clock import now_us
from rapport.kernel.errors import Forbidden, InvalidInput
from rapport.kernel.gate import Gate, NamePurposes, closed
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database

__all__ = ["DOORS", "PARAMETER", "Purposes", "ask_purpose"]

DOORS = ("asks", "open")
"""What a handler may say of itself."""

PARAMETER = "purpose"

FindSubject: TypeAlias = Callable[[Any, WorkspaceId, str], Key | None]
"""Given a connection, the shop and what an address calls a person: a key of theirs, None where nobody is called so."""


class Purposes:
    """Asks the gate for the person whom an address names."""

    def __init__(
        self, db: Database, *, gate: Gate = closed, find: FindSubject = lambda *_: None,
        names: NamePurposes = lambda *_: {},
    ) -> None:  # fmt: skip
        self._db = db
        self._gate = gate
        self._find = find
        self._names = names

    def names(self, workspace: WorkspaceId) -> Mapping[str, str]:
        """The purposes of the shop's policies with their titles."""
        with self._db.read() as conn:
            return self._names(conn, workspace)

    def known(self, workspace: WorkspaceId, purpose: str) -> str:
        """The same purpose. Raises InvalidInput for one that none of the shop's policies knows; empty is none."""
        if purpose and purpose not in (names := self.names(workspace)):
            raise InvalidInput(f"no policy knows the purpose {purpose[:60]!r}", hint=f"there are: {', '.join(names)}")
        return purpose

    def refuse(self, workspace: WorkspaceId, reference: str, purpose: str) -> None:
        """Raises Forbidden where this may not be done with the person; whom nobody knows is left to the handler."""
        with self._db.read() as conn:
            key = self._find(conn, workspace, reference)
            if key is None:
                return
            permit = self._gate(conn, workspace, [key], purpose, now_us())[key]
        if not permit.may:
            raise Forbidden(f"not for {purpose[:60]!r}: {permit.reason}", hint="GET …/consent tells what may be done")


async def ask_purpose(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The guard. Stands after the one that finds out who asks."""
    principal = connection.scope.get("user")
    door = handler.opt.get("door")
    if not isinstance(principal, Principal) or door in DOORS:
        return
    reference = connection.path_params.get("reference")
    if isinstance(reference, str):
        purpose = principal.purpose_for(connection.query_params.get(PARAMETER, ""))
        if purpose:
            purposes: Purposes = connection.app.state.purposes
            await anyio.to_thread.run_sync(purposes.refuse, principal.workspace, reference, purpose)
    elif principal.purposes and _has_people(connection, handler):
        raise Forbidden(
            "this API key was made for some purposes, and this address does not ask what may be done with whom",
            hint="ask for one customer, or take a key without purposes",
        )


def _has_people(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> bool:
    permission = connection.app.state.permissions.by_name.get(handler.opt.get("permission"))
    return permission is None or permission.people

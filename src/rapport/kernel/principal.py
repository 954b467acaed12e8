"""Who asks, and what they may do: what every action that is not the machine's own is told."""

from __future__ import annotations

from typing import Literal

import msgspec

from rapport.kernel.errors import Forbidden
from rapport.kernel.ids import WorkspaceId

__all__ = ["Principal"]


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, in which workspace, and what they may do."""

    workspace: WorkspaceId
    kind: Literal["user", "api_key"]
    id: str
    name: str
    role: str | None
    scopes: frozenset[str]
    purposes: frozenset[str] = frozenset()
    """What an API key was made for; empty is all that the shop does itself."""

    def may(self, permission: str) -> bool:
        """Whether this permission was given."""
        return permission in self.scopes

    def require(self, permission: str, *, words: str) -> None:
        """Raises Forbidden where this permission was not given; `words` say what it allows, after "may"."""
        if permission in self.scopes:
            return
        holder = f"the role {self.role}" if self.kind == "user" else "this API key"
        raise Forbidden(f"{holder} may not {words}", hint=f"ask an owner for {permission}")

    def purpose_for(self, named: str) -> str:
        """The purpose this is asked for: the one that is named, or the only one the key was made for.

        Empty where the shop itself asks and names none. Raises Forbidden for one the key was not made for.
        """
        if not self.purposes:
            return named
        if not named and len(self.purposes) == 1:
            return next(iter(self.purposes))
        if named in self.purposes:
            return named
        own = ", ".join(sorted(self.purposes))
        said = f"this API key was not made for {named[:60]!r}" if named else "say what you ask for"
        raise Forbidden(said, hint=f"?purpose= takes what this key was made for: {own}")

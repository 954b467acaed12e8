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

    def may(self, permission: str) -> bool:
        """Whether this permission was given."""
        return permission in self.scopes

    def require(self, permission: str, *, words: str) -> None:
        """Raises Forbidden where this permission was not given; `words` say what it allows, after "may"."""
        if permission in self.scopes:
            return
        holder = f"the role {self.role}" if self.kind == "user" else "this API key"
        raise Forbidden(f"{holder} may not {words}", hint=f"ask an owner for {permission}")

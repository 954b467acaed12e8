"""What may be done with whom: purposes and policies as data, people's answers, and the one gate that all doors ask.

The front door: `gate` answers what may be done with many people, `refusal_token` is what a link ends a purpose with.
Both are imported when they are called: the list of commands stands in this package, and is read without a database.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rapport.kernel.gate import Permit
    from rapport.kernel.ids import Key, WorkspaceId

__all__ = ["gate", "refusal_token"]


def gate(conn: Any, workspace: WorkspaceId, keys: Collection[Key], purpose: str, now: int) -> Mapping[Key, Permit]:
    """What may be done with each of these people (`kernel.gate`)."""
    from rapport.capabilities.consent.service import gate as asked

    return asked(conn, workspace, keys, purpose, now)


def refusal_token(conn: Any, workspace: WorkspaceId, key: Key, purpose: str) -> str:
    """A token with which somebody refuses a purpose, for ever. Raises NotFound before the first customer was seen."""
    from rapport.capabilities.consent.links import load_links

    return load_links(conn, workspace).refusal(key, purpose)

"""The one question every door asks before it uses what is known of a person: may this be done with them?

A slice answers it (`Slice.gate`); where none does, the answer is no.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, TypeAlias

from rapport.kernel.ids import Key, WorkspaceId

__all__ = ["PERSONALISATION", "SERVICE", "Gate", "NamePurposes", "Permit", "closed", "marketing_by"]

PERSONALISATION = "personalisation"
"""To choose by what is known of somebody."""

SERVICE = "service"
"""What somebody ordered or asked for; the purpose of whoever names none."""


class Permit(NamedTuple):
    """Whether something may be done with somebody, and why or why not, in words without anything of theirs."""

    may: bool
    reason: str


Gate: TypeAlias = Callable[[Any, WorkspaceId, Collection[Key], str, int], Mapping[Key, Permit]]
"""Given a connection, the shop, strands or other keys of people, a purpose and the time: the answer for each key."""

NamePurposes: TypeAlias = Callable[[Any, WorkspaceId], Mapping[str, str]]
"""Given a connection and the shop: the purposes of its policies, by name, each with a title that people read."""


def closed(conn: Any, workspace: WorkspaceId, keys: Collection[Key], purpose: str, now: int) -> Mapping[Key, Permit]:
    """The gate of an installation in which nobody answers: nothing may be done."""
    return dict.fromkeys(keys, Permit(may=False, reason="no part of this installation answers what may be done"))


def marketing_by(channel: str) -> str:
    """The purpose of winning somebody by a channel.

    >>> marketing_by("email")
    'email_marketing'
    """
    return f"{channel}_marketing"

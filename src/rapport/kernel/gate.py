"""The one question every door asks before it uses what is known of a person: may this be done with them?

A slice answers it (`Slice.gate`); where none does, the answer is no.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, TypeAlias

from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.language import kept

__all__ = [
    "NOT_SENT", "PERSONALISATION", "SERVICE", "Choice", "Choices", "Choosing", "Gate", "NamePurposes", "Permit",
    "closed", "marketing_by",
]  # fmt: skip

PERSONALISATION = "personalisation"
"""To choose by what is known of somebody."""

SERVICE = "service"
"""What somebody ordered or asked for; the purpose of whoever names none."""

NOT_SENT = kept("not sent: %(why)s")
"""Of a message, with the reason of a permit."""


class Permit(NamedTuple):
    """Whether something may be done with somebody, and why or why not, in words without anything of theirs."""

    may: bool
    reason: str


Gate: TypeAlias = Callable[[Any, WorkspaceId, Collection[Key], str, int], Mapping[Key, Permit]]
"""Given a connection, the shop, strands or other keys of people, a purpose and the time: the answer for each key."""


class Choosing(NamedTuple):
    """A person whose choices are asked for."""

    keys: Collection[Key]
    """All identifiers that are certainly theirs."""
    country: str
    """An ISO code; empty where it is not known."""


class Choice(NamedTuple):
    """What somebody has said of one purpose, and the fact that says so."""

    state: str
    """`granted`, `denied` or `pending`."""
    since: int
    """From when on it was the same."""
    at: int
    fact: str
    source: str


Choices: TypeAlias = Callable[[Any, WorkspaceId, Mapping[Key, Choosing]], Mapping[Key, Mapping[str, Choice]]]
"""Given a connection, the shop and people, each under a key: what each has said, by purpose. Those who have said
nothing are missing. It is what the gate rests on."""

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

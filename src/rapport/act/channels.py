"""What a channel is to the outbox: somebody who carries one message to one destination and says how it went."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

import msgspec
from sqlalchemy import Connection

from rapport.collect.names import SPECIFICATION, Vocabulary
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Purpose
from rapport.storage.engine import Database

__all__ = [
    "AfterDelivery", "Channel", "ChannelSettings", "Delivered", "MakeChannel", "Outcome", "Outgoing",
    "PreparingChannel",
]  # fmt: skip


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """One message at the moment of delivery."""

    workspace: WorkspaceId
    id: str
    """Stays the same over all attempts, so that the receiver can leave out repeats."""
    channel: str
    destination: str
    payload: bytes
    strand: Key | None
    purpose: Purpose
    attempts: int
    """Counting this one."""


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt went. `gone` says that the destination wants nothing more, ever."""

    result: Literal["delivered", "retry", "dead", "gone"]
    detail: str = ""
    """For the console and the engineer; holds no secret and nothing of the message."""
    retry_after_seconds: float = 0.0
    """The least the destination asked us to wait."""
    address: bytes = b""
    """The key of the address it went to, where the channel finds it out at that moment."""
    units: int = 1
    """In how many parts it was carried, each of which is billed, such as those of an SMS."""


class Outcome(NamedTuple):
    """What has just become of a message."""

    message: Outgoing
    status: Literal["delivered", "later", "dead", "dropped"]
    """`later`: it is tried again, or a rule holds it; `dropped`: a rule held it back for good."""
    detail: str
    address: bytes = b""
    units: int = 1


AfterDelivery: TypeAlias = Callable[[Connection, Sequence[Outcome], int], None]
"""Told what became of messages of any channel, in the transaction that records it; it passes over those of others."""


class Channel(Protocol):
    """Delivers messages of one kind. Called from several threads at once; takes a bounded time."""

    @property
    def name(self) -> str: ...

    def deliver(self, message: Outgoing, *, now: int) -> Delivered:
        """Carry the message. Expected failures are outcomes; whatever is raised counts as `retry`."""

    def switch_off(self, conn: Connection, message: Outgoing, *, reason: str) -> None:
        """The destination is gone: see that nothing is addressed to it any more."""


@runtime_checkable
class PreparingChannel(Channel, Protocol):
    """A channel that reads and writes many messages at once, before each is carried.

    The outbox hands it some in a row for one destination, in one thread; every outcome is on disk before the next.
    """

    def prepare(
        self, messages: Sequence[Outgoing], *, now: int
    ) -> Mapping[tuple[WorkspaceId, str], Callable[[], Delivered]]:
        """By shop and id of a message: what carries it, as `deliver` would. Who is missing is given to `deliver`."""


class ChannelSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the installation, not a shop, decides for its channels."""

    allow_private: bool = False
    """Whether messages may go to addresses of the own network."""
    smtp_url: str = ""
    """The mail server of shops that name none: `smtp://user:password@host:587`, `smtps://` for TLS from the start."""
    mail_from: str = ""
    """The sender of shops that name none."""
    public_url: str = ""
    """Where shoppers find this server, for links in messages."""
    vocabulary: Vocabulary = SPECIFICATION
    """The events that this installation understands."""


MakeChannel: TypeAlias = Callable[[Database, ChannelSettings], Channel]
"""Makes a slice's channel, once in each worker process."""

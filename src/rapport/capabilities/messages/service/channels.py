"""How each channel does, and a test that staff send to themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act import outbox
from rapport.act.store import destinations
from rapport.capabilities.messages import store
from rapport.capabilities.messages.model import CHANNELS, EMAIL, PUSH
from rapport.capabilities.messages.service.composing import Trial
from rapport.kernel.clock import DAY
from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import Key, WorkspaceId, new_id
from rapport.kernel.work import Message
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.reading.references import find_key, normalised

__all__ = ["Health", "healths", "send_trial"]


class Health(NamedTuple):
    """What became of a channel's messages in the last seven days."""

    sent: int = 0
    waiting: int = 0
    held: int = 0
    failed: int = 0
    resting_until: int = 0
    """A destination that failed again and again rests until then; 0 while none does."""


def healths(conn: Connection, workspace: WorkspaceId, *, now: int) -> Mapping[str, Health]:
    """By channel. Cost: the messages of seven days."""
    m, d = store.messages.c, destinations.c
    counted: dict[str, dict[str, int]] = {channel: {} for channel in CHANNELS}
    query = sa.select(m.channel, m.status, sa.func.count()).where(
        m.workspace == workspace, m.created_at >= now - 7 * DAY
    )
    for channel, status, number in conn.execute(query.group_by(m.channel, m.status)):
        counted.setdefault(channel, {})[status] = int(number)
    rests = sa.select(d.channel, sa.func.max(d.closed_until)).where(d.workspace == workspace, d.closed_until > now)
    resting: dict[str, int] = {row[0]: int(row[1]) for row in conn.execute(rests.group_by(d.channel))}
    return {
        channel: Health(
            found.get(store.SENT, 0), found.get(store.QUEUED, 0), found.get(store.HELD, 0), found.get(store.FAILED, 0),
            resting.get(channel, 0),
        )
        for channel, found in counted.items()
    }  # fmt: skip


def send_trial(conn: Connection, workspace: WorkspaceId, channel: str, to: str, *, now: int) -> None:
    """Put a test into the outbox, which asks no gate of it but whether sending is allowed from here.

    `to` is an address, a number, or for web push the customer whose browsers are told. Raises InvalidInput, NotFound.
    """
    region, strand = settings_of(conn, workspace).region, None
    if channel == PUSH:
        strand = Key(find_key(conn, workspace, to, region=region))
    else:
        namespace = "email" if channel == EMAIL else "phone"
        found = normalised(namespace, to, region=region)
        if found is None:
            raise InvalidInput(f"{to[:60]!r} is no {'address' if channel == EMAIL else 'number'} to send a test to")
        to = found.value
    trial = Trial(to=to, text="This is a test of Rapport. If you read it, the channel works.")
    message = Message(
        workspace=workspace, channel=channel, destination="test", idempotency_key=new_id("tst"), strand=strand,
        payload=msgspec.json.encode({"trial": trial}), purpose="operations",
    )  # fmt: skip
    outbox.write(conn, [message], now=now)

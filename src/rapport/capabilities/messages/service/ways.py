"""By which channel a message goes, and by which instead: as whoever asks says, else as the customer likes it, else as
the shop has set it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.consent import gate
from rapport.capabilities.messages import store
from rapport.capabilities.messages.model import CHANNELS, EMAIL, WHATSAPP, Recipient, Template
from rapport.capabilities.messages.settings import MESSAGE_SETTINGS, MessageSettings
from rapport.kernel.gate import marketing_by
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage import settings

__all__ = ["Way", "Ways", "allowed_by", "instead_of"]


class Way(NamedTuple):
    """By what a message goes."""

    channel: str
    instead: tuple[str, ...]
    """The channels after it, one after the other, each once."""


def instead_of(wanted: MessageSettings, channel: str) -> tuple[str, ...]:
    """What the shop has set for what a channel cannot bring: one after the other, each once, never a circle."""
    found: dict[str, None] = {channel: None}
    here = channel
    while (here := getattr(wanted, f"{here}_instead", "nothing")) != "nothing" and here not in found:
        found[here] = None
    return tuple(found)[1:]


class Ways(NamedTuple):
    """What decides by which channel messages of a shop go."""

    wanted: MessageSettings
    carried: Collection[str]
    """Channels that somebody carries."""

    @classmethod
    def load(cls, conn: Connection, workspace: WorkspaceId) -> Ways:
        """Two looks, for however many messages."""
        c = store.channel_providers.c
        carried = set(conn.execute(sa.select(c.channel).where(c.workspace == workspace)).scalars())
        return cls(settings.load(conn, workspace, MESSAGE_SETTINGS).value, {EMAIL, *carried})

    def named(self, channel: str, instead: Sequence[str] | None) -> Way:
        """Of a message for which a channel is named; None is as the shop has set it."""
        several = instead_of(self.wanted, channel) if instead is None else instead
        return Way(channel, tuple(one for one in dict.fromkeys(several) if one != channel))

    def preferred(
        self, person: Recipient, template: Template | None, instead: Sequence[str] | None, allowed: Collection[str]
    ) -> Way:
        """Of one for which none is: the channel the person likes, else the shop's first; of these, and of those that
        follow, the first that somebody carries, that reaches them, that they allow and that the template has words for.
        """
        first = self.wanted.first_channel
        order = dict.fromkeys(
            one
            for start in (person.preferred, first)
            if start
            for one in (start, *(instead_of(self.wanted, start) if instead is None else instead))
        )
        order[first] = None
        possible = [one for one in order if one in self.carried and (template is None or _has_words(template, one))]
        reaching = [one for one in possible if person.address(one)]
        channel = next((one for one in reaching if one in allowed), next(iter(reaching), first))
        rest = possible[possible.index(channel) + 1 :] if channel in possible else []
        # Whoever names what comes instead, or that nothing does, is not given the shop's first channel besides.
        return Way(channel, tuple(one for one in rest if instead is None or one in instead))

    def reaching(self, channel: str, instead: Sequence[str] | None) -> Callable[[Recipient], str]:
        """Says of a person by which channel a message would reach them; empty where none does."""

        def found(person: Recipient) -> str:
            way = (
                self.preferred(person, None, instead, CHANNELS)
                if channel == "preferred"
                else self.named(channel, instead)
            )
            return next((one for one in (way.channel, *way.instead) if person.address(one)), "")

        return found


def allowed_by(
    conn: Connection, workspace: WorkspaceId, keys: Collection[Key], *, now: int
) -> Mapping[Key, Collection[str]]:
    """By which channels each of these people allows news and offers."""
    found: dict[Key, set[str]] = {key: set() for key in keys}
    for channel in CHANNELS if keys else ():
        for key, permit in gate(conn, workspace, set(keys), marketing_by(channel), now).items():
            if permit.may:
                found[key].add(channel)
    return found


def _has_words(template: Template, channel: str) -> bool:
    if channel == EMAIL:
        return True
    return any(text.short or (channel == WHATSAPP and text.whatsapp is not None) for text in template.texts.values())

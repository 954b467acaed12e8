"""SMS and WhatsApp: a short text handed to the shop's provider over HTTP.

Providers know no idempotency key. So what was handed over and not answered is not handed over again: it may have gone.
"""

from __future__ import annotations

from sqlalchemy import Connection

from rapport.act.channels import ChannelSettings, Delivered, Outgoing
from rapport.adapters.channels.connecting import TIMEOUT_SECONDS, NeverSent, Unanswered, post
from rapport.adapters.channels.providers import ASKING, outcome
from rapport.capabilities.messages.service.composing import ready
from rapport.capabilities.messages.service.providers import provider_of
from rapport.kernel.errors import RapportError
from rapport.storage.engine import Database

__all__ = ["PhoneChannel"]


class PhoneChannel:
    """Hands texts to the provider that the shop has set for one channel."""

    def __init__(
        self, name: str, db: Database, given: ChannelSettings, *, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self.name = name
        self._timeout_seconds = timeout_seconds
        self._db = db
        self._given = given

    def deliver(self, message: Outgoing, *, now: int) -> Delivered:
        """One attempt."""
        try:
            with self._db.read() as conn:
                provider = provider_of(conn, message.workspace, self.name)
                if provider is None:
                    return Delivered(result="retry", detail="no provider is set", retry_after_seconds=60)
                text = ready(conn, message, self._given)
        except RapportError as error:
            return Delivered(result="dead", detail=error.message)
        wanted = ASKING[provider.kind](provider, self.name, text.to, text.text, message.id)
        try:
            answer = post(
                wanted.url, wanted.content, wanted.headers, allow_private=self._given.allow_private,
                timeout_seconds=self._timeout_seconds,
            )  # fmt: skip
        except NeverSent as error:
            return Delivered(result="retry", detail=str(error))
        except Unanswered as error:
            return Delivered(result="dead", detail=f"no answer ({error}): it may have gone, so it is not sent again")
        return outcome(provider.kind, answer)

    def switch_off(self, conn: Connection, message: Outgoing, *, reason: str) -> None:
        """Never: no answer is about all numbers."""

"""SMS and WhatsApp: a short text handed to the shop's provider over HTTP.

Providers know no idempotency key. So what was handed over and not answered is not handed over again: it may have gone.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace
from sqlalchemy import Connection

from rapport.act.channels import ChannelSettings, Delivered, Outgoing
from rapport.adapters.channels.connecting import TIMEOUT_SECONDS, NeverSent, Unanswered, post
from rapport.adapters.channels.providers import ASKING, Text, outcome
from rapport.capabilities.messages.model import SMS
from rapport.capabilities.messages.service.composing import ready
from rapport.capabilities.messages.service.gates import message_id_of
from rapport.capabilities.messages.service.providers import provider_of
from rapport.capabilities.messages.texts import parts_of
from rapport.kernel.errors import Misconfigured, RapportError
from rapport.kernel.ids import WorkspaceId
from rapport.storage.engine import Database
from rapport.storage.workspaces import workspace_of

__all__ = ["PhoneChannel"]


class PhoneChannel:
    """Hands texts to the provider that the shop has set for one channel.

    `hears` says whether Twilio's reports of a shop are taken.
    """

    def __init__(
        self, name: str, db: Database, given: ChannelSettings, *, timeout_seconds: float = TIMEOUT_SECONDS,
        hears: Callable[[Connection, WorkspaceId], bool] = lambda conn, workspace: False,
    ) -> None:  # fmt: skip
        self.name = name
        self._timeout_seconds = timeout_seconds
        self._hears = hears
        self._db = db
        self._given = given

    def deliver(self, message: Outgoing, *, now: int) -> Delivered:
        """One attempt."""
        try:
            with self._db.read() as conn:
                provider = provider_of(conn, message.workspace, self.name)
                if provider is None:
                    return Delivered(result="retry", detail="no provider is set", retry_after_seconds=60)
                text = ready(conn, message, self._given, now=now)
                callback = self._callback(conn, message) if provider.kind == "twilio" else ""
        except RapportError as error:
            if isinstance(error, Misconfigured):  # no key opens the secret for now
                again = Delivered(result="retry", detail=error.message, retry_after_seconds=60)
            else:
                again = Delivered(result="dead", detail=error.message)
            return again
        if provider.kind == "twilio" and text.approved is not None and not text.approved.content_sid:
            return Delivered(result="dead", detail="the approved template has no Content SID, by which Twilio knows it")
        reference = message_id_of(message) or message.id
        said = Text(text.to, text.text, reference, text.approved, callback)
        wanted = ASKING[provider.kind](provider, self.name, said)
        try:
            answer = post(
                wanted.url, wanted.content, wanted.headers, allow_private=self._given.allow_private,
                timeout_seconds=self._timeout_seconds,
            )  # fmt: skip
        except NeverSent as error:
            return Delivered(result="retry", detail=str(error))
        except Unanswered as error:
            return Delivered(result="dead", detail=f"no answer ({error}): it may have gone, so it is not sent again")
        done = outcome(provider.kind, answer)
        return replace(done, units=parts_of(text.text).number) if self.name == SMS else done

    def _callback(self, conn: Connection, message: Outgoing) -> str:
        """Where Twilio tells what becomes of it, where the shop takes that and it is a message of ours."""
        ours = message_id_of(message)
        if not self._given.public_url or not ours or not self._hears(conn, message.workspace):
            return ""
        shop = workspace_of(conn, message.workspace).slug
        return f"{self._given.public_url}/v1/webhooks/providers/twilio/{shop}?message={ours}"

    def switch_off(self, conn: Connection, message: Outgoing, *, reason: str) -> None:
        """Never: no answer is about all numbers."""

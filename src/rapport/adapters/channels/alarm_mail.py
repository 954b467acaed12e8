"""The channel of alarms by mail: to somebody who works in the shop, by the shop's mail server."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Literal

import msgspec
from sqlalchemy import Connection

from rapport.act.channels import ChannelSettings, Delivered, Outgoing
from rapport.act.outbox import extend
from rapport.adapters.channels.email import EmailChannel, mailbox, sign
from rapport.capabilities.messages.model import OWN_TROUBLE
from rapport.capabilities.messages.service.servers import MailServer, server_of
from rapport.kernel.clock import to_datetime
from rapport.kernel.errors import RapportError
from rapport.storage.engine import Database

__all__ = ["ALARM_MAIL", "AlarmMail", "AlarmMailChannel"]

ALARM_MAIL = "alarm_mail"


class AlarmMail(msgspec.Struct, frozen=True, kw_only=True):
    """What such a mail says."""

    news: Literal["raised", "over"]
    what: str
    to_do: str
    page: str
    at: int


class AlarmMailChannel:
    """Writes the mail and hands it to the server that is in force at that moment."""

    name = ALARM_MAIL

    def __init__(self, db: Database, given: ChannelSettings) -> None:
        self._db = db
        self._given = given
        self._mail = EmailChannel(db, given)

    def deliver(self, message: Outgoing, *, now: int) -> Delivered:
        """One attempt. Sent again it has the same Message-ID."""
        with self._db.read() as conn:
            server = server_of(conn, message.workspace, self._given)
        if server is None:
            return Delivered(result="dead", detail="no mail server is set")
        told = msgspec.json.decode(message.payload, type=AlarmMail)
        try:
            body = sign(_written(told, server, message.destination, message.id), server)
        except RapportError as error:
            return Delivered(result="dead", detail=error.message)
        return self._mail.hand_over(
            server, server.address, message.destination, body, keep=lambda: extend(self._db, message)
        )  # fmt: skip

    def switch_off(self, conn: Connection, message: Outgoing, *, reason: str) -> None:
        """Nothing: who is told is decided when there is something to tell."""

    def close(self) -> None:
        """Hang up."""
        self._mail.close()


def _written(told: AlarmMail, server: MailServer, to: str, message_id: str) -> bytes:
    made = EmailMessage(policy=SMTP.clone(max_line_length=200))
    what = " ".join(told.what.split())[:150]
    made["From"] = mailbox(server.address, name=server.name, trouble=OWN_TROUBLE)
    made["To"] = to
    made["Subject"] = f"Over: {what}" if told.news == "over" else what
    made["Date"] = format_datetime(to_datetime(told.at))
    made["Message-ID"] = f"<{message_id}@{server.domain or 'rapport'}>"
    made["Auto-Submitted"] = "auto-generated"
    todo = "It is over. Nothing is left to do." if told.news == "over" else told.to_do
    made.set_content(f"{told.what}\n\n{todo}\n\n{told.page}\n")
    return made.as_bytes()

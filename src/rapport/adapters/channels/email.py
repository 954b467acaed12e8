"""Mail by SMTP: written at the moment of sending, signed, handed over under a Message-ID that stays the same."""

from __future__ import annotations

from binascii import b2a_qp
from collections.abc import Callable, Mapping, Sequence
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import partial
from html import escape
from secrets import token_hex

import msgspec
from sqlalchemy import Connection

from rapport.act.channels import ChannelSettings, Delivered, Outgoing
from rapport.act.outbox import extend
from rapport.adapters.channels.dkim_signing import sign
from rapport.adapters.channels.handing_over import SOON_SECONDS, UP_TO_DATA_SECONDS, HandingOver
from rapport.capabilities.messages import store
from rapport.capabilities.messages.model import EMAIL, OWN_TROUBLE, Mail
from rapport.capabilities.messages.people import recipients
from rapport.capabilities.messages.service.composing import Shelf, Trial, compose, load_desk, trial_of
from rapport.capabilities.messages.service.gates import message_id_of
from rapport.capabilities.messages.service.servers import MailServer, server_of
from rapport.kernel.clock import to_datetime
from rapport.kernel.errors import InvalidInput, Misconfigured, RapportError
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.text import clean
from rapport.storage.engine import Database

__all__ = ["EmailChannel", "mailbox", "sign", "written"]


class EmailChannel:
    """Hands messages to the mail server of their shop. Many are read and written at once."""

    name = EMAIL

    def __init__(
        self, db: Database, given: ChannelSettings, *, up_to_data_seconds: float = UP_TO_DATA_SECONDS,
        soon_seconds: float = SOON_SECONDS,
    ) -> None:  # fmt: skip
        self._db = db
        self._given = given
        self._servers = HandingOver(given, up_to_data_seconds=up_to_data_seconds, soon_seconds=soon_seconds)

    def deliver(self, message: Outgoing, *, now: int) -> Delivered:
        """One attempt."""
        return self.prepare([message], now=now)[message.workspace, message.id]()

    def prepare(
        self, messages: Sequence[Outgoing], *, now: int
    ) -> Mapping[tuple[WorkspaceId, str], Callable[[], Delivered]]:
        """Write them, in a few reads for all; what carries each."""
        found: dict[tuple[WorkspaceId, str], Callable[[], Delivered]] = {}
        for workspace in {message.workspace for message in messages}:
            several = [message for message in messages if message.workspace == workspace]
            for message, carry in zip(several, self._prepare(workspace, several, now), strict=True):
                found[workspace, message.id] = carry
        return found

    def _prepare(
        self, workspace: WorkspaceId, messages: Sequence[Outgoing], now: int
    ) -> list[Callable[[], Delivered]]:  # fmt: skip
        try:
            with self._db.read() as conn:
                server = server_of(conn, workspace, self._given)
                if server is None:
                    return [partial(_no_server, message) for message in messages]
                mails = self._mails(conn, workspace, messages, server)
        except Misconfigured as error:  # such as a password that no key opens for now
            waits = partial(Delivered, result="retry", detail=error.message, retry_after_seconds=600)
            return [waits] * len(messages)
        except RapportError as error:
            return [partial(Delivered, result="dead", detail=error.message)] * len(messages)
        return [self._carry(message, mail, server, now) for message, mail in zip(messages, mails, strict=True)]

    def _mails(
        self, conn: Connection, workspace: WorkspaceId, messages: Sequence[Outgoing], server: MailServer
    ) -> list[Mail | Delivered]:
        """Each as it is written, or what became of it before it could be."""
        rows = store.by_ids(conn, workspace, {message_id_of(message) for message in messages} - {""})
        people = recipients(conn, workspace, {row.strand for row in rows.values()})
        shelf = Shelf(conn, load_desk(conn, workspace, self._given))
        found: list[Mail | Delivered] = []
        for message in messages:
            trial, row = trial_of(message), rows.get(message_id_of(message))
            if trial is not None:
                found.append(_trial_mail(message, trial, server))
            elif row is None:
                found.append(Delivered(result="dead", detail="the message is gone"))
            else:
                try:
                    found.append(compose(shelf, row, people[row.strand], server))
                except RapportError as error:
                    found.append(Delivered(result="dead", detail=error.message))
        return found

    def _carry(
        self, message: Outgoing, mail: Mail | Delivered, server: MailServer, now: int
    ) -> Callable[[], Delivered]:  # fmt: skip
        """What cannot be written is not tried again: it would be the same tomorrow."""
        if isinstance(mail, Delivered):
            return lambda: mail
        if mail.unsubscribe and not self._given.public_url:
            why = "RAPPORT_PUBLIC_URL is not set: the link to unsubscribe would lead nowhere"
            return partial(Delivered, result="retry", detail=why, retry_after_seconds=600)
        try:
            body = sign(written(mail, now=now, named=_by_sendgrid(server)), server)
        except RapportError as error:
            return partial(Delivered, result="dead", detail=error.message)
        to = b"" if trial_of(message) else key_of(message.workspace, Identifier("email", mail.to))

        def carry() -> Delivered:
            done = self.hand_over(server, mail.sender, mail.to, body, keep=lambda: extend(self._db, message))
            return msgspec.structs.replace(done, address=to)

        return carry

    def hand_over(
        self, server: MailServer, sender: str, to: str, body: bytes, *, keep: Callable[[], object] = lambda: None
    ) -> Delivered:
        """Give a mail as it is to a server; `keep` is called where its last answer takes long, once and in a thread."""
        return self._servers.hand_over(server, sender, to, body, keep=keep)

    def switch_off(self, conn: Connection, message: Outgoing, *, reason: str) -> None:
        """Never: no answer of a mail server is about a whole domain."""

    def close(self) -> None:
        """Hang up, once nobody delivers any more."""
        self._servers.close()


def _no_server(message: Outgoing) -> Delivered:
    if trial_of(message) is not None:
        return Delivered(result="dead", detail="no mail server is set")
    return Delivered(result="retry", detail="no mail server is set", retry_after_seconds=60)


def _by_sendgrid(server: MailServer) -> bool:
    """SendGrid gives mails ids of its own, and tells of them under what stands in a header that it takes out."""
    return server.host.lower().endswith("sendgrid.net")


def _trial_mail(message: Outgoing, trial: Trial, server: MailServer) -> Mail:
    return Mail(
        message_id=f"<{message.id}@{server.domain or 'rapport.invalid'}>", to=trial.to, to_name="",
        sender=server.address, sender_name=server.name, reply_to=server.reply_to, subject="Test",
        html=f"<p>{escape(trial.text)}</p>", text=trial.text, language="en", unsubscribe="",
    )  # fmt: skip


def written(mail: Mail, *, now: int, named: bool = False) -> bytes:
    """The mail as it is handed over. No value can begin a header: the policy refuses line breaks in them.

    Raises InvalidInput where it cannot be written: it tells the shop's own trouble from that of one address.
    """
    made = EmailMessage(policy=SMTP.clone(max_line_length=200))
    made["From"] = mailbox(mail.sender, name=mail.sender_name, trouble=OWN_TROUBLE)
    made["To"] = mailbox(mail.to, name=mail.to_name, trouble="refused")
    if mail.reply_to:
        made["Reply-To"] = mailbox(mail.reply_to, trouble=OWN_TROUBLE)
    made["Subject"] = mail.subject
    made["Date"] = format_datetime(to_datetime(now))
    made["Message-ID"] = mail.message_id
    made["Content-Language"] = mail.language
    made["Auto-Submitted"] = "auto-generated"
    if named:
        made["X-SMTPAPI"] = (
            f'{{"unique_args": {{"rapport_message": "{mail.message_id.strip("<>").partition("@")[0]}"}}}}'
        )
    if mail.unsubscribe:
        made["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    boundary = f"=_{token_hex(12)}"
    made["MIME-Version"] = "1.0"
    kind = f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'
    parts = (_part("plain", mail.text), _part("html", mail.html))
    line = f"--{boundary}".encode()
    head = made.as_bytes().removesuffix(b"\r\n") + kind.encode()  # the library would end the parts by itself
    return head + b"".join(line + b"\r\n" + part for part in parts) + line + b"--\r\n"


def _part(kind: str, text: str) -> bytes:
    """Quoted-printable, where `=` is written otherwise, so that no boundary stands in it. **Source:** RFC 2045, 6.7."""
    lines = "\r\n".join(text.splitlines()) + "\r\n"
    head = f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    return head.encode() + b2a_qp(lines.encode("utf-8", "replace"), istext=True) + b"\r\n"


def mailbox(address: str, *, name: str = "", trouble: str) -> Address:
    """An address as a header holds it, whatever its owner is called. Raises InvalidInput that begins with `trouble`."""
    try:
        return Address(display_name=clean(name, longest=100), addr_spec=address)
    except (ValueError, MessageError, IndexError) as error:  # what the parser raises, a bare "a@" included
        raise InvalidInput(f"{trouble}: an address that no header can hold ({type(error).__name__})") from None

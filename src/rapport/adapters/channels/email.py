"""Mail by SMTP: written at the moment of sending, signed, handed over under a Message-ID that stays the same.

A server that hangs up after it was given the whole mail may have taken it: that one is tried again under the same
Message-ID, a bounded number of times, and nothing else is ever handed over twice.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import Literal

import dkim  # type: ignore[import-untyped]  # it has no types
import msgspec
from sqlalchemy import Connection

from rapport.act.addresses import NotAllowed
from rapport.act.channels import ChannelSettings, Delivered, Outgoing
from rapport.act.outbox import extend
from rapport.adapters.channels.guarded_smtp import connected
from rapport.capabilities.messages import store
from rapport.capabilities.messages.model import EMAIL, OWN_TROUBLE, Mail, refusal, status_code_of
from rapport.capabilities.messages.people import recipients
from rapport.capabilities.messages.service.composing import Trial, compose, load_desk, trial_of
from rapport.capabilities.messages.service.gates import message_id_of
from rapport.capabilities.messages.service.servers import MailServer, OperatorsServer, server_of
from rapport.kernel.clock import to_datetime
from rapport.kernel.errors import InvalidInput, RapportError
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.text import clean
from rapport.storage.engine import Database

__all__ = ["EmailChannel", "mailbox", "sign", "written"]

TIMEOUT_SECONDS = 8.0
"""For each answer of the server, until it takes the mail itself."""
UP_TO_DATA_SECONDS = 12.0
"""For all of them together, below the lease of a message: later than that no mail is handed over."""
BODY_SECONDS = 60.0
ANSWER_SECONDS = 300.0
"""Until the server says that it has the mail. Hanging up before is what makes it arrive twice: RFC 5321, 4.5.3.2.6."""
SOON_SECONDS = 4.0
"""After so long without that answer the lease is extended."""
_DOT = re.compile(rb"(?m)^\.")

SIGNED = (
    b"from", b"to", b"subject", b"date", b"message-id", b"reply-to", b"mime-version", b"content-type",
    b"list-unsubscribe", b"list-unsubscribe-post",
)  # fmt: skip
"""**Source** of the last two: RFC 8058, section 4. Without them no mail program shows its button."""


class EmailChannel:
    """Hands messages to the mail server of their shop. A connection is kept by each thread."""

    name = EMAIL

    def __init__(
        self, db: Database, given: ChannelSettings, *, up_to_data_seconds: float = UP_TO_DATA_SECONDS,
        soon_seconds: float = SOON_SECONDS,
    ) -> None:  # fmt: skip
        self._db = db
        self._up_to_data_seconds = up_to_data_seconds
        self._soon_seconds = soon_seconds
        self._given = given
        self._kept = threading.local()
        self._open: set[smtplib.SMTP] = set()

    def deliver(self, message: Outgoing, *, now: int) -> Delivered:
        """One attempt."""
        trial = trial_of(message)
        if trial is not None:
            return self._try(message, trial, now=now)
        try:
            with self._db.read() as conn:
                server = server_of(conn, message.workspace, self._given)
                rows = store.by_ids(conn, message.workspace, [message_id_of(message)])
                row = next(iter(rows.values()), None)
                if row is None:
                    return Delivered(result="dead", detail="the message is gone")
                if server is None:
                    return Delivered(result="retry", detail="no mail server is set", retry_after_seconds=60)
                person = recipients(conn, message.workspace, [row.strand])[row.strand]
                mail = compose(conn, row, person, load_desk(conn, message.workspace, self._given), server)
        except RapportError as error:
            return Delivered(result="dead", detail=error.message)
        if mail.unsubscribe and not self._given.public_url:
            why = "RAPPORT_PUBLIC_URL is not set: the link to unsubscribe would lead nowhere"
            return Delivered(result="retry", detail=why, retry_after_seconds=600)
        done = self._send(server, mail, now=now, keep=lambda: extend(self._db, message))
        return msgspec.structs.replace(done, address=key_of(message.workspace, Identifier("email", mail.to)))

    def _try(self, message: Outgoing, trial: Trial, *, now: int) -> Delivered:
        with self._db.read() as conn:
            server = server_of(conn, message.workspace, self._given)
        if server is None:
            return Delivered(result="dead", detail="no mail server is set")
        mail = Mail(
            message_id=f"<{message.id}@{server.domain or 'rapport.invalid'}>", to=trial.to, to_name="",
            sender=server.address, sender_name=server.name, reply_to=server.reply_to, subject="Test",
            html=f"<p>{escape(trial.text)}</p>", text=trial.text, language="en", unsubscribe="",
        )  # fmt: skip
        return self._send(server, mail, now=now)

    def _send(
        self, server: MailServer, mail: Mail, *, now: int, keep: Callable[[], object] = lambda: None
    ) -> Delivered:  # fmt: skip
        """Write, sign and hand over. What cannot be written is not tried again: it would be the same tomorrow."""
        try:
            body = sign(written(mail, now=now), server)
        except RapportError as error:
            return Delivered(result="dead", detail=error.message)
        return self.hand_over(server, mail.sender, mail.to, body, keep=keep)

    def switch_off(self, conn: Connection, message: Outgoing, *, reason: str) -> None:
        """Never: no answer of a mail server is about a whole domain."""

    def close(self) -> None:
        """Hang up, once nobody delivers any more."""
        while self._open:
            self._open.pop().close()

    def hand_over(
        self, server: MailServer, sender: str, to: str, body: bytes, *, keep: Callable[[], object] = lambda: None
    ) -> Delivered:
        """Give a mail as it is to a server; `keep` is called where its last answer takes long, once and in a thread."""
        stage, until = "connecting", time.monotonic() + self._up_to_data_seconds
        try:
            smtp = self._connected(server, until)
            stage = "sending"
            _address(smtp, sender, to, len(body), until=until)
            self._give(smtp, body, keep=keep)
        except smtplib.SMTPRecipientsRefused as error:
            code, words = next(iter(error.recipients.values()))
            return self._refused("recipient", code, words)
        except smtplib.SMTPSenderRefused as error:
            return self._refused("sender", error.smtp_code, error.smtp_error)
        except smtplib.SMTPDataError as error:
            return self._refused("data", error.smtp_code, error.smtp_error)
        except NotAllowed:
            self._drop()
            return Delivered(result="retry", detail="the mail server is an address of the own machine or network")
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            return self._broken(stage, error)
        return Delivered(result="delivered", detail="taken by the mail server")

    def _give(self, smtp: smtplib.SMTP, body: bytes, *, keep: Callable[[], object]) -> None:
        """The mail itself, after which the server alone knows whether it has it."""
        late = threading.Timer(self._soon_seconds, keep)
        late.start()
        try:
            _socket(smtp).settimeout(BODY_SECONDS)
            end = b".\r\n" if body.endswith(b"\r\n") else b"\r\n.\r\n"
            smtp.send(_DOT.sub(b"..", body) + end)
            _socket(smtp).settimeout(ANSWER_SECONDS)
            code, words = smtp.getreply()
        finally:
            late.cancel()
            late.join()
        if code != 250:
            raise smtplib.SMTPDataError(code, words)

    def _connected(self, server: MailServer, until: float) -> smtplib.SMTP:
        """A connection that answers; the one this thread kept where it still does."""
        kept, of = getattr(self._kept, "smtp", None), getattr(self._kept, "server", None)
        if kept is not None and of == server:
            try:
                _hurry(kept, until)
                if kept.noop()[0] == 250:
                    return kept  # type: ignore[no-any-return]
            except (smtplib.SMTPException, OSError):
                pass
        self._drop()
        context = ssl.create_default_context()
        smtp = connected(
            server.host, server.port, timeout=TIMEOUT_SECONDS, tls=context if server.security == "tls" else None,
            anywhere=isinstance(server, OperatorsServer), allow_private=self._given.allow_private,
        )  # fmt: skip
        self._kept.smtp, self._kept.server = smtp, server
        self._open.add(smtp)
        _hurry(smtp, until)
        if server.security == "starttls":
            smtp.starttls(context=context)
        if server.user:
            smtp.login(server.user, server.password)
        return smtp

    def _refused(self, stage: Literal["sender", "recipient", "data"], code: int, words: bytes | str) -> Delivered:
        """5xx is final, 4xx is tried again."""
        text = words.decode("ascii", "replace") if isinstance(words, bytes) else words
        self._drop()
        if code >= 500:
            return Delivered(result="dead", detail=refusal(stage, code, text))
        return Delivered(result="retry", detail=f"not now: {code} {status_code_of(text, reply=code)}")

    def _broken(self, stage: str, error: Exception) -> Delivered:
        """Why nothing could be handed over, without what the server said: it may hold an address."""
        self._drop()
        why = f"the mail server does not answer while {stage}: {type(error).__name__}"
        if isinstance(error, smtplib.SMTPAuthenticationError):
            why = f"the mail server refuses user or password ({error.smtp_code})"
        elif isinstance(error, smtplib.SMTPResponseException):
            why = f"the mail server answered {error.smtp_code} while {stage}"
        elif isinstance(error, ssl.SSLError):
            why = f"no safe connection to the mail server: {error.reason or type(error).__name__}"
        return Delivered(result="retry", detail=why)

    def _drop(self) -> None:
        kept = getattr(self._kept, "smtp", None)
        self._kept.smtp = self._kept.server = None
        if kept is not None:
            self._open.discard(kept)
            kept.close()


def _address(smtp: smtplib.SMTP, sender: str, to: str, size: int, *, until: float) -> None:
    """Say from whom a mail is and for whom, until the server waits for the mail itself."""
    _hurry(smtp, until)
    smtp.ehlo_or_helo_if_needed()
    _hurry(smtp, until)
    code, words = smtp.mail(sender, [f"size={size}"] if smtp.has_extn("size") else [])
    if code != 250:
        raise smtplib.SMTPSenderRefused(code, words, sender)
    _hurry(smtp, until)
    code, words = smtp.rcpt(to)
    if code not in (250, 251):
        raise smtplib.SMTPRecipientsRefused({to: (code, words)})
    _hurry(smtp, until)
    code, words = smtp.docmd("DATA")
    if code != 354:
        raise smtplib.SMTPDataError(code, words)
    _hurry(smtp, until)


def _hurry(smtp: smtplib.SMTP, until: float) -> None:
    """Wait for the next answer no longer than until then (monotonic). Raises TimeoutError where that is over."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    _socket(smtp).settimeout(min(left, TIMEOUT_SECONDS))


def _socket(smtp: smtplib.SMTP) -> socket.socket:
    if smtp.sock is None:
        raise smtplib.SMTPServerDisconnected("the server hung up")
    return smtp.sock


def written(mail: Mail, *, now: int) -> bytes:
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
    if mail.unsubscribe:
        made["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    made.set_content(mail.text, cte="quoted-printable")
    made.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    return made.as_bytes()


def mailbox(address: str, *, name: str = "", trouble: str) -> Address:
    """An address as a header holds it, whatever its owner is called. Raises InvalidInput that begins with `trouble`."""
    try:
        return Address(display_name=clean(name, longest=100), addr_spec=address)
    except (ValueError, MessageError, IndexError) as error:  # what the parser raises, a bare "a@" included
        raise InvalidInput(f"{trouble}: an address that no header can hold ({type(error).__name__})") from None


def sign(body: bytes, server: MailServer) -> bytes:
    """The mail with a DKIM signature in front, where the shop signs itself. **Source:** RFC 6376.

    Raises InvalidInput where its key is none.
    """
    if not server.dkim_selector or not server.dkim_key:
        return body
    there = [name for name in SIGNED if b"\r\n" + name + b":" in b"\r\n" + body.split(b"\r\n\r\n", 1)[0].lower()]
    try:
        signature = dkim.sign(
            body, server.dkim_selector.encode(), server.domain.encode(), server.dkim_key.encode(),
            include_headers=there, canonicalize=(b"relaxed", b"relaxed"),
        )  # fmt: skip
    except dkim.DKIMException as error:
        raise InvalidInput(f"{OWN_TROUBLE}: DKIM cannot sign ({type(error).__name__})") from None
    return bytes(signature) + body

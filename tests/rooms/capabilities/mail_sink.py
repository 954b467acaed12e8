"""A real SMTP server on loopback that keeps what it is given, and refuses what a test asks it to."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections import Counter
from email.message import EmailMessage
from threading import Event
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.running import free_port

__all__ = ["Sink"]


class Sink:
    """`with Sink() as sink:` and mail to `sink.url` lands in `sink.mails`."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.bodies: list[bytes] = []
        self.refusing: dict[str, str] = {}
        """Answer to RCPT by address."""
        self.refuses: dict[str, str] = {}
        """Answer to `MAIL` and to `DATA`, whoever it is for."""
        self.slow: Event | None = None
        """It takes a mail and says so when this is set."""
        self.lost: int = 0
        """So many times it takes the mail and hangs up before it says so."""
        self.pipelines = True
        """It takes commands without waiting for its answers to be read."""
        self.hangs_up = False
        """It ends the connection once it has taken a mail and said so."""
        self.connections = 0
        self._port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self._port)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._port}?plain"

    def __enter__(self) -> Sink:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    async def handle_EHLO(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.connections += 1
        return [*responses[:-1], *["250-PIPELINING"] * self.pipelines, *responses[-1:]]

    async def handle_MAIL(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[Any]
    ) -> str:
        if "MAIL" in self.refuses:
            return self.refuses["MAIL"]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[Any]
    ) -> str:
        if address in self.refusing:
            return self.refusing[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if "DATA" in self.refuses:
            return self.refuses["DATA"]
        body = envelope.content
        assert isinstance(body, bytes)
        self.bodies.append(body)
        made = email.message_from_bytes(body, policy=email.policy.default)
        assert isinstance(made, EmailMessage)
        self.mails.append(made)
        if self.slow is not None:
            await asyncio.to_thread(self.slow.wait, 30)
        if self.lost > 0:
            self.lost -= 1
            assert server.transport is not None
            server.transport.close()
        if self.hangs_up:
            assert server.transport is not None
            asyncio.get_running_loop().call_later(0.01, server.transport.close)
        return "250 OK"

    def by_id(self) -> Counter[str]:
        """How often each Message-ID arrived."""
        return Counter(str(mail["Message-ID"]) for mail in self.mails)

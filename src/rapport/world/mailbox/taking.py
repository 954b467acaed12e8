"""The mail server: on loopback alone, takes everything, hands nothing on. Needs `rapport[demo]`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from rapport.kernel.clock import now_us
from rapport.world.mailbox.letters import Mailbox

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

__all__ = ["is_installed", "taking"]

LARGEST = 5_000_000
"""Bytes of a letter."""


def is_installed() -> bool:
    """Whether the library that speaks SMTP is here (`rapport[demo]`)."""
    return find_spec("aiosmtpd") is not None


@contextmanager
def taking(mailbox: Mailbox, *, port: int) -> Iterator[None]:
    """Take mail on that port of loopback while the block lasts."""
    from aiosmtpd.controller import Controller

    controller = Controller(_Handler(mailbox), hostname="127.0.0.1", port=port, data_size_limit=LARGEST)
    controller.start()
    try:
        yield
    finally:
        controller.stop()


class _Handler:
    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        raw = envelope.content or b""
        self._mailbox.take(raw if isinstance(raw, bytes) else raw.encode(), envelope.rcpt_tos, at=now_us())
        return "250 taken"

"""Mail to the people who work in a shop: the link to a new password. Sent beside the request that asks for it.

Whoever asks gets the answer before anything is sent, so that it does not tell whether somebody has the account; and
the link begins with the installation's own address, never with the host that the request named.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from threading import BoundedSemaphore

from rapport.act.channels import ChannelSettings
from rapport.adapters.channels.email import EmailChannel, mailbox, sign
from rapport.capabilities.messages.model import OWN_TROUBLE
from rapport.capabilities.messages.service.servers import MailServer, server_of
from rapport.kernel.clock import now_us, to_datetime
from rapport.kernel.ids import WorkspaceId
from rapport.storage.engine import Database

__all__ = ["StaffMail"]

_logger = logging.getLogger("rapport.mail")

WAITING = 100
"""Mails that may wait; more are left out, since whoever lost a password asks again."""


class StaffMail:
    """Mails links to staff, one after the other, in a thread of its own."""

    def __init__(self, db: Database, given: ChannelSettings, *, base: str) -> None:
        self._db = db
        self._given = given
        self._base = base
        self._channel = EmailChannel(db, given)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="staff-mail")
        self._room = BoundedSemaphore(WAITING)

    def __call__(self, workspace: WorkspaceId, address: str, token: str) -> None:
        """Send the link to a new password, soon."""
        if self._room.acquire(blocking=False):
            self._pool.submit(self._send, workspace, address, token)
        else:
            _logger.warning("%d mails to staff wait already: one was left out", WAITING)

    def close(self) -> None:
        """Let the mail that is on its way arrive; what waits behind it does not."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._channel.close()

    def _send(self, workspace: WorkspaceId, address: str, token: str) -> None:
        try:
            with self._db.read() as conn:
                server = server_of(conn, workspace, self._given)
            if server is None:
                _logger.warning("a new password was asked for, but no mail server is set; `rapport user reset` helps")
                return
            body = sign(_written(server, address, f"{self._base}/console/reset?token={token}"), server)
            done = self._channel.hand_over(server, server.address, address, body)
            if done.result != "delivered":
                _logger.warning("the link to a new password could not be sent: %s", done.detail)
        except Exception:
            _logger.exception("the link to a new password could not be sent")
        finally:
            self._room.release()


def _written(server: MailServer, to: str, link: str) -> bytes:
    made = EmailMessage(policy=SMTP.clone(max_line_length=200))
    made["From"] = mailbox(server.address, name=server.name, trouble=OWN_TROUBLE)
    made["To"] = to
    made["Subject"] = "A new password for Rapport"
    made["Date"] = format_datetime(to_datetime(now_us()))
    made["Message-ID"] = make_msgid(domain=server.domain or "rapport")
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(
        f"Somebody, probably you, asked for a new password. Choose it within an hour:\n\n{link}\n\n"
        "If you did not ask for it, do nothing: your password is as it was.\n"
    )
    return made.as_bytes()

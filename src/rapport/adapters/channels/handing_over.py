"""Mail servers talked to: connections kept and shared by the threads, and one mail handed over at most once.

A server that hangs up after it was given the whole mail may have taken it: that one is tried again under the same
Message-ID, a bounded number of times, and nothing else is ever handed over twice.
"""

from __future__ import annotations

import logging
import re
import smtplib
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from rapport.act.addresses import NotAllowed
from rapport.act.channels import ChannelSettings, Delivered
from rapport.adapters.channels.guarded_smtp import connected
from rapport.capabilities.messages.model import refusal, status_code_of
from rapport.capabilities.messages.service.servers import MailServer, OperatorsServer

__all__ = ["SOON_SECONDS", "UP_TO_DATA_SECONDS", "HandingOver"]

TIMEOUT_SECONDS = 8.0
"""For each answer of the server, until it takes the mail itself."""
UP_TO_DATA_SECONDS = 12.0
"""For all of them together, below the lease of a message: later than that no mail is handed over."""
BODY_SECONDS = 60.0
ANSWER_SECONDS = 300.0
"""Until the server says that it has the mail. Hanging up before is what makes it arrive twice: RFC 5321, 4.5.3.2.6."""
SOON_SECONDS = 4.0
"""After so long without that answer the lease is extended."""
MOST_IDLE = 32
"""Connections kept open that nobody uses, of all servers together; the one unused for longest goes first."""
IDLE_SECONDS = 30.0
SURE_SECONDS = 1.0
"""A connection used so lately is not asked first whether it still answers."""
_DOT = re.compile(rb"(?m)^\.")

_logger = logging.getLogger(__name__)


class _Kept(NamedTuple):
    smtp: smtplib.SMTP
    used_at: float
    """Monotonic; 0 of one that was only just opened."""


class HandingOver:
    """Hands mails to servers. For several threads at once; each server has as many connections as threads use."""

    def __init__(
        self, given: ChannelSettings, *, up_to_data_seconds: float = UP_TO_DATA_SECONDS,
        soon_seconds: float = SOON_SECONDS,
    ) -> None:  # fmt: skip
        self._given = given
        self._up_to_data_seconds = up_to_data_seconds
        self._late = _Late(soon_seconds)
        self._lock = threading.Lock()
        self._idle: deque[tuple[MailServer, _Kept]] = deque()
        """The one used last at the end."""

    def hand_over(
        self, server: MailServer, sender: str, to: str, body: bytes, *, keep: Callable[[], object] = lambda: None
    ) -> Delivered:
        """Give a mail as it is to a server; `keep` is called where its last answer takes long, once and in a thread."""
        until = time.monotonic() + self._up_to_data_seconds
        kept = self._take(server)
        if kept is not None:
            done = self._attempt(server, kept, sender, to, body, until=until, keep=keep)
            if done is not None:
                return done
        found = self._attempt(server, None, sender, to, body, until=until, keep=keep)
        return found or Delivered(result="retry", detail="the mail server hangs up")

    def close(self) -> None:
        """Hang up, once nobody delivers any more."""
        self._late.close()
        with self._lock:
            idle, self._idle = list(self._idle), deque()
        for _, kept in idle:
            kept.smtp.close()

    def _attempt(
        self, server: MailServer, kept: _Kept | None, sender: str, to: str, body: bytes, *, until: float,
        keep: Callable[[], object],
    ) -> Delivered | None:  # fmt: skip
        """By a kept connection, or a new one. None where a kept one was closed meanwhile and nothing handed over."""
        stage, smtp = "connecting", kept.smtp if kept is not None else None
        try:
            if smtp is None:
                smtp = self._connected(server, until)
            elif not _answers(kept, until):
                smtp.close()
                return None
            stage = "sending"
            _address(smtp, sender, to, len(body), until=until)
            stage = "handing over"
            self._give(smtp, body, keep=keep)
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            return self._refused(server, smtp, error, until)
        except (NotAllowed, smtplib.SMTPException, OSError, ValueError) as error:
            if smtp is not None:
                smtp.close()
            if kept is not None and stage == "sending" and isinstance(error, smtplib.SMTPServerDisconnected | OSError):
                return None
            return _broken("connecting" if stage == "connecting" else "sending", error)
        self._give_back(server, smtp)
        return Delivered(result="delivered", detail="taken by the mail server")

    def _give(self, smtp: smtplib.SMTP, body: bytes, *, keep: Callable[[], object]) -> None:
        """The mail itself, after which the server alone knows whether it has it."""
        with self._late.watching(keep):
            _socket(smtp).settimeout(BODY_SECONDS)
            end = b".\r\n" if body.endswith(b"\r\n") else b"\r\n.\r\n"
            smtp.send(_DOT.sub(b"..", body) + end)
            _socket(smtp).settimeout(ANSWER_SECONDS)
            code, words = smtp.getreply()
        if code != 250:
            raise smtplib.SMTPDataError(code, words)

    def _connected(self, server: MailServer, until: float) -> smtplib.SMTP:
        context = ssl.create_default_context()
        smtp = connected(
            server.host, server.port, timeout=TIMEOUT_SECONDS, tls=context if server.security == "tls" else None,
            anywhere=isinstance(server, OperatorsServer), allow_private=self._given.allow_private,
        )  # fmt: skip
        try:
            _hurry(smtp, until)
            if server.security == "starttls":
                smtp.starttls(context=context)
            if server.user:
                smtp.login(server.user, server.password)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _refused(
        self, server: MailServer, smtp: smtplib.SMTP | None, error: smtplib.SMTPException, until: float
    ) -> Delivered:
        """5xx is final, 4xx is tried again. The connection is kept where the server is ready for another mail."""
        stage: Literal["sender", "recipient", "data"] = "sender"
        code, words = 0, b""
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            stage, (code, words) = "recipient", next(iter(error.recipients.values()))
        elif isinstance(error, smtplib.SMTPResponseException):
            stage = "data" if isinstance(error, smtplib.SMTPDataError) else "sender"
            code, words = error.smtp_code, error.smtp_error  # type: ignore[assignment]  # bytes, as the server sent it
        text = words.decode("ascii", "replace")
        if smtp is not None:
            if code != 421 and stage != "sender" and _starts_over(smtp, until):
                self._give_back(server, smtp)
            else:
                smtp.close()
        if code >= 500:
            return Delivered(result="dead", detail=refusal(stage, code, text))
        return Delivered(result="retry", detail=f"not now: {code} {status_code_of(text, reply=code)}")

    def _take(self, server: MailServer) -> _Kept | None:
        """The connection to this server that was used last."""
        with self._lock:
            for place in range(len(self._idle) - 1, -1, -1):
                if self._idle[place][0] == server:
                    kept = self._idle[place][1]
                    del self._idle[place]
                    return kept
        return None

    def _give_back(self, server: MailServer, smtp: smtplib.SMTP) -> None:
        now, over = time.monotonic(), []
        with self._lock:
            self._idle.append((server, _Kept(smtp, now)))
            while len(self._idle) > MOST_IDLE or self._idle[0][1].used_at < now - IDLE_SECONDS:
                over.append(self._idle.popleft()[1].smtp)
        for one in over:
            one.close()


def _broken(stage: str, error: Exception) -> Delivered:
    """Why nothing could be handed over, without what the server said: it may hold an address."""
    why = f"the mail server does not answer while {stage}: {type(error).__name__}"
    if isinstance(error, NotAllowed):
        why = "the mail server is an address of the own machine or network"
    elif isinstance(error, smtplib.SMTPAuthenticationError):
        why = f"the mail server refuses user or password ({error.smtp_code})"
    elif isinstance(error, smtplib.SMTPResponseException):
        why = f"the mail server answered {error.smtp_code} while {stage}"
    elif isinstance(error, ssl.SSLError):
        why = f"no safe connection to the mail server: {error.reason or type(error).__name__}"
    return Delivered(result="retry", detail=why)


def _answers(kept: _Kept | None, until: float) -> bool:
    if kept is None or time.monotonic() - kept.used_at < SURE_SECONDS:
        return kept is not None
    try:
        _hurry(kept.smtp, until)
        return kept.smtp.noop()[0] == 250
    except (smtplib.SMTPException, OSError):
        return False


def _starts_over(smtp: smtplib.SMTP, until: float) -> bool:
    """Whether the server is ready for another mail after one that it did not take."""
    try:
        _hurry(smtp, until)
        return smtp.rset()[0] == 250
    except (smtplib.SMTPException, OSError):
        return False


def _address(smtp: smtplib.SMTP, sender: str, to: str, size: int, *, until: float) -> None:
    """Say from whom a mail is and for whom, until the server waits for the mail itself.

    All at once where the server takes commands without waiting for its answers. **Source:** RFC 2920, 3.1.
    """
    _hurry(smtp, until)
    smtp.ehlo_or_helo_if_needed()
    options = f" SIZE={size}" if smtp.has_extn("size") else ""
    commands = (f"MAIL FROM:{smtplib.quoteaddr(sender)}{options}", f"RCPT TO:{smtplib.quoteaddr(to)}", "DATA")
    if any("\r" in one or "\n" in one for one in commands):
        raise ValueError("a line break in an address")
    together = smtp.has_extn("pipelining")
    if together:
        _hurry(smtp, until)
        smtp.send("".join(f"{one}\r\n" for one in commands))
    replies = []
    for one in commands:
        _hurry(smtp, until)
        replies.append(smtp.getreply() if together else smtp.docmd(one))
        if not together and replies[-1][0] >= 400:
            break
    _judge(smtp, sender, to, replies)
    _hurry(smtp, until)


def _judge(smtp: smtplib.SMTP, sender: str, to: str, replies: list[tuple[int, bytes]]) -> None:
    """Raises what was refused first. A server that waits for a mail that nobody may get is hung up on."""
    refused = any(code not in (250, 251) for code, _ in replies[:2])
    if refused and len(replies) == 3 and replies[2][0] == 354:
        smtp.close()
    if replies[0][0] != 250:
        raise smtplib.SMTPSenderRefused(*replies[0], sender)
    if replies[1][0] not in (250, 251):
        raise smtplib.SMTPRecipientsRefused({to: replies[1]})
    if replies[2][0] != 354:
        raise smtplib.SMTPDataError(*replies[2])


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


class _Watched:
    __slots__ = ("at", "is_over", "lock", "tell")

    def __init__(self, at: float, tell: Callable[[], object]) -> None:
        self.at = at
        self.tell = tell
        self.lock = threading.Lock()
        self.is_over = False


class _Late:
    """Tells of what takes longer than so many seconds, from one thread for all; again where telling fails."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._there = threading.Condition()
        self._watched: deque[_Watched] = deque()
        """The one that is late first in front."""
        self._thread: threading.Thread | None = None
        self._is_closed = False

    @contextmanager
    def watching(self, tell: Callable[[], object]) -> Iterator[None]:
        """`tell` is called once where the block takes too long; when the block is over, it is not under way."""
        one = _Watched(time.monotonic() + self._seconds, tell)
        with self._there:
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="late", daemon=True)
                self._thread.start()
            self._watched.append(one)
            if len(self._watched) == 1:
                self._there.notify()
        try:
            yield
        finally:
            with one.lock:
                one.is_over = True

    def close(self) -> None:
        """End the thread."""
        with self._there:
            self._is_closed = True
            self._there.notify()

    def _watch(self) -> None:
        while (one := self._next()) is not None:
            with one.lock:
                if one.is_over:
                    continue
                try:
                    one.tell()
                except Exception:
                    _logger.exception("the lease of a mail under way could not be extended; tried again while it waits")
                    self._watch_again(one)

    def _watch_again(self, one: _Watched) -> None:
        """In as many seconds: without a lease another worker hands the mail over a second time."""
        with self._there:
            one.at = time.monotonic() + self._seconds
            self._watched.append(one)

    def _next(self) -> _Watched | None:
        with self._there:
            while not self._is_closed:
                if not self._watched:
                    self._there.wait()
                elif (left := self._watched[0].at - time.monotonic()) > 0:
                    self._there.wait(left)
                else:
                    return self._watched.popleft()
        return None

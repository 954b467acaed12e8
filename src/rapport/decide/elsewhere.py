"""Deciding in processes of its own: a decision is milliseconds of Python, for which all others wait whom the server's
process is to answer.

A process is started once decisions are asked often (`OFTEN`), answers questions in the order in which they come, and
ends when the server does: it reads to the end of its socket. Whatever goes wrong with it, a question is decided by the
server itself then, whose errors are those of everywhere; deciding only reads, so nothing is lost or done twice.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import msgspec

from rapport.decide.asked import Decision, DecisionAsked
from rapport.kernel.errors import RapportError
from rapport.kernel.ids import WorkspaceId
from rapport.storage.log import LogRow

__all__ = ["Computed", "Elsewhere", "Launch", "Question", "answer_all"]

_logger = logging.getLogger(__name__)

OFTEN = 10
"""Decisions a second from which on processes are started."""
WINDOW = 5.0
"""Seconds over which they are counted."""
SILENT = 10.0
"""Seconds without a word after which a process that owes an answer is given up."""
SLOW_START = 120.0
"""The same of one that has not answered yet: it loads what it needs first."""
MOST_OWED = 16
"""Answers that a process owes; beyond them the server decides, too."""
AGAIN = 10.0
"""Seconds until another is started in place of one that died."""
_LENGTH = 4


class Question(NamedTuple):
    """What is asked of a process."""

    workspace: WorkspaceId
    asked: DecisionAsked
    now: int
    alone: bool


class _Answer(NamedTuple):
    decisions: list[Decision]
    rows: list[LogRow]


Computed = list[tuple[Decision, LogRow]]
Compute = Callable[[Question], Computed]

_encode = msgspec.msgpack.Encoder().encode
_question = msgspec.msgpack.Decoder(Question).decode
_answer = msgspec.msgpack.Decoder(_Answer | None).decode


class Launch(NamedTuple):
    """How a process is started: it gets the number of its socket as the last word of the command."""

    command: Sequence[str]
    environment: Mapping[str, str]
    most: int
    """How many there are at once; 0 for none."""


def answer_all(sock: socket.socket, compute: Compute) -> None:
    """What such a process does: answer until the other end is closed. None stands for what could not be decided."""
    with sock, sock.makefile("rb") as asked:
        while head := asked.read(_LENGTH):
            body = asked.read(int.from_bytes(head, "big"))
            try:
                made = compute(_question(body))
                answer = _encode(_Answer([one for one, _ in made], [row for _, row in made]))
            except RapportError:  # the server decides it once more, and says what is wrong
                answer = _encode(None)
            except Exception:
                _logger.exception("a question is left to the server")
                answer = _encode(None)
            sock.sendall(_frame(answer))


def _frame(body: bytes) -> bytes:
    return len(body).to_bytes(_LENGTH, "big") + body


class _Process(asyncio.Protocol):
    """One of the processes, seen from the server."""

    def __init__(self, launch: Launch) -> None:
        self.sock, theirs = socket.socketpair()
        with theirs:
            command = [*launch.command, str(theirs.fileno())]
            try:
                self.child = subprocess.Popen(  # noqa: S603 - our own command
                    command, env=dict(launch.environment), stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()],
                    start_new_session=True,
                )  # fmt: skip
            except OSError:
                self.sock.close()
                raise
        self.owes: deque[tuple[float, asyncio.Future[Computed | None]]] = deque()
        self.ready = False
        """It has answered, so all it needs is loaded."""
        self.gone = False
        self._transport: asyncio.Transport | None = None
        self._read = bytearray()
        self._heard = 0.0

    async def connect(self) -> None:
        """Talk to it from this event loop."""
        self.sock.setblocking(False)
        self._transport, _ = await asyncio.get_running_loop().create_connection(lambda: self, sock=self.sock)

    def ask(self, body: bytes) -> asyncio.Future[Computed | None]:
        """What it decides; None where the server has to."""
        answer: asyncio.Future[Computed | None] = asyncio.get_running_loop().create_future()
        if self.gone or self._transport is None:
            answer.set_result(None)
            return answer
        self.owes.append((time.monotonic(), answer))
        self._transport.write(_frame(body))
        return answer

    def data_received(self, data: bytes) -> None:
        self._read += data
        self._heard = time.monotonic()
        while len(self._read) >= _LENGTH:
            end = _LENGTH + int.from_bytes(self._read[:_LENGTH], "big")
            if len(self._read) < end:
                return
            found: _Answer | None = _answer(bytes(self._read[_LENGTH:end]))
            del self._read[:end]
            self.ready = True
            _, answer = self.owes.popleft()
            if not answer.done():  # whoever asked may have gone
                answer.set_result(None if found is None else list(zip(found.decisions, found.rows, strict=True)))

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        while self.owes:
            _, answer = self.owes.popleft()
            if not answer.done():
                answer.set_result(None)

    def is_silent(self) -> bool:
        """Whether it owes an answer and says nothing; while it starts it may take longer."""
        if not self.owes:
            return False
        since = max(self._heard, self.owes[0][0])
        return time.monotonic() - since > (SILENT if self.ready else SLOW_START)

    def end(self, *, kill: bool = False) -> None:
        """Let it end by itself, or at once."""
        if kill:
            self.child.kill()
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.close()


class Elsewhere:
    """The processes of one server. Started when there is need of them; used from its event loop alone."""

    def __init__(self, launch: Launch, *, often: float = OFTEN) -> None:
        self._launch = launch
        self._often = often
        self._processes: list[_Process] = []
        self._counted, self._since = 0, 0.0
        self._started = -AGAIN
        self._starting = False
        self._watching = False
        self._closing = False

    async def decide(self, question: Question) -> Computed | None:
        """What a process decides; None where the server has to decide by itself."""
        if not self._launch.most or self._closing:
            return None
        is_wanted = self._is_wanted()
        able = [one for one in self._processes if one.ready and not one.gone]
        if not able and not is_wanted:
            return None
        try:
            body = _encode(question)
        except (TypeError, OverflowError, ValueError):  # what this form cannot say; the server can
            return None
        if is_wanted and len(self._processes) < self._launch.most:
            await self._start(body)
        least = min(able, key=lambda one: len(one.owes), default=None)
        return None if least is None or len(least.owes) >= MOST_OWED else await least.ask(body)

    def close(self) -> None:
        """End them all, from whichever thread once nobody asks any more."""
        self._closing = True
        for one in self._processes:
            with suppress(RuntimeError):  # the event loop has ended before
                one.end()
        for one in self._processes:
            try:
                one.child.wait(5)
            except subprocess.TimeoutExpired:
                one.child.kill()
                one.child.wait()
            one.sock.close()

    def _is_wanted(self) -> bool:
        """Count this question; whether there are so many that a process pays."""
        now = time.monotonic()
        if now - self._since > WINDOW:
            self._counted, self._since = 0, now
        self._counted += 1
        return self._counted > self._often * WINDOW

    async def _start(self, body: bytes) -> None:
        """Start one more. It is asked this question, too, and its answer thrown away: then all it needs is loaded."""
        if self._starting or time.monotonic() - self._started < AGAIN:
            return
        self._starting = True
        try:
            loop = asyncio.get_running_loop()
            one = await loop.run_in_executor(None, _Process, self._launch)
            await one.connect()
            one.ask(body)
            self._processes.append(one)
            if not self._watching:
                self._watching = True
                loop.call_later(1.0, self._watch)
        except OSError as error:
            self._started = time.monotonic()
            _logger.error("no process that decides could be started: %s", type(error).__name__)
        finally:
            self._starting = False

    def _watch(self) -> None:
        """Once a second: who has died or says nothing any more is let go; another is started when there is need."""
        if self._closing:
            return
        for one in self._processes:
            if one.is_silent():
                one.end(kill=True)
                one.gone = True
        for one in [one for one in self._processes if one.gone]:
            if one.child.poll() is None:
                one.child.kill()
                continue  # reaped at the next look
            self._processes.remove(one)
            self._started = time.monotonic()
            _logger.error("a process that decides ended with code %s; the server decides", one.child.returncode)
            one.end()
        asyncio.get_running_loop().call_later(1.0, self._watch)

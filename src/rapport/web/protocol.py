"""HTTP on the wire: connections are bounded in number, a request's head in size, number of headers and time, and a
body in time.

uvicorn keeps whatever is sent as a head until it is complete. Here a head that is too large is answered 431, one that
does not come to an end 408, one that names no host, or two, 400, and a connection too many 503. No page and no document
can then show a host that whoever stands in front of us has not seen.
"""

from __future__ import annotations

import asyncio
import re
import resource
from collections import Counter
from typing import Any, ClassVar, cast
from weakref import WeakKeyDictionary

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from rapport.web.limiter import networks_of
from rapport.web.networks import is_within, networks_in

__all__ = ["BODY_SECONDS", "HEAD_SECONDS", "MAX_HEADERS", "MAX_HEAD_BYTES", "BoundedHttp"]

MAX_HEAD_BYTES = 64 * 1024
"""Request line and headers together. An address may hold a pixel's message of 32 KiB in base64."""

MAX_HEADERS = 100
HEAD_SECONDS = 10.0
"""From the first byte of a head, or from the connection, to the head's end."""

BODY_SECONDS = 35.0
"""From the head's end to the end of a small body; the collecting endpoints wait a little less and say more."""

BODY_RATE = 16 * 1024
"""Bytes a second that more of a body has to bring for more time: a till on a bad line still sends its batch."""

MOST_CONNECTIONS = 10_000
"""As far as the process may have so many files open."""

SHARE = 8
"""One address, of IPv6 one /64, has at most this part of all connections; proxies that are believed have no share."""

_HOST = re.compile(rb"[A-Za-z0-9._-]{1,255}(:[0-9]{0,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{0,5})?")


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's protocol with bounds on connections, and on what comes before a body."""

    most: ClassVar[int] = min(MOST_CONNECTIONS, max(64, resource.getrlimit(resource.RLIMIT_NOFILE)[0] * 3 // 4))
    """Connections of one server process at a time."""

    _from: ClassVar[WeakKeyDictionary[Any, Counter[str]]] = WeakKeyDictionary()
    """Connections by address, of each server in this process."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._begun = False
        self._piece = 0
        """Bytes that came last, with which a head and what follows may have come."""
        self._head_bytes = 0
        self._body_bytes = 0
        self._sent_bytes = 0
        """Since the head's end: the body, and what chunks and trailers add to it."""
        self._refused = False
        self._head_timer: asyncio.TimerHandle | None = None
        self._body_timer: asyncio.TimerHandle | None = None
        self._body_begun = 0.0
        self._address = ""
        """By which it is counted; empty where it is not."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._is_one_too_many():
            self._refuse(503)
        else:
            self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._stop_body_timer()
        if self._address:
            counted = self._from[self.server_state]
            counted[self._address] -= 1
            if not counted[self._address]:
                del counted[self._address]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self._in_head:
            self._head_bytes += len(data)
        else:
            self._sent_bytes += len(data)
        self._piece = len(data)
        super().data_received(data)
        if not self._in_head:
            if self._sent_bytes > 2 * self._body_bytes + MAX_HEAD_BYTES:
                self._refuse(400)
        elif self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(431)
        elif self._begun or self._head_bytes:  # the rest of a head is still to come
            self._start_timer()

    def on_message_begin(self) -> None:
        self._in_head = self._begun = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self._refused:
            return
        if self._head_timer is not None:
            self._stop_timer()
        status = self._wrong()
        self._in_head = self._begun = False
        self._head_bytes = self._body_bytes = self._sent_bytes = 0
        if status is not None:
            self._refuse(status)
            return
        self._start_body_timer()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_head = True
        self._stop_body_timer()
        if not self._refused:
            super().on_message_complete()

    def _is_one_too_many(self) -> bool:
        """Count the connection; whether there are too many now, in all or from its address."""
        host = self.client[0] if self.client else ""
        if host and not is_within(host, networks_in(self.config.forwarded_allow_ips)):
            self._address = networks_of(host)[0][0]
            counted = self._from.setdefault(self.server_state, Counter())
            counted[self._address] += 1
            if counted[self._address] > max(1, self.most // SHARE):
                return True
        return len(self.connections) > self.most

    def _wrong(self) -> int | None:
        """The status that a complete head is refused with."""
        if len(self.headers) > MAX_HEADERS:
            return 431
        if max(self._head_bytes, self._piece) > MAX_HEAD_BYTES:  # perhaps it is the body that is so long
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > MAX_HEAD_BYTES:
                return 431
        hosts = [value for name, value in self.headers if name == b"host"]
        if not hosts and self.parser.get_http_version() == "1.0":
            return None
        return None if len(hosts) == 1 and _HOST.fullmatch(hosts[0]) else 400

    def _refuse(self, status: int) -> None:
        """Answer and close; nothing that still comes is looked at."""
        self._refused = True
        self._stop_timer()
        self._stop_body_timer()
        if self.transport.is_closing():
            return
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True  # what is still answered would be written to a connection that is closed
        if cycle is None or cycle.response_complete or (status == 408 and not cycle.response_started):
            line = {
                400: b"400 Bad Request",
                408: b"408 Request Timeout",
                431: b"431 Request Header Fields Too Large",
                503: b"503 Service Unavailable\r\nretry-after: 5",
            }
            self.transport.write(
                b"HTTP/1.1 " + line[status] + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )  # fmt: skip
        self.transport.close()

    def _start_timer(self) -> None:
        if self._head_timer is None and not self._refused:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _start_body_timer(self) -> None:
        self._stop_body_timer()
        self._body_begun = self.loop.time()
        self._body_timer = self.loop.call_later(BODY_SECONDS, self._body_too_slow)

    def _stop_body_timer(self) -> None:
        if self._body_timer is not None:
            self._body_timer.cancel()
            self._body_timer = None

    def _body_too_slow(self) -> None:
        """Give what comes fast enough its time; who sends less holds a connection and memory for nothing."""
        left = self._body_begun + BODY_SECONDS + max(self._sent_bytes, self._body_bytes) / BODY_RATE - self.loop.time()
        cycle = cast("RequestResponseCycle | None", self.cycle)
        self._body_timer = None
        if left > 0.001 or self.flow.read_paused:  # while it is we who do not read, nobody is slow
            self._body_timer = self.loop.call_later(left if left > 0.001 else 1.0, self._body_too_slow)
        elif cycle is not None and cycle.response_complete:  # it was answered before its end, and is not waited for
            self._refused = True
            self.transport.close()
        else:
            self._refuse(408)

    def _too_late(self) -> None:
        self._head_timer = None
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is not None and not cycle.response_complete:
            self._start_timer()  # the answer before it is still on its way
        elif self._begun:
            self._refuse(408)
        else:  # a browser that connected in case it should need to
            self._refused = True
            self.transport.close()

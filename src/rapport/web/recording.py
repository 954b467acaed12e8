"""Requests tell the audit trail: who was shown whom, and what was changed without an entry of its own.

What is shown costs a request no query: entries wait in memory and are written twice a second, many in one transaction.
A process that is killed loses what was shown in its last half second; a change's own entry is in the change's
transaction. Where entries cannot be written for long, nobody is shown anything any more.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from sqlalchemy.exc import DataError

from rapport.kernel.acting import Acting, acting
from rapport.kernel.clock import MINUTE, now_us
from rapport.kernel.errors import Unavailable
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.principal import Principal
from rapport.storage.audit.entries import Entry, append_all
from rapport.storage.engine import Database
from rapport.storage.outage import going_on

__all__ = ["Audited", "Recorder"]

_log = logging.getLogger(__name__)
_UNWRITABLE = (ValueError, TypeError, ArithmeticError, DataError)
"""What the entry itself is the reason of, however often it is tried."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Recorder:
    """Writes entries from the memory of this process, in groups."""

    def __init__(self, db: Database, *, pause_seconds: float = 0.5, most_waiting: int = 5_000) -> None:
        self._db = db
        self._pause = pause_seconds
        self._most = most_waiting
        self._waiting: list[Entry] = []
        self._seen: OrderedDict[tuple[WorkspaceId, str, str, Key], int] = OrderedDict()
        self._wake = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    def require_room(self) -> None:
        """Raises Unavailable where so much waits that more could not be told."""
        if len(self._waiting) >= self._most:
            raise Unavailable(
                f"{len(self._waiting)} entries of the audit trail wait to be written",
                hint="the database does not take them; see the server's log",
            )

    def shown(self, workspace: WorkspaceId, doing: Acting, about: str) -> None:
        """Somebody was shown people. Told once in ten minutes for each of them."""
        now = now_us()
        with self._wake:
            fresh = [
                key for ws, key in doing.people if ws == workspace and self._is_news(ws, doing.who, about, key, now)
            ]
        if fresh:
            self.put(Entry(workspace, "customer.viewed", about, {}, fresh, doing.who, doing.name, now))

    def put(self, entry: Entry) -> None:
        """Have an entry written soon."""
        with self._wake:
            self._waiting.append(entry)
            if self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
                self._thread.start()

    async def close(self, _: Litestar | None = None) -> None:
        """Write what waits, then stop."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
        self._write()

    def _run(self) -> None:
        while not self._closing:
            with self._wake:
                self._wake.wait_for(lambda: self._closing, self._pause)
            self._write()

    def _write(self) -> None:
        with self._wake:
            group = self._waiting[:1_000]
        if not group:
            return
        with going_on("the audit trail was written"):
            try:
                self._append(group)
            except _UNWRITABLE:
                for entry in group:
                    self._append_one(entry)

    def _append(self, group: Sequence[Entry]) -> None:
        with self._db.write() as conn:
            append_all(conn, group)
        self._forget(len(group))

    def _append_one(self, entry: Entry) -> None:
        """One that no database takes is left out, and said so in the log: it would stop all that come after it."""
        try:
            self._append([entry])
        except _UNWRITABLE as error:
            _log.error("an entry of the audit trail is left out (%s): %a", type(error).__name__, entry.action)
            self._forget(1)

    def _forget(self, number: int) -> None:
        with self._wake:
            del self._waiting[:number]

    def _is_news(self, workspace: WorkspaceId, who: str, about: str, key: Key, now: int) -> bool:
        place = (workspace, who, about, key)
        if 0 <= now - self._seen.get(place, 0) < 10 * MINUTE:
            return False
        self._seen[place] = now
        self._seen.move_to_end(place)
        while len(self._seen) > 20_000:
            self._seen.popitem(last=False)
        return True


class Audited(ASGIMiddleware):
    """Has the trail told of each request of somebody who is known; stands after what finds out who it is.

    A handler that says `unaudited` changes nothing but the log of facts, where it can be seen.
    """

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        principal = scope.get("user")
        if not isinstance(principal, Principal):
            await next_app(scope, receive, send)
            return
        recorder: Recorder = scope["litestar_app"].state.recorder
        recorder.require_room()
        doing = Acting(principal.id, principal.name)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                _tell(recorder, principal, doing, scope)
            await send(message)

        token = acting.set(doing)
        try:
            await next_app(scope, receive, noting)
        finally:
            acting.reset(token)


def _tell(recorder: Recorder, principal: Principal, doing: Acting, scope: Scope) -> None:
    method, route = str(scope.get("method", "")), str(scope.get("path_template", ""))
    people = [key for workspace, key in doing.people if workspace == principal.workspace]
    if method in _SAFE:
        if people:
            recorder.shown(principal.workspace, doing, route)
        return
    handler = scope["route_handler"]
    if doing.written or handler.opt.get("unaudited"):
        return
    about = f"{method} {route}"
    recorder.put(Entry(principal.workspace, "request.made", about, {}, people, doing.who, doing.name, now_us()))

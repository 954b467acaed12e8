"""Sees which alarms have begun and ended since the last look, and has each told once.

The server looks, not a worker: that no worker runs is one of the alarms. Several servers look at the same table, and
each change is made and told by the one whose statement changed the row, in its transaction.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act import outbox
from rapport.act.channels import ChannelSettings
from rapport.app.alarming import store
from rapport.app.alarming.store import Standing
from rapport.app.alarming.telling import messages_of
from rapport.kernel.clock import MINUTE, now_us
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.principal import Principal
from rapport.storage import leases
from rapport.storage.engine import Database
from rapport.storage.outage import going_on, is_outage
from rapport.storage.workspaces import all_workspaces
from rapport.web.alarms import Alarms
from rapport.web.permissions import Permissions

__all__ = ["EVERY_SECONDS", "Lookout"]

EVERY_SECONDS = 20.0

STANDS = 2 * MINUTE
"""What is over sooner is told to nobody."""

OVER = 5 * MINUTE
"""What comes back sooner has never been over."""

_logger = logging.getLogger(__name__)


class Lookout:
    """Looks at all watches of all shops, as their owners see them."""

    def __init__(
        self, db: Database, alarms: Alarms, permissions: Permissions, given: ChannelSettings, *, base: str
    ) -> None:
        self._db = db
        self._alarms = alarms
        self._scopes = permissions.of_role("owner")
        self._given = given
        self._base = base

    def keep_looking(self, stop: threading.Event, make: Callable[[], outbox.Dispatcher]) -> None:
        """Look until told to stop. Where no worker lives that would carry the outbox, it is carried from here."""
        carrier: outbox.Dispatcher | None = None
        while not stop.wait(EVERY_SECONDS):
            with going_on("alarms were looked at"):
                if self.look(now=now_us()) or not self._worker_lives():
                    carrier = carrier or make()
                    carrier.run_once()
        if carrier is not None:
            carrier.close()

    def _worker_lives(self) -> bool:
        with self._db.look() as conn:
            alive = sa.select(leases.workers.c.seen_at).where(leases.are_alive(self._db.now_us(conn))).limit(1)
            return conn.execute(alive).first() is not None

    def look(self, *, now: int) -> int:
        """Look once; returns how many messages were written."""
        with self._db.read() as conn:
            shops = [shop.id for shop in all_workspaces(conn)]
        return sum(self._looked_at(shop, now) for shop in shops)

    def _looked_at(self, shop: WorkspaceId, now: int) -> int:
        """What is wrong with one shop's alarms keeps no other's."""
        try:
            return self._look_at(shop, now)
        except Exception as error:
            if is_outage(error):
                raise
            _logger.exception("the alarms of shop %s could not be looked at", shop)
            return 0

    def _look_at(self, shop: WorkspaceId, now: int) -> int:
        owner = Principal(workspace=shop, kind="user", id="lookout", name="Rapport", role="owner", scopes=self._scopes)
        read = self._alarms.named(self._db, owner, now)
        seen = {
            name: Standing(shop, name, alarm.what, alarm.to_do, alarm.path, since=now)
            for name, alarm in read.alarms
            if alarm.tone == "red"
        }
        with self._db.read() as conn:
            known = {name: one for name, one in store.standing(conn, shop).items() if read.knows(name)}
        if not seen and not known:
            return 0
        with self._db.write() as conn:
            written = [*self._begun(conn, seen, known, now), *self._ended(conn, seen, known, now)]
        return sum(written)

    def _begun(
        self, conn: Connection, seen: dict[str, Standing], known: dict[str, Standing], now: int
    ) -> Iterator[int]:
        for name, alarm in seen.items():
            before = known.get(name)
            if before is None:
                store.begin(conn, alarm)
                continue
            if before.gone_at is not None:
                store.come_back(conn, before)
            if before.told_at is None and _is_past(before.since, STANDS, now):
                told = alarm._replace(since=before.since)
                if store.tell_of(conn, told, now=now):
                    yield self._tell(conn, told._replace(told_at=now), over=False, now=now)

    def _ended(
        self, conn: Connection, seen: dict[str, Standing], known: dict[str, Standing], now: int
    ) -> Iterator[int]:
        for name, alarm in known.items():
            if name in seen:
                continue
            if alarm.told_at is None:
                store.forget(conn, alarm)
            elif alarm.gone_at is None:
                store.go(conn, alarm, now=now)
            elif _is_past(alarm.gone_at, OVER, now) and store.end(conn, alarm):
                yield self._tell(conn, alarm, over=True, now=now)

    def _tell(self, conn: Connection, alarm: Standing, *, over: bool, now: int) -> int:
        news = messages_of(conn, alarm, "over" if over else "raised", self._given, base=self._base, now=now)
        messages = list(news)
        outbox.write(conn, messages, now=now)
        return len(messages)


def _is_past(at: int, time: int, now: int) -> bool:
    """Whether so much time has gone by since; what a clock that was set back dated in the future is past."""
    return not 0 <= now - at < time

"""A whole shop without HTTP: facts go into the log as endpoints put them there, and the worker's pipeline folds them.

The time is the test's own: facts happen and arrive when it says, and timers fire when it waits.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from itertools import count
from typing import Any

import msgspec
import sqlalchemy as sa

from rapport.act import timers
from rapport.act.stages import Stages
from rapport.act.work import BatchWork
from rapport.app.pipeline import Pipeline
from rapport.collect.model import Envelope, Source, internal_source
from rapport.collect.prepare import prepare
from rapport.compose.installed import Installed
from rapport.decide.service import CustomerNamed, Decider, Decision, DecisionAsked
from rapport.kernel.clock import DAY, HOUR, to_iso
from rapport.kernel.facts import OWN_SOURCE, Fact
from rapport.kernel.ids import WorkspaceId
from rapport.measure.model import Answer, Question
from rapport.measure.service import Metrics
from rapport.remember.digest import digest
from rapport.storage import log
from rapport.storage.engine import Database
from rapport.storage.log import LogRow
from rapport.storage.migrate import migrate
from rapport.storage.settings import Cache
from rapport.storage.workspaces import all_workspaces, create_workspace
from tests.remembered import REMEMBERED

NOON = 1_790_000_000_000_000 // DAY * DAY + 12 * HOUR
"""A day in September 2026; the tests tell time from here."""

Message = dict[str, Any]


class Shop:
    """One shop on a database of its own."""

    def __init__(self, url: str, *, seed: int = 7, slices: Installed | None = None) -> None:
        self.db = Database.open(url)
        if slices is not None:
            migrate(self.db, slices.branches)
        with self.db.write() as conn:
            if not all_workspaces(conn):
                create_workspace(conn, slug="shop", name="Shop", now=NOON)
            self.id: WorkspaceId = all_workspaces(conn)[0].id
        self.pipeline = Pipeline(self.db, slices=slices)
        slices = self.pipeline.slices
        self.metrics = Metrics(slices.metrics)
        self._cursor = 0
        self._ids = count(1)
        self.decider = Decider(
            self.db, slices.deciding, append=self._append, find_customer=lambda *_: None, gate=slices.gate,
            rng=random.Random(seed),
        )  # fmt: skip

    def message(
        self,
        event: str,
        /,
        *,
        at: int,
        user: str | None = None,
        browser: str | None = None,
        id: str = "",
        **properties: Any,
    ) -> Message:
        """A track call of somebody: user id, browser (anonymous id) or both."""
        return {
            "type": "track", "event": event, "messageId": id or f"m{next(self._ids)}", "userId": user,
            "anonymousId": browser, "timestamp": to_iso(at), "properties": properties,
        }  # fmt: skip

    def send(
        self, *messages: Message, received_at: int | None = None, forged: bool = False, public: bool = False,
        source: str = "website",
    ) -> None:  # fmt: skip
        """Put messages into the log, received when they happened unless said otherwise; those of our own as ours.

        With `public` they come with the key of a website, which every visitor can read.
        """
        kinds = self.pipeline.slices.wording.kinds
        rows = []
        for message in messages:
            kind = kinds.get(str(message.get("event")))
            sender = internal_source(
                self.id, source if forged or not kind or kind.stated_by != "rapport" else OWN_SOURCE
            )
            if public:
                sender = Source(workspace=self.id, id="browser", name="browser", kind="web", client_side=True)
            body = msgspec.json.encode({key: value for key, value in message.items() if value is not None})
            of_shop = message.get("event") in self.pipeline.slices.vocabulary.of_shop
            more = {"vocabulary": self.pipeline.slices.vocabulary} if of_shop else {}
            row = prepare(body, source=sender, received_at=2**55, envelope=Envelope(history=True), **more)
            rows.append(row._replace(received_at=row.occurred_at if received_at is None else received_at))
        with self.db.write() as conn:
            log.append(conn, rows)

    def fold(self, *, batch: int = 1000) -> None:
        """Let the worker's pipeline take in what is in the log."""
        while True:
            with self.db.read() as conn:
                rows = log.read_after(conn, after=self._cursor, upto=2**60, buckets=None, limit=batch)
                if not rows:
                    return
                self.pipeline.preload(conn, rows)
            self.pipeline.handle(rows)
            with self.db.write() as conn:
                self.pipeline.flush(conn, now=self.db.now_us(conn))
            self.pipeline.committed()
            self._cursor = rows[-1].seq

    def wait(self, until: int, *, batch: int = 1000) -> None:
        """Time passes: what is in the log is folded, then all that is due by then fires."""
        self.fold(batch=batch)
        while True:
            fired = self.fire(until)
            self.fold(batch=batch)
            if not fired:
                return

    def fire(self, now: int) -> int:
        """Run the timers that are due; returns how many there were."""
        work = BatchWork(Stages((), own=()), Cache())
        with self.db.write() as conn:
            fired = timers.run_due(conn, now, self.pipeline.slices.timers, work)
            work.flush(conn, now=now)
        return fired

    def decide(self, *, at: int, customer: CustomerNamed | None = None, limit: int = 6, **context: Any) -> Decision:
        """Ask the placement `product.also` and let the decision be folded."""
        asked = DecisionAsked(placement="product.also", customer=customer, context=context, limit=limit)
        decision = asyncio.run(self.decider.decide(self.id, asked, now=at))
        self.fold()
        return decision

    def facts(self, name: str) -> list[Fact]:
        """The facts of this name in the log, in order of arrival."""
        with self.db.read() as conn:
            rows = log.read_after(conn, after=0, upto=2**60, buckets=None, limit=100_000)
        return [fact for fact in map(log.to_fact, rows) if fact.name == name]

    def metric(self, name: str, *, by: str = "") -> Answer:
        """A metric over all time, without the days on which nothing was."""
        with self.db.read() as conn:
            found = self.metrics.answer(conn, name, Question(workspace=self.id, since=0, until=2**52, by=by))
        return msgspec.structs.replace(
            found, rows=[row for row in found.rows if any(row[column.name] for column in found.columns)]
        )

    def rows(self, table: sa.Table) -> list[dict[str, Any]]:
        """Everything in a table."""
        with self.db.read() as conn:
            return [dict(row._mapping) for row in conn.execute(sa.select(table))]

    def digest(self) -> str:
        """The digest over all Golden Records."""
        with self.db.read() as conn:
            return str(digest(conn, remembered=REMEMBERED)["digest"])

    def close(self) -> None:
        self.db.close()

    async def _append(self, rows: Sequence[LogRow]) -> None:
        with self.db.write() as conn:
            log.append(conn, rows)

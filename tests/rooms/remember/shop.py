"""A shop on a real database: facts by hand through the log, the resolver and the strands, as the worker does it."""

from __future__ import annotations

import copy
from typing import Any

from rapport.capabilities.consent.service import Noted, note_of, said_by
from rapport.capabilities.consent.store import keep
from rapport.kernel.clock import DAY
from rapport.kernel.facts import Fact, FactType, encode_fact
from rapport.kernel.identifiers import BUCKETS, Identifier, IdentifierPolicy, bucket_of, identifiers_of, key_of
from rapport.kernel.ids import Key, WorkspaceId, new_id
from rapport.remember import customers, listing
from rapport.remember.golden import GoldenRecord, find_key, golden_record
from rapport.remember.listing import CustomerQuery, CustomerSummary
from rapport.remember.registry import StrandState
from rapport.remember.strands import Strands
from rapport.resolve.graph.resolver import Resolver
from rapport.storage.engine import Database
from rapport.storage.log import LogRow, append
from rapport.storage.workspaces import WorkspaceSettings, create_workspace
from tests.remembered import REMEMBERED

START = 1_700_000_000_000_000
ALL_BUCKETS = range(BUCKETS)

_NAMES: dict[str, FactType] = {"Identified": "identify", "Page Viewed": "page", "Screen Viewed": "screen"}


def did(
    name: str, days: float = 0, *, user: str | None = None, web: str | None = None, ident: str = "", **more: Any
) -> Fact:
    """A fact so many days after the start; `more` are `properties`, `traits`, `context` and `source`."""
    fact = Fact(
        id=ident or new_id("m"), type=_NAMES.get(name, "track"), name=name, user_id=user, anonymous_id=web,
        properties=more.get("properties", {}), traits=more.get("traits", {}), context=more.get("context", {}),
    )  # fmt: skip
    fact.occurred_at = fact.received_at = START + int(days * DAY)
    fact.source = more.get("source", "src_web")
    return fact


def bought(order_id: str, revenue: float, days: float = 0, **more: Any) -> Fact:
    """An order in euros."""
    properties = {"order_id": order_id, "revenue": revenue, "currency": "EUR", **more.pop("properties", {})}
    return did("Order Completed", days, properties=properties, **more)


def traits_of(*facts: Fact, now: int = START) -> dict[str, Any]:
    """The traits' values after these facts, without a database."""
    registry = REMEMBERED.registry(currency="EUR", region=None)
    state: StrandState = {}
    for fact in facts:
        registry.fold(state, fact)
    return {name: held.value for name, held in registry.read(registry.merge([state]), now=now).items()}


class Shop:
    """One workspace with what a worker has."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.policy = IdentifierPolicy()
        with db.write() as conn:
            slug = new_id("shop").replace("_", "-")
            shop = create_workspace(conn, slug=slug, name="Marlow", now=START, settings=WorkspaceSettings(region="DE"))
        self.workspace: WorkspaceId = shop.id
        self.slug = slug
        self.restart()

    @classmethod
    def beside(cls, other: Shop) -> Shop:
        """Another worker of the same shop."""
        made = cls.__new__(cls)
        made.db, made.policy, made.workspace, made.slug = other.db, other.policy, other.workspace, other.slug
        made.restart()
        return made

    def restart(self) -> None:
        """A new worker that remembers nothing."""
        self.resolver = Resolver(lambda _: self.policy)
        self.strands = Strands(lambda _: REMEMBERED.registry(currency="EUR", region="DE"))

    def take(self, *facts: Fact, refresh: bool = True) -> None:
        """One batch; facts the log knows already are left out, as the log does it."""
        rows = {fact.id: (self._row(fact), fact) for fact in facts}
        with self.db.write() as conn:
            new = {ident: found for ident, found in rows.items() if append(conn, [found[0]])}
        with self.db.read() as conn:
            self.strands.load(conn, [(self.workspace, Key(row.strand)) for row, _ in new.values()])
        for row, fact in new.values():
            self.resolver.observe(self.workspace, fact, Key(row.strand))
            self.strands.fold(self.workspace, Key(row.strand), fact)
        with self.db.write() as conn:
            moved = self.resolver.flush(conn)
            self.strands.flush(conn)
            noted = [Noted(self.workspace, Key(row.strand), fact, note_of(fact)) for row, fact in new.values()]
            keep(conn, said_by(noted, {self.workspace: self.policy}))
            customers.mark_moved(conn, moved)
        self.strands.committed()
        if refresh:
            self.refresh()

    def refresh(self) -> int:
        with self.db.write() as conn:
            return customers.refresh(conn, limit=1_000, buckets=ALL_BUCKETS, remembered=REMEMBERED).taken

    def record(self, reference: str, *, now: int = START, probable: bool = False) -> GoldenRecord:
        with self.db.read() as conn:
            key = find_key(conn, self.workspace, reference, region="DE")
            return golden_record(conn, self.workspace, key, now=now, remembered=REMEMBERED, probable=probable)

    def listed(self, **wanted: Any) -> list[CustomerSummary]:
        with self.db.read() as conn:
            return listing.list_customers(conn, self.workspace, CustomerQuery(**wanted), region="DE").customers

    def labels(self, **wanted: Any) -> list[str]:
        return [one.label for one in self.listed(**wanted)]

    def _row(self, fact: Fact) -> LogRow:
        strand = key_of(self.workspace, identifiers_of(fact, self.policy)[0])
        bare = copy.copy(fact)
        bare.occurred_at = bare.received_at = 0
        bare.source = ""
        return LogRow(
            self.workspace, fact.source, fact.id, strand, bucket_of(strand), fact.occurred_at, fact.received_at,
            encode_fact(bare),
        )  # fmt: skip

    def key(self, namespace: str, value: str) -> Key:
        return key_of(self.workspace, Identifier(namespace, value))

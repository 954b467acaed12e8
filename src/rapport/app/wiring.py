"""The only place where all rooms meet: what the server is made of, and what a worker is made of."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import entry_points
from typing import Any

from sqlalchemy import Connection

from rapport.act import outbox, timers, webhooks
from rapport.act.work import BatchWork
from rapport.adapters.channels.webhook import WebhookChannel
from rapport.app.settings import Settings
from rapport.capabilities.catalog import find_products
from rapport.capabilities.catalog import plug as catalog
from rapport.capabilities.orders import plug as orders
from rapport.capabilities.recommendations import plug as recommendations
from rapport.collect.appender import Appender
from rapport.collect.doors import Doors
from rapport.collect.health import Health
from rapport.collect.sources import Registry as Sources
from rapport.collect.sources import identifier_policy
from rapport.decide.service import Decider
from rapport.kernel.errors import NotFound
from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.plug import Capability, Plugged
from rapport.measure import plug as measure
from rapport.measure.service import Metrics
from rapport.remember import customers, persons
from rapport.remember.folder import Folder
from rapport.remember.traits import Registry, commerce
from rapport.resolve import expiry, identities
from rapport.resolve.customer_ids import load_customer_ids
from rapport.resolve.linking.linker import Linker, note_changed
from rapport.resolve.linking.models import active_version
from rapport.resolve.policy import settings_of
from rapport.resolve.resolver import Resolver
from rapport.resolve.service import Identity
from rapport.storage.engine import Database
from rapport.storage.log import StoredRow, to_fact
from rapport.storage.workspaces import Workspace, all_workspaces

__all__ = ["Parts", "Rooms", "capabilities", "dispatcher"]


def capabilities() -> list[Capability]:
    """The slices of this installation: ours, then those that other distributions name as `rapport.capabilities`."""
    own = [
        catalog.capability(), orders.capability(), recommendations.capability(), measure.capability(),
        webhooks.capability(),
    ]  # fmt: skip
    return own + [plugin.load()() for plugin in entry_points(group="rapport.capabilities")]


def dispatcher(db: Database, settings: Settings) -> outbox.Dispatcher:
    """The outbox with every channel of this installation."""
    return outbox.Dispatcher(db, [WebhookChannel(db, allow_private=settings.allow_private_webhooks)])


class Parts:
    """What the server process is made of."""

    def __init__(self, settings: Settings, db: Database) -> None:
        self.settings = settings
        self.db = db
        self.appender = Appender(db, max_pending_bytes=settings.max_pending_mb * 1024 * 1024)
        self.sources = Sources(db)
        self.source_health = Health(db)
        self.doors = Doors(registry=self.sources, appender=self.appender, health=self.source_health)
        self.slices = slices = capabilities()
        placements = [placement for slice_ in slices for placement in slice_.placements]
        self.decider = Decider(db, placements, append=self.appender.append, find_customer=_customer_key)
        self.metrics = Metrics(measured for slice_ in slices for measured in slice_.metrics)

    def state(self) -> dict[str, Any]:
        """What handlers find in the application's state."""
        return {
            "parts": self, "appender": self.appender, "sources": self.sources, "decider": self.decider,
            "metrics": self.metrics, "product_names": _product_names,
            "identity": Identity(self.db, on_moved=customers.mark_moved),
        }  # fmt: skip

    def close(self) -> None:
        """Write what waits, then let go."""
        self.appender.close()
        self.source_health.flush()
        self.db.close()


class Rooms:
    """What a worker is made of: a batch of facts through resolve, remember and the slices, and its one flush."""

    def __init__(self, db: Database, *, slices: Sequence[Capability] | None = None) -> None:
        self.db = db
        self.plugged = Plugged(capabilities() if slices is None else slices)
        self._shops = Shops(db)
        self._resolver = Resolver(self._shops.policy, forget_policies=self._shops.forget)
        self._folder = Folder(self._shops.traits)
        self._work = BatchWork(self.plugged)
        self._linker = Linker(lambda conn, workspace: identifier_policy(settings_of(conn, workspace)))

    def handle(self, conn: Connection, rows: Sequence[StoredRow]) -> None:
        """Take a batch in, in memory. What it raises concerns one of these facts."""
        facts = [(WorkspaceId(row.workspace), Key(row.strand), to_fact(row)) for row in rows]
        self._folder.load(conn, [(workspace, strand) for workspace, strand, _ in facts])
        observe, fold, handlers, work = self._resolver.observe, self._folder.fold, self.plugged.handlers, self._work
        for workspace, strand, fact in facts:
            observe(workspace, fact, strand)
            fold(workspace, strand, fact)
            for handler in handlers(fact.name):
                handler(work, workspace, fact, strand)

    def flush(self, conn: Connection) -> None:
        """Write all effects of the batch in this transaction."""
        moved = self._resolver.flush(conn)
        self._folder.flush(conn)
        customers.mark_moved(conn, moved)
        self._work.flush(conn, now=self.db.now_us(conn))

    def committed(self) -> None:
        """The transaction of the last `flush` is in the database for good."""
        self._folder.committed()

    def abandon(self) -> None:
        """The transaction did not happen: forget the batch and whatever is uncertain."""
        self._resolver.abandon()
        self._folder.abandon()
        self._work.abandon()

    def forget_all(self) -> None:
        """Other workers may have written what is cached here."""
        self.abandon()
        self._folder.forget_all()
        self._shops.forget()

    def follow_settings(self) -> None:
        """Take up settings that were changed since the last call."""
        if self._shops.changed():
            self.forget_all()

    def fire(self, conn: Connection, now: int, buckets: Sequence[int], *, limit: int = 100) -> int:
        """Run the timers of these buckets that are due by `now`; writes their effects in this transaction."""
        fired = timers.run_due(conn, now, self.plugged.timers, self._work, buckets=buckets, limit=limit)
        self._work.flush(conn, now=now)
        return fired

    def refresh(self, conn: Connection, buckets: Sequence[int], *, limit: int) -> int:
        """Bring summaries of changed customers up to date, and what is compared of them; returns how many it took."""
        done = customers.refresh(conn, limit=limit, buckets=buckets)
        for workspace, roots in done.roots.items():
            if active_version(conn, workspace) is not None:
                note_changed(conn, workspace, roots, persons.fields_of, now=self.db.now_us(conn))
        return done.taken

    def expiring(self) -> list[WorkspaceId]:
        """The shops with evidence that was last seen longer ago than their policy allows."""
        with self.db.read() as conn:
            return expiry.expiring(conn, now=self.db.now_us(conn))

    def expire(self, conn: Connection, workspace: WorkspaceId, *, limit: int) -> None:
        """Let some of that evidence count no more."""
        customers.mark_moved(conn, expiry.expire(conn, workspace, now=self.db.now_us(conn), limit=limit))

    def due_to_link(self) -> list[WorkspaceId]:
        """The shops with records that were not scored yet."""
        with self.db.read() as conn:
            return self._linker.due(conn)

    def load_links(self, workspace: WorkspaceId, *, limit: int) -> bool:
        """Load up to `limit` more records of a shop's index; True once it is whole."""
        with self.db.read() as conn:
            return self._linker.warm(conn, workspace, limit=limit)

    def link(self, conn: Connection, workspace: WorkspaceId, *, limit: int) -> int:
        """Score records that changed, and tie who is surely one person; returns how many were scored.

        One worker at a time may do so. After a rollback call `stop_linking`.
        """
        done = self._linker.link_pending(conn, workspace, now=self.db.now_us(conn), limit=limit)
        customers.mark_moved(conn, done.moved)
        return done.scored

    def stop_linking(self) -> None:
        """Another worker scores from now on, or the last transaction did not happen."""
        self._linker.abandon()


def _product_names(conn: Connection, workspace: WorkspaceId, product_ids: Sequence[str]) -> dict[str, str]:
    """What the catalogue calls these products."""
    found = find_products(conn, workspace, product_ids)
    return {product_id: product.name for product_id, product in found.items() if product.name}


def _customer_key(conn: Connection, workspace: WorkspaceId, customer_id: str) -> Key | None:
    """The customer behind an id, None where there is none."""
    try:
        return identities.find_customer(conn, workspace, customer_id, load_customer_ids(conn))
    except NotFound:
        return None


class Shops:
    """The settings of each shop, as the worker needs them; read again when leases change."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._found: dict[WorkspaceId, Workspace] = {}
        self._policies: dict[WorkspaceId, IdentifierPolicy] = {}

    def policy(self, workspace: WorkspaceId) -> IdentifierPolicy:
        """What identifies people in this shop."""
        policy = self._policies.get(workspace)
        if policy is None:
            policy = self._policies[workspace] = identifier_policy(self._shop(workspace).settings)
        return policy

    def traits(self, workspace: WorkspaceId) -> Registry:
        """What is remembered of people in this shop."""
        settings = self._shop(workspace).settings
        return commerce(default_currency=settings.currency, region=settings.region)

    def forget(self) -> None:
        """Read anew at the next use."""
        self._found.clear()
        self._policies.clear()

    def changed(self) -> bool:
        """True where somebody changed a setting since it was read here."""
        with self._db.read() as conn:
            return any(self._found.get(shop.id, shop) != shop for shop in all_workspaces(conn))

    def _shop(self, workspace: WorkspaceId) -> Workspace:
        if workspace not in self._found:
            with self._db.read() as conn:
                self._found = {shop.id: shop for shop in all_workspaces(conn)}
        if workspace not in self._found:
            raise NotFound(f"no workspace {workspace}")
        return self._found[workspace]

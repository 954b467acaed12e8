"""What the server process is made of, and what its handlers find."""

from __future__ import annotations

from sqlalchemy import Connection

from rapport.adapters.channels.fetching import Fetching
from rapport.adapters.channels.staff_mail import StaffMail
from rapport.app.deciding import launch
from rapport.app.finding import customer_key
from rapport.app.settings import Settings
from rapport.app.wiring import channel_settings, installed
from rapport.collect.appender import Appender
from rapport.collect.endpoints import Endpoints
from rapport.collect.health import Health
from rapport.collect.sources import Sources
from rapport.compose.installed import Installed
from rapport.decide.elsewhere import Elsewhere
from rapport.decide.service import Decider
from rapport.kernel.clock import now_us
from rapport.kernel.errors import NotFound
from rapport.kernel.ids import Key, WorkspaceId
from rapport.measure.counting import Counting
from rapport.measure.service import Metrics
from rapport.remember import customers
from rapport.resolve.actions.service import Identity
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.linking.actions import ACTIONS as LINKING
from rapport.resolve.reading.references import find_key
from rapport.storage.engine import Database
from rapport.web.provider.asking import Provider
from rapport.web.purposes import Purposes

__all__ = ["Server"]


class Server:
    """What the server process is made of."""

    def __init__(self, settings: Settings, db: Database, *, slices: Installed | None = None) -> None:
        self.settings = settings
        self.db = db
        self.appender = Appender(db, max_pending_bytes=settings.max_pending_mb * 1024 * 1024)
        self.sources = Sources(db)
        self.source_health = Health(db)
        self.slices = slices = installed() if slices is None else slices
        self.admission = slices.admission(db)
        self.endpoints = Endpoints(
            registry=self.sources,
            appender=self.appender,
            health=self.source_health,
            vocabulary=slices.vocabulary,
            admission=self.admission,
        )
        self.elsewhere = Elsewhere(launch(settings))
        self.decider = Decider(
            db, slices.deciding, append=self.appender.append, find_customer=customer_key, gate=slices.gate,
            elsewhere=self.elsewhere,
        )  # fmt: skip
        self.metrics = Metrics(slices.metrics)
        self.counting = Counting(db)
        wanted = settings.provider
        self.provider = Provider(wanted, Fetching(allow_private=wanted.allow_private)) if wanted else None
        self.staff_mail = StaffMail(
            db, channel_settings(settings), base=settings.public_url.rstrip("/") or settings.address
        )  # fmt: skip

    def provided(self) -> dict[str, object]:
        """What handlers are given by the name of a parameter."""
        return {
            "appender": self.appender, "sources": self.sources, "decider": self.decider,
            "metrics": self.metrics, "counting": self.counting,
            "sections": self.slices.sections, "tables": sorted(self.slices.tables),
            "in_flight": self.endpoints.in_flight,
            "slices": self.slices, "settings": self.settings,
            "channel_settings": channel_settings(self.settings), "mailer": self.staff_mail,
            "provider": self.provider,
            "remembered": self.slices.remembered, "retold": self.slices.retold,
            "vocabulary": self.slices.vocabulary, "admission": self.admission,
            "steps": self.slices.deciding, "gate": self.slices.gate,
            "purposes": Purposes(
                self.db, gate=self.slices.gate, find=_named_key, names=self.slices.name_purposes
            ),
            "identity": Identity(self.db, more=LINKING, on_moved=customers.mark_moved),
        }  # fmt: skip

    async def shop_of_key(self, key: str) -> WorkspaceId | None:
        """Whose source has this write key; None where no source that is switched on has it."""
        source = await self.sources.look_up(key, now=now_us())
        return source.workspace if source is not None and source.enabled else None

    def close(self) -> None:
        """Write what waits, then let go."""
        self.elsewhere.close()
        self.counting.close()
        self.appender.close()
        self.staff_mail.close()
        self.source_health.flush()
        self.db.close()


def _named_key(conn: Connection, workspace: WorkspaceId, reference: str) -> Key | None:
    """Whom an address names, None where nobody is called so."""
    try:
        return find_key(conn, workspace, reference, region=settings_of(conn, workspace).region)
    except NotFound:
        return None

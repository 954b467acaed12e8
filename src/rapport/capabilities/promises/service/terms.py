"""By what a shop's promises are judged: its settings, its calendar, what it has learnt."""

from __future__ import annotations

from rapport.capabilities.promises import store
from rapport.capabilities.promises.model import Terms
from rapport.capabilities.promises.settings import PROMISE_SETTINGS, PromiseSettings
from rapport.capabilities.promises.working_days import WEEKDAYS, Calendar
from rapport.kernel.clock import zone_named
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Connection
from rapport.storage import settings
from rapport.storage.workspaces import workspace_of

__all__ = ["calendar_of", "decided", "terms_of"]


def decided(conn: Connection, workspace: WorkspaceId) -> PromiseSettings:
    """What the shop has decided."""
    return settings.load(conn, workspace, PROMISE_SETTINGS).value


def calendar_of(wanted: PromiseSettings, shop_zone: str) -> Calendar:
    """When the shop's warehouse hands over."""
    return Calendar(
        zone=zone_named(wanted.warehouse_zone or shop_zone),
        cut_offs={day: getattr(wanted, f"cut_off_{day}") for day in WEEKDAYS},
        holidays=frozenset(wanted.holidays.replace(",", " ").split()), transit_days=wanted.transit_days,
    )  # fmt: skip


def terms_of(conn: Connection, workspace: WorkspaceId, wanted: PromiseSettings | None = None) -> Terms:
    """By what this shop's promises are judged now."""
    found = wanted if wanted is not None else decided(conn, workspace)
    zone = workspace_of(conn, workspace).settings.time_zone
    return Terms(store.load_model(conn, workspace), calendar_of(found, zone), found.at_risk_percent / 100)

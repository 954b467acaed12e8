"""The only place where all meet: the slices of this installation, and the channels of its outbox."""

from __future__ import annotations

from importlib.metadata import entry_points

from rapport.act import outbox
from rapport.adapters.channels.webhook import WebhookChannel
from rapport.app.settings import Settings
from rapport.app.slice import SYSTEM
from rapport.capabilities.catalog.slice import CATALOG
from rapport.capabilities.orders.slice import ORDERS
from rapport.capabilities.recommendations.slice import RECOMMENDATIONS
from rapport.compose.installed import Installed
from rapport.compose.rooms import ROOMS
from rapport.compose.slice import ENTRY_POINTS, Slice
from rapport.storage.engine import Database

__all__ = ["OWN", "dispatcher", "installed"]

OWN: tuple[Slice, ...] = (*ROOMS, SYSTEM, CATALOG, ORDERS, RECOMMENDATIONS)
"""What Rapport itself consists of."""


def installed() -> Installed:
    """The slices of this installation: ours, then those that other distributions name as `rapport.slices`."""
    return Installed([*OWN, *(entry.load() for entry in entry_points(group=ENTRY_POINTS))])


def dispatcher(db: Database, settings: Settings) -> outbox.Dispatcher:
    """The outbox with every channel of this installation."""
    return outbox.Dispatcher(db, [WebhookChannel(db, allow_private=settings.allow_private_webhooks)])

"""The only place where all meet: the slices of this installation, and the channels of its outbox."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

import msgspec

from rapport.act import outbox
from rapport.act.channels import ChannelSettings
from rapport.adapters.files.slice import IMPORTS
from rapport.adapters.providers.slice import PROVIDERS_TELL
from rapport.adapters.shops.slice import SHOPS
from rapport.app.settings import Settings
from rapport.app.slice import SYSTEM
from rapport.capabilities.acquisition.slice import ACQUISITION
from rapport.capabilities.audit.slice import AUDIT
from rapport.capabilities.catalog.slice import CATALOG
from rapport.capabilities.consent.slice import CONSENT
from rapport.capabilities.fit.slice import FIT
from rapport.capabilities.goals.slice import GOALS
from rapport.capabilities.insights.slice import INSIGHTS
from rapport.capabilities.journeys.slice import JOURNEYS
from rapport.capabilities.lake.slice import LAKE
from rapport.capabilities.loyalty.slice import LOYALTY
from rapport.capabilities.merchandising.slice import MERCHANDISING
from rapport.capabilities.messages.slice import MESSAGES
from rapport.capabilities.orders.slice import ORDERS
from rapport.capabilities.prediction.slice import PREDICTION
from rapport.capabilities.products.slice import PRODUCTS
from rapport.capabilities.promises.slice import PROMISES
from rapport.capabilities.questions.slice import QUESTIONS
from rapport.capabilities.recommendations.slice import RECOMMENDATIONS
from rapport.capabilities.supply.slice import SUPPLY
from rapport.compose.command import ENTRY_POINTS
from rapport.compose.installed import Installed
from rapport.compose.rooms import ROOMS
from rapport.compose.slice import Slice
from rapport.storage.engine import Database

__all__ = ["OWN", "channel_settings", "dispatcher", "installed"]

OWN: tuple[Slice, ...] = (
    *ROOMS,
    SYSTEM,
    IMPORTS,
    SHOPS,
    PROVIDERS_TELL,
    CONSENT,
    CATALOG,
    SUPPLY,
    ORDERS,
    FIT,
    INSIGHTS,
    ACQUISITION,
    PREDICTION,
    LOYALTY,
    RECOMMENDATIONS,
    MERCHANDISING,
    GOALS,
    PRODUCTS,
    LAKE,
    MESSAGES,
    PROMISES,
    JOURNEYS,
    AUDIT,
    QUESTIONS,
)
"""What Rapport itself consists of."""


def installed() -> Installed:
    """The slices of this installation: ours, then those that other distributions name as `rapport.slices`."""
    return Installed([*OWN, *_of_other_distributions()])


@cache
def _of_other_distributions() -> tuple[Slice, ...]:
    """Looked for once: to find them, the metadata of every distribution is read."""
    return tuple(entry.load() for entry in entry_points(group=ENTRY_POINTS))


def channel_settings(settings: Settings) -> ChannelSettings:
    """What channels are to know of the installation."""
    return ChannelSettings(
        allow_private=settings.allow_private_webhooks, smtp_url=settings.smtp_url, mail_from=settings.mail_from,
        public_url=settings.public_url.rstrip("/"),
    )  # fmt: skip


def dispatcher(db: Database, settings: Settings) -> outbox.Dispatcher:
    """The outbox with every channel and send rule of this installation. Raises ValueError where names do not match."""
    slices = installed()
    given = msgspec.structs.replace(channel_settings(settings), vocabulary=slices.vocabulary)
    channels = {name: make(db, given) for name, make in slices.channels.items()}
    for name, channel in channels.items():
        if channel.name != name:
            raise ValueError(f"the channel brought as {name!r} calls itself {channel.name!r}")
    return outbox.Dispatcher(db, channels.values(), rules=slices.send_rules, listeners=slices.listeners)

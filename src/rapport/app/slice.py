"""What the installation itself brings: its health, and the facts whose handling failed."""

from __future__ import annotations

from functools import partial

from rapport.act.channels import Channel, ChannelSettings
from rapport.act.webhooks import CHANNEL
from rapport.app import commands, failed_facts
from rapport.app.alarming.store import standing_alarms
from rapport.app.asides import sift_asides
from rapport.capabilities.messages.model import EMAIL, PUSH, SMS, WHATSAPP
from rapport.compose.holding import of_person, of_shop
from rapport.compose.slice import Slice
from rapport.storage.engine import Database
from rapport.web.permissions import Permission
from rapport.web.sign_in_settings import SIGN_IN_SETTINGS

__all__ = ["SYSTEM"]


def _webhooks(db: Database, given: ChannelSettings) -> Channel:
    # Imported where it is made: the HTTP client costs every other command a third of a second at its start.
    from rapport.adapters.channels.webhook import WebhookChannel

    return WebhookChannel(db, allow_private=given.allow_private)


def _email(db: Database, given: ChannelSettings) -> Channel:
    from rapport.adapters.channels.email import EmailChannel

    return EmailChannel(db, given)


def _alarm_mail(db: Database, given: ChannelSettings) -> Channel:
    from rapport.adapters.channels.alarm_mail import AlarmMailChannel

    return AlarmMailChannel(db, given)


def _by_phone(name: str, db: Database, given: ChannelSettings) -> Channel:
    from rapport.adapters.channels.phone import PhoneChannel
    from rapport.adapters.providers.store import is_taken

    return PhoneChannel(name, db, given, hears=lambda conn, shop: is_taken(conn, shop, "twilio"))


def _push(db: Database, given: ChannelSettings) -> Channel:
    from rapport.adapters.channels.push import PushChannel

    return PushChannel(db, given)


SYSTEM = Slice(
    name="system",
    title="System",
    holds=(
        of_person(
            failed_facts.failed_facts,
            "which facts could not be handled; the facts themselves are in the log",
            by=(),
            export=lambda *_: (),
            erase=failed_facts.erase,
        ),
        of_shop(standing_alarms, "which alarms stand, and whether anybody was told"),
    ),
    sift_files=sift_asides,
    permissions=(
        Permission(name="system:read", words="see the health of the system", roles=("marketer", "analyst", "viewer")),
        Permission(name="system:write", words="replay facts whose handling failed"),
    ),
    channels={
        CHANNEL: _webhooks,
        EMAIL: _email,
        SMS: partial(_by_phone, SMS),
        WHATSAPP: partial(_by_phone, WHATSAPP),
        PUSH: _push,
        "alarm_mail": _alarm_mail,
    },
    settings=SIGN_IN_SETTINGS,
    web="rapport.app.web:WEB",
    commands=commands.SYSTEM,
)

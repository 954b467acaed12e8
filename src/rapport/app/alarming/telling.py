"""What is told of an alarm, to whom: webhooks that want to hear of alarms, and the shop's owners by mail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec
from sqlalchemy import Connection

from rapport.act import webhooks
from rapport.act.channels import ChannelSettings
from rapport.act.webhooks import ALARM_OVER, ALARM_RAISED
from rapport.adapters.channels.alarm_mail import ALARM_MAIL, AlarmMail
from rapport.app.alarming.store import Standing
from rapport.capabilities.messages.service.servers import server_of
from rapport.kernel.clock import to_iso
from rapport.kernel.errors import Misconfigured
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Message
from rapport.storage import settings
from rapport.web import store
from rapport.web.sign_in_settings import SIGN_IN_SETTINGS

__all__ = ["messages_of"]


def messages_of(
    conn: Connection, alarm: Standing, news: Literal["raised", "over"], given: ChannelSettings, *, base: str, now: int
) -> Iterator[Message]:
    """One message for each webhook and each owner. `base` is where the console is found."""
    told_at = alarm.told_at or now
    key = f"alarm:{alarm.name}:{told_at}:{news}"
    event = ALARM_RAISED if news == "raised" else ALARM_OVER
    data = {
        "alarm": alarm.name, "what": alarm.what, "to_do": alarm.to_do, "page": base + alarm.path,
        "since": to_iso(alarm.since),
    }  # fmt: skip
    payload = msgspec.json.encode({"type": event, "timestamp": to_iso(now), "data": data})
    for hook in webhooks.list_webhooks(conn, alarm.workspace):
        if hook.enabled and event in hook.events:
            yield _message(alarm, webhooks.CHANNEL, hook.id, f"{hook.id}:{key}", payload)
    wanted = settings.load(conn, alarm.workspace, SIGN_IN_SETTINGS).value.alarms_by_mail == "owners"
    if not wanted or not _has_server(conn, alarm.workspace, given):
        return
    mail = msgspec.json.encode(AlarmMail(news=news, what=alarm.what, to_do=alarm.to_do, page=base + alarm.path, at=now))
    for member in store.members(conn, alarm.workspace):
        if member.role == "owner":
            yield _message(alarm, ALARM_MAIL, member.email, f"{member.user_id}:{key}", mail)


def _has_server(conn: Connection, workspace: WorkspaceId, given: ChannelSettings) -> bool:
    """Whether mail can be sent. One whose secret cannot be opened is none: what else hears of alarms still does."""
    try:
        return server_of(conn, workspace, given) is not None
    except Misconfigured:
        return False


def _message(alarm: Standing, channel: str, destination: str, key: str, payload: bytes) -> Message:
    return Message(
        workspace=alarm.workspace, channel=channel, destination=destination, idempotency_key=key, payload=payload,
        strand=None, purpose="operations",
    )  # fmt: skip

"""Who carries a shop's SMS and WhatsApp messages: set in the console, its secret shown to nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
import sqlalchemy as sa
from msgspec import Meta
from sqlalchemy import Connection

from rapport.act.addresses import checked_url, refuse_private
from rapport.capabilities.messages import store
from rapport.capabilities.messages.model import SMS, WHATSAPP
from rapport.kernel.errors import InvalidInput, Misconfigured
from rapport.kernel.ids import WorkspaceId
from rapport.storage.audit.entries import append as tell
from rapport.storage.bulk import upsert
from rapport.storage.sealing import opened_text, sealed_text

__all__ = ["CARRIES", "Provider", "keep_provider", "limits_of", "provider_of", "readable_provider"]

CARRIES: Mapping[str, tuple[str, ...]] = {SMS: ("twilio", "vonage"), WHATSAPP: ("twilio", "meta")}
"""By channel: the providers that can carry it."""

_URLS = {"twilio": "https://api.twilio.com", "vonage": "https://rest.nexmo.com", "meta": "https://graph.facebook.com"}
_c = store.channel_providers.c


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A provider, and as whom messages are handed to it."""

    kind: Literal["twilio", "vonage", "meta"]
    account: Annotated[str, Meta(min_length=1, max_length=200)]
    """The account's id: Twilio's SID, Vonage's API key, Meta's phone number id."""
    secret: Annotated[str, Meta(max_length=1000)] = ""
    sender: Annotated[str, Meta(max_length=40)] = ""
    """The number, or the name, that messages come from."""
    base_url: Annotated[str, Meta(max_length=300)] = ""
    """Empty: the provider's own."""
    a_minute: Annotated[int, Meta(ge=0, le=100_000)] = 60
    """Messages in a minute, at most; 0 is no limit."""

    @property
    def url(self) -> str:
        """Where it is asked, without a slash at the end."""
        return (self.base_url or _URLS[self.kind]).rstrip("/")


def provider_of(conn: Connection, workspace: WorkspaceId, channel: str) -> Provider | None:
    """Who carries this channel for a shop; None while nobody is set. Raises Misconfigured as `opened` of sealing."""
    kept = _kept(conn, workspace, channel)
    if kept is None:
        return None
    secret = opened_text(kept["secret"], about=_about(workspace, channel))
    return msgspec.convert(kept | {"secret": secret}, Provider)


def readable_provider(conn: Connection, workspace: WorkspaceId, channel: str) -> Provider | None:
    """The same without its secret where that cannot be opened: then it is typed in anew."""
    try:
        return provider_of(conn, workspace, channel)
    except Misconfigured:
        kept = _kept(conn, workspace, channel)
        return None if kept is None else msgspec.convert(kept | {"secret": ""}, Provider)


def limits_of(conn: Connection, workspace: WorkspaceId) -> dict[str, int]:
    """Messages in a minute, at most, by channel; no secret is opened for it."""
    found = {channel: _kept(conn, workspace, channel) for channel in CARRIES}
    return {
        channel: msgspec.convert(one | {"secret": ""}, Provider).a_minute
        for channel, one in found.items()
        if one is not None
    }


def _kept(conn: Connection, workspace: WorkspaceId, channel: str) -> dict[str, Any] | None:
    """As it lies there: everything readable but the secret."""
    body = conn.execute(sa.select(_c.body).where(_c.workspace == workspace, _c.channel == channel)).scalar()
    return None if body is None else {"secret": "", **msgspec.json.decode(body)}


def _about(workspace: WorkspaceId, channel: str) -> str:
    return f"channel_providers:{workspace}:{channel}"


def keep_provider(
    conn: Connection, workspace: WorkspaceId, channel: str, wanted: Provider, *, by: str, allow_private: bool, now: int
) -> None:
    """Put a provider in force; an empty secret keeps the one there is. Raises InvalidInput.

    A secret is never handed to another address than the one it was typed for.
    """
    if wanted.kind not in CARRIES[channel]:
        raise InvalidInput(f"{wanted.kind} carries no {channel} here", hint=" or ".join(CARRIES[channel]))
    if wanted.kind != "meta" and not wanted.sender:
        raise InvalidInput("say which number or name messages come from")
    checked_url(wanted.url)
    if not allow_private:
        refuse_private(wanted.url)
        if not wanted.url.startswith("https://"):
            raise InvalidInput("without TLS the secret would be read on the way", hint="an address of https://")
    before = readable_provider(conn, workspace, channel)
    if before is not None and not wanted.secret and (before.url, before.account) == (wanted.url, wanted.account):
        wanted = msgspec.structs.replace(wanted, secret=before.secret)
    if not wanted.secret:
        raise InvalidInput("the account's secret is needed", hint="auth token, API secret or access token")
    secret = sealed_text(wanted.secret, about=_about(workspace, channel))
    body = msgspec.json.encode(msgspec.structs.replace(wanted, secret=secret))
    row = {"workspace": workspace, "channel": channel, "body": body, "changed_at": now, "changed_by": by}
    changing = ("body", "changed_at", "changed_by")
    upsert(conn, store.channel_providers, [row], key=("workspace", "channel"), update=changing)
    tell(conn, workspace, "channel.changed", about=channel, details={"provider": wanted.kind, "by": by}, now=now)

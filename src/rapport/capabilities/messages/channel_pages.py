"""The console's page of channels: what carries messages, how it does, a test to oneself, and who the provider is."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.act import deliveries
from rapport.act.channels import ChannelSettings
from rapport.act.deliveries import Delivery
from rapport.act.routes import GivenSettings
from rapport.capabilities.messages.model import CHANNELS, EMAIL, PUSH, TITLES
from rapport.capabilities.messages.service.channels import Health, healths, send_trial
from rapport.capabilities.messages.service.providers import CARRIES, Provider, keep_provider, readable_provider
from rapport.capabilities.messages.service.servers import server_of
from rapport.capabilities.messages.service.spending import spent_today
from rapport.capabilities.messages.service.ways import instead_of
from rapport.capabilities.messages.settings import MESSAGE_SETTINGS
from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput, NotFound, RapportError
from rapport.kernel.language import gettext
from rapport.kernel.principal import Principal
from rapport.storage import settings
from rapport.storage.engine import Database
from rapport.storage.workspaces import workspace_of
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import Form, integer, raw, text

__all__ = ["CHANNEL_PAGES"]

AnyRequest = Request[Any, Any, Any]


class _Line(NamedTuple):
    name: str
    title: str
    carrier: str
    """Who carries it; empty while nobody is set."""
    health: Health
    trials: list[Delivery]
    spent: tuple[int, int]
    """Today and in this month, in the smallest unit of the currency."""
    instead: tuple[str, ...]
    """By what a message goes that it cannot bring, as the shop has set it."""


@get("/channels", permission="messages:read", sync_to_thread=True)
def channels_page(
    request: AnyRequest, db: Database, principal: Principal, channel_settings: GivenSettings
) -> Response[str]:
    """All channels: who carries each, what became of its messages in a week, the last tests."""
    return _all(request, db, principal, channel_settings)


@post("/channels/{channel:str}/test", permission="mail:write", sync_to_thread=True, status_code=200)
def try_channel(
    request: AnyRequest, db: Database, principal: Principal, channel_settings: GivenSettings, channel: str, data: Form
) -> Response[Any]:
    """Send a test to oneself; what became of it stands on the page."""
    try:
        with db.write() as conn:
            send_trial(conn, principal.workspace, _known(channel), text(data, "to", longest=300), now=now_us())
    except RapportError as error:
        return _all(request, db, principal, channel_settings, error=error)
    return Redirect("/console/channels?done=queued", status_code=303)


@post("/channels-order", permission="settings:write", sync_to_thread=True, status_code=200)
def keep_order(
    request: AnyRequest, db: Database, principal: Principal, channel_settings: GivenSettings, data: Form
) -> Response[Any]:
    """Put in force by which channel messages go first, and by which instead."""
    version = integer(data, "version", least=0, most=2**31 - 2, otherwise=0)
    typed = {name: text(data, name, longest=20) for name in ("first_channel", *(f"{one}_instead" for one in CHANNELS))}
    try:
        with db.write() as conn:
            before = settings.load(conn, principal.workspace, MESSAGE_SETTINGS).value
            wanted = MESSAGE_SETTINGS.convert(msgspec.to_builtins(before) | typed)
            settings.save(
                conn, principal.workspace, MESSAGE_SETTINGS, wanted, version=version, by=principal.name, now=now_us()
            )  # fmt: skip
    except RapportError as error:
        return _all(request, db, principal, channel_settings, error=error)
    return Redirect("/console/channels?done=saved", status_code=303)


@get("/channels/{channel:str}", permission="mail:write", sync_to_thread=True)
def provider_page(request: AnyRequest, db: Database, principal: Principal, channel: str) -> Response[str]:
    """Who carries a channel."""
    return _provider(request, db, principal, channel)


@post("/channels/{channel:str}", permission="mail:write", sync_to_thread=True, status_code=200)
def keep_channel(
    request: AnyRequest, db: Database, principal: Principal, channel_settings: GivenSettings, channel: str, data: Form
) -> Response[Any]:
    """Put a provider in force; what was typed stays where it cannot be."""
    typed = {
        "kind": text(data, "kind", longest=20), "account": text(data, "account"), "secret": raw(data, "secret").strip(),
        "sender": text(data, "sender", longest=40), "base_url": text(data, "base_url", longest=300),
        "a_minute": integer(data, "a_minute", least=0, most=100_000, otherwise=60),
    }  # fmt: skip
    try:
        wanted = msgspec.convert(typed, Provider)
        with db.write() as conn:
            keep_provider(
                conn, principal.workspace, _carried(channel), wanted, by=principal.name,
                allow_private=channel_settings.allow_private, now=now_us(),
            )  # fmt: skip
    except msgspec.ValidationError as error:
        return _provider(request, db, principal, channel, typed=typed, error=InvalidInput(str(error)[:200]))
    except RapportError as error:
        return _provider(request, db, principal, channel, typed=typed, error=error)
    return Redirect("/console/channels?done=saved", status_code=303)


CHANNEL_PAGES = ConsolePages(
    room="channels",
    templates=Path(__file__).parent / "templates" / "channels",
    handlers=(channels_page, try_channel, keep_order, provider_page, keep_channel),
    nav=(
        NavItem(
            label="Channels", path="/console/channels", icon="send", group="Engage", order=325,
            permission="messages:read",
        ),
    ),
)  # fmt: skip


def _known(channel: str) -> str:
    if channel not in CHANNELS:
        raise NotFound(f"there is no channel {channel[:40]!r}", hint=", ".join(CHANNELS))
    return channel


def _carried(channel: str) -> str:
    if channel not in CARRIES:
        raise NotFound(f"no provider carries {channel[:40]!r}", hint=", ".join(CARRIES))
    return channel


def _all(
    request: AnyRequest, db: Database, principal: Principal, given: ChannelSettings, *,
    error: RapportError | None = None,
) -> Response[str]:  # fmt: skip
    workspace = principal.workspace
    lines = []
    with db.read() as conn:
        found = healths(conn, workspace, now=now_us())
        shop = workspace_of(conn, workspace)
        spent = spent_today(conn, shop, now_us())
        kept = settings.load(conn, workspace, MESSAGE_SETTINGS)
        for channel in CHANNELS:
            provider = readable_provider(conn, workspace, channel) if channel in CARRIES else None
            carrier = provider.kind.capitalize() if provider is not None else ""
            if channel == EMAIL:
                server = server_of(conn, workspace, given)
                carrier = server.host if server is not None else ""
            elif channel == PUSH:
                carrier = gettext("the browsers' own services")
            trials = deliveries.latest(conn, workspace, channel=channel, destination="test", limit=3)
            cost = tuple((part + 500) // 1000 for part in spent.get(channel, (0, 0)))
            instead = tuple(TITLES[one] for one in instead_of(kept.value, channel))
            lines.append(_Line(channel, TITLES[channel], carrier, found[channel], trials, (cost[0], cost[1]), instead))
    return render(
        request, "channels/channels.html", status=error.status if error else 200, lines=lines, error=error,
        carries=CARRIES, public_url=given.public_url, currency=shop.settings.currency, titles=TITLES,
        wanted=kept.value, version=kept.version,
    )  # fmt: skip


def _provider(
    request: AnyRequest, db: Database, principal: Principal, channel: str, *, typed: dict[str, Any] | None = None,
    error: RapportError | None = None,
) -> Response[str]:  # fmt: skip
    with db.read() as conn:
        kept = readable_provider(conn, principal.workspace, _carried(channel))
    shown = typed or (msgspec.to_builtins(kept) if kept is not None else {"kind": CARRIES[channel][0], "a_minute": 60})
    return render(
        request, "channels/provider.html", status=error.status if error else 200, channel=channel,
        title=TITLES[channel], kinds=CARRIES[channel], shown=shown, has_secret=kept is not None, error=error,
    )  # fmt: skip

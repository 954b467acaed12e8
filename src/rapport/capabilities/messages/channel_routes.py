"""`/api/v1/push-subscriptions` and `/api/v1/messages/replies`: browsers that are told, answers that stop."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import delete, get, post
from msgspec import Meta

from rapport.act.routes import GivenSettings
from rapport.capabilities.messages.service.pushing import Subscription, forget, public_key, subscribe
from rapport.capabilities.messages.service.replies import Reply, take_reply
from rapport.kernel.clock import now_us
from rapport.kernel.errors import NotFound
from rapport.kernel.ids import Key
from rapport.kernel.principal import Principal
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.reading.references import find_key
from rapport.storage.engine import Database

__all__ = ["CHANNEL_ROUTES"]


class PushKey(msgspec.Struct, frozen=True, kw_only=True):
    """By what push services know the shop."""

    public_key: str
    """What `pushManager.subscribe` takes as `applicationServerKey`."""


class BrowserOf(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A browser of somebody that takes notifications."""

    customer: Annotated[str, Meta(max_length=300)]
    """A customer id or `namespace:value`."""
    subscription: Subscription
    """What the browser's `PushSubscription.toJSON()` says."""


class BrowserKept(msgspec.Struct, frozen=True, kw_only=True):
    """It is told from now on."""

    id: str


class ReplyTaken(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer did."""

    stopped: bool
    """It ended news and offers to that number."""


@get("/push-subscriptions/key", permission="messages:send", door="open", tags=["messages"], sync_to_thread=True)
def get_push_key(db: Database, principal: Principal) -> PushKey:
    """The shop's public key for web push. It is made at the first call and stays."""
    with db.write() as conn:
        return PushKey(public_key=public_key(conn, principal.workspace, now=now_us()))


@post("/push-subscriptions", permission="messages:send", tags=["messages"], status_code=201, sync_to_thread=True)
def keep_browser(
    db: Database, principal: Principal, channel_settings: GivenSettings, data: BrowserOf
) -> BrowserKept:  # fmt: skip
    """Keep a browser of a customer. One that a push service says is gone is removed by itself."""
    workspace = principal.workspace
    with db.write() as conn:
        key = find_key(conn, workspace, data.customer, region=settings_of(conn, workspace).region)
        ident = subscribe(
            conn, workspace, Key(key), data.subscription, allow_private=channel_settings.allow_private, now=now_us()
        )  # fmt: skip
    return BrowserKept(id=ident)


@delete("/push-subscriptions/{subscription_id:str}", permission="messages:send", tags=["messages"],
        sync_to_thread=True)  # fmt: skip
def forget_browser(db: Database, principal: Principal, subscription_id: str) -> None:
    """Tell a browser nothing more."""
    with db.write() as conn:
        if not subscription_id.isprintable() or not forget(conn, principal.workspace, [subscription_id]):
            raise NotFound(f"no subscription {subscription_id[:60]!r}")


@post("/messages/replies", permission="messages:send", status_code=200, tags=["messages"], sync_to_thread=True)
def give_reply(db: Database, principal: Principal, data: Reply) -> ReplyTaken:
    """Hand over what somebody answered to an SMS or a WhatsApp message: a stop word of their language is heeded."""
    with db.write() as conn:
        return ReplyTaken(stopped=take_reply(conn, principal.workspace, data, now=now_us()))


CHANNEL_ROUTES = (get_push_key, keep_browser, forget_browser, give_reply)

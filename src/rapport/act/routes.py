"""`/api/v1/webhooks`: endpoints, what was delivered to them, and sending it again."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.params import Dependency, Parameter

from rapport.act import deliveries, webhooks
from rapport.act.channels import ChannelSettings
from rapport.act.webhooks import CHANNEL, Webhook, WebhookRotation, WebhookWanted
from rapport.kernel.clock import SECOND, now_us
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.etags import ETAG, IfMatch, seen_version, tagged

__all__ = ["ROUTES", "GivenSettings"]

GivenSettings = Annotated[ChannelSettings, Dependency(default=ChannelSettings(), skip_validation=True)]
"""As a handler is given them, by the name `channel_settings`: nothing private where nobody says."""


class WebhookMade(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook with its new secret, which is shown this once; verify signatures with it."""

    webhook: Webhook
    secret: str


class TestSent(msgspec.Struct, frozen=True, kw_only=True):
    """The message of a test, by its id among the deliveries."""

    id: str


class DeliveryShown(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a message. Times in microseconds since 1970."""

    id: str
    event: str
    """The name of the fact it tells of; of a test `Rapport Test`."""
    status: str
    attempts: int
    created_at: int
    due_at: int
    finished_at: int | None
    last_error: str


@get("/webhooks", permission="webhooks:read", tags=["webhooks"], sync_to_thread=True)
def list_webhooks(db: Database, principal: Principal) -> list[Webhook]:
    """All webhooks of the shop."""
    with db.read() as conn:
        return webhooks.list_webhooks(conn, principal.workspace)


@post("/webhooks", permission="webhooks:write", tags=["webhooks"], sync_to_thread=True)
def add_webhook(
    data: WebhookWanted, db: Database, principal: Principal, channel_settings: GivenSettings
) -> WebhookMade:
    """Add an address that is told of facts; without `events` of abandoned carts."""
    with db.write() as conn:
        webhook, secret = webhooks.add_webhook(
            conn, principal.workspace, data, now=now_us(), allow_private=channel_settings.allow_private
        )
    return WebhookMade(webhook=webhook, secret=secret)


@get(
    "/webhooks/{webhook_id:str}", permission="webhooks:read", tags=["webhooks"], response_headers=[ETAG],
    sync_to_thread=True,
)  # fmt: skip
def get_webhook(webhook_id: str, db: Database, principal: Principal) -> Response[Webhook]:
    """One webhook."""
    with db.read() as conn:
        found = webhooks.find_webhook(conn, principal.workspace, webhook_id)
    return tagged(found, webhooks.webhook_version(found))


@patch(
    "/webhooks/{webhook_id:str}", permission="webhooks:write", tags=["webhooks"], response_headers=[ETAG],
    sync_to_thread=True,
)  # fmt: skip
def change_webhook(
    webhook_id: str, data: WebhookWanted, db: Database, principal: Principal, channel_settings: GivenSettings,
    if_match: IfMatch = None,
) -> Response[Webhook]:  # fmt: skip
    """Change the address, the events, or switch it on or off. What is absent stays."""
    workspace, seen = principal.workspace, seen_version(if_match)
    with db.write() as conn:
        changed = webhooks.change_webhook(
            conn, workspace, webhook_id, data, seen=seen, allow_private=channel_settings.allow_private
        )
    return tagged(changed, webhooks.webhook_version(changed))


@post(
    "/webhooks/{webhook_id:str}/rotate", permission="webhooks:write", tags=["webhooks"], status_code=200,
    response_headers=[ETAG], sync_to_thread=True,
)  # fmt: skip
def rotate_webhook(
    webhook_id: str, data: WebhookRotation, db: Database, principal: Principal, if_match: IfMatch = None
) -> Response[WebhookMade]:
    """Give a webhook a new secret. Until its grace is over, messages carry a signature of the old one, too."""
    seen, grace = seen_version(if_match), data.grace_seconds * SECOND
    with db.write() as conn:
        webhook, secret = webhooks.rotate_secret(
            conn, principal.workspace, webhook_id, now=now_us(), grace=grace, seen=seen
        )
    return tagged(WebhookMade(webhook=webhook, secret=secret), webhooks.webhook_version(webhook))


@delete("/webhooks/{webhook_id:str}", permission="webhooks:write", tags=["webhooks"], sync_to_thread=True)
def remove_webhook(webhook_id: str, db: Database, principal: Principal) -> None:
    """Forget a webhook."""
    with db.write() as conn:
        webhooks.remove_webhook(conn, principal.workspace, webhook_id)


@get("/webhooks/{webhook_id:str}/deliveries", permission="webhooks:read", tags=["webhooks"], sync_to_thread=True)
def list_deliveries(
    webhook_id: str, db: Database, principal: Principal, limit: Annotated[int, Parameter(ge=1, le=500)] = 50
) -> list[DeliveryShown]:
    """The latest messages to a webhook, newest first."""
    workspace = principal.workspace
    with db.read() as conn:
        webhooks.find_webhook(conn, workspace, webhook_id)
        found = deliveries.latest(conn, workspace, channel=CHANNEL, destination=webhook_id, limit=limit)
    return [DeliveryShown(**{name: getattr(d, name) for name in DeliveryShown.__struct_fields__}) for d in found]


@post(
    "/webhooks/{webhook_id:str}/deliveries/{message_id:str}/redeliver",
    permission="webhooks:write", tags=["webhooks"], status_code=202, sync_to_thread=True,
)  # fmt: skip
def redeliver(webhook_id: str, message_id: str, db: Database, principal: Principal) -> None:
    """Send a delivered or given-up message once more, under its old id."""
    with db.write() as conn:
        deliveries.send_again(
            conn, principal.workspace, message_id,
            channel=CHANNEL, destination=webhook_id, now=now_us(),
        )  # fmt: skip


@post(
    "/webhooks/{webhook_id:str}/test", permission="webhooks:write", tags=["webhooks"], status_code=202,
    sync_to_thread=True,
)  # fmt: skip
def test_webhook(webhook_id: str, db: Database, principal: Principal) -> TestSent:
    """Send a message of the type `Rapport Test` now; what came of it stands among the deliveries."""
    with db.write() as conn:
        return TestSent(id=webhooks.send_test(conn, principal.workspace, webhook_id, now=now_us()))


ROUTES = (
    list_webhooks,
    add_webhook,
    get_webhook,
    change_webhook,
    rotate_webhook,
    remove_webhook,
    list_deliveries,
    redeliver,
    test_webhook,
)

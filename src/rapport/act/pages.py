"""Console pages of acting: webhooks, what became of their messages, sending one again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.act import outbox, webhooks
from rapport.act.webhooks import CHANNEL, WebhookWanted
from rapport.kernel.clock import now_us
from rapport.kernel.errors import RapportError
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import Form, text

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]

_SHOWN = 100


@get("/webhooks", permission="webhooks:read", sync_to_thread=True)
def webhooks_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """Addresses outside that are told of facts."""
    return _list(request, db, principal)


@post("/webhooks", permission="webhooks:write", sync_to_thread=True, status_code=200)
def add_webhook(request: AnyRequest, db: Database, principal: Principal, data: Form) -> Response[str]:
    """Add an address; its secret is shown on the answer and never again."""
    wanted = WebhookWanted(url=text(data, "url", longest=2000), events=_events(data))
    try:
        with db.write() as conn:
            made, secret = webhooks.add_webhook(conn, principal.workspace, wanted, now=now_us())
    except RapportError as error:
        return _list(request, db, principal, error=error, url=wanted.url or "")
    return _one(request, db, principal, made.id, secret=secret)


@get("/webhooks/{webhook_id:str}", permission="webhooks:read", sync_to_thread=True)
def webhook_page(request: AnyRequest, db: Database, principal: Principal, webhook_id: str) -> Response[str]:
    """One webhook and its deliveries."""
    return _one(request, db, principal, webhook_id)


@post("/webhooks/{webhook_id:str}", permission="webhooks:write", sync_to_thread=True, status_code=200)
def change_webhook(
    request: AnyRequest, db: Database, principal: Principal, webhook_id: str, data: Form
) -> Response[Any]:
    """Change address and events; where that cannot be, what was typed stays in the form."""
    wanted = WebhookWanted(url=text(data, "url", longest=2000), events=_events(data))
    try:
        with db.write() as conn:
            webhooks.change_webhook(conn, principal.workspace, webhook_id, wanted, seen=text(data, "version") or None)
    except RapportError as error:
        return _one(request, db, principal, webhook_id, error=error, typed=wanted)
    return Redirect(f"/console/webhooks/{webhook_id}?done=saved", status_code=303)


@post("/webhooks/{webhook_id:str}/enabled", permission="webhooks:write", sync_to_thread=True, status_code=303)
def set_enabled(db: Database, principal: Principal, webhook_id: str, data: Form) -> Redirect:
    """Switch a webhook on or off."""
    enabled = text(data, "enabled") == "yes"
    with db.write() as conn:
        webhooks.change_webhook(conn, principal.workspace, webhook_id, WebhookWanted(enabled=enabled))
    return Redirect(f"/console/webhooks/{webhook_id}?done={'enabled' if enabled else 'disabled'}", status_code=303)


@post("/webhooks/{webhook_id:str}/rotate", permission="webhooks:write", sync_to_thread=True, status_code=200)
def rotate_webhook(
    request: AnyRequest, db: Database, principal: Principal, webhook_id: str, data: Form
) -> Response[str]:
    """Make a new secret, shown on the answer and never again; the old one signs beside it for a week."""
    seen = text(data, "version") or None
    try:
        with db.write() as conn:
            _, secret = webhooks.rotate_secret(conn, principal.workspace, webhook_id, now=now_us(), seen=seen)
    except RapportError as error:
        return _one(request, db, principal, webhook_id, error=error)
    return _one(request, db, principal, webhook_id, secret=secret)


@post("/webhooks/{webhook_id:str}/remove", permission="webhooks:write", sync_to_thread=True, status_code=303)
def remove_webhook(db: Database, principal: Principal, webhook_id: str) -> Redirect:
    """Forget a webhook."""
    with db.write() as conn:
        webhooks.remove_webhook(conn, principal.workspace, webhook_id)
    return Redirect("/console/webhooks?done=removed", status_code=303)


@post(
    "/webhooks/{webhook_id:str}/deliveries/{message_id:str}", permission="webhooks:write", sync_to_thread=True,
    status_code=303,
)  # fmt: skip
def redeliver(db: Database, principal: Principal, webhook_id: str, message_id: str) -> Redirect:
    """Send a finished message once more."""
    with db.write() as conn:
        outbox.redeliver(conn, principal.workspace, message_id, channel=CHANNEL, destination=webhook_id, now=now_us())
    return Redirect(f"/console/webhooks/{webhook_id}?done=queued", status_code=303)


PAGES = ConsolePages(
    room="act",
    templates=Path(__file__).parent / "templates",
    handlers=(
        webhooks_page, add_webhook, webhook_page, change_webhook, set_enabled, rotate_webhook,
        remove_webhook, redeliver,
    ),
    nav=(
        NavItem(
            label="Webhooks", path="/console/webhooks", icon="send", group="Data", order=420,
            permission="webhooks:read", keys="w",
        ),
    ),
)  # fmt: skip


def _events(data: dict[str, Any]) -> list[str]:
    """Event names, separated by commas, as people type them."""
    names = (name.strip() for name in text(data, "events", longest=4000).split(","))
    return list(dict.fromkeys(name for name in names if name))


def _list(
    request: AnyRequest, db: Database, principal: Principal, *, error: RapportError | None = None, url: str = ""
) -> Response[str]:
    with db.read() as conn:
        found = webhooks.list_webhooks(conn, principal.workspace)
        latest = {
            hook.id: outbox.deliveries(conn, principal.workspace, channel=CHANNEL, destination=hook.id, limit=1)
            for hook in found
        }
    return render(
        request, "act/webhooks.html", status=error.status if error else 200, webhooks=found, latest=latest,
        error=error, url=url,
    )  # fmt: skip


def _one(
    request: AnyRequest, db: Database, principal: Principal, webhook_id: str, *, secret: str = "",
    error: RapportError | None = None, typed: WebhookWanted | None = None,
) -> Response[str]:  # fmt: skip
    """The page of a webhook; its form holds what was `typed`, or else what the webhook is."""
    with db.read() as conn:
        webhook = webhooks.find_webhook(conn, principal.workspace, webhook_id)
        sent = outbox.deliveries(conn, principal.workspace, channel=CHANNEL, destination=webhook_id, limit=_SHOWN)
    return render(
        request, "act/webhook.html", status=error.status if error else 200, webhook=webhook, deliveries=sent,
        secret=secret, error=error, version=webhooks.webhook_version(webhook), form=typed or webhook,
    )  # fmt: skip

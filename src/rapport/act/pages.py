"""Console pages of acting: webhooks, what became of their messages, sending one again."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.act import deliveries, webhooks
from rapport.act.routes import GivenSettings
from rapport.act.webhooks import ALARMS, CHANNEL, Webhook, WebhookWanted
from rapport.kernel.clock import now_us
from rapport.kernel.errors import Conflict, InvalidInput, RapportError
from rapport.kernel.principal import Principal
from rapport.kernel.wording import Wording
from rapport.kernel.work import EVERY_FACT
from rapport.storage.engine import Database
from rapport.web import once
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import Form, text, texts

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]

_SHOWN = 100

NEW_WEBHOOK_EVENT = "Cart Abandoned"
"""What a new webhook is told of, unless something else is ticked."""


@get("/webhooks", permission="webhooks:read", sync_to_thread=True)
def webhooks_page(request: AnyRequest, db: Database, principal: Principal, wording: Wording) -> Response[str]:
    """Addresses outside that are told of facts."""
    return _list(request, db, principal, wording)


@post("/webhooks", permission="webhooks:write", sync_to_thread=True, status_code=200)
def add_webhook(
    request: AnyRequest, db: Database, principal: Principal, wording: Wording, channel_settings: GivenSettings,
    data: Form,
) -> Response[Any]:  # fmt: skip
    """Add an address, then show its secret once."""
    wanted = _wanted(data)
    try:
        _question(wanted, wording, data)
        with db.write() as conn:
            made, secret = webhooks.add_webhook(
                conn, principal.workspace, wanted, now=now_us(), allow_private=channel_settings.allow_private
            )
    except RapportError as error:
        return _list(request, db, principal, wording, error=error, typed=wanted)
    return once.lead_to(request, f"/console/webhooks/{made.id}", secret=secret)


@get("/webhooks/{webhook_id:str}", permission="webhooks:read", sync_to_thread=True)
def webhook_page(
    request: AnyRequest, db: Database, principal: Principal, wording: Wording, webhook_id: str
) -> Response[str]:
    """One webhook and its deliveries."""
    page = _one(
        request, db, principal, wording, webhook_id, test=text(dict(request.query_params), "test"),
        secret=once.shown(request).get("secret", ""),
    )  # fmt: skip
    return once.show(request, page)


@post("/webhooks/{webhook_id:str}/test", permission="webhooks:write", sync_to_thread=True, status_code=200)
def send_test(
    request: AnyRequest, db: Database, principal: Principal, wording: Wording, webhook_id: str
) -> Response[Any]:
    """Send a message that tells of nothing, then show what is answered."""
    try:
        with db.write() as conn:
            sent = webhooks.send_test(conn, principal.workspace, webhook_id, now=now_us())
    except Conflict as error:
        return _one(request, db, principal, wording, webhook_id, error=error)
    return Redirect(f"/console/webhooks/{webhook_id}?test={sent}", status_code=303)


@get("/webhooks/{webhook_id:str}/tests/{message_id:str}", permission="webhooks:read", sync_to_thread=True)
def test_state(
    request: AnyRequest, db: Database, principal: Principal, webhook_id: str, message_id: str
) -> Response[str]:
    """What became of a test so far; asked for again until there is an answer."""
    with db.read() as conn:
        sent = deliveries.find(conn, principal.workspace, message_id, channel=CHANNEL, destination=webhook_id)
    return render(request, "act/webhook_test.html", sent=sent, webhook_id=webhook_id)


@post("/webhooks/{webhook_id:str}", permission="webhooks:write", sync_to_thread=True, status_code=200)
def change_webhook(
    request: AnyRequest, db: Database, principal: Principal, wording: Wording, channel_settings: GivenSettings,
    webhook_id: str, data: Form,
) -> Response[Any]:  # fmt: skip
    """Change address and events; where that cannot be, what was typed stays in the form."""
    wanted = _wanted(data)
    try:
        _question(wanted, wording, data)
        with db.write() as conn:
            webhooks.change_webhook(
                conn, principal.workspace, webhook_id, wanted, seen=text(data, "version") or None,
                allow_private=channel_settings.allow_private,
            )  # fmt: skip
    except RapportError as error:
        return _one(request, db, principal, wording, webhook_id, error=error, typed=wanted)
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
    request: AnyRequest, db: Database, principal: Principal, wording: Wording, webhook_id: str, data: Form
) -> Response[Any]:
    """Make a new secret, shown once; the old one signs beside it for a week."""
    seen = text(data, "version") or None
    try:
        with db.write() as conn:
            _, secret = webhooks.rotate_secret(conn, principal.workspace, webhook_id, now=now_us(), seen=seen)
    except RapportError as error:
        return _one(request, db, principal, wording, webhook_id, error=error)
    return once.lead_to(request, f"/console/webhooks/{webhook_id}", secret=secret)


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
        deliveries.send_again(
            conn, principal.workspace, message_id, channel=CHANNEL, destination=webhook_id, now=now_us()
        )
    return Redirect(f"/console/webhooks/{webhook_id}?done=queued", status_code=303)


PAGES = ConsolePages(
    room="act",
    templates=Path(__file__).parent / "templates",
    handlers=(
        webhooks_page, add_webhook, webhook_page, change_webhook, set_enabled, rotate_webhook,
        remove_webhook, redeliver, send_test, test_state,
    ),
    nav=(
        NavItem(
            label="Webhooks", path="/console/webhooks", icon="send", group="Data", order=420,
            permission="webhooks:read", keys="w",
        ),
    ),
)  # fmt: skip


def _wanted(data: dict[str, Any]) -> WebhookWanted:
    """Address, the facts that were ticked, and names that were typed, separated by commas."""
    typed = (name.strip() for name in text(data, "other", longest=4000).split(","))
    names = [*texts(data, "event"), *typed]
    events = [EVERY_FACT] if EVERY_FACT in names else list(dict.fromkeys(name for name in names if name))
    purpose = text(data, "purpose", longest=40)
    if purpose and not purpose.replace("_", "").isalnum():
        raise InvalidInput(f"{purpose[:40]!r} is no purpose")
    return WebhookWanted(url=text(data, "url", longest=2000), events=events, purpose=purpose or None)


def _question(wanted: WebhookWanted, wording: Wording, data: dict[str, Any]) -> None:
    """Raises InvalidInput where no fact that is known has one of these names, until somebody says they are right."""
    known = {*wording.kinds, *ALARMS, EVERY_FACT}
    unknown = [name for name in wanted.events or () if name not in known]
    if not unknown or text(data, "sure") == "yes":
        return
    near = [found for name in unknown[:5] for found in get_close_matches(name, wording.kinds, n=1, cutoff=0.7)]
    meant = f"did you mean {', '.join(f'“{name}”' for name in near)}? " if near else ""
    names = ", ".join(f"“{name[:60]}”" for name in unknown[:5])
    raise UnknownEvent(
        f"no fact that is known here is called {names}",
        hint=f"{meant}If your shop states facts of that name, tick “The names are right” and save again.",
    )


class UnknownEvent(InvalidInput):
    """A name that may be a slip of the pen, and may be a fact of the shop's own."""


def _choice(wording: Wording, wanted: WebhookWanted | Webhook | None) -> dict[str, Any]:
    """What the picker of events shows: the known ones, what is ticked, and other names."""
    events = list(wanted.events or ()) if wanted is not None else [NEW_WEBHOOK_EVENT]
    known = sorted(wording.kinds.values(), key=lambda kind: kind.name)
    return {
        "kinds": known, "ticked": set(events), "every": EVERY_FACT,
        "other": ", ".join(name for name in events if name not in {*wording.kinds, *ALARMS, EVERY_FACT}),
        "alarms": ALARMS,
    }  # fmt: skip


def _list(
    request: AnyRequest, db: Database, principal: Principal, wording: Wording, *, error: RapportError | None = None,
    typed: WebhookWanted | None = None,
) -> Response[str]:  # fmt: skip
    with db.read() as conn:
        found = webhooks.list_webhooks(conn, principal.workspace)
        failures = webhooks.failures_of(conn, principal.workspace)
        latest = {
            hook.id: deliveries.latest(conn, principal.workspace, channel=CHANNEL, destination=hook.id, limit=1)
            for hook in found
        }
    return render(
        request, "act/webhooks.html", status=error.status if error else 200, webhooks=found, latest=latest,
        error=error, url=typed.url if typed else "", choice=_choice(wording, typed), failures=failures,
        failing_from=webhooks.FAILING_FROM, questioned=isinstance(error, UnknownEvent),
        purpose=typed.purpose if typed else "", purposes=request.app.state.purposes.names(principal.workspace),
    )  # fmt: skip


def _one(
    request: AnyRequest, db: Database, principal: Principal, wording: Wording, webhook_id: str, *, secret: str = "",
    error: RapportError | None = None, typed: WebhookWanted | None = None, test: str = "",
) -> Response[str]:  # fmt: skip
    """The page of a webhook; its form holds what was `typed`, or else what the webhook is."""
    with db.read() as conn:
        webhook = webhooks.find_webhook(conn, principal.workspace, webhook_id)
        failures = webhooks.failures_of(conn, principal.workspace).get(webhook_id, 0)
        sent = deliveries.latest(conn, principal.workspace, channel=CHANNEL, destination=webhook_id, limit=_SHOWN)
    return render(
        request, "act/webhook.html", status=error.status if error else 200, webhook=webhook, deliveries=sent,
        secret=secret, error=error, version=webhooks.webhook_version(webhook), form=typed or webhook, test=test,
        choice=_choice(wording, typed or webhook), is_failing=failures >= webhooks.FAILING_FROM, failures=failures,
        questioned=isinstance(error, UnknownEvent), purposes=request.app.state.purposes.names(principal.workspace),
    )  # fmt: skip

"""The console's page of providers' webhooks: where each sends, by which secret it is known, what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.act.routes import GivenSettings
from rapport.adapters.providers import store
from rapport.adapters.providers.model import PROVIDERS, TITLES, Provider
from rapport.adapters.providers.routes import known_provider, path_of
from rapport.adapters.providers.store import Door
from rapport.adapters.providers.verifying import meta_token
from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput, RapportError
from rapport.kernel.language import noted
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.storage.workspaces import workspace_of
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import Form, raw, text

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]
_SHORTEST, _LONGEST = 8, 1_000
SECRETS = {
    "ses": noted("The ARN of the SNS topic"), "mailgun": noted("The HTTP webhook signing key"),
    "sendgrid": noted("The verification key"), "twilio": noted("The auth token"), "meta": noted("The app's secret"),
}  # fmt: skip
"""By what each is known."""
STEPS = {
    "ses": noted(
        "Let a configuration set tell the topic, with the original headers; its HTTPS subscription to this address "
        "confirms itself."
    ),
    "mailgun": noted("Make a webhook to this address for each event."),
    "sendgrid": noted("Switch on the Signed Event Webhook with this address."),
    "twilio": noted(
        "Set this address at the number as what happens when a message comes in; what becomes of a text is told by "
        "itself."
    ),
    "meta": noted("Set it as callback URL of the app with the verify token, and subscribe the field “messages”."),
}  # fmt: skip
"""What is to be done at each."""


class _Line(NamedTuple):
    provider: Provider
    title: str
    url: str
    door: Door | None
    token: str
    """What Meta asks for; empty for the others."""


@get("/providers", permission="providers:read", sync_to_thread=True)
def providers_page(
    request: AnyRequest, db: Database, principal: Principal, channel_settings: GivenSettings
) -> Response[str]:
    """Whose webhooks are taken, and what has come of them."""
    return _page(request, db, principal, channel_settings.public_url)


@post("/providers/{carrier:str}", permission="providers:write", sync_to_thread=True, status_code=200)
def keep_provider(
    request: AnyRequest, db: Database, principal: Principal, channel_settings: GivenSettings, carrier: str, data: Form
) -> Response[Any]:
    """Take a provider's webhooks, change the secret they are known by, or take them no more."""
    kind, now = known_provider(carrier), now_us()
    try:
        with db.write() as conn:
            if text(data, "then") == "remove":
                store.remove_door(conn, principal.workspace, kind, now=now, by=principal.name)
            else:
                secret = _secret(raw(data, "secret"))
                store.keep_door(conn, principal.workspace, kind, secret, now=now, by=principal.name)
    except RapportError as error:
        return _page(request, db, principal, channel_settings.public_url, error=error, at=kind)
    return Redirect("/console/providers?done=saved", status_code=303)


PAGES = ConsolePages(
    room="providers",
    templates=Path(__file__).parent / "templates",
    handlers=(providers_page, keep_provider),
    nav=(
        NavItem(
            label="Delivery reports", path="/console/providers", icon="check", group="Engage", order=326,
            permission="providers:read",
        ),
    ),
)  # fmt: skip


def _secret(typed: str) -> str:
    found = typed.strip()
    if not _SHORTEST <= len(found) <= _LONGEST:
        raise InvalidInput(
            f"a secret has {_SHORTEST} to {_LONGEST:,} characters; this one has {len(found):,}",
            hint="copy it whole from the provider's own page",
        )
    return found


def _page(
    request: AnyRequest, db: Database, principal: Principal, public_url: str, *, error: RapportError | None = None,
    at: str = "",
) -> Response[str]:  # fmt: skip
    base = public_url or str(request.base_url).rstrip("/")
    with db.read() as conn:
        slug = workspace_of(conn, principal.workspace).slug
        doors = {door.provider: door for door in store.doors_of(conn, principal.workspace)}
    lines = [
        _Line(
            one, TITLES[one], f"{base}{path_of(one, slug)}", doors.get(one),
            meta_token(doors[one].secret) if one == "meta" and one in doors and doors[one].is_readable else "",
        )
        for one in sorted(PROVIDERS, key=lambda one: (one not in doors, TITLES[one]))
    ]  # fmt: skip
    return render(
        request, "providers/providers.html", status=error.status if error else 200, lines=lines, error=error, at=at,
        public_url=public_url, secrets=SECRETS, steps=STEPS,
    )  # fmt: skip

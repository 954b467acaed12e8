"""The console's pages of API keys: all of them, and one with what it may do, until when and from where."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.kernel.clock import HOUR, now_us
from rapport.kernel.errors import InvalidInput, RapportError
from rapport.kernel.language import noted
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web import accounts, api_keys, key_changes, once
from rapport.web.console import render
from rapport.web.formats import viewer_zone
from rapport.web.forms import Form, text, texts

__all__ = ["HANDLERS"]

AnyRequest = Request[Any, Any, Any]

GRACES = {
    0: noted("Not at all: it was seen by somebody"),
    1: noted("One hour"),
    24: noted("One day"),
    168: noted("Seven days"),
}
"""Hours for which the old secret works after a rotation, as one may choose."""


@get("/keys", permission="keys:write", sync_to_thread=True)
def keys_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """The API keys of the shop."""
    return _keys(request, db, principal)


@post("/keys", permission="keys:write", sync_to_thread=True, status_code=200)
def make_key(request: AnyRequest, db: Database, principal: Principal, data: Form) -> Response[Any]:
    """Make a key, then show it once."""
    now = now_us()
    try:
        made, secret = accounts.create_api_key(
            db, request.app.state.permissions, workspace=principal.workspace, name=text(data, "name"),
            scopes=texts(data, "scopes"), created_by=principal.id, now=now, purposes=texts(data, "purposes"),
            expires_at=_end(request, data), networks=_networks(data),
        )  # fmt: skip
    except RapportError as error:
        return _keys(request, db, principal, error=error)
    return once.lead_to(request, f"/console/keys/{made.id}", secret=secret)


@get("/keys/{key_id:str}", permission="keys:write", sync_to_thread=True)
def key_page(request: AnyRequest, db: Database, principal: Principal, key_id: str) -> Response[str]:
    """One key: its secret right after it was made, what it may do, until when and from where."""
    return once.show(request, _key(request, db, principal, key_id, secret=once.shown(request).get("secret", "")))


@post("/keys/{key_id:str}", permission="keys:write", sync_to_thread=True, status_code=200)
def change_key(request: AnyRequest, db: Database, principal: Principal, key_id: str, data: Form) -> Response[Any]:
    """Say until when and from where a key may be used."""
    try:
        key_changes.change_api_key(
            db, workspace=principal.workspace, key_id=key_id, expires_at=_end(request, data),
            networks=_networks(data), now=now_us(),
        )  # fmt: skip
    except InvalidInput as error:
        typed = {"until": text(data, "until"), "networks": text(data, "networks", longest=2000)}
        return _key(request, db, principal, key_id, error=error, typed=typed)
    request.app.state.key_ring.forget()
    return Redirect(f"/console/keys/{key_id}?done=saved", status_code=303)


@post("/keys/{key_id:str}/rotate", permission="keys:write", sync_to_thread=True, status_code=200)
def rotate_key(request: AnyRequest, db: Database, principal: Principal, key_id: str, data: Form) -> Response[Any]:
    """Give a key another secret and show it once; the old one works as long as was chosen."""
    hours = text(data, "grace_hours")
    try:
        if not hours.isdigit() or int(hours) not in GRACES:
            raise InvalidInput("say how long the old secret goes on working")
        _, secret = key_changes.rotate_api_key(
            db, workspace=principal.workspace, key_id=key_id, grace=int(hours) * HOUR, seen=text(data, "replaces"),
            now=now_us(),
        )  # fmt: skip
    except RapportError as error:
        return _key(request, db, principal, key_id, error=error)
    request.app.state.key_ring.forget()
    return once.lead_to(request, f"/console/keys/{key_id}", secret=secret)


@post("/keys/{key_id:str}/end-old", permission="keys:write", sync_to_thread=True, status_code=303)
def end_old(request: AnyRequest, db: Database, principal: Principal, key_id: str) -> Redirect:
    """Make the secret before the last rotation useless."""
    key_changes.end_old_secret(db, workspace=principal.workspace, key_id=key_id, now=now_us())
    request.app.state.key_ring.forget()
    return Redirect(f"/console/keys/{key_id}?done=saved", status_code=303)


@post("/keys/{key_id:str}/revoke", permission="keys:write", sync_to_thread=True, status_code=303)
def revoke_key(request: AnyRequest, db: Database, principal: Principal, key_id: str) -> Redirect:
    """Make a key useless."""
    accounts.revoke_api_key(db, workspace=principal.workspace, key_id=key_id, now=now_us())
    request.app.state.key_ring.forget()
    return Redirect("/console/keys?done=revoked", status_code=303)


HANDLERS = (keys_page, make_key, key_page, change_key, rotate_key, end_old, revoke_key)


def _keys(
    request: AnyRequest, db: Database, principal: Principal, *, error: RapportError | None = None
) -> Response[str]:
    with db.read() as conn:
        keys = api_keys.of_workspace(conn, principal.workspace)
    return render(
        request, "web/keys.html", status=error.status if error else 200, keys=keys, error=error,
        permissions=request.app.state.permissions, purposes=request.app.state.purposes.names(principal.workspace),
    )  # fmt: skip


def _key(
    request: AnyRequest, db: Database, principal: Principal, key_id: str, *, secret: str = "",
    error: RapportError | None = None, typed: dict[str, str] | None = None,
) -> Response[str]:  # fmt: skip
    key = key_changes.find_api_key(db, principal.workspace, key_id)
    until = "" if key.expires_at is None else _last_day(key.expires_at, viewer_zone(request)).isoformat()
    return render(
        request, "web/key.html", status=error.status if error else 200, key=key, secret=secret, error=error,
        permissions=request.app.state.permissions, purposes=request.app.state.purposes.names(principal.workspace),
        form=typed or {"until": until, "networks": " ".join(key.networks)}, graces=GRACES,
    )  # fmt: skip


def _end(request: AnyRequest, data: dict[str, Any]) -> int | None:
    """The end of the day that was chosen, where the viewer is; None where none was. Raises InvalidInput."""
    chosen = text(data, "until")
    if not chosen:
        return None
    try:
        after = datetime.combine(date.fromisoformat(chosen) + timedelta(days=1), time(), viewer_zone(request))
    except (ValueError, OverflowError):
        raise InvalidInput(f"{chosen[:40]!r} is no day", hint="such as 2027-01-31") from None
    return int(after.timestamp()) * 1_000_000


def _last_day(expires_at: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp((expires_at - 1) / 1_000_000, zone).date()


def _networks(data: dict[str, Any]) -> list[str]:
    return text(data, "networks", longest=2000).replace(",", " ").split()

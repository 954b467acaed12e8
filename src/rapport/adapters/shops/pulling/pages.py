"""The console's page of a source's shop systems: whose lists are fetched, how far, what went wrong; and its card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect
from sqlalchemy import Connection

from rapport.act.routes import GivenSettings
from rapport.adapters.shops import store as doors
from rapport.adapters.shops.model import SHOPS, Shop, known_shop
from rapport.adapters.shops.pulling import service, store
from rapport.adapters.shops.pulling.service import PullWanted
from rapport.adapters.shops.pulling.systems import lists_of
from rapport.collect.sources import find_source
from rapport.kernel.clock import DAY, now_us
from rapport.kernel.errors import InvalidInput, RapportError
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.cards import OfSource, SourceCard
from rapport.web.console import ConsolePages, render
from rapport.web.forms import Form, integer, raw, text

__all__ = ["CARD", "PAGES"]

AnyRequest = Request[Any, Any, Any]

TITLES: Mapping[Shop, str] = {
    "shopify": "Shopify", "woocommerce": "WooCommerce", "medusa": "Medusa", "saleor": "Saleor",
}  # fmt: skip


@get("/sources/{source_id:str}/shops", permission="shops:read", sync_to_thread=True)
def shops_page(request: AnyRequest, db: Database, principal: Principal, source_id: str) -> Response[str]:
    """What comes from shop systems into a source: by webhooks, and fetched."""
    return _page(request, db, principal, source_id)


@post("/sources/{source_id:str}/shops", permission="shops:write", sync_to_thread=True, status_code=200)
def keep(
    request: AnyRequest, db: Database, principal: Principal, channel_settings: GivenSettings, source_id: str, data: Form
) -> Response[Any]:
    """Fetch a shop's lists from now on, or otherwise; what was typed stays where that cannot be."""
    shop = text(data, "shop", longest=20)
    typed = {
        "address": text(data, "address", longest=300), "access": raw(data, "access").strip(),
        "every_minutes": integer(data, "every_minutes", least=5, most=10_080, otherwise=60),
        "orders_days": integer(data, "orders_days", least=0, most=3_650, otherwise=60),
        "enabled": text(data, "enabled") == "yes",
        "version": integer(data, f"version_{shop}", least=0, most=2**31 - 1, otherwise=0),
    }  # fmt: skip
    try:
        wanted, now = msgspec.convert(typed, PullWanted), now_us()
        with db.write() as conn:
            service.keep_pull(
                conn, principal.workspace, source_id, known_shop(shop), wanted,
                allow_private=channel_settings.allow_private, now=now,
            )  # fmt: skip
            if secret := raw(data, "secret").strip():
                doors.keep_door(conn, principal.workspace, source_id, known_shop(shop), _secret(secret), now=now)
    except msgspec.ValidationError as error:
        return _page(request, db, principal, source_id, typed={**typed, "shop": shop}, error=_invalid(error))
    except RapportError as error:
        return _page(request, db, principal, source_id, typed={**typed, "shop": shop}, error=error)
    return Redirect(f"/console/sources/{source_id}/shops?done=saved", status_code=303)


@post("/sources/{source_id:str}/shops/{shop:str}/fetch", permission="shops:write", sync_to_thread=True, status_code=303)
def fetch(db: Database, principal: Principal, source_id: str, shop: str) -> Redirect:
    """Fetch now."""
    with db.write() as conn:
        service.fetch_now(conn, principal.workspace, source_id, known_shop(shop), now=now_us())
    return Redirect(f"/console/sources/{source_id}/shops?done=queued", status_code=303)


@post(
    "/sources/{source_id:str}/shops/{shop:str}/remove", permission="shops:write", sync_to_thread=True, status_code=303
)
def remove(db: Database, principal: Principal, source_id: str, shop: str) -> Redirect:
    """Fetch no more, and forget the key."""
    with db.write() as conn:
        service.remove_pull(conn, principal.workspace, source_id, known_shop(shop))
    return Redirect(f"/console/sources/{source_id}/shops?done=removed", status_code=303)


PAGES = ConsolePages(
    room="shops", templates=Path(__file__).parent / "templates", handlers=(shops_page, keep, fetch, remove)
)


def _card(conn: Connection, asked: OfSource) -> Mapping[str, Any] | None:
    """What a source's own page says of its shop systems."""
    pulls = store.pulls_of(conn, asked.workspace, asked.source)
    taken = [one for one in doors.doors_of(conn, asked.workspace) if one.source == asked.source]
    if asked.is_client_side and not pulls and not taken:
        return None
    return {"pulls": pulls, "doors": taken, "source_id": asked.source, "titles": TITLES, "lists": lists_of}


CARD = SourceCard(
    name="shops.source", title="Shop systems", order=10, permission="shops:read", template="shops/card.html", read=_card
)


def _page(
    request: AnyRequest, db: Database, principal: Principal, source_id: str, *,
    typed: Mapping[str, Any] | None = None, error: RapportError | None = None,
) -> Response[str]:  # fmt: skip
    now = now_us()
    with db.read() as conn:
        source = find_source(conn, principal.workspace, source_id)
        pulls = store.pulls_of(conn, principal.workspace, source.id)
        taken = [one for one in doors.doors_of(conn, principal.workspace) if one.source == source.id]
    wanted = request.query_params.get("system", "") or (pulls[0].shop if pulls else SHOPS[0])
    chosen = next((one for one in pulls if one.shop == wanted), None)
    shown = typed or {
        "shop": wanted if wanted in SHOPS else SHOPS[0], "address": chosen.address if chosen else "",
        "every_minutes": chosen.every_minutes if chosen else 60,
        "enabled": chosen.enabled if chosen else True,
        "orders_days": (now - chosen.orders_since) // DAY if chosen else 60,
    }  # fmt: skip
    versions = dict.fromkeys(SHOPS, 0) | {one.shop: one.version for one in pulls}  # whichever of them is chosen
    if typed and typed["shop"] in versions:
        versions[typed["shop"]] = typed["version"]
    return render(
        request, "shops/shops.html", status=error.status if error else 200, source=source, source_id=source.id,
        pulls=pulls, doors=taken, shown=shown, has_key=chosen is not None, systems=SHOPS, titles=TITLES, lists=lists_of,
        versions=versions, error=error,
    )  # fmt: skip


def _secret(said: str) -> bytes:
    if not 8 <= len(said) <= 500:
        raise InvalidInput("the secret of webhooks has 8 to 500 characters", hint="as the shop shows it")
    return said.encode()


def _invalid(error: msgspec.ValidationError) -> InvalidInput:
    return InvalidInput(str(error)[:200])

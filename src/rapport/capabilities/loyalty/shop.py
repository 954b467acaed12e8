"""What members see: their wallet by a signed link, and its parts for the shop's own site.

A look changes nothing: to join, to pause, to take back or to cancel is a press on a button. Nothing here says who
somebody is but the signed token; a basket may be asked about without one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, Parameter

from rapport.capabilities.loyalty import membership
from rapport.capabilities.loyalty.links import PASS_PAGES, open_wallet
from rapport.capabilities.loyalty.pass_keys import shown_keys
from rapport.capabilities.loyalty.programme import json_ld
from rapport.capabilities.loyalty.quoting import CartAsked
from rapport.capabilities.loyalty.showing import cart_shown, member_shown
from rapport.capabilities.loyalty.versions import names_of
from rapport.capabilities.loyalty.words import LANGUAGES, WORDS
from rapport.kernel.clock import now_us
from rapport.kernel.errors import Conflict, InvalidInput, NotFound, RapportError
from rapport.kernel.language import speak
from rapport.kernel.money import format_minor
from rapport.storage.engine import Database
from rapport.web.shoppers import Shopper, render_component, render_page

__all__ = ["COMPONENTS", "SHOP"]

AnyRequest = Request[Any, Any, Any]
Token = Annotated[str, Parameter(query="t", max_length=300)]
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
OFTEN = 600
"""A component is asked for with every view of the shop's page, and many shoppers share an address."""


@get("/wallet", opened_by="public", languages=LANGUAGES, sync_to_thread=True)
def wallet_page(request: AnyRequest, db: Database, shopper: Shopper, token: Token = "") -> Response[str]:
    """The wallet."""
    return _page(request, db, shopper, token)


@post("/wallet", opened_by="public", languages=LANGUAGES, status_code=200, sync_to_thread=True)
def change_page(request: AnyRequest, db: Database, shopper: Shopper, data: Form) -> Response[str]:
    """Join or cancel, then the wallet as it is now."""
    token = data.get("t", "")
    return _page(request, db, shopper, token, said=_change(db, shopper, token, data))


@get("/programme.jsonld", opened_by="public", sync_to_thread=True)
def programme_for_machines(db: Database, shopper: Shopper) -> Response[bytes]:
    """The programmes in schema.org's words, for the shop's own pages and for search engines."""
    with db.read() as conn:
        found = [json_ld(one.programme, name=one.name) for one in names_of(conn, shopper.workspace)]
    body = msgspec.json.encode(found[0] if len(found) == 1 else found)
    return Response(body, media_type="application/ld+json", headers={"Cache-Control": "public, max-age=300"})


@post("/wallet", opened_by="write_key", languages=LANGUAGES, a_minute=OFTEN, status_code=200, sync_to_thread=True)
def wallet_component(request: AnyRequest, db: Database, shopper: Shopper, data: Form) -> Response[str]:
    """Points, tier, benefits, what happened."""
    return _part(request, db, shopper, data, "loyalty/part_wallet.html")


@post(
    "/tier-progress", opened_by="write_key", languages=LANGUAGES, a_minute=OFTEN, status_code=200, sync_to_thread=True
)
def tier_component(request: AnyRequest, db: Database, shopper: Shopper, data: Form) -> Response[str]:
    """The tier and the way to the next."""
    return _part(request, db, shopper, data, "loyalty/part_tier.html")


@post("/membership", opened_by="write_key", languages=LANGUAGES, a_minute=OFTEN, status_code=200, sync_to_thread=True)
def membership_component(request: AnyRequest, db: Database, shopper: Shopper, data: Form) -> Response[str]:
    """Memberships, to join and to cancel."""
    said = _change(db, shopper, data.get("t", ""), data) if data.get("then") else ""
    return _part(request, db, shopper, data, "loyalty/part_membership.html", said=said)


@post(
    "/cart-benefits", opened_by="write_key", languages=LANGUAGES, a_minute=OFTEN, status_code=200, sync_to_thread=True
)
def cart_component(request: AnyRequest, db: Database, shopper: Shopper, data: Form) -> Response[str]:
    """What a basket is worth to whoever has it; to nobody known, what it would be to somebody new."""
    now = now_us()
    try:
        cart = msgspec.json.decode(data.get("cart", ""), type=CartAsked)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"the cart cannot be read: {error}", hint="as in POST /api/v1/loyalty/quote") from error
    with db.look() as conn:
        key = open_wallet(conn, shopper.workspace, data["t"], now=now) if data.get("t") else None
        found = cart_shown(conn, shopper.workspace, key, cart, shopper.language, now=now)
    return render_component(request, "loyalty/part_cart.html", shopper, **found)


SHOP = (wallet_page, change_page, programme_for_machines)
COMPONENTS = (wallet_component, tier_component, membership_component, cart_component)


def _page(request: AnyRequest, db: Database, shopper: Shopper, token: str, *, said: str = "") -> Response[str]:
    words = WORDS[shopper.language]
    _speak(request, shopper)
    try:
        with db.read() as conn:
            key = open_wallet(conn, shopper.workspace, token, now=now_us())
            found = member_shown(conn, shopper.workspace, key, shopper.language, now=now_us())
            cards = [one.wallet for one in shown_keys(conn, shopper.workspace) if one.readable]
    except (Conflict, InvalidInput, NotFound) as error:
        over = isinstance(error, Conflict)
        why = words["over"] if over else words["wrong"]
        return render_page(
            request, "loyalty/no_wallet.html", shopper, status=410 if over else 404, words=words, why=why
        )  # fmt: skip
    shop = str(request.query_params.get("shop", ""))[:60]
    return render_page(request, "loyalty/wallet.html", shopper, token=token, shop=shop, said=said, cards=cards,
                       card_pages=PASS_PAGES, **found)  # fmt: skip


def _speak(request: AnyRequest, shopper: Shopper) -> None:
    """What was kept in words is told again in the shopper's language."""
    speak(request.app.state.console.catalogues.language(shopper.language))


def _part(
    request: AnyRequest, db: Database, shopper: Shopper, data: dict[str, str], template: str, *, said: str = ""
) -> Response[str]:
    _speak(request, shopper)
    with db.read() as conn:
        key = open_wallet(conn, shopper.workspace, data.get("t", ""), now=now_us())
        found = member_shown(conn, shopper.workspace, key, shopper.language, now=now_us())
    return render_component(request, template, shopper, said=said, action="", token="", **found)


def _cancel(db: Database, shopper: Shopper, id: str, data: dict[str, str], now: int) -> str:
    membership.cancel(db, shopper.workspace, id, now=now)
    return WORDS[shopper.language]["gone"]


def _withdraw(db: Database, shopper: Shopper, id: str, data: dict[str, str], now: int) -> str:
    back = membership.withdraw(db, shopper.workspace, id, now=now)
    money = format_minor(back.refund_minor, back.currency, locale=shopper.language)
    return WORDS[shopper.language]["taken_back"].format(money)


def _pause(db: Database, shopper: Shopper, id: str, data: dict[str, str], now: int) -> str:
    days = data.get("days", "")
    membership.pause(db, shopper.workspace, id, days=int(days) if days.isdecimal() and len(days) < 4 else 0, now=now)
    return WORDS[shopper.language]["rests"]


def _resume(db: Database, shopper: Shopper, id: str, data: dict[str, str], now: int) -> str:
    membership.resume(db, shopper.workspace, id, now=now)
    return WORDS[shopper.language]["joined"]


_CHANGES: Final[Mapping[str, Callable[[Database, Shopper, str, dict[str, str], int], str]]] = {
    "cancel": _cancel, "withdraw": _withdraw, "pause": _pause, "resume": _resume,
}  # fmt: skip
"""What a member may press about a membership of theirs."""


def _change(db: Database, shopper: Shopper, token: str, data: dict[str, str]) -> str:
    """Do what was pressed; returns what to say of it. What is somebody else's is never touched."""
    words, now = WORDS[shopper.language], now_us()
    try:
        with db.read() as conn:
            key = open_wallet(conn, shopper.workspace, token, now=now)
        if data.get("then") == "try":
            membership.join(db, shopper.workspace, key, data.get("plan", "")[:40], payment="", now=now)
            return words["joined"]
        if data.get("then") in _CHANGES:
            id = data.get("membership", "")[:60]
            membership.check_of(db, shopper.workspace, key, id)
            return _CHANGES[data["then"]](db, shopper, id, data, now)
    except RapportError as error:
        return words["failed"].format(error.message)
    return ""

"""Cards for phones' wallets: whoever has a wallet's link takes theirs; staff set with what they are signed."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Request, Response, delete, get, post, put
from litestar.params import Parameter
from litestar.response import Redirect

from rapport.capabilities.loyalty.cards import card_of
from rapport.capabilities.loyalty.links import PASS_PAGES, open_wallet
from rapport.capabilities.loyalty.pass_keys import (
    AppleKeys,
    GoogleKeys,
    KeysShown,
    WalletKind,
    keep_keys,
    keys_of,
    remove_keys,
    shown_keys,
)
from rapport.capabilities.loyalty.passes import APPLE_TYPE, apple_pass, google_link
from rapport.capabilities.loyalty.words import LANGUAGES, WORDS
from rapport.kernel.clock import from_iso, now_us
from rapport.kernel.errors import Conflict, InvalidInput, NotFound, RapportError
from rapport.kernel.principal import Principal
from rapport.kernel.work import Connection
from rapport.storage.engine import Database
from rapport.web.console import render
from rapport.web.forms import Form, raw, text
from rapport.web.shoppers import Shopper, render_page

__all__ = ["PASS_CONSOLE", "PASS_ROUTES", "PASS_SHOP"]

AnyRequest = Request[Any, Any, Any]
Token = Annotated[str, Parameter(query="t", max_length=300)]
T = TypeVar("T", AppleKeys, GoogleKeys)
_FIELDS = {
    "apple": ("pass_type", "team", "certificate", "private_key", "intermediate", "organisation"),
    "google": ("issuer", "account", "private_key", "logo_url"),
}


@get(f"/{PASS_PAGES['apple']}", opened_by="public", languages=LANGUAGES, sync_to_thread=True)
def apple_card(request: AnyRequest, db: Database, shopper: Shopper, token: Token = "") -> Response[Any]:
    """The member's card as Apple Wallet takes it."""
    try:
        with db.read() as conn:
            keys = _keys(conn, shopper, "apple", AppleKeys)
            _, card = card_of(conn, shopper.workspace, open_wallet(conn, shopper.workspace, token, now=now_us()),
                              shopper.shop, shopper.language, now=now_us())  # fmt: skip
    except RapportError as error:
        return _refused(request, shopper, error)
    headers = {"Content-Disposition": 'attachment; filename="card.pkpass"', "Cache-Control": "no-store"}
    return Response(apple_pass(card, keys), media_type=APPLE_TYPE, headers=headers)


@get(f"/{PASS_PAGES['google']}", opened_by="public", languages=LANGUAGES, sync_to_thread=True)
def google_card(request: AnyRequest, db: Database, shopper: Shopper, token: Token = "") -> Response[Any]:
    """Leads to Google Wallet with the member's card."""
    now = now_us()
    try:
        with db.read() as conn:
            keys = _keys(conn, shopper, "google", GoogleKeys)
            programme, card = card_of(conn, shopper.workspace, open_wallet(conn, shopper.workspace, token, now=now),
                                      shopper.shop, shopper.language, now=now)  # fmt: skip
    except RapportError as error:
        return _refused(request, shopper, error)
    link = google_link(card, programme, keys, now=now)
    return Redirect(link, status_code=303, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


def _keys(conn: Connection, shopper: Shopper, wallet: WalletKind, kind: type[T]) -> T:
    found = keys_of(conn, shopper.workspace, wallet)
    if not isinstance(found, kind):
        raise NotFound("the shop has no keys for such cards", hint="Loyalty, Cards for phones")
    return found


def _refused(request: AnyRequest, shopper: Shopper, error: RapportError) -> Response[str]:
    words = WORDS[shopper.language]
    if isinstance(error, Conflict):
        status, why = 410, words["over"]
    elif isinstance(error, InvalidInput):
        status, why = 404, words["wrong"]
    else:  # no keys, none that open, or no programme
        status, why = 404, words["no_card"]
    return render_page(request, "loyalty/no_wallet.html", shopper, status=status, words=words, why=why)


@get("/loyalty/passes", permission="loyalty:read", door="open", tags=["loyalty"], sync_to_thread=True)
def list_pass_keys(db: Database, principal: Principal) -> list[KeysShown]:
    """For which wallets of phones members can take a card; no secret is told."""
    with db.read() as conn:
        return shown_keys(conn, principal.workspace)


@put("/loyalty/passes/apple", permission="loyalty:keys", door="open", status_code=204, tags=["loyalty"],
     sync_to_thread=True)  # fmt: skip
def put_apple_keys(db: Database, principal: Principal, data: AppleKeys) -> None:
    """Sign cards for Apple Wallet with this certificate from now on."""
    with db.write() as conn:
        keep_keys(conn, principal.workspace, data, by=principal.name, now=now_us())


@put("/loyalty/passes/google", permission="loyalty:keys", door="open", status_code=204, tags=["loyalty"],
     sync_to_thread=True)  # fmt: skip
def put_google_keys(db: Database, principal: Principal, data: GoogleKeys) -> None:
    """Sign cards for Google Wallet with this service account from now on."""
    with db.write() as conn:
        keep_keys(conn, principal.workspace, data, by=principal.name, now=now_us())


@delete("/loyalty/passes/apple", permission="loyalty:keys", door="open", status_code=204, tags=["loyalty"],
        sync_to_thread=True)  # fmt: skip
def delete_apple_keys(db: Database, principal: Principal) -> None:
    """Offer no more cards for Apple Wallet; those that members have stay on their phones as they are."""
    _remove(db, principal, "apple")


@delete("/loyalty/passes/google", permission="loyalty:keys", door="open", status_code=204, tags=["loyalty"],
        sync_to_thread=True)  # fmt: skip
def delete_google_keys(db: Database, principal: Principal) -> None:
    """Offer no more cards for Google Wallet; those that members have stay on their phones as they are."""
    _remove(db, principal, "google")


def _remove(db: Database, principal: Principal, wallet: WalletKind) -> None:
    with db.write() as conn:
        if not remove_keys(conn, principal.workspace, wallet, by=principal.name, now=now_us()):
            raise NotFound(f"no keys are set for {wallet}", hint=f"PUT /api/v1/loyalty/passes/{wallet}")


@get("/loyalty/passes", permission="loyalty:keys", sync_to_thread=True)
def passes_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """With what cards are signed."""
    return _page(request, db, principal)


@post("/loyalty/passes", permission="loyalty:keys", status_code=200, sync_to_thread=True)
def change_passes(request: AnyRequest, db: Database, principal: Principal, data: Form) -> Response[Any]:
    """Set the keys of a wallet, or take them away."""
    wallet: WalletKind = "google" if text(data, "wallet") == "google" else "apple"
    try:
        with db.write() as conn:
            if text(data, "then") == "remove":
                remove_keys(conn, principal.workspace, wallet, by=principal.name, now=now_us())
            else:
                keep_keys(conn, principal.workspace, _typed(data, wallet), by=principal.name, now=now_us())
    except RapportError as error:
        said = {name: text(data, name, longest=500) for name in _FIELDS[wallet] if name not in _SECRET}
        return _page(request, db, principal, error=error, failed=wallet, said=said)
    return Redirect("/console/loyalty/passes?done=saved", status_code=303)


_SECRET = ("certificate", "private_key", "intermediate")
"""What is typed in anew each time: none of it is sent back to a browser."""

PASS_SHOP = (apple_card, google_card)
PASS_ROUTES = (list_pass_keys, put_apple_keys, put_google_keys, delete_apple_keys, delete_google_keys)
PASS_CONSOLE = (passes_page, change_passes)


def _typed(data: dict[str, Any], wallet: WalletKind) -> AppleKeys | GoogleKeys:
    said = {name: raw(data, name).strip()[:20_000] for name in _FIELDS[wallet]}
    if wallet == "google" and said["private_key"].startswith("{"):
        said |= _account_in(said["private_key"])
    try:
        return msgspec.convert(said, AppleKeys) if wallet == "apple" else msgspec.convert(said, GoogleKeys)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"these keys cannot be taken: {error}", hint="as the field says") from error


def _account_in(typed: str) -> dict[str, str]:
    """Key and address of the service account's whole JSON file, as Google hands it out."""
    try:
        file = msgspec.json.decode(typed.encode(), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise InvalidInput(
            "the service account's file is no JSON", hint="paste all of it, or the private key alone"
        ) from error
    return {"private_key": str(file.get("private_key", "")), "account": str(file.get("client_email", ""))}


def _page(
    request: AnyRequest, db: Database, principal: Principal, *, error: RapportError | None = None, failed: str = "",
    said: dict[str, str] | None = None,
) -> Response[str]:  # fmt: skip
    with db.read() as conn:
        kept = {one.wallet: one for one in shown_keys(conn, principal.workspace)}
    return render(request, "loyalty/passes.html", status=error.status if error else 200, kept=kept, error=error,
                  failed=failed, said=said or {}, moment_of=from_iso)  # fmt: skip

"""The console's pages of second factors: the second half of signing in, and one's own apps, passkeys and codes."""

from __future__ import annotations

from typing import Any

import segno
from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.kernel.clock import now_us
from rapport.kernel.errors import RapportError, Unauthenticated
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web import accounts, auth, factors, once, passkeys
from rapport.web.account_pages import account, browser_of, enter, own_sign_in, public_address, session_of, sign_in_form
from rapport.web.console import render
from rapport.web.factors import Begun
from rapport.web.forms import Form, raw, text
from rapport.web.passkeys import Asked
from rapport.web.sign_in_settings import wants_factor
from rapport.web.store import User

__all__ = ["HANDLERS"]

AnyRequest = Request[Any, Any, Any]


@get("/sign-in/second", permission="public", sync_to_thread=True)
def second_page(request: AnyRequest, db: Database) -> Response[Any]:
    """Ask for the code of the app."""
    back = auth.safe_next(request.query_params.get("next", ""))
    try:
        factors.half_of(db, auth.half_of(request), now=now_us())
    except Unauthenticated as error:
        return sign_in_form(request, db, back=back, error=error)
    return render(request, "web/second.html", next=back, error=None)


@post("/sign-in/second", permission="public", sync_to_thread=True, status_code=200)
def second(request: AnyRequest, db: Database, data: Form) -> Response[Any]:
    """Check the code and start the session."""
    back = auth.safe_next(text(data, "next", longest=500))
    try:
        signed_in = factors.finish_sign_in(
            db, auth.half_of(request), code=text(data, "code", longest=60), address=auth.client_address(request),
            browser=browser_of(request), device=auth.device_of(request), now=now_us(),
        )  # fmt: skip
    except RapportError as error:
        return render(request, "web/second.html", status=error.status, next=back, error=error)
    return enter(request, db, signed_in, to=back)


@post("/sign-in/passkey/ask", permission="public", sync_to_thread=True, status_code=200)
def ask_passkey(request: AnyRequest, db: Database) -> Asked:
    """What the browser needs to ask for a passkey."""
    request.app.state.limiter.take("passkey", auth.client_address(request), a_minute=30, now=now_us())
    return passkeys.ask(db, origin=public_address(request), now=now_us())


@post("/sign-in/passkey", permission="public", sync_to_thread=True, status_code=200)
def sign_in_by_passkey(request: AnyRequest, db: Database, data: Form) -> Response[Any]:
    """Sign in the person whose passkey answered."""
    back = auth.safe_next(text(data, "next", longest=500))
    try:
        signed_in = passkeys.sign_in(
            db, token=text(data, "token"), answer=raw(data, "answer"), origin=public_address(request),
            browser=browser_of(request), device=auth.device_of(request), now=now_us(),
            may=own_sign_in(request, db),
        )  # fmt: skip
    except RapportError as error:
        return sign_in_form(request, db, back=back, error=error)
    return enter(request, db, signed_in, to=back)


@post("/account/app", permission="signed_in", sync_to_thread=True, status_code=200)
def begin_app(request: AnyRequest, db: Database, principal: Principal, data: Form) -> Response[str]:
    """Show the key of a new app, to scan; it counts once it has shown a code."""
    try:
        user = _proven(request, db, principal, data)
        begun = factors.begin_app(db, user, issuer=session_of(request).workspace_name, now=now_us())
    except RapportError as error:
        return account(request, db, error=error, factor_error=error)
    return _with_picture(request, db, begun)


@post("/account/app/{factor_id:str}/confirm", permission="signed_in", sync_to_thread=True, status_code=200)
def confirm_app(request: AnyRequest, db: Database, principal: Principal, factor_id: str, data: Form) -> Response[Any]:
    """Let the app count, once it shows the right code."""
    try:
        codes = factors.confirm_app(
            db, user_id=principal.id, factor_id=factor_id, code=text(data, "code", longest=20),
            workspace=principal.workspace, now=now_us(),
        )  # fmt: skip
    except RapportError as error:
        session = session_of(request)
        begun = factors.begun(
            db, user_id=principal.id, factor_id=factor_id, email=session.email, issuer=session.workspace_name
        )
        if begun is None:
            return account(request, db, error=error, factor_error=error)
        return _with_picture(request, db, begun, error=error)
    return _done(request, codes)


@post("/account/passkeys/ask", permission="signed_in", sync_to_thread=True, status_code=200)
def ask_new_passkey(request: AnyRequest, db: Database, principal: Principal, data: Form) -> Asked:
    """What the browser needs to make a passkey; the password is asked again."""
    user = _proven(request, db, principal, data)
    shop = session_of(request).workspace_name
    return passkeys.ask_for_new(db, user, origin=public_address(request), shop=shop, now=now_us())


@post("/account/passkeys", permission="signed_in", sync_to_thread=True, status_code=200)
def add_passkey(request: AnyRequest, db: Database, principal: Principal, data: Form) -> Response[Any]:
    """Keep a passkey."""
    try:
        codes = passkeys.add(
            db, user_id=principal.id, token=text(data, "token"), answer=raw(data, "answer"), name=text(data, "name"),
            origin=public_address(request), workspace=principal.workspace, now=now_us(),
        )  # fmt: skip
    except RapportError as error:
        return account(request, db, error=error, factor_error=error)
    return _done(request, codes)


@post("/account/factors/{factor_id:str}/remove", permission="signed_in", sync_to_thread=True, status_code=200)
def remove_factor(request: AnyRequest, db: Database, principal: Principal, factor_id: str, data: Form) -> Response[Any]:
    """Take a factor away; the password is asked again."""
    session = session_of(request)
    try:
        _proven(request, db, principal, data)
        with db.read() as conn:
            wanted = wants_factor(conn, session.workspace, session.role)
        factors.remove(
            db, user_id=principal.id, factor_id=factor_id, wanted=wanted, workspace=principal.workspace, now=now_us()
        )  # fmt: skip
    except RapportError as error:
        return account(request, db, error=error, factor_error=error)
    return Redirect("/console/account?done=factor", status_code=303)


@post("/account/recovery-codes", permission="signed_in", sync_to_thread=True, status_code=200)
def make_recovery_codes(request: AnyRequest, db: Database, principal: Principal, data: Form) -> Response[Any]:
    """Fresh recovery codes, shown once; the old ones stop working."""
    try:
        _proven(request, db, principal, data)
    except RapportError as error:
        return account(request, db, error=error, factor_error=error)
    codes = factors.new_recovery_codes(db, user_id=principal.id, workspace=principal.workspace, now=now_us())
    return _done(request, codes)


HANDLERS = (
    second_page, second, ask_passkey, sign_in_by_passkey, begin_app, confirm_app, ask_new_passkey, add_passkey,
    remove_factor, make_recovery_codes,
)  # fmt: skip


def _proven(request: AnyRequest, db: Database, principal: Principal, data: Form) -> User:
    """Whoever is signed in, with the password once more. Raises Unauthenticated, RateLimited."""
    return accounts.prove(
        db, principal.id, password=raw(data, "password"), address=auth.client_address(request),
        device=auth.device_of(request), now=now_us(),
    )  # fmt: skip


def _done(request: AnyRequest, codes: list[str]) -> Redirect:
    if codes:
        return once.lead_to(request, "/console/account", recovery_codes=" ".join(codes))
    return Redirect("/console/account?done=factor", status_code=303)


def _with_picture(
    request: AnyRequest, db: Database, begun: Begun, *, error: RapportError | None = None
) -> Response[str]:
    picture = segno.make(begun.uri, error="m").svg_data_uri(scale=4, border=2)
    return account(request, db, error=error, factor_error=error, begun=begun, picture=picture)

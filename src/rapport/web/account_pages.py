"""The console's pages of one's own account: sign in and out, join, lost password, sessions."""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Dependency
from litestar.response import Redirect

from rapport.kernel.clock import now_us
from rapport.kernel.errors import Forbidden, InvalidInput, RapportError
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.storage.workspaces import all_workspaces
from rapport.web import accounts, auth, factor_store, invitations, once, resets, store
from rapport.web.accounts import HalfSignedIn, SignedIn
from rapport.web.catalogues import LANGUAGES
from rapport.web.console import render
from rapport.web.forms import Form, integer, raw, text
from rapport.web.provider.asking import Provider
from rapport.web.provider.people import refuse_own
from rapport.web.provider.store import identities_of
from rapport.web.sign_in_settings import May, wants_factor
from rapport.web.store import Session

__all__ = ["HANDLERS", "account", "browser_of", "enter", "own_sign_in", "public_address", "session_of"]

AnyRequest = Request[Any, Any, Any]
GivenMailer = Annotated[resets.Mailer, Dependency(skip_validation=True)]


def public_address(request: AnyRequest) -> str:
    """The scheme and host visitors use, for links and snippets: `https://shop.example`."""
    scheme = "https" if auth.is_https(request) else "http"
    return f"{scheme}://{request.headers.get('host', 'localhost')}"


# Sign in and out


@get("/sign-in", permission="public", sync_to_thread=True)
def sign_in_page(request: AnyRequest, db: Database) -> Response[Any]:
    """The sign-in form."""
    back = auth.safe_next(request.query_params.get("next", ""))
    if isinstance(request.scope.get("auth"), Session):
        return Redirect(back, status_code=303)
    return sign_in_form(request, db, back=back)


@post("/sign-in", permission="public", sync_to_thread=True, status_code=200)
def sign_in(request: AnyRequest, db: Database, data: Form) -> Response[Any]:
    """Check the password; a fresh session replaces whatever the browser held."""
    back = auth.safe_next(text(data, "next", longest=500))
    email = text(data, "email")
    try:
        signed_in = accounts.sign_in(
            db, email=email, password=raw(data, "password"), address=auth.client_address(request),
            browser=browser_of(request), device=auth.device_of(request), now=now_us(), may=own_sign_in(request, db),
        )  # fmt: skip
    except RapportError as error:
        return sign_in_form(request, db, back=back, email=email, error=error)
    return enter(request, db, signed_in, to=back)


@post("/sign-out", permission="signed_in", sync_to_thread=True, status_code=303)
def sign_out(request: AnyRequest, db: Database) -> Redirect:
    """End the session."""
    _end_old_session(request, db)
    forget = {"Clear-Site-Data": '"cache", "storage"'}
    return Redirect("/console/sign-in", status_code=303, cookies=[auth.session_cookie(request, "")], headers=forget)


@get("/join", permission="public", sync_to_thread=True)
def join_page(request: AnyRequest, db: Database) -> Response[Any]:
    """The form behind an invitation, or behind the link for the first account."""
    return _join_form(request, db, token=request.query_params.get("token", ""))


@post("/join", permission="public", sync_to_thread=True, status_code=200)
def join(request: AnyRequest, db: Database, data: Form) -> Response[Any]:
    """Make the account and sign in."""
    token, email, name = text(data, "token"), text(data, "email"), text(data, "name", longest=80)
    try:
        signed_in = invitations.accept_invitation(
            db, token, email=email, name=name, password=raw(data, "password"), address=auth.client_address(request),
            browser=browser_of(request), device=auth.device_of(request), now=now_us(), may=own_sign_in(request, db),
        )  # fmt: skip
    except RapportError as error:
        return _join_form(request, db, token=token, email=email, name=name, error=error)
    return enter(request, db, signed_in, to="/console")


# A lost password


@get("/forgot", permission="public", sync_to_thread=True)
def forgot_page(request: AnyRequest) -> Response[str]:
    """Ask for a link to a new password."""
    return render(request, "web/forgot.html", sent=False, error=None)


@post("/forgot", permission="public", sync_to_thread=True, status_code=200)
def forgot(request: AnyRequest, db: Database, data: Form, mailer: GivenMailer) -> Response[str]:
    """Send the link where somebody has this account; the answer is the same where nobody has."""
    try:
        asked_too_often(request)
    except RapportError as error:
        return render(request, "web/forgot.html", status=error.status, sent=False, error=error)
    email = text(data, "email")
    made = resets.make_link(db, email=email, now=now_us())
    if made is not None:
        mailer(made[1], made[2], made[0])
    return render(request, "web/forgot.html", sent=True, error=None)


@get("/reset", permission="public", sync_to_thread=True)
def reset_page(request: AnyRequest, db: Database) -> Response[str]:
    """The form behind the link."""
    return _reset_form(request, db, token=request.query_params.get("token", ""))


@post("/reset", permission="public", sync_to_thread=True, status_code=200)
def reset(request: AnyRequest, db: Database, data: Form) -> Response[Any]:
    """Put the new password in force and sign in."""
    token = text(data, "token")
    try:
        signed_in = resets.reset(
            db, token, password=raw(data, "password"), browser=browser_of(request), now=now_us(),
            may=own_sign_in(request, db),
        )  # fmt: skip
    except RapportError as error:
        return _reset_form(request, db, token=token, error=error)
    return enter(request, db, signed_in, to="/console")


# Account


@get("/account", permission="signed_in", sync_to_thread=True)
def account_page(request: AnyRequest, db: Database) -> Response[str]:
    """One's own account; after recovery codes were made, those, once."""
    codes = once.shown(request).get("recovery_codes", "").split()
    return once.show(request, account(request, db, recovery_codes=codes))


@post("/account/password", permission="signed_in", sync_to_thread=True, status_code=200)
def change_password(request: AnyRequest, db: Database, principal: Principal, data: Form) -> Response[Any]:
    """Set a new password; every session ends, this browser gets a fresh one."""
    try:
        signed_in = accounts.change_password(
            db, user_id=principal.id, current=raw(data, "current"), new=raw(data, "new"),
            address=auth.client_address(request), browser=browser_of(request), workspace=principal.workspace,
            device=auth.device_of(request), now=now_us(),
        )  # fmt: skip
    except RapportError as error:
        return account(request, db, error=error)
    return enter(request, db, signed_in, to="/console/account?done=password")


@post("/account/sessions", permission="signed_in", sync_to_thread=True, status_code=303)
def end_other_sessions(request: AnyRequest, db: Database, principal: Principal, data: Form) -> Redirect:
    """Sign out everywhere else, or there alone where one session is named."""
    one = text(data, "session")
    with db.write() as conn:
        if one:
            mine = store.sessions_of(conn, principal.id, now=now_us())
            for session in mine:
                if session.token_hash.hex() == one:
                    store.end_session(conn, session.token_hash)
        else:
            store.end_sessions_of(conn, principal.id, keep=session_of(request).token_hash)
    return Redirect("/console/account?done=sessions", status_code=303)


@post("/account/language", permission="signed_in", sync_to_thread=True, status_code=303)
def choose_language(db: Database, principal: Principal, data: Form) -> Redirect:
    """Read the console in this language; in the shop's where none is named. Raises InvalidInput."""
    chosen = text(data, "language")
    if chosen and chosen not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        raise InvalidInput(f"the console does not speak {chosen[:20]!r}", hint=f"it speaks {known}")
    with db.write() as conn:
        store.set_language(conn, principal.id, chosen)
    return Redirect("/console/account?done=saved", status_code=303)


@post("/account/workspace", permission="signed_in", sync_to_thread=True, status_code=303)
def open_workspace(request: AnyRequest, db: Database, principal: Principal, data: Form) -> Redirect:
    """Look at another shop."""
    asked = integer(data, "workspace", least=0, most=2**31 - 1, otherwise=0)
    with db.write() as conn:
        wanted = next((ws for ws, _ in store.workspaces_of(conn, principal.id) if ws == asked), None)
        if wanted is None:
            raise Forbidden("you do not belong to this shop", hint="ask one of its owners for an invitation")
        store.move_session(conn, session_of(request).token_hash, workspace=wanted)
    return Redirect("/console", status_code=303)


HANDLERS = (
    sign_in_page, sign_in, sign_out, join_page, join, forgot_page, forgot, reset_page, reset, account_page,
    change_password, end_other_sessions, choose_language, open_workspace,
)  # fmt: skip


def own_sign_in(request: AnyRequest, db: Database) -> May:
    """Who may sign in by what Rapport itself knows, where there is an OpenID provider."""
    provider: Provider | None = request.app.state.provider
    return partial(refuse_own, db, provider.settings if provider else None)


def sign_in_form(
    request: AnyRequest, db: Database, *, back: str, email: str = "", error: RapportError | None = None
) -> Response[str]:
    """The form of e-mail and password, with what went wrong."""
    with db.read() as conn:
        first = not store.any_user(conn)
    status = error.status if error else 200
    response = render(
        request, "web/sign_in.html", status=status, next=back, email=email, error=error, first=first,
        provider=provider.settings if (provider := request.app.state.provider) else None,
    )  # fmt: skip
    seconds = getattr(error, "retry_after_seconds", None)
    if seconds is not None:
        response.headers["Retry-After"] = str(round(seconds))
    return response


def account(request: AnyRequest, db: Database, *, error: RapportError | None = None, **more: Any) -> Response[str]:
    """The page of one's own account; `more` is what is shown once."""
    session = session_of(request)
    with db.read() as conn:
        context = {
            "sessions": store.sessions_of(conn, session.user_id, now=now_us()),
            "workspaces": store.workspaces_of(conn, session.user_id),
            "factors": factor_store.factors_of(conn, session.user_id),
            "tied": identities_of(conn, session.user_id),
            "recovery_left": factor_store.recovery_codes_left(conn, session.user_id),
            "factor_wanted": not session.provider and wants_factor(conn, session.workspace, session.role),
        }
    shown = {"begun": None, "picture": "", "recovery_codes": (), "factor_error": None} | more
    return render(
        request, "web/account.html", status=error.status if error else 200,
        permissions=request.app.state.permissions, error=error, **context, **shown,
    )  # fmt: skip


def enter(request: AnyRequest, db: Database, signed_in: SignedIn | HalfSignedIn, *, to: str) -> Redirect:
    """Hand out the cookies of a session and go on; or ask for the second factor first."""
    _end_old_session(request, db)
    if isinstance(signed_in, HalfSignedIn):
        cookies = [auth.half_cookie(request, signed_in.token), auth.session_cookie(request, "")]
        return Redirect(auth.second_path(to), status_code=303, cookies=cookies)
    cookies = [
        auth.session_cookie(request, signed_in.token), auth.device_cookie(request, signed_in.device),
        auth.half_cookie(request, ""),
    ]  # fmt: skip
    return Redirect(to, status_code=303, cookies=cookies)


def asked_too_often(request: AnyRequest) -> None:
    """Raises RateLimited where one address asks for links again and again."""
    request.app.state.limiter.take("forgot", auth.client_address(request), a_minute=5, now=now_us())


def session_of(request: AnyRequest) -> Session:
    """The session of whoever is signed in. Raises Forbidden."""
    session = request.scope["auth"]
    if not isinstance(session, Session):
        raise Forbidden("this needs a signed-in person")
    return session


_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "macOS"),
            ("Linux", "Linux"))  # fmt: skip


def browser_of(request: AnyRequest) -> str:
    """`Firefox on Linux`: enough for a person to recognise a session, too little to recognise a person."""
    agent = re.sub(r"\s+", " ", request.headers.get("user-agent", ""))[:300]
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    return " on ".join(part for part in (browser, system) if part)


def _join_form(
    request: AnyRequest, db: Database, *, token: str, email: str = "", name: str = "", error: RapportError | None = None
) -> Response[str]:
    invitation = invitations.open_invitation(db, token, now=now_us())
    with db.read() as conn:
        known = invitation.email is not None and store.user_by_email(conn, invitation.email) is not None
        shop = next((w.name for w in all_workspaces(conn) if w.id == invitation.workspace), "the shop")
    return render(
        request, "web/join.html", status=error.status if error else 200, invitation=invitation, workspace_name=shop,
        known=known, token=token, email=email, name=name, error=error,
    )  # fmt: skip


def _reset_form(request: AnyRequest, db: Database, *, token: str, error: RapportError | None = None) -> Response[str]:
    user = resets.whose(db, token, now=now_us())
    return render(
        request, "web/reset.html", status=error.status if error else 200, token=token, email=user.email, error=error
    )  # fmt: skip


def _end_old_session(request: AnyRequest, db: Database) -> None:
    token = request.cookies.get(auth.cookie_name(request, "session"))
    if token:
        accounts.sign_out(db, token)

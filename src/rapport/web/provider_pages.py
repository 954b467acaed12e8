"""The console's two addresses of an OpenID provider: off to it, and back; and forgetting who one is there."""

from __future__ import annotations

import hmac
import secrets
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect

from rapport.kernel.clock import MINUTE, now_us
from rapport.kernel.errors import Conflict, NotFound, RapportError, Unauthenticated
from rapport.kernel.principal import Principal
from rapport.kernel.text import clean
from rapport.storage.audit.entries import append as tell
from rapport.storage.engine import Database
from rapport.web import auth, factor_store, store
from rapport.web.account_pages import account, browser_of, enter, sign_in_form
from rapport.web.factor_store import Challenge
from rapport.web.forms import Form, text
from rapport.web.provider import people
from rapport.web.provider import store as ties
from rapport.web.provider.asking import Provider

__all__ = ["HANDLERS"]

AnyRequest = Request[Any, Any, Any]

WAITED_FOR = 10 * MINUTE
"""How long people may take at the provider."""
COOKIE = "provider"


class _Begun(msgspec.Struct):
    """What waits for the browser's return; kept by the hash of its `state`."""

    nonce: str
    verifier: str
    browser: str
    """Hash of the cookie: the answer counts in the browser alone in which the sign-in was begun."""
    back: str


@get("/sign-in/provider", permission="public", sync_to_thread=True)
def go(request: AnyRequest, db: Database) -> Response[Any]:
    """Send the browser to the provider."""
    back = auth.safe_next(request.query_params.get("next", ""))
    state, mine, now = secrets.token_urlsafe(32), secrets.token_urlsafe(32), now_us()
    try:
        request.app.state.limiter.take("provider", auth.client_address(request), a_minute=30, now=now)
        begun = _provider(request).begin(state, now=now)
    except RapportError as error:
        return sign_in_form(request, db, back=back, error=error)
    kept = _Begun(begun.nonce, begun.verifier, store.digest_of(mine).hex(), back)
    challenge = Challenge(
        token_hash=store.digest_of(state), kind="provider", user_id=None, challenge=msgspec.json.encode(kept), tries=0,
        expires_at=now + WAITED_FOR,
    )  # fmt: skip
    with db.write() as conn:
        factor_store.add_challenge(conn, challenge, now=now)
    return Redirect(begun.url, status_code=303, cookies=[auth.make_cookie(request, COOKIE, mine, max_age=None)])


@get("/sign-in/provider/back", permission="public", sync_to_thread=True)
def come_back(request: AnyRequest, db: Database) -> Response[Any]:
    """Take what the provider says of whoever comes back, and sign them in."""
    asked, now = request.query_params, now_us()
    try:
        provider = _provider(request)
        request.app.state.limiter.take("provider", auth.client_address(request), a_minute=30, now=now)
        begun = _taken(request, db, asked.get("state", ""), now=now)
        provider.refuse_other_issuer(asked.get("iss"), now=now)
        code = asked.get("code", "")
        if "error" in asked or not 0 < len(code) <= 4_000:
            why = clean(asked.get("error", "no code"), longest=60)
            raise Unauthenticated(f"{provider.settings.title} did not sign you in ({why})", hint="begin again")
        claims = provider.claims_of(code, nonce=begun.nonce, verifier=begun.verifier, now=now)
        person = people.person_of(claims, provider.settings)
        signed_in = people.enter(
            db, person, provider.settings, browser=browser_of(request), device=auth.device_of(request), now=now
        )
    except RapportError as error:
        return sign_in_form(request, db, back="/console", error=error)
    answer = enter(request, db, signed_in, to=auth.safe_next(begun.back))
    answer.set_cookie(auth.make_cookie(request, COOKIE, "", max_age=0))
    return answer


@post("/account/provider/forget", permission="signed_in", sync_to_thread=True, status_code=200)
def forget(request: AnyRequest, db: Database, principal: Principal, data: Form) -> Response[Any]:
    """Forget who somebody is at a provider. The next sign-in there finds the account by its verified address again."""
    issuer = text(data, "issuer", longest=500)
    try:
        with db.write() as conn:
            user = store.user_by_id(conn, principal.id)
            if user is None or not user.password_hash:
                raise Conflict("you have no password: nothing would let you in", hint="choose one by a reset link")
            if not ties.untie(conn, issuer=issuer, user_id=principal.id):
                raise NotFound("you do not sign in by this provider", hint="it may have been forgotten already")
            said = {"issuer": issuer}
            tell(conn, principal.workspace, "account.provider_forgotten", about=principal.id, details=said)
    except RapportError as error:
        return account(request, db, error=error)
    return Redirect("/console/account?done=provider", status_code=303)


HANDLERS = (go, come_back, forget)


def _provider(request: AnyRequest) -> Provider:
    provider: Provider | None = request.app.state.provider
    if provider is None:
        raise NotFound("no OpenID provider is set", hint="the operator sets RAPPORT_OIDC_ISSUER")
    return provider


def _taken(request: AnyRequest, db: Database, state: str, *, now: int) -> _Begun:
    """The sign-in that this browser has begun; it answers once. Raises Unauthenticated."""
    mine = request.cookies.get(auth.cookie_name(request, COOKIE), "")[:200]
    hashed = store.digest_of(state[:200])
    with db.write() as conn:
        found = factor_store.challenge_of(conn, hashed, "provider", now=now)
        if found is None:
            raise Unauthenticated("this sign-in was finished already, or took too long", hint="begin again")
        begun = msgspec.json.decode(found.challenge, type=_Begun)
        # Before it is used up: nobody ends somebody else's sign-in by showing their state in another browser.
        if not mine or not hmac.compare_digest(store.digest_of(mine).hex(), begun.browser):
            raise Unauthenticated("this sign-in was not begun in this browser", hint="begin again, here")
        if not factor_store.take_challenge(conn, hashed):
            raise Unauthenticated("this sign-in was finished already", hint="begin again")
    return begun

"""Ways round an OpenID provider, and round what it says, that are known."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from litestar.testing import TestClient

from rapport.adapters.channels.fetching import Fetching
from rapport.app.settings import Settings
from rapport.kernel.clock import SECOND, now_us
from rapport.kernel.errors import Misconfigured, Unavailable
from rapport.storage.engine import Database
from rapport.storage.workspaces import Workspace, create_workspace
from rapport.web.app import create_app
from rapport.web.limiter import AddressLimiter
from rapport.web.provider import asking
from rapport.web.provider.asking import Provider
from rapport.web.provider.tokens import keys_of
from tests.databases import database_at
from tests.openid import CLIENT, OpenId, come, is_in, member, open_id, refused, sent, settings, way_back
from tests.rooms.web.conftest import Browser, beside, form_token
from tests.slices import PERMISSIONS, WORDING


@pytest.fixture(scope="module")
def _running() -> Iterator[OpenId]:
    with open_id() as running:
        yield running


@pytest.fixture
def idp(_running: OpenId) -> OpenId:
    """The provider, honest again, with somebody new at the browser."""
    _running.begin_again(sub=uuid4().hex, email=f"{uuid4().hex}@example.com")
    return _running


@pytest.fixture
def ada(idp: OpenId) -> str:
    """The address of whoever sits at the browser."""
    return str(idp.person["email"])


@pytest.fixture(scope="module")
def _open(_running: OpenId, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Workspace, Browser]]:
    """One shop with its console, in which everybody who is attacked has an account."""
    with database_at("sqlite", tmp_path_factory.mktemp("openid")) as url:
        db = Database.open(url)
        with db.write() as conn:
            shop = create_workspace(conn, slug="shop", name="Ada & Sons", now=now_us())
        app = create_app(db=db, wording=WORDING, permissions=PERMISSIONS)
        with TestClient(app, base_url="http://shop.example", raise_server_exceptions=False) as browser:
            yield db, shop, browser
        db.close()


@pytest.fixture
def browser(_open: tuple[Database, Workspace, Browser], idp: OpenId, ada: str) -> Browser:
    """A browser at that console, whose provider was never asked before; Ada has an account."""
    db, shop, first = _open
    member(db, shop, ada, "owner")
    first.app.state.provider = Provider(settings(idp), Fetching(allow_private=True))
    first.app.state.limiter = AddressLimiter()
    return beside(first)


def _hs256(idp: OpenId) -> Callable[[dict[str, Any]], str]:
    """Signed with the public key as if it were a shared secret."""
    secret = idp.key.as_pem(private=False)

    def signed(claims: dict[str, Any]) -> str:
        head = f"{_part({'alg': 'HS256', 'kid': 'first'})}.{_part(claims)}"
        mark = hmac.new(secret, head.encode(), hashlib.sha256).digest()
        return f"{head}.{base64.urlsafe_b64encode(mark).decode().rstrip('=')}"

    return signed


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _none(idp: OpenId) -> Callable[[dict[str, Any]], str]:
    return lambda claims: f"{_part({'alg': 'none', 'kid': 'first'})}.{_part(claims)}."


def _own_key(idp: OpenId) -> Callable[[dict[str, Any]], str]:
    """With a key that the token itself brings."""
    mine = RSAKey.generate_key(2048)
    header = {"alg": "RS256", "kid": "first", "jwk": mine.as_dict(private=False)}
    return lambda claims: jwt.encode(header, claims, mine)


def _with(**changed: Any) -> Callable[[OpenId], Callable[[dict[str, Any]], str]]:
    return lambda idp: (
        lambda claims: idp.honest({name: value for name, value in (claims | changed).items() if value is not ...})
    )


CHEATS: dict[str, tuple[Callable[[OpenId], Callable[[dict[str, Any]], str]], str]] = {
    "alg none": (_none, "signed by"),
    "HS256 with the public key": (_hs256, "signed by"),
    "a key that the token brings": (_own_key, "none of the provider"),
    "another nonce": (_with(nonce="of another sign-in"), "another sign-in"),
    "no nonce": (_with(nonce=...), "another sign-in"),
    "another audience": (_with(aud="somebody else"), "another application"),
    "among audiences, given to another": (_with(aud=[CLIENT, "x"], azp="x"), "given to another application"),
    "another issuer": (_with(iss="https://evil.example"), "another issuer"),
    "ended": (_with(exp=int(time.time()) - 120), "ended"),
    "no end": (_with(exp=...), "ended"),
    "made a day ago": (_with(iat=int(time.time()) - 86_400), "not made now"),
    "counts tomorrow": (_with(nbf=int(time.time()) + 86_400), "does not count yet"),
    "of nobody": (_with(sub=""), "of whom"),
    "no token at all": (lambda idp: lambda claims: "x" * 30_000, "no signed token"),
    "what must be understood and is not": (lambda idp: lambda claims: _crit(idp, claims), "cannot be read"),
}  # fmt: skip


def _crit(idp: OpenId, claims: dict[str, Any]) -> str:
    head, body, signature = idp.honest(claims).split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "==")) | {"crit": ["x"], "x": 1}
    return ".".join((_part(header), body, signature))


@pytest.mark.parametrize("name", CHEATS)
def test_a_token_that_does_not_hold_lets_nobody_in(name: str, browser: Browser, idp: OpenId) -> None:
    cheat, why = CHEATS[name]
    idp.sign = cheat(idp)
    if name == "what must be understood and is not":
        assert refused(come(browser))
    else:
        assert refused(come(browser), why)
    idp.sign = idp.honest
    assert is_in(come(browser))


@pytest.mark.parametrize("said", [False, None, "true", "false", 0])
def test_an_address_that_the_provider_has_not_verified_opens_no_account(
    said: Any, browser: Browser, idp: OpenId
) -> None:
    idp.person["email_verified"] = said
    assert refused(come(browser), "has not verified your e-mail")


def test_an_answer_counts_once_and_in_the_browser_that_asked(browser: Browser) -> None:
    back = way_back(sent(browser))
    assert refused(beside(browser).get(back, follow_redirects=False), "not begun in this browser")
    assert is_in(browser.get(back, follow_redirects=False))
    assert refused(browser.get(back, follow_redirects=False), "finished already")
    assert refused(browser.get("/console/sign-in/provider/back?code=x&state=made-up", follow_redirects=False))


def test_an_attackers_answer_is_not_taken_for_the_victims(browser: Browser) -> None:
    """Signing a victim in to the attacker's account: the state is of the attacker's browser."""
    victim = browser
    attacker = beside(victim)
    sent(victim)
    assert refused(victim.get(way_back(sent(attacker)), follow_redirects=False), "not begun in this browser")


def test_an_answer_of_another_issuer_is_not_taken(browser: Browser, idp: OpenId) -> None:
    idp.answered_as = "https://evil.example"
    assert refused(come(browser), "not of the provider that was asked")
    assert "/token" not in idp.asked[-2:]  # the code went nowhere
    idp.answered_as = None
    browser.app.state.provider = Provider(settings(idp), Fetching(allow_private=True))  # or what it said is remembered
    idp.words = {"authorization_response_iss_parameter_supported": True}
    assert refused(come(browser), "not of the provider that was asked")  # it said that it would say
    idp.answered_as = idp.issuer
    assert is_in(come(browser))


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/console/../v1", "/console%5Cevil"])
def test_next_leads_nowhere_else(to: str, browser: Browser) -> None:
    assert come(browser, f"?next={to}").headers["location"] == "/console"


def test_where_one_is_sent_back_to_is_not_the_askers_word(browser: Browser) -> None:
    answer = browser.get("/console/sign-in/provider", headers={"Host": "evil.example"}, follow_redirects=False)
    assert "shop.example" in answer.headers["location"]
    assert "evil.example" not in answer.headers["location"]


def test_a_provider_that_calls_itself_otherwise_is_not_asked(browser: Browser, idp: OpenId) -> None:
    idp.words = {"issuer": "https://evil.example"}
    answer = browser.get("/console/sign-in/provider", follow_redirects=False)
    assert answer.status_code == 503
    assert "calls itself" in answer.text


def test_what_it_said_an_hour_ago_serves_everybody_while_it_does_not_answer(idp: OpenId) -> None:
    provider = Provider(settings(idp), Fetching(allow_private=True))
    now = now_us()
    known = provider.words(now=now)
    idp.words = {"issuer": "https://evil.example"}
    for later in (now + asking.KEEP, now + asking.KEEP + 1):
        assert provider.words(now=later) == known


def test_a_provider_on_a_private_address_is_not_asked_but_by_the_operators_word(idp: OpenId) -> None:
    strict = Fetching(allow_private=False)
    for address in (idp.issuer, "https://169.254.169.254", "https://10.0.0.1", "https://[::ffff:127.0.0.1]"):
        with pytest.raises(Unavailable):
            strict(f"{address}/.well-known/openid-configuration")
    assert idp.asked == []


def test_keys_are_exchanged_without_a_stop_and_made_up_ones_cost_no_requests(idp: OpenId) -> None:
    provider = Provider(settings(idp), Fetching(allow_private=True))
    now = now_us()
    assert [one.kid for one in provider._keys_for("first", now=now)] == ["first"]
    idp.exchange_key("second")
    later = now + asking.AGAIN + SECOND
    assert [one.kid for one in provider._keys_for("second", now=later)] == ["second"]
    for number in range(20):
        provider._keys_for(f"made up {number}", now=later + number)
    assert idp.asked.count("/keys") == 2


def test_a_key_that_is_too_short_or_shared_signs_nothing() -> None:
    with pytest.warns(match="2048"):
        short = RSAKey.generate_key(1024, {"kid": "short"})
    shared = OctKey.generate_key(256, {"kid": "shared"})
    assert keys_of({"keys": [short.as_dict(private=False), shared.as_dict(private=True), {"kty": "RSA"}, 7]}) == []
    assert keys_of([]) == []


def test_a_secret_may_go_in_the_body_where_the_provider_wants_it(browser: Browser, idp: OpenId) -> None:
    idp.methods = ["client_secret_post"]
    assert is_in(come(browser))


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({"RAPPORT_OIDC_ISSUER": "http://login.example.com"}, "no https"),
        ({"RAPPORT_PUBLIC_URL": ""}, "RAPPORT_PUBLIC_URL"),
        ({"RAPPORT_OIDC_CLIENT_ID": ""}, "CLIENT_ID"),
        ({"RAPPORT_OIDC_NEW_ROLE": "viewer"}, "let in everybody"),
        ({"RAPPORT_OIDC_NEW_ROLE": "owner", "RAPPORT_OIDC_DOMAINS": "a.example"}, "NEW_ROLE"),
        ({"RAPPORT_OIDC_GROUPS": "cx"}, "GROUPS"),
        ({"RAPPORT_OIDC_OWN_SIGN_IN": "some"}, "OWN_SIGN_IN"),
    ],
)
def test_settings_that_would_let_in_too_many_or_nobody_are_refused_at_start(environ: dict[str, str], why: str) -> None:
    good = {
        "RAPPORT_OIDC_ISSUER": "https://login.example.com", "RAPPORT_OIDC_CLIENT_ID": "r",
        "RAPPORT_PUBLIC_URL": "https://shop.example",
    }  # fmt: skip
    assert Settings.load(good).provider is not None
    with pytest.raises(Misconfigured, match=why):
        _ = Settings.load(good | environ).provider


def test_who_asks_again_and_again_is_slowed_down(browser: Browser) -> None:
    answers = [browser.get("/console/sign-in/provider", follow_redirects=False).status_code for _ in range(32)]
    assert answers[:30] == [303] * 30
    assert answers[-1] == 429
    assert form_token(browser.get("/console/sign-in"))

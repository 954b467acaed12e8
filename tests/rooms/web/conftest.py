"""The console and the API of one shop over real storage, with people who sign in through the real forms."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import httpx
import msgspec
import pytest
from litestar import Litestar, get, post
from litestar.testing import TestClient

from rapport.act import pages as act
from rapport.collect import pages as collect
from rapport.collect.admission import Everything
from rapport.kernel.clock import now_us
from rapport.kernel.errors import NotFound, RateLimited
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.storage.workspaces import Workspace, create_workspace
from rapport.web import accounts
from rapport.web.app import create_app
from rapport.web.part import WebPart
from tests.slices import PERMISSIONS, SLICES, WORDING

PASSWORD = "correct horse battery"
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')

Browser = TestClient[Litestar]


@get("/whoami", permission="customers:read")
async def whoami(principal: Principal) -> dict[str, Any]:
    """Who asks."""
    return {"workspace": principal.workspace, "kind": principal.kind, "name": principal.name}


@get("/unguarded")
async def unguarded() -> str:
    """A handler whose author forgot to name a permission."""
    return "secret"


@post("/limit", permission="customers:read")
async def limit(amount: int) -> str:
    """Always too much."""
    raise RateLimited(f"{amount} is too much", retry_after_seconds=7, hint="wait")


class Remark(msgspec.Struct):
    """A body with a field that is called as a part the application provides."""

    wording: Annotated[str, msgspec.Meta(max_length=5)]


@post("/remarks", permission="customers:read")
async def remark(data: Remark) -> str:
    """Takes few letters."""
    return data.wording


@get("/broken", permission="public")
async def broken() -> str:
    """A bug."""
    raise ZeroDivisionError("ada@example.com")


@get("/missing", permission="public")
async def missing() -> str:
    """Something that is not there."""
    raise NotFound("no such thing", hint="look elsewhere")


@pytest.fixture
def shop(db: Database) -> Workspace:
    with db.write() as conn:
        return create_workspace(conn, slug="shop", name="Ada & Sons", now=now_us())


@pytest.fixture
def app(db: Database, shop: Workspace) -> Litestar:
    handlers = [whoami, limit, remark, broken, missing]
    part = WebPart(routes=(*handlers,), pages=(collect.PAGES, act.PAGES))
    return create_app(
        db=db, wording=WORDING, permissions=PERMISSIONS, parts={"test": part},
        provided={"sections": [], "vocabulary": SLICES.vocabulary, "admission": Everything()},
    )  # fmt: skip


@pytest.fixture
def browser(app: Litestar) -> Iterator[Browser]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def beside(browser: Browser) -> Browser:
    """Another browser at the app that this one has started; with a `with` of its own it would start the app again."""
    other: Browser = TestClient(browser.app, raise_server_exceptions=False)
    other.blocking_portal = browser.blocking_portal
    return other


def form_token(answer: httpx.Response) -> str:
    """The form token of a page."""
    found = CSRF.search(answer.text)
    assert found, answer.text[:500]
    return found[1]


def submit(browser: Browser, page: str, action: str, **fields: str | list[str]) -> httpx.Response:
    """Open a page, then send one of its forms; does not follow where the answer leads."""
    token = form_token(browser.get(page))
    return browser.post(action, data={"csrf_token": token, **fields}, follow_redirects=False)


def sign_in(browser: Browser, email: str, password: str = PASSWORD) -> httpx.Response:
    """Sign in through the form."""
    return submit(browser, "/console/sign-in", "/console/sign-in", email=email, password=password)


Join = Callable[[str], str]


@pytest.fixture
def join(db: Database, shop: Workspace) -> Join:
    """A function that makes an account with a role and answers its e-mail."""

    def joined(role: str) -> str:
        email = f"{role}@example.com"
        accounts.create_user(
            db, email=email, password=PASSWORD, name=role.title(), workspace=shop.id, role=role, now=now_us()
        )
        return email

    return joined

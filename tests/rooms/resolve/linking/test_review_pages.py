"""The review queue as programs and people meet it: `/api/v1/identity/review` and the console, through HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from litestar import Litestar
from litestar.testing import TestClient

from rapport.kernel.clock import now_us
from rapport.resolve.linking import models, review
from rapport.resolve.linking.store import link_models, link_records
from rapport.resolve.model import Kind, evidence_id
from rapport.resolve.pages import PAGES, panel
from rapport.resolve.review_routes import ROUTES as REVIEW_ROUTES
from rapport.resolve.routes import ROUTES
from rapport.resolve.service import Identity
from rapport.storage.engine import Database
from rapport.web import accounts
from rapport.web.app import create_app
from tests.rooms.resolve.linking.desk import ADA, BO, SISTER, SLIPPED, Desk, asking
from tests.rooms.resolve.linking.people import model
from tests.rooms.resolve.shop import made_shop

PASSWORD = "correct horse battery"
QUEUE = "/api/v1/identity/review"
PAGE = "/console/identity/review"
HOSTILE = "<img src=x onerror=alert(1)>"


class Office(Desk):
    """A shop with its API and its console, and people with roles."""

    def __init__(self, db: Database, http: TestClient[Litestar]) -> None:
        super().__init__(made_shop(db), trained=asking())
        self.db = db
        self.http = http
        self._numbers = iter(range(1_000))

    def key(self, *scopes: str) -> dict[str, str]:
        """The headers of an API key that may do so."""
        _, secret = accounts.create_api_key(
            self.db, workspace=self.shop.workspace, name="test", scopes=list(scopes), created_by="test", now=now_us()
        )
        return {"Authorization": f"Bearer {secret}"}

    def get(self, path: str) -> Any:
        answer = self.http.get(path, headers=self.key("customers:read"))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, *, status: int = 200, scope: str = "customers:write", **body: Any) -> Any:
        answer = self.http.post(path, json={"reason": "looked"} | body, headers=self.key(scope))
        assert answer.status_code == status, answer.text
        return answer.json()

    def sign_in(self, role: str) -> None:
        email = f"{role}-{self.shop.workspace}-{next(self._numbers)}@example.com"
        accounts.create_user(
            self.db, email=email, password=PASSWORD, name=role.title(), workspace=self.shop.workspace, role=role,
            now=now_us(),
        )  # fmt: skip
        self.http.cookies.clear()
        self.submit("/console/sign-in", "/console/sign-in", email=email, password=PASSWORD)

    def page(self, path: str, *, status: int = 200) -> str:
        answer = self.http.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    def submit(self, page: str, action: str, **fields: str) -> httpx.Response:
        """Open a page, then send a form of it; does not follow where the answer leads."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.http.get(page).text)
        assert found, page
        return self.http.post(action, data={"csrf_token": found[1], **fields}, follow_redirects=False)

    def ids(self) -> list[str]:
        return [pair["id"] for pair in self.get(QUEUE)["pairs"]]

    def words(self, page: str) -> str:
        """What a reader sees of a page."""
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", page.partition("<main")[2])).split())


@pytest.fixture
def office(db: Database) -> Iterator[Office]:
    app = create_app(db=db, console=[PAGES], api=[*ROUTES, *REVIEW_ROUTES], state={"identity": Identity(db)})
    with TestClient(app, raise_server_exceptions=True) as http:
        yield Office(db, http)


@pytest.fixture
def pair(office: Office) -> str:
    office.meet(a=ADA, b=SLIPPED, c=BO)
    (ident,) = office.ids()
    return ident


def test_a_pair_is_told_side_by_side_with_weights_that_sum(office: Office, pair: str) -> None:
    queue = office.get(QUEUE)
    assert (queue["waiting"], queue["cursor"]) == (1, None)
    (told,) = queue["pairs"]
    assert told == office.get(f"{QUEUE}/{pair}")
    assert told["score"] == pytest.approx(told["prior"] + sum(field["weight"] for field in told["fields"]), abs=0.1)
    name = next(field for field in told["fields"] if field["aspect"] == "name")
    assert (name["left"], name["right"]) == ("ada, lordorberg", "ada, lordorbreg")
    assert "bits shared" in name["says"]
    assert told["left"]["customer"].startswith("cus_")


def test_the_console_shows_it(office: Office, pair: str) -> None:
    office.sign_in("agent")
    print(office.words(office.page(PAGE)))

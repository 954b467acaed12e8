"""A shop with one source behind real endpoints, on a real database, without a network between."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import httpx
import pytest

from rapport.collect.appender import Appender
from rapport.collect.endpoints import Endpoints
from rapport.collect.health import Health
from rapport.collect.model import Source
from rapport.collect.sources import Sources, create_source
from rapport.kernel.clock import now_us
from rapport.kernel.facts import Fact
from rapport.kernel.ids import WorkspaceId, new_id
from rapport.storage.engine import Database
from rapport.storage.log import latest, to_fact
from rapport.storage.workspaces import create_workspace


def basic(text: str) -> dict[str, str]:
    """The header of a Basic authorization, as SDKs send their write key."""
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an error, which is always JSON with exactly code and message."""
    body = answer.json()
    assert set(body) == {"code", "message"}
    assert body["message"]
    return answer.status_code, body["code"]


class Shop:
    """The database of one shop, its source and what its log holds."""

    def __init__(self, db: Database) -> None:
        self.db = db
        with db.write() as conn:
            self.workspace: WorkspaceId = create_workspace(
                conn, slug=new_id("shop").replace("_", "-"), name="Shop", now=now_us()
            ).id
            self.source: Source = create_source(conn, self.workspace, name="Site", kind="web", now=now_us())

    def facts(self) -> list[Fact]:
        """All facts in the log, oldest first."""
        with self.db.read() as conn:
            return [to_fact(row) for row in reversed(latest(conn, self.workspace, limit=5000))]


@pytest.fixture
def shop(shared_db: Database) -> Shop:
    """A workspace of this test alone."""
    return Shop(shared_db)


@pytest.fixture
async def endpoints(shop: Shop) -> AsyncIterator[Endpoints]:
    appender = Appender(shop.db)
    made = Endpoints(registry=Sources(shop.db), appender=appender, health=Health(shop.db))
    async with made.running():
        yield made
    appender.close()


@pytest.fixture
async def client(endpoints: Endpoints) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=endpoints, client=("203.0.113.9", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as made:
        yield made

"""What a running server keeps of what clients sent: log and quarantine from its database, Golden Records by asking."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from rapport.app.settings import Settings
from rapport.collect.quarantine import Quarantined, list_quarantined
from rapport.kernel.facts import Fact
from rapport.storage.engine import Database
from rapport.storage.log import latest, to_fact
from tests.running import Server, http

T = TypeVar("T")


@contextmanager
def database_of(server: Server) -> Iterator[Database]:
    """The server's database, opened beside it."""
    url = server.environment.get("RAPPORT_DATABASE_URL", "")
    db = Database.open(Settings.load({"RAPPORT_DATABASE_URL": url}, data_dir=server.data).url)
    try:
        yield db
    finally:
        db.close()


def facts_of(server: Server) -> list[Fact]:
    """All facts in the server's log, oldest first."""
    with database_of(server) as db, db.read() as conn:
        rows = latest(conn, server.workspace(conn), limit=100_000)
    return [to_fact(row) for row in reversed(rows)]


def quarantine_of(server: Server) -> list[Quarantined]:
    """All messages that wait in the server's quarantine."""
    with database_of(server) as db, db.read() as conn:
        return list_quarantined(conn, server.workspace(conn), limit=10_000)


def eventually(read: Callable[[], T], *, until: Callable[[T], bool], seconds: float = 20) -> T:
    """What `read` answers once `until` holds of it, or at last when it still does not."""
    deadline = time.monotonic() + seconds
    while True:
        found = read()
        if until(found) or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def golden_record(server: Server, identifier: str, *, until: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The customer's Golden Record once it is as expected; `{}` stands for one that is not found."""

    def read() -> dict[str, Any]:
        answer = http.get(
            f"{server.url}/api/v1/customers/{identifier}",
            headers={"Authorization": f"Bearer {server.api_key}"},
            timeout=10,
        )
        assert answer.status_code in (200, 404), answer.text
        record: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
        return record

    return eventually(read, until=until)


def trait(record: dict[str, Any], name: str) -> Any:
    """The value of a trait, None where the record lacks it."""
    return record.get("traits", {}).get(name, {}).get("value")

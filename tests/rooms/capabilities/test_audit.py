"""Who looks at a customer stands in the trail, whoever changes a setting, too; over HTTP and from the command line."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import pytest

from rapport.capabilities.audit.jobs import VERIFYING
from rapport.kernel.errors import Conflict
from rapport.storage.audit.entries import append
from rapport.storage.audit.sealing import seal
from rapport.storage.audit.tables import audit_parts
from tests.jobs import turns
from tests.running import Server
from tests.shop import NOON, Shop
from tests.stories.console import add_owner, signed_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def entries(client: httpx.Client, **asked: str) -> list[dict[str, object]]:
    answer = client.get("/api/v1/audit/entries", params=asked)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["entries"])


def wait_for(client: httpx.Client, **asked: str) -> dict[str, object]:
    """What was shown is written twice a second."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        found = entries(client, **asked)
        if found:
            return found[0]
        time.sleep(0.1)
    raise AssertionError(f"no entry {asked}")


def test_whoever_looks_at_a_customer_or_changes_a_setting_stands_in_the_trail(module_server: Server) -> None:
    fact = {"event": "Page Seen", "userId": "ada", "context": {"traits": {"email": "ada@example.com"}}}
    httpx.post(f"{module_server.url}/v1/track", json=fact, auth=(module_server.write_key, "")).raise_for_status()
    headers = {"Authorization": f"Bearer {module_server.api_key}"}
    with httpx.Client(base_url=module_server.url, headers=headers, timeout=30) as client:
        until = time.monotonic() + 30
        while client.get("/api/v1/customers/user_id:ada").status_code != 200 and time.monotonic() < until:
            time.sleep(0.1)
        wait_for(client, customer="user_id:ada", action="customer.viewed")
        found = entries(client, customer="user_id:ada", action="customer.viewed")
        seen = next(one for one in found if str(one["about"]).startswith("/api/v1/customers/"))
        assert seen["who"] == entries(client)[0]["who"] != ""
        assert len(list(seen["customers"])) == 1  # type: ignore[call-overload]
        assert "ada" not in str(seen).lower(), "the trail names nobody"
        changed = client.put("/api/v1/settings/orders", json={"values": {}})
        assert changed.status_code == 200, changed.text
        assert wait_for(client, action="settings.changed")["about"] == "orders"
        client.get("/api/v1/customers/user_id:ada/export").raise_for_status()
        assert wait_for(client, action="customer.exported")["customers"] == seen["customers"]
        assert client.get("/api/v1/audit/entries", params={"customer": "user_id:nobody"}).status_code == 404
        assert client.get("/api/v1/audit/entries", params={"since": "when"}).status_code == 400
        assert client.get("/api/v1/audit/entries", params={"cursor": "x"}).status_code == 400
        until = time.monotonic() + 30
        while client.get("/api/v1/audit/head").json()["size"] < 3 and time.monotonic() < until:
            time.sleep(0.2)
        assert client.get(f"/api/v1/audit/entries/{seen['id']}/proof").json()["path"]
        assert client.get("/api/v1/audit/consistency", params={"first": 1}).json()["first"] == 1


def test_the_page_shows_entries_with_and_without_a_reason_and_says_what_is_not_found(
    module_server: Server, browser: Browser
) -> None:
    add_owner(module_server)
    with signed_in(browser, module_server) as (page, complaints):
        page.goto(f"{module_server.url}/console/audit")
        assert "Signed in" in page.inner_text("table")
        page.goto(f"{module_server.url}/console/audit?customer=user_id:nobody")
        assert "no customer has the user_id" in page.inner_text("main")
        complaints.clear()  # the 404 it was asked for


def test_a_trail_that_was_changed_fails_the_job_that_looks_at_it_every_day(any_shop: Shop) -> None:
    with any_shop.db.write() as conn:
        append(conn, any_shop.id, "settings.changed", who="usr_1", name="Olga", now=NOON)
        seal(conn, any_shop.id, at_most=10)
    assert turns(any_shop.db, VERIFYING, now=NOON) == [1]
    with any_shop.db.write() as conn:
        conn.execute(audit_parts.update().values(body=b'{"name":"Dan"}'))
    with pytest.raises(Conflict, match="not what it was"):
        turns(any_shop.db, VERIFYING, now=NOON)

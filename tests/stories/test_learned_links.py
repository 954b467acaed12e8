"""People without a shared id: learned on the command line from a running shop, then linked live as they come."""

from __future__ import annotations

import json
import signal
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from rapport.resolve.linking import models
from tests.rooms.resolve.linking.people import crowd, model
from tests.running import RAPPORT, Server, http, wait_until
from tests.stories.console import add_owner, signed_in
from tests.stories.kept import database_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ADA = {
    "firstName": "ada", "lastName": "lordorberg", "birthday": "1980-03-04", "email": "ada@example.com",
    "address": {"street": "12 high street", "postalCode": "yo1 7aa", "city": "york"},
}  # fmt: skip
SLIPPED = ADA | {"lastName": "lordorbreg", "email": "a.lordorberg@example.org"}


def identify(visitor: str, traits: dict[str, Any]) -> dict[str, Any]:
    return {"type": "identify", "anonymousId": visitor, "traits": traits}


def tell(server: Server, *calls: dict[str, Any]) -> None:
    for start in range(0, len(calls), 100):
        body = {"batch": calls[start : start + 100]}
        answer = http.post(f"{server.url}/v1/batch", json=body, auth=(server.write_key, ""), timeout=30)
        assert answer.status_code == 200


def identity(server: Server, *arguments: str) -> str:
    command = [*RAPPORT, "identity", *arguments, "--data", str(server.data)]
    done = subprocess.run(command, env=server.environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def said(row: dict[str, str]) -> dict[str, Any]:
    """A record of the crowd as a client's traits."""
    address = {"street": row.get("street"), "postalCode": row.get("postcode"), "city": row.get("city")}
    return {
        "firstName": row.get("first_name"), "lastName": row.get("last_name"), "birthday": row.get("birthday"),
        "phone": row.get("phone"), "address": address,
    }  # fmt: skip


def customers_of(server: Server, count: int) -> list[str]:
    found = [server.customer(f"anonymous_id:w{number}") for number in range(count)]
    return [record["id"] if record else "" for record in found]


@pytest.mark.slow
def test_a_shop_learns_who_is_one_person_and_links_who_comes_next(any_server: Server) -> None:
    """Trained without labels beside a running server; its worker scores, though it is killed while doing so."""
    server = any_server
    people = crowd(150, seed=11)
    count = len(people.rows)
    tell(server, *(identify(f"w{number}", said(row)) for number, row in enumerate(people.rows)))
    wait_until(lambda: http.get(f"{server.url}/readyz").json()["lag"] == 0, seconds=60)

    assert "model 1 is active" in identity(server, "train")
    for worker in psutil.Process(server.process.pid if server.process else 0).children():
        worker.send_signal(signal.SIGKILL)
    assert "links were made without asking" in identity(server, "score")
    assert "active" in identity(server, "models")
    assert json.loads(identity(server, "card", "1", "--json"))["format"] == 2
    assert "weights in bits" in (server.data / "identity" / "model-1.txt").read_text(encoding="utf-8")
    waiting = [json.loads(line) for line in identity(server, "review", "--json").splitlines()]
    assert all(pair["score"] >= 0 and pair["left"]["customer"] != pair["right"]["customer"] for pair in waiting)

    customers = customers_of(server, count)
    pairs = Counter(
        (people.truth[a] == people.truth[b], customers[a] == customers[b]) for a in range(count) for b in range(a)
    )
    precision = pairs[True, True] / (pairs[True, True] + pairs[False, True])
    recall = pairs[True, True] / (pairs[True, True] + pairs[True, False])
    assert all(customers)
    assert len(set(customers)) < count
    assert precision > 0.97
    assert recall > 0.75

    tell(server, identify("mill", ADA), identify("shop", SLIPPED))
    wait_until(lambda: (server.customer("anonymous_id:shop") or {}).get("probable"), seconds=30)
    ada, again = server.customer("anonymous_id:mill"), server.customer("anonymous_id:shop")
    assert ada
    assert again
    assert ada["id"] == again["id"]
    assert "example.org" not in str(ada)
    assert "ada@" not in str(again)


@pytest.mark.browser
def test_staff_sees_both_and_what_is_only_probable(shop_server: Server, browser: Browser) -> None:
    """The customer's page shows one person and says which part of her a model added."""
    add_owner(shop_server)
    tell(shop_server, identify("mill", ADA), identify("shop", SLIPPED))
    wait_until(lambda: shop_server.customer("anonymous_id:shop"))
    with database_of(shop_server) as db, db.write() as conn:
        models.save_model(conn, shop_server.workspace(conn), model(), now=1)
    tell(shop_server, identify("mill", ADA | {"phone": "+447700900123"}))
    tell(shop_server, identify("shop", SLIPPED | {"title": "Dr"}))
    wait_until(lambda: (shop_server.customer("anonymous_id:shop") or {}).get("probable"), seconds=30)
    with signed_in(browser, shop_server) as (page, _):
        page.goto(f"{shop_server.url}/console/customers/anonymous_id:mill")
        page.get_by_text("by a learned link alone").wait_for()
        page.locator(".ids li", has_text="@example").get_by_text("probable").wait_for()
        page.get_by_role("link", name="Traits").click()
        page.locator("summary").get_by_text("probable").first.wait_for()

"""The page of customers, and its file: filtered as the address says, for those who may."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Collection, Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from rapport.kernel.clock import now_us
from rapport.kernel.gate import Permit
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember import list_pages
from rapport.remember.golden import find_root
from rapport.remember.web import WEB
from rapport.storage.audit.entries import entries, parts_of
from rapport.web import accounts
from rapport.web.app import create_app
from rapport.web.purposes import Purposes
from tests.remembered import REMEMBERED
from tests.rooms.remember.shop import Shop, bought, did
from tests.rooms.web.conftest import PASSWORD, sign_in
from tests.slices import PERMISSIONS, WORDING

FILE = "/console/customers.csv?purpose=service"


@pytest.fixture
def people(shop: Shop) -> Shop:
    shop.take(
        *[did("Identified", n, user=f"u{n}", traits={"name": f"Customer {n}"}) for n in range(7)],
        did("Identified", 8, user="evil", traits={"name": "=HYPERLINK(1)", "address": {"country": "DE"}}),
        did("Page Viewed", 9, web="w-1"), bought("o-1", 12.5, 10, user="evil"),
    )  # fmt: skip
    return shop


def but_three(conn: Any, shop: WorkspaceId, keys: Collection[Key], purpose: str, now: int) -> dict[Key, Permit]:
    """A gate at which Customer 3 refuses what is not for their orders."""
    three = find_root(conn, shop, "user_id:u3")
    return {key: Permit(purpose == "service" or key != three, "") for key in keys}


@pytest.fixture
def browser(people: Shop) -> Iterator[TestClient[Any]]:
    """A browser on the shop's console; nobody has signed in."""
    app = create_app(
        db=people.db, wording=WORDING, permissions=PERMISSIONS, parts={"remember": WEB},
        provided={
            "remembered": REMEMBERED, "gate": but_three,
            "purposes": Purposes(people.db, names=lambda *_: {"service": "Orders", "advertising": "Advertising"}),
        },
    )  # fmt: skip
    with TestClient(app) as made:
        yield made


def signed_in(browser: TestClient[Any], shop: Shop, role: str) -> TestClient[Any]:
    email = f"{role}-{shop.slug}@example.com"
    accounts.create_user(
        shop.db, email=email, password=PASSWORD, name="Olga", workspace=shop.workspace, role=role, now=now_us()
    )
    sign_in(browser, email)
    return browser


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_the_file_holds_the_whole_list_as_it_is_filtered_or_those_that_were_chosen(
    browser: TestClient[Any], people: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_pages, "AT_ONCE", 3)
    signed_in(browser, people, "marketer")
    whole = browser.get("/console/customers.csv?sort=name&purpose=service")
    assert whole.headers["content-disposition"] == 'attachment; filename="customers-service.csv"'
    rows = rows_of(whole.text)
    assert [row["Name"] for row in rows] == ["'=HYPERLINK(1)", *(f"Customer {n}" for n in range(7))]
    assert (rows[0]["Country"], rows[0]["Orders"], rows[0]["Revenue before refunds"], rows[0]["Currency"]) == (
        "DE", "1", "12.50", "EUR",
    )  # fmt: skip
    assert [row["Name"] for row in rows_of(browser.get(f"{FILE}&country=DE").text)] == ["'=HYPERLINK(1)"]
    chosen = [people.record(f"user_id:u{n}").id for n in (4, 2)]
    some = browser.get(
        "/console/customers.csv",
        params={"purpose": "service", "id": [*chosen, chosen[0], people.record("user_id:u3").id]},
    )
    assert [row["Name"] for row in rows_of(some.text)] == ["Customer 4", "Customer 2", "Customer 3"]


def test_a_file_for_a_purpose_leaves_out_who_does_not_allow_it_says_how_many_and_is_told_of(
    browser: TestClient[Any], people: Shop
) -> None:
    signed_in(browser, people, "marketer")
    made = browser.get("/console/customers.csv?purpose=advertising")
    assert made.headers["content-disposition"] == 'attachment; filename="customers-advertising-1-left-out.csv"'
    assert "Customer 3" not in {row["Name"] for row in rows_of(made.text)}
    assert len(rows_of(made.text)) == 7
    with people.db.read() as conn:
        told = [one for one in entries(conn, people.workspace) if one.action == "customers.saved"]
        (said,) = parts_of(conn, people.workspace, [one.id for one in told]).values()
    assert said[0].body is not None
    assert {"purpose": "advertising", "rows": 7, "left_out": 1}.items() <= json.loads(said[0].body).items()
    for purpose in ("", "?purpose=", "?purpose=mind_reading"):
        refused = browser.get(f"/console/customers.csv{purpose}")
        assert (refused.status_code, "Customer 1" in refused.text) == (400, False)
    page = browser.get("/console/customers").text
    assert re.search(r'<select[^>]*name="purpose" required>.*<option value="advertising">', page)


def test_files_of_customers_are_for_those_who_may_save_them(browser: TestClient[Any], people: Shop) -> None:
    signed_in(browser, people, "agent")
    assert browser.get(FILE).status_code == 403
    page = browser.get("/console/customers").text
    assert "Customer 3" in page
    assert "customers.csv" not in page


def test_the_page_says_how_many_match_and_shows_visitors_apart(browser: TestClient[Any], people: Shop) -> None:
    signed_in(browser, people, "agent")
    page = browser.get("/console/customers").text
    assert "Visitor w-1" not in page
    assert "Visitor w-1" in browser.get("/console/customers?who=visitors").text
    found = browser.get("/console/customers?q=customer").text
    assert ">7</strong> match" in found
    assert "Nobody matches" in browser.get("/console/customers?ordered=30&country=DE").text
    assert "Nobody matches" not in browser.get("/console/customers?ordered=never").text
    assert 'aria-sort="descending"' in browser.get("/console/customers?sort=orders").text
    assert 'aria-sort="ascending"' in browser.get("/console/customers?sort=orders&dir=up").text
    for odd in ("sort=best", "orders=just-x", "from=x&to=", "ordered=over-", "who=me", "cols=", "q=%00", "dir=up"):
        assert browser.get(f"/console/customers?{odd}").status_code == 200, odd
    assert browser.get("/console/customers?cursor=x").status_code == 400

"""The page of customers, and its file: filtered as the address says, for those who may."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from rapport.kernel.clock import now_us
from rapport.remember import list_pages
from rapport.remember.web import WEB
from rapport.web import accounts
from rapport.web.app import create_app
from tests.remembered import REMEMBERED
from tests.rooms.remember.shop import Shop, bought, did
from tests.rooms.web.conftest import PASSWORD, sign_in
from tests.slices import PERMISSIONS, WORDING


@pytest.fixture
def people(shop: Shop) -> Shop:
    shop.take(
        *[did("Identified", n, user=f"u{n}", traits={"name": f"Customer {n}"}) for n in range(7)],
        did("Identified", 8, user="evil", traits={"name": "=HYPERLINK(1)", "address": {"country": "DE"}}),
        did("Page Viewed", 9, web="w-1"), bought("o-1", 12.5, 10, user="evil"),
    )  # fmt: skip
    return shop


@pytest.fixture
def browser(people: Shop) -> Iterator[TestClient[Any]]:
    """A browser on the shop's console; nobody has signed in."""
    app = create_app(
        db=people.db, wording=WORDING, permissions=PERMISSIONS, parts={"remember": WEB},
        provided={"remembered": REMEMBERED},
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
    whole = browser.get("/console/customers.csv?sort=name")
    assert whole.headers["content-disposition"] == 'attachment; filename="customers.csv"'
    rows = rows_of(whole.text)
    assert [row["Name"] for row in rows] == ["'=HYPERLINK(1)", *(f"Customer {n}" for n in range(7))]
    assert (rows[0]["Country"], rows[0]["Orders"], rows[0]["Revenue before refunds"], rows[0]["Currency"]) == (
        "DE", "1", "12.50", "EUR",
    )  # fmt: skip
    assert [row["Name"] for row in rows_of(browser.get("/console/customers.csv?country=DE").text)] == ["'=HYPERLINK(1)"]
    chosen = [people.record(f"user_id:u{n}").id for n in (4, 2)]
    some = browser.get("/console/customers.csv", params={"id": [*chosen, chosen[0], people.record("user_id:u3").id]})
    assert [row["Name"] for row in rows_of(some.text)] == ["Customer 4", "Customer 2", "Customer 3"]


def test_files_of_customers_are_for_those_who_may_save_them(browser: TestClient[Any], people: Shop) -> None:
    signed_in(browser, people, "agent")
    assert browser.get("/console/customers.csv").status_code == 403
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

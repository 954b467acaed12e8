"""Tables keep what they show in the address, give it out as a file without formulas, and keep views for everybody."""

from __future__ import annotations

import csv
import io
from urllib.parse import parse_qsl

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.storage.engine import Database
from rapport.storage.workspaces import Workspace
from rapport.web.tables import csv_cell
from rapport.web.views import load_views, remove_view, save_view
from tests.rooms.web.conftest import Browser, Join, form_token, sign_in

PAGE = "/console/components"


@given(st.text())
def test_no_text_in_a_file_is_taken_for_a_formula_and_none_is_lost(text: str) -> None:
    cell = csv_cell(text)
    assert cell.lstrip(" \u00a0")[:1] not in set("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
    assert cell.removeprefix("'") == text or cell == text
    out = io.StringIO()
    csv.writer(out).writerow([cell, "end"])
    assert next(csv.reader(io.StringIO(out.getvalue(), newline="")))[-1] == "end"


def test_the_address_sorts_both_ways_chooses_columns_and_ignores_what_there_is_not(
    browser: Browser, join: Join
) -> None:
    sign_in(browser, join("viewer"))

    def seen(query: str) -> list[str]:
        page = browser.get(f"{PAGE}?{query}").text
        return sorted(("Darjeeling", "Sencha", "נענע"), key=page.index)

    assert seen("sort=price") == ["Darjeeling", "Sencha", "נענע"]
    assert seen("sort=price&dir=up") == ["נענע", "Sencha", "Darjeeling"]
    assert seen("") == seen("sort=nonsense&dir=sideways&cols=nonsense") == ["Darjeeling", "Sencha", "נענע"]
    with_note = browser.get(f"{PAGE}?cols=note").text
    assert "light, like muscat" in with_note
    assert "€12.90" not in with_note
    assert "Nothing matches" in browser.get(f"{PAGE}?q=coffee").text


def test_a_view_is_kept_found_changed_and_removed_and_nobody_overwrites_unseen(db: Database, shop: Workspace) -> None:
    with db.write() as conn:
        made = save_view(conn, shop.id, page=PAGE, name="Dear ones", query="sort=price&cursor=x&q=a+b", by="Ada", now=1)
        (view,) = load_views(conn, shop.id, PAGE)
        assert dict(parse_qsl(view.query)) == {"sort": "price", "q": "a b"}
        assert (view.id, view.name, view.changed_by, view.version) == (made, "Dear ones", "Ada", 1)
        assert load_views(conn, shop.id, "/console/team") == []
        changed = {"page": PAGE, "name": "Dearest", "query": "", "by": "Bo", "now": 2, "id": made}
        save_view(conn, shop.id, **changed, version=1)  # type: ignore[arg-type]
        with pytest.raises(Conflict, match="somebody else"):
            save_view(conn, shop.id, **changed, version=1)  # type: ignore[arg-type]
        with pytest.raises(Conflict, match="is a view called"):
            save_view(conn, shop.id, page=PAGE, name="Dearest", query="", by="Bo", now=3)
        with pytest.raises(Conflict):
            remove_view(conn, shop.id, made, version=1)
        remove_view(conn, shop.id, made, version=2)
        with pytest.raises(NotFound):
            remove_view(conn, shop.id, made, version=2)
        for name, query in (("", ""), ("Long", "q=" + "x" * 3_000)):
            with pytest.raises(InvalidInput):
                save_view(conn, shop.id, page=PAGE, name=name, query=query, by="Bo", now=3)


def test_views_are_kept_by_those_who_may_and_only_of_the_consoles_own_pages(browser: Browser, join: Join) -> None:
    def keep(page: str) -> httpx.Response:
        token = form_token(browser.get("/console/account"))
        form = {"csrf_token": token, "name": "Mine", "page": page, "query": "sort=x"}
        return browser.post("/console/views", data=form, follow_redirects=False)

    sign_in(browser, join("marketer"))
    assert keep("/console/sources").headers["location"].startswith("/console/sources?sort=x&view=view_")
    assert keep("//evil.example").status_code == 400
    browser.cookies.clear()
    sign_in(browser, join("viewer"))
    assert keep("/console/sources").status_code == 403

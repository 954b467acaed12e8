"""What the palette finds: pages by words, what slices know; not what the role may not see; a failing one is alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection

from rapport.kernel.ids import WorkspaceId
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web.console import Console, ConsolePages, NavItem
from rapport.web.finder import Finder, Finders, Hit, Wanted

SOMEBODY = Principal(
    workspace=WorkspaceId(1), kind="user", id="ada", name="Ada", role="analyst", scopes=frozenset({"customers:read"})
)


def page(label: str, group: str) -> NavItem:
    return NavItem(
        label=label, path=f"/console/{label.lower()}", icon="x", group=group, order=1, permission="signed_in"
    )


PAGES = (page("API keys", "Settings"), page("Live feed", "Data"), page("Café", "Shop"))


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return Database.open(f"sqlite:///{tmp_path}/x.db")


def finder(name: str, *hits: str, permission: str = "customers:read") -> Finder:
    def find(conn: Connection, wanted: Wanted) -> list[Hit]:
        return [Hit(f"/console/{hit}", hit, wanted.text) for hit in hits]

    return Finder(name=name, title=name, order=1, permission=permission, find=find)


@pytest.mark.parametrize(
    ("typed", "labels"),
    [("", ["API keys", "Live feed", "Café"]), ("key", ["API keys"]), ("DATA fe", ["Live feed"]), ("cafe", ["Café"]),
     ("eed", []), ("keys nothing", [])],
)  # fmt: skip
def test_a_page_is_found_by_beginnings_of_its_words_in_any_case_and_order(
    db: Database, typed: str, labels: list[str]
) -> None:
    found = Finders().find(db, SOMEBODY, PAGES, typed)
    assert [hit.title for kind in found for hit in kind.hits] == labels


def test_finders_answer_those_who_may_no_more_than_is_shown_and_only_what_was_typed(db: Database) -> None:
    finders = Finders([finder("a.many", *"abcdefgh"), finder("b.secret", "x", permission="team:write")])
    assert [(kind.title, len(kind.hits)) for kind in finders.find(db, SOMEBODY, (), "a")] == [("a.many", 6)]
    assert finders.find(db, SOMEBODY, (), "") == []


def test_a_finder_that_fails_leaves_the_others_standing(db: Database) -> None:
    def broken(conn: Connection, wanted: Wanted) -> list[Hit]:
        conn.exec_driver_sql("SELECT * FROM nowhere")
        return []

    bad = Finder(name="a.bad", title="Bad", order=0, permission="customers:read", find=broken)
    found = Finders([bad, finder("b.good", "x")]).find(db, SOMEBODY, PAGES, "key")
    assert [kind.title for kind in found] == ["Pages", "b.good"]


def test_a_page_in_a_group_that_the_side_bar_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="'/console/rain' stands in the group 'Weather'; there are"):
        Console([ConsolePages(room="weather", nav=(page("Rain", "Weather"),))])

"""Saved views: tables as somebody set them up, under a name, for all who work in the shop."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Integer, Table, Text, UniqueConstraint

from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.ids import WorkspaceId, new_id
from rapport.storage.bulk import insert_ignore
from rapport.storage.engine import CText, metadata

__all__ = ["SavedView", "load_views", "remove_view", "save_view", "saved_views"]

MOST = 100
"""Views of one page; all of them are in its menu."""
LONGEST = 2_000
_NOT_KEPT = frozenset({"cursor", "done", "view"})

saved_views = Table(
    "saved_views",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("id", CText, primary_key=True),
    Column("page", CText, nullable=False),
    Column("name", CText, nullable=False),
    Column("query", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("changed_by", Text, nullable=False),
    UniqueConstraint("workspace", "page", "name", name="saved_views_name"),
)
"""By page of the console. `query` is the part of the address behind the question mark."""

_v = saved_views.c


class SavedView(NamedTuple):
    """A table as somebody set it up."""

    id: str
    page: str
    name: str
    query: str
    version: int
    changed_at: int
    changed_by: str

    @property
    def address(self) -> str:
        """Where it is shown."""
        return f"{self.page}?{self.query}&view={self.id}" if self.query else f"{self.page}?view={self.id}"


def load_views(conn: Connection, workspace: WorkspaceId, page: str) -> list[SavedView]:
    """The views of a page by name."""
    columns = (_v.id, _v.page, _v.name, _v.query, _v.version, _v.changed_at, _v.changed_by)
    query = sa.select(*columns).where(_v.workspace == workspace, _v.page == page).order_by(_v.name).limit(MOST)
    return [SavedView._make(row) for row in conn.execute(query)]


def save_view(
    conn: Connection, workspace: WorkspaceId, *, page: str, name: str, query: str, by: str, now: int,
    id: str = "", version: int = 0,
) -> str:  # fmt: skip
    """Keep a view; returns its id. With an `id`, that one is changed, if it still is the `version` that was seen.

    Raises Conflict where the name is taken or somebody else was quicker, and InvalidInput.
    """
    if not name:
        raise InvalidInput("a view needs a name", hint="such as “Lapsed, spent over €200”")
    row = {"name": name, "query": _kept(query), "version": version + 1, "changed_at": now, "changed_by": by}
    taken = sa.select(_v.id).where(_v.workspace == workspace, _v.page == page, _v.name == name, _v.id != id)
    if conn.execute(taken).first() is not None:
        raise Conflict(f"there is a view called {name!r}", hint="give it another name, or change that one")
    if id:
        own = (_v.workspace == workspace, _v.page == page, _v.id == id, _v.version == version)
        if conn.execute(saved_views.update().where(*own).values(row)).rowcount == 0:
            raise Conflict("somebody else has changed or removed this view", hint="look at it again, then save")
        return id
    if len(load_views(conn, workspace, page)) >= MOST:
        raise InvalidInput(f"a page has at most {MOST} views", hint="remove one that nobody needs")
    made = {"workspace": workspace, "id": new_id("view"), "page": page, **row}
    if not insert_ignore(conn, saved_views, [made]):
        raise Conflict(f"there is a view called {name!r}", hint="give it another name, or change that one")
    return str(made["id"])


def remove_view(conn: Connection, workspace: WorkspaceId, id: str, *, version: int) -> None:
    """Take a view away. Raises NotFound, and Conflict where it is not the version that was seen."""
    own = (_v.workspace == workspace, _v.id == id)
    if conn.execute(saved_views.delete().where(*own, _v.version == version)).rowcount:
        return
    if conn.execute(sa.select(_v.id).where(*own)).first() is None:
        raise NotFound("no such view", hint="somebody may have removed it")
    raise Conflict("somebody else has changed this view", hint="look at it again before you remove it")


def _kept(query: str) -> str:
    """Without what belongs to one visit. Raises InvalidInput where it is too long."""
    pairs = [(name, value) for name, value in parse_qsl(query[: LONGEST + 1]) if name not in _NOT_KEPT]
    kept = urlencode(pairs)
    if len(query) > LONGEST or len(kept) > LONGEST:
        raise InvalidInput(f"a view keeps at most {LONGEST:,} characters of filters")
    return kept

"""The segments of a shop, made ready to be asked; kept in memory until one of them, or the shop's settings, changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.clock import zone_named
from rapport.kernel.ids import WorkspaceId
from rapport.remember import membership
from rapport.remember.segments.evaluating import Compiled
from rapport.remember.segments.fields import Fields
from rapport.remember.segments.language import BadSegment, Both, FieldRef, IsNull, Node, Not, fields_in
from rapport.remember.segments.parsing import parse
from rapport.storage.workspaces import workspace_of

__all__ = ["Book", "Library", "Reader", "Ready", "customers_only"]

_s = membership.segments.c


class Ready(NamedTuple):
    """A segment that can be asked."""

    id: int
    name: str
    state: str
    compiled: Compiled


class Book(NamedTuple):
    """All segments of a shop, and those whose text cannot be read, with why."""

    zone: ZoneInfo
    ready: list[Ready]
    failed: dict[int, str]
    recovered: list[int]
    """Those that could not be read before and can be now."""


def customers_only(node: Node) -> Node:
    """The condition as it is asked: of customers, not of visitors, unless it asks for visitors itself."""
    if "visitor" in fields_in(node):
        return node
    return Both("and", (node, Not(FieldRef("visitor", "flag", "visitor"))))


class Reader:
    """Reads texts of a shop: by its currency, its time zone and its other segments."""

    def __init__(self, conn: Connection, workspace: WorkspaceId, fields: Fields) -> None:
        settings = workspace_of(conn, workspace).settings
        self.zone = zone_named(settings.time_zone)
        self.currency = settings.currency
        self._fields = fields
        query = sa.select(_s.name, _s.where_text).where(_s.workspace == workspace)
        self._texts: Mapping[str, str] = dict(row._tuple() for row in conn.execute(query))

    def read(self, text: str, *, within: tuple[str, ...] = ()) -> Node:
        """The condition; `within` names the segments that it is read for. Raises BadSegment."""

        def other(name: str) -> Node | None:
            if name in within:
                raise BadSegment(f"the segments name each other in a circle: {' → '.join((*within, name))}"[:300])
            if name not in self._texts or len(within) > 5:
                return None
            # Whoever is unknown there is simply not in it.
            inner = customers_only(self.read(self._texts[name], within=(*within, name)))
            return Both("and", (inner, Not(IsNull(inner))))

        return parse(text, self._fields.all, currency=self.currency, zone=self.zone, segment=other)


class Library:
    """The books of all shops, as this process knows them. Not thread-safe."""

    def __init__(self, fields: Fields) -> None:
        self.fields = fields
        self._books: dict[WorkspaceId, tuple[object, Book]] = {}

    def book(self, conn: Connection, workspace: WorkspaceId) -> Book:
        """A shop's segments as they are now. Two looks at small tables where nothing changed."""
        query = sa.select(sa.func.count(), sa.func.max(_s.revision)).where(_s.workspace == workspace)
        settings = workspace_of(conn, workspace).settings
        stamp = (*conn.execute(query).one(), settings.time_zone, settings.currency)
        known = self._books.get(workspace)
        if known is None or known[0] != stamp:
            known = self._books[workspace] = (stamp, self._read(conn, workspace))
        return known[1]

    def _read(self, conn: Connection, workspace: WorkspaceId) -> Book:
        reader = Reader(conn, workspace, self.fields)
        book = Book(reader.zone, [], {}, [])
        rows = conn.execute(sa.select(membership.segments).where(_s.workspace == workspace).order_by(_s.id)).all()
        for row in rows:
            try:
                node = customers_only(reader.read(row.where_text, within=(row.name,)))
            except BadSegment as error:
                book.failed[row.id] = error.message
                continue
            if row.state == "failed":
                book.recovered.append(row.id)
            book.ready.append(Ready(row.id, row.name, row.state, Compiled(node)))
        return book

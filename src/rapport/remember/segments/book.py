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
from rapport.remember.segments.language import BadSegment, Both, FieldRef, InSegment, Node, Not, children, fields_in
from rapport.remember.segments.parsing import parse
from rapport.storage.workspaces import WorkspaceSettings, workspace_of

__all__ = ["Book", "Library", "Reader", "Ready", "asked_in", "customers_only"]

MOST_NODES = 2_000
"""Comparisons, values and signs of a condition together with those of all segments that it names, each time anew."""
DEEPEST = 5
"""Segments one below the other."""

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
    asked_in: str
    ready: list[Ready]
    failed: dict[int, str]
    recovered: list[int]
    """Those that could not be read before and can be now."""
    is_settled: bool
    """Whether all were asked by the settings that the shop has now."""


def customers_only(node: Node) -> Node:
    """The condition as it is asked: of customers, not of visitors, unless it asks for visitors itself."""
    if "visitor" in fields_in(node):
        return node
    return Both("and", (node, Not(FieldRef("visitor", "flag", "visitor"))))


def asked_in(settings: WorkspaceSettings) -> str:
    """By which of a shop's settings a condition says what it says."""
    return f"{settings.time_zone} {settings.currency}"


class Reader:
    """Reads texts of a shop: by its currency, its time zone and its other segments."""

    def __init__(self, conn: Connection, workspace: WorkspaceId, fields: Fields) -> None:
        settings = workspace_of(conn, workspace).settings
        self.zone = zone_named(settings.time_zone)
        self.currency = settings.currency
        self.asked_in = asked_in(settings)
        self._fields = fields
        query = sa.select(_s.name, _s.where_text).where(_s.workspace == workspace)
        self._texts: Mapping[str, str] = dict(row._tuple() for row in conn.execute(query))
        self._named: dict[str, _Named] = {}

    def read(self, text: str, *, within: tuple[str, ...] = ()) -> Node:
        """The condition; `within` names the segments that it is read for. Raises BadSegment."""
        return self._read(text, within).node

    def _read(self, text: str, within: tuple[str, ...]) -> _Named:
        named: dict[str, _Named] = {}

        def other(name: str) -> Node | None:
            if name in within:
                raise BadSegment(f"the segments name each other in a circle: {' → '.join((*within, name))}"[:300])
            if name not in self._texts:
                return None
            found = named[name] = self._other(name, within)
            return found.node

        node = parse(text, self._fields.all, currency=self.currency, zone=self.zone, segment=other)
        nodes = _count(node, named)
        if nodes > MOST_NODES:
            inside = f", with {', '.join(repr(name) for name in sorted(named))}," if named else ""
            raise BadSegment(
                f"the condition{inside} asks {nodes:,} things, {MOST_NODES:,} are the most"[:300],
                hint="each in_segment('…') counts as all that the named segment asks",
            )
        return _Named(node, nodes, 1 + max((one.height for one in named.values()), default=-1))

    def _other(self, name: str, within: tuple[str, ...]) -> _Named:
        """A segment that another names. Each text is read once, however often it is named."""
        if name not in self._named:
            if len(within) > DEEPEST:
                raise BadSegment(f"segments name segments too deeply: {' → '.join((*within, name))}"[:300],
                                 hint=f"at most {DEEPEST} one below the other")  # fmt: skip
            found = self._read(self._texts[name], (*within, name))
            inner = customers_only(found.node)
            self._named[name] = found._replace(node=InSegment(name, inner), nodes=found.nodes + 4)
        found = self._named[name]
        if len(within) + found.height > DEEPEST:
            raise BadSegment(
                f"segments name segments too deeply: {' → '.join((*within, name))} and {found.height} more"[:300],
                hint=f"at most {DEEPEST} one below the other",
            )
        return found


class _Named(NamedTuple):
    """A condition with how much it asks, and how many segments lie one below the other in it."""

    node: Node
    nodes: int
    height: int


def _count(node: Node, named: Mapping[str, _Named]) -> int:
    """The nodes of a condition; a segment's are known already, for it may stand there many times."""
    if isinstance(node, InSegment):
        return named[node.name].nodes
    return 1 + sum(_count(child, named) for child in children(node))


class Library:
    """The books of all shops, as this process knows them. Not thread-safe."""

    def __init__(self, fields: Fields) -> None:
        self.fields = fields
        self._books: dict[WorkspaceId, tuple[object, Book]] = {}

    def book(self, conn: Connection, workspace: WorkspaceId) -> Book:
        """A shop's segments as they are now. Two looks at small tables where nothing changed."""
        # Revisions of removed segments are given out again, numbers of segments never.
        stamped = (sa.func.count(), sa.func.max(_s.revision), sa.func.max(_s.id))
        query = sa.select(*stamped).where(_s.workspace == workspace)
        settings = workspace_of(conn, workspace).settings
        stamp = (*conn.execute(query).one(), settings.time_zone, settings.currency)
        known = self._books.get(workspace)
        if known is None or known[0] != stamp:
            known = self._books[workspace] = (stamp, self._read(conn, workspace))
        return known[1]

    def forget(self, workspace: WorkspaceId) -> None:
        """Read a shop's segments anew when they are asked for next."""
        self._books.pop(workspace, None)

    def _read(self, conn: Connection, workspace: WorkspaceId) -> Book:
        reader = Reader(conn, workspace, self.fields)
        rows = conn.execute(sa.select(membership.segments).where(_s.workspace == workspace).order_by(_s.id)).all()
        is_settled = all(row.asked_in == reader.asked_in for row in rows)
        book = Book(reader.zone, reader.asked_in, [], {}, [], is_settled)
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

"""Graphs of journeys as a process knows them: read once, since no version ever changes; and conditions made ready."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.journeys import store
from rapport.capabilities.journeys.model import Graph
from rapport.kernel.clock import zone_named
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember import membership
from rapport.remember.segments.book import Reader
from rapport.remember.segments.evaluating import Clock, Compiled
from rapport.remember.segments.fields import Fields, Record
from rapport.remember.segments.language import BadSegment
from rapport.remember.store import strands
from rapport.storage.lookup import select_among
from rapport.storage.workspaces import workspace_of

__all__ = ["Graphs", "Persons", "unread_strands"]

_MOST = 2_000
"""Graphs in memory."""


class Graphs:
    """Graphs by shop, name and version. Not thread-safe."""

    def __init__(self) -> None:
        self._known: dict[tuple[WorkspaceId, str, int], Graph] = {}

    def graph(self, conn: Connection, workspace: WorkspaceId, name: str, version: int) -> Graph | None:
        """A graph; None where there is none."""
        key = (workspace, name, version)
        if key not in self._known:
            body = store.body_of(conn, workspace, name, version)
            if body is None:
                return None
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = msgspec.json.decode(body, type=Graph)
        return self._known[key]


class Persons(NamedTuple):
    """Conditions about customers, asked of their records."""

    records: Mapping[Key, Record]
    """By root; who is missing is not in the list of customers yet."""
    reader: Reader
    clock: Clock
    ready: dict[str, Compiled | None]

    @classmethod
    def load(
        cls, conn: Connection, workspace: WorkspaceId, fields: Fields, roots: Collection[Key], *, now: int
    ) -> Persons:
        """Read the records of these customers. One statement for each 500."""
        r = membership.records.c
        query = sa.select(r.root, r.record)
        records = {
            Key(root): msgspec.json.decode(record)
            for root, record in select_among(conn, query, workspace, r.root, roots)
        }
        zone = zone_named(workspace_of(conn, workspace).settings.time_zone)
        return cls(records, Reader(conn, workspace, fields), Clock(now, zone), {})

    def fulfils(self, root: Key, text: str) -> bool:
        """Whether a customer fulfils a condition; one that cannot be read any more is fulfilled by nobody."""
        if text not in self.ready:
            try:
                self.ready[text] = Compiled(self.reader.read(text))
            except BadSegment:
                self.ready[text] = None
        compiled, record = self.ready[text], self.records.get(root)
        return compiled is not None and record is not None and compiled.holds(record, self.clock)


def unread_strands(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> set[Key]:
    """Those of which something has happened that their record does not show yet."""
    query = sa.select(strands.c.key).where(strands.c.dirty)
    return {Key(row.key) for row in select_among(conn, query, workspace, strands.c.key, keys)}

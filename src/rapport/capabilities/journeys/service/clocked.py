"""Journeys that begin by time: when their hour has come, whoever is in the segment enters, part by part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.journeys import store
from rapport.capabilities.journeys.model import Graph, OnTime
from rapport.capabilities.journeys.service.entering import begin
from rapport.capabilities.journeys.service.graphs import next_start
from rapport.capabilities.journeys.service.library import Graphs
from rapport.capabilities.journeys.store import Instance
from rapport.decide.people import identifiers_by_key, strands_by_root
from rapport.kernel.clock import HOUR
from rapport.kernel.facts import Fact
from rapport.kernel.identifiers import Identifier
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember import membership

__all__ = ["LATE", "begin_part", "next_begin"]

LATE = 12 * HOUR
"""After an outage that was longer, a beginning that was missed is left out; the next one comes at its hour."""

_j = store.journeys.c


def next_begin(conn: Connection) -> int | None:
    """When the next journey begins by time, of any shop. One step of an index."""
    query = sa.select(_j.next_at).where(_j.next_at.is_not(None), _j.state == "live")
    return conn.execute(query.order_by(_j.next_at).limit(1)).scalar()


def begin_part(conn: Connection, graphs: Graphs, *, now: int, limit: int) -> int:
    """Let the next `limit` people of one journey whose hour has come begin, and note how far it has come.

    Each enters by a fact of its own name, made of journey, hour and customer: however often a part is done, once.
    """
    due = sa.select(store.journeys).where(_j.next_at <= now, _j.state == "live").order_by(_j.next_at).limit(1)
    row = conn.execute(due.with_for_update(skip_locked=True)).first()
    if row is None:
        return 0
    graph = graphs.graph(conn, row.workspace, row.name, row.version)
    if graph is None or not isinstance(graph.entry, OnTime):
        _note(conn, row, filled_to=b"", next_at=None)
        return 0
    is_missed = not row.filled_to and now - row.next_at > LATE
    segment = _segment(conn, row.workspace, graph.entry.segment)
    if segment is not None and segment.state == "filling" and not is_missed:
        return 0
    roots = [] if is_missed or segment is None else _members(conn, row, segment.id, limit)
    store.add(conn, _beginners(conn, row, graph, roots, now))
    if len(roots) < limit:
        _note(conn, row, filled_to=b"", next_at=next_start(conn, row.workspace, graph, now=now))
    else:
        _note(conn, row, filled_to=roots[-1], next_at=row.next_at)
    return len(roots)


def _segment(conn: Connection, workspace: WorkspaceId, name: str) -> Any:
    s = membership.segments.c
    return conn.execute(sa.select(s.id, s.state).where(s.workspace == workspace, s.name == name)).first()


def _members(conn: Connection, row: Any, segment: int, limit: int) -> list[Key]:
    m = membership.members.c
    query = sa.select(m.root).where(m.workspace == row.workspace, m.segment == segment, m.root > row.filled_to)
    return [Key(root) for root in conn.execute(query.order_by(m.root).limit(limit)).scalars()]


def _beginners(conn: Connection, row: Any, graph: Graph, roots: Sequence[Key], now: int) -> list[Instance]:
    strands = strands_by_root(conn, row.workspace, roots)
    of = {strand: root for root, several in strands.items() for strand in several}
    named = identifiers_by_key(conn, row.workspace, of)
    theirs: defaultdict[Key, list[Instance]] = defaultdict(list)
    for one in store.of_strands(conn, row.workspace, of):
        theirs[of[one.strand]].append(one)
    found = []
    for root in roots:
        fact = Fact(id=f"clock:{row.next_at}:{root.hex()}", type="track", name="", properties={})
        made = begin(
            theirs[root], row.workspace, row.name, row.version, graph, strand=_strand_of(strands[root], named),
            root=root, subject="", fact=fact, now=now,
        )  # fmt: skip
        if made is not None:
            found.append(made)
    return found


def _strand_of(strands: Collection[Key], named: Mapping[Key, Identifier]) -> Key:
    """By which of a customer's identifiers they enter: one that messages reach, else an account, else any."""
    order = {"email": 0, "user_id": 1}
    return min(strands, key=lambda key: (order.get(named[key].namespace, 2) if key in named else 3, key))


def _note(conn: Connection, row: Any, *, filled_to: bytes, next_at: int | None) -> None:
    update = store.journeys.update().where(_j.workspace == row.workspace, _j.name == row.name)
    conn.execute(update.values(filled_to=filled_to, next_at=next_at))

"""From facts to journeys: who enters by one, who has waited for it, whose goal it is. Steps are done by the job."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.journeys import store
from rapport.capabilities.journeys.model import Graph, OnFact, OnSegment
from rapport.capabilities.journeys.service.library import Graphs
from rapport.capabilities.journeys.store import DONE, Context, Instance
from rapport.capabilities.journeys.waiting import (
    SEGMENT_FACTS,
    enters,
    is_awaited,
    is_met,
    names_heard,
    question_id,
    subject_name,
)
from rapport.decide.people import roots_of, strands_by_root
from rapport.kernel.clock import DAY, SECOND
from rapport.kernel.facts import Fact
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import EVERY_FACT, Seen, Work

__all__ = ["FRESH", "Entering", "begin", "may_enter"]

FRESH = DAY
"""A fact that was received later than this after it happened is history: nobody enters by it."""

SETTLING = 2 * SECOND
"""So long a journey that asks about the customer gives their record to take the fact in."""

GOAL = 2
"""`Instance.heard`: the goal was reached. 1 is: what was waited for has happened."""

_SMALL = 4_000
"""Bytes of the entry's properties that are kept."""


class _Heard(NamedTuple):
    """What journeys of a shop listen to."""

    entries: Mapping[str, Sequence[tuple[str, int, Graph]]]
    """By fact: the journeys that may be entered by it, with version."""
    awaited: frozenset[str]


class Entering:
    """The stage: hears every fact, and looks closer at those that some journey asks about."""

    listens_to: Collection[str] = (EVERY_FACT,)

    def __init__(self) -> None:
        self._notes: list[Seen] = []
        self._graphs = Graphs()
        self._stamp: object = None
        self._heard: dict[WorkspaceId, _Heard] = {}

    def handle(self, seen: Seen) -> None:
        if seen.fact.received_at - seen.fact.occurred_at < FRESH:
            self._notes.append(seen)

    def flush(self, conn: Connection, work: Work, now: int) -> None:
        notes, self._notes = self._notes, []
        if notes and self._listen(conn):
            by_shop: defaultdict[WorkspaceId, list[Seen]] = defaultdict(list)
            for seen in notes:
                heard = self._heard.get(seen.workspace)
                if heard and (seen.fact.name in heard.entries or seen.fact.name in heard.awaited):
                    by_shop[seen.workspace].append(seen)
            for workspace, some in by_shop.items():
                self._take(conn, workspace, some, now)

    def abandon(self) -> None:
        self._notes.clear()

    def _listen(self, conn: Connection) -> bool:
        """Know all journeys as they are now; False where there is none. One look at a small table."""
        j = store.journeys.c
        query = sa.select(j.workspace, j.name, j.version, j.state, j.changed_at).order_by(j.workspace, j.name)
        rows = [row._tuple() for row in conn.execute(query)]
        if rows != self._stamp:
            self._stamp, self._heard = rows, self._read(conn, rows)
        return bool(rows)

    def _read(self, conn: Connection, rows: Sequence[Any]) -> dict[WorkspaceId, _Heard]:
        found: dict[WorkspaceId, tuple[defaultdict[str, list[tuple[str, int, Graph]]], set[str]]] = {}
        for workspace, name, version, state, _ in rows:
            entries, awaited = found.setdefault(workspace, (defaultdict(list), set()))
            for number in range(max(1, version - 20), version + 1):
                graph = self._graphs.graph(conn, workspace, name, number)
                if graph is None:
                    continue
                awaited |= names_heard(graph)
                if number == version and state == "live" and isinstance(graph.entry, OnFact | OnSegment):
                    entry = graph.entry
                    fact = entry.fact if isinstance(entry, OnFact) else SEGMENT_FACTS[entry.when]
                    entries[fact].append((name, version, graph))
        return {shop: _Heard(dict(entries), frozenset(awaited)) for shop, (entries, awaited) in found.items()}

    def _take(self, conn: Connection, workspace: WorkspaceId, notes: Sequence[Seen], now: int) -> None:
        """Look whom these facts concern: one reading of the customers' journeys for all of them."""
        roots = roots_of(conn, workspace, {seen.strand for seen in notes})
        strands = strands_by_root(conn, workspace, set(roots.values()))
        of = {strand: root for root, several in strands.items() for strand in several}
        theirs: defaultdict[Key, list[Instance]] = defaultdict(list)
        for one in store.of_strands(conn, workspace, of):
            theirs[of[one.strand]].append(one)
        woken: set[tuple[WorkspaceId, str, str]] = set()
        reached: set[str] = set()
        new: list[Instance] = []
        for seen in notes:
            root = roots[seen.strand]
            for one in theirs[root]:
                if one.state != DONE:
                    self._hear(conn, one, seen.fact, woken, reached)
            for name, version, graph in self._heard[workspace].entries.get(seen.fact.name, ()):
                subject = enters(graph, seen.fact)
                if subject is not None:
                    made = begin(
                        theirs[root], workspace, name, version, graph, strand=seen.strand, root=root, subject=subject,
                        fact=seen.fact, now=now,
                    )  # fmt: skip
                    if made is not None:
                        new.append(made)
                        theirs[root].append(made)
        store.heard(conn, woken, now=now)
        store.reached(conn, workspace, reached, now=now)
        store.add(conn, new)

    def _hear(
        self, conn: Connection, one: Instance, fact: Fact, woken: set[tuple[WorkspaceId, str, str]], reached: set[str]
    ) -> None:
        graph = self._graphs.graph(conn, one.workspace, one.journey, one.version)
        if graph is None or one.context.fact == fact.id:
            return
        if graph.goal is not None and is_met(graph.goal, fact, subject=one.subject, subject_name=subject_name(graph)):
            reached.add(one.id)
        node = graph.nodes.get(one.node)
        if node is not None and one.rests and is_awaited(
            graph, node, fact, subject=one.subject, question=question_id(one.id, one.node)
        ):  # fmt: skip
            woken.add((one.workspace, one.id, fact.name))


def may_enter(theirs: Sequence[Instance], journey: str, subject: str, graph: Graph, *, now: int) -> int | None:
    """For the how many-th time a customer with these journeys enters this one; None where they may not."""
    same = [one for one in theirs if one.journey == journey and one.subject == subject]
    if not same:
        return 0
    if graph.again_after_days is None or any(one.state != DONE for one in same):
        return None
    last = max(one.entered_at for one in same)
    return max(one.turn for one in same) + 1 if now - last >= graph.again_after_days * DAY else None


def begin(
    theirs: Sequence[Instance], workspace: WorkspaceId, journey: str, version: int, graph: Graph, *, strand: Key,
    root: Key, subject: str, fact: Fact, now: int,
) -> Instance | None:  # fmt: skip
    """Somebody at the door of a journey; None where they are in it, or were and may not come again."""
    turn = may_enter(theirs, journey, subject, graph, now=now)
    if turn is None:
        return None
    named = f"{workspace}\x1f{journey}\x1f{fact.id}".encode()
    properties = fact.properties if len(msgspec.json.encode(fact.properties)) <= _SMALL else _smaller(fact.properties)
    return Instance(
        workspace=workspace, id=f"jny_{blake2b(named, digest_size=16).hexdigest()}", bucket=store.bucket(strand),
        journey=journey, version=version, strand=strand, root=root, subject=subject, turn=turn, since=now,
        due_at=now + (SETTLING if graph.only_if else 0), entered_at=now,
        context=Context(fact=fact.id, at=fact.occurred_at, entry=properties),
    )  # fmt: skip


def _smaller(properties: Mapping[str, Any]) -> dict[str, Any]:
    """What is short of it, and the first lines of what is long."""
    found: dict[str, Any] = {}
    left = _SMALL
    for name, value in properties.items():
        kept = value[:5] if isinstance(value, list) else value
        size = len(msgspec.json.encode(kept))
        if size <= min(left, _SMALL // 2):
            found[name] = kept
            left -= size
    return found

"""A journey tried on the past: who would have entered by last month's log, and what they would have got.

Changes nothing. Conditions about the customer are asked of the record as it is today; what stops a single message
(consent, caps, quiet hours) is not asked: the figures say how many would have come to each step.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.journeys.clocks import after_span, at_local_hour
from rapport.capabilities.journeys.model import (
    CONTROL,
    Ask,
    Branch,
    Exit,
    Goal,
    Graph,
    Node,
    OnApi,
    OnTime,
    Send,
    Split,
    Wait,
    WaitForFact,
    WaitForHour,
    WaitForSegment,
    holds,
)
from rapport.capabilities.journeys.service.chance import percent_of
from rapport.capabilities.journeys.service.entering import may_enter
from rapport.capabilities.journeys.service.library import Persons
from rapport.capabilities.journeys.store import DONE, Context, Instance
from rapport.capabilities.journeys.waiting import SEGMENT_FACTS, enters, is_awaited, is_met, names_heard, subject_name
from rapport.capabilities.messages import reaching, recipients
from rapport.decide.people import roots_of
from rapport.kernel.clock import DAY, to_iso, zone_named
from rapport.kernel.errors import InvalidInput
from rapport.kernel.facts import Fact, name_of
from rapport.kernel.ids import CustomerId, Key, WorkspaceId
from rapport.remember.segments.fields import Fields
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.storage import log
from rapport.storage.log import StoredRow, to_fact
from rapport.storage.workspaces import workspace_of

__all__ = ["DryRun", "Traveller", "dry_run"]

MOST_FACTS = 300_000
"""Facts that are looked at, the newest."""
MOST_ENTRIES = 5_000
SHOWN = 50
_CHUNK = 5_000


class Traveller(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who would have been in it."""

    customer_id: CustomerId
    subject: str
    entered_at: str
    arm: str
    got: list[str]
    """The templates they would have been sent, in order."""
    outcome: str
    """`goal`, `end`, `control`, or `inside`: still on the way at the end."""


class DryRun(msgspec.Struct, frozen=True, kw_only=True):
    """What would have happened."""

    since: str
    until: str
    facts: int
    """Facts of that time that were looked at."""
    whole: bool
    """False where there were more facts, or more who entered, than are looked at."""
    entered: int
    control: int
    outcomes: dict[str, int]
    sent: dict[str, int]
    """Messages by template."""
    channels: dict[str, int]
    """Messages by the channel that would reach them, as what is known of them stands today; `none` where none does."""
    nodes: dict[str, int]
    """How many would have come to each node."""
    travellers: list[Traveller]
    """The first fifty."""


class _Way(NamedTuple):
    """How one of them went."""

    nodes: list[str]
    got: list[str]
    by: list[str]
    """The channel of each that they got; empty where none reaches them."""
    outcome: str
    left_at: int


def dry_run(
    conn: Connection, workspace: WorkspaceId, name: str, graph: Graph, *, fields: Fields, now: int, days: int = 30
) -> DryRun:
    """Try a graph on the log of the last days. Raises InvalidInput for one that no fact lets anybody in by.

    Cost: the facts of that time, at most 300,000, some seconds.
    """
    if isinstance(graph.entry, OnTime | OnApi):
        raise InvalidInput(
            "nobody enters this journey by a fact, so the log does not say who would have",
            hint="try its segment instead",
        )
    since = now - days * DAY
    rows, looked_at, whole = _read(conn, workspace, graph, since)
    roots = roots_of(conn, workspace, {Key(row.strand) for row in rows})
    by_root: defaultdict[Key, list[Fact]] = defaultdict(list)
    entries: list[tuple[Key, Key, Fact, str]] = []
    for row in rows:
        fact, root = to_fact(row), roots[Key(row.strand)]
        by_root[root].append(fact)
        subject = enters(graph, fact)
        if subject is not None:
            entries.append((Key(row.strand), root, fact, subject))
    some = entries[:MOST_ENTRIES]
    asks = graph.only_if or any(isinstance(node, Branch) for node in graph.nodes.values())
    persons = Persons.load(conn, workspace, fields, {root for _, root, *_ in some} if asks else (), now=now)
    walker = _Walker(conn, workspace, name, graph, persons, {strand for strand, *_ in some}, by_root, now)
    taken = walker.all(some)
    return _told(conn, taken, since=since, now=now, facts=looked_at, whole=whole and len(some) == len(entries))


def _read(conn: Connection, workspace: WorkspaceId, graph: Graph, since: int) -> tuple[list[StoredRow], int, bool]:
    """The facts that mean something to the journey, the oldest first; how many were looked at; whether all were."""
    f = log.facts.c
    entry = graph.entry
    names = names_heard(graph) | {getattr(entry, "fact", "") or SEGMENT_FACTS[getattr(entry, "when", "entered")]}
    names |= {
        way.happened.fact for node in graph.nodes.values() if isinstance(node, Branch) for way in node.ways
        if way.happened is not None
    }  # fmt: skip
    query = sa.select(*(f[name] for name in StoredRow._fields)).where(f.workspace == workspace).order_by(f.seq.desc())
    found: list[StoredRow] = []
    looked_at, last = 0, 2**62
    while looked_at < MOST_FACTS:
        rows = [StoredRow._make(row) for row in conn.execute(query.where(f.seq < last).limit(_CHUNK))]
        looked_at += len(rows)
        fresh = [row for row in rows if row.received_at >= since]
        found += [row for row in fresh if row.occurred_at >= since and name_of(row.body) in names]
        if len(rows) < _CHUNK or len(fresh) < len(rows):
            break
        last = rows[-1].seq
    found.sort(key=lambda row: (row.occurred_at, row.seq))
    return found, looked_at, looked_at < MOST_FACTS


class _Walker:
    """Walks the graph for everybody who would have entered."""

    def __init__(
        self, conn: Connection, workspace: WorkspaceId, name: str, graph: Graph, persons: Persons,
        strands: set[Key], facts: Mapping[Key, Sequence[Fact]], now: int,
    ) -> None:  # fmt: skip
        self._workspace, self._name, self._graph, self._persons, self._now = workspace, name, graph, persons, now
        self._facts = facts
        self._zone = zone_named(workspace_of(conn, workspace).settings.time_zone)
        asks = any(isinstance(node, Wait | WaitForHour | Send) for node in graph.nodes.values())
        self._people: Mapping[Key, Any] = recipients(conn, workspace, strands) if asks else {}
        self._reaching = {
            name: reaching(conn, workspace, node.channel, node.fallback)
            for name, node in graph.nodes.items() if isinstance(node, Send)
        }  # fmt: skip
        self._subject = subject_name(graph)

    def all(self, entries: Sequence[tuple[Key, Key, Fact, str]]) -> list[tuple[Instance, _Way]]:
        """Everybody who would have entered, with how they went."""
        theirs: defaultdict[Key, list[Instance]] = defaultdict(list)
        taken: list[tuple[Instance, _Way]] = []
        for strand, root, fact, subject in entries:
            at = fact.occurred_at
            earlier = [_seen_at(one, at) for one in theirs[root]]
            turn = may_enter(earlier, self._name, subject, self._graph, now=at)
            if turn is None or (self._graph.only_if and not self._persons.fulfils(root, self._graph.only_if)):
                continue
            one = Instance(
                workspace=self._workspace, id=f"try.{len(taken)}", bucket=0, journey=self._name, version=0,
                strand=strand, root=root, subject=subject, turn=turn, entered_at=at,
                context=Context(fact=fact.id, entry=fact.properties),
            )  # fmt: skip
            is_control = percent_of(self._name, "arm", root) < self._graph.control_percent
            one.arm = CONTROL if is_control else "journey"
            way = _Way([], [], [], "control", at) if is_control else self._walk(one)
            one.finished_at = way.left_at
            theirs[root].append(one)
            taken.append((one, way))
        return taken

    def _walk(self, one: Instance) -> _Way:
        at, name = one.entered_at, self._graph.start
        nodes: list[str] = []
        got: list[str] = []
        by: list[str] = []
        later = [fact for fact in self._facts[one.root] if fact.occurred_at >= at and fact.id != one.context.fact]
        goal = next((fact.occurred_at for fact in later if self._is_goal(one, fact)), None)
        for _ in range(1_000):
            if at > self._now:
                return _Way(nodes, got, by, "inside", self._now)
            if goal is not None and goal <= at:
                return _Way(nodes, got, by, "goal", goal)
            node = self._graph.nodes[name]
            nodes.append(name)
            if isinstance(node, Exit | Goal):
                return _Way(nodes, got, by, "goal" if isinstance(node, Goal) else "end", at)
            if isinstance(node, Send):
                got.append(node.template)
                by.append(self._reaching[name](self._people[one.strand]))
            at, name = self._next(one, name, node, at, later)
        return _Way(nodes, got, by, "inside", at)

    def _is_goal(self, one: Instance, fact: Fact) -> bool:
        goal = self._graph.goal
        return goal is not None and is_met(goal, fact, subject=one.subject, subject_name=self._subject)

    def _next(self, one: Instance, name: str, node: Any, at: int, later: Sequence[Fact]) -> tuple[int, str]:
        """When and where they go on."""
        if isinstance(node, Wait):
            return after_span(at, node.span, self._zone_of(one)), node.next
        if isinstance(node, WaitForHour):
            return at_local_hour(at, node.at, self._zone_of(one), days=node.days), node.next
        if isinstance(node, WaitForFact | WaitForSegment | Ask):
            end = after_span(at, node.at_most, self._zone_of(one))
            met = next(
                (fact.occurred_at for fact in later if at <= fact.occurred_at <= end and self._wakes(one, node, fact)),
                None,
            )
            return (end, node.otherwise) if met is None else (met, node.next)
        if isinstance(node, Branch):
            way = next((way for way in node.ways if self._leads(one, way, at, later)), None)
            return at, way.next if way is not None else node.otherwise
        if isinstance(node, Split):
            return at, _share(node, percent_of(one.journey, name, one.root))
        return at, node.next

    def _wakes(self, one: Instance, node: Node, fact: Fact) -> bool:
        return is_awaited(self._graph, node, fact, subject=one.subject, question="")

    def _leads(self, one: Instance, way: Any, at: int, later: Sequence[Fact]) -> bool:
        if way.decision or (way.where and not self._persons.fulfils(one.root, way.where)):
            return bool(way.decision) and not way.where
        done = [fact for fact in later if fact.occurred_at <= at]
        wanted = way.happened
        return holds(way.entry, one.context.entry) and (
            wanted is None
            or any(is_met(wanted, fact, subject=one.subject, subject_name=self._subject) for fact in done)
        )

    def _zone_of(self, one: Instance) -> ZoneInfo:
        person = self._people.get(one.strand)
        try:
            return ZoneInfo(person.time_zone) if person is not None and person.time_zone else self._zone
        except (ValueError, KeyError, OSError):
            return self._zone


def _share(node: Split, left: float) -> str:
    for way in node.ways:
        if left < way.percent:
            return way.next
        left -= way.percent
    return node.ways[-1].next


def _seen_at(one: Instance, at: int) -> Instance:
    """As they stood at a moment: still inside, or out of it."""
    state = DONE if one.finished_at is not None and one.finished_at <= at else "active"
    return msgspec.structs.replace(one, state=state)


def _told(
    conn: Connection, taken: Sequence[tuple[Instance, _Way]], *, since: int, now: int, facts: int, whole: bool
) -> DryRun:
    ids = load_customer_ids(conn) if taken else None
    id_of: Callable[[Key], CustomerId] = ids.customer_id if ids else lambda _: CustomerId("")
    nodes = Counter(name for _, way in taken for name in set(way.nodes))
    return DryRun(
        since=to_iso(since), until=to_iso(now), facts=facts, whole=whole, entered=len(taken),
        control=sum(one.arm == CONTROL for one, _ in taken),
        outcomes=dict(Counter(way.outcome for _, way in taken)),
        sent=dict(Counter(template for _, way in taken for template in way.got)), nodes=dict(nodes),
        channels=dict(Counter(channel or "none" for _, way in taken for channel in way.by)),
        travellers=[
            Traveller(
                customer_id=id_of(one.root), subject=one.subject, entered_at=to_iso(one.entered_at), arm=one.arm,
                got=way.got, outcome=way.outcome,
            )
            for one, way in taken[:SHOWN]
        ],
    )  # fmt: skip

"""What is known while steps of one shop are done: the people behind them, their journeys, their clocks, their past."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.journeys import store
from rapport.capabilities.journeys.model import Graph
from rapport.capabilities.journeys.service.library import Graphs, Persons, unread_strands
from rapport.capabilities.journeys.store import Instance
from rapport.capabilities.messages import recipients
from rapport.collect.own import own_fact, own_traits
from rapport.decide.people import identifiers_by_key, naming, roots_of, strands_by_root
from rapport.decide.service import Decider
from rapport.kernel.clock import zone_named
from rapport.kernel.errors import InvalidFact
from rapport.kernel.facts import Fact, name_of
from rapport.kernel.identifiers import Identifier
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Work
from rapport.remember import membership
from rapport.remember.segments.fields import Fields
from rapport.storage import log
from rapport.storage.log import to_fact
from rapport.storage.lookup import select_among
from rapport.storage.workspaces import workspace_of

__all__ = ["Going", "Move", "Tools"]

_AT_ONCE = 2_000
"""Facts of the past that are in memory at once while those that matter are looked for."""


class Tools(NamedTuple):
    """What steps need of the installation; it lasts as long as the process."""

    graphs: Graphs
    fields: Fields
    decider: Decider | None


class Move(NamedTuple):
    """What becomes of somebody after a step; without a target and an outcome they rest where they are."""

    one: Instance
    target: str = ""
    due_at: int = 0
    waits_for: str = ""
    outcome: str = ""
    reason: str = ""
    sent: str = ""
    """The id of the message, task or question that the node has made."""
    items: Sequence[Mapping[str, Any]] | None = None
    """What it has decided."""
    forget: bool = False
    """They do not enter."""
    again: bool = False
    """The step is tried again at `due_at`."""


class Going:
    """One shop's part of a turn. What costs a query is asked once, for all who are moved in it."""

    def __init__(
        self, conn: Connection, work: Work, workspace: WorkspaceId, tools: Tools, claimed: Sequence[Instance], now: int
    ) -> None:
        self.conn, self.work, self.workspace, self.tools, self.now = conn, work, workspace, tools, now
        self.claimed = claimed
        self.roots = roots_of(conn, workspace, {one.strand for one in claimed})
        self._stating: list[tuple[Key, str, str, dict[str, Any]]] = []
        self._remembering: list[tuple[Key, str, dict[str, Any]]] = []

    @cached_property
    def journeys(self) -> dict[str, Any]:
        """The rows of the journeys, by name, the removed ones too."""
        j = store.journeys.c
        names = {one.journey for one in self.claimed}
        return {
            row.name: row for row in select_among(self.conn, sa.select(store.journeys), self.workspace, j.name, names)
        }

    @cached_property
    def strands(self) -> dict[Key, list[Key]]:
        """All strands of each customer."""
        return strands_by_root(self.conn, self.workspace, set(self.roots.values()))

    @cached_property
    def siblings(self) -> dict[Key, list[Instance]]:
        """All that each customer ever was in, by root."""
        of = {strand: root for root, several in self.strands.items() for strand in several}
        found: defaultdict[Key, list[Instance]] = defaultdict(list)
        for one in store.of_strands(self.conn, self.workspace, of):
            found[of[one.strand]].append(one)
        return found

    @cached_property
    def zone(self) -> ZoneInfo:
        """The shop's."""
        return zone_named(workspace_of(self.conn, self.workspace).settings.time_zone)

    @cached_property
    def people(self) -> Mapping[Key, Any]:
        """Name, language and clock of all who are moved."""
        return recipients(self.conn, self.workspace, {one.strand for one in self.claimed})

    @cached_property
    def identifiers(self) -> dict[Key, Identifier]:
        return identifiers_by_key(self.conn, self.workspace, {one.strand for one in self.claimed})

    @cached_property
    def persons(self) -> Persons:
        """Conditions, to be asked of the customers' records."""
        roots = set(self.roots.values())
        return Persons.load(self.conn, self.workspace, self.tools.fields, roots, now=self.now)

    @cached_property
    def unread(self) -> set[Key]:
        """Customers whose record does not show yet what they last did."""
        of = {strand: root for root, several in self.strands.items() for strand in several}
        return {of[key] for key in unread_strands(self.conn, self.workspace, of)}

    def graph(self, one: Instance) -> Graph | None:
        return self.tools.graphs.graph(self.conn, self.workspace, one.journey, one.version)

    def zone_of(self, one: Instance) -> ZoneInfo:
        """The customer's time zone; the shop's where theirs is unknown, or none."""
        named = self.people[one.strand].time_zone
        try:
            return ZoneInfo(named) if named else self.zone
        except (ValueError, KeyError, OSError):
            return self.zone

    def past(
        self, some: Sequence[Instance], since: Callable[[Instance], int], *, names: Collection[str]
    ) -> Mapping[str, Sequence[Fact]]:
        """By instance: what of these names the customer did after a moment, by any of their identifiers.

        Facts that came while a step was under way, or of somebody who is the same customer only since, are there, too.
        Cost: all that these customers did since the earliest moment is read, a part at a time; what has one of the
        names is kept.
        """
        f = log.facts.c
        of = {strand: root for root, several in self.strands.items() for strand in several}
        wanted = {strand for one in some for strand in self.strands[self.roots[one.strand]]}
        if not some:
            return {}
        first = min(since(one) for one in some)
        query = (
            sa.select(*(f[name] for name in log.StoredRow._fields))
            .where(f.occurred_at >= first).execution_options(yield_per=_AT_ONCE)
        )  # fmt: skip
        by_root: defaultdict[Key, list[Fact]] = defaultdict(list)
        for row in select_among(self.conn, query, self.workspace, f.strand, wanted):
            if name_of(row.body) in names:
                by_root[of[row.strand]].append(to_fact(log.StoredRow._make(row)))
        return {
            one.id: [
                fact for fact in by_root[self.roots[one.strand]]
                if fact.occurred_at >= since(one) and fact.id != one.context.fact
            ]
            for one in some
        }  # fmt: skip

    def members(self, segment: str, roots: Collection[Key]) -> set[Key]:
        """Who of these customers is in a segment now."""
        m, s = membership.members.c, membership.segments.c
        number = sa.select(s.id).where(s.workspace == self.workspace, s.name == segment).scalar_subquery()
        query = sa.select(m.root).where(m.segment == number)
        return {Key(row.root) for row in select_among(self.conn, query, self.workspace, m.root, roots)}

    def state(self, one: Instance, name: str, ident: str, **properties: Any) -> None:
        """State a fact about somebody, at the end of the turn."""
        said = {key: value for key, value in properties.items() if value not in ("", None)}
        self._stating.append((one.strand, name, ident, said))

    def remember(self, one: Instance, ident: str, traits: dict[str, Any]) -> None:
        """Have something of somebody remembered, as if a system of the shop had said so."""
        self._remembering.append((one.strand, ident, traits))

    def mark(self) -> tuple[Any, int, int]:
        """Where `rollback` comes back to."""
        return self.work.mark(), len(self._stating), len(self._remembering)

    def rollback(self, mark: tuple[Any, int, int]) -> None:
        """Take back what was sent, scheduled and stated since."""
        self.work.rollback(mark[0])
        del self._stating[mark[1] :]
        del self._remembering[mark[2] :]

    def facts(self) -> Iterable[log.LogRow]:
        """The facts to state; of whoever has no identifier any more, none."""
        for strand, name, ident, properties in self._stating:
            if strand in self.identifiers:
                with suppress(InvalidFact):
                    yield own_fact(
                        self.workspace, name=name, id=ident, occurred_at=self.now, received_at=self.now,
                        properties=properties, **naming(self.identifiers[strand]),
                    )  # fmt: skip
        for strand, ident, traits in self._remembering:
            if strand in self.identifiers:
                with suppress(InvalidFact):
                    yield own_traits(
                        self.workspace, id=ident, received_at=self.now, traits=traits,
                        **naming(self.identifiers[strand]),
                    )  # fmt: skip

"""Who is one customer at this moment, with and without learned links: what the scorecard measures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.collect.model import IMPORT_SOURCE
from rapport.collect.sources import list_sources
from rapport.kernel.identifiers import Identifier
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph.model import Kind, Status
from rapport.resolve.graph.store import evidence, identifiers
from rapport.resolve.linking.units import units_of
from rapport.world.scoring import Assigned

__all__ = ["Customers", "read_customers"]

ELSEWHERE = "other"
"""The channel of what a source brought that is not there any more."""


class Customers(NamedTuple):
    """All identifiers of a workspace, and to which customer each belongs."""

    names: dict[Key, Identifier]
    channels: dict[Key, str]
    """Identifier → kind of the source that saw it first."""
    roots: dict[Key, Key]
    """Identifier → its customer."""
    units: dict[Key, Key]
    """Identifier → its customer if no learned link counted, called by one of the identifiers."""
    links: list[tuple[Key, Key]]
    """The two ends of each learned link in force."""

    def found(self) -> dict[Identifier, Assigned]:
        """Customers as they are."""
        return self._assigned(self.roots)

    def certain(self) -> dict[Identifier, Assigned]:
        """Customers as they would be without learned links."""
        return self._assigned(self.units)

    def members(self) -> dict[Key, list[Key]]:
        """Customer → identifiers."""
        groups: defaultdict[Key, list[Key]] = defaultdict(list)
        for key, root in self.roots.items():
            groups[root].append(key)
        return groups

    def unit_members(self) -> dict[Key, list[Identifier]]:
        """Unit → its identifiers, for the units at the ends of learned links."""
        ends = {self.units[end] for link in self.links for end in link}
        groups: defaultdict[Key, list[Identifier]] = defaultdict(list)
        for key, unit in self.units.items():
            if unit in ends:
                groups[unit].append(self.names[key])
        return groups

    def _assigned(self, customers: Mapping[Key, Key]) -> dict[Identifier, Assigned]:
        return {name: Assigned(customers[key].hex(), self.channels[key]) for key, name in self.names.items()}


def read_customers(conn: Connection, workspace: WorkspaceId) -> Customers:
    """Read all identifiers and learned links of a workspace: a few set-based reads, linear in their number."""
    kinds: dict[str, str] = {source.id: source.kind for source in list_sources(conn, workspace)}
    kinds[IMPORT_SOURCE] = "import"
    own, tie = identifiers.c, evidence.c
    query = sa.select(own.key, own.namespace, own.value, own.source, own.root).where(own.workspace == workspace)
    names, channels, roots = {}, {}, {}
    for key, namespace, value, source, root in conn.execute(query):
        names[key] = Identifier(namespace, value)
        channels[key] = kinds.get(source, ELSEWHERE)
        roots[key] = root
    learned = sa.select(tie.a, tie.b).where(
        tie.workspace == workspace, tie.kind == Kind.PROBABLE.value, tie.status == int(Status.LINKED)
    )
    links = [(Key(a), Key(b)) for a, b in conn.execute(learned)]
    units = dict(roots)
    for several in units_of(conn, workspace, {roots[end] for link in links for end in link}).values():
        units.update((key, unit) for unit, keys in several.items() for key in keys)
    return Customers(names, channels, roots, units, links)

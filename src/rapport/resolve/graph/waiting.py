"""Evidence between identifiers of which nobody has seen one: it waits in its table, and counts once they are seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.identifiers import ALIASED, Identifier, IdentifierPolicy
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph import store
from rapport.resolve.graph.model import Evidence, EvidenceId, Kind, Status, oriented
from rapport.resolve.graph.neighbourhood import Neighbourhood
from rapport.storage.bulk import upsert
from rapport.storage.lookup import select_among

__all__ = ["LastSeen", "awake", "keep_waiting"]


class LastSeen(NamedTuple):
    """The last day, from 1970, on which evidence was seen, and by which fact."""

    day: int
    fact: str


def keep_waiting(
    conn: Connection, workspace: WorkspaceId, policy: IdentifierPolicy, around: Neighbourhood,
    waiting: Mapping[EvidenceId, Evidence], maybe: Mapping[Key, Identifier],
) -> None:  # fmt: skip
    """Keep evidence to identifiers that nobody has seen, by its earliest fact and last day."""
    nodes, column = around.nodes, store.evidence.c
    query = sa.select(column.id, column.first_at, column.first_fact, column.source, column.last_day)
    kept = {row.id: row for row in select_among(conn, query, workspace, column.id, list(waiting))}
    rows = []
    for ident, piece in waiting.items():
        ranks = [nodes[k].rank if k in nodes else policy.rank(maybe[k].namespace) for k in (piece.a, piece.b)]
        a, b = oriented(piece.a, ranks[0], piece.b, ranks[1])
        first, day = (piece.first_at, piece.first_fact, piece.source), piece.last_day
        if (old := kept.get(ident)) is not None:
            first, day = min(first, (old.first_at, old.first_fact, old.source)), max(day, old.last_day)
        rows.append({
            "workspace": workspace, "id": ident, "a": a, "b": b, "kind": piece.kind.value,
            "peer": ranks[0] == ranks[1], "first_at": first[0], "first_fact": first[1], "source": first[2],
            "weight": piece.weight, "status": int(Status.WAITING), "last_day": day, "until_day": None,
            "author": None, "reason": None,
        })  # fmt: skip
    upsert(
        conn, store.evidence, rows, key=["workspace", "id"],
        update=["first_at", "first_fact", "source", "last_day"],
    )  # fmt: skip


def awake(
    around: Neighbourhood, new: Iterable[Key], evidence: Mapping[EvidenceId, Evidence],
    again: Mapping[EvidenceId, LastSeen],
) -> dict[EvidenceId, Evidence]:  # fmt: skip
    """The evidence that waited for these identifiers, as if it were new."""
    found: dict[EvidenceId, Evidence] = {}
    nodes = around.nodes
    rows = around.waiting_for([key for key in new if nodes[key].namespace in ALIASED])
    around.load({end for row in rows for end in (row.a, row.b)})
    for row in rows:
        if row.a not in nodes or row.b not in nodes:
            continue
        given = evidence.get(row.id)
        first = (row.first_at, row.first_fact, row.source)
        day = max(row.last_day, again[row.id].day if row.id in again else 0)
        if given is not None:
            first = min(first, (given.first_at, given.first_fact, given.source))
            day = max(day, given.last_day)
        found[row.id] = Evidence(row.a, row.b, Kind(row.kind), first[0], first[1], first[2], row.weight, again_day=day)
    return found

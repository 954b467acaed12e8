"""From facts to causes, and from causes to points: what the slice does in a worker's batch."""

from __future__ import annotations

from collections.abc import Sequence

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.causes import Cause, cause_of
from rapport.capabilities.loyalty.facts import IDENTITY_FACTS, ORDER_FACTS, RULE_FACTS
from rapport.capabilities.loyalty.settling import settle
from rapport.decide import people
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection, Seen, Work

__all__ = ["LISTENS_TO", "keep"]

LISTENS_TO = frozenset((*ORDER_FACTS, *RULE_FACTS, *IDENTITY_FACTS))


def keep(conn: Connection, work: Work, notes: Sequence[Seen], now: int) -> None:
    """Keep what a batch says, and settle whom it is about. Without a programme the causes are kept all the same:
    whoever begins one later knows who has bought before.
    """
    touched: dict[WorkspaceId, dict[Key, str]] = {}
    told: list[Cause] = []
    for note in notes:
        touched.setdefault(note.workspace, {})[note.strand] = note.fact.id
        if note.fact.name not in IDENTITY_FACTS:
            cause = cause_of(note, work.known(conn, note.workspace, people.reading_settings))
            if cause is not None:
                told.append(cause)
    store.keep_causes(conn, told)
    for workspace, behind in touched.items():
        strands = set(behind)
        for one in store.causes_of(conn, workspace, (), {c.subject for c in told if c.workspace == workspace}):
            strands.add(one.strand)
        for row in settle(conn, workspace, strands, cause=behind, now=now):
            work.state(row)

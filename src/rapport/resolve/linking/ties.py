"""From learned links to evidence and back: of kind `probable`, so that it is explained, withdrawn and undone as all is.

What a person said stands above a model: evidence somebody withdrew stays withdrawn, and a forbidden pair is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph import stated, store
from rapport.resolve.graph.model import Evidence, EvidenceId, Kind, Status, evidence_id
from rapport.resolve.graph.recompute import Moved, Recomputation

__all__ = ["AUTHOR", "PolicyIn", "Tied", "tie"]

PolicyIn = Callable[[Connection, WorkspaceId], IdentifierPolicy]
"""Reads a shop's policy; asked under the lock, so that it is the one in force."""

AUTHOR = "learned links"
"""Stands in the audit trail where a model, not a person, took a link back."""


class Tied(NamedTuple):
    """What came of it."""

    moved: list[Moved]
    linked: frozenset[EvidenceId]
    """Of those asked for: the evidence that counts now. The rest is refused by the policy or withdrawn by a person."""


def tie(
    conn: Connection,
    workspace: WorkspaceId,
    policy_in: PolicyIn,
    *,
    add: Mapping[tuple[Key, Key], float],
    drop: Collection[EvidenceId],
    model: int,
    now: int,
) -> Tied:
    """Tie pairs of identifiers with their log2 odds, and take back links of earlier; in the caller's transaction.

    The ends must have been seen. The weight of the evidence is the log2 odds times ten. Merges and splits of people
    are stated as facts.
    """
    if not add and not drop:
        return Tied([], frozenset())
    store.lock(conn, workspace)
    policy = policy_in(conn, workspace)
    change = Recomputation(conn, workspace, policy, at=now)
    pieces = {
        evidence_id(a, b, Kind.PROBABLE): Evidence(
            a, b, Kind.PROBABLE, now, f"model:{model}", "rapport", max(1, round(odds * 10))
        )
        for (a, b), odds in add.items()
    }
    _, edges = change.observe({}, pieces)
    ours = [ident for ident in pieces if edges[ident].status is Status.WITHDRAWN and edges[ident].author == AUTHOR]
    if ours:
        change.restore(ours)
    if drop:
        change.withdraw(list(drop), author=AUTHOR, reason="the records are alike no more")
    moved = change.finish()
    for cause, people in change.people.items():
        stated.state(conn, workspace, people, policy, cause=cause, now=now)
    return Tied(moved, frozenset(ident for ident in pieces if edges[ident].status is Status.LINKED))

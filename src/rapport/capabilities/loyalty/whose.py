"""Whose points are one person's: those of all identifiers that are certainly theirs.

Who is only probably the same person, by a learned link, pays with nobody else's points.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.chance import HELD_OUT, arm_of
from rapport.capabilities.loyalty.programme import Programme
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection
from rapport.resolve.graph.store import roots_of
from rapport.resolve.linking.units import units_of
from rapport.storage.lookup import select_among

__all__ = ["held_out_of", "person_of", "persons_of"]


def held_out_of(
    conn: Connection, workspace: WorkspaceId, programme: str, terms: Programme, strands: Collection[Key]
) -> frozenset[str]:
    """The plans this person is not invited to: as it was kept when it first mattered, else as chance has it.

    Whom nobody knows yet is invited to none that is tried: they may turn out to be held out.
    """
    tried = {f"plan:{plan.name}": plan for plan in terms.plans if plan.holdout_percent}
    if not tried:
        return frozenset()
    if not strands:
        return frozenset(plan.name for plan in tried.values())
    a = store.arms.c
    query = sa.select(a.trial, a.arm, a.at).where(a.programme == programme)
    rows = select_among(conn, query, workspace, a.strand, strands)
    arms = {row.trial: row.arm for row in sorted(rows, key=lambda row: -row.at)}
    return frozenset(
        plan.name for trial, plan in tried.items()
        if arms.get(trial, arm_of(workspace, trial, min(strands), holdout_percent=plan.holdout_percent)) == HELD_OUT
    )  # fmt: skip


def persons_of(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> dict[Key, list[Key]]:
    """The persons behind these keys, each by the least of its keys, with all of them; a key nobody has seen is its own.
    Cost: three set-based reads for each 500.
    """
    roots = roots_of(conn, workspace, keys)
    units = [
        set(unit) for by_name in units_of(conn, workspace, set(roots.values())).values() for unit in by_name.values()
    ]
    of_key = {key: unit for unit in units for key in unit}
    found: dict[Key, list[Key]] = {}
    for key in keys:
        person = of_key.get(key, {key})
        found[min(person)] = sorted(person)
    return found


def person_of(conn: Connection, workspace: WorkspaceId, key: Key) -> set[Key]:
    """All keys of the person with this key."""
    return {key, *(one for several in persons_of(conn, workspace, [key]).values() for one in several)}

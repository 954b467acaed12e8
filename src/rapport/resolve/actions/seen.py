"""Two people who change the identity policy at a time: the second one is told who was quicker."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import asdict
from sqlalchemy import Connection

from rapport.kernel.ids import WorkspaceId
from rapport.kernel.versions import refuse_unseen
from rapport.resolve.actions import audit
from rapport.resolve.actions.audit import Effects
from rapport.resolve.graph.policy import PolicySettings

__all__ = ["refuse_unseen_policy", "who_last"]


def refuse_unseen_policy(
    conn: Connection, workspace: WorkspaceId, seen: str | None, *, now: PolicySettings, wanted: PolicySettings
) -> None:
    """Raises Conflict where the policy in force is not the one of `policy_version` that was seen."""
    who = who_last(conn, workspace, lambda effects: effects.policy_after is not None)
    refuse_unseen(seen, asdict(now), wanted=asdict(wanted), what="the identity policy", who=who)


def who_last(conn: Connection, workspace: WorkspaceId, did: Callable[[Effects], bool]) -> str:
    """Who did so last, among the latest fifty actions; `somebody` where it was before them or elsewhere."""
    return next((action.who for action in audit.actions(conn, workspace) if did(action.effects)), "") or "somebody"

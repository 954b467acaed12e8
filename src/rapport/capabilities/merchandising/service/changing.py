"""How rules change: as a whole, each change a version that can be put back."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.merchandising import store
from rapport.capabilities.merchandising.model import Rule, Thing, checked, is_about
from rapport.kernel.errors import Conflict, NotFound
from rapport.kernel.ids import WorkspaceId
from rapport.remember.membership import segments as segment_table
from rapport.storage.audit.entries import append as tell

__all__ = ["in_force", "naming", "put_back", "rules_about", "save", "segment_names"]


def in_force(conn: Connection, workspace: WorkspaceId) -> tuple[int, list[Rule]]:
    """The number of the version in force, and its rules."""
    version, body = store.current(conn, workspace)
    return version, store.bodies.decode(body)


def rules_about(
    conn: Connection, workspace: WorkspaceId, product_id: str, *, category: str = "", brand: str = ""
) -> list[Rule]:
    """The rules in force that mean a product, by its id, category or brand, whether they hold now or not."""
    thing = Thing(product_id, category, brand)
    return [rule for rule in in_force(conn, workspace)[1] if is_about(rule, thing)]


def save(
    conn: Connection, workspace: WorkspaceId, rules: Sequence[Rule], *, seen: int, placements: Collection[str],
    what: str, by: str, now: int,
) -> int:  # fmt: skip
    """Put these rules in force, in place of all there are. Returns the new version.

    Raises InvalidInput for a rule that cannot be, Conflict where somebody has changed them since `seen`.
    """
    version, body = store.current(conn, workspace)
    fine = checked(
        rules, placements=placements, segments=segment_names(conn, workspace), unchanged=store.bodies.decode(body)
    )
    if version != seen or not store.add(conn, workspace, seen + 1, fine, what=what, by=by, now=now):
        raise Conflict(f"the rules were changed meanwhile: version {version}, not {seen}", hint="look at them again")
    tell(conn, workspace, "merchandising.changed", about=f"version {seen + 1}", now=now)
    return seen + 1


def naming(conn: Connection, workspace: WorkspaceId, segment: str) -> list[str]:
    """The rules in force that hold for a segment alone, in words."""
    return [f"the rule “{rule.name}”" for rule in in_force(conn, workspace)[1] if rule.segment == segment]


def put_back(
    conn: Connection, workspace: WorkspaceId, version: int, *, seen: int, placements: Collection[str], by: str, now: int
) -> int:
    """Put an earlier version in force again, as a new one. Raises NotFound, and as `save` does."""
    found = next((one for one in store.history(conn, workspace, limit=500) if one.version == version), None)
    if found is None:
        raise NotFound(f"no version {version} of the rules")
    what = f"as in version {version}"
    return save(conn, workspace, found.rules, seen=seen, placements=placements, what=what, by=by, now=now)


def segment_names(conn: Connection, workspace: WorkspaceId) -> list[str]:
    """The shop's segments."""
    s = segment_table.c
    return list(conn.execute(sa.select(s.name).where(s.workspace == workspace).order_by(s.name)).scalars())

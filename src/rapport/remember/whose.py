"""Which orders several have told of, one of them not the shop's own systems, and what of that counts."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.collect.statements import (
    Statement,
    contested_by,
    disputed,
    is_plain,
    mark_disputed,
    statements_of,
)
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph.store import identifiers, roots_of
from rapport.storage.lookup import select_among

__all__ = ["Told", "told_of", "touched_by_identity"]


class Told(NamedTuple):
    """What was said of an order."""

    statements: tuple[Statement, ...]
    aside: frozenset[str]
    """The facts of strangers, which change nothing."""

    @property
    def counting(self) -> list[Statement]:
        """What counts."""
        return [one for one in self.statements if one.fact not in self.aside]


def told_of(conn: Connection, workspace: WorkspaceId, order_ids: Collection[str]) -> dict[str, Told]:
    """Those of these orders of which not all that was said counts alike; what strangers said is noted as such.

    To be asked after what a batch says was kept, by whoever holds the order. Cost: the statements of these orders.
    """
    several = {
        order_id: told
        for order_id, told in statements_of(conn, workspace, order_ids).items()
        if not is_plain(told)
    }  # fmt: skip
    strands = {one.strand for told in several.values() for one in told}
    roots = roots_of(conn, workspace, strands) if strands else {}
    found = {order_id: Told(tuple(told), disputed(told, roots)) for order_id, told in several.items()}
    everything = [one for told in found.values() for one in told.statements]
    mark_disputed(conn, workspace, everything, {fact for told in found.values() for fact in told.aside})
    return found


def touched_by_identity(conn: Connection, workspace: WorkspaceId, strands: Collection[Key]) -> set[str]:
    """The orders that may be somebody else's now that these strands' customers were merged or split."""
    if not strands:
        return set()
    roots = {*strands, *roots_of(conn, workspace, strands).values()}
    query = sa.select(identifiers.c.key)
    of_them = {Key(bytes(key)) for (key,) in select_among(conn, query, workspace, identifiers.c.root, sorted(roots))}
    return contested_by(conn, workspace, {*strands, *of_them})

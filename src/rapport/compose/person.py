"""One person over all slices: everything that is kept of her, to be handed out; and all of it forgotten."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.compose.holding import Bookkeeping
from rapport.kernel.clock import to_iso
from rapport.kernel.ids import Key, WorkspaceId

if TYPE_CHECKING:
    from rapport.compose.installed import Installed

__all__ = ["KeptForBooks", "erase_person", "export_person", "keep_for_books", "kept_under"]


class KeptForBooks(msgspec.Struct, frozen=True, kw_only=True):
    """What stays of a person's rows in one table, tied to nobody."""

    slice: str
    table: str
    rows: int
    law: str
    """Why."""
    until: str
    """When the last of it goes."""


def export_person(
    conn: Connection, slices: Installed, workspace: WorkspaceId, keys: Collection[Key]
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """By slice and table: all rows about the person with these strands, in plain values."""
    told: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for one in slices.slices:
        for holding in one.holds:
            rows = [dict(row) for row in holding.export(conn, workspace, keys)] if holding.export else []
            if rows:
                told.setdefault(one.name, {})[holding.table.name] = rows
    return told


def keep_for_books(
    conn: Connection, slices: Installed, workspace: WorkspaceId, keys: Collection[Key], terms: Bookkeeping, *, now: int
) -> list[KeptForBooks]:
    """Leave what a law makes the shop keep of this person to nobody, before the rest is erased."""
    kept = []
    for one in reversed(slices.slices):
        for holding in reversed(one.holds):
            if holding.keep_for_books is not None:
                rows, until = holding.keep_for_books(conn, workspace, keys, terms, now)
                if rows:
                    kept.append(KeptForBooks(
                        slice=one.name, table=str(holding.table.name), rows=rows, law=terms.law, until=to_iso(until)
                    ))  # fmt: skip
    return kept


def kept_under(conn: Connection, slices: Installed, workspace: WorkspaceId) -> list[KeptForBooks]:
    """What is kept for the books of all who were erased, by table and law."""
    found = []
    for one in slices.slices:
        for table in (holding.table for holding in one.holds if holding.keep_for_books is not None):
            c = table.c
            query = sa.select(c.kept_law, sa.func.count(), sa.func.max(c.kept_until)).group_by(c.kept_law)
            kept = query.where(c.workspace == workspace, c.kept_until.is_not(None)).order_by(c.kept_law)
            found += [
                KeptForBooks(slice=one.name, table=str(table.name), rows=rows, law=law, until=to_iso(until))
                for law, rows, until in conn.execute(kept)
            ]
    return found


def erase_person(conn: Connection, slices: Installed, workspace: WorkspaceId, keys: Collection[Key]) -> dict[str, int]:
    """Forget the person with these strands in every table, in this transaction; returns rows by table.

    The slices that came last go first: what they keep may lead back to what is found by those before them.
    """
    gone: dict[str, int] = {}
    for one in reversed(slices.slices):
        for holding in reversed(one.holds):
            if holding.erase is not None and not isinstance(holding.erase, str):
                gone[holding.table.name] = holding.erase(conn, workspace, keys)
    return gone

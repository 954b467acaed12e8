"""Whose facts a query may see that is asked for a purpose: those of people who allow it, and what is about nobody."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from rapport.kernel.clock import now_us
from rapport.kernel.gate import Gate
from rapport.kernel.identifiers import shop_key
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember.store import strands
from rapport.storage.engine import Database

__all__ = ["Asking", "seen_for"]

AT_ONCE = 2_000
"""Strands that are asked about in one transaction."""


class Asking(NamedTuple):
    """What a query is asked for, and who says with whom that may be done."""

    gate: Gate
    purpose: str = ""
    """Empty is the shop's own work, which sees all facts."""


def seen_for(db: Database, workspace: WorkspaceId, asking: Asking) -> str | None:
    """The strands whose facts may be seen, in hexadecimal, a line each; None where all may be.

    A strand that nobody has looked at yet is not among them. Cost: the gate is asked about each strand of the shop,
    so many at a time; 33 characters of memory for each that may be seen.
    """
    if not asking.purpose:
        return None
    seen = [shop_key(workspace).hex()]
    key, last = strands.c.key, b""
    while True:
        with db.read() as conn:
            query = sa.select(key).where(strands.c.workspace == workspace, key > last).order_by(key).limit(AT_ONCE)
            page = [Key(bytes(found)) for found in conn.execute(query).scalars()]
            if not page:
                return "\n".join(seen)
            permits = asking.gate(conn, workspace, page, asking.purpose, now_us())
        seen += [one.hex() for one in page if one in permits and permits[one].may]
        last = page[-1]

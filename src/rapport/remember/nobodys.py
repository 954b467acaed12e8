"""Addresses and numbers that were somebody's traits, and turned out to be nobody's: the shop has blocked them since.

What was folded before stays in the strands; it is left out where it would be shown.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.placeholders import is_placeholder_email, is_placeholder_number
from rapport.resolve.graph import store
from rapport.resolve.graph.renaming import NOBODYS
from rapport.storage.lookup import select_among

__all__ = ["CONTACTS", "nobodys"]

CONTACTS = ("email", "phone")
"""The traits that are identifiers, too."""


def nobodys(conn: Connection, workspace: WorkspaceId, contacts: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of these (trait, value) that are nobody's by now. One query for each 500, none for none."""
    asked = {key_of(workspace, Identifier(*one)): one for one in contacts}
    columns = store.identifiers.c
    query = sa.select(columns.key, columns.standing)
    rows = select_among(conn, query, workspace, columns.key, list(asked))
    blocked = {asked[row.key] for row in rows if row.standing & NOBODYS}
    return blocked | {one for one in asked.values() if _is_placeholder(*one)}


def _is_placeholder(trait: str, value: str) -> bool:
    return is_placeholder_email(value) if trait == "email" else is_placeholder_number(value.lstrip("+"))

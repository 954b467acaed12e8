"""Addresses and numbers that were somebody's traits, and turned out to be nobody's: the shop has blocked them since.

What was folded before stays in the strands; whoever reads them asks here: no trait, no segment, no address to send to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.placeholders import is_placeholder_email, is_placeholder_number
from rapport.remember.registry import Remembered, StrandState
from rapport.resolve.graph import store
from rapport.resolve.graph.renaming import NOBODYS
from rapport.storage.lookup import select_among

__all__ = ["CONTACTS", "is_placeholder_contact", "nobodys", "without_nobodys"]

_Of = TypeVar("_Of")

CONTACTS = ("email", "phone")
"""The traits that are identifiers, too."""


def nobodys(conn: Connection, workspace: WorkspaceId, contacts: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of these (trait, value) that are nobody's by now. One query for each 500, none for none."""
    asked = {key_of(workspace, Identifier(*one)): one for one in contacts}
    columns = store.identifiers.c
    query = sa.select(columns.key, columns.standing)
    rows = select_among(conn, query, workspace, columns.key, list(asked))
    blocked = {asked[row.key] for row in rows if row.standing & NOBODYS}
    return blocked | {one for one in asked.values() if is_placeholder_contact(*one)}


def without_nobodys(
    conn: Connection, workspace: WorkspaceId, states: Mapping[_Of, StrandState], remembered: Remembered
) -> dict[_Of, StrandState]:
    """Merged states without the addresses and numbers that are nobody's by now. Costs what `nobodys` does."""
    kinds = [(name, remembered.parts[name].kind) for name in CONTACTS if name in remembered.parts]
    stated = {
        (of, name): str(value)
        for of, state in states.items()
        for name, kind in kinds
        if name in state and (value := kind.read(state[name]))
    }
    blocked = nobodys(conn, workspace, {(name, value) for (_, name), value in stated.items()})
    if not blocked:
        return dict(states)
    return {
        of: {part: held for part, held in state.items() if (part, stated.get((of, part))) not in blocked}
        for of, state in states.items()
    }


def is_placeholder_contact(trait: str, value: str) -> bool:
    """Whether an e-mail address or telephone number, normalised, is nobody's by how it is written."""
    return is_placeholder_email(value) if trait == "email" else is_placeholder_number(value.lstrip("+"))

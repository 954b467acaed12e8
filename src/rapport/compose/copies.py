"""Copies of a redacted field in what slices keep of the same people: messages to be sent, timers, journeys, decisions.

Rows are found by the strand that they are about. In a document the field is taken out wherever it stands under its own
name with its own value; a text that only that person could have written is overwritten wherever it is mentioned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, LargeBinary, Table

from rapport.act.store import timers
from rapport.compose.mentions import SHORTEST_MENTION, Sought, overwritten
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage.bulk import chunks
from rapport.storage.engine import CText
from rapport.storage.lookup import among

if TYPE_CHECKING:
    from rapport.compose.installed import Installed

__all__ = ["Copied", "overwrite_copies"]

_APART = frozenset({"facts", "withdrawn_facts", "strands"})
"""Where nothing is overwritten: the log is gone through by itself, and states are folded from it."""
_LONGEST = 500
"""Characters of a text that is looked for within others."""
_STRANDS, _RANGES = 500, 50


class Copied(NamedTuple):
    """What was taken out of the facts of some people, to be found in their rows."""

    name: str
    values: frozenset[bytes]
    """As JSON."""
    texts: Sequence[str]
    """Those of them that nobody else would write: long, and neither a number nor a word."""
    sought: Sought | None

    @classmethod
    def of(cls, name: str, values: Collection[Any]) -> Copied:
        """The values of a field of this name."""
        texts = sorted({text for one in values for text in _texts(one) if _is_telling(text)})
        short = [one for one in texts if len(one) <= _LONGEST]
        encoded = frozenset(msgspec.json.encode(one, order="sorted") for one in values)
        return cls(name, encoded, texts, Sought.of(short) if short else None)

    def clean(self, value: object) -> object:
        """A column's value without the field; itself where it has none."""
        if isinstance(value, bytes):
            tree = _decoded(value)
            if tree is not None:
                found = self._without(tree)
                value = value if found == tree else msgspec.json.encode(found)
        return value if self.sought is None else overwritten(value, self.sought)

    def _without(self, tree: Any) -> Any:
        if isinstance(tree, list):
            return [self._without(one) for one in tree]
        if not isinstance(tree, dict):
            return tree
        return {
            name: self._without(value)
            for name, value in tree.items()
            if name != self.name or msgspec.json.encode(value, order="sorted") not in self.values
        }


def overwrite_copies(
    conn: Connection, slices: Installed, workspace: WorkspaceId, strands: Collection[Key], copied: Copied
) -> Mapping[str, int]:
    """Take the copies out of all rows about these strands; returns in how many rows, by table.

    Cost: the rows about these people are read once.
    """
    found: Counter[str] = Counter()
    for one in slices.slices:
        for held in one.holds:
            if held.holds_people and held.table.name not in _APART:
                found[held.table.name] += _in_table(conn, held.table, workspace, strands, copied)
    return {name: rows for name, rows in found.items() if rows}


def _in_table(conn: Connection, table: Table, workspace: WorkspaceId, strands: Collection[Key], copied: Copied) -> int:
    keys = list(table.primary_key.columns)
    columns = [
        one for one in table.columns
        if isinstance(one.type, sa.Text | LargeBinary) and one not in keys and one.name != "strand"
        and one.type is not CText  # names of facts, orders, products: ids, and not what somebody said
    ]  # fmt: skip
    changed = 0
    for where in _about(conn, table, workspace, strands) if columns else ():
        changes = []
        for row in conn.execute(sa.select(*keys, *columns).where(where)):
            new = {one.name: copied.clean(row._mapping[one]) for one in columns}
            if any(new[one.name] != row._mapping[one] for one in columns):
                of = {f"of_{one.name}": row._mapping[one] for one in keys}
                changes.append(of | {f"to_{name}": value for name, value in new.items()})
        if changes:
            here = [one == sa.bindparam(f"of_{one.name}", type_=one.type) for one in keys]
            new_values: dict[str, Any] = {one.name: sa.bindparam(f"to_{one.name}", type_=one.type) for one in columns}
            conn.execute(table.update().where(*here).values(new_values), changes)
        changed += len(changes)
    return changed


def _about(
    conn: Connection, table: Table, workspace: WorkspaceId, strands: Collection[Key]
) -> Iterator[sa.ColumnElement[bool]]:
    """Which rows are about these strands."""
    if table is timers:  # a timer's key begins with its strand's
        for some in chunks(sorted(strands), _RANGES):
            ranges = (sa.and_(timers.c.key >= one, timers.c.key <= one + b"\xff" * 64) for one in some)
            yield sa.and_(timers.c.workspace == workspace, sa.or_(*ranges))
    elif "strand" in table.c and isinstance(table.c.strand.type, LargeBinary):
        for some in chunks(sorted(strands), _STRANDS):
            yield among(conn, workspace, table.c.strand, some)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value.strip()
    elif isinstance(value, list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def _is_telling(text: str) -> bool:
    return len(text) >= SHORTEST_MENTION and not text.isdigit() and not text.isalpha()


def _decoded(value: bytes) -> Any:
    if value[:1] not in (b"{", b"["):
        return None
    try:
        return msgspec.json.decode(value)
    except (ValueError, RecursionError):
        return None

"""What a slice keeps in its tables, and of whom: how it is exported to a person, erased, and for how long it is kept.

Every table of a slice is declared here by one of two words: `of_shop` holds nobody, `of_person` holds people and says
how one of them is found, told and erased. A slice that leaves a table out, or calls a table with a person's key in it
the shop's, is refused when the process starts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, LargeBinary, Table

from rapport.kernel.clock import to_iso
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage.bulk import chunks
from rapport.storage.engine import Database
from rapport.storage.redaction import Rule

__all__ = [
    "Bookkeeping", "Erase", "Export", "ForBooks", "Holding", "KeepForBooks", "RedactFiles", "SiftFiles", "Sifted",
    "by_columns", "of_person", "of_shop",
]  # fmt: skip

Export: TypeAlias = Callable[[Connection, WorkspaceId, Collection[Key]], Iterable[Mapping[str, Any]]]
"""Given the keys of all strands of a person: the rows about them, in plain values."""

Erase: TypeAlias = Callable[[Connection, WorkspaceId, Collection[Key]], int]
"""Given the same, in the erasing transaction: forget them; returns how many rows went."""


class Sifted(NamedTuple):
    """What became of files beside the database, in words without anything of a person."""

    done: list[str]
    left: list[str]
    """What this could not reach, and when it goes."""


SiftFiles: TypeAlias = Callable[[Database, Any, WorkspaceId, Sequence[str] | None], Sifted]
"""Take whoever was just erased out of files beside the database. Given all that is installed, the shop they were erased
in, and the texts they may be found by; None where these are not known any more: then whatever of that shop may name
them goes. Comes after the erasing transaction, and may come again."""


class Bookkeeping(NamedTuple):
    """What a law makes the shop keep of somebody who is being erased, and how: tied to nobody."""

    law: str
    years: int
    pseudonym: Key
    """In place of whoever it was; it leads to nobody without the installation's secret."""
    texts: Sequence[str]
    """The identifiers that may stand in what is kept."""
    hashed: Callable[[str], str]
    """In place of a text that holds one of them; the same for the same text."""


class ForBooks(NamedTuple):
    """What was left of somebody for the books."""

    rows: int
    until: int
    """When the last of it goes."""


KeepForBooks: TypeAlias = Callable[[Connection, WorkspaceId, Collection[Key], Bookkeeping, int], ForBooks]
"""Given the keys of all strands of a person, the law and the time, before anything of them goes: leave what the law
asks for to nobody, and the rest to the erasure."""

RedactFiles: TypeAlias = Callable[[Database, WorkspaceId, Rule], Sifted]
"""Take a field that is redacted in a shop out of what is kept beside facts, in files and lines of them. May come again.
"""

PERSONAL = frozenset({"strand", "root", "root_from", "root_to", "subject", "key", "a", "b", "email", "phone"})
"""Names of columns that hold or name a person: a table that has one is a person's."""


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """One table and what is to be known of it."""

    table: Table
    what: str
    """What it holds, in words that finish "Rapport keeps …"."""
    export: Export | None = None
    """None: it holds nobody, or what it holds is told by another table (`what` says which)."""
    erase: Erase | str | None = None
    """How a person is erased from it: by a function, or in words where no row names anybody. None: it holds nobody."""
    keep_for_books: KeepForBooks | None = None
    """What of it a law may make the shop keep, whoever is erased; its columns `kept_law` and `kept_until` tell it."""
    kept_days: int | None = None
    """Days after which its rows go by themselves; None: as long as the person, or the shop, is here."""

    mentions: bool = False
    """A table of the shop in which people may be named as they wrote, or were written, themselves: what could not be
    read. An erasure looks all of it through."""
    goes_whole: bool = False
    """A row that mentions somebody goes whole: what stands beside the name is told of them, too."""

    @property
    def holds_people(self) -> bool:
        return self.erase is not None


def of_shop(
    table: Table, what: str, *, kept_days: int | None = None, mentions: bool = False, goes_whole: bool = False
) -> Holding:
    """A table that holds nobody; one with `mentions` may name people in its texts, and an erasure reads all of it.

    With `goes_whole` a row that names somebody erased is deleted, instead of the name being overwritten.

    Raises ValueError where a column of it names people.
    """
    named = sorted(PERSONAL & {column.name for column in table.columns if isinstance(column.type, LargeBinary)})
    if named:
        raise ValueError(f"the table {table.name!r} is the shop's, yet {named} name people: say how they are erased")
    return Holding(table=table, what=what, kept_days=kept_days, mentions=mentions or goes_whole, goes_whole=goes_whole)


def of_person(
    table: Table,
    what: str,
    *,
    by: tuple[str, ...] = ("strand",),
    export: Export | None = None,
    erase: Erase | str | None = None,
    kept_days: int | None = None,
    keep_for_books: KeepForBooks | None = None,
) -> Holding:
    """A table whose rows are about people; `by` names the columns that hold a key of theirs.

    Unless they are given, export and erasure follow from `by`.
    """
    if export is None or erase is None:
        reader, eraser = by_columns(table, by)
        export, erase = export or reader, eraser if erase is None else erase
    return Holding(
        table=table, what=what, export=export, erase=erase, kept_days=kept_days, keep_for_books=keep_for_books
    )  # fmt: skip


def by_columns(table: Table, by: tuple[str, ...]) -> tuple[Export, Erase]:
    """Export and erasure of the rows in which one of these columns holds a key of the person."""
    missing = [name for name in (*by, "workspace") if name not in table.c]
    if missing or not by:
        raise ValueError(f"the table {table.name!r} has no column {missing} to find a person by: say how it is done")
    columns = [table.c[name] for name in by]

    def export(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> Iterable[Mapping[str, Any]]:
        for some in chunks(sorted(keys), 500):
            query = sa.select(table).where(table.c.workspace == workspace, sa.or_(*(c.in_(some) for c in columns)))
            for row in conn.execute(query):
                yield {name: _plain(name, value) for name, value in row._mapping.items() if name != "workspace"}

    def erase(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> int:
        gone = 0
        for some in chunks(sorted(keys), 500):
            query = sa.delete(table).where(table.c.workspace == workspace, sa.or_(*(c.in_(some) for c in columns)))
            gone += conn.execute(query).rowcount
        return gone

    return export, erase


def _plain(name: str, value: Any) -> Any:
    """A value as JSON has it: times in words, documents as they are, keys as hexadecimal text."""
    if isinstance(value, bytes):
        try:
            return msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return value.hex()
    if isinstance(value, int) and not isinstance(value, bool) and (name == "at" or name.endswith("_at")):
        return to_iso(value) if 0 < value < 2**53 else None
    return value

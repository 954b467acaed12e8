"""Flow, before collect: rows put by on disk, to be found again by key or grouped, so that memory stays bounded."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from types import TracebackType
from typing import NamedTuple, Self

import msgspec

from rapport.adapters.files.lines import Row
from rapport.adapters.files.model import Progress

__all__ = ["Group", "Spill"]

_REPORT_EVERY = 200

_decode = msgspec.json.Decoder(list[str]).decode
_encode = msgspec.json.Encoder().encode


class Group(NamedTuple):
    """All rows of one key, in the order of the file."""

    key: str
    rows: list[Row]


class Spill:
    """A private temporary database (SQLite removes its file by itself, even when the process is killed)."""

    def __init__(self) -> None:
        self._conn = sqlite3.connect("", isolation_level=None)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-16384", "temp_store=FILE"):
            self._conn.execute(f"PRAGMA {pragma}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._conn.close()

    def load(self, table: str, rows: Iterable[tuple[str, Row]]) -> int:
        """Keep the rows under their keys; `table` is a name of our own. Returns how many."""
        self.create(table)
        count = self.add(table, rows)
        self.index(table)
        return count

    def create(self, table: str) -> None:
        """Make room; first `create`, then `add` as often as need be, then `index`: what `load` does at once."""
        self._conn.execute(f"CREATE TABLE {table} (line INTEGER PRIMARY KEY, key TEXT, cells BLOB, fault TEXT)")

    def add(self, table: str, rows: Iterable[tuple[str, Row]]) -> int:
        """Keep some more rows under their keys. Returns how many."""
        self._conn.execute("BEGIN")
        count = self._conn.executemany(
            f"INSERT INTO {table} VALUES (?, ?, ?, ?)",
            ((row.line, key, _encode(_clean(row)), row.fault) for key, row in rows),
        ).rowcount
        self._conn.execute("COMMIT")
        return max(count, 0)

    def index(self, table: str) -> None:
        """Have rows found by their keys."""
        self._conn.execute(f"CREATE INDEX {table}_key ON {table} (key, line)")

    def find(self, table: str, key: str) -> list[Row]:
        """The rows of a key, in the order of the file."""
        found = self._conn.execute(f"SELECT line, cells, fault FROM {table} WHERE key = ? ORDER BY line", (key,))
        return [Row(line, _decode(cells), fault) for line, cells, fault in found]

    def groups(self, table: str, *, progress: Progress, what: str) -> Iterator[Group]:
        """All rows by key; the groups in the order in which their first rows stand in the file."""
        self._conn.execute("CREATE TEMP TABLE firsts (first INTEGER PRIMARY KEY, key TEXT)")
        self._conn.execute(f"INSERT INTO firsts SELECT min(line), key FROM {table} GROUP BY key")
        total = int(self._conn.execute("SELECT count(*) FROM firsts").fetchone()[0])
        found = self._conn.execute(
            f"SELECT f.first, f.key, t.line, t.cells, t.fault FROM firsts f CROSS JOIN {table} t ON t.key = f.key"
            " ORDER BY f.first, t.line"
        )
        for number, ((_, key), rows) in enumerate(groupby(found, key=itemgetter(0, 1))):
            if number % _REPORT_EVERY == 0:
                progress(what, number, total)
            yield Group(key, [Row(line, _decode(cells), fault) for _, _, line, cells, fault in rows])
        self._conn.execute("DROP TABLE firsts")
        progress(what, total, total)


def _clean(row: Row) -> list[str]:
    """A row with a fault may hold what is no text at all."""
    return [cell.encode("utf-8", "replace").decode() for cell in row.cells] if row.fault else row.cells

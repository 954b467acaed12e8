"""Files of people: each is made for a purpose, leaves out who does not allow it, says how many, and is told of.

A file is whole before the first byte of it leaves: its name says how many were left out, and the audit trail who made
it for what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from tempfile import SpooledTemporaryFile
from typing import IO, NamedTuple, TypeAlias

from litestar.response import Stream

from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput
from rapport.kernel.gate import Gate
from rapport.kernel.ids import Key
from rapport.kernel.principal import Principal
from rapport.kernel.work import Connection
from rapport.storage.audit.entries import append as tell
from rapport.storage.engine import Database
from rapport.web.purposes import Purposes
from rapport.web.tables import csv_lines

__all__ = ["Pages", "PeopleFile", "people_file"]

_IN_MEMORY = 4_000_000
"""Bytes of a file that are kept in memory; what is longer waits on the disk, without a name."""

Pages: TypeAlias = Callable[[], Iterable[Sequence[tuple[Key, Sequence[object]]]]]
"""Makes the rows of a file, some hundred at a time, each with a key of whom it is about."""


class PeopleFile(NamedTuple):
    """What a file is called, and what its columns are."""

    name: str
    titles: Sequence[str]
    about: str = ""
    """What it is of, for the audit trail: never a person."""


def people_file(
    db: Database, principal: Principal, gate: Gate, purposes: Purposes, purpose: str, file: PeopleFile, pages: Pages
) -> Stream:  # fmt: skip
    """Make a file of people as CSV, for a purpose, and hand it out.

    Raises InvalidInput where no purpose is named, or one that no policy knows. Each page is asked about in a
    transaction of its own. Memory: a page, and some megabytes.
    """
    if not purposes.known(principal.workspace, purpose):
        raise InvalidInput(
            "say what the file is for",
            hint=f"purpose= takes {', '.join(purposes.names(principal.workspace))}; service is the shop's own work",
        )
    asked = _Asked(db, principal, gate, purpose)
    made = SpooledTemporaryFile(_IN_MEMORY, "w+b")  # noqa: SIM115 - closed once it has been sent
    try:
        for line in csv_lines(file.titles, asked.allowed(pages())):
            made.write(line.encode())
        with db.write() as conn:
            tell(conn, principal.workspace, "customers.saved", about=file.about or file.name,
                 details={"purpose": purpose, "rows": asked.rows, "left_out": asked.left_out})  # fmt: skip
    except BaseException:
        made.close()
        raise
    left_out = f"-{asked.left_out}-left-out" if asked.left_out else ""
    return Stream(
        _chunks(made), media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{file.name}-{purpose}{left_out}.csv"',
            "Cache-Control": "no-store", "Rapport-Left-Out": str(asked.left_out),
        },
    )  # fmt: skip


class _Asked:
    """Asks the gate about each page, and counts."""

    def __init__(self, db: Database, principal: Principal, gate: Gate, purpose: str) -> None:
        self._db, self._workspace, self._gate, self._purpose = db, principal.workspace, gate, purpose
        self.rows = self.left_out = 0

    def allowed(self, pages: Iterable[Sequence[tuple[Key, Sequence[object]]]]) -> Iterator[Sequence[object]]:
        for page in pages:
            with self._db.read() as conn:
                kept = self._among(conn, [key for key, _ in page])
            self.left_out += sum(key not in kept for key, _ in page)
            for key, cells in page:
                if key in kept:
                    self.rows += 1
                    yield cells

    def _among(self, conn: Connection, keys: Sequence[Key]) -> set[Key]:
        permits = self._gate(conn, self._workspace, keys, self._purpose, now_us())
        return {key for key in keys if key in permits and permits[key].may}


def _chunks(made: IO[bytes]) -> Iterator[bytes]:
    with made:
        made.seek(0)
        while some := made.read(65_536):
            yield some

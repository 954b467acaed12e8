"""Tables of imports: how far each file has been carried into the log, and the rows that were not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from rapport.adapters.files.model import READER, ImportReport, Refused
from rapport.kernel.errors import Conflict
from rapport.kernel.ids import WorkspaceId, new_id
from rapport.storage.bulk import insert_ignore
from rapport.storage.engine import metadata

__all__ = [
    "MAX_KEPT_ERRORS",
    "Imported",
    "begin",
    "find_report",
    "import_errors",
    "imports",
    "keep_errors",
    "move_on",
    "newest_reports",
    "refusals",
    "start_over",
]

MAX_KEPT_ERRORS = 10_000
"""Refused rows kept with their reasons for one import; those beyond it are counted."""

imports = Table(
    "imports",
    metadata,
    Column("workspace", Integer, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("steps", BigInteger, nullable=False),
    Column("report", LargeBinary, nullable=False),
    UniqueConstraint("workspace", "kind", "fingerprint", name="imports_fingerprint"),
    Index("imports_started", "workspace", "started_at"),
)

import_errors = Table(
    "import_errors",
    metadata,
    Column("workspace", Integer, primary_key=True),
    Column("import_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("file", Text, nullable=False),
    Column("line", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("row", Text, nullable=False),
)


class Imported(msgspec.Struct, kw_only=True):
    """How far one import is."""

    report: ImportReport
    steps: int = 0
    """Steps of the file whose facts are in the log."""
    finished_at: int | None = None


def begin(conn: Connection, workspace: WorkspaceId, *, kind: str, title: str, fingerprint: str, now: int) -> Imported:
    """The import of this content: the one begun earlier, or a new one."""
    report = ImportReport(id=new_id("imp"), kind=kind, title=title, reader=READER)
    row = {
        "workspace": workspace, "id": report.id, "kind": kind, "fingerprint": fingerprint, "title": title,
        "started_at": now, "steps": 0, "report": msgspec.json.encode(report),
    }  # fmt: skip
    insert_ignore(conn, imports, [row], key=("workspace", "kind", "fingerprint"))
    found = conn.execute(sa.select(imports).where(
        imports.c.workspace == workspace, imports.c.kind == kind, imports.c.fingerprint == fingerprint
    )).one()  # fmt: skip
    return Imported(
        report=msgspec.json.decode(found.report, type=ImportReport), steps=found.steps, finished_at=found.finished_at
    )


def start_over(conn: Connection, workspace: WorkspaceId, import_id: str) -> None:
    """Forget how far the import was and what it refused. The facts stay: they are known by their ids."""
    conn.execute(sa.delete(import_errors).where(
        import_errors.c.workspace == workspace, import_errors.c.import_id == import_id))  # fmt: skip
    conn.execute(_one(workspace, import_id).values(steps=0, finished_at=None))


def move_on(
    conn: Connection, workspace: WorkspaceId, report: ImportReport, *, before: int, steps: int, finished_at: int | None
) -> None:
    """Record that the facts of `steps` steps are in this transaction or an earlier one.

    Raises Conflict where somebody else has moved on from `before` meanwhile.
    """
    stored = msgspec.structs.replace(report, errors=[])
    moved = conn.execute(_one(workspace, report.id).where(imports.c.steps == before).values(
        steps=steps, finished_at=finished_at, report=msgspec.json.encode(stored))).rowcount  # fmt: skip
    if moved != 1:
        raise Conflict(f"{report.title} is being imported by another process", hint="wait for it, or stop it")


def keep_errors(
    conn: Connection, workspace: WorkspaceId, import_id: str, refused: Sequence[Refused], *, after: int
) -> None:
    """Keep refused rows; `after` of them are known already."""
    rows: list[dict[str, Any]] = [
        {"workspace": workspace, "import_id": import_id, "number": number} | one._asdict()
        for number, one in enumerate(refused, start=after + 1)
        if number <= MAX_KEPT_ERRORS
    ]
    insert_ignore(conn, import_errors, rows, key=("workspace", "import_id", "number"))


def refusals(
    conn: Connection, workspace: WorkspaceId, import_id: str, *, limit: int = MAX_KEPT_ERRORS
) -> list[Refused]:
    """The first refused rows of an import, in the order of the file."""
    columns = (import_errors.c.file, import_errors.c.line, import_errors.c.reason, import_errors.c.row)
    found = conn.execute(
        sa.select(*columns)
        .where(import_errors.c.workspace == workspace, import_errors.c.import_id == import_id)
        .order_by(import_errors.c.number)
        .limit(limit)
    )
    return [Refused._make(row) for row in found]


def find_report(conn: Connection, workspace: WorkspaceId, import_id: str) -> ImportReport | None:
    """What an import has done so far; None where there is no such import."""
    found = conn.execute(
        sa.select(imports.c.report).where(imports.c.workspace == workspace, imports.c.id == import_id)
    ).scalar()
    return None if found is None else msgspec.json.decode(found, type=ImportReport)


def newest_reports(conn: Connection, workspace: WorkspaceId, *, limit: int) -> list[tuple[int, ImportReport]]:
    """The newest imports, each with when it was begun."""
    query = sa.select(imports.c.started_at, imports.c.report).where(imports.c.workspace == workspace)
    found = conn.execute(query.order_by(imports.c.started_at.desc()).limit(limit))
    return [(row.started_at, msgspec.json.decode(row.report, type=ImportReport)) for row in found]


def _one(workspace: WorkspaceId, import_id: str) -> sa.Update:
    return sa.update(imports).where(imports.c.workspace == workspace, imports.c.id == import_id)

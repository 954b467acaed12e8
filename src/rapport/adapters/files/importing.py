"""Flow, before collect: the workers' job that imports files which were handed in at the console.

One at a time, in the order in which they were started. A turn appends at most as many facts as it may, in one
transaction with how far the file is; a worker that comes after a kill reads the file from its start and goes on behind
what is recorded. Files of imports that are over are removed, and those that nobody started within a week.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act.jobs import Job, Share, Turn
from rapport.adapters.files.importer import ImportRun, begin
from rapport.adapters.files.mapped_csv import MappedCsv
from rapport.adapters.files.mapping import parse_map
from rapport.adapters.files.reading import fingerprint
from rapport.adapters.files.uploads import KEPT, Upload, find_upload, uploads
from rapport.kernel.errors import Conflict, InvalidInput, RapportError
from rapport.kernel.ids import WorkspaceId
from rapport.storage.engine import Database
from rapport.storage.workspaces import all_workspaces

__all__ = ["IMPORTING"]

PULSES = 4
"""Steps of two thousand rows that a turn goes through where there is nothing to append yet."""


class _Open:
    """The import that a worker is at, kept in its memory between two turns."""

    def __init__(self) -> None:
        self.upload: Upload | None = None
        self.run: ImportRun
        self.batches: Iterator[bool | None]
        self.done = self.total = 0

    def progress(self, _what: str, done: int, total: int) -> None:
        self.done, self.total = done, total


def _is_due(conn: Connection, turn: Turn) -> bool:
    c = uploads.c
    waits = sa.select(sa.literal(1)).where(c.state.in_(("waiting", "running"))).limit(1)
    over = sa.select(sa.literal(1)).where(_is_over(turn.now))
    return conn.execute(waits).first() is not None or conn.execute(over.limit(1)).first() is not None


def _is_over(now: int) -> sa.ColumnElement[bool]:
    """Which files nobody needs any more; a failed one may be tried again for a week."""
    c = uploads.c
    stale = c.state.in_(("ready", "failed")) & (c.uploaded_at < now - KEPT)
    return (c.path != "") & (c.state.in_(("done", "dropped")) | stale)


def _run(turn: Turn) -> int:
    now_open = turn.kept(_Open)
    if now_open.upload is None:
        _remove(turn)
        found = _next(turn.db)
        if found is None:
            return 0
        turn.again()
        try:
            _begin(turn, now_open, found)
        except RapportError as error:
            _failed(turn, found, error)
        return 0
    turn.again()
    try:
        return _go_on(turn, now_open)
    except RapportError as error:
        upload, now_open.upload = now_open.upload, None
        _failed(turn, upload, error)
        return 0


def _next(db: Database) -> Upload | None:
    c = uploads.c
    query = sa.select(c.workspace, c.id).where(c.state.in_(("running", "waiting"))).order_by(c.state, c.started_at)
    with db.read() as conn:
        row = conn.execute(query.limit(1)).first()
        return None if row is None else find_upload(conn, WorkspaceId(row.workspace), row.id)


def _begin(turn: Turn, now_open: _Open, upload: Upload) -> None:
    with turn.db.read() as conn:
        shop = next(one for one in all_workspaces(conn) if one.id == upload.workspace)
    path = Path(upload.path)
    if not path.is_file():
        raise InvalidInput(
            f"{upload.name} is not on the machine of this worker", hint="hand it in again, or import it by the command"
        )
    said = parse_map(upload.map_text, upload.map_name)
    files = MappedCsv(path, said=said, time_zone=shop.settings.time_zone, title=upload.name)
    mark = fingerprint(files.files, variant=files.variant, progress=now_open.progress)
    with turn.write() as conn:
        begun = begin(conn, files, mark, workspace=shop, now=turn.now)
        over = begun.finished_at is not None
        values = {"state": "done" if over else "running", "finished_at": turn.now if over else None}
        _note(conn, upload, import_id=begun.report.id, repeated=over, **values)
    if not over:
        now_open.run = ImportRun(begun, workspace=shop, clock=lambda: turn.now, vocabulary=turn.vocabulary)
        now_open.batches = now_open.run.batches(files, now_open.progress)
        now_open.upload = upload


def _go_on(turn: Turn, now_open: _Open) -> int:
    """Append the next batch, or come nearer to it."""
    upload, run = now_open.upload, now_open.run
    assert upload is not None  # noqa: S101 - whoever calls has seen to it
    run.at_most, run.clock = turn.at_most, lambda: turn.now
    facts = 0
    for pulse, finished in enumerate(now_open.batches, start=1):
        if finished is None and pulse < PULSES:
            continue
        with turn.write() as conn:
            values: dict[str, object] = {"done": now_open.done, "total": now_open.total}
            if finished is not None:
                facts = run.facts
                run.write(conn, finished=finished)
            if finished:
                values |= {"state": "done", "finished_at": turn.now}
            if not _note(conn, upload, **values):
                raise Conflict(f"the import of {upload.name} was stopped", hint="what is in already stays")
        if finished is not None:
            run.written()
        if finished:
            now_open.upload = None
        break
    return facts


def _failed(turn: Turn, upload: Upload, error: RapportError) -> None:
    told = f"{error.message}; {error.hint}" if error.hint else error.message
    with turn.write() as conn:
        _note(conn, upload, state="failed", finished_at=turn.now, error=told)


def _note(conn: Connection, upload: Upload, **values: object) -> bool:
    """Change the row of a file that is waiting or running; False where somebody has stopped it meanwhile."""
    c = uploads.c
    if "state" in values:
        values["version"] = c.version + 1
    changed = conn.execute(
        uploads.update()
        .where(c.workspace == upload.workspace, c.id == upload.id, c.state.in_(("waiting", "running")))
        .values(**values)
    )
    return bool(changed.rowcount)


def _remove(turn: Turn) -> None:
    """Remove files that are over: first the file, then what names it, so that none is forgotten."""
    with turn.db.read() as conn:
        query = sa.select(uploads.c.workspace, uploads.c.id, uploads.c.path).where(_is_over(turn.now))
        found = conn.execute(query.limit(100)).all()
    for row in found:
        Path(row.path).unlink(missing_ok=True)
    if found:
        c = uploads.c
        stale = sa.case((c.state == "ready", "dropped"), else_=c.state)
        with turn.write() as conn:
            conn.execute(
                uploads.update()
                .where(sa.tuple_(c.workspace, c.id).in_([(row.workspace, row.id) for row in found]), _is_over(turn.now))
                .values(path="", state=stale, version=c.version + 1)
            )


IMPORTING = Job(
    name="imports.files", title="Files handed in are imported", due=_is_due, run=_run, at_most=1_000, pause_seconds=2.0,
    waiting_seconds=0.02, share=Share(behind=1 / 3, busy=1 / 3, quiet=9 / 10),
)  # fmt: skip

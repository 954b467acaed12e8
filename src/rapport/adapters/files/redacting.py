"""A redacted field in what imports keep beside facts: lines that were refused, files that were handed in.

A map says which column becomes which field, and a refused line may fit no map: nobody can tell where in it the field
stands. So the lines of imports in the span go, and files that were handed in in it; the shop has them still, and what
it hands in anew has the field taken out at the log's door.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.adapters.files.store import import_errors, imports
from rapport.adapters.files.uploads import uploads
from rapport.collect.model import IMPORT_SOURCE
from rapport.compose.holding import Sifted
from rapport.kernel.ids import WorkspaceId
from rapport.storage.engine import Database
from rapport.storage.redaction import Rule
from rapport.storage.suppression import keys_in

__all__ = ["redact_imports"]

_REASON = "a field was taken out of what came then; hand the file in again to see what is wrong with this line"
_WHY = "a field was taken out of what came then; hand the file in again without it"
_PAGE = 1_000


def redact_imports(db: Database, workspace: WorkspaceId, rule: Rule) -> Sifted:
    """Empty the refused lines and drop the files of a shop that may have the field. Safe to repeat.

    A redaction about one customer leaves the lines that name others alone.
    """
    if rule.source not in ("", IMPORT_SOURCE):
        return Sifted([], [])
    with db.write() as conn:
        lines = _empty_lines(conn, workspace, rule)
    files, running = _drop_files(db, workspace, rule)
    done = [f"{lines:,} refused lines of imports emptied"] if lines else []
    done += [f"{files:,} files handed in for an import dropped"] if files else []
    left = ["a file that is being imported goes when its import is over; its facts lose the field"] if running else []
    return Sifted(done, left)


def _empty_lines(conn: Connection, workspace: WorkspaceId, rule: Rule) -> int:
    """An import is of the span from its start to its end."""
    e, i = import_errors.c, imports.c
    over = sa.or_(i.finished_at.is_(None), i.finished_at >= rule.since)
    of_span = sa.select(i.id).where(i.workspace == workspace, i.started_at < rule.until, over)
    here = (e.workspace == workspace, e.import_id.in_(of_span), e.row != "")
    emptied = {"row": "", "reason": _REASON}
    if rule.keys is None:
        return int(conn.execute(import_errors.update().where(*here).values(emptied)).rowcount)
    number, after = 0, ("", 0)
    while True:
        later = sa.tuple_(e.import_id, e.number) > sa.tuple_(*map(sa.literal, after))
        page = sa.select(e.import_id, e.number, e.row).where(*here, later)
        rows = conn.execute(page.order_by(e.import_id, e.number).limit(_PAGE)).all()
        theirs = [
            {"of_import": row.import_id, "of_number": row.number}
            for row in rows if not rule.keys.isdisjoint(keys_in(workspace, row.row.encode()))
        ]  # fmt: skip
        if theirs:
            one = (e.import_id == sa.bindparam("of_import"), e.number == sa.bindparam("of_number"))
            conn.execute(import_errors.update().where(e.workspace == workspace, *one).values(emptied), theirs)
        number += len(theirs)
        if len(rows) < _PAGE:
            return number
        after = (rows[-1].import_id, rows[-1].number)


def _drop_files(db: Database, workspace: WorkspaceId, rule: Rule) -> tuple[int, int]:
    """How many files went, and how many are being imported."""
    c = uploads.c
    of_span = (c.workspace == workspace, c.path != "", c.uploaded_at >= rule.since, c.uploaded_at < rule.until)
    busy = c.state.in_(("waiting", "running"))
    waits = c.state.in_(("ready", "failed"))
    with db.write() as conn:
        running = int(conn.execute(sa.select(sa.func.count()).where(*of_span, busy)).scalar_one())
        state = sa.case((waits, "dropped"), else_=c.state)
        why = sa.case((waits, _WHY), else_=c.error)
        gone = uploads.update().where(*of_span, ~busy).values(state=state, error=why, version=c.version + 1)
        conn.execute(gone)
        paths = list(conn.execute(sa.select(c.path).where(*of_span, ~busy)).scalars())
    for path in paths:
        Path(path).unlink(missing_ok=True)
    with db.write() as conn:  # after the file: whoever is killed between leaves a row that is looked at again
        conn.execute(uploads.update().where(*of_span, c.path.in_(paths)).values(path="", version=c.version + 1))
    return len(paths), running

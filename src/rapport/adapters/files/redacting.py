"""A redacted field in what imports keep beside facts: lines that were refused, files that were handed in.

A map says which column becomes which field, and a refused line may fit no map: nobody can tell where in it the field
stands, or of which time the line tells. So the lines of imports go that were not over before the span began, however
much later they ran, and files likewise; lines that are refused later are not kept. The shop has its files still, and
what it hands in anew has the field taken out at the log's door.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.adapters.files.model import Refused
from rapport.adapters.files.store import import_errors, imports
from rapport.adapters.files.uploads import uploads
from rapport.collect.model import IMPORT_SOURCE
from rapport.compose.holding import Sifted
from rapport.kernel.ids import WorkspaceId
from rapport.storage.engine import Database
from rapport.storage.redaction import Rule, rules_of
from rapport.storage.suppression import keys_in

__all__ = ["redact_imports", "redacted_refusals"]

_REASON = "a field was taken out of what came then; hand the file in again to see what is wrong with this line"
_WHY = "a field was taken out of what came then; hand the file in again without it"
_LATER = "the line is not kept, as a field is taken out of what is imported"
_PAGE = 1_000
_GZIP = b"\x1f\x8b"
_LONGEST_LINE = 1 << 20
_MOST_CELLS = 500
_CELLS = re.compile(r"""[",;\t\r\n|\[\]{}]""")
"""What parts the cells of a line, whatever format it is of."""


def redact_imports(db: Database, workspace: WorkspaceId, rule: Rule) -> Sifted:
    """Empty the refused lines and drop the files of a shop that may have the field. Safe to repeat.

    A redaction about one customer leaves the lines that name others alone.
    """
    if rule.source not in ("", IMPORT_SOURCE):
        return Sifted([], [])
    with db.write() as conn:
        lines = _empty_lines(conn, workspace, rule)
    files, left = _drop_files(db, workspace, rule)
    done = [f"{lines:,} refused lines of imports emptied"] if lines else []
    done += [f"{files:,} files handed in for an import dropped"] if files else []
    return Sifted(done, left)


def redacted_refusals(conn: Connection, workspace: WorkspaceId, refused: Sequence[Refused]) -> Sequence[Refused]:
    """Refused lines as they may be kept, in the transaction that appended their neighbours: emptied where a redaction
    holds. The reason stays where it quotes nothing of the line.
    """
    rules = [rule for rule in rules_of(conn, [workspace]).get(workspace, ()) if rule.source in ("", IMPORT_SOURCE)]
    if not refused or not rules:
        return refused
    everybody = any(rule.keys is None for rule in rules)
    keys = frozenset[bytes]().union(*(rule.keys or () for rule in rules))
    return [
        one._replace(row="", reason=_LATER if _quotes(one) else f"{one.reason}; {_LATER}")
        if everybody or not keys.isdisjoint(keys_in(workspace, one.row.encode()))
        else one
        for one in refused
    ]


def _quotes(one: Refused) -> bool:
    return any(cell in one.reason for cell in _CELLS.split(one.row) if cell.strip())


def _empty_lines(conn: Connection, workspace: WorkspaceId, rule: Rule) -> int:
    e, i = import_errors.c, imports.c
    of_span = sa.select(i.id).where(i.workspace == workspace, _reaches(i.finished_at, rule))
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


def _drop_files(db: Database, workspace: WorkspaceId, rule: Rule) -> tuple[int, list[str]]:
    """How many files went, and what is left, in words."""
    c = uploads.c
    of_span = (c.workspace == workspace, c.path != "", _reaches(c.finished_at, rule))
    busy = c.state.in_(("waiting", "running"))
    waits = c.state.in_(("ready", "failed"))
    with db.read() as conn:
        running = int(conn.execute(sa.select(sa.func.count()).where(*of_span, busy)).scalar_one())
        rows = conn.execute(sa.select(c.id, c.path).where(*of_span, ~busy)).all()
    # Outside of any transaction: a file may be large.
    theirs = [row.id for row in rows if rule.keys is None or _file_names(workspace, rule.keys, Path(row.path))]
    mine = (c.workspace == workspace, c.id.in_(theirs), c.path != "", ~busy)
    with db.write() as conn:
        state = sa.case((waits, "dropped"), else_=c.state)
        why = sa.case((waits, _WHY), else_=c.error)
        conn.execute(uploads.update().where(*mine).values(state=state, error=why, version=c.version + 1))
        paths = list(conn.execute(sa.select(c.path).where(*mine)).scalars())
    here = [path for path in paths if Path(path).parent.is_dir()]
    for path in here:
        Path(path).unlink(missing_ok=True)
    with db.write() as conn:  # after the file: whoever is killed between leaves a row that is looked at again
        conn.execute(uploads.update().where(*mine, c.path.in_(here)).values(path="", version=c.version + 1))
    left = ["a file that is being imported goes when its import is over; its facts lose the field"] if running else []
    if len(here) < len(paths):
        left.append(f"{len(paths) - len(here):,} files handed in lie in a folder that is not on this machine")
    return len(here), left


def _reaches(finished_at: sa.ColumnElement[int | None], rule: Rule) -> sa.ColumnElement[bool]:
    """What was over before the span began tells nothing of it; a history that is imported years later may."""
    return sa.or_(finished_at.is_(None), finished_at >= rule.since)


def _file_names(workspace: WorkspaceId, keys: Collection[bytes], path: Path) -> bool:
    """Whether a file may name one of these; one that cannot be read, or is no UTF-8, may."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            file: Any = gzip.GzipFile(fileobj=raw) if packed else raw
            for line in iter(lambda: file.readline(_LONGEST_LINE), b""):
                if len(line) == _LONGEST_LINE or _line_names(workspace, keys, line.decode()):
                    return True
    except FileNotFoundError:
        return False
    except (OSError, EOFError, zlib.error, UnicodeDecodeError):
        return True
    return False


def _line_names(workspace: WorkspaceId, keys: Collection[bytes], line: str) -> bool:
    cells = {cell.strip(" '\ufeff") for cell in _CELLS.split(line)} - {""}
    if len(cells) > _MOST_CELLS:
        return True
    quoted = b" ".join(msgspec.json.encode(cell) for cell in sorted(cells))
    return not keys_in(workspace, quoted).isdisjoint(keys)

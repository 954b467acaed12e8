"""Databases that a restore put aside: whoever is erased is erased from these, too.

They are whole installations as they were (`rapport.db.before-…`); the list of all who were erased leads to those who
are in them. One that cannot be opened any more is named in the proof, for a person to remove.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from rapport.app.keeping_out import erase_again
from rapport.compose.holding import Sifted
from rapport.kernel.errors import RapportError
from rapport.kernel.ids import WorkspaceId
from rapport.storage import suppression
from rapport.storage.engine import Database
from rapport.storage.migrate import migrate
from rapport.storage.tidying import tidy
from rapport.storage.turn import LOCK_FILES

if TYPE_CHECKING:
    from rapport.compose.installed import Installed

__all__ = ["sift_asides"]

_logger = logging.getLogger(__name__)


def sift_asides(db: Database, slices: Installed, _: WorkspaceId, texts: Sequence[str] | None) -> Sifted:
    """Erase from the databases beside this one all who were erased for good. Cost: a hash for each identifier there."""
    if db.path is None:
        return Sifted([], [])
    done, left = [], []
    for path in sorted(db.path.parent.glob(f"{db.path.name}.before-*")):
        if path.name.endswith(("-wal", "-shm", ".lock")):
            continue
        try:
            _erase_in(path, db, slices)
        except (RapportError, CommandError, DBAPIError, sqlite3.Error, OSError) as error:
            _logger.error("%s could not be erased from: %s", path, type(error).__name__)
            left.append(f"{path.name} could not be opened and keeps who was erased: remove it")
        else:
            done.append(f"all who were erased for good are gone from {path.name}")
    return Sifted(done, left)


def _erase_in(path: Path, db: Database, slices: Installed) -> None:
    """Written anew only where somebody was in it; a lock file left there says that the last time did not end."""
    with db.read() as conn:
        erased = suppression.listed(conn)
    again = path.with_name(f"{path.name}.lock").exists()
    aside = Database.open(f"sqlite:///{path}")
    try:
        migrate(aside, slices.branches)
        with aside.write() as conn:
            found = erase_again(conn, slices, erased, now=db.now_us(conn), adopt=True)
        if found or again:
            tidy(aside, [], None)
    finally:
        aside.close()
    for end in ("-wal", "-shm", *LOCK_FILES):
        path.with_name(f"{path.name}{end}").unlink(missing_ok=True)

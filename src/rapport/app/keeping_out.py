"""Nobody erased comes back with a database from elsewhere: an old backup, a file copied into its place.

Asked whenever the installation is opened, before anybody uses it: whom the file beside the data tells of and the
database does not is erased again, in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.compose.erasure import erase
from rapport.compose.installed import Installed
from rapport.kernel.clock import to_iso
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph.store import identifiers
from rapport.storage import log, suppressed_file, suppression
from rapport.storage.audit.entries import append as tell
from rapport.storage.bulk import chunks
from rapport.storage.engine import Database
from rapport.storage.suppression import Listed
from rapport.storage.tidying import tidy
from rapport.storage.workspaces import all_workspaces

__all__ = ["erase_again", "keep_out"]


def keep_out(db: Database, slices: Installed) -> int:
    """Erase again whom this database has back, and have the file say all that it says. Returns how many it erased.

    Cost where nobody has to be: the file and one small table are read. Raises Misconfigured (a damaged file) and
    Conflict (another installation's).
    """
    told = None if db.folder is None else suppressed_file.read(db.folder)
    erased = 0
    if told is not None and told.rows:
        with db.read() as conn:
            known = suppression.listed(conn)
        here = {row[:2]: row[2] for row in known.rows} if known is not None else {}
        if any(abs(at) > abs(here.get((workspace, hashed), 0)) for workspace, hashed, at in told.rows):
            with db.write() as conn:
                now = db.now_us(conn)
                erased = erase_again(conn, slices, told, now=now, adopt=True)
                for shop in all_workspaces(conn):
                    details = {"erased_again": erased}
                    tell(conn, shop.id, "erasure.repeated", about=suppressed_file.FILE, details=details, now=now)
            if erased:
                tidy(db, list(slices.tables), None)
    suppressed_file.keep(db)
    return erased


def erase_again(
    conn: Connection, slices: Installed, before: Listed | None, *, now: int, adopt: bool = False
) -> int:  # fmt: skip
    """Erase everybody whom that list tells of; returns how many identifiers led to somebody. `adopt` is `carry`'s."""
    if before is not None:
        suppression.carry(conn, before, adopt=adopt)
    erased = 0
    for workspace, keys in _back_again(conn):
        for key in keys:
            proof, _ = erase(conn, slices, workspace, key, now=now, told=to_iso(now))
            erased += bool(proof.stores)
    return erased


def _back_again(conn: Connection) -> Sequence[tuple[WorkspaceId, list[Key]]]:
    """By shop the identifiers of erased people that are in the data. Cost: one hash for each identifier."""
    if suppression.is_empty(conn):
        return []
    found = []
    for shop in all_workspaces(conn):
        i, f = identifiers.c, log.facts.c
        keys = set(conn.execute(sa.select(i.key).where(i.workspace == shop.id)).scalars())
        keys |= set(conn.execute(sa.select(f.strand).where(f.workspace == shop.id).distinct()).scalars())
        gone: set[Key] = set()
        for some in chunks(sorted(keys), 10_000):
            gone |= suppression.is_suppressed(conn, shop.id, [Key(key) for key in some])
        if gone:
            found.append((shop.id, sorted(gone)))
    return found

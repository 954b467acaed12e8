"""The lake of an installation: archived to, forgotten in, and refused where it is another database's."""

from __future__ import annotations

import logging
from collections.abc import Callable

from sqlalchemy.exc import DBAPIError

from rapport.capabilities.lake import store
from rapport.compose.holding import Sifted
from rapport.kernel.errors import Misconfigured
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage import suppression
from rapport.storage.engine import Database
from rapport.storage.lake import archiver, erasing, upkeep
from rapport.storage.lake.archiver import AT_ONCE, Archived
from rapport.storage.lake.lease import alone
from rapport.storage.lake.table import Lake, lake_of
from rapport.storage.log import Horizon

__all__ = ["archive", "begin", "forget_in_asides", "forget_waiting", "our_lake", "refile_waiting"]

_logger = logging.getLogger(__name__)


def our_lake(db: Database) -> Lake:
    """The lake of this installation. Raises Misconfigured where there is none, or where it is another database's.

    Machines that share a database share its lake: one without it would keep a second one, and forget in neither.
    """
    lake = lake_of(db)
    if lake is None:
        raise Misconfigured("no data folder is known for the lake", hint="--data names it")
    with db.look() as conn:
        known = store.home(conn)
    if known is not None and (not lake.folder.exists() or lake.name() != known):
        raise Misconfigured(
            f"{lake.folder} is not the lake that this database's facts were archived to",
            hint="mount that folder here; where it is lost for good, empty the table lake_home and archive anew",
        )
    return lake


def archive(
    db: Database,
    *,
    most: int | None = None,
    at_once: int = AT_ONCE,
    horizon: Horizon | None = None,
    tell: Callable[[Archived], None] = lambda _: None,
) -> Archived:
    """Archive what the lake lacks of the log (`archiver.archive`). Raises Misconfigured and Conflict."""
    lake = our_lake(db)
    with db.look() as conn:
        known = store.home(conn)
    if known is None:
        lake = begin(db)
    return archiver.archive(db, lake, most=most, at_once=at_once, horizon=horizon, tell=tell)


def begin(db: Database) -> Lake:
    """Have the database know its lake before the first fact is in it: from then on who is erased is noted for it."""
    lake = our_lake(db)
    with db.write() as conn:
        store.claim(conn, lake.name())
    return our_lake(db)


def forget_waiting(db: Database, *, limit: int) -> int:
    """Take out of the lake who was erased from the database; returns how many strands. Safe to repeat."""
    lake = our_lake(db)
    with db.read() as conn:
        waiting = store.forgettings(conn, limit=limit)
    for workspace, upto in sorted({(one.workspace, one.upto) for one in waiting}):
        some = [one for one in waiting if (one.workspace, one.upto) == (workspace, upto)]
        strands = [one.strand for one in some]
        erasing.forget(db, lake, workspace, strands, upto=upto)
        for aside in _asides(lake):  # whole: its numbers are those of a log that went on beyond the one restored
            erasing.forget(db, aside, workspace, strands)
        with db.write() as conn:
            store.done(conn, some)
    return len(waiting)


def _asides(lake: Lake) -> list[Lake]:
    """The lakes that a restore put aside: they hold what was archived before."""
    return [Lake(folder) for folder in sorted(lake.folder.parent.glob(f"{lake.folder.name}.before-*"))]


def forget_in_asides(db: Database) -> Sifted:
    """Take out of the lakes that a restore put aside all who were erased for good. Safe to repeat.

    By the list of the erased: what was noted for the lake went with the database the restore replaced, and nothing is
    noted until the lake begun anew is archived to. Cost: a column of each such lake, a hash for each strand in it.
    """
    lake = lake_of(db)
    done, left = list[str](), list[str]()
    for aside in _asides(lake) if lake is not None else ():
        try:
            found = _erased_in(db, aside)
            for workspace, strands in sorted(found.items()):
                erasing.forget(db, aside, workspace, strands)
            if not found:  # what one that was killed has left
                with alone(db, aside):
                    upkeep.sweep(aside, keep_hours=0)
        except DBAPIError:
            raise
        except Exception as error:  # noqa: BLE001 - a damaged one has its libraries raise whatever they like
            _logger.error("%s could not be erased from: %s", aside.folder, type(error).__name__)
            left.append(f"{aside.folder.name} could not be read and keeps who was erased: remove it")
        else:
            done.append(f"all who were erased for good are gone from {aside.folder.name}")
    return Sifted(done, left)


def _erased_in(db: Database, lake: Lake) -> dict[WorkspaceId, set[Key]]:
    """The strands of erased people that have facts in it, by shop."""
    found: dict[WorkspaceId, set[Key]] = {}
    for some in upkeep.read_strands(lake):
        by_shop: dict[WorkspaceId, list[Key]] = {}
        for workspace, strand in some:
            by_shop.setdefault(workspace, []).append(strand)
        with db.read() as conn:
            for workspace, strands in by_shop.items():
                if gone := suppression.is_suppressed(conn, workspace, strands):
                    found.setdefault(workspace, set()).update(gone)
    return found


def refile_waiting(db: Database, *, limit: int) -> int:
    """Have the lake hold what the log holds of facts that left it or came back; returns of how many. Safe to repeat.

    Call where nobody is to be forgotten: who was named by taken back facts alone may have been put back meanwhile.
    """
    lake = our_lake(db)
    with db.read() as conn:
        waiting = store.refilings(conn, limit=limit)
    if waiting:
        erasing.refile(db, lake, waiting[0].workspace, [one.seq for one in waiting])
        with db.write() as conn:
            store.refiled(conn, waiting)
    return len(waiting)

"""The lake of an installation: archived to, forgotten in, and refused where it is another database's."""

from __future__ import annotations

from collections.abc import Callable

from rapport.capabilities.lake import store
from rapport.kernel.errors import Misconfigured
from rapport.storage.engine import Database
from rapport.storage.lake import archiver, erasing
from rapport.storage.lake.archiver import AT_ONCE, Archived
from rapport.storage.lake.table import Lake, lake_of
from rapport.storage.log import Horizon

__all__ = ["archive", "forget_waiting", "our_lake", "refile_waiting"]


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
        # Before the first fact is in it: from then on whoever is erased is noted for the lake.
        with db.write() as conn:
            store.claim(conn, lake.name())
        lake = our_lake(db)
    return archiver.archive(db, lake, most=most, at_once=at_once, horizon=horizon, tell=tell)


def forget_waiting(db: Database, *, limit: int) -> int:
    """Take out of the lake who was erased from the database; returns how many strands. Safe to repeat."""
    lake = our_lake(db)
    with db.read() as conn:
        waiting = store.forgettings(conn, limit=limit)
    for workspace, upto in sorted({(one.workspace, one.upto) for one in waiting}):
        some = [one for one in waiting if (one.workspace, one.upto) == (workspace, upto)]
        for one_lake in (lake, *_asides(lake)):
            erasing.forget(db, one_lake, workspace, [one.strand for one in some], upto=upto)
        with db.write() as conn:
            store.done(conn, some)
    return len(waiting)


def _asides(lake: Lake) -> list[Lake]:
    """The lakes that a restore put aside: they hold what was archived before."""
    return [Lake(folder) for folder in sorted(lake.folder.parent.glob(f"{lake.folder.name}.before-*"))]


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

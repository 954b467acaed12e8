"""What workers do for the lake: archive, join small files, forget who was erased and what was taken back.

None of it holds a lock on the database while it works on files; where the optional packages are missing it rests.
"""

from __future__ import annotations

from rapport.act.jobs import Job, Share, Turn
from rapport.capabilities.lake import store
from rapport.capabilities.lake.recording import record_slice
from rapport.capabilities.lake.service import archive, forget_waiting, our_lake, refile_waiting
from rapport.kernel.clock import HOUR, MINUTE
from rapport.kernel.work import Connection
from rapport.storage.lake import upkeep
from rapport.storage.lake.records import SLICES
from rapport.storage.lake.table import is_installed, lake_of
from rapport.storage.log import Horizon, newest_seq

__all__ = ["ARCHIVING", "COMPACTING", "FORGETTING", "RECORDING", "REFILING"]

MANY_FACTS = 5_000
"""With so many waiting a commit is worth its file."""

EVERY = HOUR
"""So often it is looked which Golden Records have changed."""

LONG = 10 * MINUTE
"""So long the last facts of a quiet shop wait for others."""


class Place:
    """How far this worker knows the lake to be."""

    def __init__(self) -> None:
        self.horizon = Horizon()
        self.upto: int | None = None
        self.archived_at = 0


def _is_anything_to_archive(conn: Connection, turn: Turn) -> bool:
    lake = lake_of(turn.db)
    if lake is None or not is_installed():
        return False
    place = turn.kept(Place)
    place.archived_at = place.archived_at or turn.now
    if place.upto is None:
        place.upto = lake.archived()
    waiting = newest_seq(conn) - place.upto
    return waiting >= MANY_FACTS or (waiting > 0 and turn.now - place.archived_at >= LONG)


def _archive(turn: Turn) -> int:
    place = turn.kept(Place)
    done = archive(turn.db, most=turn.at_most, horizon=place.horizon)
    place.upto, place.archived_at = done.upto, turn.now
    return done.facts


ARCHIVING = Job(
    name="lake.archiving",
    title="Facts are archived to the lake",
    due=_is_anything_to_archive,
    run=_archive,
    at_most=20_000,  # a fifth of a second
    pause_seconds=20.0,
    share=Share(behind=1 / 20, busy=1 / 10, quiet=1 / 2),
    may_pause=True,
    ahead=lambda conn, turn: max(0, newest_seq(conn) - (turn.kept(Place).upto or 0)),
)


def _is_crowded(conn: Connection, turn: Turn) -> bool:
    lake = lake_of(turn.db)
    return lake is not None and is_installed() and upkeep.crowded(lake)


def _compact(turn: Turn) -> int:
    done = upkeep.compact(turn.db, our_lake(turn.db), wait=False)
    return done.before - done.after


COMPACTING = Job(
    name="lake.compacting",
    title="Small files of the lake are joined",
    due=_is_crowded,
    run=_compact,
    at_most=1_000_000,
    pause_seconds=900.0,
    share=Share(behind=1 / 50, busy=1 / 20, quiet=1 / 2),
    may_pause=True,
)


class Round:
    """How far this worker is among the slices of Golden Records, and when it begins again."""

    def __init__(self) -> None:
        self.left: list[str] = []
        self.again_at = 0


def _is_time_to_record(conn: Connection, turn: Turn) -> bool:
    if lake_of(turn.db) is None or not is_installed() or store.home(conn) is None:
        return False
    place = turn.kept(Round)
    return bool(place.left) or turn.now >= place.again_at


def _record(turn: Turn) -> int:
    place = turn.kept(Round)
    if turn.now >= place.again_at:
        place.left += [one for one in SLICES if one not in place.left]
        place.again_at = turn.now + EVERY
    slice_ = place.left.pop(0)
    try:
        done = record_slice(turn.db, our_lake(turn.db), slice_)
    except BaseException:
        place.left.append(slice_)  # it is tried again after the others, which do not wait for it
        raise
    if place.left:
        turn.again()
    return done


RECORDING = Job(
    name="lake.recording",
    title="Changed Golden Records are archived to the lake",
    due=_is_time_to_record,
    run=_record,
    at_most=1_000_000,
    pause_seconds=30.0,
    share=Share(behind=1 / 50, busy=1 / 20, quiet=1 / 2),
    may_pause=True,
    ahead=lambda conn, turn: len(turn.kept(Round).left),
)


def _is_anybody_to_forget(conn: Connection, turn: Turn) -> bool:
    return lake_of(turn.db) is not None and is_installed() and store.is_forgetting(conn)


def _forget(turn: Turn) -> int:
    return forget_waiting(turn.db, limit=turn.at_most)


FORGETTING = Job(
    name="lake.forgetting",
    title="Who was erased is forgotten in the lake, too",
    due=_is_anybody_to_forget,
    run=_forget,
    at_most=200,
    pause_seconds=10.0,
)


def _is_anything_to_refile(conn: Connection, turn: Turn) -> bool:
    if lake_of(turn.db) is None or not is_installed() or not store.is_refiling(conn):
        return False
    return not store.is_forgetting(conn)  # before, or what was put back would be forgotten after it was archived


def _refile(turn: Turn) -> int:
    turn.again()
    return refile_waiting(turn.db, limit=turn.at_most)


REFILING = Job(
    name="lake.refiling",
    title="What was taken back leaves the lake, and what was put back returns to it",
    due=_is_anything_to_refile,
    run=_refile,
    at_most=20_000,
    pause_seconds=10.0,
    share=Share(behind=1 / 20, busy=1 / 10, quiet=1 / 2),
)

"""What somebody should see to: said by slices, shown on Home, each with what to do about it and where."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
from sqlalchemy import Connection

from rapport.kernel.ids import WorkspaceId
from rapport.kernel.named import by_name
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database

__all__ = ["Alarm", "Alarms", "Seen", "Watch"]

_logger = logging.getLogger(__name__)


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not as it should be, in the shop's words."""

    what: str
    to_do: str
    path: str
    """Of the page where it is done."""
    name: str = ""
    """What sets it apart from the others of its watch that lead to the same page; the page does where it is empty."""
    tone: Literal["red", "amber"] = "red"
    """Red where something is lost or stands still, amber where it waits."""


class Seen(NamedTuple):
    """All that is wrong at a moment, as far as the watches can tell."""

    alarms: list[tuple[str, Alarm]]
    """Each with a name that stays the same while it stands: the watch, and what it names or where it leads."""
    unread: frozenset[str]
    """The watches that failed: of what they told before nobody knows."""

    def knows(self, name: str) -> bool:
        """Whether the watch of an alarm of this name could be read."""
        return name.partition(" ")[0] not in self.unread


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """What a slice looks after, for whoever has its permission."""

    name: str
    """Begins with the slice's name: `act.webhooks`."""
    permission: str
    read: Callable[[Connection, WorkspaceId, int], Sequence[Alarm]] | None = None
    """What is wrong in a shop at this moment (microseconds): bounded, since Home asks again and again."""
    files: Callable[[Path, WorkspaceId], Sequence[Alarm]] | None = None
    """The same of what lies in the data folder."""
    whole: Callable[[Database], Sequence[Alarm]] | None = None
    """What is wrong with the installation as a whole, all shops alike: said at the head of every page, too."""


class Alarms:
    """All watches of all slices. Raises ValueError where two have one name."""

    def __init__(self, watches: Iterable[Watch]) -> None:
        named = by_name("watch", ((watch.name, watch.name, watch) for watch in watches))
        self.watches = [named[name] for name in sorted(named)]

    def now(self, db: Database, principal: Principal, now: int) -> list[Alarm]:
        """What is wrong, the worst first. A watch that fails is one of the alarms.

        What some alarm tells more exactly is not told twice.
        """
        found = [alarm for watch in self.watches if watch.read for alarm in _read(watch, db, principal, now)]
        told = {alarm.path.rpartition("/")[0] for alarm in found}
        found += [alarm for alarm in self.everywhere(db, principal, now) if alarm.path not in told]
        return sorted(found, key=lambda alarm: alarm.tone == "amber")

    def named(self, db: Database, principal: Principal, now: int) -> Seen:
        """All that is wrong, told apart."""
        found, unread = list[tuple[str, Alarm]](), set[str]()
        for watch in self.watches:
            read = _told_by(watch, db, principal, now)
            if read is None:
                unread.add(watch.name)
            else:
                found += [(f"{watch.name} {alarm.name or alarm.path}", alarm) for alarm in read]
        return Seen(found, frozenset(unread))

    def everywhere(self, db: Database, principal: Principal, now: int) -> list[Alarm]:
        """What is wrong with the installation as a whole."""
        return [alarm for watch in self.watches if watch.whole for alarm in _read(watch, db, principal, now)]


def _read(watch: Watch, db: Database, principal: Principal, now: int) -> Sequence[Alarm]:
    """What a watch says to somebody, be it that it failed."""
    told = _told_by(watch, db, principal, now)
    return [_unwatched(watch.name)] if told is None else told


def _told_by(watch: Watch, db: Database, principal: Principal, now: int) -> Sequence[Alarm] | None:
    """What a watch says to somebody; None where it failed."""
    if not principal.may(watch.permission):
        return ()
    try:
        found: list[Alarm] = list(watch.whole(db)) if watch.whole else []
        if watch.read:
            with db.read() as conn:
                found += watch.read(conn, principal.workspace, now)
        if watch.files is not None and db.folder is not None:
            found += watch.files(db.folder, principal.workspace)
    except Exception:  # whatever a slice makes of it, the page is not its own
        _logger.exception("the watch %s failed", watch.name)
        return None
    return found


def _unwatched(name: str) -> Alarm:
    return Alarm(
        what=f"Nobody can tell at the moment whether “{name}” is well.", path="/console/system", tone="amber",
        to_do="The server's log says why; everything else on this page is complete.",
    )  # fmt: skip

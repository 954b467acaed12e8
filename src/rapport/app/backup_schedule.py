"""Backups by the clock: taken beside the server in a process of its own, the newest kept, the others deleted.

The name of a file says when it was taken, so what is due needs no memory but the folder, and a restart changes nothing.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from rapport.app.settings import Settings
from rapport.kernel.clock import HOUR, MINUTE, from_iso, now_us, to_datetime
from rapport.storage.engine import Database
from rapport.storage.outage import going_on
from rapport.web.alarms import Alarm

__all__ = ["BackupSchedule", "overdue", "taken"]

LOOK_SECONDS = 60.0
AHEAD = HOUR
"""A backup that is dated further in the future was taken while the clock was wrong."""
AGAIN_AFTER = 15 * MINUTE
"""After one that failed."""

BEHIND = 10
"""The priority of the process: after whoever serves."""

_logger = logging.getLogger(__name__)


class BackupSchedule:
    """Takes a backup whenever the newest in the folder is old enough. One for each server process."""

    def __init__(
        self, settings: Settings, *, command: Sequence[str] | None = None, look_seconds: float = LOOK_SECONDS
    ) -> None:
        self._settings = settings
        self._folder = Path(settings.backup_dir)
        self._command = command or (sys.executable, "-m", "rapport", "backup", "--data", str(settings.data_dir))
        self._failed_at = 0
        self._look_seconds = look_seconds

    def keep_taking(self, stop: threading.Event) -> None:
        """Take what is due until told to stop; one under way is then given up, and leaves no file."""
        while self._settings.backup_dir and not stop.wait(self._look_seconds):
            with going_on("backups were looked at"):
                now = now_us()
                if self.is_due(now):
                    self.take(now, stop)

    def is_due(self, now: int) -> bool:
        """Whether the newest backup is old enough, and no attempt failed a moment ago."""
        newest = max((at for at, _ in taken(self._folder) if at <= now + AHEAD), default=0)
        return now - newest >= self._settings.backup_hours * HOUR and not 0 <= now - self._failed_at < AGAIN_AFTER

    def take(self, now: int, stop: threading.Event) -> bool:
        """Take one and delete those that are too many; whether it went well. An old one goes only after a new one."""
        file = self._folder / _name(now)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            done = self._run(file, stop)
        except OSError as error:
            _logger.error("a backup could not be begun: %s", error.strerror)
            done = False
        if not done:
            self._failed_at = now
            return False
        self._delete_old(now)
        return True

    def _delete_old(self, now: int) -> None:
        """Keep the newest. What a wrong clock dated in the future is none of them: it stays until its day has come."""
        try:
            for _, old in sorted(one for one in taken(self._folder) if one[0] <= now)[: -self._settings.backups_kept]:
                old.unlink(missing_ok=True)
        except OSError as error:
            _logger.error("old backups could not be deleted: %s", error.strerror)

    def _run(self, file: Path, stop: threading.Event) -> bool:
        child = subprocess.Popen(  # noqa: S603 - our own command
            [*self._command, str(file)], env={**os.environ, "RAPPORT_DATABASE_URL": self._settings.database_url},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, child.pid, BEHIND)
        while child.poll() is None:
            if stop.wait(0.2):
                child.terminate()
                child.wait()
                return False
        if child.returncode:
            _logger.error("a backup failed with code %s; its own lines say why", child.returncode)
        return child.returncode == 0 and file.is_file()


def taken(folder: Path) -> list[tuple[int, Path]]:
    """The backups of a folder that were taken by the clock, with when; other files are nobody's business."""
    found = []
    for path in folder.glob("rapport-*Z.zip"):
        try:
            day, time = path.name.removeprefix("rapport-").removesuffix("Z.zip").split("T")
            at = from_iso(f"{day}T{time[:2]}:{time[2:4]}:{time[4:]}Z")
        except ValueError:
            continue
        if at is not None:
            found.append((at, path))
    return found


def overdue(db: Database) -> list[Alarm]:
    """The alarm that backups are wanted and do not come."""
    settings = Settings.load()
    if not settings.backup_dir:
        return []
    now = now_us()
    dated = [at for at, _ in taken(Path(settings.backup_dir))]
    newest = max((at for at in dated if at <= now + AHEAD), default=None)
    if newest is not None and now - newest < 2 * settings.backup_hours * HOUR:
        return []
    if newest is None and not _is_old(db, now - settings.backup_hours * HOUR):
        return []
    what = "No backup was ever taken" if newest is None else f"The newest backup is {(now - newest) // HOUR} hours old"
    if ahead := sum(at > now + AHEAD for at in dated):
        what += f"; {ahead} {'is' if ahead == 1 else 'are'} dated in the future, by a clock that was wrong"
    to_do = "The server's log says why one failed: is there room in RAPPORT_BACKUP_DIR, and may it be written to?"
    return [Alarm(what=what, to_do=to_do, path="/console/system")]


def _is_old(db: Database, before: int) -> bool:
    """Whether the installation was made before a moment."""
    return db.folder is not None and db.folder.exists() and db.folder.stat().st_ctime_ns // 1000 < before


def _name(now: int) -> str:
    return f"rapport-{to_datetime(now):%Y-%m-%dT%H%M%SZ}.zip"

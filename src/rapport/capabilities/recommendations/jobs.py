"""The nightly training: a process of its own, so that a worker folds facts while it learns."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from rapport.act.jobs import Job, Turn
from rapport.capabilities.recommendations import models
from rapport.kernel.clock import DAY, HOUR, MINUTE, zone_named
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Connection
from rapport.storage.log import newest_seq
from rapport.storage.workspaces import Workspace, all_workspaces

__all__ = ["TRAINING"]

FEWEST_FACTS = 2_000
"""A shop with fewer has not seen the visits that a first training needs."""

NIGHT = range(2, 6)
"""Hours of the shop's own clock; a shop that is two days behind is trained at any hour."""


class _Child:
    """The training that runs, and whose it is."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.shop = ""


def _shop_due(conn: Connection, folder: Path, now: int) -> Workspace | None:
    """The due shop whose training was begun longest ago, so that one that fails holds up no other.

    None is due within an hour of being begun: the beginning is on disk, for the worker may forget what it started.
    """
    due: list[tuple[int, WorkspaceId, Workspace]] = []
    for shop in all_workspaces(conn):
        last, own = _last(folder, shop.id), models.folder_of(folder, shop.id)
        progress = models.progress_of(own)
        begun = progress.at if progress else 0
        is_time = now - last > 2 * DAY or (
            now - last > DAY - 30 * MINUTE and _hour(now, shop.settings.time_zone) in NIGHT
        )
        if is_time and now - begun > HOUR and not models.is_training(own):
            due.append((begun, shop.id, shop))
    return min(due)[2] if due else None


def _last(folder: Path, workspace: WorkspaceId) -> int:
    manifest, _ = models.manifest_of(models.folder_of(folder, workspace))
    return manifest.attempts[0].trained_at if manifest.attempts else 0


def _hour(now: int, zone: str) -> int:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(now / 1_000_000, UTC).astimezone(zone_named(zone)).hour


def _due(conn: Connection, turn: Turn) -> bool:
    if turn.kept(_Child).process is not None:
        return True
    if turn.db.folder is None or find_spec("lightgbm") is None or newest_seq(conn) < FEWEST_FACTS:
        return False
    return _shop_due(conn, turn.db.folder, turn.now) is not None


def _run(turn: Turn) -> int:
    """Start a training, or see whether the one that runs has ended. Raises RuntimeError where it failed."""
    child = turn.kept(_Child)
    if child.process is None:
        with turn.db.read() as conn:
            shop = _shop_due(conn, turn.db.folder, turn.now) if turn.db.folder else None
        if shop is None or turn.db.folder is None:
            return 0
        models.say_progress(models.folder_of(turn.db.folder, shop.id), "beginning", 0.0, now=turn.now)
        asked = [sys.executable, "-m", "rapport", "train", "--data", str(turn.db.folder), "--workspace", shop.slug]
        child.process = subprocess.Popen(  # noqa: S603 - our own program
            [*asked, "--nice", "--json"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        child.shop = shop.slug
    ended = child.process.poll()
    if ended is None:
        turn.again()
        return 0
    child.process = None
    if ended:
        raise RuntimeError(f"the training of {child.shop} ended with status {ended}; `rapport train` says why")
    return 1


TRAINING = Job(
    name="recommendations.training",
    title="What comes next is learnt anew each night",
    due=_due,
    run=_run,
    at_most=1,
    pause_seconds=300.0,
    waiting_seconds=5.0,
)

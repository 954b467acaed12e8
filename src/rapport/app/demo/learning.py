"""Has the shop learn, once, who is one person, so that learned links and the review queue are there to see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import sqlalchemy as sa

from rapport.app.demo.processes import Children
from rapport.app.settings import Settings
from rapport.resolve.linking import review
from rapport.resolve.linking.models import active_version
from rapport.resolve.linking.store import link_records
from rapport.storage.engine import Database
from rapport.storage.workspaces import default_workspace

__all__ = ["Learning"]

NAME = "training"
LOOK_SECONDS = 0.5


class _Linking(NamedTuple):
    """How far the worker is with what was learned."""

    pending: int
    linked: int
    waiting: int


class Learning:
    """Trains a model in a process of its own, if there is none yet, and waits until the worker has used it."""

    def __init__(self, settings: Settings, children: Children, *, tell: Callable[[str], None]) -> None:
        self.doing = ""
        """What is being done just now; empty where there is nothing to say."""
        self._settings = settings
        self._children = children
        self._tell = tell

    async def run(self) -> None:
        """Train unless that was done before, and say in one line what came of it, also where nothing did."""
        if await asyncio.to_thread(self._has_model):
            return
        folder = str(self._settings.data_dir)
        self._children.log_of(NAME).unlink(missing_ok=True)
        child = self._children.start(NAME, ["-m", "rapport", "identity", "train", "--data", folder], gently=True)
        while child.poll() is None:
            self.doing = self._lines()[-1]
            await asyncio.sleep(LOOK_SECONDS)
        if child.returncode == 0:
            await self._scored()
        else:
            self._tell(f"No learned links: {_reason(self._lines())}")
        self.doing = ""

    async def _scored(self) -> None:
        while (found := await asyncio.to_thread(self._linking)).pending:
            self.doing = f"{found.pending:,} records to score"
            await asyncio.sleep(4 * LOOK_SECONDS)
        self._tell(f"Learned who is one person: {found.linked:,} links; {found.waiting:,} pairs wait under Review.")

    def _lines(self) -> list[str]:
        """What the process has written; never empty."""
        text = self._children.log_of(NAME).read_text(errors="replace")
        return [line.strip() for line in text.splitlines() if line.strip()] or ["starting"]

    def _has_model(self) -> bool:
        with self._open() as db, db.read() as conn:
            return active_version(conn, default_workspace(conn).id) is not None

    def _linking(self) -> _Linking:
        with self._open() as db, db.read() as conn:
            shop = default_workspace(conn).id
            own = link_records.c
            pending = sa.select(sa.func.count()).where(own.workspace == shop, own.pending)
            return _Linking(
                pending=int(conn.execute(pending).scalar_one()),
                linked=review.count_linked(conn, shop),
                waiting=review.count_queue(conn, shop),
            )

    @contextmanager
    def _open(self) -> Iterator[Database]:
        db = Database.open(self._settings.url)
        try:
            yield db
        finally:
            db.close()


def _reason(lines: list[str]) -> str:
    """The message of a command that failed, in one line."""
    starts = [number for number, line in enumerate(lines) if line.startswith("Error: ")]
    said = lines[starts[-1] :] if starts else lines[-1:]
    return "; ".join(said).removeprefix("Error: ")

"""Has the shop take in its older orders and learn, once: who is one person, what goes with what, who comes again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import sqlalchemy as sa

from rapport.app.demo.joining import join_some
from rapport.app.demo.processes import Children
from rapport.app.settings import Settings
from rapport.kernel.errors import RapportError
from rapport.resolve.linking import review
from rapport.resolve.linking.models import active_version
from rapport.resolve.linking.store import link_records
from rapport.storage.engine import Database
from rapport.storage.workspaces import default_workspace
from rapport.world.before import write_orders_before
from rapport.world.timeline import Town

__all__ = ["Learning"]

BEFORE = "orders-before.csv"
"""The older shop's orders, in the data folder."""
LOOK_SECONDS = 0.5


class _Step(NamedTuple):
    """A command to run beside the shop."""

    name: str
    """Of its log."""
    command: tuple[str, ...]
    failed: str
    """What to say where it does not work, before the reason."""


_IMPORT = _Step("importing", ("import", "csv", "--map", "any-orders"), "The older shop's orders were not taken in")
_IDENTITY = _Step("training", ("identity", "train"), "No learned links")
_OTHERS = (
    _Step("ranking", ("train",), "No order of products was learned"),
    _Step("predicting", ("predict", "fit"), "Nothing is predicted"),
)


class _Linking(NamedTuple):
    """How far the worker is with what was learned."""

    pending: int
    linked: int
    waiting: int


class Learning:
    """Runs commands one after the other, each in a process of its own, unless there is a model of persons already."""

    def __init__(self, settings: Settings, town: Town, children: Children, *, tell: Callable[[str], None]) -> None:
        self.doing = ""
        """What is being done just now; empty where there is nothing to say."""
        self._settings = settings
        self._town = town
        self._children = children
        self._tell = tell

    async def run(self) -> None:
        """Do it all unless that was done before, and say in one line each what came of it, also where nothing did."""
        if await asyncio.to_thread(self._has_model):
            return
        try:
            joined = await asyncio.to_thread(self._join)
            self._tell(f"{joined:,} customers are or were members of the club for a fee.")
        except RapportError as error:
            self._tell(f"Nobody joined the club for a fee: {error.message}")
        before = self._settings.data_dir / BEFORE
        lines = await asyncio.to_thread(write_orders_before, before, self._town)
        if await self._does(_IMPORT, str(before)):
            self._tell(f"Took in the older shop's orders: {lines:,} lines of {BEFORE}.")
        if await self._does(_IDENTITY):
            await self._scored()
        for step in _OTHERS:
            await self._does(step)
        self.doing = ""

    async def _does(self, step: _Step, *more: str) -> bool:
        """Run a step to its end; False, and the reason said, where it failed."""
        self._children.log_of(step.name).unlink(missing_ok=True)
        command = ["-m", "rapport", *step.command, *more, "--data", str(self._settings.data_dir)]
        child = self._children.start(step.name, command, gently=True)
        while child.poll() is None:
            self.doing = self._lines(step)[-1]
            await asyncio.sleep(LOOK_SECONDS)
        if child.returncode != 0:
            self._tell(f"{step.failed}: {_reason(self._lines(step))}")
        return child.returncode == 0

    async def _scored(self) -> None:
        while (found := await asyncio.to_thread(self._linking)).pending:
            self.doing = f"{found.pending:,} records to score"
            await asyncio.sleep(4 * LOOK_SECONDS)
        self._tell(f"Learned who is one person: {found.linked:,} links; {found.waiting:,} pairs wait under Review.")

    def _lines(self, step: _Step) -> list[str]:
        """What the process has written; never empty."""
        text = self._children.log_of(step.name).read_text(errors="replace")
        return [line.strip() for line in text.splitlines() if line.strip()] or ["starting"]

    def _has_model(self) -> bool:
        with self._open() as db, db.read() as conn:
            return active_version(conn, default_workspace(conn).id) is not None

    def _join(self) -> int:
        with self._open() as db:
            with db.read() as conn:
                shop = default_workspace(conn).id
            return join_some(db, shop, seed=self._town.seed)

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

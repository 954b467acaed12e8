"""What one batch costs the worker, apart from HTTP: statements, transactions, seconds of a core.

    python -m benchmarks.steps [--engine sqlite|postgresql|all] [--batch N] [--facts N] [--facts-per-person N] [--who]

The facts are appended batch by batch and folded in this process. Statements and transactions do not depend on what else
the machine does, seconds of a core hardly, so that two commits can be compared on a machine that others use. The
append of a batch, two statements, is not counted.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.installation import database, reachable_engines
from benchmarks.load import Shop
from rapport.app.bootstrap import bootstrap, open_database
from rapport.app.pipeline import Pipeline
from rapport.app.settings import Settings
from rapport.app.worker import Worker
from rapport.collect.prepare import prepare
from rapport.collect.sources import list_sources
from rapport.kernel.clock import now_us
from rapport.storage import log
from rapport.storage.engine import Database
from rapport.storage.log import LogRow
from rapport.storage.workspaces import default_workspace

WARM = 1 / 5
"""Share of the facts that is folded before anything is measured."""


class Counts:
    """What was sent to the database since it was last emptied."""

    def __init__(self) -> None:
        self.transactions = 0
        self.statements: Counter[str] = Counter()
        """By the line of ours that sent them."""

    def statement(self, *_: object) -> None:
        self.statements[_line_of_ours()] += 1

    def transaction(self, conn: sa.Connection) -> None:
        self.transactions += conn.get_execution_options().get("isolation_level") != "AUTOCOMMIT"


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    for engine in reachable_engines() if arguments.engine == "all" else [arguments.engine]:
        found, counts = steps(
            engine, batch=arguments.batch, facts=arguments.facts, facts_per_person=arguments.facts_per_person
        )
        print(json.dumps(found), flush=True)
        batches = (1 - WARM) * arguments.facts / arguments.batch
        for line, count in counts.statements.most_common(40 if arguments.who else 0):
            print(f"{count / batches:8.2f}  {line}")


def steps(engine: str, *, batch: int, facts: int, facts_per_person: int) -> tuple[dict[str, Any], Counts]:
    """Figures of an engine, each for one batch."""
    counts = Counts()
    with tempfile.TemporaryDirectory() as folder, database(engine) as url:
        settings = Settings.load({}, data_dir=Path(folder), database_url=url or None)
        db = open_database(settings, ping=False)
        bootstrap(db, settings)
        batches = list(_batches(db, batch=batch, facts=facts, facts_per_person=facts_per_person))
        worker, warm = Worker(Pipeline(db), batch=batch), round(len(batches) * WARM)
        for rows in batches[:warm]:
            _fold(worker, db, rows)
        with _counted(db, counts):
            seconds = [_fold(worker, db, rows) for rows in batches[warm:]]
        worker.close()
        db.close()
    measured = len(batches) - warm
    appended = measured * (0 if engine == "sqlite" else 1)
    return {
        "engine": engine,
        "batch": batch,
        "facts_per_person": facts_per_person,
        "statements": round((sum(counts.statements.values()) - measured - appended) / measured, 1),
        "transactions": round(counts.transactions / measured - 1, 2),
        "core_us_per_fact": round(statistics.median(seconds) / batch * 1e6),
    }, counts


def _batches(db: Database, *, batch: int, facts: int, facts_per_person: int) -> Iterator[list[LogRow]]:
    with db.read() as conn:
        source = list_sources(conn, default_workspace(conn).id)[0]
    shop = Shop(people=0, facts_per_person=facts_per_person)
    for _ in range(facts // batch):
        messages = [json.dumps(shop.message()).encode() for _ in range(batch)]
        yield [prepare(message, source=source, received_at=now_us()) for message in messages]


def _fold(worker: Worker, db: Database, rows: list[LogRow]) -> float:
    """Append, and step until all is folded; answers the seconds of a core that the steps took."""
    with db.write() as conn:
        log.append(conn, rows)
    started, before = time.process_time(), worker.folded
    while worker.folded < before + len(rows):
        worker.step()
    return time.process_time() - started


@contextmanager
def _counted(db: Database, counts: Counts) -> Iterator[None]:
    listeners = (("before_cursor_execute", counts.statement), ("begin", counts.transaction))
    for name, listener in listeners:
        sa.event.listen(db.engine, name, listener)
    yield
    for name, listener in listeners:
        sa.event.remove(db.engine, name, listener)


def _line_of_ours() -> str:
    """The innermost line of a room that is not the storage itself."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        _, found, place = frame.f_code.co_filename.rpartition("/rapport/")
        if found and not place.startswith("storage/"):
            return f"{place}:{frame.f_lineno} {frame.f_code.co_name}"
        frame = frame.f_back
    return "benchmarks/steps.py"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.steps", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--engine", choices=("sqlite", "postgresql", "all"), default="all")
    parser.add_argument("--batch", type=int, default=100, help="facts [100]")
    parser.add_argument("--facts", type=int, default=5_000, help="all together [5,000]; a fifth of them to warm up")
    parser.add_argument("--facts-per-person", type=int, default=20, metavar="N", help="a new customer for every N [20]")
    parser.add_argument("--who", action="store_true", help="the lines that send most statements, each with its number")
    return parser.parse_args()


if __name__ == "__main__":
    main()

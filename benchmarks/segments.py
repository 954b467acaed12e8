"""What segments cost: live evaluation for each fact with 0, 10, 100 and 1,000 of them, and an idle worker's processor.

    uv run python -m benchmarks.segments [--quick] [--json FILE]

A worker folds the facts of a made-up shop, one customer for every 20 facts, five in a row, in batches of 1,000, and
brings the customers' lines up to date after each, with segments following: by processor time of this process, on
SQLite, after a first batch that is not counted. Half of the segments ask the clock. Then the worker is left alone with
100 segments that all do.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from rapport.app.bootstrap import open_database
from rapport.app.pipeline import Pipeline
from rapport.app.settings import Settings
from rapport.app.worker import Worker, drain
from rapport.collect.model import Envelope, internal_source
from rapport.collect.prepare import prepare
from rapport.compose.upkeep import SUMMARIES
from rapport.kernel.clock import DAY, now_us, to_iso
from rapport.kernel.ids import WorkspaceId
from rapport.remember.segments import service
from rapport.remember.segments.fields import Fields
from rapport.storage import log
from rapport.storage.engine import Database
from rapport.storage.log import LogRow
from rapport.storage.workspaces import create_workspace

FACTS_PER_PERSON = 20
BURST = 5
"""Facts of one customer in a row: a short visit."""
NUMBERS = (0, 10, 100, 1_000)
IDLE_SECONDS = 10.0


def condition(number: int, *, is_timed: bool) -> str:
    """A condition of its own for each number, which few fulfil: as a shop's segments are."""
    return (
        f"orders >= {3 + number % 5} AND last_order_at > now() - INTERVAL {1 + number} DAY" if is_timed
        else f"revenue > {200 + number * 3} OR product_views >= {40 + number} AND country = 'DE'"
    )  # fmt: skip


def rows_of(workspace: WorkspaceId, facts: int, *, seed: int) -> list[LogRow]:
    """Views, and an order now and then, of the last 90 days, in order of time."""
    rng, now = random.Random(seed), now_us()
    source = internal_source(workspace, "website")
    rows, person = [], 0
    for number in range(facts):
        at = now - 90 * DAY + number * 89 * DAY // facts
        event, properties = (
            "Product Viewed",
            dict[str, Any]({"product_id": f"p{rng.randrange(500)}", "category": "wine"}),
        )
        if rng.random() < 0.05:
            event, properties = "Order Completed", {"order_id": f"o{number}", "revenue": 40, "currency": "EUR"}
        if number % BURST == 0:
            person = rng.randrange(max(1, facts // FACTS_PER_PERSON))
        message = {"type": "track", "event": event, "messageId": f"m{number}", "timestamp": to_iso(at),
                   "userId": f"u{person}", "properties": properties}  # fmt: skip
        body = json.dumps(message).encode()
        rows.append(prepare(body, source=source, received_at=now, envelope=Envelope(history=True)))
    return rows


def opened(folder: Path, segments: int, *, only_timed: bool = False) -> tuple[Database, WorkspaceId]:
    """A new database with so many segments."""
    db = open_database(Settings.load({}, data_dir=folder))
    fields = Fields(Pipeline(db).slices.remembered)
    with db.write() as conn:
        workspace = create_workspace(conn, slug="shop", name="Shop", now=now_us()).id
        for number in range(segments):
            where = condition(number, is_timed=only_timed or number % 2 == 0)
            service.add(conn, workspace, name=f"s{number}", where=where, fields=fields, by="bench", now=now_us())
    return db, workspace


def fold(db: Database, workspace: WorkspaceId, facts: int) -> float:
    """Seconds of processor time for all after the first batch, appending left out."""
    worker, spent = Worker(Pipeline(db), batch=1_000), 0.0
    rows = rows_of(workspace, facts, seed=7)
    for start in range(0, facts, 1_000):
        with db.write() as conn:
            log.append(conn, rows[start : start + 1_000])
        began = time.process_time()
        worker.help()
        while worker.run_job(SUMMARIES):
            pass
        if start:  # texts are read once for each change of a segment, by the first batch
            spent += time.process_time() - began
    worker.close()
    return spent


def idle_percent(db: Database) -> float:
    """How much of one core a worker takes that has nothing to do but to wait for the clock."""
    drain(Pipeline(db))
    worker = Worker(Pipeline(db))
    for _ in range(20):
        worker.step()
    time.sleep(2.5)  # it is quiet from then on
    began, cpu = time.monotonic(), time.process_time()
    while time.monotonic() - began < IDLE_SECONDS:
        if not worker.step():
            time.sleep(0.05)
    percent = 100 * (time.process_time() - cpu) / (time.monotonic() - began)
    worker.close()
    return percent


@click.command()
@click.option("--quick", is_flag=True, help="4,000 facts instead of 40,000.")
@click.option("--json", "out", type=click.Path(dir_okay=False, path_type=Path), help="Also write the figures there.")
def main(*, quick: bool, out: Path | None) -> None:
    """Measure, and print the figures as JSON."""
    facts = 4_000 if quick else 40_000
    seconds: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number in NUMBERS:
            db, workspace = opened(Path(folder) / str(number), number)
            seconds[number] = fold(db, workspace, facts)
            db.close()
        db, workspace = opened(Path(folder) / "idle", 100, only_timed=True)
        fold(db, workspace, facts)
        idle = idle_percent(db)
        db.close()
    figures: dict[str, Any] = {
        "facts": facts, "customers": facts // FACTS_PER_PERSON,
        "cost_per_fact_us": {str(n): round(1e6 * (seconds[n] - seconds[0]) / (facts - 1_000), 1) for n in NUMBERS},
        "fold_per_fact_us": round(1e6 * seconds[0] / (facts - 1_000), 1),
        "end_to_end_ratio_100": round(seconds[0] / seconds[100], 3),
        "idle_cpu_percent": round(idle, 2),
    }  # fmt: skip
    click.echo(json.dumps(figures, indent=2))
    if out is not None:
        out.write_text(json.dumps(figures))


if __name__ == "__main__":
    main()

"""What asking costs, forgetting somebody, and telling the trail: `python -m benchmarks.consent [--quick] [--json]`.

`may`: the gate, asked for one person at a time as a worker asks, among a million customers who have answered (100,000
with `--quick`). `erase_s`: one person erased and the files tidied, among ten million facts or `--facts`; `erase_curve`
holds the same from 10,000 on. `audit_append_us`: one entry of the trail within a transaction. `collect_ratio_with` and
`_without`: facts appended and folded in a second of a core as a share of appending alone, with the slice of consent and
without it, in turns, each fact with a banner's two answers.

SQLite, in this process; people and facts beyond the first are copies made in the database.
"""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa

from benchmarks.copies import multiply
from benchmarks.growth import sizes
from benchmarks.load import Shop
from rapport.app.bootstrap import bootstrap, open_database
from rapport.app.pipeline import Pipeline
from rapport.app.settings import Settings
from rapport.app.wiring import installed
from rapport.app.worker import Worker
from rapport.capabilities.consent.service import gate
from rapport.capabilities.consent.store import consent_held
from rapport.collect.prepare import prepare
from rapport.collect.sources import list_sources
from rapport.compose.erasure import erase
from rapport.compose.installed import Installed
from rapport.kernel.clock import now_us
from rapport.kernel.ids import Key
from rapport.remember.store import customers
from rapport.resolve.graph.store import identifiers
from rapport.storage import log
from rapport.storage.audit.entries import append as tell
from rapport.storage.engine import Database
from rapport.storage.log import LogRow
from rapport.storage.tidying import tidy
from rapport.storage.workspaces import default_workspace

__all__ = ["measure"]

ASKED = 3_000
ENTRIES = 2_000
BATCH = 300
ROUNDS = 3


@click.command()
@click.option("--quick", is_flag=True, help="100,000 customers, 10,000 and 20,000 facts.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")
@click.option("--facts", type=int, default=10_000_000, show_default=True, help="Among how many somebody is erased.")
def main(*, quick: bool, as_json: bool, facts: int) -> None:
    """Measure the gate, erasure, the audit trail, and what consent costs collecting."""
    found = measure(people=100_000, facts=20_000, rounds=1) if quick else measure(people=1_000_000, facts=facts)
    if as_json:
        click.echo(json.dumps(found))
    else:
        for name, value in found.items():
            click.echo(f"{name:22} {value}")


def measure(*, people: int, facts: int, rounds: int = ROUNDS) -> dict[str, Any]:
    """All figures; times in microseconds or seconds as their names say."""
    curve = {str(size): _erased_among(size) for size in sizes(facts)}
    return {
        **_asked(people),
        "erase_s": list(curve.values())[-1],
        "erase_curve": curve,
        "audit_append_us": _told(),
        **_collected(6_000 if rounds < ROUNDS else 60_000, rounds),
        "customers": people,
        "facts": facts,
    }


@contextmanager
def _installation(slices: Installed | None = None) -> Iterator[tuple[Database, Worker]]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.load({}, data_dir=Path(folder))
        db = open_database(settings)
        bootstrap(db, settings)
        worker = Worker(Pipeline(db, slices=slices), batch=BATCH)
        try:
            yield db, worker
        finally:
            worker.close()
            db.close()


def _rows(db: Database, number: int, *, per_person: int = 20) -> list[LogRow]:
    with db.read() as conn:
        source = list_sources(conn, default_workspace(conn).id)[0]
    shop, rows = Shop(people=0, facts_per_person=per_person), []
    for _ in range(number):
        message = shop.message()
        message.setdefault("context", {})["consent"] = {"categoryPreferences": {"marketing": True, "ads": False}}
        rows.append(prepare(json.dumps(message).encode(), source=source, received_at=now_us()))
    return rows


def _fold(db: Database, worker: Worker, rows: Sequence[LogRow]) -> None:
    for first in range(0, len(rows), BATCH):
        some, before = rows[first : first + BATCH], worker.folded
        with db.write() as conn:
            log.append(conn, some)
        while worker.folded < before + len(some):
            worker.step()


def _asked(people: int) -> dict[str, Any]:
    with _installation() as (db, worker):
        _fold(db, worker, _rows(db, 2 * BATCH))
        with db.write() as conn:
            workspace = default_workspace(conn).id
            for table, column in ((identifiers, "key"), (customers, "root"), (consent_held, "key")):
                _fill(conn, table, column, people)
            conn.exec_driver_sql("ANALYZE")
        rng, took = random.Random(7), []
        with db.read() as conn:
            for _ in range(ASKED):
                key = Key(b"%016d" % rng.randrange(people))
                started = time.perf_counter()
                permit = gate(conn, workspace, [key], "email_marketing", now_us())[key]
                took.append((time.perf_counter() - started) * 1e6)
                assert permit.may, permit
            several = [Key(b"%016d" % rng.randrange(people)) for _ in range(BATCH)]
            started = time.perf_counter()
            gate(conn, workspace, several, "email_marketing", now_us())
            each = (time.perf_counter() - started) * 1e6 / BATCH
    cuts = statistics.quantiles(took, n=100)
    return {"may_p50_us": round(cuts[49], 1), "may_p99_us": round(cuts[98], 1), "may_in_batch_us": round(each, 1)}


def _fill(conn: sa.Connection, table: sa.Table, column: str, people: int) -> None:
    """So many rows like one that is there, each under a key of its own."""
    made = {column: "CAST(printf('%016d', n) AS BLOB)", "root": "CAST(printf('%016d', n) AS BLOB)", "value": "n"}
    fixed = {"category": "'marketing'", "state": "'granted'"}
    names = [one.name for one in table.columns]
    values = ", ".join(made.get(name) or (fixed.get(name) if table is consent_held else None) or f"one.{name}"
                       for name in names)  # fmt: skip
    conn.exec_driver_sql(
        f"WITH RECURSIVE counted(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n + 1 < {people}) "
        f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {values} FROM counted, "
        f"(SELECT * FROM {table.name} LIMIT 1) AS one"
    )


def _erased_among(facts: int) -> float:
    copies = 9
    with _installation() as (db, worker):
        _fold(db, worker, _rows(db, facts // (copies + 1)))
        multiply(db, copies=copies)
        with db.read() as conn:
            workspace = default_workspace(conn).id
            original = sa.func.substr(identifiers.c.key, 1, 1) > b"\x0f"
            query = sa.select(identifiers.c.key).where(identifiers.c.namespace == "email", original).limit(1)
            key = Key(conn.execute(query).scalar_one())
        started = time.perf_counter()
        with db.write() as conn:
            proof, texts = erase(conn, installed(), workspace, key, now=now_us(), told="now")
        tidy(db, [one.table for one in proof.stores if one.rows], texts)
        took = time.perf_counter() - started
        assert sum(one.rows for one in proof.stores) > 1, proof
    return round(took, 2)


def _told() -> float:
    with _installation() as (db, _), db.write() as conn:
        workspace = default_workspace(conn).id
        started = time.perf_counter()
        for number in range(ENTRIES):
            tell(conn, workspace, "customer.viewed", people=[Key(b"%016d" % number)], who="benchmark")
        return round((time.perf_counter() - started) * 1e6 / ENTRIES, 1)


def _collected(facts: int, rounds: int) -> dict[str, float]:
    whole = installed()
    bare = Installed([one for one in whole.slices if one.name != "consent"])
    ratios: dict[str, list[float]] = {"with": [], "without": []}
    for _ in range(rounds):
        for name, slices in (("with", whole), ("without", bare)):
            with _installation(slices) as (db, worker):
                rows = _rows(db, facts)
                started = time.process_time()
                _fold(db, worker, rows)
                folded = time.process_time() - started
            with _installation() as (db, _):
                started = time.process_time()
                for first in range(0, facts, 1_000):
                    with db.write() as conn:
                        log.append(conn, rows[first : first + 1_000])
                ratios[name].append((time.process_time() - started) / folded)
    return {f"collect_ratio_{name}": round(statistics.median(several), 4) for name, several in ratios.items()}


if __name__ == "__main__":
    main()

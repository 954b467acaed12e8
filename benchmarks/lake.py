"""The lake and what is asked of all customers: archived, rebuilt, back-filled, counted, beside hand-written DuckDB SQL.

    uv run python -m benchmarks.lake [--quick | --facts N] [--json FILE]

A made-up shop of visits (views, carts, checkouts, orders) is folded on SQLite and archived. The funnel and the monthly
cohorts are asked as the insight pages ask them, and as one SELECT that DuckDB runs on the lake's files; both must say
the same. `--quick` folds as many facts as fit into 40 seconds, all of it in some three minutes.
"""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from typing import Any, TypeVar

import click
import duckdb
import sqlalchemy as sa

from rapport.app.bootstrap import open_database
from rapport.app.pipeline import Pipeline
from rapport.app.settings import Settings
from rapport.app.wiring import OWN
from rapport.app.worker import Worker, drain, fill_all
from rapport.capabilities.insights.service.funnel import funnel_whole
from rapport.capabilities.insights.service.journeys import Asked, travelled
from rapport.capabilities.insights.service.people import retention_rows
from rapport.capabilities.lake import service
from rapport.capabilities.lake.rebuilding import copy_decided, fill_from_lake, new_database
from rapport.collect.model import Envelope, internal_source
from rapport.collect.prepare import prepare
from rapport.compose.installed import Installed
from rapport.compose.slice import Slice
from rapport.kernel.clock import DAY, MINUTE, now_us, to_iso
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.mergeable import Count
from rapport.measure.model import Question
from rapport.remember.backfill import TraitStatus
from rapport.remember.digest import digest
from rapport.remember.features import Asked as Moment
from rapport.remember.features import write_features
from rapport.remember.registry import Part, Trait, yes
from rapport.remember.segments import service as segments
from rapport.remember.segments.fields import Fields
from rapport.storage import log
from rapport.storage.engine import Database
from rapport.storage.lake import archiver
from rapport.storage.lake.table import Lake
from rapport.storage.log import LogRow
from rapport.storage.workspaces import create_workspace, default_workspace

BATCH = 5_000
FACTS_PER_PERSON = 20
DAYS = 400
MILLION = 1_000_000
SEGMENT = "orders >= 2 AND last_order_at > now() - INTERVAL 60 DAY"

T = TypeVar("T")

FUNNEL = """
WITH met AS (
    SELECT strand, occurred_at AS moment, CASE name WHEN 'Product Viewed' THEN 1 WHEN 'Product Added' THEN 2
           WHEN 'Checkout Started' THEN 3 WHEN 'Order Completed' THEN 4 END AS step
    FROM read_parquet({files}, hive_partitioning = true)
    WHERE name IN ('Product Viewed', 'Product Added', 'Checkout Started', 'Order Completed')
      AND occurred_at >= make_timestamptz({since}) AND occurred_at < make_timestamptz({until})
), first AS (SELECT strand, min(moment) AS moment FROM met WHERE step = 1 GROUP BY strand),
came AS (
    SELECT m.strand, max(m.step) AS step FROM met m JOIN first f ON f.strand = m.strand AND m.moment >= f.moment
    GROUP BY m.strand
)
SELECT count(*) FILTER (step >= 1), count(*) FILTER (step >= 2), count(*) FILTER (step >= 3),
       count(*) FILTER (step >= 4) FROM came
"""
COHORTS = """
WITH orders AS (
    SELECT strand, min(date_trunc('month', occurred_at)) AS month
    FROM read_parquet({files}, hive_partitioning = true) WHERE name = 'Order Completed'
    GROUP BY strand, body->>'$.properties.order_id'
), first AS (SELECT strand, min(month) AS month FROM orders GROUP BY strand)
SELECT strftime(f.month, '%Y-%m'), strftime(o.month, '%Y-%m'), count(DISTINCT o.strand)
FROM orders o JOIN first f USING (strand) GROUP BY ALL ORDER BY ALL
"""


def visits(*, seed: int) -> Iterator[dict[str, Any]]:
    """Facts of visits without end: a new person for every so many, 400 days over and over."""
    rng, numbers, begun = random.Random(seed), count(), now_us() - (DAYS + 1) * DAY
    for visit in count():
        at = begun + (visit * 7_919 % (DAYS * 24 * 60)) * MINUTE
        person = rng.randrange(max(1, visit * 4 // FACTS_PER_PERSON + 1))
        events = ["Product Viewed"] * rng.randrange(1, 6)
        for event, odds in (("Product Added", 0.5), ("Checkout Started", 0.6), ("Order Completed", 0.8)):
            if rng.random() > odds:
                break
            events.append(event)
        for place, event in enumerate(events):
            number = next(numbers)
            order = {"order_id": f"o{number}", "revenue": 40, "currency": "EUR"} if event == "Order Completed" else {}
            properties = {"product_id": f"p{rng.randrange(500)}", "category": "wine", **order}
            yield {"type": "track", "event": event, "messageId": f"m{number}", "userId": f"u{person}",
                   "timestamp": to_iso(at + place * MINUTE), "properties": properties,
                   "context": {"channel": "web"}}  # fmt: skip


def fold(db: Database, workspace: WorkspaceId, *, facts: int, seconds: float) -> tuple[int, float]:
    """Fold so many facts, or as many as fit into the time; how many, and in how many seconds, appending included."""
    source, now = internal_source(workspace, "website"), now_us()
    worker, told, done, began = Worker(Pipeline(db), batch=BATCH), visits(seed=7), 0, time.monotonic()
    while done < facts and time.monotonic() - began < seconds:
        rows: list[LogRow] = [
            prepare(json.dumps(one).encode(), source=source, received_at=now, envelope=Envelope(history=True))
            for one in islice(told, BATCH)
        ]
        with db.write() as conn:
            log.append(conn, rows)
        worker.help()
        done += len(rows)
    worker.close()
    drain(Pipeline(db))
    return done, time.monotonic() - began


def timed(work: Callable[[], T], *, times: int = 3) -> tuple[T, float]:
    """The answer, and the median of the seconds it takes."""
    seconds = []
    for _ in range(times):
        began = time.monotonic()
        answer = work()
        seconds.append(time.monotonic() - began)
    return answer, statistics.median(seconds)


def asked(db: Database, workspace: WorkspaceId) -> dict[str, Any]:
    """Funnel, cohorts and journeys, beside DuckDB on the lake's files."""
    now = now_us()
    month = Question(workspace=workspace, since=now - 90 * DAY, until=now, by="", zone="UTC")
    ever = Question(workspace=workspace, since=0, until=now, by="month", zone="UTC")
    files = service.our_lake(db).files(workspace)
    with db.read() as conn, duckdb.connect(config={"threads": "2"}) as duck:
        duck.execute("SET TimeZone = 'UTC'")
        whole, funnel = timed(lambda: funnel_whole(conn, month))
        sql = FUNNEL.format(files=files, since=month.since, until=month.until)
        theirs, duck_funnel = timed(lambda: duck.execute(sql).fetchall())
        rows, cohort = timed(lambda: retention_rows(conn, ever))
        cells, duck_cohort = timed(lambda: duck.execute(COHORTS.format(files=files)).fetchall())
        map_, journeys = timed(lambda: travelled(conn, month, Asked()))
    ours = [(row["month"], row["period"], row["active"]) for row in rows if row["active"]]
    return {
        "funnel_s": round(funnel, 3), "funnel_duckdb_s": round(duck_funnel, 3),
        "funnel_ratio": round(funnel / duck_funnel, 2), "funnel_equal": tuple(whole.values()) == theirs[0],
        "cohort_s": round(cohort, 3), "cohort_duckdb_s": round(duck_cohort, 3),
        "cohort_ratio": round(cohort / duck_cohort, 2), "cohort_equal": sorted(ours) == sorted(cells),
        "journeys_s": round(journeys, 3), "journeys_one_in": map_.one_in,
    }  # fmt: skip


def rebuilt(db: Database, folder: Path, slices: Installed) -> dict[str, Any]:
    """All Golden Records anew from the lake, and whether they are the same."""
    began = time.monotonic()
    made = new_database(folder, slices)
    copy_decided(made, db)
    facts = fill_from_lake(made, service.our_lake(db))
    drain(Pipeline(made))
    seconds, found = time.monotonic() - began, []
    for one in (db, made):
        with one.read() as conn:
            found.append(digest(conn, remembered=slices.remembered)["digest"])
    made.close()
    return {"rebuild_per_s": round(facts / seconds), "rebuild_equal": found[0] == found[1]}


def backfilled(db: Database, facts: int) -> float:
    """Facts a second while a new trait learns all of the past."""
    part = Part(name="bench", kind=Count(), take=yes, on=("Product Viewed",))
    trait = Trait(name="bench", title="Bench", type="integer", part="bench", rule="How often.")
    slices = Installed([*OWN, Slice(name="bench", title="Bench", parts=(part,), traits=(trait,))])

    def is_whole(found: Sequence[TraitStatus]) -> bool:
        return next(one for one in found if one.trait == "bench").state == "whole"

    began = time.monotonic()
    fill_all(Pipeline(db, slices=slices), ["bench"], is_whole)
    return facts / (time.monotonic() - began)


def million(db: Database, workspace: WorkspaceId, slices: Installed) -> tuple[int, float, float]:
    """How many records are asked for a segment (copies of the shop's, a million), and the median of the seconds: of all
    of them, and as somebody types.
    """
    with db.write() as conn:
        have = int(conn.exec_driver_sql("SELECT count(*) FROM segment_records").scalar_one())
        conn.exec_driver_sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO segment_records"
            " SELECT workspace, randomblob(16), bucket, record, 4611686018427387904 FROM segment_records, n LIMIT ?",
            (MILLION // max(1, have) + 1, max(0, MILLION - have)),
        )
    with db.read() as conn:
        fields = Fields(slices.remembered)
        _, seconds = timed(lambda: segments.preview(conn, workspace, SEGMENT, fields=fields, now=now_us()))
        _, typing = timed(lambda: segments.glance(conn, workspace, SEGMENT, fields=fields, now=now_us()))
        records = int(conn.exec_driver_sql("SELECT count(*) FROM segment_records").scalar_one())
    return records, seconds, typing


@click.command()
@click.option("--quick", is_flag=True, help="As many facts as fold in 40 seconds.")
@click.option("--facts", type=int, default=10 * MILLION, show_default=True)
@click.option("--json", "out", type=click.Path(dir_okay=False, path_type=Path), help="Also write the figures there.")
def main(*, quick: bool, facts: int, out: Path | None) -> None:
    """Measure, and print the figures as JSON."""
    slices = Installed(OWN)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        db = open_database(Settings.load({}, data_dir=folder / "data"))
        with db.write() as conn:
            workspace = create_workspace(conn, slug="shop", name="Shop", now=now_us()).id
        done, seconds = fold(db, workspace, facts=facts, seconds=40.0 if quick else 1e9)
        with db.read() as conn:
            shop = default_workspace(conn)
            customers = int(conn.execute(sa.text("SELECT count(*) FROM customers")).scalar_one())
        # The workers have archived most of it beside their folding: all of it once more, by itself.
        lake = Lake(folder / "lake")
        archived, archiving = timed(lambda: archiver.archive(db, lake), times=1)
        lake_bytes = lake.size_bytes()
        service.archive(db)
        figures: dict[str, Any] = {
            "facts": done, "customers": customers, "fold_per_s": round(done / seconds),
            "archive_per_s": round(archived.facts / archiving), "bytes_per_fact": round(lake_bytes / archived.facts, 1),
            **asked(db, workspace), **rebuilt(db, folder / "rebuilt", slices),
            "backfill_per_s": round(backfilled(db, done)),
        }  # fmt: skip
        moment = Moment(shop, now_us() - 30 * DAY)
        made, features = timed(lambda: write_features(db, slices.remembered, moment, folder / "f.csv"), times=1)
        figures["features_customers_per_s"] = round(made.customers / features)
        figures["segment_records"], ask, typing = million(db, workspace, slices)
        figures |= {"segment_1m_s": round(ask, 3), "segment_typing_1m_s": round(typing, 3)}
        db.close()
    click.echo(json.dumps(figures, indent=2))
    if out is not None:
        out.write_text(json.dumps(figures))


if __name__ == "__main__":
    main()

"""Linking people without a shared id: Splink's own pipeline and ours, side by side on tables whose truth is known.

    python -m benchmarks.identity --data DIR [--quick] [--json]
    python -m benchmarks.identity --table FILE --truth COLUMN [--map MAP.toml]
    python -m benchmarks.identity --world 10-19 [--various] [--records 6000] [--own]

Splink's side is its published example for the table (stock comparisons by kind of column for a table of yours),
clustered at the best of five thresholds: the labels choose, in its favour. Ours is trained on the same records without
labels, then every record is put in live, one at a time in random order; thresholds are fixed beforehand at even odds.
Each side runs in a process of its own, so that its memory is its own. More orders of insertion say how much the order
matters, and persons that were not looked at while this was written are measured on their own (`held_out_…`).

`--world` makes the project's own tables of a shop's people from these seeds and measures ours alone, by kind of
relation (0-9 are there for tuning, 10-19 for reporting; `--various` makes shops of any mix). `--own` trains a shop's
model on its own records alone, without the weights that are shipped. What `ece`, `over_999_true_share`, `auto_…` and
`queue_…` mean is told in `benchmarks.judged`.

The last line is one JSON object: for each table the figures of both sides.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.clusterings import (
    Table,
    in_tuning_part,
    measure_clusters,
    measure_held_out,
    pairs_of,
    peak_rss_mb,
    rates,
)
from benchmarks.judged import honesty, judge_all, totals
from benchmarks.splink_peer import Demo, febrl3_demo, historical_demo, splinks, stock_demo
from rapport.resolve.linking.clusters import WORTH_A_LOOK, Clusters
from rapport.resolve.linking.kinds import Layout, detect, read_map
from rapport.resolve.linking.model import LinkModel
from rapport.resolve.linking.scorer import LiveIndex
from rapport.resolve.linking.training import train
from rapport.world.tables import table_of, various_mix

ORDERS = (1, 2, 3)
"""Seeds of the orders of insertion; the figures are those of the first."""


# --- tables --------------------------------------------------------------------------------------------------------


def febrl3(data: Path) -> Table:
    with (data / "identity" / "febrl3.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            {key.strip(): (value or "").strip() or None for key, value in row.items()} for row in csv.DictReader(file)
        ]
    truth = ["-".join(str(row.pop("rec_id")).split("-")[:2]) for row in rows]
    return Table("febrl3", rows, truth, detect(rows))


def historical_50k(data: Path) -> Table:
    rows = _read(data / "identity" / "historical_figures_with_errors_50k.parquet")
    truth = [str(row.pop("cluster")) for row in rows]
    for row in rows:
        del row["unique_id"]
    return Table("historical_50k", rows, truth, detect(rows))


def any_table(path: Path, truth_column: str, map_path: Path | None) -> Table:
    """A table of the reader's own."""
    rows = _read(path)
    truth = [str(row.pop(truth_column)) for row in rows]
    return Table(path.stem, rows, truth, detect(rows, given=read_map(map_path) if map_path else None))


def _read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return rows
    with path.open(encoding="utf-8", newline="") as file:
        return [{k.strip(): (v or "").strip() or None for k, v in row.items() if k} for row in csv.DictReader(file)]


# --- ours ----------------------------------------------------------------------------------------------------------


class Insertion(NamedTuple):
    """One run of putting in every record."""

    persons: list[int]
    right: int
    said: int
    held_right: int
    held_said: int
    milliseconds: list[float]
    cpu_milliseconds: list[float]
    seconds: float


def insert_all(table: Table, model: LinkModel, seed: int) -> Insertion:
    """One at a time, in a random order, timed."""
    index = LiveIndex(model)
    clusters = Clusters(index.tying, threshold=model.thresholds.link, mean=model.thresholds.mean)
    truth, rows = table.truth, table.rows
    order = list(range(len(rows)))
    random.Random(seed).shuffle(order)
    times, cpu_times = [], []
    right = said = held_right = held_said = 0
    began = time.perf_counter()
    for record in order:
        started, cpu_started = time.perf_counter(), time.thread_time()
        matches = index.put(record, rows[record], above=WORTH_A_LOOK)
        clusters.add(record, matches)
        times.append((time.perf_counter() - started) * 1e3)
        cpu_times.append((time.thread_time() - cpu_started) * 1e3)
        for other, odds in matches:
            if odds < model.thresholds.pair:
                break
            said += 1
            right += truth[record] == truth[other]
            if not in_tuning_part(truth[record]) and not in_tuning_part(truth[other]):
                held_said += 1
                held_right += truth[record] == truth[other]
    persons = [clusters.person_of(record) for record in range(len(rows))]
    return Insertion(persons, right, said, held_right, held_said, times, cpu_times, time.perf_counter() - began)


def ours(table: Table, *, own: bool = False) -> dict[str, Any]:
    """Train, put in, measure."""
    started = time.perf_counter()
    model = LinkModel.from_json(train(table.rows, table.layout, shipped=not own, progress=_tell).to_json())
    training = time.perf_counter() - started
    runs = []
    for seed in ORDERS:
        _tell(f"putting in every record, order {seed}", 1.0)
        runs.append(insert_all(table, model, seed))
        if seed == ORDERS[0]:
            peak = peak_rss_mb()
    first = runs[0]
    all_pairs = pairs_of(Counter(table.truth).values())
    held_pairs = pairs_of(n for person, n in Counter(table.truth).items() if not in_tuning_part(person))
    precision, recall, pair_f1 = rates(first.right, first.said, all_pairs)
    of_runs = [measure_clusters(run.persons, table.truth) for run in runs]
    agreement = min(measure_clusters(run.persons, [str(person) for person in first.persons]).f1 for run in runs[1:])
    times = sorted(first.milliseconds)
    cpu_times = sorted(first.cpu_milliseconds)
    last = sorted(first.milliseconds[-max(1, len(times) // 5) :])
    held = measure_held_out(first.persons, table.truth)
    return {
        "pair_f1": round(pair_f1, 4),
        "pair_precision": round(precision, 4),
        "pair_recall": round(recall, 4),
        **of_runs[0].named(),
        "insert_p50_ms": round(times[len(times) // 2], 3),
        "insert_p99_ms": round(times[int(len(times) * 0.99)], 3),
        "insert_p99_ms_last_fifth": round(last[int(len(last) * 0.99)], 3),
        "insert_cpu_p99_ms": round(cpu_times[int(len(cpu_times) * 0.99)], 3),
        "insert_max_ms": round(times[-1], 3),
        "insert_seconds": round(first.seconds, 1),
        "train_seconds": round(training, 1),
        "peak_rss_mb": peak,
        "model_kb": round(len(model.to_json()) / 1024),
        "order_agreement_f1": round(agreement, 4),
        "order_cluster_f1_range": round(max(m.f1 for m in of_runs) - min(m.f1 for m in of_runs), 4),
        "order_b_cubed_f1_range": round(max(m.b_f1 for m in of_runs) - min(m.b_f1 for m in of_runs), 4),
        "held_out_pair_f1": round(rates(first.held_right, first.held_said, held_pairs)[2], 4),
        "held_out_cluster_f1": round(held.f1, 4),
        "held_out_b_cubed_f1": round(held.b_f1, 4),
        **{name: value for name, value in _believable(table, model).items() if isinstance(value, int | float)},
    }


def _believable(table: Table, model: LinkModel) -> dict[str, Any]:
    """Whether the judge can be believed, on a table that does not tell how people are related."""
    truth = table.truth
    judged = judge_all(table.rows, model)
    others = "others"
    counted = honesty(judged, lambda a, b: None if truth[a] == truth[b] else others, pairs_of(Counter(truth).values()))
    return totals([counted])


def of_world(seeds: Iterable[int], *, records: int, various: bool = False, own: bool = False) -> dict[str, Any]:
    """Ours on the project's own tables, added up."""
    counted = []
    for seed in seeds:
        _tell(f"table of seed {seed}", 0.0)
        made = table_of(seed, records=records, mix=various_mix(seed) if various else None)
        rows: list[dict[str, Any]] = [dict(row) for row in made.rows]
        model = LinkModel.from_json(train(rows, detect(rows), shipped=not own).to_json())
        judged = judge_all(rows, model)
        counted.append(honesty(judged, made.relation, pairs_of(Counter(made.persons).values())))
        _tell(json.dumps({k: v for k, v in totals(counted[-1:]).items() if isinstance(v, int | float)}), 1.0)
    return totals(counted)


def _seeds(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def _tell(doing: str, share: float) -> None:
    print(f"    {share:4.0%}  {doing}", file=sys.stderr, flush=True)


# --- the command ---------------------------------------------------------------------------------------------------


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    if arguments.side:
        table, demo = _table(arguments, arguments.set)
        print(json.dumps(ours(table, own=arguments.own) if arguments.side == "ours" else splinks(table, demo)))
        return
    if arguments.world:
        asked = {"records": arguments.records, "various": arguments.various, "own": arguments.own}
        print(json.dumps({"world": of_world(arguments.world, **asked)}))
        return
    names = ["table"] if arguments.table else ["febrl3"] if arguments.quick else ["febrl3", "historical_50k"]
    report = {}
    for name in names:
        result: dict[str, Any] = {}
        for side in ("splink", "ours"):
            print(f"{name}: {side}", file=sys.stderr, flush=True)
            command = [sys.executable, "-m", "benchmarks.identity", *sys.argv[1:], "--side", side, "--set", name]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            result |= json.loads(done.stdout.strip().splitlines()[-1])
        report[arguments.table.stem if arguments.table else name] = result
        if not arguments.json:
            _show(name, result)
    print(json.dumps(report))


def _table(arguments: argparse.Namespace, name: str) -> tuple[Table, Callable[[Layout], Demo]]:
    if name == "table":
        return any_table(arguments.table, arguments.truth, arguments.map), stock_demo
    if name == "febrl3":
        return febrl3(arguments.data), febrl3_demo
    return historical_50k(arguments.data), historical_demo


def _show(name: str, result: Mapping[str, Any]) -> None:
    print(f"\n{name:<32}{'ours':>10}{'Splink':>10}", file=sys.stderr)
    for key, value in result.items():
        if not key.startswith("splink_"):
            print(f"  {key:<30}{value:>10}{result.get(f'splink_{key}', ''):>10}", file=sys.stderr)
    for key, value in result.items():
        if key.startswith("splink_") and key.removeprefix("splink_") not in result:
            print(f"  {key:<30}{'':>10}{value:>10}", file=sys.stderr)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.identity", description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, help="folder with identity/febrl3.csv and identity/historical….parquet")
    parser.add_argument("--quick", action="store_true", help="febrl3 alone")
    parser.add_argument("--json", action="store_true", help="only the last line")
    parser.add_argument("--table", type=Path, help="a table of your own, .csv or .parquet")
    parser.add_argument("--truth", help="its column that says which records are one person")
    parser.add_argument("--map", type=Path, help='kinds of columns that are not found: [columns] dob = "birth_date"')
    parser.add_argument("--world", type=_seeds, metavar="SEEDS", help="the project's own tables, as 10-19")
    parser.add_argument("--records", type=int, default=6_000, help="of each table of --world")
    parser.add_argument("--various", action="store_true", help="tables of --world of any mix")
    parser.add_argument("--own", action="store_true", help="without the weights that are shipped")
    parser.add_argument("--side", choices=["ours", "splink"], help=argparse.SUPPRESS)
    parser.add_argument("--set", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not (arguments.table or arguments.data or arguments.world):
        parser.error("--data, --table or --world is needed")
    if arguments.table and not arguments.truth:
        parser.error("--table needs --truth")
    return arguments


if __name__ == "__main__":
    main()

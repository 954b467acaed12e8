"""Splink and GoldenMatch beside ours on the project's own tables of a shop's people.

    python -m benchmarks.peers [--seeds 10-19] [--records 2000] [--only ours,splink] [--goldenmatch PYTHON]

`--goldenmatch` is the interpreter of an environment that has it: `uv venv E && uv pip install --python E/bin/python
goldenmatch`. Each reads the same tables, without the truth, in a process of its own. Ours is what a shop would do by
itself at 99.5 % asked for (`ours`) and every pair called likelier than not (`ours_likely`); Splink is its ready-made
comparisons with blocking wide enough for a shop's table, its pairs above even odds (`splink_likely`) and its clusters
at the threshold that the truth chooses in its favour, for each table anew (`splink`); GoldenMatch chooses all of its
own. By kind of relation: of the true pairs of people who live so the share that was found, and the wrong pairs of two
people related so. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from benchmarks.clusterings import Table, rates
from benchmarks.judged import judge_all
from benchmarks.splink_peer import SPLINK_THRESHOLDS, predicted_by_splink, shop_demo
from rapport.resolve.linking.kinds import detect
from rapport.resolve.linking.training import train
from rapport.world.tables import COLUMNS, PeopleTable, table_of

Pairs = set[tuple[int, int]]

_SECONDS = 1_800
"""A peer may take for a table."""
_GOLDENMATCH = """
import json, sys
import polars as pl
import goldenmatch
found = goldenmatch.dedupe_df(pl.read_csv(sys.argv[1], infer_schema_length=0))
print(json.dumps([[int(one) for one in each["members"]] for each in found.clusters.values()]))
"""


def _rows(table: PeopleTable) -> list[dict[str, Any]]:
    return [dict(row) for row in table.rows]


def ours(table: PeopleTable) -> dict[str, Pairs]:
    """What is tied without asking, and all that is likelier than not."""
    rows = _rows(table)
    judged = judge_all(rows, train(rows, detect(rows)))
    return {"ours": judged.tied, "ours_likely": {pair for pair, odds in judged.odds.items() if odds >= 0}}


def splink(table: PeopleTable) -> dict[str, Pairs]:
    """Its pairs, and its clusters at the best of five thresholds."""
    rows = _rows(table)
    likely, clusters = predicted_by_splink(Table("shop", rows, table.persons, detect(rows)), shop_demo)
    by_threshold = [_within(_groups(clusters[threshold])) for threshold in SPLINK_THRESHOLDS]
    return {"splink_likely": likely, "splink": max(by_threshold, key=lambda pairs: _f1(table, pairs))}


def goldenmatch(table: PeopleTable, python: str) -> dict[str, Pairs]:
    """Its clusters, with no setting of ours."""
    with tempfile.TemporaryDirectory(prefix="rapport-peer-") as folder:
        path = Path(folder) / "people.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(table.rows)
        command = [python, "-c", _GOLDENMATCH, str(path)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=_SECONDS, cwd=folder)
    return {"goldenmatch": _within(json.loads(done.stdout.strip().splitlines()[-1]))}


def _groups(cluster_of: Sequence[object]) -> Iterable[list[int]]:
    groups: defaultdict[object, list[int]] = defaultdict(list)
    for record, cluster in enumerate(cluster_of):
        groups[cluster].append(record)
    return groups.values()


def _within(groups: Iterable[Sequence[int]]) -> Pairs:
    return {pair for group in groups for pair in combinations(sorted(group), 2)}


def _true(table: PeopleTable) -> Pairs:
    return _within(_groups(table.persons))


def _f1(table: PeopleTable, said: Pairs) -> float:
    true = _true(table)
    return rates(len(said & true), len(said), len(true))[2]


def counted(table: PeopleTable, said: Pairs) -> Counter[str]:
    """`true:`, `found:` and `wrong:` with the kind of home or relation."""
    true = _true(table)
    found: Counter[str] = Counter()
    for a, b in true:
        found[f"true:{table.homes[a]}"] += 1
        found[f"found:{table.homes[a]}"] += (a, b) in said
    for a, b in said - true:
        found[f"wrong:{table.relation(a, b)}"] += 1
    return found


def report(counts: Counter[str]) -> dict[str, Any]:
    """Over all tables: precision, recall and F1 of pairs; by kind what was found and what was wrong."""

    def of(what: str) -> dict[str, int]:
        return {name.partition(":")[2]: n for name, n in counts.items() if name.startswith(f"{what}:") and n}

    true, found, wrong = of("true"), of("found"), of("wrong")
    right = sum(found.values())
    precision, recall, f1 = rates(right, right + sum(wrong.values()), sum(true.values()))
    return {
        "precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4),
        "recall_by_home": {name: round(found.get(name, 0) / n, 3) for name, n in sorted(true.items())},
        "wrong_by_relation": dict(sorted(wrong.items(), key=lambda one: -one[1])),
    }  # fmt: skip


def _one(arguments: argparse.Namespace) -> None:
    """One peer on one table, in this process; its counts on the last line."""
    table = table_of(arguments.seed, records=arguments.records)
    sides: dict[str, Callable[[PeopleTable], dict[str, Pairs]]] = {
        "ours": ours, "splink": splink, "goldenmatch": lambda one: goldenmatch(one, arguments.goldenmatch),
    }  # fmt: skip
    print(json.dumps({name: counted(table, pairs) for name, pairs in sides[arguments.side](table).items()}))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", default="10-19")
    parser.add_argument("--records", type=int, default=2_000)
    parser.add_argument("--only", default="ours,splink,goldenmatch")
    parser.add_argument("--goldenmatch", help="an interpreter that has it")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        _one(arguments)
        return
    first, _, last = arguments.seeds.partition("-")
    sides = [side for side in arguments.only.split(",") if side != "goldenmatch" or arguments.goldenmatch]
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for seed in range(int(first), int(last or first) + 1):
        for side in sides:
            command = [sys.executable, "-m", "benchmarks.peers", *sys.argv[1:], "--side", side, "--seed", str(seed)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            for name, some in json.loads(done.stdout.strip().splitlines()[-1]).items():
                counts[name] += Counter(some)
                told = report(Counter(some))
                line = f"seed {seed} {name}: " + ", ".join(
                    f"{one} {told[one]}" for one in ("precision", "recall", "f1")
                )
                print(line, file=sys.stderr, flush=True)
    print(json.dumps({name: report(each) for name, each in counts.items()}))


if __name__ == "__main__":
    main()

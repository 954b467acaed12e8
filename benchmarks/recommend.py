"""What comes next in a visit: popularity, item-kNN, VMIS-kNN and the shop's own recommender, on sessions it never saw.

    python -m benchmarks.recommend --data DIR [--json]        DIR/sessions_diginetica
    python -m benchmarks.recommend --sessions DIR [--quick]   any folder of the same form

A folder holds `train_sessions.txt.gz` (a session a line, items by number, oldest first) and `test_prefixes.txt.gz` (a
beginning of a session, a tab, the item that followed). HR@20 and MRR@20 in per cent; every beginning counts, ranked
among all items. The trees' settings are chosen on the newest 7 % of the training sessions by what was learnt from the
others (`--settings` names one instead), then all training sessions are learnt and the test part is opened once. One
thread answers; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np

from rapport.capabilities.recommendations.learning.candidates import CandidateFinder
from rapport.capabilities.recommendations.learning.index import SessionIndex, build_index
from rapport.capabilities.recommendations.learning.ranker import (
    Recommender,
    Settings,
    collect_examples,
    learn,
    queries_of,
    train,
)
from rapport.capabilities.recommendations.learning.rows import Ints

SHOWN = 20
KEPT_BACK = 0.07
"""Of the training sessions, the newest: the settings are chosen on them."""

TRIED = 8_000
"""Beginnings that choose between settings."""

SETTINGS = {
    "63-08": Settings(leaves=63, rate=0.08),
    "31-05": Settings(leaves=31, rate=0.05),
}

Query: TypeAlias = tuple[Sequence[int], int]
Rank: TypeAlias = Callable[[Sequence[int]], Ints]
"""The best items for a running session, best first."""


class Figures(NamedTuple):
    """In per cent, and milliseconds of one query."""

    hr20: float
    mrr20: float
    p50_ms: float
    p99_ms: float


class Split(NamedTuple):
    train: list[list[int]]
    test: list[Query]
    items: int


def read(folder: Path) -> Split:
    with gzip.open(folder / "train_sessions.txt.gz", "rt") as lines:
        train = [[int(item) for item in line.split()] for line in lines if line.strip()]
    test: list[Query] = []
    with gzip.open(folder / "test_prefixes.txt.gz", "rt") as lines:
        for line in lines:
            before, _, following = line.rstrip("\n").partition("\t")
            test.append(([int(item) for item in before.split()], int(following)))
    return Split(train, test, max(max(session) for session in train) + 1)


def judge(rank: Rank, queries: Sequence[Query]) -> Figures:
    """How often the item that followed is among the first 20, and how high. One query at a time, on one thread."""
    hits, reciprocal, took = 0, 0.0, []
    for session, following in queries:
        began = time.perf_counter()
        best = rank(session)
        took.append(time.perf_counter() - began)
        places = np.flatnonzero(best[:SHOWN] == following)
        if len(places):
            hits += 1
            reciprocal += 1 / (int(places[0]) + 1)
    p50, p99 = np.percentile(took, [50, 99]) * 1000
    return Figures(
        round(100 * hits / len(queries), 2), round(100 * reciprocal / len(queries), 2), round(p50, 3), round(p99, 3)
    )


def popularity(index: SessionIndex) -> Rank:
    best = np.argsort(-index.popularity, kind="stable")[:SHOWN].astype(np.int32)
    return lambda session: best


def item_knn(index: SessionIndex) -> Rank:
    """The items most often met around the last one, by the cosine of their sessions."""

    def rank(session: Sequence[int]) -> Ints:
        others, weights = index.around.row(session[-1])
        cosine = weights / np.sqrt((index.popularity[others] + 20) * (index.popularity[session[-1]] + 20))
        return others[np.argsort(-cosine, kind="stable")[:SHOWN]]

    return rank


def vmis_knn(finder: CandidateFinder) -> Rank:
    def rank(session: Sequence[int]) -> Ints:
        found = finder.neighbours(session)
        return found[0][np.argsort(-found[1], kind="stable")[:SHOWN]]

    return rank


def ours(recommender: Recommender) -> Rank:
    return lambda session: recommender.rank(session, limit=SHOWN)[0]


def choose(split: Split) -> str:
    """The settings that do best on the newest training sessions, learnt from the others; HR and MRR count alike."""
    cut = int(len(split.train) * (1 - KEPT_BACK))
    examples = collect_examples(split.train[:cut], items=split.items)
    index = build_index(split.train[:cut], items=split.items)
    queries = queries_of(split.train[cut:], known=np.flatnonzero(index.popularity).astype(np.int32), most=TRIED)
    found: dict[str, float] = {}
    for name, settings in SETTINGS.items():
        figures = judge(ours(Recommender(index, train(examples, settings))), queries)
        print(f"  validation, settings {name}: HR@20 {figures.hr20}  MRR@20 {figures.mrr20}", flush=True)
        found[name] = figures.hr20 + figures.mrr20
    return max(found, key=lambda name: found[name])


def measure(split: Split, *, settings: str, test: int | None) -> dict[str, float | str]:
    began = time.perf_counter()
    recommender = learn(split.train, items=split.items, settings=SETTINGS[settings])
    fit_s = time.perf_counter() - began
    queries = split.test[:test]
    ranks = {
        "popularity": popularity(recommender.finder.index), "item_knn": item_knn(recommender.finder.index),
        "vmis": vmis_knn(recommender.finder), "ours": ours(recommender),
    }  # fmt: skip
    found: dict[str, float | str] = {"settings": settings, "queries": len(queries), "fit_s": round(fit_s, 1)}
    for name, rank in ranks.items():
        figures = judge(rank, queries)
        print(f"  {name:12} HR@20 {figures.hr20:6.2f}  MRR@20 {figures.mrr20:6.2f}  p50 {figures.p50_ms:.3f} ms")
        before, query = ("", "query_") if name == "ours" else (f"{name}_", f"{name}_query_")
        found |= {f"{before}hr20": figures.hr20, f"{before}mrr20": figures.mrr20}
        found |= {f"{query}p50_ms": figures.p50_ms, f"{query}p99_ms": figures.p99_ms}
    unit = 1024 if sys.platform != "darwin" else 1024 * 1024
    found["peak_rss_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--data", type=Path, help="the folder with sessions_diginetica")
    where.add_argument("--sessions", type=Path, help="another folder of the same form")
    parser.add_argument("--settings", choices=sorted(SETTINGS), help="do not choose, take these")
    parser.add_argument("--quick", action="store_true", help="30,000 training sessions, 3,000 queries, no choice")
    parser.add_argument("--json", action="store_true", help="nothing but the JSON object is said on standard output")
    asked = parser.parse_args()
    told, sys.stdout = sys.stdout, sys.stderr if asked.json else sys.stdout
    split = read(asked.sessions or asked.data / "sessions_diginetica")
    print(f"{len(split.train):,} sessions of {split.items:,} items, {len(split.test):,} queries")
    if asked.quick:
        split = split._replace(train=split.train[-30_000:])
    settings = asked.settings or (next(iter(SETTINGS)) if asked.quick else choose(split))
    found = measure(split, settings=settings, test=3_000 if asked.quick else None)
    print(json.dumps(found), file=told)


if __name__ == "__main__":
    main()

"""Collecting, measured against what the disk and the database allow at most, in one run.

    python -m benchmarks.collect [--quick] [--json] [--engine sqlite|postgresql|all] [--facts-per-person N]
    python -m benchmarks.collect --growth [--growth-to FACTS] [--engine …] [--facts-per-person N]

For each engine: the raw append limit (the same rows into the same table, 1,000 a commit, the same fsync; no HTTP, no
fold); facts accepted over HTTP in batches of 100; facts from the first byte sent until every Golden Record shows them;
and, at 1,000 facts a second, the time from the acknowledgement until the Golden Record shows the fact. Afterwards the
counts of a thousand customers, and the number of all facts, are compared with what was sent. The load comes from this
process, on the same cores.

The last line is one JSON object: the figures of the first engine, and under `engines` those of each. With `--growth` it
is a Markdown table an engine instead: the same and the time that pages and numbers take, at growing sizes of the log.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from benchmarks.growth import FACTS_PER_PERSON, MOST_FACTS, growth, median_and_p99, table
from benchmarks.installation import installation, reachable_engines
from benchmarks.limit import append_limit
from benchmarks.load import WARM_UP, Shop, ready, send_and_fold, warm_up
from benchmarks.truth import compare, watched_every
from benchmarks.visible import visibility

BATCH = 100


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    engines = reachable_engines() if arguments.engine == "all" else [arguments.engine]
    if arguments.growth:
        for engine in engines:
            each = arguments.facts_per_person or FACTS_PER_PERSON
            found = growth(engine, most=arguments.growth_to, facts_per_person=each, workers=arguments.workers)
            print(table(engine, found), end="\n\n", flush=True)
        return
    results = [_measure_and_tell(engine, arguments) for engine in engines]
    print(json.dumps({**results[0], "engines": {result["engine"]: result for result in results}}))


def measure(
    engine: str, *, facts: int, seconds: float, workers: int | None = None, facts_per_person: int = 0
) -> dict[str, Any]:
    """All figures of one engine. Without `facts_per_person` one for every forty facts, all known from the start."""
    people = facts // (facts_per_person or 40)
    watched = watched_every(people, sample=1_000)
    known = 0 if facts_per_person else max(200, people)
    shop = Shop(people=known, facts_per_person=facts_per_person, watched=watched)
    with installation(engine, workers=workers) as running, ready(shop.batches(facts=facts, size=BATCH)) as bodies:
        warm_up(running)
        before = running.core_seconds()
        accepting, folding = send_and_fold(running, bodies)
        cores = {name: seconds - before.get(name, 0.0) for name, seconds in running.core_seconds().items()}
        lost, duplicated = compare(running, shop, sent=facts + WARM_UP)
        visible = visibility(running, seconds=seconds)
        peaks = running.peak_rss_mb()
        limit = append_limit(running, engine)
    p50, p99 = median_and_p99(visible)
    return {
        "engine": engine,
        "facts": facts,
        "append_limit_per_s": round(limit),
        "accepted_per_s": round(facts / accepting),
        "end_to_end_per_s": round(facts / folding),
        "ratio_end_to_end": round(facts / folding / limit, 3),
        "ratio_accepted": round(facts / accepting / limit, 3),
        "core_us_per_fact": {name: round(seconds / facts * 1e6) for name, seconds in cores.items()},
        "visible_p50_ms": p50,
        "visible_p99_ms": p99,
        "visible_samples": len(visible),
        "peak_rss_mb": max(peaks.values()),
        "peak_rss_mb_by_process": peaks,
        "lost": lost,
        "duplicated": duplicated,
    }


def _measure_and_tell(engine: str, arguments: argparse.Namespace) -> dict[str, Any]:
    result = measure(
        engine,
        facts=20_000 if arguments.quick else 100_000,
        seconds=6.0 if arguments.quick else 20.0,
        workers=arguments.workers,
        facts_per_person=arguments.facts_per_person,
    )
    if not arguments.json:
        print("\n".join(f"{key:>20}  {value}" for key, value in result.items()), end="\n\n", file=sys.stderr)
    return result


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collect", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a fifth of the facts")
    parser.add_argument("--json", action="store_true", help="the JSON line alone")
    parser.add_argument("--engine", choices=("sqlite", "postgresql", "all"), default="all")
    parser.add_argument("--workers", type=int, default=None, help="worker processes [what `rapport serve` starts]")
    parser.add_argument(
        "--facts-per-person", type=_count, default=0, metavar="N",
        help=f"a new customer for every N facts [40, and all known from the start; with --growth {FACTS_PER_PERSON}]",
    )  # fmt: skip
    parser.add_argument("--growth", action="store_true", help="the measures at growing sizes of the log, as a table")
    parser.add_argument(
        "--growth-to", type=_count, default=1_000_000, metavar="FACTS", help="the last of its sizes [1,000,000]"
    )
    arguments = parser.parse_args()
    if arguments.growth_to > MOST_FACTS:
        parser.error(f"--growth-to is at most {MOST_FACTS:,}")
    return arguments


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number


if __name__ == "__main__":
    main()

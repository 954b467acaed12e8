"""Collecting, measured against what the disk and the database allow at most, in one run.

    python -m benchmarks.collect [--quick] [--json] [--engine sqlite|postgresql|all]

For each engine: the raw append limit (the same rows into the same table, 1,000 a commit, the same fsync; no HTTP, no
fold); facts accepted over HTTP in batches of 100; facts from the first byte sent until every Golden Record shows them;
and, at 1,000 facts a second, the time from the acknowledgement until the Golden Record shows the fact. Afterwards every
customer's counts are compared with what was sent. The load comes from this process, on the same cores.

The last line is one JSON object: the figures of the first engine, and under `engines` those of each.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.installation import Installation, database, installation, reachable_engines
from benchmarks.load import Shop, Wire, send_all
from rapport.storage import log
from rapport.storage.engine import Database
from rapport.storage.migrate import migrate

BATCH = 100
RATE = 1_000
"""Facts a second while the time to visibility is measured."""


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    facts = 20_000 if arguments.quick else 100_000
    seconds = 6.0 if arguments.quick else 20.0
    results = []
    for engine in reachable_engines() if arguments.engine == "all" else [arguments.engine]:
        result = measure(engine, facts=facts, seconds=seconds, workers=arguments.workers)
        results.append(result)
        if not arguments.json:
            print("\n".join(f"{key:>20}  {value}" for key, value in result.items()), end="\n\n", file=sys.stderr)
    print(json.dumps({**results[0], "engines": {result["engine"]: result for result in results}}))


def measure(engine: str, *, facts: int, seconds: float, workers: int | None) -> dict[str, Any]:
    """All figures of one engine."""
    shop = Shop(people=max(200, facts // 40))
    bodies = shop.batches(facts=facts, size=BATCH)
    with installation(engine, workers=workers) as running:
        _warm_up(running)
        started = time.perf_counter()
        accepting = send_all(bodies, port=running.port, write_key=running.write_key)
        while running.lag() != 0:
            time.sleep(0.02)
        folding = time.perf_counter() - started
        lost, duplicated = _compare(running, shop)
        visible = _visibility(running, seconds=seconds)
        peaks = running.peak_rss_mb()
        limit = _append_limit(engine, running.database_url or f"sqlite:///{running.data / 'rapport.db'}")
    sent = len(bodies) * BATCH
    return {
        "engine": engine,
        "facts": sent,
        "append_limit_per_s": round(limit),
        "accepted_per_s": round(sent / accepting),
        "end_to_end_per_s": round(sent / folding),
        "ratio_end_to_end": round(sent / folding / limit, 3),
        "ratio_accepted": round(sent / accepting / limit, 3),
        "visible_p50_ms": round(statistics.median(visible), 1),
        "visible_p99_ms": round(statistics.quantiles(visible, n=100)[98], 1),
        "visible_samples": len(visible),
        "peak_rss_mb": max(peaks.values()),
        "peak_rss_mb_by_process": peaks,
        "lost": lost,
        "duplicated": duplicated,
    }


def _append_limit(engine: str, url: str) -> float:
    """Rows a second of the same facts into an empty log of the same engine, 1,000 a commit."""
    source = Database.open(url)
    with source.read() as conn:
        stored = log.read_after(conn, after=0, upto=1 << 60, buckets=None, limit=60_000)
    source.close()
    rows = [log.LogRow(*row[1:]) for row in stored]
    with tempfile.TemporaryDirectory() as folder, database(engine) as fresh:
        target = Database.open(fresh or f"sqlite:///{Path(folder) / 'limit.db'}")
        migrate(target)
        started = time.perf_counter()
        for first in range(0, len(rows), 1_000):
            with target.write() as conn:
                log.append(conn, rows[first : first + 1_000])
        elapsed = time.perf_counter() - started
        target.close()
    return len(rows) / elapsed


def _compare(running: Installation, shop: Shop) -> tuple[int, int]:
    """Facts the Golden Records miss, and facts they count twice."""
    lost = duplicated = 0
    for (namespace, value), sent in shop.truth.items():
        shown = _counts(running, namespace, value)
        for trait, expected in sent.items():
            lost += max(0, expected - shown[trait])
            duplicated += max(0, shown[trait] - expected)
    return lost, duplicated


def _counts(running: Installation, namespace: str, value: str) -> Counter[str]:
    status, body = running.get(f"/api/v1/customers/{namespace}:{quote(value)}")
    if status != 200:
        return Counter()
    traits = json.loads(body)["traits"]
    return Counter({name: int(trait["value"]) for name, trait in traits.items() if isinstance(trait["value"], int)})


def _visibility(running: Installation, *, seconds: float) -> list[float]:
    """Milliseconds from the acknowledgement of a fact until its customer's Golden Record answers, under steady load."""
    stop = threading.Event()
    background = threading.Thread(target=_steady, args=(running, stop))
    background.start()
    wire = Wire(port=running.port, write_key=running.write_key)
    samples: list[float] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        user = f"probe-{uuid.uuid4()}"
        event = {"type": "track", "event": "Product Viewed", "userId": user, "properties": {"product_id": "p1"}}
        if wire.post(json.dumps({"batch": [event]}).encode()) != 200:
            continue
        acknowledged = time.perf_counter()
        while running.get(f"/api/v1/customers/user_id:{user}")[0] != 200:
            time.sleep(0.002)
        samples.append((time.perf_counter() - acknowledged) * 1000)
        time.sleep(0.03)
    stop.set()
    background.join()
    wire.close()
    return samples


def _steady(running: Installation, stop: threading.Event) -> None:
    """RATE facts a second in batches of 20 until told to stop."""
    shop = Shop(people=2_000, seed=int(time.time()))
    bodies = shop.batches(facts=RATE * 40, size=20)
    wire = Wire(port=running.port, write_key=running.write_key)
    started = time.monotonic()
    for number, body in enumerate(bodies):
        if stop.wait(max(0.0, started + number * 20 / RATE - time.monotonic())):
            break
        wire.post(body)
    wire.close()


def _warm_up(running: Installation) -> None:
    bodies = Shop(people=50, seed=1).batches(facts=2_000, size=BATCH)
    send_all(bodies, port=running.port, write_key=running.write_key)
    while running.lag() != 0:
        time.sleep(0.02)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collect", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a fifth of the facts")
    parser.add_argument("--json", action="store_true", help="the JSON line alone")
    parser.add_argument("--engine", choices=("sqlite", "postgresql", "all"), default="all")
    parser.add_argument("--workers", type=int, default=None, help="worker processes [what `rapport serve` starts]")
    return parser.parse_args()


if __name__ == "__main__":
    main()

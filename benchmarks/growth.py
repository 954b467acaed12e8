"""The same measures while the log grows: what costs the same at a million facts as at ten thousand, and what does not.

For each size: the rate over the facts since the size before, from the first byte until all are folded, beside the
append limit measured right after; then, at rest, how long pages and numbers take over HTTP. Somebody new comes with
every so many facts. Bodies are made beforehand and kept in a file, and one in some people is watched for lost and
doubled facts, so memory stays small.
"""

from __future__ import annotations

import itertools
import json
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from urllib.parse import quote, urlencode

from benchmarks.installation import Installation, Reader, installation
from benchmarks.limit import append_limit
from benchmarks.load import WARM_UP, Shop, ready, send_and_fold, warm_up
from benchmarks.truth import compare, watched_every

__all__ = ["FACTS_PER_PERSON", "MOST_FACTS", "growth", "sizes", "table"]

FACTS_PER_PERSON = 20
BATCH = 100
MOST_FACTS = 5_000_000
"""More would reach from the simulated past into the future."""
SAMPLES = 100
"""Times a page is asked for, or fewer (at least ten) where that takes longer than SAMPLE_SECONDS."""
SAMPLE_SECONDS = 10.0

Figures = dict[str, float | tuple[float, float]]
"""By name: a figure, or median and p99 in milliseconds."""


def sizes(most: int) -> list[int]:
    """Powers of ten from 10,000, and the last size itself.

    >>> sizes(250_000)
    [10000, 100000, 250000]
    """
    return [*itertools.takewhile(lambda size: size < most, (10**power for power in itertools.count(4))), most]


def growth(engine: str, *, most: int, facts_per_person: int, workers: int | None) -> dict[int, Figures]:
    """By the number of facts in the log: all figures of one engine."""
    shop = Shop(
        people=0, facts_per_person=facts_per_person, watched=watched_every(most // facts_per_person, sample=300)
    )
    found: dict[int, Figures] = {}
    before = 0
    with installation(engine, workers=workers) as running:
        warm_up(running)
        console = running.console()
        for size in sizes(most):
            figures = found[size] = _grow(running, shop, facts=size - before)
            limit = append_limit(running, engine)
            figures["append limit, facts/s"] = round(limit)
            figures["ratio"] = round(_plain(figures["end to end, facts/s"]) / limit, 3)
            figures["lost"], figures["doubled"] = compare(running, shop, sent=size + WARM_UP)
            figures["peak memory of a process, MB"] = max(running.peak_rss_mb().values())
            with running.reader() as api, console:
                figures |= {name: _timed(api, paths) for name, paths in _api_paths(api, shop).items()}
                figures |= {name: _timed(console, [path]) for name, path in _PAGES.items()}
            before = size
            print(f"{engine}: measured at {size:,} facts", file=sys.stderr)
    return found


def table(engine: str, found: dict[int, Figures]) -> str:
    """The figures as a Markdown table, one column a size."""
    names = list(dict.fromkeys(name for figures in found.values() for name in figures))
    lines = [f"| {engine} | " + " | ".join(f"{size:,} facts" for size in found) + " |", "|---" * (len(found) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(_words(each.get(name)) for each in found.values()) + " |" for name in names]
    return "\n".join(lines)


_PAGES = {
    "Home, ms": "/console",
    "Home's numbers of today, ms": "/console/home/verbs",
    "Home's last thirty days, ms": "/console/home/report",
}


def _grow(running: Installation, shop: Shop, *, facts: int) -> Figures:
    """Send so many more facts and wait until all are folded."""
    with ready(shop.batches(facts=facts, size=BATCH)) as bodies:
        accepting, folding = send_and_fold(running, bodies)
    return {"accepted, facts/s": round(facts / accepting), "end to end, facts/s": round(facts / folding)}


def _api_paths(api: Reader, shop: Shop) -> dict[str, list[str]]:
    """What is asked for under each name: a Golden Record, a search, each metric in each of its groupings."""
    people = list(shop.truth)
    paths = {
        "Golden Record, ms": [f"/api/v1/customers/{namespace}:{quote(value)}" for namespace, value in people],
        "search, ms": [f"/api/v1/customers?{urlencode({'q': value[:8]})}" for _, value in people],
    }
    status, body = api.get("/api/v1/metrics")
    if status != 200:
        raise RuntimeError(f"the list of metrics was answered {status}")
    for metric in json.loads(body):
        for by in metric["by"]:
            paths[f"{metric['name']} by {by}, ms"] = [f"/api/v1/metrics/{metric['name']}?by={by}"]
    return paths


def _timed(reader: Reader, paths: Sequence[str]) -> tuple[float, float]:
    """Median and p99 of the milliseconds until a page is there whole, over these in turn."""
    samples: list[float] = []
    deadline = time.monotonic() + SAMPLE_SECONDS
    for path in itertools.islice(itertools.cycle(paths), SAMPLES):
        started = time.perf_counter()
        status, _ = reader.get(path)
        samples.append((time.perf_counter() - started) * 1000)
        if status != 200:
            raise RuntimeError(f"{path} was answered {status}")
        if len(samples) >= 10 and time.monotonic() > deadline:
            break
    return median_and_p99(samples)


def median_and_p99(samples: Iterable[float]) -> tuple[float, float]:
    """Both, rounded to a tenth.

    >>> median_and_p99(range(101))
    (50.0, 99.0)
    """
    cuts = statistics.quantiles(samples, n=100, method="inclusive")
    return round(cuts[49], 1), round(cuts[98], 1)


def _plain(figure: float | tuple[float, float]) -> float:
    return figure[0] if isinstance(figure, tuple) else figure


def _words(figure: float | tuple[float, float] | None) -> str:
    if figure is None:
        return ""
    return " / ".join(f"{part:,}" for part in (figure if isinstance(figure, tuple) else (figure,)))

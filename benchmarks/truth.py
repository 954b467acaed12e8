"""Whether every fact that was acknowledged had its effect, and had it once."""

from __future__ import annotations

import json
from collections import Counter
from urllib.parse import quote

from benchmarks.installation import Installation, Reader
from benchmarks.load import Shop

__all__ = ["compare", "watched_every"]


def watched_every(people: int, *, sample: int) -> int:
    """Of how many people one is watched so that about `sample` are; never a multiple of three, or all watched would be
    those who never sign in.

    >>> watched_every(30_000, sample=1_000), watched_every(500, sample=1_000)
    (31, 1)
    """
    every = max(1, people // sample)
    return every + 1 if every % 3 == 0 else every


def compare(running: Installation, shop: Shop, *, sent: int) -> tuple[int, int]:
    """Facts lost and facts counted twice: by the counts of those watched, and by the metric that counts all."""
    lost = doubled = 0
    with running.reader() as reader:
        for (namespace, value), expected in shop.truth.items():
            shown = _counts(reader, namespace, value)
            for trait, number in expected.items():
                lost += max(0, number - shown[trait])
                doubled += max(0, shown[trait] - number)
        missing = sent - _handled(reader)
    return max(lost, missing), max(doubled, -missing)


def _counts(reader: Reader, namespace: str, value: str) -> Counter[str]:
    status, body = reader.get(f"/api/v1/customers/{namespace}:{quote(value)}")
    if status != 200:
        return Counter()
    traits = json.loads(body)["traits"]
    return Counter({name: int(trait["value"]) for name, trait in traits.items() if isinstance(trait["value"], int)})


def _handled(reader: Reader) -> int:
    """Facts from outside that were handled, as the metric counts them."""
    status, body = reader.get("/api/v1/metrics/facts?by=source")
    if status != 200:
        raise RuntimeError(f"the metric of facts was answered {status}")
    return sum(row["facts"] for row in json.loads(body)["rows"] if row["source"] != "rapport")

"""How quick a decision is over HTTP: 100,000 products, 20 stores, a million customers' records, rules, a learnt order.

    python -m benchmarks.decide [--quick] [--engine sqlite|postgresql] [--seconds 10] [--rates 100,300,500] [--json]

The shop's rows are written into a fresh database as its workers would have left them; the learnt order comes from
simulated visits through the same code that trains. Then a server without workers is asked at fixed rates, whether it
keeps up or not: what waits counts from the moment it should have been sent. A third of the askers are new, a third
known by their browser, a third chose a store. Beside it, in the same run, a list of popular products from the same
server: what network and framework cost alone. The load generator stands on the same cores. One JSON object at the end:
`rate: {"100": {p50_ms, p99_ms, errors, core_ms}, …}, popular: {…}, peak_rss_mb`; `core_ms` is what the server takes
of a core for one decision, logged and answered.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from benchmarks.installation import Installation, installation
from rapport.capabilities.catalog import Product
from rapport.capabilities.catalog.entries import entries
from rapport.capabilities.catalog.entry import entry_of_product
from rapport.capabilities.catalog.store import products
from rapport.capabilities.merchandising import Rule
from rapport.capabilities.merchandising.service.changing import save
from rapport.capabilities.recommendations import models
from rapport.capabilities.recommendations.learning.ranker import learn
from rapport.capabilities.recommendations.model import Recent
from rapport.capabilities.recommendations.store import covisits, product_counts, recent_products
from rapport.capabilities.supply.model import Location
from rapport.capabilities.supply.store import levels, locations
from rapport.kernel.clock import DAY, MINUTE, now_us
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import WorkspaceId
from rapport.storage.engine import Database
from rapport.storage.workspaces import default_workspace

__all__ = ["main"]

RULES = (
    Rule(name="pinned", action="pin", products=["p1", "p2"], position=2, placements=["home"]),
    Rule(name="up", action="boost", brand="b1", strength=30),
    Rule(name="out", action="exclude", products=["p5"]),
)
CONNECTIONS = 64
BATCH = 20_000
CATEGORIES = 200


class Size(NamedTuple):
    items: int
    stores: int
    customers: int
    visits: int


WHOLE = Size(100_000, 20, 1_000_000, 200_000)
QUICK = Size(5_000, 5, 20_000, 8_000)


def fill(db: Database, folder: Path, size: Size) -> None:
    """Write the shop: catalogue, counts, co-visits, stock, what people looked at last, and a learnt order."""
    now, rng = now_us(), random.Random(7)
    with db.read() as conn:
        shop = default_workspace(conn).id
    for table, rows in (
        (products, _products(shop, size, now)), (entries, _entries(shop, size, now)),
        (product_counts, _counts(shop, size)),
        (covisits, _pairs(shop, size, now)), (locations, _stores(shop, size, now)),
        (levels, _levels(shop, size, now, rng)), (recent_products, _recents(shop, size, now, rng)),
    ):  # fmt: skip
        began, number = time.monotonic(), 0
        for some in _batches(rows):
            with db.write() as conn:
                conn.execute(table.insert(), some)
            number += len(some)
        print(f"  {number:,} rows of {table.name} in {time.monotonic() - began:.0f} s", flush=True)
    with db.write() as conn:
        save(conn, shop, RULES, seen=0, placements={"home", "product"}, what="benchmark", by="benchmark", now=now)
        conn.exec_driver_sql("ANALYZE")
    sessions = _sessions(size, rng)
    began = time.monotonic()
    recommender = learn(sessions, items=size.items)
    card = models.Card(trained_at=now, outcome="serving", words="benchmark", visits=len(sessions), products=size.items)
    models.save(models.folder_of(folder, shop), recommender, [f"p{n}" for n in range(size.items)], card)
    print(f"  learnt from {len(sessions):,} visits in {time.monotonic() - began:.0f} s", flush=True)


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    some: list[dict[str, Any]] = []
    for row in rows:
        some.append(row)
        if len(some) == BATCH:
            yield some
            some = []
    if some:
        yield some


def _products(shop: WorkspaceId, size: Size, now: int) -> Iterator[dict[str, Any]]:
    for n in range(size.items):
        yield {
            "workspace": shop, "product_id": f"p{n}", "name": f"Product {n}", "category": f"c{n % CATEGORIES}",
            "brand": f"b{n % 97}", "price_minor": 500 + n % 9_000, "cost_minor": 250 + n % 4_000, "currency": "EUR",
            "url": None, "image_url": None, "last_seen_at": now, "last_fact": f"f{n}",
        }  # fmt: skip


def _entries(shop: WorkspaceId, size: Size, now: int) -> Iterator[dict[str, Any]]:
    for row in _products(shop, size, now):
        known = Product(**{name: row[name] for name in Product.__struct_fields__ if name in row})
        entry = entry_of_product(known)
        yield {
            "workspace": shop, "product_id": entry.product_id, "name": entry.name, "visible": True,
            "body": msgspec.json.encode(entry), "digest": "", "indexed": "", "stated_at": 0, "fact": "",
        }  # fmt: skip


def _counts(shop: WorkspaceId, size: Size) -> Iterator[dict[str, Any]]:
    for n in range(size.items):
        viewed = 1 + 50_000 // (n + 5)
        yield {
            "workspace": shop, "product_id": f"p{n}", "viewed": viewed, "added": viewed // 10, "bought": viewed // 50,
            "popularity": viewed + 3 * (viewed // 50),
        }  # fmt: skip


def _pairs(shop: WorkspaceId, size: Size, now: int) -> Iterator[dict[str, Any]]:
    for n in range(size.items):
        for step in (1, 2, 3, 5, 8):
            one, other = sorted((f"p{n}", f"p{(n + step) % size.items}"))
            yield {
                "workspace": shop, "product": one, "other": other, "viewed": 20 // step + 1, "bought": 2 // step,
                "last_at": now,
            }  # fmt: skip


def _stores(shop: WorkspaceId, size: Size, now: int) -> Iterator[dict[str, Any]]:
    for n in range(size.stores):
        place = Location(location_id=f"s{n}", name=f"Store {n}")
        yield {
            "workspace": shop, "location_id": place.location_id, "name": place.name, "ships": n == 0, "pickup": True,
            "open": True, "place": msgspec.json.encode(place), "stated_at": now, "fact": f"l{n}",
        }  # fmt: skip


def _levels(shop: WorkspaceId, size: Size, now: int, rng: random.Random) -> Iterator[dict[str, Any]]:
    """Every second product is somewhere known to be sold out."""
    for n in range(size.items):
        for store in range(size.stores):
            yield {
                "workspace": shop, "product_id": f"p{n}", "variant": "", "location_id": f"s{store}",
                "on_hand": rng.choice((0, 3, 7)), "reserved": 0, "incoming": 0, "incoming_at": None,
                "stated_at": now, "fact": f"v{n}-{store}",
            }  # fmt: skip


def _recents(shop: WorkspaceId, size: Size, now: int, rng: random.Random) -> Iterator[dict[str, Any]]:
    for n in range(size.customers):
        first = rng.randrange(size.items)
        met = [Recent(f"p{(first + step) % size.items}", now - (5 - step) * MINUTE, 1) for step in range(4)]
        yield {
            "workspace": shop, "strand": key_of(shop, Identifier("anonymous_id", f"v{n}")),
            "recent": msgspec.json.encode(met), "last_day": now // DAY,
        }  # fmt: skip


def _sessions(size: Size, rng: random.Random) -> list[list[int]]:
    found = []
    for _ in range(size.visits):
        session = [int(size.items * rng.random() ** 2)]
        while len(session) < 2 or rng.random() < 0.7:
            session.append((session[-1] + rng.choices((1, 2, rng.randrange(50)), (6, 2, 2))[0]) % size.items)
        found.append(session)
    return found


def questions(size: Size, number: int) -> list[bytes]:
    """Bodies of questions, as a shop's server asks them."""
    rng, found = random.Random(3), []
    for n in range(number):
        context: dict[str, Any] = {"device": "phone", "referrer": "newsletter", "local_time": "2026-11-27T18:30"}
        asked: dict[str, Any] = {"placement": rng.choice(("home", "product", "cart")), "context": context, "limit": 6}
        if asked["placement"] != "home" or n % 3 == 0:
            context["product_id"] = f"p{int(size.items * rng.random() ** 2)}"
        if n % 3 == 1:
            asked["anonymous_id"] = f"v{rng.randrange(size.customers)}"
        if n % 3 == 2:
            context["location"] = f"s{rng.randrange(size.stores)}"
        found.append(json.dumps(asked).encode())
    return found


def load(port: int, heads: list[bytes], rate: int, seconds: float, answers: Any) -> None:
    """The load generator, in a process of its own: what each took in milliseconds, and how many failed."""
    answers.put(asyncio.run(_load(port, heads, rate, seconds)))


async def _load(port: int, heads: list[bytes], rate: int, seconds: float) -> tuple[list[float], int]:
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    took: list[float] = []
    failed = 0

    async def worker() -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while True:
            due, request = await waiting.get()
            if not request:
                break
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            took.append((time.perf_counter() - due) * 1e3)
            failed += not head.startswith(b"HTTP/1.1 200")
        writer.close()

    workers = [asyncio.create_task(worker()) for _ in range(CONNECTIONS)]
    began = time.perf_counter()
    for n in range(int(rate * seconds)):
        due = began + n / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        waiting.put_nowait((due, heads[n % len(heads)]))
    for _ in workers:
        waiting.put_nowait((0.0, b""))
    await asyncio.gather(*workers)
    return took, failed


def ask(found: Installation, heads: list[bytes], *, rate: int, seconds: float) -> dict[str, float]:
    """Latency at a rate."""
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    child = context.Process(target=load, args=(found.port, heads, rate, seconds, answers))
    child.start()
    took, failed = answers.get(timeout=seconds * 20 + 120)
    child.join()
    p50, p99 = np.percentile(took, [50, 99])
    return {"p50_ms": round(float(p50), 2), "p99_ms": round(float(p99), 2), "errors": failed}


def _spent(found: Installation) -> float:
    """Seconds of a core that the server has taken so far, and the processes that decide for it."""
    return sum(taken for name, taken in found.core_seconds().items() if name != "database")


def measure(size: Size, *, engine: str, rates: list[int], seconds: float) -> dict[str, Any]:
    with installation(engine, workers=0) as found:
        url = found.database_url or f"sqlite:///{found.data / 'rapport.db'}"
        db = Database.open(url)
        fill(db, found.data, size)
        db.close()
        key = f"Host: 127.0.0.1\r\nAuthorization: Bearer {found.api_key}\r\n".encode()
        heads = [
            b"POST /api/v1/decisions HTTP/1.1\r\n" + key + b"Content-Type: application/json\r\n"
            + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
            for body in questions(size, 2_000)
        ]  # fmt: skip
        popular = [b"GET /api/v1/recommendations/popular?limit=6 HTTP/1.1\r\n" + key + b"\r\n"]
        ask(found, heads, rate=50, seconds=8)  # the model is loaded, masks are made, whoever decides beside is started
        report: dict[str, Any] = {"engine": engine, **size._asdict(), "rate": {}, "popular": {}}
        for rate in rates:
            before = _spent(found)
            report["rate"][str(rate)] = ask(found, heads, rate=rate, seconds=seconds)
            spent = _spent(found) - before
            report["rate"][str(rate)]["core_ms"] = round(spent / int(rate * seconds) * 1e3, 2)
            report["popular"][str(rate)] = ask(found, popular, rate=rate, seconds=seconds)
            print(
                f"  {rate:4}/s  decisions {report['rate'][str(rate)]}  popular {report['popular'][str(rate)]}",
                flush=True,
            )
        report["peak_rss_mb"] = round(sum(found.peak_rss_mb().values()), 1)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="5,000 products, 5 stores, 20,000 customers, 3 s a rate")
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seconds", type=float, default=10.0, help="at each rate")
    parser.add_argument("--rates", default="100,300,500", help="questions a second")
    parser.add_argument("--json", action="store_true", help="nothing but the JSON object on standard output")
    asked = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr if asked.json else sys.stdout):
        found = measure(
            QUICK if asked.quick else WHOLE, engine=asked.engine, rates=[int(one) for one in asked.rates.split(",")],
            seconds=3.0 if asked.quick else asked.seconds,
        )  # fmt: skip
    print(json.dumps(found))


if __name__ == "__main__":
    main()

"""How long pages of numbers take where a shop is large: `python -m benchmarks.million [--customers N] [--json FILE]`.

A shop of a million customers with an order and three touchpoints each, within a year, is written into the tables as its
workers would have left it (SQLite, no facts in the log). Each page is asked for as a manager opens it in the morning:
`first_s` is the answer to the first look, `counted_s` when its numbers were there, `again_s` the look after that.
"""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa

from benchmarks.console import _served, _stop
from benchmarks.installation import Reader, installation
from rapport.capabilities.insights.store import sale_lines, sales, touchpoints
from rapport.capabilities.orders.store import orders
from rapport.kernel.clock import DAY, MINUTE, now_us
from rapport.remember.membership import records
from rapport.remember.store import customers
from rapport.resolve.graph.store import identifiers

MILLION = 1_000_000
ORIGINALS = 20_000
"""Customers that are made up; the others are copies of them under keys and ids of their own."""
COUNTRIES, CHANNELS = ("DE", "GB", "FR", "IT", "ES"), ("web", "web", "app", "store")
WAY = (("Product", 1), ("Added to cart", 2), ("Checkout", 3), ("Order", 4))
COUNTING = "The numbers are being counted"
PAGES = (
    "/console", "/console/insights/funnel", "/console/insights/retention", "/console/insights/products",
    "/console/insights/channels", "/console/insights/campaigns", "/console/insights/journeys",
    "/console/insights/patterns", "/console/metrics/revenue", "/console/metrics/orders", "/console/metrics/margin",
    "/console/metrics/new_customers", "/console/metrics/lifetime_value", "/console/metrics/repeat_interval",
    "/console/metrics/return_rate", "/console/segments", "/console/customers",
)  # fmt: skip

Row = Mapping[str, Any]


def shop(number: int, *, now: int) -> Iterator[tuple[sa.Table, Row]]:
    """The rows of so many customers, as workers leave them."""
    rng = random.Random(7)
    for n in range(number):
        key = blake2b(b"%d" % n, digest_size=15).digest() + b"\0"
        at, channel, country = now - rng.randrange(365 * DAY), rng.choice(CHANNELS), rng.choice(COUNTRIES)
        minor, seen = rng.randrange(500, 20_000), {"bucket": key[0] % 64, "root": key}
        yield identifiers, {"key": key, "root": key, "namespace": "user_id", "value": f"u{n}", "first_seen_at": at}
        yield customers, {
            **seen, "known": 1, "country": country, "first_seen_at": at, "last_seen_at": at, "orders": 1,
            "revenue_minor": minor, "currency": "EUR", "last_order_at": at, "identifiers": 1, "name": f"Person {n}",
            "name_key": f"person {n}", "campaign": rng.choice(("spring", "brand", "")),
        }  # fmt: skip
        record = {
            "visitor": False,
            "orders": 1,
            "country": country.lower(),
            "last_order_at": at,
            "net_revenue.EUR": minor,
        }
        yield records, {**seen, "record": json.dumps(record, separators=(",", ":")), "next_at": 2**62}
        yield orders, {
            "order_id": f"o{n}", "rank": 0, "at": at, "fact": f"f{n}", "strand": key, "country": country,
            "currency": "EUR", "revenue_minor": minor, "updated_at": -1, "reading": 5,
        }  # fmt: skip
        yield sales, {"fact": f"f{n}", "strand": key, "at": at, "channel": channel, "device": "mobile",
                      "margin_minor": minor // 3}  # fmt: skip
        yield sale_lines, {"fact": f"f{n}", "line": 0, "product_id": f"p{rng.randrange(500)}", "name": "Plate",
                           "pieces": 1, "minor": minor, "cost_minor": minor // 2}  # fmt: skip
        for place, (kind, step) in enumerate(WAY[: rng.randrange(2, 5)]):
            yield touchpoints, {"at": at + place * MINUTE, "seq": n * 4 + place, "strand": key, "kind": kind,
                                "step": step, "channel": channel, "device": "mobile"}  # fmt: skip


def fill(file: Path, number: int) -> None:
    """Write them, a table at a time, some thousand rows in each statement."""
    conn = sqlite3.connect(file)
    (workspace,) = conn.execute("SELECT id FROM workspaces").fetchone()
    conn.execute("PRAGMA synchronous = OFF")
    conn.execute("PRAGMA cache_size = -1000000")
    conn.execute("INSERT OR IGNORE INTO identity_secret (id, secret) VALUES (1, randomblob(32))")
    waiting: dict[str, list[tuple[Any, ...]]] = {}
    plain: dict[str, Row] = {}
    for table, row in shop(number, now=now_us()):
        if table.name not in plain:
            plain[table.name] = {column.name: _nothing(column) for column in table.columns}
        full = {**plain[table.name], **row, "workspace": workspace}
        rows = waiting.setdefault(table.name, [])
        rows.append(tuple(full.values()))
        if len(rows) == 20_000:
            _write(conn, table.name, list(full), rows)
    for name, rows in waiting.items():
        _write(conn, name, list(plain[name]), rows)
    conn.execute("ANALYZE")
    conn.commit()
    conn.close()


def multiply(file: Path, copies: int) -> None:
    """Make so many copies of all rows, under keys and ids of their own that lie among the others'."""
    conn = sqlite3.connect(file)
    conn.execute("PRAGMA synchronous = OFF")
    conn.execute("PRAGMA cache_size = -1000000")
    for number in range(1, copies + 1):
        for table in (identifiers, customers, records, orders, sales, sale_lines, touchpoints):
            values = ", ".join(_copied(column.name, number) for column in table.columns)
            own = next(column.name for column in table.columns if column.name in ("root", "strand", "fact", "key"))
            kept = "instr(fact, '~') = 0" if own == "fact" or "fact" in table.c else f"substr({own}, 16, 1) = X'00'"
            names = ", ".join(column.name for column in table.columns)
            conn.execute(f"INSERT INTO {table.name} ({names}) SELECT {values} FROM {table.name} WHERE {kept}")
        conn.commit()
    conn.execute("ANALYZE")
    conn.commit()
    conn.close()


def _copied(column: str, number: int) -> str:
    """Keys end with the number of the copy, which leaves them spread as hashes are; ids have it behind them."""
    if column in ("root", "strand", "key"):
        return f"CAST(substr({column}, 1, 15) || X'{number:02X}' AS BLOB)"
    if column in ("order_id", "fact", "value", "first_fact"):
        return f"{column} || '~{number}'"
    return f"seq + {number} * 1000000000" if column == "seq" else column


def _nothing(column: sa.Column[Any]) -> Any:
    if column.nullable:
        return None
    return b"" if isinstance(column.type, sa.LargeBinary) else 0 if isinstance(column.type, sa.Integer) else ""


def _write(conn: sqlite3.Connection, table: str, columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    asked = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
    conn.executemany(asked, rows)
    rows.clear()


def looked(console: Reader, path: str) -> dict[str, float | int]:
    """The first look at a page, when its numbers were there, and the look after that."""
    began = time.monotonic()
    status, body = console.get(path)
    first = time.monotonic() - began
    while COUNTING in body.decode() and time.monotonic() - began < 300:
        time.sleep(0.25)
        status, body = console.get(path)
    counted = time.monotonic() - began
    again = time.monotonic()
    console.get(path)
    return {
        "status": status, "first_s": round(first, 3), "counted_s": round(counted, 3),
        "again_s": round(time.monotonic() - again, 3),
    }  # fmt: skip


@click.command()
@click.option("--customers", "number", type=int, default=MILLION, show_default=True)
@click.option("--json", "out", type=click.Path(dir_okay=False, path_type=Path), help="Also write the figures there.")
def main(*, number: int, out: Path | None) -> None:
    """Measure, and print the figures as a table."""
    with installation("sqlite") as running:
        _stop(running)
        began = time.monotonic()
        fill(running.data / "rapport.db", min(number, ORIGINALS))
        multiply(running.data / "rapport.db", max(0, number // ORIGINALS - 1))
        click.echo(f"{number:,} customers written in {time.monotonic() - began:,.0f} s", err=True)
        with _served(running) as served, served.console() as console:
            console.get("/console/settings")  # what the server loads with its first page
            found = {path: looked(console, path) for path in PAGES}
    click.echo("| page | first look, s | its numbers after, s | next look, s |\n|---|---|---|---|")
    for path, one in found.items():
        click.echo(f"| {path} ({one['status']}) | {one['first_s']} | {one['counted_s']} | {one['again_s']} |")
    if out is not None:
        out.write_text(json.dumps({"customers": number, "pages": found}))


if __name__ == "__main__":
    main()

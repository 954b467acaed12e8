"""How quick points are: a quote with every cart view, points of an order, a month's expiry.

    uv run python -m benchmarks.loyalty [--quick] [--json]

By calls, without HTTP, on SQLite: members with ten orders each, told to the slice as a batch tells them. Prints
`quote_p50_ms`, `quote_p99_ms`, `earn_us` (per order fact, with all it writes), `expire_per_s`.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Any

import click
import msgspec

from rapport.act.stages import Stages
from rapport.act.work import BatchWork
from rapport.app.bootstrap import open_database
from rapport.app.settings import Settings
from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.changing import change_programme
from rapport.capabilities.loyalty.ledger import Lot
from rapport.capabilities.loyalty.quoting import CartAsked, LineAsked, holder_of, quote
from rapport.capabilities.loyalty.service.keeping import keep
from rapport.capabilities.loyalty.shipped import example
from rapport.capabilities.loyalty.verifying import verify
from rapport.capabilities.loyalty.versions import versions_of
from rapport.kernel.clock import DAY, now_us
from rapport.kernel.facts import Fact
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Seen
from rapport.storage.engine import Database
from rapport.storage.settings import Cache
from rapport.storage.workspaces import create_workspace

__all__ = ["main"]

BATCH = 1_000
QUOTES = 2_000


@click.command()
@click.option("--members", default=100_000, help="People, each with ten orders.")
@click.option("--quick", is_flag=True, help="2,000 members.")
@click.option("--json", "as_json", is_flag=True)
def main(members: int, *, quick: bool, as_json: bool) -> None:
    """Measure quote, earning and expiry."""
    members = 2_000 if quick else members
    with tempfile.TemporaryDirectory() as folder:
        db = open_database(Settings.load({}, data_dir=Path(folder)))
        with db.write() as conn:
            workspace = create_workspace(conn, slug="shop", name="Shop", now=now_us()).id
        terms = msgspec.json.encode(example("EUR", starts="2020-01-01"))
        change_programme(db, workspace, "club", terms, seen=0, by="benchmark", reason="", now=1)
        found = {"members": members, **_earn(db, workspace, members), **_quote(db, workspace, members),
                 **_expire(db, workspace)}  # fmt: skip
        with db.read() as conn:
            found["proven"] = verify(conn, workspace).ok
        db.close()
    if as_json:
        click.echo(json.dumps(found))
    else:
        for name, value in found.items():
            click.echo(f"{name:14} {value:>12,}")


def _earn(db: Database, workspace: WorkspaceId, members: int) -> dict[str, Any]:
    now, took, cache = now_us(), 0.0, Cache()
    for began in range(0, members * 10, BATCH):
        notes = [_order(workspace, members, number, now) for number in range(began, min(began + BATCH, members * 10))]
        start = time.perf_counter()
        with db.write() as conn:
            keep(conn, BatchWork(Stages((), own=()), cache), notes, now)
        took += time.perf_counter() - start
    return {"earn_us": round(took * 1e6 / (members * 10), 1)}


def _order(workspace: WorkspaceId, members: int, number: int, now: int) -> Seen:
    key = key_of(workspace, Identifier("user_id", f"u{number % members}"))
    products = [{"product_id": f"p{n}", "price": 10 + number % 50, "quantity": 1} for n in range(2)]
    said: dict[str, Any] = {"order_id": f"o{number}", "currency": "EUR", "products": products}
    at = now - 300 * DAY + number
    fact = Fact(
        id=f"f{number}",
        seq=0,
        type="track",
        name="Order Completed",
        source="web",
        occurred_at=at,
        received_at=at,
        properties=said,
    )
    return Seen(workspace, key, fact)


def _quote(db: Database, workspace: WorkspaceId, members: int) -> dict[str, Any]:
    rng, took = Random(7), []
    cart = CartAsked(currency="EUR", shipping_minor=490, redeem_points=50, lines=[
        LineAsked(line_id=str(n), product_id=f"p{n}", quantity=2, unit_price_minor=1_990) for n in range(5)
    ])  # fmt: skip
    for _ in range(QUOTES):
        key: Key = key_of(workspace, Identifier("user_id", f"u{rng.randrange(members)}"))
        start, now = time.perf_counter(), now_us()
        with db.look() as conn:
            versions = versions_of(conn, workspace)["club"]
            quote(holder_of(conn, workspace, versions, "club", key, now=now), cart, now=now)
        took.append((time.perf_counter() - start) * 1e3)
    cuts = quantiles(took, n=100)
    return {"quote_p50_ms": round(cuts[49], 2), "quote_p99_ms": round(cuts[98], 2)}


def _expire(db: Database, workspace: WorkspaceId) -> dict[str, Any]:
    """What the job does to lots whose day is over, 2,000 a transaction."""
    later, took, number = now_us() + 800 * DAY, 0.0, 0
    c = store.lots.c
    while True:
        start = time.perf_counter()
        with db.write() as conn:
            query = store.lots.select().with_only_columns(c.lot).where(c.workspace == workspace, c.expired == 0)
            names = [row.lot for row in conn.execute(query.limit(2_000))]
            lots: list[Lot] = list(store.lots_named(conn, workspace, names).values())
            for lot in lots:
                lot.mature(later)
            store.save_lots(conn, workspace, lots)
        took += time.perf_counter() - start
        number += len(lots)
        if not lots or number >= 100_000:
            return {"expire_per_s": round(number / took)}


if __name__ == "__main__":
    main()

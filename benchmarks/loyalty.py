"""How quick points are: a quote with every cart view, points of an order, a month's expiry.

    uv run python -m benchmarks.loyalty [--quick | --filled N] [--json]

By calls, without HTTP, on SQLite: members with ten orders each, told to the slice as a batch tells them. Prints
`quote_p50_ms`, `quote_p99_ms`, `earn_us` (per order fact, with all it writes), `expire_per_s`, `list_ms` (the
slowest first page of members, by each order, with and without filters).

`--filled` writes the past of so many members (ten lots and ten entries each) straight into the tables first: then it is
earned, asked and expired on top of that. So growth is seen without hours of earning.
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
from rapport.capabilities.loyalty.members import SORTS, MemberQuery, list_members
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
from rapport.resolve.graph.customer_ids import ensure_secret
from rapport.storage.bulk import insert_rows
from rapport.storage.engine import Database
from rapport.storage.settings import Cache
from rapport.storage.workspaces import create_workspace

__all__ = ["main"]

BATCH = 1_000
QUOTES = 2_000


@click.command()
@click.option("--members", default=100_000, help="People, each with ten orders.")
@click.option("--quick", is_flag=True, help="2,000 members.")
@click.option("--filled", default=0, help="Members whose past is written straight into the tables first.")
@click.option("--json", "as_json", is_flag=True)
def main(members: int, filled: int, *, quick: bool, as_json: bool) -> None:
    """Measure quote, earning, expiry and the list of members."""
    members = 1_000 if filled else 2_000 if quick else members
    with tempfile.TemporaryDirectory() as folder:
        db = open_database(Settings.load({}, data_dir=Path(folder)))
        with db.write() as conn:
            workspace = create_workspace(conn, slug="shop", name="Shop", now=now_us()).id
            ensure_secret(conn)
        terms = msgspec.json.encode(example("EUR", starts="2020-01-01"))
        change_programme(db, workspace, "club", terms, seen=0, by="benchmark", reason="", now=1)
        _fill(db, workspace, filled)
        found = {"members": filled or members, **_earn(db, workspace, members)}
        found |= {**_quote(db, workspace, filled or members), **_list(db, workspace), **_expire(db, workspace)}
        with db.read() as conn:
            found["proven"] = verify(conn, workspace).ok
        db.close()
    if as_json:
        click.echo(json.dumps(found))
    else:
        for name, value in found.items():
            click.echo(f"{name:14} {value:>12,}")


def _fill(db: Database, workspace: WorkspaceId, members: int) -> None:
    """Ten lots of a member's past, as ten orders would have left them, in transactions of 5,000 members."""
    now = now_us()
    for began in range(0, members, 5_000):
        lots, entries, rows = [], [], []
        for member in range(began, min(began + 5_000, members)):
            key, points = key_of(workspace, Identifier("user_id", f"u{member}")), 20 + member % 100
            of = {"workspace": workspace, "programme": "club"}
            for n in range(10):
                lot, at = f"order:past-{member}-{n}", now - (300 - n) * DAY + member
                lots.append({**of, "lot": lot, "strand": key, "at": at, "available_at": at + 14 * DAY,
                             "expires_at": at + 730 * DAY, "pending": 0, "available": points, "held": 0, "redeemed": 0,
                             "expired": 0, "taken": 0, "owed": 0, "entries": 1, "counted_minor": points * 100,
                             "is_order": 1, "rule": "", "words": "An order of the past."})  # fmt: skip
                entries.append({**of, "lot": lot, "number": 1, "at": at, "debit": "shop", "credit": "available",
                                "points": points, "cause": lot, "words": "The past.", "stated_by": ""})  # fmt: skip
            rows.append({**of, "strand": key, "points": points * 10, "owed": 0, "tier": "friend", "way": member % 100,
                         "since": now - 300 * DAY + member, "expires_at": now + 430 * DAY + member, "plan": "",
                         "plan_state": "", "plan_until": 0})  # fmt: skip
        with db.write() as conn:
            for table, several in ((store.lots, lots), (store.entries, entries), (store.members, rows)):
                insert_rows(conn, table, several)


def _list(db: Database, workspace: WorkspaceId) -> dict[str, Any]:
    """The slowest first page of the list, by each of its orders, with and without a filter that leaves few."""
    slowest, now = 0.0, now_us()
    for sort in SORTS:
        for wanted in (MemberQuery(sort=sort), MemberQuery(sort=sort, least_points=1_100, tier="friend")):
            start = time.perf_counter()
            with db.read() as conn:
                list_members(conn, workspace, "club", wanted, now=now)
            slowest = max(slowest, time.perf_counter() - start)
    return {"list_ms": round(slowest * 1e3, 1)}


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

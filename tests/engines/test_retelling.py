"""A stage that is new, or reads facts otherwise than before, is told the log; its tables are as if it always had."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import BigInteger, Column, Integer, MetaData, SmallInteger, Table, Text

from rapport.app.filling import FILLING
from rapport.app.wiring import OWN, installed
from rapport.capabilities.orders.kept_sums import SUMMING
from rapport.capabilities.orders.refund_rows import refunds
from rapport.capabilities.orders.store import orders
from rapport.compose.installed import Installed
from rapport.compose.slice import Slice
from rapport.kernel import work as work_
from rapport.kernel.errors import NotFound
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import BatchStage, Connection, Retelling, Seen, Work
from rapport.remember import retelling
from rapport.remember.golden import find_key, golden_record
from rapport.remember.store import folded
from rapport.storage.bulk import upsert
from tests.filling import finish, kill_workers, worker
from tests.jobs import turns
from tests.shop import NOON, Message, Shop

BOUGHT = Table(
    "tally_bought", MetaData(), Column("fact", Text, primary_key=True), Column("at", BigInteger, nullable=False),
    Column("pieces", Integer, nullable=False), Column("reading", SmallInteger, nullable=False),
)  # fmt: skip
WITHOUT = Installed(OWN)


def tally(version: int, *, silent: bool = False) -> Installed:
    """A slice that notes the pieces of each order, in dozens by its second version, and writes to the shop of each."""

    def read(seen: Seen) -> dict[str, Any]:
        if seen.fact.properties.get("pieces") == "odd" and version > 1:
            raise ValueError("cannot be read")
        number = seen.fact.properties.get("pieces", 0)
        pieces = number if isinstance(number, int) else 0
        return {"fact": seen.fact.id, "at": seen.fact.occurred_at, "pieces": pieces * version, "reading": version}

    def write(conn: Connection, work: Work, notes: Sequence[dict[str, Any]], now: int) -> None:
        upsert(conn, BOUGHT, notes, key=("fact",), update=("pieces", "reading"))
        for note in () if silent else notes:
            message = work_.Message(
                workspace=WorkspaceId(1), channel="webhook", destination="shop", idempotency_key=f"{note['fact']}",
                payload=b"{}", strand=None, purpose="operations",
            )  # fmt: skip
            work.send(message)

    def forget(conn: Connection) -> None:
        conn.execute(BOUGHT.delete().where(BOUGHT.c.reading < version))

    made = Slice(
        name="tally", title="Tally", stage=lambda: BatchStage(["Order Completed"], read=read, write=write),
        retelling=Retelling(version=version, finish=forget),
    )  # fmt: skip
    return Installed([*OWN, made])


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    found = Shop(database_url)
    with found.db.write() as conn:
        BOUGHT.create(conn)
    yield found
    found.close()


def bought_by(shop: Shop, user: str, number: int) -> Message:
    return shop.message("Order Completed", at=NOON + number, user=user, id=f"f{number}", pieces=number)


def bought(shop: Shop) -> dict[str, int]:
    return {row["fact"]: row["pieces"] for row in shop.rows(BOUGHT)}


def sent(shop: Shop) -> int:
    with shop.db.read() as conn:
        return int(conn.exec_driver_sql("SELECT count(*) FROM outbox").scalar_one())


@pytest.mark.parametrize("seed", range(3))
def test_a_slice_that_is_installed_later_and_changed_since_has_told_what_it_would_from_the_first_fact(
    shop: Shop, seed: int
) -> None:
    """Whenever workers are killed, and beside facts that arrive; the past sends nothing a second time."""
    rng = random.Random(seed)
    number = 0
    for slices in (WITHOUT, tally(1), WITHOUT, tally(1), tally(2)):
        working = worker(shop, slices, at_once=rng.choice([1, 2, 5]))
        for _ in range(rng.randrange(1, 5)):
            some = range(number, number := number + rng.randrange(6))
            shop.send(
                *(
                    shop.message(
                        "Order Completed", at=NOON + n, user=f"u{n % 3}", id=f"f{n}", order_id=f"o{n}", pieces=n
                    )
                    for n in some
                )
            )
            working.step()
            if rng.random() < 0.6:
                working.run_job(FILLING)
    finish(shop, worker(shop, tally(2), at_once=2))
    assert bought(shop) == {f"f{n}": 2 * n for n in range(number)}


def test_what_is_told_again_is_not_sent_again(shop: Shop) -> None:
    shop.send(*(shop.message("Order Completed", at=NOON + n, user="ada", id=f"f{n}", pieces=1) for n in range(5)))
    finish(shop, worker(shop, WITHOUT))
    finish(shop, worker(shop, tally(1)))
    assert (len(bought(shop)), sent(shop)) == (5, 0)
    shop.send(shop.message("Order Completed", at=NOON + 9, user="ada", id="new", pieces=1))
    finish(shop, worker(shop, tally(1)))
    assert (len(bought(shop)), sent(shop)) == (6, 1)


def test_a_fact_that_cannot_be_told_again_is_passed_over_and_what_nobody_says_any_more_goes(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.send(
        *(shop.message("Order Completed", at=NOON, user="ada", id=f"f{n}", pieces=n) for n in range(3)),
        shop.message("Order Completed", at=NOON, user="ada", id="odd", pieces="odd"),
    )
    finish(shop, worker(shop, tally(1)))
    assert bought(shop) == {"f0": 0, "f1": 1, "f2": 2, "odd": 0}
    finish(shop, worker(shop, tally(2), at_once=1))
    assert bought(shop) == {"f0": 0, "f1": 2, "f2": 4}, "the row of the first version is gone"
    assert "could not be told again" in caplog.text


def test_the_page_says_how_far_a_stage_is_until_it_has_been_told_everything(shop: Shop) -> None:
    shop.send(*(shop.message("Order Completed", at=NOON + n, user="ada", id=f"f{n}", pieces=1) for n in range(4)))
    finish(shop, worker(shop, WITHOUT))
    slices = tally(1, silent=True)
    working = worker(shop, slices, at_once=1)
    working.step()
    with shop.db.read() as conn:
        (progress,) = retelling.told(conn, slices.retold)
    assert (progress.title, progress.left, progress.told) == ("Tally", 3, 0.25)
    finish(shop, working)
    with shop.db.read() as conn:
        assert retelling.told(conn, slices.retold) == []


ORDERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Order Completed", {"revenue": 50_000, "currency": "JPY"}), ("Order Refunded", {"revenue": 10_000}),
    ("Order Completed", {"total": 119, "tax": 19, "currency": "EUR"}), ("Order Refunded", {"total": 59.50}),
    ("Order Updated", {"revenue": 80}), ("Order Cancelled", {}), ("Order Completed", {"revenue": 7}),
    ("Order Refunded", {}), ("Order Completed", {"products": [{"product_id": "p", "price": 3, "quantity": 2}]}),
)  # fmt: skip


def tell(shop: Shop, rng: random.Random, number: int) -> None:
    """So many facts about a few orders, in any order."""
    told = [rng.choice(ORDERS) for _ in range(number)]
    shop.send(
        *(
            shop.message(
                name, at=NOON + rng.randrange(3 * 10**11), user=f"u{(order := rng.randrange(6)) % 3}",
                order_id=f"o{order}", **money,
            )
            for name, money in told
        )
    )  # fmt: skip


def read_as_before(shop: Shop, rng: random.Random) -> None:
    """As if an older version had read what is there: without the claims, amounts in other currencies, other ids."""
    with shop.db.write() as conn:
        conn.execute(refunds.update().values(reading=1, currency="EUR", amount_minor=1_000_000, claim=None))
        wrong = {"revenue_minor": orders.c.revenue_minor * 100, "gross_minor": None, "prices": None, "reading": 1}
        conn.execute(orders.update().values(**wrong, rank=0, at=NOON - 1, updated_reading=1, cancelled_reading=1))
        ghost = orders.c.order_id.in_(["o0", "o1"])
        conn.execute(orders.update().where(ghost).values(order_id=orders.c.order_id + ".0", cancelled_at=NOON))
        conn.execute(refunds.update().where(refunds.c.order_id == "o2").values(key=refunds.c.key + ".0"))
        conn.execute(folded.delete().where(folded.c.part.like("stage:%")))
    sum_days(shop)


@pytest.mark.parametrize("seed", range(3))
def test_orders_that_an_older_version_read_are_read_again_until_record_and_metric_say_the_same(
    shop: Shop, seed: int
) -> None:
    """Beside facts that arrive, and whenever the worker is killed."""
    rng = random.Random(seed)
    tell(shop, rng, 12)
    finish(shop, worker(shop, WITHOUT))
    sum_days(shop)
    read_as_before(shop, rng)
    for _ in range(3):
        working = worker(shop, WITHOUT, at_once=rng.choice([1, 2, 4]))
        tell(shop, rng, rng.randrange(3))
        working.step()
        working.run_job(FILLING)
    finish(shop, worker(shop, WITHOUT, at_once=3))
    before = of_the_shop(shop)
    sum_days(shop)
    assert before == of_the_shop(shop) == of_customers(shop)


def sum_days(shop: Shop) -> None:
    kill_workers(shop)
    turns(shop.db, SUMMING, now=NOON)


def of_customers(shop: Shop) -> dict[str, int]:
    """What was kept, by currency, as the customers' records say it."""
    kept: dict[str, int] = {}
    with shop.db.read() as conn:
        for user in ("u0", "u1", "u2"):
            with suppress(NotFound):
                key = find_key(conn, shop.id, f"user_id:{user}")
                record = golden_record(conn, shop.id, key, now=NOON, remembered=installed().remembered)
                for code, minor in (
                    record.traits["net_revenue"].value if "net_revenue" in record.traits else {}
                ).items():
                    kept[code] = kept.get(code, 0) + minor
    return {code: minor for code, minor in kept.items() if minor}


def of_the_shop(shop: Shop) -> dict[str, int]:
    kept: dict[str, int] = {}
    for row in shop.metric("revenue_by", by="day").rows:
        kept[row["currency"]] = kept.get(row["currency"], 0) + row["net_minor"]
    return {code: minor for code, minor in kept.items() if minor}

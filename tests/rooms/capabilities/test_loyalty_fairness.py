"""What one order, request or decision of chance does to points: its own share, once, and nothing of anybody else's."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa

from rapport.capabilities.loyalty import overview, redeeming, store
from rapport.capabilities.loyalty.changing import change_programme
from rapport.capabilities.loyalty.trials import trials_of
from rapport.capabilities.loyalty.versions import versions_of
from rapport.capabilities.messages.store import messages
from rapport.kernel.clock import DAY, HOUR, now_us
from rapport.kernel.errors import Conflict
from tests.databases import ENGINES, database_at
from tests.loyal import CLUB, begin, key, order, refund, tell, wallet
from tests.shop import NOON, Shop

_NUMBERS = count(1)
EARNING = [
    {"name": "spend", "title": "A point for each euro", "points": 1, "per_minor": 100},
    {"name": "first", "title": "Your first order", "points": 500, "first_order": True},
    {"name": "sorry", "title": "We are sorry: late", "on": "Promise Broken", "points": 50, "per_day_late": 10},
]  # fmt: skip


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with database_at(request.param, tmp_path_factory.mktemp("fairness")) as url:
        made = Shop(url)
        begin(made, earning=EARNING, pending_days=0, tiers=[])
        yield made
        made.close()


@pytest.fixture
def ada() -> str:
    return f"ada-{next(_NUMBERS)}"


@pytest.fixture
def bo() -> str:
    return f"bo-{next(_NUMBERS)}"


def adjust(shop: Shop, user: str, points: int, request: str) -> None:
    redeeming.adjust(
        shop.db, shop.id, key(shop, user), points, reason="a gift", by="Cleo", request_id=request, now=NOON
    )  # fmt: skip


def balance(shop: Shop, user: str) -> int:
    return wallet(shop, user, now=NOON + DAY).balance


def test_a_refund_of_money_takes_no_points_that_paid_and_gives_them_back_once(shop: Shop, ada: str) -> None:
    """odoo/odoo#212922, #221928: the refund took the points once more. They come back with the order, and once."""
    tell(shop, order(shop, ada, f"{ada}-1", 100))
    paid = redeeming.hold(shop.db, shop.id, f"user_id:{ada}", 40, request_id=ada, now=NOON + HOUR)
    redeeming.capture(shop.db, shop.id, paid.id, order_id=f"{ada}-2", now=NOON + HOUR)
    before = balance(shop, ada)
    tell(shop, order(shop, ada, f"{ada}-2", 50, at=NOON + HOUR))
    assert balance(shop, ada) == before + 50
    tell(shop, refund(shop, ada, f"{ada}-2", at=NOON + 2 * HOUR))
    assert balance(shop, ada) == before + 40
    redeeming.give_back(shop.db, shop.id, paid.id, 40, refund_id=f"{ada}-2", now=NOON + 3 * HOUR)
    assert balance(shop, ada) == before + 40


def test_a_request_is_one_correction_and_never_another_person_s_or_amount(shop: Shop, ada: str, bo: str) -> None:
    tell(shop, order(shop, ada, f"{ada}-1", 1), order(shop, bo, f"{bo}-1", 1))
    before = balance(shop, ada), balance(shop, bo)
    for _ in range(2):
        adjust(shop, ada, 40, f"{ada}-give")
        adjust(shop, ada, -15, f"{ada}-take")
    for user, points, request in ((bo, 40, f"{ada}-give"), (ada, 41, f"{ada}-give"), (ada, -14, f"{ada}-take")):
        with pytest.raises(Conflict, match="was used for another correction"):
            adjust(shop, user, points, request)
    assert (balance(shop, ada), balance(shop, bo)) == (before[0] + 25, before[1])


@pytest.mark.parametrize(
    ("paid", "back", "left"),
    [
        ({"revenue": 100, "tax": 19, "total": 119}, {"total": 59.5}, 50),
        ({"revenue": 100, "tax": 19, "total": 119}, {"revenue": 50}, 50),
        ({"revenue": 100, "shipping": 20, "total": 120}, {"amount": 60}, 50),
        ({"revenue": 100, "shipping": 20}, {"total": 30}, 75),
        ({"total": 120, "shipping": 20}, {"revenue": 25}, 75),
        ({}, {"amount": 25}, 75),
        ({"revenue": 100, "total": 120}, {"total": 500}, 0),
    ],
)
def test_money_refunded_takes_points_in_its_share_of_what_was_paid(
    shop: Shop, ada: str, paid: dict[str, Any], back: dict[str, Any], left: int
) -> None:
    begin(shop, name=f"share-{ada}", earning=EARNING[:1], pending_days=0, tiers=[])
    tell(shop, order(shop, ada, f"{ada}-1", 100, **paid), refund(shop, ada, f"{ada}-1", at=NOON + HOUR, **back))
    with shop.db.read() as conn:
        c = store.lots.c
        given = sa.select(sa.func.sum(store.given_of(c))).where(
            c.programme == f"share-{ada}", c.lot == f"order:{ada}-1"
        )
        assert int(conn.execute(given).scalar_one()) == left


@pytest.mark.parametrize("undone", ["Order Cancelled", "Order Refunded"])
def test_an_order_of_which_nothing_is_kept_is_nobody_s_first(shop: Shop, ada: str, undone: str) -> None:
    tell(shop, order(shop, ada, f"{ada}-1", 10), shop.message(undone, at=NOON + 1, user=ada, order_id=f"{ada}-1"))
    assert balance(shop, ada) == 0
    tell(shop, order(shop, ada, f"{ada}-2", 10, at=NOON + HOUR))
    assert balance(shop, ada) == 510


@pytest.mark.parametrize("first", ["broken", "came"])
def test_each_day_of_a_broken_promise_counts_whenever_the_order_came(shop: Shop, ada: str, first: str) -> None:
    broken = shop.message("Promise Broken", at=NOON, user=ada, order_id=f"{ada}-1", window={"to": "2026-08-31"})
    came = shop.message("Late Order Arrived", at=NOON + 3 * DAY, user=ada, order_id=f"{ada}-1", days_late=3)
    for _ in range(2):
        tell(shop, broken if first == "broken" else came)
        tell(shop, came if first == "broken" else broken)
    assert balance(shop, ada) == 80


def test_two_programmes_each_know_what_they_saved_in_an_order(shop: Shop, ada: str) -> None:
    rule = {"name": "weekend", "title": "Weekend", "points": 5, "since": "2020-01-01T00:00:00Z"}
    names = [f"one-{ada}", f"two-{ada}"]
    for name in names:
        begin(shop, name=name, earning=[rule], pending_days=0, tiers=[])
    tell(shop, order(shop, ada, f"{ada}-1", 100))
    c = store.savings.c

    def kept() -> set[str]:
        with shop.db.read() as conn:
            return set(conn.execute(sa.select(c.programme).where(c.lot == f"order:{ada}-1")).scalars())

    assert kept() >= set(names)
    with shop.db.write() as conn:
        store.save_savings(conn, shop.id, {(names[0], f"order:{ada}-1"): (key(shop, ada), NOON, ())})
    assert kept() & set(names) == {names[1]}


def test_who_was_held_out_stays_so_when_the_share_changes_and_no_ratio_is_judged(shop: Shop, ada: str) -> None:
    name, people = f"tried-{ada}", [f"{ada}-{n}" for n in range(30)]
    rule = EARNING[2] | {"holdout_percent": 50}
    begin(shop, name=name, earning=[rule], tiers=[])
    tell(shop, *(shop.message("Promise Broken", at=NOON, user=one, order_id=f"{one}-1") for one in people))
    change = CLUB | {"earning": [rule | {"holdout_percent": 1}], "tiers": [], "plans": []}
    change_programme(shop.db, shop.id, name, change, seen=1, by="x", reason="less", now=NOON + 1)
    tell(shop, *(shop.message("Promise Broken", at=NOON + DAY, user=one, order_id=f"{one}-2") for one in people))
    a, c = store.arms.c, store.lots.c
    with shop.db.read() as conn:
        arms = dict(conn.execute(sa.select(a.strand, a.arm).where(a.programme == name)).all())
        lots = sa.select(c.strand, sa.func.count()).where(c.programme == name).group_by(c.strand)
        given = {row[0]: row[1] for row in conn.execute(lots)}
        (trial,) = trials_of(conn, shop.id, name, versions_of(conn, shop.id)[name][-1].programme)
    assert given == {strand: 2 for strand, arm in arms.items() if arm}
    assert 0 < len(given) < len(people)
    assert trial.ratio_p is None


def test_points_that_a_person_approved_days_later_are_told_as_others_are(shop: Shop, ada: str) -> None:
    now = now_us()
    name = f"asked-{ada}"
    begin(shop, name=name, earning=[EARNING[2] | {"approve_above": 10}], tiers=[])
    tell(shop, shop.message("Promise Broken", at=now - 3 * DAY, user=ada, order_id=f"{ada}-1"))
    with shop.db.write() as conn:
        (one,) = [w for w in overview.waiting(conn, shop.id) if w.programme == name]
        overview.decide(conn, shop.id, name, one.lot, approve=True, by="Cleo", now=now)
    shop.fold()
    m = messages.c
    with shop.db.read() as conn:
        told = conn.execute(sa.select(m.template).where(m.strand == key(shop, ada))).scalars().all()
    assert "apology" in told


def test_what_expired_while_it_was_held_is_stated_when_it_comes_back(shop: Shop, ada: str) -> None:
    begin(shop, name="short", earning=EARNING[:1], pending_days=0, valid_days=1, tiers=[])
    tell(shop, order(shop, ada, f"{ada}-1", 100))
    held = redeeming.hold(
        shop.db, shop.id, f"user_id:{ada}", 60, request_id=f"{ada}-r", programme="short", now=NOON + 1
    )  # fmt: skip
    redeeming.release(shop.db, shop.id, held.id, now=NOON + 5 * DAY)
    expired = [fact for fact in shop.facts("Points Expired") if fact.properties["programme"] == "short"]
    assert [fact.properties["points"] for fact in expired] == [100]

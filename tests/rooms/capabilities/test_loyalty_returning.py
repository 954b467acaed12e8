"""Points that an order was paid with come back with it, by the rule the terms state; on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from rapport.capabilities.loyalty import redeeming, store
from rapport.capabilities.loyalty.returning import Return, bring_back
from rapport.kernel.clock import DAY, HOUR
from rapport.kernel.errors import Conflict
from tests.databases import ENGINES, database_at
from tests.loyal import begin, order, pass_time, refund, tell, wallet
from tests.shop import NOON, Shop

_NUMBERS = count(1)


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with database_at(request.param, tmp_path_factory.mktemp("returning")) as url:
        made = Shop(url)
        for rule in ("share", "whole", "told"):
            begin(made, name=rule, points_back=rule, pending_days=0, plans=[], tiers=[])
        yield made
        made.close()


@pytest.fixture
def ada() -> str:
    return f"ada-{next(_NUMBERS)}"


def paid(shop: Shop, user: str, points: int, *, programme: str = "share", order_id: str = "paid") -> str:
    """Somebody has 100 points and pays an order of two pieces with some of them."""
    tell(shop, order(shop, user, f"{user}-first", 100))
    held = redeeming.hold(
        shop.db, shop.id, f"user_id:{user}", points, request_id=f"{user}-{programme}", programme=programme,
        now=NOON + HOUR,
    )  # fmt: skip
    redeeming.capture(shop.db, shop.id, held.id, order_id=f"{user}-{order_id}", now=NOON + HOUR)
    return held.id


def back(shop: Shop, user: str, id: str) -> tuple[int, int]:
    """What came back, and what somebody owes; the ledger is proven."""
    owed = wallet(shop, user, now=NOON + DAY).owed
    with shop.db.read() as conn:
        found = redeeming._shown(redeeming._found(conn, shop.id, id))
    return found.returned_points, owed


def piece(user: str, name: str = "p0") -> dict[str, Any]:
    return {"refund_id": f"{user}-{name}", "products": [{"product_id": name, "quantity": 1}]}


@pytest.mark.parametrize(("rule", "half", "all_of_it"), [("share", 20, 41), ("whole", 0, 41), ("told", 0, 0)])
def test_points_that_paid_come_back_by_the_rule_that_is_stated(
    shop: Shop, ada: str, rule: str, half: int, all_of_it: int
) -> None:
    id = paid(shop, ada, 41, programme=rule)
    tell(shop, order(shop, ada, f"{ada}-paid", 30, 30, at=NOON + HOUR))
    for number in range(2):  # and told again, it comes back once
        again = refund(shop, ada, f"{ada}-paid", at=NOON + 2 * HOUR + number, **piece(ada))
        tell(shop, again)
        assert back(shop, ada, id) == (half, 0)
    tell(shop, refund(shop, ada, f"{ada}-paid", at=NOON + 3 * HOUR, **piece(ada, "p1")))
    assert back(shop, ada, id) == (all_of_it, 0)


def test_a_refund_that_comes_before_the_payment_with_points_gives_them_back_all_the_same(shop: Shop, ada: str) -> None:
    cancelled = shop.message("Order Cancelled", at=NOON + 2 * HOUR, user=ada, order_id=f"{ada}-paid")
    tell(shop, cancelled, order(shop, ada, f"{ada}-paid", 30, at=NOON + HOUR))
    assert back(shop, ada, paid(shop, ada, 30)) == (30, 0)


def test_what_the_shop_tells_and_what_the_order_says_is_given_back_once(shop: Shop, ada: str) -> None:
    id = paid(shop, ada, 40)
    tell(shop, order(shop, ada, f"{ada}-paid", 30, 30, at=NOON + HOUR))
    for _ in range(2):
        redeeming.give_back(shop.db, shop.id, id, 10, refund_id="r1", now=NOON + 2 * HOUR)
    assert back(shop, ada, id) == (10, 0)
    tell(shop, refund(shop, ada, f"{ada}-paid", at=NOON + 3 * HOUR, **piece(ada)))
    assert back(shop, ada, id) == (20, 0)
    redeeming.give_back(shop.db, shop.id, id, 30, refund_id="r2", now=NOON + 4 * HOUR)
    assert back(shop, ada, id) == (40, 0)
    with pytest.raises(Conflict, match="0 are left"):
        redeeming.give_back(shop.db, shop.id, id, 1, refund_id="r3", now=NOON + 5 * HOUR)


def test_an_order_that_stands_again_takes_its_points_again_and_what_was_spent_meanwhile_is_owed(
    shop: Shop, ada: str
) -> None:
    id = paid(shop, ada, 40)
    off = shop.message("Order Cancelled", at=NOON + 2 * HOUR, user=ada, order_id=f"{ada}-paid")
    tell(shop, order(shop, ada, f"{ada}-paid", 30, at=NOON + HOUR), off)
    assert back(shop, ada, id) == (40, 0)
    spent = redeeming.hold(
        shop.db, shop.id, f"user_id:{ada}", 90, request_id=f"{ada}-more", programme="share", now=NOON + 3 * HOUR
    )
    redeeming.capture(shop.db, shop.id, spent.id, now=NOON + 3 * HOUR)
    with shop.db.write() as conn:
        row = redeeming._found(conn, shop.id, id)
        stands = Return(row, row.told, 0, "it stands again", "", 0)
        store.save_lots(conn, shop.id, bring_back(conn, shop.id, [stands], now=NOON + 4 * HOUR))
    assert back(shop, ada, id) == (0, 30)


def test_what_points_paid_for_whole_comes_back_by_its_pieces(shop: Shop, ada: str) -> None:
    id = paid(shop, ada, 60)
    free = [{"product_id": f"p{n}", "price": 0, "quantity": 1} for n in range(2)]
    tell(shop, shop.message("Order Completed", at=NOON + HOUR, user=ada, order_id=f"{ada}-paid", currency="EUR",
                            products=free))  # fmt: skip
    tell(shop, refund(shop, ada, f"{ada}-paid", at=NOON + 2 * HOUR, **piece(ada)))
    assert back(shop, ada, id) == (30, 0)


def test_a_guest_s_order_gives_points_back_to_whoever_paid_with_them(shop: Shop, ada: str) -> None:
    """The till knows the member, the order only a guest's address: nothing has linked the two."""
    id = paid(shop, ada, 40)
    guest = f"guest-{ada}"
    tell(shop, order(shop, guest, f"{ada}-paid", 30, at=NOON + HOUR))
    tell(shop, shop.message("Order Cancelled", at=NOON + 2 * HOUR, user=guest, order_id=f"{ada}-paid"))
    assert back(shop, ada, id) == (40, 0)


def test_a_clock_that_is_set_back_takes_nothing_and_gives_nothing_twice(shop: Shop, ada: str) -> None:
    tell(shop, order(shop, ada, f"{ada}-1", 100))
    later = NOON + 20 * DAY

    def held(points: int, now: int) -> str:
        return redeeming.hold(shop.db, shop.id, f"user_id:{ada}", points, request_id=f"{ada}-{now}", now=now).id

    def balance() -> int:
        return wallet(shop, ada, now=later).balance

    id = held(30, later)
    pass_time(shop, NOON - 400 * DAY)
    for _ in range(2):
        redeeming.capture(shop.db, shop.id, id, now=NOON - DAY)
    assert balance() == 70
    with pytest.raises(Conflict, match="71 points are asked for, 70 can be redeemed"):
        held(71, NOON - DAY)
    pass_time(shop, later + DAY)
    assert balance() == 70

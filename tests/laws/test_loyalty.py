"""Laws of points: what is there is the sum of its history, whatever comes, however often, and in whatever order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.capabilities.loyalty import redeeming
from rapport.capabilities.loyalty.cart import shares
from rapport.capabilities.loyalty.ledger import Lot, draw, usable
from rapport.kernel.clock import DAY, HOUR
from rapport.kernel.errors import Conflict
from rapport.kernel.ids import Key
from tests.databases import ENGINES, database_at
from tests.loyal import begin, hold, order, refund, tell, wallet
from tests.shop import NOON, Shop

_NUMBERS = count(1)
LATER = NOON + 60 * DAY


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One for the file; each example is about somebody else."""
    with database_at(request.param, tmp_path_factory.mktemp("points")) as url:
        made = Shop(url)
        begin(made)
        yield made
        made.close()


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**9), min_size=1, max_size=20))
def test_parts_by_weight_sum_to_the_whole_and_differ_from_their_share_by_less_than_one(
    total: int, weights: list[int]
) -> None:
    parts = shares(total, weights)
    assert sum(parts) == total
    if sum(weights):
        whole = sum(weights)
        assert all(abs(part * whole - total * weight) < whole for part, weight in zip(parts, weights, strict=True))


STEPS = st.lists(st.tuples(st.sampled_from(["become", "draw", "spend", "free", "back", "time"]), st.integers(1, 120)))


@given(STEPS)
def test_a_lot_s_accounts_are_the_sum_of_its_entries_and_nothing_but_what_is_owed_is_below_nothing(
    steps: list[tuple[str, int]],
) -> None:
    lot = Lot(programme="p", lot="l", strand=Key(b"k"), at=0, available_at=40, expires_at=100, new=[])
    for number, (step, points) in enumerate(steps):
        if step == "become":
            lot.become(points - 1, now=number, cause="c", words="")
            assert lot.given == points - 1
        elif step == "draw":
            before = usable([lot], number)
            drawn = draw([lot], points, now=number, cause="c", words="")
            assert (drawn is None) == (points > before)
        elif step == "time":
            lot.mature(points)
        else:
            moves = {"spend": ("held", "redeemed"), "free": ("held", "available"), "back": ("redeemed", "available")}
            debit, credit = moves[step]
            some = min(points, getattr(lot, debit))
            if step == "back":
                lot.give_back(some, now=number, cause="c", words="", good_until=number + 10)
            else:
                lot.move(debit, credit, some, at=number, cause="c", words="")  # type: ignore[arg-type]
    for account in ("pending", "available", "held", "redeemed", "expired", "owed"):
        sign = -1 if account == "owed" else 1
        entered = sum(e.points * ((e.credit == account) - (e.debit == account)) for e in lot.new)
        assert sign * entered == getattr(lot, account) >= 0
    given_by = sum(e.points * ((e.debit == "shop") - (e.credit == "shop")) for e in lot.new)
    assert given_by == lot.given
    assert [e.number for e in lot.new] == list(range(1, len(lot.new) + 1))


@settings(max_examples=15)
@given(data=st.data())
def test_facts_that_come_twice_and_in_any_order_leave_the_same_points(shop: Shop, data: st.DataObject) -> None:
    first, second = f"one-{next(_NUMBERS)}", f"two-{next(_NUMBERS)}"
    told = [_some(shop, data, number) for number in range(data.draw(st.integers(1, 6)))]
    tell(shop, *(message for make in told for message in make(first)))
    mixed = [message for make in told for message in make(second)] * 2
    Random(data.draw(st.integers(0, 99))).shuffle(mixed)
    for message in mixed[: len(mixed) // 2]:
        tell(shop, message)
    tell(shop, *mixed[len(mixed) // 2 :])
    one, other = wallet(shop, first, now=LATER), wallet(shop, second, now=LATER)
    assert (one.balance, one.owed, one.tier, one.tier_until) == (other.balance, 0, other.tier, other.tier_until)
    assert sorted(lot.points for lot in one.lots) == sorted(lot.points for lot in other.lots)
    try:
        held = hold(shop, second, max(1, other.redeemable), now=LATER)
    except Conflict:
        assert other.redeemable == 0
    else:
        redeeming.release(shop.db, shop.id, held.id, now=LATER)
    assert wallet(shop, second, now=LATER).balance == one.balance


def _some(shop: Shop, data: st.DataObject, number: int) -> Any:
    """An order with what becomes of it, as a function of whose it is."""
    prices = data.draw(st.lists(st.integers(1, 30_000), min_size=1, max_size=4))
    fate = data.draw(st.sampled_from(["kept", "line", "amount", "all", "cancelled", "corrected", "late"]))
    part = data.draw(st.integers(1, 20_000))

    def messages(user: str) -> list[Any]:
        order_id, at = f"{user}-{number}", NOON + number * DAY
        made = order(shop, user, order_id, *(price / 100 for price in prices), at=at)
        after: dict[str, Any] = {"at": at + HOUR, "user": user, "order_id": order_id, "currency": "EUR"}
        more: dict[str, Callable[[], list[Any]]] = {
            "line": lambda: [refund(shop, user, order_id, at=at + HOUR, refund_id=f"{order_id}r",
                                    products=[{"product_id": "p0", "quantity": 1}])],
            "amount": lambda: [refund(shop, user, order_id, at=at + HOUR, amount=part / 100)],
            "all": lambda: [refund(shop, user, order_id, at=at + HOUR)],
            "cancelled": lambda: [shop.message("Order Cancelled", **after)],
            "corrected": lambda: [shop.message("Order Updated", **after, revenue=part / 100)],
            "late": lambda: [shop.message("Promise Broken", **after)],
        }  # fmt: skip
        return [made, *(more[fate]() if fate in more else [])]

    return messages

"""Fees of memberships that do not fit: each is refused or noticed, and stands until a person has seen to it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from rapport.capabilities.loyalty import fees, membership
from rapport.capabilities.loyalty.watches import WATCHES
from rapport.kernel.clock import DAY
from rapport.kernel.errors import Conflict, NotFound
from rapport.web.alarms import Alarm
from tests.databases import ENGINES, database_at
from tests.loyal import begin, key, order, refund, tell, wallet
from tests.shop import NOON, Shop

_NUMBERS = count(1)
YEAR = 365 * DAY


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with database_at(request.param, tmp_path_factory.mktemp("fees")) as url:
        made = Shop(url)
        begin(made)
        tell(made, order(made, "somebody", "first", 10))
        yield made
        made.close()


@pytest.fixture
def ada(shop: Shop) -> Iterator[str]:
    """Somebody whose fees are all seen to in the end, so that the next test begins with none."""
    yield f"ada-{next(_NUMBERS)}"
    for one in open_fees(shop, now=NOON):
        settle(shop, one.payment)


def join(shop: Shop, user: str, payment: str, *, now: int = NOON) -> str:
    return membership.join(shop.db, shop.id, key(shop, user), "plus", payment=payment, now=now)


def renew(shop: Shop, id: str, payment: str, *, now: int = NOON) -> None:
    membership.renew(shop.db, shop.id, id, payment=payment, now=now)


def open_fees(shop: Shop, *, now: int = NOON) -> list[fees.StrayFee]:
    with shop.db.read() as conn:
        return fees.stray_fees(conn, shop.id, now=now)


def settle(shop: Shop, payment: str) -> None:
    with shop.db.write() as conn:
        fees.settle_fee(conn, shop.id, payment, by="Cleo", now=NOON)


def alarms(shop: Shop, *, now: int = NOON) -> list[Alarm]:
    [watch] = [one for one in WATCHES if one.name == "loyalty.fees"]
    assert watch.read is not None
    with shop.db.read() as conn:
        return list(watch.read(conn, shop.id, now))


def test_a_fee_after_the_end_is_refused_and_an_alarm_until_it_went_back(shop: Shop, ada: str) -> None:
    id = join(shop, ada, f"{ada}-1")
    membership.cancel(shop.db, shop.id, id, now=NOON)
    for words in ("somebody paid", "was told before", "was told before"):  # the provider tells of it again, days later
        with pytest.raises(Conflict, match=words):
            renew(shop, id, f"{ada}-2", now=NOON + DAY)
    assert [(one.payment, one.why) for one in open_fees(shop)] == [(f"{ada}-2", "ended")]
    assert [one.tone for one in alarms(shop)] == ["red"]
    settle(shop, f"{ada}-2")
    assert (open_fees(shop), alarms(shop)) == ([], [])
    with pytest.raises(Conflict, match="was told before"):
        renew(shop, id, f"{ada}-2", now=NOON + DAY)
    assert open_fees(shop) == []  # seen to once is seen to
    with pytest.raises(Conflict, match="was told before"):
        join(shop, f"{ada}-b", f"{ada}-2")  # and it pays nothing else, for ever
    with pytest.raises(NotFound):
        settle(shop, "never-heard-of")


def test_a_second_fee_for_one_period_is_an_alarm_and_the_first_is_not(shop: Shop, ada: str) -> None:
    id = join(shop, ada, f"{ada}-1")
    renew(shop, id, f"{ada}-2")
    renew(shop, id, f"{ada}-2")
    with pytest.raises(Conflict, match="paid ahead"):
        renew(shop, id, f"{ada}-3")
    assert [(one.payment, one.why) for one in open_fees(shop)] == [(f"{ada}-3", "ahead")]


def test_benefits_whose_fee_went_back_are_an_alarm_until_they_are_paid_for_again(shop: Shop, ada: str) -> None:
    id = join(shop, ada, f"{ada}-1")
    for _ in range(2):
        membership.fee_came_back(shop.db, shop.id, id, payment=f"{ada}-1", end=False, now=NOON + DAY)
    [there] = wallet(shop, ada, now=NOON + DAY).memberships
    assert (there.state, there.paid_minor) == ("active", 0)
    assert [(one.payment, one.why) for one in open_fees(shop)] == [(f"{ada}-1", "back")]
    assert [one.tone for one in alarms(shop)] == ["amber"]
    with pytest.raises(Conflict, match="went back already"):
        membership.withdraw(shop.db, shop.id, id, now=NOON + 2 * DAY)
    renew(shop, id, f"{ada}-2", now=NOON + 2 * DAY)
    [paid] = wallet(shop, ada, now=NOON + 2 * DAY).memberships
    assert (paid.paid_minor, paid.until) == (4900, there.until)  # for the period that runs, not for one more
    assert open_fees(shop) == []
    renew(shop, id, f"{ada}-3", now=NOON + 3 * DAY)
    assert wallet(shop, ada, now=NOON + 3 * DAY).memberships[0].paid_minor == 9800
    renew(shop, id, f"{ada}-1", now=NOON + 4 * DAY)  # both told again, long after
    membership.fee_came_back(shop.db, shop.id, id, payment=f"{ada}-1", end=True, now=NOON + 4 * DAY)
    assert wallet(shop, ada, now=NOON + 4 * DAY).memberships[0].paid_minor == 9800


def test_benefits_without_a_fee_are_no_alarm_once_they_are_over(shop: Shop, ada: str) -> None:
    id = join(shop, ada, f"{ada}-1")
    membership.fee_came_back(shop.db, shop.id, id, payment=f"{ada}-1", end=False, now=NOON)
    assert len(open_fees(shop)) == 1
    assert open_fees(shop, now=NOON + 2 * YEAR) == []


def test_a_membership_can_end_with_its_fee(shop: Shop, ada: str) -> None:
    id = join(shop, ada, f"{ada}-1")
    for _ in range(2):
        membership.fee_came_back(shop.db, shop.id, id, payment=f"{ada}-1", end=True, now=NOON + DAY)
    [there] = wallet(shop, ada, now=NOON + 2 * DAY).memberships
    assert (there.state, there.paid_minor) == ("ended", 0)
    assert open_fees(shop, now=NOON + DAY) == []
    with pytest.raises(NotFound, match="paid nothing"):
        membership.fee_came_back(shop.db, shop.id, id, payment="another", end=True, now=NOON + DAY)


def test_an_order_that_paid_a_membership_and_comes_back_whole_is_noticed(shop: Shop, ada: str) -> None:
    tell(shop, order(shop, ada, f"{ada}-1", 49), order(shop, ada, f"{ada}-2", 49))
    join(shop, ada, f"{ada}-1")
    tell(shop, refund(shop, ada, f"{ada}-2"))  # another order
    assert open_fees(shop) == []
    back = refund(shop, ada, f"{ada}-1")
    tell(shop, back)
    tell(shop, back)
    assert [(one.payment, one.why) for one in open_fees(shop)] == [(f"{ada}-1", "back")]
    assert wallet(shop, ada).memberships[0].paid_minor == 0


def test_what_is_to_be_given_back_pays_for_nothing_meanwhile(shop: Shop, ada: str) -> None:
    id, other = join(shop, ada, f"{ada}-1"), join(shop, f"{ada}-b", f"{ada}-b1")
    renew(shop, id, f"{ada}-2")
    with pytest.raises(Conflict, match="paid ahead"):
        renew(shop, id, f"{ada}-3")
    membership.fee_came_back(shop.db, shop.id, id, payment=f"{ada}-1", end=False, now=NOON)
    for payment in (f"{ada}-3", f"{ada}-b1"):  # the one waits to go back, the other paid for somebody else
        with pytest.raises(Conflict, match="was told before"):
            renew(shop, id, payment)
    assert sorted(one.why for one in open_fees(shop)) == ["ahead", "back"]
    assert other

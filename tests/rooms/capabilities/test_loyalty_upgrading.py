"""From one plan to another at once: what is paid and not used yet is credited, once, to the minor unit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import count

import pytest

from rapport.capabilities.loyalty import fees, membership
from rapport.capabilities.loyalty.showing import member_shown
from rapport.capabilities.loyalty.upgrading import Change, change_of, change_plan
from rapport.kernel.clock import DAY, from_iso
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from tests.databases import ENGINES, database_at
from tests.loyal import CLUB, begin, key, order, tell, wallet
from tests.shop import NOON, Shop

_NUMBERS = count(1)
SILVER = CLUB["plans"][0] | {"name": "silver", "title": "Silver", "period": "month", "fee_minor": 1_000}
GOLD = CLUB["plans"][0] | {"name": "gold", "title": "Gold", "fee_minor": 4_900, "join_url": "https://shop.example/gold"}


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with database_at(request.param, tmp_path_factory.mktemp("upgrading")) as url:
        made = Shop(url)
        begin(made, plans=[SILVER, GOLD], time_zone="UTC")
        tell(made, order(made, "somebody", "first", 10))
        yield made
        made.close()


@pytest.fixture
def ada() -> str:
    return f"ada-{next(_NUMBERS)}"


def join(shop: Shop, user: str, plan: str = "silver", *, payment: str = "-1") -> str:
    return membership.join(shop.db, shop.id, key(shop, user), plan, payment=payment and user + payment, now=NOON)


def change(shop: Shop, id: str, payment: str, *, plan: str = "gold", now: int = NOON + 10 * DAY) -> Change:
    return change_plan(shop.db, shop.id, id, plan, payment=payment, now=now)


def states(shop: Shop, user: str, *, now: int) -> dict[str, tuple[str, int]]:
    return {one.plan: (one.state, one.paid_minor) for one in wallet(shop, user, now=now).memberships}


def test_what_is_paid_and_not_used_is_credited_and_the_other_plan_begins(shop: Shop, ada: str) -> None:
    id, now = join(shop, ada), NOON + 10 * DAY
    until = from_iso(wallet(shop, ada).memberships[0].until)
    credit = 1_000 * (until - now) // (until - NOON)
    with shop.db.read() as conn:
        asked = change_of(conn, shop.id, id, "gold", now=now)
    assert (asked.credit_minor, asked.to_pay_minor, asked.membership) == (credit, 4_900 - credit, "")
    done = [change(shop, id, f"{ada}-2") for _ in range(2)]  # told again
    assert done[0] == done[1]
    assert (done[0].to_pay_minor, done[0].membership != "") == (asked.to_pay_minor, True)
    assert states(shop, ada, now=now) == {"silver": ("ended", 1_000 - credit), "gold": ("active", 4_900)}


def test_a_payment_changes_nothing_twice_and_pays_nothing_else(shop: Shop, ada: str) -> None:
    id = join(shop, ada)
    other = join(shop, f"{ada}-b")
    change(shop, id, f"{ada}-2")
    with pytest.raises(Conflict, match="told before"):
        change(shop, other, f"{ada}-2")
    with pytest.raises(Conflict, match="has ended"):
        change(shop, id, f"{ada}-3")


def test_a_trial_is_changed_for_the_whole_fee_and_nobody_is_on_trial_twice(shop: Shop, ada: str) -> None:
    id = join(shop, ada, payment="")
    with pytest.raises(InvalidInput, match="4900 are to be paid"):
        change(shop, id, "")
    assert change(shop, id, f"{ada}-2").credit_minor == 0
    assert states(shop, ada, now=NOON + 11 * DAY)["gold"] == ("active", 4_900)


def test_a_dearer_plan_pays_for_a_cheaper_one_and_the_rest_is_to_be_given_back(shop: Shop, ada: str) -> None:
    id = join(shop, ada, "gold")
    done = change(shop, id, "", plan="silver", now=NOON)
    assert (done.credit_minor, done.to_pay_minor, done.to_give_back_minor) == (4_900, 0, 3_900)
    assert states(shop, ada, now=NOON + DAY) == {"gold": ("ended", 0), "silver": ("active", 1_000)}
    assert change(shop, id, "", plan="silver", now=NOON + DAY) == done  # told again, a day later


def test_what_cannot_be_changed_is_refused_in_words(shop: Shop, ada: str) -> None:
    id = join(shop, ada)
    for plan, error, words in (("silver", Conflict, "already"), ("none", NotFound, "no plan")):
        with pytest.raises(error, match=words):
            change(shop, id, f"{ada}-2", plan=plan)
    membership.pause(shop.db, shop.id, id, days=3, now=NOON)
    with pytest.raises(Conflict, match="rests"):
        change(shop, id, f"{ada}-2", now=NOON + DAY)
    join(shop, ada, "gold", payment="-3")
    with pytest.raises(Conflict, match="already"):
        change(shop, id, f"{ada}-2")


def test_of_two_who_change_at_once_one_changes(shop: Shop, ada: str) -> None:
    id, together, refused = join(shop, ada), threading.Barrier(2), []

    def go(payment: str) -> None:
        together.wait()
        try:
            change(shop, id, payment)
        except Conflict as error:
            refused.append(error)

    both = [threading.Thread(target=go, args=(f"{ada}-{n}",)) for n in (2, 3)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(refused) == 1
    assert [state for state, _ in states(shop, ada, now=NOON + 11 * DAY).values()].count("active") == 1


def test_a_member_is_told_what_the_other_plan_costs_today(shop: Shop, ada: str) -> None:
    tell(shop, order(shop, ada, f"{ada}-o", 10))
    join(shop, ada)
    with shop.db.read() as conn:
        [plan] = member_shown(conn, shop.id, key(shop, ada), "en", now=NOON)["plans"]
    assert plan["pay"] == "Change from Silver today for €39.00: €10.00 of what you have paid is credited"
    assert (plan["try"], plan["url"]) == ("", "https://shop.example/gold")


def fees_of(shop: Shop, *, now: int) -> list[tuple[str, str, str]]:
    with shop.db.read() as conn:
        return [(one.payment, one.membership, one.why) for one in fees.stray_fees(conn, shop.id, now=now)]


def back(shop: Shop, id: str, payment: str, *, end: bool = False, now: int = NOON + 11 * DAY) -> None:
    membership.fee_came_back(shop.db, shop.id, id, payment=payment, end=end, now=now)


def test_a_fee_that_was_credited_and_comes_back_is_an_alarm_of_the_plan_it_pays_for_now(shop: Shop, ada: str) -> None:
    id = join(shop, ada)
    done = change(shop, id, f"{ada}-2")
    for _ in range(2):
        back(shop, id, f"{ada}-1")
    assert (f"{ada}-1", done.membership, "back") in fees_of(shop, now=NOON + 11 * DAY)
    assert states(shop, ada, now=NOON + 11 * DAY) == {"silver": ("ended", 0), "gold": ("active", done.to_pay_minor)}
    with pytest.raises(Conflict, match="went back already"):  # else the shop would pay it back twice
        membership.withdraw(shop.db, shop.id, done.membership, now=NOON + 11 * DAY)
    with pytest.raises(Conflict, match="has ended"):
        membership.withdraw(shop.db, shop.id, id, now=NOON + 11 * DAY)
    back(shop, done.membership, f"{ada}-1", end=True)
    assert states(shop, ada, now=NOON + 12 * DAY)["gold"][0] == "ended"
    assert not [one for one in fees_of(shop, now=NOON + 12 * DAY) if one[0] == f"{ada}-1"]


def test_of_a_fee_that_was_paid_in_part_by_credit_only_what_was_charged_comes_back(shop: Shop, ada: str) -> None:
    id = join(shop, ada)
    done = change(shop, id, f"{ada}-2")
    back(shop, done.membership, f"{ada}-2")
    assert states(shop, ada, now=NOON + 11 * DAY)["gold"] == ("active", done.credit_minor)
    with shop.db.read() as conn:
        again = change_of(conn, shop.id, done.membership, "silver", now=NOON + 11 * DAY)
    assert again.credit_minor == done.credit_minor
    back(shop, done.membership, f"{ada}-2", end=True)


def test_days_of_rest_are_no_days_of_use(shop: Shop, ada: str) -> None:
    id = join(shop, ada)
    membership.pause(shop.db, shop.id, id, days=20, now=NOON + DAY)
    membership.resume(shop.db, shop.id, id, now=NOON + 19 * DAY)
    with shop.db.read() as conn:
        asked = change_of(conn, shop.id, id, "gold", now=NOON + 19 * DAY)
    assert 1_000 * 28 // 31 <= asked.credit_minor <= 1_000 * 30 // 31  # one day of a month is used

"""Points, tiers and membership on both engines: what orders bring, what refunds take, what can be paid and by whom."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import count, pairwise
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from rapport.capabilities.loyalty import membership, overview, redeeming, store, verifying
from rapport.capabilities.loyalty.cart import Cart, CartLine, StatedBenefit
from rapport.capabilities.loyalty.changing import change_programme, effect_of
from rapport.capabilities.loyalty.checking import read_programme
from rapport.capabilities.loyalty.days import end_of_day
from rapport.capabilities.loyalty.earning import Version, order_points, terms_at
from rapport.capabilities.loyalty.plain import differences, sentences
from rapport.capabilities.loyalty.programme import PointWorth
from rapport.capabilities.loyalty.quoting import CartAsked, LineAsked, Quote, holder_of, quote
from rapport.capabilities.loyalty.savings import savings_of
from rapport.capabilities.loyalty.versions import versions_of
from rapport.capabilities.loyalty.wallet import wallet_of
from rapport.kernel.clock import DAY, HOUR, MINUTE, from_iso, to_iso
from rapport.kernel.errors import Conflict, InvalidInput
from rapport.kernel.principal import Principal
from rapport.remember import customers
from rapport.resolve.actions.service import Identity
from rapport.storage.log import latest
from tests.databases import ENGINES, database_at
from tests.loyal import CLUB, begin, hold, key, order, pass_time, refund, tell, wallet
from tests.shop import NOON, Shop

_NUMBERS = count(1)


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One for the file, with one programme: each test has an Ada and a Bo of its own."""
    with database_at(request.param, tmp_path_factory.mktemp("loyalty")) as url:
        made = Shop(url)
        begin(made)
        yield made
        made.close()


@pytest.fixture
def ada() -> str:
    return f"ada-{next(_NUMBERS)}"


@pytest.fixture
def bo() -> str:
    return f"bo-{next(_NUMBERS)}"


def bo_of(shop: Shop) -> Principal:
    return Principal(workspace=shop.id, kind="user", id="1", name="Bo", scopes=frozenset(), role="owner")


def asked(shop: Shop, user: str, *prices: int, now: int = NOON, **more: Any) -> Quote:
    lines = [
        LineAsked(line_id=str(i), product_id=f"p{i}", quantity=1, unit_price_minor=minor)
        for i, minor in enumerate(prices)
    ]
    with shop.db.read() as conn:
        versions = versions_of(conn, shop.id)["club"]
        holder = holder_of(conn, shop.id, versions, "club", key(shop, user), now=now)
    return quote(holder, CartAsked(currency="EUR", lines=lines, shipping_minor=490, **more), now=now)


def test_points_of_an_order_wait_until_it_can_be_returned_no_more(shop: Shop, ada: str) -> None:
    tell(shop, order(shop, ada, f"{ada}-1", 60, 25))
    assert (wallet(shop, ada).balance, wallet(shop, ada).pending) == (0, 85)
    assert wallet(shop, ada, now=NOON + 14 * DAY).balance == 85  # by the clock, whether or not the job has run
    pass_time(shop, NOON + 14 * DAY)
    there = wallet(shop, ada, now=NOON + 14 * DAY)
    assert (there.balance, there.pending) == (85, 0)
    assert {one.what for one in there.history} == {"earned, waiting", "available now"}
    assert any("A point for each euro" in one.words for one in there.history)


def test_a_fact_told_again_changes_nothing(shop: Shop, ada: str) -> None:
    message = order(shop, ada, f"{ada}-1", 85)
    tell(shop, message, message)
    tell(shop, {**message, "messageId": f"{ada}-again"})  # the same order by another source
    assert wallet(shop, ada).pending == 85


def test_a_refund_takes_the_line_s_own_points_and_the_parts_sum_to_the_whole(shop: Shop, ada: str) -> None:
    """PrestaShop/PrestaShop#42502: 150 + 60 less 20 % is 168; the 150 coming back takes 120, not 108 or 150."""
    tell(shop, order(shop, ada, f"{ada}-1", 150, 60, discount=42, revenue=168))
    assert wallet(shop, ada).pending == 168
    tell(shop, refund(shop, ada, f"{ada}-1", refund_id=f"{ada}r1", products=[{"product_id": "p0", "quantity": 1}]))
    assert wallet(shop, ada).pending == 48
    tell(shop, refund(shop, ada, f"{ada}-1", refund_id=f"{ada}r2", products=[{"product_id": "p1", "quantity": 1}]))
    assert wallet(shop, ada).pending == 0


def test_pieces_of_a_line_come_back_one_by_one_to_the_point(shop: Shop, ada: str) -> None:
    line = {"product_id": "p", "price": 33.4, "quantity": 3}
    tell(shop, shop.message("Order Completed", at=NOON, user=ada, order_id=f"{ada}-1", currency="EUR", products=[line]))
    assert wallet(shop, ada).pending == 100
    left = []
    for number in range(3):
        tell(
            shop,
            refund(shop, ada, f"{ada}-1", refund_id=f"{ada}{number}", products=[{"product_id": "p", "quantity": 1}]),
        )
        left.append(wallet(shop, ada).pending)
    assert left == [67, 34, 0]


def test_a_refund_that_comes_before_its_order_counts(shop: Shop, ada: str) -> None:
    tell(shop, refund(shop, ada, f"{ada}-1", at=NOON + HOUR, amount=40))
    tell(shop, order(shop, ada, f"{ada}-1", 100))
    assert wallet(shop, ada).pending == 60
    tell(shop, shop.message("Order Cancelled", at=NOON + 2 * HOUR, user=ada, order_id=f"{ada}-1"))
    assert wallet(shop, ada).pending == 0


def test_what_was_spent_of_an_order_that_comes_back_is_owed(shop: Shop, ada: str) -> None:
    """nopSolutions/nopCommerce#576: points of order 1 are spent, then order 1 comes back."""
    later = NOON + 20 * DAY
    tell(shop, order(shop, ada, f"{ada}-1", 100))
    held = hold(shop, ada, 80, now=later)
    redeeming.capture(shop.db, shop.id, held.id, now=later)
    tell(shop, refund(shop, ada, f"{ada}-1", at=later))
    there = wallet(shop, ada, now=later)
    assert (there.balance, there.owed, there.redeemable) == (-80, 80, 0)
    with pytest.raises(Conflict):
        hold(shop, ada, 1, now=later)
    redeeming.give_back(shop.db, shop.id, held.id, 30, refund_id="x", now=later)
    redeeming.give_back(shop.db, shop.id, held.id, 30, refund_id="x", now=later)  # told twice
    assert wallet(shop, ada, now=later).balance == -50


def test_points_are_held_then_captured_or_released_each_once(shop: Shop, ada: str) -> None:
    later = NOON + 20 * DAY
    tell(shop, order(shop, ada, f"{ada}-1", 100))
    first = hold(shop, ada, 60, now=later, request=f"{ada}-cart")
    assert hold(shop, ada, 60, now=later, request=f"{ada}-cart") == first
    with pytest.raises(Conflict, match="60 are held by another checkout until"):
        hold(shop, ada, 60, now=later)
    redeeming.release(shop.db, shop.id, first.id, now=later)
    assert redeeming.release(shop.db, shop.id, first.id, now=later).state == "released"
    with pytest.raises(Conflict, match="were released"):
        redeeming.capture(shop.db, shop.id, first.id, now=later)
    second = hold(shop, ada, 100, now=later)
    redeeming.capture(shop.db, shop.id, second.id, order_id="o", now=later)
    assert redeeming.capture(shop.db, shop.id, second.id, order_id="o", now=later).state == "captured"
    assert wallet(shop, ada, now=later).balance == 0
    with pytest.raises(Conflict, match="spent"):
        redeeming.release(shop.db, shop.id, second.id, now=later)
    redeeming.give_back(shop.db, shop.id, second.id, 100, refund_id="r", now=later)
    assert wallet(shop, ada, now=later).balance == 100


def test_a_hold_that_nobody_pays_ends_by_itself(shop: Shop, ada: str) -> None:
    later = NOON + 20 * DAY
    tell(shop, order(shop, ada, f"{ada}-1", 100))
    hold(shop, ada, 100, now=later)
    pass_time(shop, later + 14 * MINUTE)
    assert wallet(shop, ada, now=later).held == 100
    pass_time(shop, later + 15 * MINUTE)
    assert (wallet(shop, ada, now=later).held, wallet(shop, ada, now=later).balance) == (0, 100)


def test_many_who_redeem_at_once_never_spend_more_than_there_is(shop: Shop, ada: str) -> None:
    later = NOON + 20 * DAY
    tell(shop, *(order(shop, ada, f"{ada}-{n}", 10, at=NOON + n) for n in range(10)))
    done: list[int] = []

    def spend() -> None:
        for _ in range(4):
            try:
                held = hold(shop, ada, 15, now=later)
            except Conflict:
                return
            redeeming.capture(shop.db, shop.id, held.id, now=later)
            done.append(held.points)

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == 90  # six times fifteen of a hundred
    assert wallet(shop, ada, now=later).balance == 10


def test_those_that_expire_first_are_drawn_first_and_all_lots_show_their_date(shop: Shop, ada: str) -> None:
    tell(shop, order(shop, ada, f"{ada}-2", 50, at=NOON + 5 * DAY), order(shop, ada, f"{ada}-1", 40))
    later = NOON + 30 * DAY
    held = hold(shop, ada, 30, now=later)
    redeeming.capture(shop.db, shop.id, held.id, now=later)
    assert [lot.points for lot in wallet(shop, ada, now=later).lots] == [10, 50]


def test_points_expire_at_the_end_of_the_day_in_the_programme_s_zone(shop: Shop, ada: str) -> None:
    """gocodebox/lifterlms#552, OpenMage/magento-lts#4409: "until 6 July" ends when 6 July does, there."""
    at = from_iso("2026-07-06T01:00:00+02:00")
    tell(shop, order(shop, ada, f"{ada}-1", 10, at=at))
    last = from_iso("2027-07-06T23:59:59+02:00")
    assert wallet(shop, ada, now=last).balance == 10
    assert wallet(shop, ada, now=last + 1_000_000).balance == 0
    pass_time(shop, last + 1_000_000)
    there = wallet(shop, ada, now=last)  # a clock set back: what has expired stays so
    assert (there.balance, there.history[0].what) == (0, "expired")


def test_what_is_given_back_after_its_lot_expired_is_good_for_a_month_more(shop: Shop, ada: str) -> None:
    tell(shop, order(shop, ada, f"{ada}-1", 100))
    held = hold(shop, ada, 100, now=NOON + 300 * DAY)
    redeeming.capture(shop.db, shop.id, held.id, now=NOON + 300 * DAY)
    late = NOON + 400 * DAY
    redeeming.give_back(shop.db, shop.id, held.id, 100, refund_id="r", now=late)
    assert wallet(shop, ada, now=late).balance == 100
    assert wallet(shop, ada, now=late + 32 * DAY).balance == 0


def test_the_first_purchase_brings_its_benefit_at_the_next_look_at_the_cart(shop: Shop, ada: str) -> None:
    assert [b.kind for b in asked(shop, ada, 9000).benefits] == ["delivery"]
    assert asked(shop, ada, 8999).missing_for_delivery_minor == 1
    tell(shop, order(shop, ada, f"{ada}-1", 200))
    there = asked(shop, ada, 1000, now=NOON + 1)
    assert (there.tier, there.next_tier) == ("gold", None)
    assert [(b.kind, b.saving_minor) for b in there.benefits] == [("delivery", 490), ("points", 0)]
    assert there.points_earned == 20  # the tier that stood before the order
    tell(shop, order(shop, ada, f"{ada}-2", 10, at=NOON + 2))
    assert wallet(shop, ada).pending == 200 + 20


def test_a_tier_follows_what_was_bought_never_what_is_left_of_the_points(shop: Shop, ada: str) -> None:
    """DivanteLtd/open-loyalty#131: who spends points must not fall."""
    tell(shop, order(shop, ada, f"{ada}-1", 200))
    later = NOON + 20 * DAY
    redeeming.capture(shop.db, shop.id, hold(shop, ada, 200, now=later).id, now=later)
    assert wallet(shop, ada, now=later).tier == "gold"
    assert wallet(shop, ada, now=NOON + 365 * DAY).tier == "friend"
    tell(shop, refund(shop, ada, f"{ada}-1", amount=1, at=later))
    assert wallet(shop, ada, now=later).tier == "friend"


def test_the_quote_says_what_is_booked_and_never_draws_more_than_the_goods(shop: Shop, ada: str) -> None:
    """odoo/odoo#274951: 30 points at 10 each on an order of 20 must not all be drawn."""
    tell(shop, order(shop, ada, f"{ada}-1", 100))
    later = NOON + 20 * DAY
    there = asked(shop, ada, 2000, 1999, redeem_points=5_000, now=later)
    assert there.redeemable.points == there.redeemable.applied_points == 100
    assert there.redeemable.value_minor == 100
    assert there.points_earned == 38  # of 38.99 that are left to pay
    tell(shop, order(shop, ada, f"{ada}-2", 20, 19.99, discount=1, revenue=38.99, at=later))
    assert wallet(shop, ada, now=later).pending == 38
    assert asked(shop, ada, 30, redeem_points=100, now=later).redeemable.applied_points == 30


def test_a_late_order_brings_points_once_however_often_it_is_told(shop: Shop, ada: str) -> None:
    tell(shop, order(shop, ada, f"{ada}-1", 10))
    for n in range(3):
        tell(shop, shop.message("Promise Broken", at=NOON + MINUTE + n, user=ada, order_id=f"{ada}-1"))
    there = wallet(shop, ada)
    assert there.balance == 50
    assert "your order was late" in there.history[0].words


def test_merging_keeps_every_point_and_the_better_tier_and_splitting_gives_each_their_own_back(
    shop: Shop, ada: str, bo: str
) -> None:
    tell(shop, order(shop, ada, f"{ada}-1", 200), order(shop, bo, f"{bo}-1", 30, at=NOON - HOUR))
    apart = [wallet(shop, one).pending for one in (ada, bo)]
    identity = Identity(shop.db, on_moved=customers.mark_moved)
    joined = identity.join(bo_of(shop), f"user_id:{ada}", f"user_id:{bo}", reason="one person")
    shop.fold()
    together = [wallet(shop, one) for one in (ada, bo)]
    assert {(one.pending, one.tier) for one in together} == {(sum(apart), "gold")}
    later = NOON + 20 * DAY
    redeeming.capture(shop.db, shop.id, hold(shop, bo, 210, now=later).id, now=later)
    assert joined.action is not None
    identity.undo(bo_of(shop), joined.action)
    shop.fold()
    alone = [wallet(shop, one, now=later) for one in (ada, bo)]
    assert [one.tier for one in alone] == ["gold", "friend"]
    assert sum(one.balance for one in alone) == sum(apart) - 210
    assert all(one.balance >= 0 for one in alone)


def test_a_membership_lasts_as_long_as_is_paid_and_each_payment_pays_once(shop: Shop, ada: str) -> None:
    tell(shop, order(shop, ada, f"{ada}-1", 10))
    before = asked(shop, ada, 5000)
    assert before.membership is not None
    assert before.membership.would_save_minor == 250 + 490
    id = membership.join(shop.db, shop.id, key(shop, ada), "plus", payment=f"{ada}-1", now=NOON)
    assert asked(shop, ada, 5000).saving_minor == 740
    with pytest.raises(Conflict, match="already"):
        membership.join(shop.db, shop.id, key(shop, ada), "plus", payment=f"{ada}-x", now=NOON)
    for _ in range(3):
        membership.renew(shop.db, shop.id, id, payment=f"{ada}-2", now=NOON + 360 * DAY)
    with pytest.raises(Conflict, match="paid ahead"):  # charged twice for one year
        membership.renew(shop.db, shop.id, id, payment=f"{ada}-twice", now=NOON + 360 * DAY)
    membership.cancel(shop.db, shop.id, id, now=NOON + 400 * DAY)
    (one,) = wallet(shop, ada, now=NOON + 401 * DAY).memberships
    assert (one.state, one.paid_minor) == ("cancelled", 9800)
    assert asked(shop, ada, 5000, now=NOON + 700 * DAY).saving_minor == 740
    with pytest.raises(Conflict, match="somebody paid"):
        membership.renew(shop.db, shop.id, id, payment=f"{ada}-3", now=NOON + 401 * DAY)
    pass_time(shop, NOON + 731 * DAY)
    assert wallet(shop, ada, now=NOON + 731 * DAY).memberships[0].state == "ended"
    assert asked(shop, ada, 5000, now=NOON + 731 * DAY).saving_minor == 0
    with shop.db.read() as conn:
        named = [row for row in latest(conn, shop.id, limit=500) if ada.encode() in row.body]
    told = [name for name in (b"Started", b"Renewed", b"Cancelled", b"Ended")
            for row in named if b"Membership " + name in row.body]  # fmt: skip
    assert told == [b"Started", b"Renewed", b"Cancelled", b"Ended"]


def test_who_takes_a_membership_back_in_time_has_the_fee_back_and_nothing_more_of_it(
    shop: Shop, ada: str, bo: str
) -> None:
    """Fourteen whole days after the day of joining: Directive 2011/83/EU."""
    id = membership.join(shop.db, shop.id, key(shop, ada), "plus", payment=f"{ada}-1", now=NOON)
    late = membership.join(shop.db, shop.id, key(shop, bo), "plus", payment=f"{bo}-1", now=NOON)
    (there,) = wallet(shop, ada).memberships
    assert there.withdraw_until == to_iso(end_of_day(NOON, 14, "Europe/Berlin"))
    back = [membership.withdraw(shop.db, shop.id, id, now=NOON + at * DAY) for at in (14, 20)]
    assert [one.refund_minor for one in back] == [there.fee_minor] * 2
    (there,) = wallet(shop, ada, now=NOON + 14 * DAY).memberships
    assert (there.state, there.paid_minor, there.withdraw_until) == ("ended", 0, "")
    assert asked(shop, ada, 5000, now=NOON + 15 * DAY).saving_minor == 0
    with pytest.raises(Conflict, match="was ended"):
        membership.renew(shop.db, shop.id, id, payment=f"{ada}-2", now=NOON + 16 * DAY)
    with pytest.raises(Conflict, match="could be taken back until"):
        membership.withdraw(shop.db, shop.id, late, now=NOON + 15 * DAY)


def test_a_paused_membership_brings_nothing_and_lasts_as_much_longer(shop: Shop, ada: str) -> None:
    id = membership.join(shop.db, shop.id, key(shop, ada), "plus", payment=f"{ada}-1", now=NOON)
    (before,) = wallet(shop, ada).memberships
    begun = NOON + 20 * DAY
    membership.pause(shop.db, shop.id, id, days=10, now=begun)
    (there,) = wallet(shop, ada, now=begun).memberships
    assert (there.state, there.paused_until) == ("paused", to_iso(end_of_day(begun, 9, "Europe/Berlin")))
    assert from_iso(there.until) - from_iso(before.until) in (9 * DAY, 10 * DAY)
    saving = [asked(shop, ada, 5000, now=begun + at * DAY).saving_minor for at in (-1, 1, 11)]
    assert saving[0] == saving[2] > saving[1]
    with pytest.raises(Conflict, match="is paused until"):
        membership.pause(shop.db, shop.id, id, days=1, now=begun + DAY)
    membership.resume(shop.db, shop.id, id, now=begun + 2 * DAY)
    assert asked(shop, ada, 5000, now=begun + 3 * DAY).saving_minor == saving[0]
    (there,) = wallet(shop, ada, now=begun + 3 * DAY).memberships
    assert from_iso(there.until) - from_iso(before.until) == 2 * DAY
    assert there.pause_days == 28
    with pytest.raises(InvalidInput, match="may be paused for 28 days, not for 29"):
        membership.pause(shop.db, shop.id, id, days=29, now=begun + 3 * DAY)


def test_of_two_who_pause_at_once_one_pauses(shop: Shop, ada: str) -> None:
    id = membership.join(shop.db, shop.id, key(shop, ada), "plus", payment=f"{ada}-1", now=NOON)
    together, refused = threading.Barrier(2), []

    def rest() -> None:
        together.wait()
        try:
            membership.pause(shop.db, shop.id, id, days=10, now=NOON + DAY)
        except Conflict as error:
            refused.append(error)

    both = [threading.Thread(target=rest) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(refused) == 1
    (there,) = wallet(shop, ada, now=NOON + DAY).memberships
    assert there.pause_days == 0


def test_a_trial_is_had_once(shop: Shop, ada: str) -> None:
    tell(shop, order(shop, ada, f"{ada}-1", 10))
    membership.join(shop.db, shop.id, key(shop, ada), "plus", payment="", now=NOON)
    assert wallet(shop, ada).memberships[0].state == "trial"
    pass_time(shop, NOON + 40 * DAY)
    with pytest.raises(InvalidInput, match="trial was had"):
        membership.join(shop.db, shop.id, key(shop, ada), "plus", payment="", now=NOON + 40 * DAY)


def test_staff_correct_points_with_a_reason_that_the_member_reads(shop: Shop, ada: str) -> None:
    tell(shop, order(shop, ada, f"{ada}-1", 10))
    options: dict[str, Any] = {"by": "Cleo", "now": NOON}
    redeeming.adjust(shop.db, shop.id, key(shop, ada), 40, reason="the till was down", request_id=f"{ada}a", **options)
    redeeming.adjust(shop.db, shop.id, key(shop, ada), 40, reason="the till was down", request_id=f"{ada}a", **options)
    redeeming.adjust(shop.db, shop.id, key(shop, ada), -15, reason="given twice", request_id=f"{ada}b", **options)
    there = wallet(shop, ada)
    assert there.balance == 25
    assert ("the till was down", "Cleo") in [(one.words, one.by) for one in there.history]
    with pytest.raises(Conflict, match="there are 25"):
        redeeming.adjust(shop.db, shop.id, key(shop, ada), -26, reason="x", request_id=f"{ada}c", **options)
    with pytest.raises(InvalidInput, match="say why"):
        redeeming.adjust(shop.db, shop.id, key(shop, ada), 1, reason=" ", request_id=f"{ada}d", **options)


def test_what_staff_took_stays_taken_whatever_else_happens(shop: Shop, ada: str) -> None:
    tell(shop, order(shop, ada, f"{ada}-1", 100))
    later = NOON + 20 * DAY
    redeeming.adjust(shop.db, shop.id, key(shop, ada), -40, reason="given twice", request_id=f"{ada}t", by="Cleo",
                     now=later)  # fmt: skip
    assert wallet(shop, ada, now=later).balance == 60
    tell(shop, order(shop, ada, f"{ada}-2", 10, at=later))
    assert wallet(shop, ada, now=later).balance == 60
    tell(shop, refund(shop, ada, f"{ada}-1", at=later))
    there = wallet(shop, ada, now=later)
    assert (there.balance, there.owed) == (0, 0)
    with shop.db.read() as conn:
        assert verifying.verify(conn, shop.id).ok


def test_what_is_held_is_worth_what_the_quote_said_while_a_change_is_announced(shop: Shop, ada: str) -> None:
    name = f"worth-{ada}"
    begin(shop, name=name, pending_days=0)
    tell(shop, order(shop, ada, f"{ada}-1", 100))
    with shop.db.read() as conn:
        terms = versions_of(conn, shop.id)[name][-1].programme
    less = msgspec.structs.replace(terms, worth=PointWorth(points=terms.worth.points * 2, minor=terms.worth.minor))
    change_programme(
        shop.db, shop.id, name, msgspec.json.encode(less), seen=1, by="Olga", reason="dearer", now=NOON + DAY
    )
    held = redeeming.hold_for(
        shop.db, shop.id, key(shop, ada), 100, request_id=f"{ada}-h", programme=name, now=NOON + 2 * DAY
    )
    assert held.value_minor == redeeming.worth_of(100, terms.worth)


def test_a_plan_s_period_stays_what_members_have_paid_for(shop: Shop, ada: str) -> None:
    begin(shop, name=f"period-{ada}")
    plans = [{**CLUB["plans"][0], "period": "month"}]
    with pytest.raises(InvalidInput, match="is paid by the year, not by the month"):
        change_programme(
            shop.db, shop.id, f"period-{ada}", CLUB | {"plans": plans}, seen=1, by="Olga", reason="x", now=NOON + DAY
        )


def test_old_terms_hold_for_whoever_is_here_until_the_notice_is_over() -> None:
    old, new = (read_programme(CLUB | {"title": title}) for title in ("old", "new"))
    versions = [Version(1, NOON, old), Version(2, NOON + 100 * DAY, new)]
    member, newcomer = NOON + DAY, NOON + 101 * DAY
    assert terms_at(versions, NOON + 129 * DAY, member) == old
    assert terms_at(versions, NOON + 131 * DAY, member) == new
    assert terms_at(versions, NOON + 102 * DAY, newcomer) == new


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tiers": [{"name": "a", "title": "A"}, {"name": "b", "title": "B", "at": 0}]}, "overlap"),
        ({"tiers": [{"name": "a", "title": "A", "at": 5}]}, "begins at 5"),
        ({"earning": [{"name": "x", "title": "X", "on": "Points Earned"}]}, "from its own points"),
        ({"earning": [{"name": "x", "title": "X", "on": "Moon Landed"}]}, "no rule can listen"),
        ({"earning": [{"name": "x", "title": "X", "points": 10**30}]}, "earning"),
        ({"currency": "EURO"}, "currency"),
        ({"time_zone": "Mars/Base"}, "no time zone"),
        ({"surprise": 1}, "surprise"),
        ({"valid_days": "soon"}, "valid_days"),
    ],
)
def test_terms_that_cannot_hold_are_refused_in_words(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_programme(CLUB | changes)


def test_a_cart_that_cannot_be_is_refused_in_words(shop: Shop, ada: str) -> None:
    with pytest.raises(InvalidInput, match="1,001 lines"):
        asked(shop, ada, *([1] * 1_001))
    holder = None
    with shop.db.read() as conn:
        holder = holder_of(conn, shop.id, versions_of(conn, shop.id)["club"], "club", None, now=NOON)
    with pytest.raises(InvalidInput, match="counts in EUR"):
        quote(holder, CartAsked(currency="USD", lines=[]), now=NOON)
    dear = LineAsked(line_id="1", product_id="p", quantity=10**6, unit_price_minor=10**12)
    with pytest.raises(InvalidInput, match="costs"):
        quote(holder, CartAsked(currency="EUR", lines=[dear]), now=NOON)
    assert quote(holder, CartAsked(currency="EUR", lines=[]), now=NOON).to_pay_minor == 0


def test_two_who_change_the_terms_at_once_do_not_overwrite_each_other(shop: Shop) -> None:
    change_programme(shop.db, shop.id, "other", CLUB, seen=0, by="a", reason="", now=NOON)
    with pytest.raises(Conflict, match="version 1"):
        change_programme(shop.db, shop.id, "other", CLUB, seen=0, by="b", reason="x", now=NOON)
    with shop.db.read() as conn:
        wanted = read_programme(CLUB | {"worth": {"points": 1, "minor": 2}})
        effect = effect_of(conn, shop.id, "club", wanted, now=NOON)
    assert effect.points_worth_after_minor == 2 * effect.points_worth_before_minor


def test_a_lot_never_overflows_whatever_an_order_says(shop: Shop) -> None:
    from rapport.capabilities.loyalty.cart import Cart, CartLine

    terms = read_programme(CLUB | {"earning": [{"name": "x", "title": "X", "points": 10**6, "per_minor": 1}]})
    _, points, _ = order_points(terms, Cart("EUR", (CartLine("p", 1, 10**15),)), at=NOON, tier="gold")
    assert sum(points) == 10**12


def test_too_many_points_at_once_or_beyond_the_month_s_budget_wait_for_a_person(shop: Shop, ada: str, bo: str) -> None:
    """An apology's budget; what is approved is given once, and two people cannot decide otherwise."""
    rules = [{"name": "late", "title": "Sorry", "on": "Pickup Failed", "points": 50, "budget": 60}]
    begin(shop, name=f"budget-{ada}", earning=rules)
    for user in (ada, bo):
        tell(shop, shop.message("Pickup Failed", at=NOON, user=user, order_id=f"{user}-1"))

    def balances() -> list[int]:
        with shop.db.read() as conn:
            name = f"budget-{ada}"
            return [wallet_of(conn, shop.id, key(shop, one), programme=name, now=NOON).balance for one in (ada, bo)]

    assert balances() == [50, 0]
    with shop.db.read() as conn:
        (one,) = [w for w in overview.waiting(conn, shop.id) if w.programme == f"budget-{ada}"]
    for _ in range(2):
        with shop.db.write() as conn:
            overview.decide(conn, shop.id, one.programme, one.lot, approve=True, by="Cleo", now=NOON)
    assert balances() == [50, 50]
    with pytest.raises(Conflict, match="Cleo has decided"), shop.db.write() as conn:
        overview.decide(conn, shop.id, one.programme, one.lot, approve=False, by="Dan", now=NOON)


def test_a_budget_holds_for_many_who_are_told_of_together(shop: Shop, ada: str) -> None:
    rules = [{"name": "late", "title": "Sorry", "on": "Pickup Failed", "points": 50, "budget": 120}]
    name, people = f"together-{ada}", [f"{ada}-{n}" for n in range(5)]
    begin(shop, name=name, earning=rules)
    tell(shop, *(shop.message("Pickup Failed", at=NOON, user=one, order_id=f"{one}-1") for one in people))
    with shop.db.read() as conn:
        given = [wallet_of(conn, shop.id, key(shop, one), programme=name, now=NOON).balance for one in people]
    assert sorted(given) == [0, 0, 0, 50, 50]


def test_the_shop_s_months_are_those_of_the_entries_to_the_last_hour(shop: Shop, ada: str) -> None:
    """PostgreSQL rounds where SQLite cuts: an entry of an evening is not of the next day."""
    name, evening = f"evening-{ada}", from_iso("2026-08-31T20:00:00Z")
    begin(shop, name=name, earning=[{"name": "in", "title": "In", "on": "Store Visited", "points": 7}],
          starts="2026-08-01T00:00:00Z")  # fmt: skip
    tell(shop, shop.message("Store Visited", at=evening, user=ada))
    with shop.db.read() as conn:
        (month,) = [one for one in overview.liability(conn, shop.id, name, now=NOON) if one.given]
    assert month.month == "2026-08"


def test_what_the_shop_owes_by_month_ends_in_what_it_owes_now(shop: Shop, ada: str) -> None:
    tell(shop, order(shop, ada, f"{ada}-1", 100, at=NOON - 40 * DAY))
    with shop.db.read() as conn:
        months = overview.liability(conn, shop.id, "club", now=NOON)
        c = store.lots.c
        left = sa.select(sa.func.sum(c.pending + c.available + c.held - c.owed))
        proof = conn.execute(left.where(c.workspace == shop.id, c.programme == "club")).scalar_one()
    assert months[-1].outstanding == proof
    for before, after in pairwise(months):
        moved = after.given - after.taken_back - after.redeemed - after.expired
        assert after.outstanding - before.outstanding == moved


def test_a_programme_is_told_in_words_and_a_change_by_what_goes_and_comes() -> None:
    old = read_programme(CLUB)
    new = read_programme(CLUB | {"pending_days": 30})
    assert "Gold, after orders of €200.00 in all within 365 days: free delivery always, 200 % of the usual points." in (
        sentences(old)
    )
    assert [sign for sign, _ in differences(old, new)] == ["-", "+"]
    assert differences(old, old) == []


def benefits_told(shop: Shop, order_id: str) -> dict[tuple[str, str], int]:
    return {
        (fact.properties["kind"], fact.properties["source"]): fact.properties["saving_minor"]
        for fact in shop.facts("Benefit Applied") if fact.properties["order_id"] == order_id
    }  # fmt: skip


def test_a_benefit_that_an_order_had_is_stated_once_with_what_it_saved(shop: Shop, ada: str) -> None:
    message = order(shop, ada, f"{ada}-1", 95, shipping=0)
    tell(shop, message)
    tell(shop, message)
    assert benefits_told(shop, f"{ada}-1") == {("delivery", "tier:friend"): 0}  # what delivery costs is not said here
    tell(shop, order(shop, ada, f"{ada}-2", 20, shipping=4.9), order(shop, ada, f"{ada}-3", 95, at=NOON + HOUR))
    assert benefits_told(shop, f"{ada}-2") == benefits_told(shop, f"{ada}-3") == {}


def test_what_the_tier_brings_anyway_is_not_the_membership_s_saving() -> None:
    terms = read_programme(CLUB | {"delivery": {"fee_minor": 490}})
    paid = Cart("EUR", (CartLine("p", 1, 9_500, 500),), shipping_minor=0)
    assert {(one.kind, one.source): one.minor for one in savings_of(terms, paid, "gold", {"plus"}, points=190)} == {
        ("delivery", "tier:gold"): 490, ("price", "plan:plus"): 500, ("points", "tier:gold"): 0,
    }  # fmt: skip
    below = paid._replace(lines=(CartLine("p", 1, 4_750, 250),))
    assert [one.source for one in savings_of(terms, below, "friend", {"plus"}, points=47)] == ["plan:plus"] * 2


@pytest.mark.parametrize(
    "changes",
    [{"shipping_minor": 490}, {"shipping_minor": None}, {"has_coupon": True, "shipping_minor": 490}],
    ids=["delivery was paid", "nothing was delivered", "a coupon gave the discount"],
)
def test_what_no_benefit_gave_is_no_saving(changes: dict[str, Any]) -> None:
    terms = read_programme(CLUB | {"delivery": {"fee_minor": 490, "free_from_minor": 5_000}})
    cart = Cart("EUR", (CartLine("p", 1, 4_000, 0 if "has_coupon" not in changes else 210),), **changes)
    assert savings_of(terms, cart, "friend", {"plus"}, points=0) == ()
    dear = Cart("EUR", (CartLine("p", 1, 9_500),), shipping_minor=0)  # free for everybody
    assert savings_of(terms, dear, "gold", (), points=0) == ()


def test_what_the_shop_says_a_benefit_saved_counts_where_somebody_has_that_benefit() -> None:
    terms = read_programme(CLUB)
    cart = Cart("EUR", (CartLine("p", 1, 9_500, 500),), has_coupon=True, benefits=(StatedBenefit("price", 300),))
    assert [(one.kind, one.minor) for one in savings_of(terms, cart, "friend", {"plus"}, points=0)] == [("price", 300)]
    assert savings_of(terms, cart, "friend", (), points=0) == ()


def test_an_order_kept_before_benefits_were_read_is_read_as_it_was() -> None:
    kept = msgspec.json.encode(["EUR", [["p", 1, 900, 0, ""]], True, None, "web"])
    assert msgspec.json.decode(kept, type=Cart).shipping_minor is None


def test_a_membership_shows_what_it_cost_and_what_it_has_saved_so_far(shop: Shop, ada: str) -> None:
    tell(shop, order(shop, ada, f"{ada}-1", 10, shipping=4.9))
    membership.join(shop.db, shop.id, key(shop, ada), "plus", payment=f"pay-{ada}", now=NOON)
    saved = [{"kind": "delivery", "saving_minor": 490}, {"kind": "price", "saving_minor": 100}]
    tell(shop, order(shop, ada, f"{ada}-2", 20, at=NOON + HOUR, shipping=0, benefits=saved))
    there = wallet(shop, ada, now=NOON + DAY)
    assert [(one.paid_minor, one.saved_minor) for one in there.memberships] == [(4_900, 590)]
    assert there.saved_minor == 590
    tell(shop, shop.message("Order Cancelled", at=NOON + 2 * HOUR, user=ada, order_id=f"{ada}-2"))
    assert wallet(shop, ada, now=NOON + DAY).saved_minor == 0


def test_a_change_of_terms_is_a_fact_about_the_shop(shop: Shop) -> None:
    begin(shop, name="told")
    with shop.db.read() as conn:
        terms = versions_of(conn, shop.id)["told"][-1].programme
    change_programme(shop.db, shop.id, "told", msgspec.json.encode(msgspec.structs.replace(terms, title="New")), seen=1,
                     by="Bo", reason="a better name", now=NOON + DAY)  # fmt: skip
    said = [f.properties for f in shop.facts("Programme Changed") if f.properties["programme"] == "told"]
    assert [(one["version"], one["reason"]) for one in said] == [(1, ""), (2, "a better name")]
    assert said[1]["holds_at"] == to_iso(NOON + 31 * DAY)
    shop.fold()

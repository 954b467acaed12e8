"""Members as the list shows them: filtered, sorted and paged, always the sum of what stands elsewhere; both engines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rapport.capabilities.loyalty import membership, redeeming
from rapport.capabilities.loyalty.members import MemberPage, MemberQuery, count_members, list_members
from rapport.kernel.clock import DAY, HOUR
from rapport.remember import customers
from rapport.resolve.actions.service import Identity
from rapport.resolve.graph.customer_ids import load_customer_ids
from tests.databases import ENGINES, database_at
from tests.loyal import begin, hold, key, order, pass_time, tell, wallet
from tests.rooms.capabilities.test_loyalty import bo_of
from tests.shop import NOON, Shop

PEOPLE = [f"p{n:02}" for n in range(20)]


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with database_at(request.param, tmp_path_factory.mktemp("members")) as url:
        made = Shop(url)
        begin(made, pending_days=0)
        tell(made, *(order(made, one, f"{one}-1", 10 * n + 5, at=NOON - n * DAY, shipping_address={"country": "DE"})
                     for n, one in enumerate(PEOPLE)))  # fmt: skip
        yield made
        made.close()


def listed(shop: Shop, *, cursor: str = "", limit: int = 50, now: int = NOON, **wanted: Any) -> MemberPage:
    query = MemberQuery(first_tier="friend", **wanted)
    with shop.db.read() as conn:
        page = list_members(conn, shop.id, "club", query, cursor=cursor, limit=limit, now=now)
        if not cursor and limit >= 50:
            assert count_members(conn, shop.id, "club", query, now=now) == (len(page.members), False)
    return page


def points(page: MemberPage) -> list[int]:
    return [one.points for one in page.members]


def test_every_member_is_there_once_page_by_page_in_each_order(shop: Shop) -> None:
    for sort in ("points", "since", "expires", "way"):
        for ascending in (True, False):
            whole = listed(shop, sort=sort, ascending=ascending)
            assert len({one.customer_id for one in whole.members}) == len(PEOPLE)
            found, cursor = [], ""
            while True:
                page = listed(shop, sort=sort, ascending=ascending, cursor=cursor, limit=7)
                found += page.members
                if page.cursor is None:
                    break
                cursor = page.cursor
            assert found == whole.members
    assert points(listed(shop)) == sorted(points(listed(shop)), reverse=True)


@pytest.mark.parametrize(
    ("wanted", "number"),
    [
        ({"least_points": 100}, 10), ({"least_points": 100, "most_points": 150}, 5), ({"tier": "friend"}, 20),
        ({"tier": "gold"}, 0), ({"near_percent": 90}, 2), ({"joined_after": NOON - 5 * DAY}, 6),
        ({"joined_before": NOON - 5 * DAY}, 14), ({"expiring_days": 360}, 14), ({"expiring_days": 7}, 0),
        ({"membership": "none"}, 20), ({"owing": True}, 0), ({"country": "FR"}, 0),
    ],
)  # fmt: skip
def test_filters_leave_whom_they_say(shop: Shop, wanted: dict[str, Any], number: int) -> None:
    assert len(listed(shop, **wanted).members) == number


def test_a_row_is_what_the_wallet_says_whatever_happens(shop: Shop) -> None:
    """Orders, holds, payments, corrections, memberships, refunds, time: the list is never behind."""

    def same(user: str, now: int = NOON) -> None:
        there = wallet(shop, user, now=now)
        [row] = [one for one in listed(shop, now=now).members if one.customer_id == ids[user]]
        assert row.points == there.balance + there.pending
        assert (row.tier, row.owed) == (there.tier, there.owed)
        assert row.membership == (there.memberships[0].state if there.memberships else "")

    tell(shop, order(shop, "quin", "quin-1", 150))
    with shop.db.read() as conn:
        ids = {"quin": load_customer_ids(conn).customer_id(key(shop, "quin"))}
    same("quin")
    held = hold(shop, "quin", 50, now=NOON)
    same("quin")
    redeeming.capture(shop.db, shop.id, held.id, now=NOON)
    same("quin")
    redeeming.release(shop.db, shop.id, hold(shop, "quin", 20, now=NOON).id, now=NOON)
    redeeming.give_back(shop.db, shop.id, held.id, 10, refund_id="r", now=NOON)
    redeeming.adjust(shop.db, shop.id, key(shop, "quin"), -7, reason="x", by="Cleo", request_id="quin", now=NOON)
    same("quin")
    id = membership.join(shop.db, shop.id, key(shop, "quin"), "plus", payment="", now=NOON)
    same("quin")
    assert [one.plan for one in listed(shop, membership="trial").members] == ["plus"]
    assert len(listed(shop, membership="any").members) == 1
    membership.renew(shop.db, shop.id, id, payment="pay", now=NOON)
    membership.cancel(shop.db, shop.id, id, now=NOON)
    same("quin")
    tell(shop, order(shop, "quin", "quin-2", 100, at=NOON + HOUR))
    same("quin", NOON + HOUR)
    assert [one.tier for one in listed(shop, tier="gold").members] == ["gold"]
    pass_time(shop, NOON + 800 * DAY)
    assert wallet(shop, "quin", now=NOON + 800 * DAY).memberships[0].state == "ended"
    same("quin", NOON + 800 * DAY)
    assert {one.points for one in listed(shop, now=NOON + 800 * DAY).members} == {0}


def test_two_who_turn_out_to_be_one_are_one_line_and_two_again_after(shop: Shop) -> None:
    tell(shop, order(shop, "one", "one-1", 30), order(shop, "two", "two-1", 50))
    before = points(listed(shop))
    identity = Identity(shop.db, on_moved=customers.mark_moved)
    joined = identity.join(bo_of(shop), "user_id:one", "user_id:two", reason="one person")
    shop.fold()
    apart = sorted(before, reverse=True)
    apart.remove(30)
    apart.remove(50)
    assert points(listed(shop)) == sorted([*apart, 80], reverse=True)
    assert joined.action is not None
    identity.undo(bo_of(shop), joined.action)
    shop.fold()
    assert points(listed(shop)) == before

"""Adversaries: no avalanche, bounded work, and an alarm that somebody sees."""

from __future__ import annotations

from rapport.kernel.facts import Fact
from rapport.resolve.reading.alarms import Alarms, alarms
from tests.rooms.resolve.shop import Shop, seen

DAY = 86_400_000_000


def look(shop: Shop) -> Alarms:
    with shop.db.read() as conn:
        return alarms(conn, shop.workspace, shop.policy)


def test_a_kiosk_with_five_hundred_users_raises_an_alarm_and_merges_nobody(shop: Shop) -> None:
    for start in range(0, 500, 100):
        shop.see(*(seen(start + n, user=f"u{start + n}", web="kiosk") for n in range(100)))
    assert all(len(group) == 1 for group in shop.customers())
    [alarm] = look(shop).shared
    assert (alarm.namespace, alarm.value, alarm.seen_with) == ("anonymous_id", "kiosk", shop.policy.shared_after + 1)


def test_a_bot_with_one_browser_and_many_addresses_raises_one_alarm(shop: Shop) -> None:
    for start in range(0, 2_000, 500):
        shop.see(*(seen(start + n, web="bot", email=f"e{start + n}@example.com") for n in range(500)))
    assert all(len(group) == 1 for group in shop.customers())
    assert len(shop.evidence()) == shop.policy.shared_after + 1, "the rest is not even stored"
    assert [alarm.value for alarm in look(shop).shared] == ["bot"]


def test_two_people_who_share_an_address_for_a_year_and_part_stay_two(shop: Shop) -> None:
    """The address stays with who had it first; who stood against it is told; later evidence changes nothing."""
    year: list[Fact] = []
    for day in range(0, 365, 5):
        year += [seen(day * DAY, user="ada", email="home@example.com"), seen(day * DAY + 1, user="bo",
                 email="home@example.com")]  # fmt: skip
    shop.see(*year)
    shop.see(seen(400 * DAY, user="bo", email="bo@example.com"), seen(401 * DAY, user="ada", email="ada@example.com"))
    assert shop.customers() == {
        frozenset({"ada", "home@example.com", "ada@example.com"}), frozenset({"bo", "bo@example.com"}),
    }  # fmt: skip
    [alarm] = look(shop).refused
    assert (set(alarm.by), alarm.pieces) == ({"user_id:bo", "email:home@example.com"}, 1)
    assert alarm.because == ["user_id"]


def test_a_value_that_sixty_guests_came_with_is_one_alarm_whatever_it_is(shop: Shop) -> None:
    """Unknown to any list: the limit keeps the guests apart, and the alarm says which value to block."""
    shop.see(*(seen(n, web=f"w{n}", email="till@shop.example") for n in range(60)))
    shop.see(*(seen(n, user=f"u{n}", phone="+491701234567") for n in range(60, 90)))
    found = look(shop)
    assert {(one.namespace, one.value, one.others) for one in found.gathering} == {
        ("email", "till@shop.example", 45), ("phone", "+491701234567", 29),
    }  # fmt: skip
    assert found.refused == []


def test_an_address_that_guests_of_five_names_share_is_an_alarm_and_a_family_s_is_none(shop: Shop) -> None:
    """Whatever the value, and whatever the guests' other ids: nobody tells a till's own address from its look."""
    names = ("Ada Lovelace", "Bo Diaz", "Cleo Roth", "Dan Okafor", "Eve Lindqvist", "Ada Lovelace", "A. Lovelace")
    shop.see(*(seen(n, email="front.desk@inn.example", name=name) for n, name in enumerate(names)))
    shop.see(*(seen(n + 20, phone="+491701234567", name=name) for n, name in enumerate(names)))
    shop.see(
        *(
            seen(n + 40, email="the.roths@example.com", name=f"{one} Roth")
            for n, one in enumerate(("Cleo", "Max", "Ida", "Tom"))
        )
    )
    assert {(one.namespace, one.value, one.names) for one in look(shop).gathering} == {
        ("email", "front.desk@inn.example", 4), ("phone", "+491701234567", 4),
    }  # fmt: skip


def test_a_quiet_shop_has_no_alarm(shop: Shop) -> None:
    shop.see(seen(1, user="ada", web="w"), seen(2, email="bo@example.com", web="w2"))
    assert look(shop) == Alarms(shared=[], gathering=[], refused=[])

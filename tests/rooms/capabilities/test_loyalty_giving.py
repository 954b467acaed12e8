"""What shops give beside points of orders, and what members are told: apologies, friends, segments, terms, expiry."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from rapport.capabilities.loyalty import membership, store
from rapport.capabilities.loyalty.changing import change_programme
from rapport.capabilities.loyalty.checking import read_programme
from rapport.capabilities.loyalty.service.announcing import ANNOUNCING
from rapport.capabilities.messages.store import messages
from rapport.kernel.clock import DAY, HOUR, now_us, to_iso
from rapport.kernel.errors import InvalidInput
from rapport.remember import membership as segments
from rapport.storage.bulk import insert_rows
from tests.databases import ENGINES, database_at
from tests.jobs import turns
from tests.loyal import CLUB, begin, key, order, pass_time, refund, tell, wallet
from tests.shop import NOON, Shop

_NUMBERS = count(1)
TODAY = now_us()
SORRY = {"name": "sorry", "title": "We are sorry: your order was late", "title_de": "Ihre Bestellung kam zu spät",
         "on": "Promise Broken", "points": 50, "by_tier": {"gold": 80}, "per_day_late": 10,
         "most_each": 120}  # fmt: skip
EARNING = [
    CLUB["earning"][0], SORRY,
    {"name": "chat", "title": "We are sorry: that was no help", "on": "Answer Disliked", "points": 1, "per_minor": 0},
    {"name": "pickup", "title": "We are sorry: you came for nothing", "on": "Pickup Failed", "points": 5,
     "per_minor": 1000},
    {"name": "friend", "title": "A friend of yours has ordered", "on": "Referral Completed", "points": 100,
     "at_most": 200, "at_most_days": 365},
    {"name": "welcome", "title": "Welcome", "on": "Signed Up", "points": 20},
    {"name": "told", "title": "Thank you for telling us", "on": "Profile Question Answered", "points": 10},
    {"name": "tea", "title": "For lovers of tea", "points": 1, "per_minor": 100, "segments": ["Tea"],
     "since": to_iso(NOON - DAY), "until": to_iso(NOON + 3 * DAY)},
]  # fmt: skip


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One for the file, with one programme: each test has people of its own."""
    with database_at(request.param, tmp_path_factory.mktemp("giving")) as url:
        made = Shop(url)
        begin(made, earning=EARNING, pending_days=0)
        yield made
        made.close()


@pytest.fixture
def ada() -> str:
    return f"ada-{next(_NUMBERS)}"


@pytest.fixture
def bo() -> str:
    return f"bo-{next(_NUMBERS)}"


def happens(shop: Shop, name: str, user: str, *, at: int = NOON, **said: Any) -> None:
    tell(shop, shop.message(name, at=at, user=user, **said))


def queued(shop: Shop, user: str) -> list[tuple[str, dict[str, Any]]]:
    """The messages to somebody: template and data."""
    m = messages.c
    with shop.db.read() as conn:
        rows = conn.execute(sa.select(m.template, m.data).where(m.strand == key(shop, user)).order_by(m.created_at))
        return [(row.template, msgspec.json.decode(row.data)) for row in rows]


@pytest.mark.parametrize(
    ("spent", "said", "points"),
    [
        (30, {}, 50), (30, {"days_late": 3}, 80), (30, {"days_late": 30}, 120), (30, {"hours_late": 25}, 70),
        (30, {"window": {"to": "2026-09-01"}, "arrived_at": "2026-09-03T10:00:00Z"}, 70),
        (30, {"window": {"to": "soon"}, "arrived_at": 7}, 50), (30, {"days_late": "many"}, 50),
        (250, {"days_late": 1}, 90),
    ],
)  # fmt: skip
def test_an_apology_is_by_tier_and_by_how_late_it_was_and_never_more_than_its_limit(
    shop: Shop, ada: str, spent: int, said: dict[str, Any], points: int
) -> None:
    tell(shop, order(shop, ada, f"{ada}-1", spent))
    before = wallet(shop, ada, now=NOON + DAY).balance
    happens(shop, "Promise Broken", ada, at=NOON + HOUR, order_id=f"{ada}-1", **said)
    happens(shop, "Promise Broken", ada, at=NOON + 2 * HOUR, order_id=f"{ada}-1", **said)  # told again: once
    assert wallet(shop, ada, now=NOON + DAY).balance - before == points


def test_an_apology_can_be_in_proportion_to_the_order_and_is_once_for_each_conversation(shop: Shop, ada: str) -> None:
    happens(shop, "Pickup Failed", ada, at=NOON + HOUR, order_id=f"{ada}-1")  # the order is not known yet
    assert wallet(shop, ada, now=NOON + DAY).balance == 0
    tell(shop, order(shop, ada, f"{ada}-1", 60))
    assert wallet(shop, ada, now=NOON + DAY).balance == 60 + 30
    for conversation in ("c1", "c1", "c2"):
        happens(shop, "Answer Disliked", ada, at=NOON + HOUR, conversation_id=conversation)
    assert wallet(shop, ada, now=NOON + DAY).balance == 60 + 30 + 2


def test_who_is_held_out_gets_nothing_and_stays_so_and_both_are_known(shop: Shop) -> None:
    begin(
        shop,
        name="tried",
        tiers=[],
        earning=[SORRY | {"by_tier": {}, "holdout_percent": 50, "until": to_iso(NOON + DAY)}],
    )
    people = [f"held-{n}" for n in range(40)]
    tell(shop, *(shop.message("Promise Broken", at=NOON, user=one, order_id=f"{one}-1") for one in people))
    tell(shop, *(shop.message("Promise Broken", at=NOON + HOUR, user=one, order_id=f"{one}-2") for one in people))
    with shop.db.read() as conn:
        a, l = store.arms.c, store.lots.c  # noqa: E741
        arms = dict(conn.execute(sa.select(a.strand, a.arm).where(a.programme == "tried")).all())
        given = dict(conn.execute(
            sa.select(l.strand, sa.func.sum(l.pending + l.available)).where(l.programme == "tried").group_by(l.strand)
        ).all())  # fmt: skip
    assert {key(shop, one) for one in people} == set(arms)
    assert 8 <= sum(arms.values()) <= 32
    assert {strand: int(points) for strand, points in given.items()} == {one: 100 for one, arm in arms.items() if arm}


def test_a_friend_counts_once_their_order_is_kept_and_nobody_brings_themselves(shop: Shop, ada: str, bo: str) -> None:
    happens(shop, "Referral Completed", ada, order_id=f"{bo}-1")
    assert wallet(shop, ada, now=NOON + DAY).balance == 0
    tell(shop, order(shop, bo, f"{bo}-1", 40, at=NOON + HOUR))
    assert wallet(shop, ada, now=NOON + DAY).balance == 100
    happens(shop, "Referral Completed", f"eve-{ada}", at=NOON + HOUR, order_id=f"{bo}-1")  # says the same, later
    assert wallet(shop, f"eve-{ada}", now=NOON + DAY).balance == 0
    tell(shop, refund(shop, bo, f"{bo}-1", at=NOON + 2 * HOUR))
    assert wallet(shop, ada, now=NOON + DAY).balance == 0
    tell(shop, order(shop, ada, f"{ada}-1", 10))
    happens(shop, "Referral Completed", ada, order_id=f"{ada}-1")
    assert wallet(shop, ada, now=NOON + DAY).balance == 10


def test_a_ring_of_friends_meets_the_limit(shop: Shop, ada: str) -> None:
    for n in range(6):
        tell(shop, order(shop, f"ring-{ada}-{n}", f"ring-{ada}-{n}", 5))
        happens(shop, "Referral Completed", ada, order_id=f"ring-{ada}-{n}")
    assert wallet(shop, ada, now=NOON + DAY).balance == 200


def test_signing_up_brings_points_at_once_and_once(shop: Shop, ada: str) -> None:
    happens(shop, "Signed Up", ada)
    happens(shop, "Signed Up", ada, at=NOON + HOUR)
    assert wallet(shop, ada, now=NOON + HOUR).balance == 20


def test_what_somebody_tells_of_themselves_is_rewarded_at_once_and_once_for_each_question(shop: Shop, ada: str) -> None:
    for n, question in enumerate(("size", "taste", "size")):
        happens(shop, "Profile Question Answered", ada, at=NOON + n, question=question, answer="x")
    assert wallet(shop, ada, now=NOON + HOUR).balance == 20


def test_a_campaign_is_for_a_segment_as_it_was_when_the_order_came(shop: Shop, ada: str, bo: str) -> None:
    happens(shop, "Signed Up", ada)
    happens(shop, "Signed Up", bo)
    with shop.db.write() as conn:
        if not conn.execute(sa.select(segments.segments.c.id)).first():
            insert_rows(conn, segments.segments, [{
                "workspace": shop.id, "id": 1, "name": "Tea", "where_text": "x", "version": 1, "revision": 1,
                "state": "live", "error": "", "filled_to": b"", "size": 1, "changed_at": 0, "changed_by": "",
            }])  # fmt: skip
        member = {"workspace": shop.id, "segment": 1, "root": key(shop, ada), "since": 0}
        insert_rows(conn, segments.members, [member])
    tell(shop, order(shop, ada, f"{ada}-1", 50), order(shop, bo, f"{bo}-1", 50))
    with shop.db.write() as conn:
        conn.execute(sa.delete(segments.members))
    tell(shop, refund(shop, ada, f"{ada}-1", amount=25))  # settled again, when she is in the segment no more
    assert wallet(shop, ada, now=NOON + DAY).balance == 20 + 50
    assert wallet(shop, bo, now=NOON + DAY).balance == 20 + 50
    tell(shop, order(shop, ada, f"{ada}-2", 50, at=NOON + 4 * DAY))  # the campaign is over
    assert wallet(shop, ada, now=NOON + 5 * DAY).balance == 20 + 50 + 50


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"on": "Order Completed", "per_day_late": 5}, "only an apology"),
        ({"on": "Signed Up", "per_minor": 100}, "names no order"),
        ({"on": "Promise Broken", "holdout_percent": 100}, "holdout_percent"),
    ],
)
def test_rules_that_cannot_hold_are_refused(rule: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_programme(CLUB | {"earning": [{"name": "x", "title": "X", "points": 1} | rule]})


def test_members_are_told_of_an_apology_a_tier_and_a_membership_each_once(shop: Shop, ada: str) -> None:
    tell(shop, order(shop, ada, f"{ada}-1", 250, at=TODAY))
    happens(shop, "Promise Broken", ada, at=TODAY, order_id=f"{ada}-1")
    membership.join(shop.db, shop.id, key(shop, ada), "plus", payment="", now=TODAY)
    shop.fold()
    told = dict(queued(shop, ada))
    assert set(told) == {"tier", "apology", "membership"}
    assert told["tier"]["what"] == "entered"
    assert (told["apology"]["points"], told["apology"]["what_de"]) == (80, "Ihre Bestellung kam zu spät")
    assert told["membership"]["what"] == "started"
    assert told["tier"]["path"].startswith("/shop/loyalty/wallet?shop=shop&t=w.cus_")
    before = len(queued(shop, ada))
    tell(shop, order(shop, ada, f"{ada}-2", 250, at=TODAY))
    assert len(queued(shop, ada)) == before


def test_history_is_told_to_nobody(shop: Shop, ada: str) -> None:
    tell(shop, order(shop, ada, f"{ada}-1", 250))
    assert queued(shop, ada) == []


def test_new_terms_are_told_to_every_member_once_before_they_hold(shop: Shop, ada: str) -> None:
    begin(shop, name="terms", tiers=[], earning=EARNING[:1])
    tell(shop, order(shop, ada, f"{ada}-1", 30))
    change_programme(
        shop.db,
        shop.id,
        "terms",
        CLUB | {"tiers": [], "earning": EARNING[:1], "valid_days": 30},
        seen=1,
        by="Bo",
        reason="Fewer days",
        now=NOON,
    )
    assert sum(turns(shop.db, ANNOUNCING, now=NOON + HOUR, at_most=7)) > 0
    told = [data for template, data in queued(shop, ada) if template == "terms"]
    assert [(one["reason"], one["from"]) for one in told] == [("Fewer days", to_iso(NOON + 30 * DAY)[:10])]
    assert turns(shop.db, ANNOUNCING, now=NOON + 2 * HOUR, at_most=7) == []


def test_points_that_expire_are_told_with_their_last_day_and_their_worth(shop: Shop, ada: str) -> None:
    turns(shop.db, ANNOUNCING, now=NOON)
    tell(shop, order(shop, ada, f"{ada}-1", 30, at=NOON), order(shop, ada, f"{ada}-2", 20, at=NOON + HOUR))
    pass_time(shop, NOON + DAY)
    assert queued(shop, ada) == []
    turns(shop.db, ANNOUNCING, now=NOON + 340 * DAY)
    turns(shop.db, ANNOUNCING, now=NOON + 341 * DAY)
    [(template, data)] = [one for one in queued(shop, ada) if one[1]["title"] == "Club" and one[1]["points"] == 50]
    assert (template, data["points"], data["worth"]) == ("points_expire", 50, {"minor": 50, "currency": "EUR"})
    assert data["until"] == to_iso(NOON + 365 * DAY)[:10]

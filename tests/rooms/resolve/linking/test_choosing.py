"""Which pairs a person is asked about: likely ones without a contradiction, so many a week, by their worth."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from rapport.kernel.clock import DAY
from rapport.kernel.ids import Key
from rapport.resolve.linking import choosing, models
from rapport.resolve.linking.choosing import Bounds
from rapport.resolve.linking.decide import Decide
from rapport.storage.engine import Database
from tests.rooms.resolve.linking.desk import ADA, BO, SISTER, SLIPPED
from tests.rooms.resolve.linking.people import model
from tests.rooms.resolve.linking.test_review import ReviewDesk
from tests.rooms.resolve.shop import seen

NONE = Bounds(a_week=0)
BROTHER = {name: text for name, text in ADA.items() if name not in ("birthday", "phone")} | {"first_name": "walter"}


@pytest.fixture
def desk(db: Database) -> ReviewDesk:
    """A desk that nobody is asked at until `choose`."""
    desk = ReviewDesk(db)
    desk.bounds = NONE
    return desk


def choose(desk: ReviewDesk, *, now: int, a_week: int | None = 5, worth: Mapping[Key, int] | None = None) -> int:
    with desk.shop.db.write() as conn:
        return choosing.choose(
            conn, desk.shop.workspace, lambda *_: worth or {}, now=now, bounds=Bounds(a_week=a_week)
        )  # fmt: skip


def names(desk: ReviewDesk) -> list[set[str]]:
    return [{one.left.identifier[-1], one.right.identifier[-1]} for one in desk.queue()]


def test_relatives_whose_names_contradict_each_other_are_never_asked_about(desk: ReviewDesk) -> None:
    with desk.shop.db.write() as conn:
        models.save_model(conn, desk.shop.workspace, model(), now=2)
    desk.meet(a=ADA, w=BROTHER, v=SISTER)
    choose(desk, now=60)
    assert desk.queue() == []


def test_the_worthiest_come_first_and_the_rest_waits_for_another_week(desk: ReviewDesk) -> None:
    desk.meet(a=ADA, b=SLIPPED, c=BO, d=BO | {"phone": "+447712345679"})
    worth = {desk.web("c"): 50, desk.web("d"): 10}
    with desk.shop.db.write() as conn:
        conn.exec_driver_sql(f"UPDATE link_candidates SET worth = NULL WHERE workspace = {desk.shop.workspace}")
    choose(desk, now=60 * DAY, a_week=1, worth=worth)
    assert names(desk) == [{"c", "d"}]
    choose(desk, now=61 * DAY, a_week=1)
    assert names(desk) == [{"c", "d"}], "the week is full"
    choose(desk, now=68 * DAY, a_week=1)
    assert names(desk) == [{"c", "d"}, {"a", "b"}]


def test_what_was_decided_makes_no_room_and_does_not_come_back(desk: ReviewDesk) -> None:
    desk.meet(a=ADA, b=SLIPPED)
    choose(desk, now=60 * DAY)
    desk.identity.act(desk.bo, Decide(desk.queue()[0].id, one_person=False), reason="twins")
    desk.tell(61 * DAY, ["a", "b"])
    choose(desk, now=62 * DAY)
    assert desk.queue() == []


def test_two_customers_said_to_be_two_are_not_asked_about_by_other_records_of_theirs(desk: ReviewDesk) -> None:
    desk.meet(a=ADA, b=SLIPPED, c=ADA | {"street": "12 high st"})
    choose(desk, now=60 * DAY)
    assert len(desk.queue()) == 3
    pairs = {frozenset((one.left.identifier[-1], one.right.identifier[-1])): one.id for one in desk.queue()}
    desk.identity.act(desk.bo, Decide(pairs[frozenset("ac")], one_person=True), reason="asked her")
    desk.identity.act(desk.bo, Decide(pairs[frozenset("ab")], one_person=False), reason="sisters")
    assert desk.queue() == [], "c is a, who is not b"


@pytest.mark.parametrize(("since", "asked"), [(10, 0), (60, 1)])
def test_two_accounts_in_use_side_by_side_are_two_people_and_one_after_the_other_is_asked(
    desk: ReviewDesk, since: int, asked: int
) -> None:
    desk.known |= {"u1": ADA, "u2": SLIPPED}
    spans = {"u1": (1, 40), "u2": (since, since + 30)}
    for user, span in spans.items():
        desk.shop.see(*(seen(day * DAY, user=user, web=f"w-{user}") for day in span))
    desk.tell(100 * DAY, ["u1", "u2"])
    choose(desk, now=101 * DAY)
    assert len(desk.queue()) == asked


def test_a_pair_scored_anew_is_weighed_anew(desk: ReviewDesk) -> None:
    desk.meet(a=ADA, b=SLIPPED)
    choose(desk, now=60 * DAY)
    assert len(desk.queue()) == 1
    desk.known["b"] = SLIPPED | {"first_name": "walter"}
    desk.tell(61 * DAY, ["b"])
    choose(desk, now=62 * DAY)
    assert desk.queue() == []


def test_fifty_pairs_a_week_are_asked_of_two_thousand_records_and_ten_of_a_few(desk: ReviewDesk) -> None:
    desk.meet(**{f"p{n}": ADA | {"phone": f"+4477009{n:05}"} for n in range(8)})
    assert choose(desk, now=60 * DAY, a_week=None) > 0
    assert len(desk.queue()) == 10


def test_the_job_looks_only_where_something_waits(desk: ReviewDesk) -> None:
    desk.meet(a=ADA, b=SLIPPED)
    workspace = desk.shop.workspace
    with desk.shop.db.read() as conn:
        assert workspace in choosing.waiting_shops(conn, now=60 * DAY)
    choose(desk, now=60 * DAY)
    with desk.shop.db.read() as conn:
        assert workspace not in choosing.waiting_shops(conn, now=60 * DAY)

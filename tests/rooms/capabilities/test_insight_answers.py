"""The way to an order, contacts, promises, products and journeys of a whole shop, and who is behind each number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from rapport.capabilities.insights.service.answering import (
    beside_answer,
    funnel_answer,
    journeys_answer,
    products_answer,
    retention_answer,
)
from rapport.capabilities.insights.service.journeys import Asked, is_market, travelled
from rapport.capabilities.insights.service.opening import roots_in
from rapport.capabilities.insights.store import touchpoints
from rapport.compose.upkeep import summaries
from rapport.kernel.clock import DAY, HOUR, MINUTE
from rapport.kernel.errors import NotFound
from rapport.measure.model import Question
from rapport.remember.membership import members
from rapport.remember.searching import facet
from rapport.remember.segments import service as segments
from rapport.remember.segments.fields import Fields
from rapport.remember.store import customers, words
from rapport.resolve.graph.store import identifiers
from tests.databases import ENGINES, database_at
from tests.jobs import turns
from tests.running import Engine
from tests.shop import NOON, Shop

NOTHING = {"of": "", "to": "", "group": "", "left": "", "step": ""}


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Ada did it all within one second, Bo stopped at the cart, Cy ordered before looking, Di looks and rings up."""
    engine: Engine = request.param
    with database_at(engine, tmp_path_factory.mktemp("insights")) as url:
        found = Shop(url)
        _live(found)
        yield found
        found.close()


def _live(shop: Shop) -> None:
    def tell(who: str, event: str, at: int, /, **more: Any) -> None:
        shop.send(shop.message(event, at=at, user=who, channel=more.pop("channel", "web"), **more))

    plate = {"product_id": "p", "name": "Plate", "price": 10, "quantity": 2}
    shop.send(shop.message("Product Viewed", at=NOON, browser="phone", channel="app", product_id="p"))
    shop.send(shop.message("Signed In", at=NOON + DAY, user="ada", browser="phone", channel="app"))
    # In one instant, and told the other way round: order first.
    tell("ada", "Order Completed", NOON + DAY, order_id="a1", revenue=20, products=[plate, {**plate, "quantity": 1}])
    tell("ada", "Checkout Started", NOON + DAY)
    tell("ada", "Product Added", NOON + DAY, product_id="p")
    tell("ada", "Product Viewed", NOON + DAY, product_id="p")
    tell("bo", "Product Viewed", NOON, product_id="p")
    tell("bo", "Product Added", NOON + MINUTE, product_id="p")
    tell("cy", "Order Completed", NOON, order_id="c1", revenue=5, channel="store")
    tell("cy", "Product Viewed", NOON + HOUR, product_id="p")
    tell("di", "Product Viewed", NOON, product_id="q")
    tell("di", "Order Completed", NOON + HOUR, order_id="d1", revenue=7, products=[{"product_id": "q", "price": 7}])
    for hour in (2, 3):
        tell("di", "Call Started", NOON + hour * HOUR)
    tell("di", "Promise Broken", NOON + 9 * HOUR, order_id="d1")
    tell("ada", "Promise Kept", NOON + 3 * DAY, order_id="a1")
    shop.send(shop.message("Promise Kept", at=NOON, user="bo", order_id="b9"), forged=True)
    tell("di", "Order Refunded", NOON + 9 * HOUR, order_id="d1", refund_id="r", revenue=7)
    shop.fold()


def asked(shop: Shop, *, by: str = "", since: int = 0, until: int = NOON + 30 * DAY) -> Question:
    return Question(workspace=shop.id, since=since, until=until, by=by, zone="UTC")


def test_ties_lose_no_step_a_later_step_implies_those_before_and_an_earlier_order_is_none(shop: Shop) -> None:
    with shop.db.read() as conn:
        found = funnel_answer(conn, shop.metrics, asked(shop, by="channel"), segment="")
    assert found.whole == {"viewed": 4, "added": 3, "checkout": 2, "ordered": 2}
    names = ("channel", "viewed", "added", "checkout", "ordered", "conversion")
    assert [tuple(row[name] for name in names) for row in found.rows] == [
        ("app", 1, 1, 1, 1, 1.0), ("web", 3, 2, 1, 1, 0.333333),
    ]  # fmt: skip


def test_within_one_instant_all_steps_convert(shop: Shop) -> None:
    """Ada's second visit alone: view, cart, checkout and order carry one time and came in reverse."""
    with shop.db.read() as conn:
        found = funnel_answer(conn, shop.metrics, asked(shop, by="device", since=NOON + DAY), segment="")
    assert found.whole == {"viewed": 1, "added": 1, "checkout": 1, "ordered": 1}
    assert [row["device"] for row in found.rows] == ["(none)"]


def test_by_whatever_it_is_grouped_each_customer_is_in_one_row_and_is_opened_there(shop: Shop) -> None:
    with shop.db.read() as conn:
        for by in ("day", "week", "month", "channel", "device", "country"):
            question = asked(shop, by=by)
            found = funnel_answer(conn, shop.metrics, question, segment="")
            for step, whole in found.whole.items():
                assert sum(row[step] for row in found.rows) == whole, (by, step)
                for row in found.rows:
                    given = {**NOTHING, "step": step, "group": row[by]}
                    assert len(roots_in(conn, question, "funnel", Asked(), given).roots) == row[step], (by, row)
        stopped = {**NOTHING, "step": "added", "left": "1"}
        assert len(roots_in(conn, asked(shop), "funnel", Asked(), stopped).roots) == 1


def test_contacts_are_counted_for_each_order_and_promises_by_our_own_word(shop: Shop) -> None:
    with shop.db.read() as conn:
        contacts = shop.metrics.answer(conn, "contact_rate", asked(shop, by="month")).rows[0]
        promises = shop.metrics.answer(conn, "promise_kept", asked(shop, by="month")).rows[0]
    assert (contacts["contacts"], contacts["people"], contacts["orders"]) == (2, 1, 3)
    assert (promises["kept"], promises["broken"], promises["value"]) == (1, 1, 0.5)


def test_a_product_of_two_lines_is_in_one_order(shop: Shop) -> None:
    with shop.db.read() as conn:
        found = products_answer(conn, asked(shop), segment="", most=1)
        assert not found.complete
        assert found.rows == [
            {"product_id": "p", "name": "Plate", "currency": "EUR", "orders": 1, "customers": 1, "pieces": 3,
             "sold_minor": 3000, "returned_orders": 0},
        ]  # fmt: skip
        for product in products_answer(conn, asked(shop), segment="", most=9).rows:
            given = {**NOTHING, "of": product["product_id"], "group": product["currency"]}
            assert len(roots_in(conn, asked(shop), "products", Asked(), given).roots) == product["customers"]


def test_channels_and_campaigns_say_what_their_metrics_say(shop: Shop) -> None:
    with shop.db.read() as conn:
        for by in ("channel", "campaign"):
            question = asked(shop, by=by)
            rows = beside_answer(conn, shop.metrics, question, segment="").rows
            revenue = shop.metrics.answer(conn, "revenue", question).rows
            assert sum(row["orders"] or 0 for row in rows) == sum(row["orders"] for row in revenue) == 3
            for row in rows:
                given = {**NOTHING, "group": row[by]}
                assert len(roots_in(conn, question, f"{by}s", Asked(), given).roots) == (row["customers"] or 0)
        by_channel = {row["channel"]: row for row in beside_answer(conn, shop.metrics, asked(shop, by="channel"),
                                                                    segment="").rows}  # fmt: skip
    assert (by_channel["app"]["orders"], by_channel["app"]["viewed"]) == (None, 1)


def test_the_triangle_is_the_metric_s(shop: Shop) -> None:
    with shop.db.read() as conn:
        found = retention_answer(conn, shop.metrics, asked(shop, by="month"), segment="")
    assert [(one.cohort, one.customers, one.cells[0]["active"]) for one in found.cohorts] == [("2026-09", 3, 3)]


def test_journeys_are_one_customer_s_over_all_devices_and_open_whom_they_count(shop: Shop) -> None:
    with shop.db.read() as conn:
        for outcome, journeys in (("all", 4), ("ordered", 3), ("not_ordered", 1), ("contacted", 1), ("refunded", 1)):
            how = Asked("week", outcome, 20)  # type: ignore[arg-type]
            found = journeys_answer(conn, asked(shop), how, segment="")
            assert (found.journeys, found.one_in) == (journeys, 1), outcome
            for kind in found.kinds:
                given = {**NOTHING, "of": kind.name}
                assert len(roots_in(conn, asked(shop), "journeys", how, given).roots) == kind.customers
        ways = {(e.source, e.target): e.median_seconds for e in journeys_answer(conn, asked(shop), Asked(kinds=20),
                                                                                 segment="").edges}  # fmt: skip
    assert ways["Contact", "Promise broken"] == 6 * 3600
    assert ways["Checkout", "Order"] == 0


def test_journeys_of_one_market_are_those_of_its_customers(shop: Shop) -> None:
    turns(shop.db, summaries(shop.pipeline.slices.remembered), now=NOON + 30 * DAY)
    with shop.db.write() as conn:
        conn.execute(customers.update().values(country="AT").where(customers.c.orders > 0))
        query = sa.select(customers.c.workspace, customers.c.root, sa.literal(facet("country", "AT")))
        conn.execute(words.insert().from_select(["workspace", "root", "word"], query.where(customers.c.orders > 0)))
    with shop.db.read() as conn:
        found = journeys_answer(conn, asked(shop), Asked(kinds=20, market="AT"), segment="")
        nobody = journeys_answer(conn, asked(shop), Asked(kinds=20, market="IS"), segment="")
        given = {**NOTHING, "of": "Contact"}
        assert len(roots_in(conn, asked(shop), "journeys", Asked(kinds=20, market="AT"), given).roots) == 1
        known = [is_market(conn, shop.id, said) for said in ("AT", "IS", "A", "AT' --")]
    assert (found.journeys, found.markets, nobody.journeys) == (3, ["AT"], 0)
    assert known == [True, False, False, False]


def test_two_segments_stand_beside_each_other_with_the_same_kinds_told_apart(shop: Shop) -> None:
    fields = Fields(shop.pipeline.slices.remembered)
    with shop.db.write() as conn:
        for name in ("buyers", "callers"):
            segments.add(conn, shop.id, name=name, where="orders >= 1", fields=fields, by="test", now=NOON)
        ids = {name: segments.id_of(conn, shop.id, name) for name in ("buyers", "callers")}
        i = identifiers.c
        roots = dict(conn.execute(sa.select(i.value, i.root).where(i.value.in_(("ada", "cy", "di")))).all())
        for name, people in (("buyers", ("ada", "cy", "di")), ("callers", ("di",))):
            rows = [{"workspace": shop.id, "segment": ids[name], "root": roots[one], "since": NOON} for one in people]
            conn.execute(members.insert(), rows)
    with shop.db.read() as conn:
        question = msgspec.structs.replace(asked(shop), segment=ids["buyers"])
        found = journeys_answer(conn, question, Asked(kinds=4), segment="buyers", beside="callers")
        assert found.beside is not None
        assert (found.journeys, found.beside.journeys, found.beside.customers) == (3, 1, 1)
        assert {kind.name for kind in found.beside.kinds} <= {kind.name for kind in found.kinds}
        other = msgspec.structs.replace(question, segment=ids["callers"])
        for kind in found.beside.kinds:  # opened from the other side the same customers are found
            how = Asked(kinds=4, beside=ids["buyers"])
            assert len(roots_in(conn, other, "journeys", how, {**NOTHING, "of": kind.name}).roots) == kind.customers
        with pytest.raises(NotFound):
            journeys_answer(conn, question, Asked(), segment="buyers", beside="nobody")


def test_of_very_many_touchpoints_whole_journeys_of_some_customers_are_read(shop: Shop) -> None:
    with shop.db.read() as conn:
        found = travelled(conn, asked(shop), Asked(), most=2)
        assert found.one_in > 1
        assert found.map.customers <= 4


def test_told_again_touchpoints_are_the_same_and_go_with_the_person(shop: Shop) -> None:
    before = shop.rows(touchpoints)
    shop._cursor = 0
    shop.fold()
    assert sorted(shop.rows(touchpoints), key=repr) == sorted(before, key=repr)  # in whatever order they lie
    held = next(one for slice_ in shop.pipeline.slices.slices for one in slice_.holds if one.table is touchpoints)
    theirs = {row["strand"] for row in before if row["kind"] == "Contact"}
    with shop.db.write() as conn:
        held.erase(conn, shop.id, theirs)  # type: ignore[misc, operator]
    assert {row["kind"] for row in shop.rows(touchpoints)} & {"Contact", "Refund"} == set()

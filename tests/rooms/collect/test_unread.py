"""What of a source's facts could not be read is counted by event, field and day, and told without personal data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from rapport.app.wiring import OWN, installed
from rapport.collect.model import internal_source
from rapport.collect.prepare import prepare
from rapport.collect.store import source_unread
from rapport.collect.unread import EVENT, MORE, MOST_FIELDS, masked
from rapport.collect.unread_shown import UnreadField, unread_of_source
from rapport.compose.installed import Installed
from rapport.compose.slice import Slice
from rapport.kernel.clock import DAY, HOUR
from rapport.kernel.wording import FactKind
from rapport.storage import log
from rapport.storage.workspaces import WorkspaceSettings, create_workspace
from tests.databases import ENGINES, database_at
from tests.shop import NOON, Message, Shop


@pytest.fixture(scope="module", params=ENGINES)
def one_shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with database_at(request.param, tmp_path_factory.mktemp("unread")) as url:
        found = Shop(url)
        yield found
        found.close()


@pytest.fixture
def shop(one_shop: Shop, request: pytest.FixtureRequest) -> Shop:
    """The database's, with a workspace of the test's own."""
    with one_shop.db.write() as conn:
        slug = f"shop-{abs(hash(request.node.name)) % 10**9}"
        settings = WorkspaceSettings(time_zone="Asia/Kolkata")
        one_shop.id = create_workspace(conn, slug=slug, name="Shop", now=NOON, settings=settings).id
    one_shop.pipeline.forget_all()
    return one_shop


def told(shop: Shop, *, now: int = NOON, days: int = 7) -> list[UnreadField]:
    with shop.db.read() as conn:
        return unread_of_source(conn, shop.id, "website", now=now, days=days)


def order(shop: Shop, at: int = NOON, **stated: Any) -> Message:
    return shop.message("Order Completed", at=at, user="ada", **stated)


def test_the_fields_of_a_source_that_cannot_be_read_are_counted_by_event_with_the_newest(shop: Shop) -> None:
    shop.send(*(order(shop, tax=one, revenue=10) for one in ("1,234", "24.90", "free", 12)))
    shop.fold()
    (found,) = told(shop)
    assert (found.event, found.field, found.facts, found.of, found.share) == ("Order Completed", "tax", 2, 4, 0.5)
    assert (found.example, found.days[0].day) == ("“free” is no number", "2026-09-21")
    with shop.db.read() as conn:
        assert unread_of_source(conn, shop.id, "till", now=NOON, days=7) == []


def test_nothing_is_written_where_nothing_is_unread(shop: Shop) -> None:
    shop.send(*(order(shop, revenue="24.90", products=[{"product_id": "p", "price": 2}]) for _ in range(3)))
    shop.send(shop.message("Something Of Their Own", at=NOON, user="ada", revenue="abc"))
    shop.fold()
    with shop.db.read() as conn:
        assert conn.execute(sa.select(source_unread).where(source_unread.c.workspace == shop.id)).all() == []


def test_what_was_read_before_the_first_of_a_day_that_was_not_counts_among_all(shop: Shop) -> None:
    shop.send(*(order(shop, tax=1, revenue=10) for _ in range(3)))
    shop.fold(batch=1)
    shop.send(order(shop, tax="abc", revenue=10), order(shop, tax=1, revenue=10))
    shop.fold(batch=1)
    (found,) = told(shop)
    assert (found.facts, found.of) == (1, 5)


def test_days_are_those_of_the_shop_and_old_ones_are_left_out(shop: Shop) -> None:
    """NOON of UTC is half past five in Kolkata; seven hours later it is the next day there."""
    for at in (NOON, NOON + 7 * HOUR, NOON + 20 * DAY):
        shop.send(order(shop, at, tax="abc", revenue=10))
    shop.fold()
    (found,) = told(shop, now=NOON + DAY)
    assert [(one.day, one.facts) for one in found.days][:2] == [("2026-09-21", 1), ("2026-09-22", 1)]
    (later,) = told(shop, now=NOON + 20 * DAY)
    assert [one.day for one in later.days] == ["2026-10-11"]


def test_a_batch_that_fails_counts_once(shop: Shop) -> None:
    shop.send(order(shop, tax="abc", revenue=10))
    with shop.db.read() as conn:
        rows = log.read_after(conn, after=shop._cursor, upto=2**60, buckets=None, limit=100)
    shop.pipeline.handle(rows)
    shop.pipeline.abandon()
    shop.fold()
    assert [one.facts for one in told(shop)] == [1]


def test_a_time_before_1990_is_told_where_the_time_of_receipt_stands_for_it(shop: Shop) -> None:
    message = {"type": "track", "event": "Page Turned", "userId": "ada", "timestamp": "1970-01-01T00:00:00.000Z"}
    row = prepare(msgspec.json.encode(message), source=internal_source(shop.id, "website"), received_at=NOON)
    with shop.db.write() as conn:
        log.append(conn, [row])
    shop.fold()
    assert [(one.event, one.field, one.example[:24], one.of) for one in told(shop)] == [
        ("Page Turned", "timestamp", "1970-01-01T00:00:00.000Z", None)
    ]


def test_people_and_places_that_cannot_be_read_are_told_without_saying_them(shop: Shop) -> None:
    traits = {"email": "ada@@example", "phone": "call me", "address": {"country": "Atlantis"}}
    shop.send(
        {"type": "identify", "messageId": "i", "userId": "ada", "timestamp": "2026-09-21T12:00:00Z", "traits": traits}
    )
    shop.send(order(shop, revenue=10, shipping_address={"country": "Narnia"}))
    shop.fold()
    assert {(one.event, one.field): one.example for one in told(shop)} == {
        ("Identified", "traits.email"): "is no e-mail address",
        ("Identified", "traits.phone"): "is no telephone number",
        ("Identified", "traits.country"): "“Atlantis” is no country",
        ("Order Completed", "shipping_address.country"): "“Narnia” is no country",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("Order Complete", "Order Completed"), ("orderCompletd", "Order Completed"), ("Purchase", "Order Completed"),
        ("checkout_completed", "Order Completed"), ("add_to_cart", "Product Added"), ("Product View", "Product Viewed"),
        ("Order Deleted", None), ("Product Rated", None), ("Bestellung", None), ("x" * 500, None),
    ],
)  # fmt: skip
def test_a_name_that_is_like_one_that_is_understood_is_never_taken_for_it(sent: str, meant: str | None) -> None:
    vocabulary = installed().vocabulary
    assert (vocabulary.modernise(sent, {}), vocabulary.like(sent)) == (sent, meant)


def test_whoever_sends_such_a_name_sees_what_it_looks_like(
    shop: Shop,
) -> None:
    shop.send(*(shop.message("order complete", at=NOON, user="ada", revenue=10) for _ in range(2)))
    names = [f"Order Complete{a}{b}" for a in "bcfghijklmno" for b in "bcfghijklmnop"]
    shop.send(*(shop.message(name[:-1], at=NOON, user="ada") for name in names))
    shop.fold()
    found = {one.event: one for one in told(shop) if one.field == EVENT}
    assert (found["order complete"].example, found["order complete"].facts) == ("Order Completed", 2)
    assert len(told(shop)) <= MOST_FIELDS


def test_beyond_a_hundred_fields_a_day_the_rest_is_counted_together(shop: Shop) -> None:
    fields = {f"field{n}": "“x” is no number" for n in range(150)}
    kind = FactKind(name="Rain Fell", meaning="it rained", icon="x", unread=lambda fact: fields)
    slices = Installed([*OWN, Slice(name="rain", title="Rain", facts=(kind,))])
    wet = Shop(str(shop.db.engine.url.render_as_string(hide_password=False)), slices=slices)
    wet.id, wet._cursor = shop.id, shop._cursor
    wet.send(wet.message("Rain Fell", at=NOON, user="ada", id=f"rain-{shop.id}"))
    wet.fold()
    wet.close()
    found = told(shop)
    assert len(found) <= MOST_FIELDS + 1
    assert [(one.event, one.facts > 49) for one in found if one.field == MORE] == [("", True)]


def test_a_slice_that_fails_at_a_fact_is_asked_no_more_and_stops_nobody(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(fact: object) -> dict[str, str]:
        raise KeyError("x")

    kind = FactKind(name="Rain Fell", meaning="it rained", icon="x", unread=broken)
    slices = Installed([*OWN, Slice(name="rain", title="Rain", facts=(kind,))])
    wet = Shop(str(shop.db.engine.url.render_as_string(hide_password=False)), slices=slices)
    wet.id, wet._cursor = shop.id, shop._cursor
    wet.send(*(wet.message("Rain Fell", at=NOON, user="ada", id=f"broken-{shop.id}-{n}") for n in range(3)))
    wet.send(order(wet, tax="abc", revenue=10) | {"messageId": f"fine-{shop.id}"})
    wet.fold()
    wet.close()
    assert [one.field for one in told(shop)] == ["tax"]
    assert caplog.text.count("could not be told") == 1


@pytest.mark.parametrize(
    ("came", "kept"),
    [
        ("“24,90 €” is no number", "“24,90 €” is no number"), ("“POINTS” is no currency", "“POINTS” is no currency"),
        ("“12.5 stk.” is no number", "“12.5 stk.” is no number"), ("“Ada” is no number", "“A…” is no number"),
        ("“ada lovelace” is no number", "“a… l…” is no number"), ("“ada@example.com” x", "“…@…” x"),
        ("“4111 1111 1111 1111” is no number", "“0000 0000 0000 0000” is no number"),
        ("“12 Main Street” is no number", "“12 Main S…” is no number"),
    ],
)  # fmt: skip
def test_what_is_kept_of_what_came_says_the_form_and_nothing_personal(came: str, kept: str) -> None:
    assert masked(came) == kept

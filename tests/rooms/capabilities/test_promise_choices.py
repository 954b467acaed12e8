"""A late order: its customer is told once, chooses once, and nothing is sold to them meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rapport.act.channels import Outgoing
from rapport.act.send_rules import Drop, Hold
from rapport.capabilities.messages import store as messages
from rapport.capabilities.promises.links import open_order, order_token
from rapport.capabilities.promises.service.choosing import choose, ready_at
from rapport.capabilities.promises.service.promising import PromiseShown, find_promise
from rapport.capabilities.promises.service.sending import NO_SELLING, STILL_TRUE
from rapport.capabilities.promises.store import choices, rows_of
from rapport.capabilities.supply import Location
from rapport.kernel.clock import DAY, HOUR, SECOND, now_us, to_datetime, to_iso
from rapport.kernel.errors import Conflict, InvalidInput
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import Key
from rapport.kernel.work import Purpose
from rapport.resolve.graph.customer_ids import ensure_secret
from tests.beside import change_beside
from tests.databases import ENGINES, database_at
from tests.shop import Shop

_NUMBERS = count(1)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One for the file, with a store that has gin: each test has people and orders of its own."""
    with database_at(request.param, tmp_path_factory.mktemp("choices")) as url:
        made = Shop(url)
        with made.db.write() as conn:
            ensure_secret(conn)
        now = now_us()
        made.send(
            made.message("Location Stated", at=now, location_id="bath", name="Bath", roles=["pickup"]),
            made.message("Stock Level Changed", at=now, location_id="bath", product_id="gin", on_hand=500),
        )
        made.fold()
        yield made
        made.close()


def late(shop: Shop, *, days: int = 1) -> tuple[str, Key]:
    """An order that the carrier expects some days after its promise, and whose it is."""
    number, now = next(_NUMBERS), now_us()
    order, user = f"L-{number}", f"bo{number}"
    promised = to_datetime(now + DAY).astimezone(BERLIN).date().isoformat()
    expected = to_datetime(now + DAY + days * DAY).astimezone(BERLIN).date().isoformat()
    shop.send(
        {"type": "identify", "userId": user, "messageId": f"i{number}", "timestamp": to_iso(now - 3 * DAY),
         "traits": {"email": f"{user}@example.com"}, "context": {"locale": "de"}},
        shop.message("Order Completed", at=now - 2 * DAY, user=user, order_id=order, revenue=9, currency="EUR",
                     products=[{"product_id": "gin", "quantity": 2}], promised_at=promised,
                     shipping_address={"country": "DE"}),
        scan(shop, order, "in_transit", at=now - HOUR, estimated_delivery=expected),
    )  # fmt: skip
    shop.fold()
    return order, key_of(shop.id, Identifier("user_id", user))


def scan(shop: Shop, order: str, status: str, *, at: int, **more: Any) -> dict[str, Any]:
    return shop.message("Shipment Updated", at=at, order_id=order, shipment_id=f"S-{order}", status=status, **more)


def of(shop: Shop, order: str) -> PromiseShown:
    with shop.db.read() as conn:
        return find_promise(conn, shop.id, order)


def window_of(shop: Shop, order: str) -> str:
    with shop.db.read() as conn:
        return rows_of(conn, shop.id, [order])[order].window_id


def pick(shop: Shop, order: str, choice: str, place: str = "", *, window: str = "") -> None:
    seen = window or window_of(shop, order)
    with shop.db.write() as conn:
        choose(conn, shop.id, order, window_id=seen, choice=choice, location_id=place, now=now_us())
    shop.fold()


def notices(shop: Shop, key: Key) -> list[messages.MessageRow]:
    with shop.db.read() as conn:
        return messages.listed(conn, shop.id, strands=[key])


def going(shop: Shop, key: Key, *, purpose: Purpose = "marketing", payload: bytes = b"{}") -> Outgoing:
    return Outgoing(
        workspace=shop.id, id="m1", channel="email", destination="example.com", payload=payload, strand=key,
        purpose=purpose, attempts=1,
    )  # fmt: skip


def test_one_notice_for_one_promise_in_danger_however_often_it_is_judged(shop: Shop) -> None:
    order, key = late(shop, days=3)
    shop.send(scan(shop, order, "in_transit", at=now_us(), place="Kassel"))
    shop.fold()
    [notice] = notices(shop, key)
    assert (notice.template, notice.purpose) == ("delay", "transactional")
    found = of(shop, order)
    assert found.likely_window is not None
    assert str(found.likely_window.to).encode() in notice.data


def test_a_choice_counts_once_also_for_two_windows_of_one_browser(shop: Shop) -> None:
    order, _ = late(shop)
    seen = window_of(shop, order)

    def taking(choice: str) -> Any:
        return lambda conn: choose(
            conn, shop.id, order, window_id=seen, choice=choice, location_id="bath", now=now_us()
        )  # fmt: skip

    told = change_beside(shop.db, taking("collect"), taking("cancel"))
    assert isinstance(told, Conflict)
    shop.fold()
    found = of(shop, order)
    assert (found.status, found.what, found.location_id) == ("renegotiated", "collect", "bath")
    assert [row["choice"] for row in shop.rows(choices) if row["order_id"] == order] == ["collect"]
    assert [fact.properties["choice"] for fact in shop.facts("Delivery Choice Made") if
            fact.properties["order_id"] == order] == ["collect"]  # fmt: skip


def test_who_waits_is_promised_the_day_that_was_told(shop: Shop) -> None:
    order, _ = late(shop, days=3)
    likely = of(shop, order).likely_window
    pick(shop, order, "wait")
    found = of(shop, order)
    assert likely is not None
    assert (found.status, found.window.to, found.promised_by) == ("renegotiated", likely.to, "customer")
    assert [one.window.to for one in found.history][-1] == likely.to


def test_who_cancels_is_not_written_to_again_and_the_shop_is_told(shop: Shop) -> None:
    order, key = late(shop)
    pick(shop, order, "cancel")
    assert of(shop, order).choice == "cancel"
    before = len(notices(shop, key))
    shop.wait(now_us() + 6 * DAY)
    assert len(notices(shop, key)) == before
    shop.send(shop.message("Order Cancelled", at=now_us(), user="x", order_id=order))
    shop.fold()
    assert of(shop, order).status == "cancelled"


@pytest.mark.parametrize(("choice", "place"), [("collect", "nowhere"), ("collect", "")])
def test_a_store_that_has_it_not_cannot_be_chosen(shop: Shop, choice: str, place: str) -> None:
    order, _ = late(shop)
    with pytest.raises(Conflict, match="has not got it"):
        pick(shop, order, choice, place)
    with pytest.raises(InvalidInput, match="no choice"):
        pick(shop, order, "steal")
    with pytest.raises(Conflict, match="not as it was"):
        pick(shop, order, "cancel", window="another")


def test_nothing_is_sold_to_somebody_whose_order_is_late_until_it_is_there(shop: Shop) -> None:
    order, key = late(shop)
    with shop.db.read() as conn:
        said = NO_SELLING.ask(conn, [going(shop, key)], now_us())
    assert isinstance(said["m1"], Hold)
    assert said["m1"].reason == f"order {order} may be late"
    shop.send(scan(shop, order, "delivered", at=now_us()))
    shop.fold()
    with shop.db.read() as conn:
        assert NO_SELLING.ask(conn, [going(shop, key)], now_us()) == {}
        assert NO_SELLING.ask(conn, [going(shop, key_of(shop.id, Identifier("user_id", "new")))], now_us()) == {}


def test_a_notice_is_not_sent_once_it_is_not_true_any_more(shop: Shop) -> None:
    order, key = late(shop)
    [notice] = notices(shop, key)
    entry = going(shop, key, purpose="transactional", payload=f'{{"id":"{notice.id}"}}'.encode())
    with shop.db.read() as conn:
        assert STILL_TRUE.ask(conn, [entry], now_us()) == {}
    shop.send(scan(shop, order, "delivered", at=now_us()))
    shop.fold()
    with shop.db.read() as conn:
        assert STILL_TRUE.ask(conn, [entry], now_us()) == {"m1": Drop(reason="the order has arrived")}


@pytest.mark.parametrize("order", ["A-1", "é/../?&=%", "x" * 512, "\U0001f4e6"])
def test_a_link_opens_the_order_it_was_made_for_and_no_letter_of_it_may_change(shop: Shop, order: str) -> None:
    with shop.db.read() as conn:
        token = order_token(conn, shop.id, order)
        assert open_order(conn, shop.id, token) == order
        assert token.isascii()
        for number in (0, len(token) // 2, len(token) - 1):
            other = token[:number] + ("0" if token[number] != "0" else "1") + token[number + 1 :]
            with pytest.raises(InvalidInput):
                open_order(conn, shop.id, other)


@pytest.mark.parametrize(
    ("now", "ready"),
    [
        ("2026-11-26T11:00", "2026-11-26T15:00"),  # a Thursday, open from 10 to 19
        ("2026-11-26T16:00", "2026-11-27T14:00"),  # too late for today
        ("2026-11-26T06:00", "2026-11-26T14:00"),
        ("2026-11-28T18:00", "2026-11-30T14:00"),  # Saturday evening, closed on Sunday
    ],
)
def test_a_store_gets_it_ready_while_it_is_open(now: str, ready: str) -> None:
    hours = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat"), "10:00-19:00")
    place = Location(location_id="bath", name="Bath", hours=hours)

    def at(text: str) -> int:
        return int(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()) * SECOND

    assert ready_at(place, BERLIN, at(now), hours=4) == at(ready)

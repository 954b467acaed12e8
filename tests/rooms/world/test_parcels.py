"""The demonstration's carriers: every order to be delivered has a parcel, the same every time, and some are late."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rapport.kernel.clock import DAY, from_iso, to_datetime, to_iso
from rapport.world.messages import Delivery
from rapport.world.parcels import Carrier
from rapport.world.storefront.delivery import delivered_by
from tests.shop import NOON


def told(orders: int) -> list[Delivery]:
    carrier = Carrier()
    for number in range(orders):
        at = NOON + number
        promised = delivered_by(to_datetime(at), "DE").isoformat()
        said: dict[str, Any] = {"order_id": f"W-{number}", "promised_at": promised}
        message = {"event": "Order Completed", "properties": said}
        carrier.hear(Delivery(at, at, "web", message, "", 0))
    carrier.hear(Delivery(NOON, NOON, "store", {"event": "Order Completed", "properties": {"order_id": "S"}}, "", 0))
    return list(carrier.until(NOON + 60 * DAY))


def test_every_parcel_is_scanned_in_its_order_and_arrives() -> None:
    scans = told(50)
    assert [scan.occurred_at for scan in scans] == sorted(scan.occurred_at for scan in scans)
    ends = Counter(
        s.message["properties"]["order_id"] for s in scans if s.message["properties"]["status"] == "delivered"
    )
    assert set(ends.values()) == {1}
    assert len(ends) == 50
    assert [s.message["messageId"] for s in scans] == [s.message["messageId"] for s in told(50)]


def test_about_a_sixth_comes_after_the_promised_day() -> None:
    promised = delivered_by(to_datetime(NOON), "DE").isoformat()
    arrived = [
        to_iso(from_iso(s.message["timestamp"]))[:10]
        for s in told(600)
        if s.message["properties"]["status"] == "delivered"
    ]
    assert 0.08 < sum(day > promised for day in arrived) / len(arrived) < 0.28


def test_carriers_speak_in_between_what_else_is_told_and_leave_the_rest_for_later() -> None:
    def order(number: int) -> Delivery:
        at = NOON + number * 2 * DAY
        said = {"order_id": f"W-{number}", "promised_at": delivered_by(to_datetime(at), "DE").isoformat()}
        return Delivery(at, at, "web", {"event": "Order Completed", "properties": said}, "", 0)

    carrier = Carrier()
    told = list(carrier.along(order(number) for number in range(6)))
    assert [one.arrives_at for one in told] == sorted(one.arrives_at for one in told)
    assert len(told) > 6
    assert list(carrier.until(NOON + 60 * DAY))

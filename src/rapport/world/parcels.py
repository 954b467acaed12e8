"""What carriers say of the shop's parcels, as their webhooks tell a server of the shop: most come in time, some late, a
few are not scanned for days, and now and then a carrier uses a word that nobody knows.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from rapport.kernel.clock import HOUR, MINUTE, SECOND, to_iso
from rapport.world.messages import Delivery
from rapport.world.streams import digest_of

__all__ = ["Carrier"]

_LATE, _SILENT, _ODD = 12, 5, 3
"""Of a hundred parcels: so many come late, so many are not scanned for days, so many carry an odd word."""
_HUBS = ("Bristol", "Hamburg", "Lyon", "Bologna", "Dublin", "Manchester")
_CARRIERS = ("Parcelway", "Swift Post", "Blue Van")


class Carrier:
    """Hears which orders were placed, and says where their parcels are; the same orders always go the same way."""

    def __init__(self) -> None:
        self._due: list[tuple[int, str, Delivery]] = []

    def hear(self, delivery: Delivery) -> None:
        """Take an order on, if one was placed that is to be delivered by a day."""
        message = delivery.message
        said = message.get("properties", {}) if message.get("event") == "Order Completed" else {}
        order_id, promised = said.get("order_id"), said.get("promised_at")
        if isinstance(order_id, str) and isinstance(promised, str):
            for scan in _scans(order_id, delivery.occurred_at, date.fromisoformat(promised)):
                heapq.heappush(self._due, (scan.occurred_at, scan.message["messageId"], scan))

    def along(self, deliveries: Iterable[Delivery]) -> Iterator[Delivery]:
        """These deliveries, with what carriers say in between; what they say later is left for `until`."""
        for delivery in deliveries:
            yield from self.until(delivery.arrives_at)
            self.hear(delivery)
            yield delivery

    def until(self, now: int) -> Iterator[Delivery]:
        """What carriers have said by now and was not told yet, in its order."""
        while self._due and self._due[0][0] <= now:
            yield heapq.heappop(self._due)[2]


def _scans(order_id: str, placed_at: int, promised: date) -> Iterator[Delivery]:
    luck, number = digest_of("parcel", order_id) % 100, digest_of("tracking", order_id)
    late = 1 + number % 4 if luck < _LATE + _SILENT else -(number % 2)
    handed = placed_at + (16 + number % 9) * HOUR
    if luck < _SILENT:
        handed += 4 * 24 * HOUR
    arrives = max(_moment(promised + timedelta(days=late), 9 + number % 8), handed + 20 * HOUR)
    steps: list[tuple[int, str, str]] = [
        (handed - 3 * HOUR, "label created", ""), (handed, "picked up", _HUBS[number % len(_HUBS)]),
        (handed + 9 * HOUR, "in transit", _HUBS[(number // 7) % len(_HUBS)]),
        (arrives - 3 * HOUR, "out for delivery", ""),
        (arrives, "delivered", ""),
    ]  # fmt: skip
    if luck >= 100 - _ODD:
        steps.insert(3, (handed + 11 * HOUR, "GX-41 regrouped", ""))
    for place, (at, status, hub) in enumerate(steps):
        said: dict[str, Any] = {
            "order_id": order_id, "tracking_number": f"PW{number % 10**10:010}",
            "carrier": _CARRIERS[number % len(_CARRIERS)], "status": status,
        }  # fmt: skip
        yield _told(f"{order_id}-{place}", said | ({"place": hub} if hub else {}), at)


def _moment(day: date, hour: int) -> int:
    return int(datetime.combine(day, time(hour), tzinfo=UTC).timestamp()) * SECOND + 17 * MINUTE


def _told(name: str, said: dict[str, Any], at: int) -> Delivery:
    message = {
        "type": "track", "event": "Shipment Updated", "messageId": f"scan-{name}", "timestamp": to_iso(at),
        "properties": said,
    }  # fmt: skip
    return Delivery(at, at, "store", message, "", 0)

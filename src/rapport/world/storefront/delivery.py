"""When things arrive: days of delivery, what the chosen store has on its shelves, where the stores are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from rapport.world.catalogue import Product, Store, the_catalogue

__all__ = [
    "COUNTRIES",
    "STORES",
    "Pickup",
    "StorePlace",
    "delivered_by",
    "delivery_words",
    "leaves_words",
    "pickup",
    "steps_done",
]

LAST_ORDER = 15
"""The hour by which an order still leaves the same day."""
READY_AFTER = timedelta(hours=2)
"""What a store needs to put an order together."""
_WORKING_DAYS = {"GB": 2, "IE": 3, "DE": 3, "FR": 3, "IT": 4}
COUNTRIES = {"GB": "United Kingdom", "IE": "Ireland", "DE": "Germany", "FR": "France", "IT": "Italy"}
"""Where the shop delivers to."""
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class StorePlace:
    """Where a store is and when it is open."""

    key: str
    city: str
    street: str
    postcode: str
    country: str
    opens: int = 10
    closes: int = 19


STORES: dict[str, StorePlace] = {
    place.key: place
    for place in (
        StorePlace("bath", "Bath", "14 Old Bond Street", "BA1 1BP", "GB"),
        StorePlace("bristol", "Bristol", "31 Boyces Avenue", "BS8 4AA", "GB"),
        StorePlace("edinburgh", "Edinburgh", "8 Victoria Street", "EH1 2HG", "GB"),
        StorePlace("london-marylebone", "London", "52 Marylebone Lane", "W1U 2NX", "GB", 10, 20),
        StorePlace("manchester", "Manchester", "19 King Street", "M2 6AW", "GB"),
        StorePlace("dublin", "Dublin", "27 Drury Street", "D02 XK20", "IE"),
        StorePlace("hamburg", "Hamburg", "Marktstraße 11", "20357", "DE"),
        StorePlace("lyon", "Lyon", "6 rue de la Platière", "69001", "FR"),
        StorePlace("bologna", "Bologna", "Via Clavature 9", "40124", "IT"),
    )
}
"""The nine stores by key, as the catalogue knows them."""


@dataclass(frozen=True, slots=True)
class Pickup:
    """Whether and when a product can be collected."""

    pieces: int
    when: str
    """In words, for the chosen store."""
    elsewhere: str = ""
    """A store that has it where the chosen one has not."""


def delivered_by(now: datetime, country: str) -> date:
    """The day on which what is ordered now arrives; nothing moves on Sundays."""
    day = _leaves_on(now)
    left = _WORKING_DAYS.get(country, 4)
    while left:
        day += timedelta(days=1)
        left -= day.weekday() != 6
    return day


def delivery_words(now: datetime, country: str) -> str:
    """`Tuesday 1 December`, or `tomorrow`."""
    return _day_words(delivered_by(now, country), now.date())


def steps_done(placed: datetime, now: datetime, country: str, *, collected: bool) -> int:
    """How far an order is: 1 placed, 2 being put together, 3 ready or on its way, 4 delivered.

    What is collected stays ready: whether somebody came for it the shop window does not know.
    """
    if collected:
        return 3 if now - placed >= READY_AFTER else 2
    if now.date() >= delivered_by(placed, country):
        return 4
    return 3 if now.date() > _leaves_on(placed) else 2


def leaves_words(placed: datetime) -> str:
    """When an order leaves the shop: today or tomorrow."""
    return "today" if _leaves_on(placed) == placed.date() else "tomorrow"


def _leaves_on(placed: datetime) -> date:
    return placed.date() + timedelta(days=1 if placed.hour >= LAST_ORDER else 0)


def pickup(product: Product, store: Store, now: datetime) -> Pickup:
    """What the store can hand over, and when: from its stock today, else from when it is filled up again."""
    catalogue, place = the_catalogue(), STORES[store.key]
    today = (now.date() - _EPOCH).days
    pieces = catalogue.stock(store, product, day=today)
    if pieces:
        if now.hour < place.closes - 2:
            return Pickup(pieces, f"ready today from {max(now.hour + 2, place.opens)}:00")
        return Pickup(pieces, f"ready {_day_words(now.date() + timedelta(days=1), now.date())} from {place.opens}:00")
    other = next(
        (s for s in catalogue.stores if s.country == store.country and catalogue.stock(s, product, day=today)), None
    )
    elsewhere = other.city if other else ""
    for ahead in range(1, 15):
        if catalogue.stock(store, product, day=today + ahead):
            return Pickup(0, f"back {_day_words(now.date() + timedelta(days=ahead), now.date())}", elsewhere)
    return Pickup(0, f"not kept in {store.city}", elsewhere)


def _day_words(day: date, today: date) -> str:
    if day == today + timedelta(days=1):
        return "tomorrow"
    return f"on {day:%A} {day.day} {day:%B}"

"""The town over time: everybody's messages in the order in which they reach the shop, for ever.

Memory is bounded by the number of people: shoppers are made when they first come, and of the messages only those on
their way are kept.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from rapport.kernel.clock import DAY, HOUR, SECOND
from rapport.world.behaviour import Shopper
from rapport.world.catalogue import the_catalogue
from rapport.world.messages import Delivery
from rapport.world.people import Device, Household, household_at, households, kiosk_at, person_at
from rapport.world.streams import stream

__all__ = ["Town", "World"]

_FACTS_PER_VISIT = 8.0


@dataclass(frozen=True, slots=True)
class Town:
    """What is simulated: the seed, how many people, and from when on."""

    seed: int
    people: int
    starts_at: int
    days: int = 90
    """Length of the past in which most people come for the first time."""

    @classmethod
    def until(cls, now: int, *, seed: int = 7, people: int = 2_000, days: int = 90) -> Town:
        """The town whose past of so many days ends now."""
        return cls(seed=seed, people=people, starts_at=now - days * DAY, days=days)


class World:
    """A running simulation. `history` moves it forward; what it yields depends on the town alone."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.shoppers: dict[int, Shopper] = {}
        self._households = households(town.seed, town.people)
        self._known: dict[int, Household] = {}
        self._kiosks: list[Device] = [kiosk_at(place) for place in range(len(the_catalogue().stores))]
        self._due: list[tuple[int, int]] = [(self._arrival(index), index) for index in range(town.people)]
        heapq.heapify(self._due)
        self._moving: list[tuple[int, int, Delivery]] = []
        self._serial = 0

    def history(self, until: int) -> Iterator[Delivery]:
        """All messages that reach the shop before `until`, in order of arrival; called again it goes on from there.

        For one town the messages up to a time are always the same, and a later `until` only adds more at the end.
        """
        due, moving = self._due, self._moving
        while due or moving:
            horizon = min(due[0][0], until) if due else until
            while moving and moving[0][0] < horizon:
                yield heapq.heappop(moving)[2]
            if not due or due[0][0] >= until:
                return
            at, index = due[0]
            shopper = self.shoppers.get(index) or self._comes(index, at)
            self._send(shopper.live())
            heapq.heapreplace(due, (max(shopper.next_at, at), index))

    def live(self, begin: int, *, facts_per_second: float = 3.0) -> Iterator[Delivery]:
        """From `begin` on for ever, busier than the past so that there is something to watch: a steady trickle.

        People continue with what they had in the cart and where they were signed in. Yields in order of arrival; it
        is for the caller to wait until each `arrives_at`.
        """
        rng = stream(self.town.seed, "live", begin)
        at = begin
        while True:
            at += int(rng.expovariate(facts_per_second / _FACTS_PER_VISIT) * SECOND)
            while self._moving and self._moving[0][0] < at:
                yield heapq.heappop(self._moving)[2]
            index = rng.randrange(self.town.people)
            shopper = self.shoppers.get(index) or self._comes(index, at)
            if shopper.busy_until < at:
                self._send(shopper.visit(at))

    def _send(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            self._serial += 1
            heapq.heappush(self._moving, (delivery.arrives_at, self._serial, delivery))

    def _comes(self, index: int, at: int) -> Shopper:
        household, first = self._households[index]
        home = self._known.get(household)
        if home is None:
            home = self._known[household] = household_at(self.town.seed, household, first=first)
        person = person_at(self.town.seed, index, home)
        shopper = Shopper(self.town.seed, index, person, arrives_at=at, kiosk=self._kiosks[person.store])
        self.shoppers[index] = shopper
        return shopper

    def _arrival(self, index: int) -> int:
        """Most knew the shop before the past begins and come early in it; the others join along the way."""
        rng = stream(self.town.seed, "arrival", index)
        share = rng.random()
        days = self.town.days * (share * 0.3 if rng.random() < 0.55 else share * 0.98)
        moment = self.town.starts_at + int(days) * DAY
        hour = rng.choice((8, 9, 11, 12, 13, 15, 17, 18, 19, 20, 20, 21, 22)) + rng.random()
        arrival = moment - moment % DAY + int(hour * HOUR)
        return arrival if arrival >= self.town.starts_at else arrival + DAY

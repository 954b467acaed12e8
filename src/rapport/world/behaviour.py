"""A shopper's life: when they come, through which channel, and what follows from it days later.

Each shopper keeps an agenda and draws from a random stream of their own, so nobody's life depends on who else lives in
the town, except through things that really are shared: a tablet at home, a kiosk in a store.
"""

from __future__ import annotations

import heapq
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any, NamedTuple

from rapport.kernel.clock import DAY, HOUR, SECOND
from rapport.kernel.identifiers import Identifier
from rapport.world import counters
from rapport.world.browsing import CAMPAIGNS, Account, Browsing
from rapport.world.catalogue import CURRENCIES, the_catalogue
from rapport.world.messages import Delivery, Recorder, app_context, browser_context, server_context
from rapport.world.orders import Order
from rapport.world.people import Device, Person
from rapport.world.streams import digest_of, stream

__all__ = ["Shopper"]

_VISITS = ("web", "app", "store", "marketplace", "phone")
_EVENING = (10, 5, 3, 2, 2, 4, 10, 20, 30, 38, 43, 44, 47, 44, 40, 40, 44, 54, 66, 82, 96, 92, 62, 30)
_OPENING = (0, 0, 0, 0, 0, 0, 0, 0, 2, 20, 35, 45, 55, 50, 42, 44, 55, 70, 55, 20, 0, 0, 0, 0)
"""How busy each hour is on screens, and where somebody must be there to serve."""
_SCREEN_HOURS = list(accumulate(_EVENING))
_COUNTER_HOURS = list(accumulate(_OPENING))
_WEEK = (0.92, 0.9, 0.95, 1.08, 1.12, 1.1, 1.06)
"""How busy each weekday is, Monday first."""
_YEAR = (0.85, 0.85, 0.92, 0.96, 1.0, 0.96, 0.88, 0.86, 0.96, 1.02, 1.28, 1.42)
_BUSIEST = 1.12 * 1.42


_BACK_OFFICE = {"library": {"name": "analytics-python", "version": "2.3.3"}}


class _Sale(NamedTuple):
    """Where and to whom an order was sold, as far as the shop can know."""

    order: Order
    channel: str
    anonymous_id: str | None
    user_id: str | None
    named: dict[str, Any]


class Shopper:
    """One person while the simulation runs: state, agenda and stream of chance."""

    __slots__ = ("_mix", "_plans", "_rng", "_seed", "account", "agenda", "busy_until", "kiosk", "person", "used")

    def __init__(self, seed: int, index: int, person: Person, *, arrives_at: int, kiosk: Device) -> None:
        self.person = person
        self.account = Account()
        self.kiosk = kiosk
        self.used: dict[Identifier, int] = {}
        """Identifiers the person has been seen under, and since when: the truth."""
        self.busy_until = 0
        self._seed = seed
        self._rng = stream(seed, "life", index)
        self._mix = list(accumulate(person.channel_weights))
        self._plans = 0
        self.agenda: list[tuple[int, int, str, Any]] = []
        self._plan(arrives_at, "visit")

    @property
    def next_at(self) -> int:
        """When something happens to this shopper next."""
        return self.agenda[0][0]

    def live(self) -> list[Delivery]:
        """Do what stands first in the agenda, plan what follows, and hand over the messages that came of it."""
        at, _, what, subject = heapq.heappop(self.agenda)
        at = max(at, self.busy_until)
        if what == "visit":
            messages = self.visit(at)
            self._plan(self._next_visit(at), "visit")
        elif what == "errand":
            messages = self._screen(self._screens()[0], at, errand=subject)
        elif what == "letter":
            messages = self._letter(at, str(subject))
        elif what == "return":
            messages = self._comes_back(at, subject)
        else:
            messages = self._review(at, subject)
        return messages

    def visit(self, at: int) -> list[Delivery]:
        """Come to the shop now, through whichever channel the person feels like."""
        channel = self._rng.choices(_VISITS, cum_weights=self._mix)[0]
        if channel in ("store", "phone") and not 8 <= self._local(at).hour <= 19:
            channel = "web"
        if channel == "web":
            return self._screen(self._rng.choice(self._screens()), at, errand="browse")
        if channel == "app" and self.person.app is not None:
            return self._screen(self.person.app, at, errand="browse")
        return self._counter(channel, at)

    # -- at a screen -----------------------------------------------------------------------------------------------

    def _screens(self) -> list[Device]:
        """Where this person browses: own machines, and the household's tablet."""
        tablet = self.person.household.tablet
        return self.person.devices if tablet is None else [*self.person.devices, tablet]

    def _screen(self, device: Device, at: int, *, errand: str) -> list[Delivery]:
        person, rng = self.person, self._rng
        campaign, referrer = self._came_from(errand)
        if device.kind != "app":
            self._may_clear_cookies(device)
            record = self._recorder("web", at, browser_context(person, device, campaign, referrer), device)
        else:
            context = app_context(person, device, campaign, wifi=rng.random() < 0.6)
            record = self._recorder("app", at, context, device)
            if self.account.visits == 0:
                record.track("Application Installed", {"version": "3.2.0", "build": "320"})
            record.track("Application Opened", {"from_background": rng.random() < 0.5})
        moment = self._local(at)
        session = Browsing(person, self.account, device, record, rng, month=moment.month, weekday=moment.weekday())
        order = session.run(errand=errand)
        self._afterwards(record, order, abandoned=self.account.cart is not None)
        if device.kind == "app" and rng.random() < 0.07:
            return self._offline(record)
        return self._sent(record)

    def _may_clear_cookies(self, device: Device) -> None:
        """Browsers forget; after that the device is a stranger under a new anonymous id."""
        if device.renewals < 2 and device.kind != "kiosk" and self._rng.random() < 0.02:
            device.renewals += 1
            device.signed_in = None
            device.anonymous_id = f"{device.anonymous_id[:-2]}{device.renewals:02d}"

    def _came_from(self, errand: str) -> tuple[dict[str, Any] | None, str]:
        if errand == "letter":
            return {"name": "weekly", "source": "newsletter", "medium": "email", "content": "hero"}, ""
        rng = self._rng
        if rng.random() > (0.55 if self.account.visits == 0 else 0.12):
            return None, rng.choice(("https://www.google.com/", "https://duckduckgo.com/", "", "", ""))
        source, medium, name, term, referrer, pence = rng.choice(CAMPAIGNS)
        currency = self.person.currency
        cost = round(pence * CURRENCIES[currency] * (0.7 + 0.6 * rng.random())) / 100
        campaign = {"name": name, "source": source, "medium": medium, "cost": cost, "currency": currency}
        if term:
            campaign["term"] = term
        return campaign, referrer

    def _afterwards(self, record: Recorder, order: Order | None, *, abandoned: bool) -> None:
        """What a visit leads to: returns, reviews, letters, coming back for the cart."""
        rng, account = self._rng, self.account
        if order is not None:
            named: dict[str, Any] = {
                name: record.context[name] for name in ("externalIds", "traits") if name in record.context
            }
            sale = _Sale(order, record.channel, record.anonymous_id, record.user_id, named)
            self._plan(record.at + int((3 + 14 * rng.random()) * DAY), "return", sale)
            if account.registered and rng.random() < 0.14:
                self._plan(record.at + int((4 + 8 * rng.random()) * DAY), "review", order)
            if rng.random() < 0.2 and record.device is not None and account.registered and not account.in_club:
                account.in_club = True
                if any("red" in line.product.tags or "white" in line.product.tags for line in order.lines):
                    record.group("wine-club", {"name": "Wine club", "plan": "monthly"})
        elif abandoned and record.device is not None and rng.random() < 0.3:
            self._plan(record.at + int((0.3 + 2.5 * rng.random()) * DAY), "errand", "cart")
        if account.subscribed and not account.gets_letters:
            account.gets_letters = True
            self._plan(self._next_letter(record.at), "letter", "weekly")

    # -- elsewhere -------------------------------------------------------------------------------------------------

    def _counter(self, channel: str, at: int) -> list[Delivery]:
        person, rng, account = self.person, self._rng, self.account
        moment = self._local(at)
        month, weekday = moment.month, moment.weekday()
        if channel == "store":
            store = the_catalogue().stores[person.store]
            messages = self._kiosk(at) if rng.random() < 0.1 else []
            record = self._recorder("store", max(at, self.busy_until), server_context("store", store=store.key))
            order: Order | None = counters.buys_at_till(
                record, person, account, rng, store=store, month=month, weekday=weekday
            )
        else:
            messages = []
            record = self._recorder(channel, at, server_context(channel))
            if channel == "marketplace":
                order = counters.buys_on_marketplace(record, person, account, rng, month=month, weekday=weekday)
            else:
                order = counters.calls(record, person, account, rng, month=month, weekday=weekday)
        self._afterwards(record, order, abandoned=False)
        return messages + self._sent(record)

    def _kiosk(self, at: int) -> list[Delivery]:
        """Look something up at the store's screen first."""
        record = self._recorder("web", at, browser_context(self.person, self.kiosk, None, ""), self.kiosk)
        moment = self._local(at)
        Browsing(
            self.person, Account(registered=self.account.registered), self.kiosk, record, self._rng,
            month=moment.month, weekday=moment.weekday(),
        ).run()  # fmt: skip
        return self._sent(record)

    def _letter(self, at: int, letter: str) -> list[Delivery]:
        record = self._recorder("email", at, server_context("email"))
        outcome = counters.gets_letter(record, self.person, self._rng, letter=letter)
        if outcome == "clicked":
            self._plan(record.at + 3 * SECOND, "errand", "letter")
        if outcome == "unsubscribed":
            self.account.subscribed = self.account.gets_letters = False
        else:
            self._plan(self._next_letter(at + DAY), "letter", letter)
        return record.messages

    def _comes_back(self, at: int, sale: _Sale) -> list[Delivery]:
        """A return, stated by the channel that had sold it and under the names it had sold it to."""
        record = self._recorder(sale.channel, at, {**_BACK_OFFICE, **sale.named})
        record.anonymous_id, record.user_id = sale.anonymous_id, sale.user_id
        counters.returns(record, self.person, sale.order, self._rng)
        return record.messages

    def _review(self, at: int, order: Order) -> list[Delivery]:
        device = self.person.devices[0]
        record = self._recorder("web", at, browser_context(self.person, device, None, ""), device)
        if record.user_id is not None and record.user_id != self.person.user_id:
            return []
        counters.reviews(record, order, self._rng)
        return self._sent(record)

    # -- time and transport ----------------------------------------------------------------------------------------

    def _recorder(self, channel: str, at: int, context: dict[str, Any], device: Device | None = None) -> Recorder:
        token = f"{digest_of(self._seed, self.person.key, channel, at):016x}"
        return Recorder(self.person, channel, at=at, token=token, context=context, used=self.used, device=device)

    def _sent(self, record: Recorder) -> list[Delivery]:
        """The visit's messages on their way: now and then one goes out twice, as impatient networks do."""
        self.busy_until = record.at + SECOND
        messages = record.messages
        if messages and self._rng.random() < 0.035:
            twice = self._rng.choice(messages)
            messages.append(twice._replace(arrives_at=twice.arrives_at + int(1 + 59 * self._rng.random()) * SECOND))
        return messages

    def _offline(self, record: Recorder) -> list[Delivery]:
        """The telephone had no network: everything arrives together, hours or days later."""
        arrives_at = record.at + int(self._rng.expovariate(1 / (1.2 * DAY)))
        arrives_at = min(arrives_at, record.at + 6 * DAY) + SECOND
        self.busy_until = record.at + SECOND
        return [message._replace(arrives_at=arrives_at) for message in record.messages]

    def _plan(self, at: int, what: str, subject: Any = None) -> None:
        self._plans += 1
        heapq.heappush(self.agenda, (at, self._plans, what, subject))

    def _next_visit(self, at: int) -> int:
        """The next time they feel like it: by their own rate, the season, the weekday and the hour."""
        rng, rate = self._rng, self.person.visits_a_day * _BUSIEST
        moment = at
        while True:
            moment += int(rng.expovariate(rate) * DAY) + HOUR
            local = self._local(moment)
            if rng.random() * _BUSIEST < _WEEK[local.weekday()] * _YEAR[local.month - 1]:
                break
        counter = self.person.channel_weights[2] > 0 and rng.random() < 0.3
        hour = rng.choices(range(24), cum_weights=_COUNTER_HOURS if counter else _SCREEN_HOURS)[0]
        midnight = moment - (moment + self._offset) % DAY
        moment = midnight + hour * HOUR + int(rng.random() * HOUR)
        return moment if moment > at + HOUR else moment + DAY

    def _next_letter(self, at: int) -> int:
        """The coming Thursday morning; everybody's copy leaves within the hour."""
        local = self._local(at)
        midnight = at - (at + self._offset) % DAY
        days = (3 - local.weekday()) % 7 or 7
        return midnight + days * DAY + 9 * HOUR + int(self._rng.random() * HOUR)

    @property
    def _offset(self) -> int:
        return self.person.country.offset_hours * HOUR

    def _local(self, at: int) -> datetime:
        return datetime.fromtimestamp((at + self._offset) // SECOND, tz=UTC)

"""The simulated people: who they are, with whom they live, what they like and on which machines they shop.

Everything a person is follows from the seed and the person's number alone, so a larger town has the same first people.
"""

from __future__ import annotations

import unicodedata
import uuid
from dataclasses import dataclass, field
from random import Random

from rapport.world.catalogue import Product, the_catalogue
from rapport.world.names import APPS, BROWSERS, COUNTRIES, MAIL_DOMAINS, Country
from rapport.world.streams import stream

__all__ = [
    "Device",
    "Household",
    "Person",
    "household_at",
    "households",
    "kiosk_at",
    "person_at",
    "season",
    "with_typo",
]

_DEPARTMENTS = ("Wine", "Food", "Home", "Clothing")
_SEASONS = {"winter": (1.6, 1.3, 0.9, 0.6, 0.4, 0.3, 0.3, 0.3, 0.7, 1.1, 1.8, 2.4),
            "summer": (0.3, 0.4, 0.7, 1.2, 1.8, 2.2, 2.2, 1.7, 1.0, 0.5, 0.3, 0.3)}  # fmt: skip
"""How much more a seasonal product is wanted in each month."""


@dataclass(slots=True)
class Device:
    """A browser or an app installation. `signed_in` is whose account it is signed in to just now."""

    kind: str
    """`mobile`, `desktop`, `tablet`, `kiosk` or `app`."""
    anonymous_id: str
    user_agent: str
    device_id: str | None = None
    app: tuple[str, str, str, str, str] | None = None
    skew: int = 0
    """Microseconds by which its clock is wrong."""
    signed_in: str | None = None
    renewals: int = 0
    """How often its cookies have been cleared."""


@dataclass(slots=True)
class Household:
    """People with one address, often one family name, and sometimes a tablet or a bank card they share."""

    index: int
    first: int
    """Number of its first member; the members follow."""
    size: int
    country: Country
    family: str
    street: str
    city: str
    postcode: str
    shares_card: bool
    tablet: Device | None


@dataclass(slots=True)
class Person:
    """Somebody who shops. The true answer to "who was it?" is `key`."""

    key: str
    household: Household
    given: str
    family: str
    email: str
    phone: str
    birthday: str
    locale: str
    currency: str
    user_id: str
    loyalty_card: str | None
    bank_card: str
    marketplace_buyer: str | None
    relay_email: str
    devices: list[Device]
    app: Device | None
    consent: dict[str, bool]
    visits_a_day: float
    channel_weights: tuple[float, ...]
    """Web, app, store, marketplace, phone."""
    thrift: float
    """0 buys what is dearest, 1 what is cheapest."""
    readiness: float
    """How easily looking becomes buying."""
    size: str
    store: int
    """The store they go to, as its place in the catalogue."""
    pool: list[Product]
    pool_weights: list[float]
    """The products they would come for and the cumulative weight of each."""
    careless: float = 0.0
    """How often they mistype."""
    emails_used: list[str] = field(default_factory=list)

    @property
    def country(self) -> Country:
        return self.household.country


def households(seed: int, people: int) -> list[tuple[int, int]]:
    """Per person the number of their household and the number of its first member."""
    found: list[tuple[int, int]] = []
    household = 0
    while len(found) < people:
        first = len(found)
        size = stream(seed, "household size", household).choices((1, 2, 3, 4), (44, 33, 13, 10))[0]
        found += [(household, first)] * size
        household += 1
    return found[:people]


def household_at(seed: int, index: int, *, first: int) -> Household:
    """The household with this number, the same for every size of town."""
    rng = stream(seed, "household", index)
    size = stream(seed, "household size", index).choices((1, 2, 3, 4), (44, 33, 13, 10))[0]
    country = rng.choices(COUNTRIES, [c.share for c in COUNTRIES])[0]
    city, district = rng.choice(country.cities)
    number = rng.randint(1, 120)
    street = f"{number} {rng.choice(country.streets)}"
    if country.code in ("DE", "IT"):
        street = f"{street.split(' ', 1)[1]} {number}"
    tablet = None
    if size > 1 and rng.random() < 0.4:
        tablet = Device("tablet", _uuid(rng), rng.choice(BROWSERS["tablet"]))
    return Household(
        index=index,
        first=first,
        size=size,
        country=country,
        family=rng.choice(country.family),
        street=street,
        city=city,
        postcode=_postcode(rng, country.code, district),
        shares_card=size > 1 and rng.random() < 0.25,
        tablet=tablet,
    )


def person_at(seed: int, index: int, household: Household) -> Person:
    """The person with this number, the same for every size of town."""
    rng = stream(seed, "person", index)
    country = household.country
    given = rng.choice(country.given)
    family = household.family if rng.random() < 0.82 else rng.choice(country.family)
    has_app = rng.random() < 0.3
    pool, weights = _taste(rng)
    skew = _skew(rng)
    app = _app(rng, skew) if has_app else None
    marketplace = rng.random() < 0.16
    local = _local_stores(household)
    number = stream(seed, "number", index).randrange(10**6) * 10 + index % 10
    return Person(
        key=f"person-{index:06d}", household=household, given=given, family=family,
        email=_email(rng, given, family, index),
        phone=country.phone.format(n=index % 100_000),
        birthday=f"{rng.randint(1946, 2006)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
        locale=country.locale if rng.random() < 0.9 else country.other_locale,
        currency=country.currency,
        user_id=f"u-{index + 10_000}",
        loyalty_card=f"LC{index + 4_000_000}" if rng.random() < 0.38 else None,
        bank_card=_bank_card(seed, household, index),
        marketplace_buyer=f"MB-{number:07d}-{index}" if marketplace else None,
        relay_email=f"buyer-{number:07x}{index}@relay.marketplace.example",
        devices=_browsers(rng, skew),
        app=app,
        consent=_consent(rng) | {"Newsletter": stream(seed, "newsletter", index).random() < 0.4},
        visits_a_day=min(0.7, 0.012 + rng.gammavariate(0.85, 0.16)),
        channel_weights=(
            1.0,
            1.1 if has_app else 0.0,
            rng.choice((0.0, 0.15, 0.3, 0.6)) if local else 0.0,
            0.25 if marketplace else 0.0,
            0.02 if rng.random() < 0.6 else 0.1,
        ),
        thrift=rng.random(),
        readiness=rng.betavariate(2.2, 5.0),
        size=rng.choice(("XS", "S", "M", "M", "L", "L", "XL")),
        store=rng.choice(local) if local else 0,
        pool=pool,
        pool_weights=weights,
        careless=rng.choice((0.0, 0.02, 0.02, 0.06, 0.2)),
    )  # fmt: skip


def _consent(rng: Random) -> dict[str, bool]:
    return {
        "Functional": True,
        "Analytics": rng.random() > 0.03,
        "Advertising": rng.random() < 0.62,
        "Personalisation": rng.random() < 0.8,
    }


def kiosk_at(store: int) -> Device:
    """The screen in a store that anybody may use."""
    rng = stream("kiosk", store)
    return Device("kiosk", _uuid(rng), BROWSERS["kiosk"][0])


def with_typo(rng: Random, text: str, *, keep_from: int | None = None) -> str:
    """The text with one slip of the finger before position `keep_from` (all of it by default)."""
    end = len(text) if keep_from is None else keep_from
    if end < 3:
        return text
    at = rng.randrange(1, end - 1)
    slip = rng.randrange(4)
    if slip == 0:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if slip == 1:
        return text[:at] + text[at + 1 :]
    if slip == 2:
        return text[:at] + text[at] + text[at:]
    return text[:at] + rng.choice("abcdefghijklmnopqrstuvwxyz") + text[at + 1 :]


def season(product: Product, month: int) -> float:
    """How much the product is wanted in a month (1 to 12); 1 for what is bought all year."""
    for tag in product.tags:
        if tag in _SEASONS:
            return _SEASONS[tag][month - 1]
    return 1.0


def _taste(rng: Random) -> tuple[list[Product], list[float]]:
    """The thirty products a person would come for, and cumulative weights: departments, origins, price, whim."""
    catalogue = the_catalogue()
    by_department = {name: rng.gammavariate(0.7, 1.0) + 0.03 for name in _DEPARTMENTS}
    by_category = {name: rng.gammavariate(0.6, 1.0) + 0.02 for name in catalogue.by_category}
    if by_category["Women"] > by_category["Men"]:
        by_category["Men"] *= 0.15
    else:
        by_category["Women"] *= 0.15
    land = rng.choice(("Italy", "Italy", "Italy", "France", "France", "Spain", "United Kingdom", "Japan", "Portugal"))
    love = 1.5 + 4.0 * rng.random()
    level = max(-1.0, min(1.0, rng.gauss(-0.15, 0.55)))
    scored: list[tuple[float, int]] = []
    for product in catalogue.products:
        weight = by_department[product.department] * by_category[product.category]
        if product.origin == land:
            weight *= love
        distance = catalogue.price_level(product) - level
        weight *= max(0.04, 1.0 - distance * distance)
        scored.append((weight * (0.25 + rng.random()), product.index))
    scored.sort(reverse=True)
    pool: list[Product] = []
    weights: list[float] = []
    total = 0.0
    for weight, index in scored[:30]:
        total += weight
        pool.append(catalogue.products[index])
        weights.append(total)
    return pool, weights


def _browsers(rng: Random, skew: int) -> list[Device]:
    kinds = rng.choices((("mobile",), ("desktop",), ("mobile", "desktop")), (5, 2, 4))[0]
    return [Device(kind, _uuid(rng), rng.choice(BROWSERS[kind]), skew=skew) for kind in kinds]


def _app(rng: Random, skew: int) -> Device:
    app = rng.choice(APPS)
    agent = f"Marlow/3.2 ({app[3]}; {app[0]} {app[1]})"
    return Device("app", _uuid(rng), agent, device_id=_uuid(rng).upper(), app=app, skew=skew)


def _skew(rng: Random) -> int:
    """Most clocks are right; one in twenty is minutes, hours or most of a day off."""
    if rng.random() < 0.95:
        return 0
    return rng.choice((-80_000, -7_200, -610, 480, 3_600, 80_000)) * 1_000_000


def _local_stores(household: Household) -> list[int]:
    """Stores in the household's city, or in its country if it is not too large a way."""
    stores = the_catalogue().stores
    here = [place for place, store in enumerate(stores) if store.city == household.city]
    if here or household.index % 2:
        return here
    return [place for place, store in enumerate(stores) if store.country == household.country.code]


def _bank_card(seed: int, household: Household, index: int) -> str:
    """The token a payment service gives for a card; couples may use one card."""
    owner: tuple[object, ...] = ("household card", household.index) if household.shares_card else ("card", index)
    return f"card_{stream(seed, *owner).getrandbits(64):016x}"


def _email(rng: Random, given: str, family: str, index: int) -> str:
    first, last = _plain(given), _plain(family)
    local = rng.choice((f"{first}.{last}", f"{first}{last}", f"{first[0]}.{last}", f"{last}.{first}"))
    return f"{local}{index}@{rng.choice(MAIL_DOMAINS)}"


def _plain(text: str) -> str:
    spelled = text.lower().replace("ü", "ue").replace("ö", "oe").replace("ä", "ae").replace("ß", "ss").replace("ı", "i")
    return "".join(c for c in unicodedata.normalize("NFKD", spelled) if c.isascii() and c.isalnum())


def _postcode(rng: Random, country: str, district: str) -> str:
    if country in ("GB", "IE"):
        tail = f"{rng.randint(1, 9)}{rng.choice('ABDEFGHJLN')}{rng.choice('PQRSTUWXYZ')}"
        return f"{district} {tail}" if country == "GB" else f"{district} {tail}{rng.randint(1, 9)}"
    return f"{district}{rng.randint(0, 999):03d}"


def _uuid(rng: Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))

"""Tables of records of people as a shop has them, with the truth beside: what the learned links are measured on.

Most people live alone in such a table, and the rest in every relation that makes two people look like one: families,
fathers and sons of one name, twins, flatmates, couples with one e-mail address, the buyers of one company, namesakes.
A person is there once to four times, as an account, a guest, a card in a store or behind a marketplace's relay, moves,
marries, sends gifts and mistypes. Pure and seeded: no value is anybody's.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from rapport.world.table_values import SURNAME_PARTS, TOWN_PARTS, Tongue, misspelt, tongues

__all__ = [
    "COLUMNS",
    "HOMES",
    "WAYS",
    "Density",
    "Home",
    "Mix",
    "PeopleTable",
    "Way",
    "mix_of",
    "table_of",
    "various_mix",
]

COLUMNS = (
    "given_name", "surname", "email", "phone", "birth_date", "gender", "street", "postcode", "city", "country",
    "company", "card",
)  # fmt: skip

_NAMES = ("given_name", "surname")


class Home(StrEnum):
    """With whom people share what they share; of a pair of two people also how they are related."""

    ALONE = "alone"
    COUPLE = "couple"
    ONE_MAIL = "couple_with_one_mail"
    FAMILY = "family"
    FATHER_AND_SON = "father_and_son_of_one_name"
    TWINS = "twins"
    FLATMATES = "flatmates"
    COMPANY = "company"
    NAMESAKES = "namesakes"
    GIFT = "gift"
    """Of a pair alone: the one sent a gift to the other's door."""
    STRANGERS = "strangers"
    """Of a pair alone."""


class Way(StrEnum):
    """How a record came about."""

    ACCOUNT = "account"
    GUEST = "guest"
    PLUS_TAG = "plus_tag"
    MISTYPED_DOMAIN = "mistyped_domain"
    SECOND_MAIL = "second_mail"
    MOVED = "moved"
    MARRIED = "married"
    GIFT = "gift"
    STORE_CARD = "store_card"
    RELAY = "marketplace_relay"


HOMES: Mapping[Home, float] = {
    Home.ALONE: 0.42, Home.COUPLE: 0.12, Home.ONE_MAIL: 0.05, Home.FAMILY: 0.16, Home.FATHER_AND_SON: 0.05,
    Home.TWINS: 0.03, Home.FLATMATES: 0.05, Home.COMPANY: 0.07, Home.NAMESAKES: 0.05,
}  # fmt: skip
"""Share of the people by home, as it is unless asked otherwise."""
_LIVING_TOGETHER = (Home.COUPLE, Home.ONE_MAIL, Home.FAMILY, Home.TWINS)
"""Nobody gives two children one name, and hardly anybody of a couple is called as the other."""
WAYS: Mapping[Way, float] = {
    Way.ACCOUNT: 0.26, Way.GUEST: 0.28, Way.PLUS_TAG: 0.04, Way.MISTYPED_DOMAIN: 0.04, Way.SECOND_MAIL: 0.10,
    Way.MOVED: 0.09, Way.MARRIED: 0.03, Way.GIFT: 0.04, Way.STORE_CARD: 0.08, Way.RELAY: 0.04,
}  # fmt: skip
"""Share of a person's later records by way; the first is an account."""


class Density(StrEnum):
    """How many share a name and a town by chance."""

    TOWN = "town"
    REGION = "region"
    WORLD = "world"


class Mix(NamedTuple):
    """What a table is to hold; shares sum to 1."""

    homes: Mapping[Home, float] = HOMES
    ways: Mapping[Way, float] = WAYS
    births: float = 0.35
    """Share of records with a date of birth."""
    slips: float = 0.06
    """Chance that a value is mistyped."""
    density: Density = Density.REGION
    gaps: float = 0.0
    """Share of the values that a record lacks; of given names a third as many, of surnames none."""
    gift_names: float = 1.0
    """Share of the gifts that bear the receiver's name, and not the giver's with the receiver's door."""
    landlines: float = 0.3
    """Share of the records that tell the telephone of the house or of the company."""
    rare_names: float = 0.0
    """Share of the people whose given name hardly anybody else has."""
    again: tuple[float, ...] = (0.42, 0.28, 0.18, 0.12)
    """Weights of the number of a person's later records, from none."""


class PeopleTable(NamedTuple):
    """Records, and by record the truth: the person, the household or company, its kind, and how the record came."""

    rows: list[dict[str, str | None]]
    persons: list[str]
    households: list[str]
    homes: list[Home]
    ways: list[Way]
    receivers: list[str | None]
    """Of a gift the household whose door it went to."""

    def relation(self, a: int, b: int) -> Home | None:
        """How the people of two records are related; None where they are one person."""
        if self.persons[a] == self.persons[b]:
            return None
        if self.households[a].partition(".")[0] == self.households[b].partition(".")[0]:
            return self.homes[a]
        if self.receivers[a] == self.households[b] or self.receivers[b] == self.households[a]:
            return Home.GIFT
        return Home.STRANGERS


class _Door(NamedTuple):
    street: str
    postcode: str
    city: str
    landline: str


class _Person(NamedTuple):
    name: str
    given: str
    surname: str
    maiden: str
    gender: str
    born: str
    mail: str
    second_mail: str
    mobile: str
    card: str
    company: str | None
    tongue: Tongue
    own_door: bool


class _Household(NamedTuple):
    kind: Home
    door: _Door
    people: list[_Person]


def mix_of(seed: int) -> Mix:
    """The mix of a seed: every density with few, some and many dates of birth comes up among nine seeds in turn."""
    return Mix(
        births=(0.0, 0.35, 0.9)[seed // 3 % 3], slips=(0.04, 0.06, 0.09)[seed % 3], density=tuple(Density)[seed % 3]
    )


def various_mix(seed: int) -> Mix:
    """A mix of any shares, more various than shops are, so that what is learned on some holds on others."""
    rng = random.Random(f"mix {seed}")
    spread = {home: share * rng.lognormvariate(0, 0.7) for home, share in HOMES.items()}
    spread[Home.FATHER_AND_SON] *= 0.6
    ways = {way: share * rng.lognormvariate(0, 0.7) for way, share in WAYS.items()}
    never = rng.uniform(0.3, 0.8)
    return Mix(
        homes={home: share / sum(spread.values()) for home, share in spread.items()}, ways=ways,
        births=rng.choice((0.0, rng.uniform(0.1, 0.5), rng.uniform(0.5, 0.98))), slips=rng.uniform(0.005, 0.09),
        density=rng.choice(list(Density)), gaps=rng.uniform(0, 0.3), gift_names=rng.uniform(0, 1),
        landlines=rng.uniform(0.05, 0.5), rare_names=rng.choice((0.0, 0.2, 0.6)),
        again=(never, *(weight * (1 - never) for weight in (0.5, 0.3, 0.2))),
    )  # fmt: skip


def table_of(seed: int, *, records: int = 6_000, mix: Mix | None = None) -> PeopleTable:
    """Make a table of about so many records, half as many people. The same seed and mix make the same table."""
    rng = random.Random(f"people {seed}")
    writer = _Writer(rng, mix or mix_of(seed), people=records // 2)
    return writer.written()


class _Writer:
    """Makes households, then the records of their people, and shuffles them."""

    def __init__(self, rng: random.Random, mix: Mix, *, people: int) -> None:
        self._rng, self._mix, self._people = rng, mix, people
        self._tongues = tongues() if mix.density is Density.WORLD else tongues()[:3]
        shape = {Density.TOWN: (150, 4, 60), Density.REGION: (600, 25, 400), Density.WORLD: (2_500, 120, 3_000)}
        surnames, towns, streets = shape[mix.density]
        made = [a + b for a in SURNAME_PARTS[0] for b in SURNAME_PARTS[1]]
        self._made_surnames = rng.sample(made, min(len(made), surnames))
        self._streets = rng.sample(made, min(len(made), streets))
        self._towns = rng.sample([a + b for a in TOWN_PARTS[0] for b in TOWN_PARTS[1]], towns)
        self._households: list[_Household] = []
        self._numbers = 0

    def written(self) -> PeopleTable:
        """The table."""
        for kind, share in self._mix.homes.items():
            wanted, made = round(share * self._people), 0
            while made < wanted:
                household = self._household(kind)
                self._households.append(household)
                made += len(household.people)
        lines = [
            line
            for number, household in enumerate(self._households)
            for person in household.people
            for line in self._lines(number, household, person)
        ]
        self._rng.shuffle(lines)
        return PeopleTable(*(list(column) for column in zip(*lines, strict=True)))

    # --- households ---

    def _household(self, kind: Home) -> _Household:
        rng, tongue = self._rng, self._rng.choice(self._tongues)
        door = self._door(tongue)
        surname = self._surname(tongue)
        people: list[_Person] = []
        size = {Home.ALONE: 1, Home.FLATMATES: rng.randint(2, 4), Home.COMPANY: rng.randint(3, 12),
                Home.FAMILY: rng.randint(3, 5)}.get(kind, 2)  # fmt: skip
        for number in range(size):
            person = self._person(kind, tongue, surname, number)
            while any(person.given == one.given for one in people) and kind in _LIVING_TOGETHER:
                person = self._person(kind, tongue, surname, number)
            people.append(self._related(kind, person, people))
        return _Household(kind, door, people)

    def _person(self, kind: Home, tongue: Tongue, surname: str, number: int) -> _Person:
        rng = self._rng
        self._numbers += 1
        gender = rng.choice("mf")
        given = rng.choice(tongue.men if gender == "m" else tongue.women)
        if self._mix.rare_names and rng.random() < self._mix.rare_names:
            given = rng.choice(SURNAME_PARTS[0]) + rng.choice("aeiou") + rng.choice(("n", "l", "r", "s", "th", "nd"))
        if kind in (Home.FLATMATES, Home.COMPANY) or (kind is Home.COUPLE and rng.random() < 0.3):
            surname = self._surname(tongue)
        year = rng.randint(1945, 2004) if kind is not Home.FAMILY or number < 2 else rng.randint(1995, 2007)
        company = f"{surname} {rng.choice(('Trading', 'Works', 'Studio'))}" if kind is Home.COMPANY else None
        return _Person(
            f"p{self._numbers}", given, surname, self._surname(tongue), gender, _birth(rng, year),
            self._mail(given, surname), self._mail(given, surname), tongue.phone.format(n=rng.randrange(10_000_000)),
            f"{rng.randrange(10**11):011d}", company, tongue, False,
        )  # fmt: skip

    def _related(self, kind: Home, person: _Person, before: list[_Person]) -> _Person:
        """The person, with what it shares with the first of the household."""
        if not before:
            return person
        first, rng = before[0], self._rng
        namesake = {"given": first.given, "gender": first.gender}
        shared: dict[str, Any] = {}
        if kind is Home.ONE_MAIL:
            shared = {"mail": first.mail, "second_mail": first.mail}
        elif kind is Home.FATHER_AND_SON:
            shared = {**namesake, "born": _birth(rng, int(first.born[:4]) + rng.randint(20, 35))}
        elif kind is Home.TWINS:
            shared = {"born": first.born}
        elif kind is Home.COMPANY:
            shared = {"company": first.company, "mail": first.mail if rng.random() < 0.3 else person.mail}
        elif kind is Home.NAMESAKES:
            shared = {**namesake, "own_door": True}
        elif kind in (Home.FAMILY, Home.COUPLE) and rng.random() < 0.25:
            shared = {"mail": first.mail}
        if "given" in shared:
            mails = {name: self._mail(first.given, person.surname) for name in ("mail", "second_mail")}
            shared = {**mails, **shared}
        return person._replace(**shared)

    def _surname(self, tongue: Tongue) -> str:
        rng = self._rng
        if tongue.surnames and rng.random() < 0.5:
            return rng.choice(tongue.surnames)
        return rng.choice(self._made_surnames) if tongue.latin else rng.choice(tongue.surnames)

    def _mail(self, given: str, surname: str) -> str:
        rng = self._rng
        plain = self._tongues[0].plain
        first, last = plain(given), plain(surname)
        shape = rng.choice((f"{first}.{last}", f"{first}{last}", f"{first[:1]}{last}", first, f"{last}.{first}"))
        if rng.random() < 0.6:
            shape += str(rng.randint(1, 999))
        return f"{shape}@{rng.choice(('mail.example', 'post.example', 'inbox.example', 'web.example'))}"

    def _door(self, tongue: Tongue) -> _Door:
        rng = self._rng
        town = rng.randrange(len(self._towns))
        street = rng.randrange(len(self._streets))
        number = rng.randint(1, 90)
        postcode = f"{10 + town % 90}{street % 1000:03d}"
        return _Door(
            f"{self._streets[street]} {tongue.street} {number}",
            postcode,
            self._towns[town],
            tongue.phone.format(n=rng.randrange(10**7)),
        )

    # --- records ---

    def _lines(self, number: int, household: _Household, person: _Person) -> list[tuple[object, ...]]:
        rng = self._rng
        door = self._door(person.tongue) if person.own_door else household.door
        later = _more(rng, self._mix.again)
        ways = [Way.ACCOUNT, *rng.choices(list(self._mix.ways), list(self._mix.ways.values()), k=later)]
        lines: list[tuple[object, ...]] = []
        for way in ways:
            receiver = rng.randrange(len(self._households)) if way is Way.GIFT else None
            row = self._row(household, person, way, door, receiver)
            to = None if receiver is None else f"h{receiver}"
            under = f"h{number}.{person.name}" if household.kind is Home.NAMESAKES else f"h{number}"
            lines.append((row, person.name, under, household.kind, way, to))
        return lines

    def _row(
        self, household: _Household, person: _Person, way: Way, door: _Door, receiver: int | None
    ) -> dict[str, str | None]:
        rng, mix = self._rng, self._mix
        landline = rng.random() < mix.landlines
        row: dict[str, str | None] = {
            "given_name": person.given, "surname": person.surname, "email": person.mail,
            "phone": door.landline if landline else person.mobile,
            "birth_date": person.born if rng.random() < mix.births else None,
            "gender": person.gender if rng.random() < 0.5 else None,
            "street": door.street, "postcode": door.postcode, "city": door.city, "country": person.tongue.country,
            "company": person.company, "card": person.card if rng.random() < 0.2 else None,
        }  # fmt: skip
        self._come(row, person, way, receiver)
        for column in ("given_name", "surname", "email", "phone", "street", "postcode", "city", "birth_date"):
            text = row[column]
            if text and rng.random() < mix.slips:
                row[column] = misspelt(text, rng)
            elif text and column in ("phone", "given_name") and rng.random() < 0.12:
                row[column] = None if column == "phone" else text[:1]
        if mix.gaps:
            row |= {name: None for name in row if name not in _NAMES and rng.random() < mix.gaps}
            if rng.random() < mix.gaps / 3:
                row["given_name"] = None
        return row

    def _come(self, row: dict[str, str | None], person: _Person, way: Way, receiver: int | None) -> None:
        """Change what a record of this way holds."""
        mail, at, domain = person.mail.partition("@")
        if way is Way.GUEST:
            row |= {"birth_date": None, "gender": None, "card": None}
        elif way is Way.PLUS_TAG:
            row["email"] = f"{mail}+shop{at}{domain}"
        elif way is Way.MISTYPED_DOMAIN:
            row["email"] = mail + at + domain.replace("example", "exmaple")
        elif way is Way.SECOND_MAIL:
            row["email"] = person.second_mail
        elif way is Way.MOVED:
            new = self._door(person.tongue)
            row |= {"street": new.street, "postcode": new.postcode, "city": new.city, "phone": person.mobile}
        elif way is Way.MARRIED:
            row["surname"] = person.maiden
        elif way is Way.STORE_CARD:
            row |= dict.fromkeys(("email", "phone", "birth_date", "street", "city", "postcode", "company"))
            row |= {"card": person.card}
        elif way is Way.RELAY:
            row |= {"email": f"{self._rng.randrange(10**12):012x}@relay.example", "birth_date": None, "phone": None}
        elif receiver is not None:
            self._go_to(self._households[receiver], row)

    def _go_to(self, there: _Household, row: dict[str, str | None]) -> None:
        """To another's door, mostly under that other's name."""
        row |= {"street": there.door.street, "postcode": there.door.postcode, "city": there.door.city}
        row["birth_date"] = None
        if self._mix.gift_names == 1 or self._rng.random() < self._mix.gift_names:
            row |= {"surname": there.people[0].surname, "given_name": there.people[0].given}


def _more(rng: random.Random, weights: tuple[float, ...]) -> int:
    """Records of a person beside the first: one on average, unless asked otherwise."""
    return rng.choices(range(len(weights)), weights)[0]


def _birth(rng: random.Random, year: int) -> str:
    return f"{year}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"

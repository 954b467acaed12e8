"""Orders of before the town's past begins, as the export of an older shop lists them: guests, known by their e-mail.

Those who knew the shop before (their first visit is early in the past) ordered there, as often as they like to.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from rapport.kernel.clock import DAY, HOUR, to_iso
from rapport.kernel.identifiers import Identifier
from rapport.world.people import Person, household_at, households, person_at
from rapport.world.streams import stream
from rapport.world.timeline import Town
from rapport.world.truth import Known

__all__ = ["COLUMNS", "known_before", "orders_before", "write_orders_before"]

COLUMNS = (
    "Order number", "Date", "E-mail", "First name", "Last name", "City", "Postal code", "Country", "Currency",
    "Product number", "Product name", "Price", "Quantity",
)  # fmt: skip
"""Of the table; the ready map "orders of any table" reads it. Prices are with tax."""
DAYS = 180
_KNEW = 0.4
"""Share of the people who knew the shop."""
_BUYING = 0.6
"""Orders a visit, for somebody who is as ready to buy as anybody."""


def orders_before(town: Town) -> Iterator[tuple[str, ...]]:
    """The lines of all orders, person by person; the same for one town each time."""
    for index, (household, first) in enumerate(households(town.seed, town.people)):
        rng = stream(town.seed, "before", index)
        if rng.random() > _KNEW:
            continue
        person = person_at(town.seed, index, household_at(town.seed, household, first=first))
        rate = person.visits_a_day * person.readiness * _BUYING
        day = rng.expovariate(rate)
        leaves = rng.expovariate(1 / (2 * DAYS))
        while day < min(DAYS, leaves):
            at = town.starts_at - DAYS * DAY + int(day * DAY) // HOUR * HOUR + rng.randrange(HOUR)
            yield from _lines(person, f"A-{index:05}-{int(day):03}", at, rng.choice((1, 1, 1, 2, 2, 3)), town.seed)
            day += 1 + rng.expovariate(rate)


def known_before(town: Town) -> list[Known]:
    """Whose the orders are, by the e-mail they name."""
    numbers = {int(line[0].split("-")[1]) for line in orders_before(town)}
    people = [
        person_at(town.seed, index, household_at(town.seed, household, first=first))
        for index, (household, first) in enumerate(households(town.seed, town.people))
        if index in numbers
    ]
    return [
        Known(
            person=one.key, household=one.household.index, name=f"{one.given} {one.family}",
            identifiers=[Identifier("email", one.email)],
        )
        for one in people
    ]  # fmt: skip


def write_orders_before(path: Path, town: Town) -> int:
    """Write the table, in place of an earlier one; answers its lines."""
    lines = sorted(orders_before(town), key=lambda line: line[1])
    draft = path.with_suffix(".partial")
    with draft.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(lines)
    draft.replace(path)
    return len(lines)


def _lines(person: Person, number: str, at: int, size: int, seed: int) -> Iterator[tuple[str, ...]]:
    rng = stream(seed, "before", number)
    home = person.household
    head = (
        number, to_iso(at), person.email, person.given, person.family, home.city, home.postcode, home.country.code,
        person.currency,
    )  # fmt: skip
    for product in dict.fromkeys(rng.choices(person.pool, cum_weights=person.pool_weights, k=size)):
        price = product.card(person.currency)["price"]
        yield (*head, product.id, product.name, f"{price:.2f}", "1" if rng.random() < 0.85 else "2")

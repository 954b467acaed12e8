"""Tables that would tie everybody to everybody: one name, one building, one telephone. They end bounded and quiet."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rapport.resolve.linking.clusters import WORTH_A_LOOK, Clusters
from rapport.resolve.linking.homes import Homes
from rapport.resolve.linking.kinds import detect
from rapport.resolve.linking.scorer import LiveIndex
from rapport.resolve.linking.training import train
from tests.rooms.resolve.linking import people

RECORDS = 400


def letters(number: int) -> str:
    return "".join(chr(97 + (number // 26**place) % 26) for place in range(4))


def somebody(number: int) -> dict[str, str]:
    own = letters(number * 7919)
    return {
        "given_name": f"{own}o", "surname": f"{own[::-1]}berg", "email": f"{own}.{number}@mail.example",
        "phone": f"+4477{number * 104_729 % 10**8:08}", "street": f"{number % 90 + 1} {own[:2]}ham Road",
        "postcode": f"{number % 97:02}{number % 991:03}", "city": f"{own[1:3]}ford",
    }  # fmt: skip


ONE_NAME = {"given_name": "Ada", "surname": "King"}
ONE_DOOR = {"street": "1 Tower Road", "postcode": "10100", "city": "Hull"}
ONE_PHONE = {"phone": "+44 1482 000000"}


@pytest.mark.parametrize(
    "shared", [ONE_NAME, ONE_DOOR, ONE_PHONE, ONE_DOOR | ONE_PHONE], ids=["name", "building", "phone", "both"]
)
def test_what_everybody_shares_ties_nobody_and_costs_no_more_than_anything_else(shared: dict[str, str]) -> None:
    rows = [somebody(number) | shared for number in range(RECORDS)]
    both = [*people.shop_rows(), *rows]
    model = train(both, detect(both))
    index = LiveIndex(model)
    persons = Clusters(index.cautious, threshold=model.thresholds.automatic, mean=model.thresholds.mean)
    homes = Homes(index, persons)
    compared = counting(index)
    asked = 0
    for number, row in enumerate(rows):
        matches = index.put(number, row, above=WORTH_A_LOOK)
        persons.add(number, matches)
        homes.add(number)
        asked += sum(match.score >= model.thresholds.review for match in matches)
    assert compared() <= RECORDS * 250, "as many comparisons for a record as ever, however many share"
    assert max(map(len, persons.persons())) == 1
    assert asked <= 2 * RECORDS
    assert max(len(homes.members(number)) for number in range(RECORDS)) <= 40


def counting(index: LiveIndex) -> Callable[[], int]:
    """How many pairs were compared since."""
    times, levels = [0], index.comparer.levels

    def counted(a: tuple[object, ...], b: tuple[object, ...]) -> tuple[int, ...]:
        times[0] += 1
        return levels(a, b)

    index.comparer.levels = counted  # type: ignore[method-assign]
    return lambda: times[0]

"""A gift bears its receiver's name and door and its giver's e-mail: it ties the two homes to no one household."""

from __future__ import annotations

import pytest

from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.linking.clusters import WORTH_A_LOOK, Clusters
from rapport.resolve.linking.comparisons.sent import Sent
from rapport.resolve.linking.homes import Homes
from rapport.resolve.linking.kinds import detect
from rapport.resolve.linking.scorer import LiveIndex
from rapport.resolve.linking.training import train
from tests.rooms.resolve.linking import people

MILL = {"street": "3 Mill Lane", "postcode": "HU1 3BB", "city": "Hull"}
HIGH = {"street": "12 High Street", "postcode": "YO1 7AA", "city": "York"}
ADA = {"given_name": "Ada", "surname": "Lordorberg", "email": "ada.lordorberg7@mail.example",
       "phone": "+44 7700 900123", **HIGH}  # fmt: skip
BO = {"given_name": "Bo", "surname": "Pelosridge", "email": "bo.pel@post.example", "phone": "+44 7700 900456", **MILL}
CARLA = BO | {"given_name": "Carla", "email": "carla88@web.example", "phone": "+44 7700 900789"}
GIFT = ADA | {"given_name": "Bo", "surname": "Pelosridge"} | MILL
"""Of Ada, to Bo."""
MOVED = ADA | MILL
PARTNER = ADA | {"given_name": "Dora", "phone": "+44 7700 900999"}
"""Of the same mailbox and door."""
ROLES = {"given_name": "g", "surname": "s", "email": "e", "phone": "p", "street": "t", "postcode": "z", "city": "c"}


def texts(row: dict[str, str]) -> list[str]:
    return [f"{ROLES[column]}:{text}" for column, text in row.items()]


def sent(*rows: dict[str, str]) -> list[bool]:
    counted = Sent.frequencies([texts(row) for row in rows])
    return [Sent.feature(texts(row), counted) for row in rows]


def test_a_gift_is_known_by_what_else_is_known_of_giver_and_receiver() -> None:
    assert sent(ADA, BO, CARLA, GIFT) == [False, False, False, True]
    assert sent(ADA, GIFT) == [False, False], "nobody of that name is known there: she may have another name"
    assert sent(BO, GIFT) == [False, False], "the giver is not known otherwise"


@pytest.mark.parametrize("other", [MOVED, PARTNER, PARTNER | MILL, ADA | {"given_name": "A."} | MILL])
def test_who_moves_shares_a_mailbox_or_shortens_a_name_sends_nothing(other: dict[str, str]) -> None:
    assert not any(sent(ADA, BO, CARLA, other))


def test_a_gift_lives_with_its_giver_and_its_receiver_where_he_did() -> None:
    rows = [*people.shop_rows(), ADA, PARTNER, BO, CARLA, GIFT]
    model = train(rows, detect(rows))
    index = LiveIndex(model)
    persons = Clusters(index.cautious, threshold=model.thresholds.automatic, mean=model.thresholds.mean)
    homes = Homes(index, persons)
    for number, row in enumerate((ADA, PARTNER, BO, CARLA, GIFT)):
        persons.add(number, index.put(number, row, above=WORTH_A_LOOK))
        homes.add(number)
    ada, partner, bo, carla, gift = homes.taken(WorkspaceId(1), {at: Key(bytes([at]) * 16) for at in range(5)}).values()
    assert ada is not None
    assert bo is not None
    assert ada.household == partner.household == gift.household != bo.household == carla.household  # type: ignore[union-attr]

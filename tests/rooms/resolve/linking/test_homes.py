"""Who lives together, as a shop's model has it: with a probability, of other surnames too, and never merged."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from rapport.kernel.ids import Key
from rapport.resolve.linking import households
from rapport.resolve.linking.clusters import WORTH_A_LOOK
from rapport.resolve.linking.homes import Homes
from rapport.resolve.linking.linker import Linker, forget
from rapport.resolve.linking.model import GroupKind
from rapport.resolve.linking.scorer import LiveIndex
from tests.rooms.resolve.linking import people
from tests.rooms.resolve.linking.desk import Desk
from tests.rooms.resolve.shop import Shop, seen

ADA = {
    "given_name": "Ada", "surname": "Lordorberg", "email": "ada.lordorberg7@mail.example", "phone": "+44 7700 900123",
    "street": "12 High Street", "postcode": "YO1 7AA", "city": "York",
}  # fmt: skip
BO = ADA | {"given_name": "Bo", "surname": "Pelosridge", "email": "bo@post.example"}
CY = {
    "given_name": "Cy", "surname": "Grimner", "email": "cy@post.example", "phone": "+44 7911 123456",
    "street": "3 Mill Lane", "postcode": "HU1 3BB", "city": "Hull",
}  # fmt: skip


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return Desk(shop, trained=people.shop_model())


def home_of(desk: Desk, value: str) -> households.Household | None:
    with desk.shop.db.read() as conn:
        return households.household_of(conn, desk.shop.workspace, desk.web(value))


def test_a_couple_of_two_surnames_lives_together_by_some_chance_and_stays_two(desk: Desk) -> None:
    desk.meet(a=ADA, b=BO, c=CY)
    assert not desk.shop.together("a", "b")
    home = home_of(desk, "a")
    assert home is not None
    assert home == home_of(desk, "b")
    assert set(home.roots) == {desk.web("a"), desk.web("b")}
    assert home.probability is not None
    assert 0.8 < home.probability < 1
    assert "the same door" in home.because
    assert home_of(desk, "c") is None


def test_who_moves_out_lives_there_no_more(desk: Desk) -> None:
    desk.meet(a=ADA, b=BO)
    assert home_of(desk, "a") is not None
    desk.known["b"] = BO | {name: CY[name] for name in ("street", "postcode", "city", "phone")}
    desk.shop.see(seen(60, web="b"))
    desk.tell(70, ["b"])
    assert home_of(desk, "a") is None
    assert home_of(desk, "b") is None


def test_a_worker_that_starts_anew_goes_on_where_the_other_was(desk: Desk) -> None:
    desk.meet(a=ADA, b=BO)
    before = home_of(desk, "a")
    desk.linker = Linker(lambda *_: desk.shop.policy)
    desk.known["d"] = ADA | {"given_name": "Dora", "email": "dora@post.example"}
    desk.shop.see(seen(80, web="d"))
    desk.tell(90, ["d"])
    after = home_of(desk, "b")
    assert before is not None
    assert after is not None
    assert set(after.roots) == {*before.roots, desk.web("d")}


def test_of_whom_was_erased_no_household_is_kept(desk: Desk) -> None:
    desk.meet(a=ADA, b=BO)
    with desk.shop.db.write() as conn:
        forget(conn, desk.shop.workspace, [desk.web("a")])
        table = households.households
        query = sa.select(table.c.key).where(table.c.workspace == desk.shop.workspace)
        kept = {Key(key) for key in conn.execute(query).scalars()}
    assert kept == {desk.web("b")}
    assert home_of(desk, "b") is None


def test_a_building_is_no_household_and_costs_no_more_than_its_records() -> None:
    """Three hundred people at one door, all with the telephone of the house."""
    index = LiveIndex(people.shop_model())
    homes = Homes(index)
    touched = 0
    for number in range(300):
        letters = "".join(chr(97 + (number // 26**place) % 26) for place in range(3))
        index.put(number, ADA | {"given_name": f"{letters}o", "surname": f"{letters}{letters}"}, above=WORTH_A_LOOK)
        homes.add(number)
        touched += len(homes.changed)
        homes.changed.clear()
    assert max(len(homes.members(number)) for number in range(300)) <= 40
    assert touched <= 300 * 45


FLATMATE = {
    "given_name": "Dmitri", "surname": "Falkins", "email": "dmitri@web.example", "phone": "+44 7700 111222",
    "street": "12 High Street", "postcode": "YO1 7AA", "city": "York",
}  # fmt: skip
WORKS = {"company": "Esdale Works Ltd", "street": "1 Canal Yard", "postcode": "HU2 9ZZ", "city": "Hull"}
COLLEAGUES = [
    {"given_name": given, "surname": surname, "email": f"{given.lower()}@inbox.example", "phone": phone} | WORKS
    for given, surname, phone in (
        ("Elena", "Grimford", "+44 7700 222333"), ("Farid", "Holcroft", "+44 7700 333444"),
        ("Grace", "Ingmann", "+44 7700 444555"), ("Hugo", "Jarson", "+44 7700 555666"),
    )
]  # fmt: skip


def test_flatmates_have_nothing_but_the_door_in_common_and_are_found(desk: Desk) -> None:
    desk.meet(a=ADA, b=FLATMATE, c=CY)
    home = home_of(desk, "a")
    assert home is not None
    assert set(home.roots) == {desk.web("a"), desk.web("b")}
    assert home.kind is GroupKind.HOME
    assert not desk.shop.together("a", "b")


def test_who_buys_for_one_company_is_no_household_and_stays_several(desk: Desk) -> None:
    desk.meet(a=ADA, **{f"w{at}": one for at, one in enumerate(COLLEAGUES)})
    office = home_of(desk, "w0")
    assert office is not None
    assert office.kind is GroupKind.COMPANY
    assert set(office.roots) == {desk.web(f"w{at}") for at in range(4)}
    assert office.probability is not None
    assert office.probability > 0.9
    assert "the same company" in office.because
    assert not desk.shop.together("w0", "w1")
    assert home_of(desk, "a") is None


def test_a_company_that_is_told_elsewhere_too_holds_its_people_without_a_door(desk: Desk) -> None:
    nowhere = [{name: text for name, text in one.items() if name not in ("street", "postcode", "city")}
               for one in COLLEAGUES]  # fmt: skip
    desk.meet(**{f"w{at}": one for at, one in enumerate(nowhere)})
    office = home_of(desk, "w0")
    assert office is not None
    assert office.kind is GroupKind.COMPANY

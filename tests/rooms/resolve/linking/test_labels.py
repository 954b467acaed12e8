"""Labels that a shop already has: staff's decisions, what one account states, and what two people did at once."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from sqlalchemy import Connection

from rapport.kernel.clock import DAY
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.linking.decide import Decide
from rapport.resolve.linking.labels import Label, SaidBy, labels
from rapport.storage.engine import Database
from tests.rooms.resolve.linking.desk import ADA, BO, SLIPPED
from tests.rooms.resolve.linking.test_review import ReviewDesk
from tests.rooms.resolve.shop import Shop, made_shop, seen


def told(shop: Shop, known: Mapping[tuple[str, str], dict[str, str]]) -> list[Label]:
    """The labels of a shop in which this is known of identifiers."""
    by_key = {shop.key(*identifier): fields for identifier, fields in known.items()}

    def fields_of(
        conn: Connection, workspace: WorkspaceId, groups: Mapping[Key, list[Key]]
    ) -> dict[Key, dict[str, str]]:
        return {unit: by_key[key] for unit, keys in groups.items() for key in keys if key in by_key}

    with shop.db.read() as conn:
        return labels(conn, shop.workspace, fields_of)


@pytest.mark.parametrize("one_person", [True, False])
def test_what_staff_decided_is_a_label_with_both_records_as_they_were(db: Database, *, one_person: bool) -> None:
    desk = ReviewDesk(db)
    desk.meet(a=ADA, b=SLIPPED, c=BO)
    desk.identity.act(desk.bo, Decide(desk.queue()[0].id, one_person=one_person), reason="asked her")
    found = told(desk.shop, {("anonymous_id", value): fields for value, fields in desk.known.items()})
    assert [(one.one_person, one.said_by, one.shared) for one in found] == [(one_person, SaidBy.STAFF, frozenset())]
    assert sorted([found[0].left["last_name"], found[0].right["last_name"]]) == ["lordorberg", "lordorbreg"]


def test_a_login_after_a_guests_order_is_one_person_and_so_are_two_addresses_of_one_account(db: Database) -> None:
    shop = made_shop(db)
    shop.see(
        seen(1, email="ada@x.de", name="Ada Lovelace"),
        seen(2, user="ada", email="ada@x.de", name="Ada Lovelace"),
        seen(3, user="ada", email="ada@y.de", name="Ada Lovelace"),
        seen(4, email="ada@y.de", name="Ada Lovelace"),
    )  # fmt: skip
    one, other = (("named_contact", f"ada@{host}.de ada/lovelace") for host in "xy")
    found = told(shop, {("user_id", "ada"): ADA, one: SLIPPED, other: ADA | {"city": "hull"}})
    assert {(one.one_person, one.said_by) for one in found} == {(True, SaidBy.ACCOUNT)}
    assert sorted(sorted(one.shared) for one in found) == [[], ["email"], ["email"]], "and it says what chose the pair"


def test_two_accounts_on_one_device_in_the_same_days_are_two_people(db: Database) -> None:
    shop = made_shop(db)
    for day in (1, 5, 9):
        shop.see(seen(day * DAY, user="ada", web="tablet"), seen(day * DAY + 1, user="bo", web="tablet"))
    shop.see(seen(20 * DAY, user="cy", web="tablet"))
    known = {("user_id", "ada"): ADA, ("user_id", "bo"): BO, ("user_id", "cy"): SLIPPED}
    assert told(shop, known) == [Label(ADA, BO, False, SaidBy.ACCOUNTS_AT_ONCE, frozenset({"anonymous_id"}))]


def test_two_dates_of_birth_at_one_address_are_two_people(db: Database) -> None:
    shop = made_shop(db)
    shop.see(
        seen(1, email="home@x.de", name="John Smith", born="1950-03-04"),
        seen(2, email="home@x.de", name="John Smith", born="1980-07-21"),
        seen(3, email="home@x.de", name="Mary Smith"),
    )  # fmt: skip
    names = ("john/smith/1950-03-04", "john/smith/1980-07-21", "mary/smith")
    found = told(shop, {("named_contact", f"home@x.de {name}"): ADA for name in names})
    assert [(one.one_person, one.said_by) for one in found] == [(False, SaidBy.BIRTHS)], "two names are no label"


def test_a_shop_that_knows_nothing_has_no_labels(db: Database) -> None:
    assert told(made_shop(db), {}) == []

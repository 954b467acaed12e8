"""What several people share ties them within one name: a couple's mailbox, an office's telephone, a family's tablet."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from rapport.kernel.identifiers import identifiers_of
from rapport.kernel.principal import Principal
from rapport.resolve.actions.service import Identity
from rapport.resolve.graph import store
from rapport.resolve.graph.policy import PolicySettings
from rapport.resolve.reading import explain, identities
from rapport.storage.engine import Database
from tests.rooms.resolve.shop import Shop, made_shop, seen

HOME, OFFICE = "home@x.de", "+49301234567"


def people(shop: Shop, contact: str) -> set[str]:
    """What the customers are called who stated this e-mail or phone, each by one of its names."""
    called = [
        sorted(value.partition(" ")[2] for value in group if value.startswith(contact + " "))
        for group in shop.customers()
    ]
    return {names[0] for names in called if names}


def test_a_couple_with_one_mailbox_is_two_customers_each_with_what_is_its_own(shop: Shop) -> None:
    ada, bo = seen(1, email=HOME, name="Ada Lovelace"), seen(2, email=HOME, name="Bo Lovelace")
    shop.see(ada, bo)
    assert people(shop, HOME) == {"ada/lovelace", "bo/lovelace"}
    strands = [identifiers_of(fact, shop.policy)[0] for fact in (ada, bo)]
    assert strands[0] != strands[1], "so what each did is kept apart from the first fact on"


@pytest.mark.parametrize("other", ["A. Lovelace", "Lovelace, Ada", "ADA LOVELACE", "Ada King", "Adaa Lovelace"])
def test_one_person_written_otherwise_stays_one(shop: Shop, other: str) -> None:
    shop.see(seen(1, email=HOME, name="Ada Lovelace"), seen(2, email=HOME, name=other), seen(3, email=HOME))
    assert len(shop.customers()) == 1


def test_an_office_telephone_ties_what_is_under_one_name_and_no_more(shop: Shop) -> None:
    shop.see(
        seen(1, email="ada@x.de", phone=OFFICE, name="Ada Lovelace"),
        seen(2, email="bo@x.de", phone=OFFICE, name="Bo Turing"),
        seen(3, email="ada@y.de", phone=OFFICE, name="Ada Lovelace"),
    )  # fmt: skip
    assert shop.together("ada@x.de", "ada@y.de")
    assert not shop.together("ada@x.de", "bo@x.de")


def test_a_father_and_a_son_of_one_name_are_two_where_they_told_when_they_were_born(shop: Shop) -> None:
    shop.see(
        seen(1, email="a@x.de", phone=OFFICE, name="John Smith", born="1950-03-04"),
        seen(2, email="b@x.de", phone=OFFICE, name="John Smith", born="1980-07-21"),
    )  # fmt: skip
    assert not shop.together("a@x.de", "b@x.de")


def test_an_account_says_who_it_is_whatever_it_is_called(shop: Shop) -> None:
    shop.see(
        seen(1, user="ada", email=HOME, name="Ada Lovelace"),
        seen(2, user="ada", email=HOME, web="w1", name="Countess of Lovelace"),
        seen(3, user="ada", email="ada@y.de", name="Bo Lovelace"),
    )  # fmt: skip
    assert shop.together("ada", HOME, "w1", "ada@y.de")


@pytest.mark.parametrize("account_at", [1, 9])
def test_a_guest_with_the_address_of_an_account_joins_it_under_its_name_alone(shop: Shop, account_at: int) -> None:
    """Also where the other guest came first: an account's word comes before."""
    shop.see(seen(5, email=HOME, name="Bo Lovelace"))
    shop.see(seen(account_at, user="ada", email=HOME, name="Ada Lovelace"))
    shop.see(seen(6, email=HOME, name="A. Lovelace"))
    assert shop.together("ada", HOME, f"{HOME} a/lovelace")
    assert not shop.together("ada", f"{HOME} bo/lovelace")


def test_a_gift_with_the_givers_address_and_the_receivers_name_ties_nobody(shop: Shop) -> None:
    shop.see(
        seen(1, email="giver@x.de", name="Ada Lovelace"),
        seen(2, email="receiver@x.de", phone=OFFICE, name="Bo Turing"),
        seen(3, email="giver@x.de", phone=OFFICE, name="Bo Turing"),
    )  # fmt: skip
    assert not shop.together("giver@x.de", "receiver@x.de")


def test_a_family_tablet_belongs_to_whom_it_was_seen_with_first(shop: Shop) -> None:
    shop.see(seen(1, email="ada@x.de", web="tablet", name="Ada L"), seen(2, email="bo@x.de", web="tablet", name="Bo L"))
    assert shop.together("ada@x.de", "tablet")
    assert not shop.together("ada@x.de", "bo@x.de")


def test_a_loyalty_card_of_a_family_stays_one_customer_and_two_cards_do_not_meet_on_a_telephone(shop: Shop) -> None:
    card = [("loyalty_card", "77")]
    shop.see(seen(1, email="a@x.de", external=card, name="Ada L"), seen(2, email="b@x.de", external=card, name="Bo L"))
    assert shop.together("a@x.de", "b@x.de", "77")
    shop.see(
        seen(3, phone=OFFICE, external=[("loyalty_card", "1")], name="Cy Mars"),
        seen(4, phone=OFFICE, external=[("loyalty_card", "2")], name="Di Mars"),
    )  # fmt: skip
    assert not shop.together("1", "2")


def test_why_says_that_the_names_are_two_peoples(shop: Shop) -> None:
    shop.see(seen(1, email=HOME, name="Ada Lovelace"), seen(2, email=HOME, name="Bo Lovelace"))
    with shop.db.read() as conn:
        path = explain.path_between(
            conn, shop.workspace, shop.key("named_contact", f"{HOME} ada/lovelace"),
            shop.key("named_contact", f"{HOME} bo/lovelace"), shop.policy,
        )  # fmt: skip
    assert path.answer == "They are two customers: the names or dates of birth stated with it are two people's."


def test_the_default_can_be_switched_off_and_on_again(db: Database) -> None:
    own = made_shop(db)
    own.see(seen(1, email=HOME, name="Ada Lovelace"), seen(2, email=HOME, name="Bo Lovelace"))
    olga = Principal(
        workspace=own.workspace, kind="user", id="usr_olga", name="Olga", role="owner",
        scopes=frozenset(["sources:write", "customers:write"]),
    )  # fmt: skip
    before, identity = own.state(), Identity(db)
    outcome = identity.apply_policy(olga, PolicySettings(one_name=False), reason="one mailbox is one customer here")
    assert len(own.customers()) == 1
    assert outcome.action is not None
    identity.undo(olga, outcome.action, reason="it was a couple")
    assert own.state() == before


def test_ten_thousand_names_behind_one_telephone_end_bounded_and_quiet(shop: Shop) -> None:
    facts = [seen(n, email=f"e{n}@x.de", phone=OFFICE, name=f"N{n:x} Q{n:x}") for n in range(10_000)]
    for start in range(0, len(facts), 1_000):
        shop.see(*facts[start : start + 1_000])
    assert shop.state().shared == {shop.key("phone", OFFICE)}
    columns = store.evidence.c
    stored = sa.select(sa.func.count()).where(
        columns.workspace == shop.workspace, columns.b == shop.key("phone", OFFICE)
    )
    with shop.db.read() as conn:
        assert conn.execute(stored).scalar_one() == shop.policy.shared_after + 1
    assert not shop.together("e1@x.de", "e2@x.de")


def test_what_people_read_names_a_contact_once(shop: Shop) -> None:
    shop.see(seen(1, email=HOME, name="Ada Lovelace"), seen(2, email=HOME, name="Bo Lovelace"))
    with shop.db.read() as conn:
        shown = {
            tuple(one.value for one in identities.worth_showing(several))
            for several in (
                identities.identifiers_of_customer(conn, shop.workspace, root)
                for root in set(shop.state().roots.values())
            )
        }
    assert shown == {(HOME,), (f"{HOME} bo/lovelace",)}

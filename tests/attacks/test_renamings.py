"""A browser may give an account a name that was nobody's, and never makes one customer of two accounts."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.kernel.facts import Fact
from rapport.kernel.identifiers import IdentifierPolicy
from rapport.resolve.graph import store
from rapport.resolve.graph.unsaying import unsay
from rapport.storage.engine import Database
from tests.rooms.resolve.shop import Shop, emptied, expected, seen

UUID = "bbea9be2-433f-4981-aaf3-000000000013"


@pytest.fixture(scope="module")
def db(shared_db: Database) -> Database:
    """One database for all: each test has a workspace of its own."""
    return shared_db


@pytest.fixture
def shop(db: Database) -> Shop:
    return Shop(db)


def account(at: int, user: str, *, public: bool = True) -> Fact:
    return seen(at, user=user, email=f"{user}@example.com", ident=f"i-{user}-{at}-{public}", public=public)


def alias(at: int, old: str, new: str, *, web: str | None = None) -> Fact:
    return seen(at, user=new, web=web, previous=old, ident=f"a-{old}-{new}-{at}", public=True)


@pytest.mark.parametrize("old", ["ada", UUID])
def test_an_account_gets_a_name_that_was_nobodys_whatever_is_folded_first(db: Database, old: str) -> None:
    facts = [account(1, old), alias(2, old, "ada-2"), account(3, "ada-2")]
    for order in permutations(facts):
        shop = Shop(db)
        for fact in order:
            shop.see(fact)
        assert shop.together(old, "ada-2", f"{old}@example.com", "ada-2@example.com")


def test_all_in_one_request_counts_as_the_alias_first(shop: Shop) -> None:
    shop.see(account(5, "ada"), alias(5, "ada", "ada-2"), account(5, "ada-2"))
    assert shop.together("ada", "ada-2")


def test_a_name_that_was_somebodys_stays_theirs_whatever_is_folded_first(db: Database) -> None:
    facts = [account(1, "ada"), account(2, "bo"), alias(3, "ada", "bo")]
    for order in permutations(facts):
        shop = Shop(db)
        for fact in order:
            shop.see(fact)
        assert not shop.together("ada", "bo")


def test_the_time_that_counts_is_when_facts_were_received_not_when_they_say_they_happened(shop: Shop) -> None:
    early = alias(1, "ada", "bo")
    early.received_at = 9
    shop.see(account(2, "ada"), account(3, "bo"), early)
    assert not shop.together("ada", "bo")


@pytest.mark.parametrize("last", [False, True])
def test_two_accounts_that_the_shop_knows_stay_two_also_where_it_tells_later(shop: Shop, *, last: bool) -> None:
    facts = [account(1, "ada", public=False), alias(2, "ada", "bo"), account(3, "bo")]
    shop.see(*facts)
    assert shop.together("ada", "bo"), "so far the shop knows one of them"
    told = account(4, "bo", public=False)
    if last:
        shop.resolver = shop.new_resolver()
    shop.see(told)
    assert not shop.together("ada", "bo")
    assert shop.state() == expected(shop.workspace, [*facts, told], shop.policy)[0]


def test_two_accounts_that_the_shop_knows_are_not_tied_by_one_between_them(shop: Shop) -> None:
    shop.see(account(1, "ada", public=False), alias(2, "ada", "x"), alias(3, "x", "bo"))
    assert shop.together("ada", "x", "bo")
    shop.see(account(4, "bo", public=False))
    assert not shop.together("ada", "bo")


def test_a_stranger_never_ties_what_the_shop_made_one_to_another_it_knows(shop: Shop) -> None:
    """The one that the browser named is not known itself: its other name is."""
    shop.see(account(1, "ada"), account(1, "ada-2", public=False), seen(2, user="ada", previous="ada-2"))
    shop.see(alias(3, "ada", "bo"), account(4, "bo", public=False))
    assert shop.together("ada", "ada-2")
    assert not shop.together("ada", "bo")


@pytest.mark.parametrize("step", [1, -1])
def test_of_thirty_aliases_to_one_name_the_first_alone_counts(shop: Shop, step: int) -> None:
    accounts = [account(1, f"user-{n}") for n in range(30)]
    aliases = [alias(10 + n, f"user-{n}", "new") for n in range(30)]
    shop.see(*accounts)
    for fact in aliases[::step]:
        shop.see(fact)
    assert shop.together("user-0", "new")
    assert not any(shop.together("user-0", f"user-{n}") for n in range(1, 30))


def test_thirty_aliases_in_one_request_tie_no_two_accounts(shop: Shop) -> None:
    shop.see(*(account(1, f"user-{n}") for n in range(30)), *(alias(2, f"user-{n}", "new") for n in range(30)))
    assert sum(shop.together(f"user-{n}", "new") for n in range(30)) == 1


def test_a_chain_and_a_fan_of_new_names_stay_within_the_limits(db: Database) -> None:
    shop = Shop(db, IdentifierPolicy(max_identifiers=10))
    shop.see(account(1, "ada"), *(alias(2 + n, "ada", f"fan-{n}") for n in range(30)))
    shop.see(
        account(1, "bo"), alias(2, "bo", "link-0"), *(alias(3 + n, f"link-{n}", f"link-{n + 1}") for n in range(30))
    )
    assert max(len(group) for group in shop.customers()) == 10


def test_a_browser_that_several_signed_up_at_makes_them_no_one_person(shop: Shop) -> None:
    """Its id names no account, whether it looks like one or not, until somebody comes under it; then it is too late."""
    shop.see(*(alias(1 + n, kiosk, f"{kiosk}-{n}") for kiosk in ("kiosk-7", UUID) for n in range(3)))
    shop.see(account(9, "kiosk-7"), account(9, UUID))
    assert not any(shop.together(f"{kiosk}-0", f"{kiosk}-1") for kiosk in ("kiosk-7", UUID))
    own = [alias(20 + n, "till-1", f"till-user-{n}", web="till-1") for n in range(3)]
    shop.see(account(19, "till-1"), *own)
    assert not any(shop.together("till-1", f"till-user-{n}", "till-1@example.com") for n in range(3))


def test_a_first_word_that_is_taken_back_frees_the_name(shop: Shop) -> None:
    facts = [account(1, "ada"), account(2, "bo"), alias(3, "ada", "bo")]
    shop.see(*facts)
    with shop.db.write() as conn:
        store.lock(conn, shop.workspace)
        unsay(conn, shop.workspace, shop.policy, said=facts[1:2], rest=[facts[0], facts[2]], now=1)
    assert shop.together("ada", "bo")


said = st.builds(
    seen, st.integers(1, 6), user=st.none() | st.sampled_from("abcd"), web=st.none() | st.sampled_from(["w", "x"]),
    previous=st.none() | st.sampled_from("abcdw"), public=st.booleans(), received_at=st.integers(1, 6),
)  # fmt: skip


@settings(max_examples=60)
@given(data=st.data(), several=st.lists(said, min_size=2, max_size=12))
def test_facts_in_any_order_and_batches_make_the_same_persons(
    db: Database, data: st.DataObject, several: list[Fact]
) -> None:
    """And as the pure rule says; no two accounts that the shop knows are one by browsers' words."""
    several = [fact for fact in several if fact.user_id or fact.anonymous_id]
    shop = Shop(db, workspace=emptied(db))
    order = data.draw(st.permutations(several + several[: len(several) // 2]), label="order with repeats")
    while order:
        size = data.draw(st.integers(1, 5), label="so many at once")
        shop.see(*order[:size])
        order = order[size:]
        if data.draw(st.booleans(), label="a new process"):
            shop.resolver = shop.new_resolver()
    want, _ = expected(shop.workspace, several, shop.policy)
    assert shop.state() == want
    if any(fact.type == "alias" and not fact.unverified for fact in several):
        return
    known = {fact.user_id for fact in several if fact.user_id and not fact.unverified}
    for group in shop.customers():
        assert len(known & group) <= 1

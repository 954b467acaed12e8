"""What becomes one customer, seen as the worker sees it: batch after batch of facts."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from rapport.kernel.facts import OWN_SOURCE, Fact
from rapport.kernel.identifiers import IdentifierPolicy
from rapport.resolve.graph import store
from rapport.resolve.reading import identities
from rapport.storage.engine import Database
from tests.rooms.resolve.shop import Shop, expected, seen, strand_of


def test_late_identification_joins_the_anonymous_past(shop: Shop) -> None:
    shop.see(seen(1, web="ada-laptop"), seen(2, web="ada-laptop"))
    shop.see(seen(3, web="ada-laptop", user="ada"))
    assert shop.together("ada-laptop", "ada")
    with shop.db.read() as conn:
        root = identities.find(conn, shop.workspace, shop.key("user_id", "ada"))
    assert root == shop.key("anonymous_id", "ada-laptop"), "the earliest identifier is the root"


def test_an_earlier_fact_that_arrives_late_takes_over_the_root(shop: Shop) -> None:
    shop.see(seen(10, web="w", user="ada"))
    shop.see(seen(5, user="ada", email="ada@example.com"))
    roots = set(shop.state().roots.values())
    assert roots == {shop.key("user_id", "ada")}, "of equally early ones the most stable"
    shop.see(seen(4, web="w"))
    assert set(shop.state().roots.values()) == {shop.key("anonymous_id", "w")}


def test_a_fact_of_ours_has_seen_nobody_before_the_fact_that_it_follows(shop: Shop) -> None:
    """Points for an order are booked at the order's own moment, under an id that may sort before it."""
    shop.see(
        seen(5, web="w", user="ada", ident="z-order", source="till", received_at=9),
        seen(5, web="w", user="ada", ident="a-points", source=OWN_SOURCE, received_at=10),
    )
    with shop.db.read() as conn:
        for table in (store.identifiers.c, store.evidence.c):
            query = sa.select(table.source, table.first_fact).where(table.workspace == shop.workspace).distinct()
            assert list(conn.execute(query).tuples()) == [("till", "z-order")]


def test_flush_tells_who_moved(shop: Shop) -> None:
    moved = shop.see(seen(1, web="w"))
    web, ada = shop.key("anonymous_id", "w"), shop.key("user_id", "ada")
    assert [(one.identifier_key, one.old_root, one.new_root) for one in moved] == [(web, None, web)]
    moved = shop.see(seen(2, user="ada"), seen(3, user="ada"))
    assert [(one.identifier_key, one.old_root, one.new_root) for one in moved] == [(ada, None, ada)]
    moved = shop.see(seen(4, user="ada", web="w"))
    assert [(one.identifier_key, one.old_root, one.new_root) for one in moved] == [(ada, ada, web)]
    assert shop.see(seen(5, user="ada", web="w")) == []


def test_two_people_at_one_browser_stay_two(shop: Shop) -> None:
    shop.see(seen(1, user="ada", web="family-tablet"), seen(2, user="bo", web="family-tablet"))
    assert shop.customers() == {frozenset({"ada", "family-tablet"}), frozenset({"bo"})}


def test_the_weakest_gives_way_when_a_limit_is_hit(shop: Shop) -> None:
    """An e-mail is more stable than a browser, so Bo's own account wins over the browser he borrowed."""
    shop.see(seen(1, web="tablet", email="bo@example.com"))
    shop.see(seen(2, web="tablet", user="ada"))
    assert shop.together("tablet", "bo@example.com", "ada"), "nothing says yet that the address is not Ada's"
    shop.see(seen(3, user="bo", email="bo@example.com"))
    assert shop.customers() == {frozenset({"bo", "bo@example.com", "tablet"}), frozenset({"ada"})}


def test_five_browsers_of_a_customer_are_joined_and_the_sixth_is_not(shop: Shop) -> None:
    shop.see(*(seen(n, user="ada", web=f"w{n}") for n in range(6, 0, -1)))
    assert shop.customers() == {frozenset({"ada", "w1", "w2", "w3", "w4", "w5"}), frozenset({"w6"})}


def test_an_alias_makes_two_accounts_one(shop: Shop) -> None:
    shop.see(seen(1, user="old", email="ada@example.com"), seen(2, user="new", web="w"))
    assert not shop.together("old", "new")
    shop.see(seen(3, user="new", previous="old"))
    assert shop.together("old", "new", "w", "ada@example.com")


def test_a_merge_makes_two_accounts_and_an_address_one(shop: Shop) -> None:
    """A merge arrives as an alias whose external ids are the identifiers it names."""
    shop.see(seen(1, user="old"), seen(2, user="new", web="w"), seen(3, web="phone", email="ada@example.com"))
    merge = seen(4, user="new", external=[("user_id", "old"), ("email", "ada@example.com")])
    merge.type, merge.name = "alias", "Aliased"
    shop.see(merge)
    assert shop.together("old", "new", "w", "ada@example.com", "phone")


def test_an_alias_of_a_browser_is_not_a_user(shop: Shop) -> None:
    browser = "c9a4f5f0-1111-4222-8333-123456789abc"
    shop.see(seen(1, web=browser), seen(2, user="ada", previous=browser))
    assert shop.together("ada", browser)


UUID = "c9a4f5f0-1111-4222-8333-123456789abc"
ALIASES = [
    [seen(1, user=UUID, email="a@x.de"), seen(2, user="new", previous=UUID)],
    [seen(1, web="shop-visitor-7"), seen(2, user="new", previous="shop-visitor-7")],
    [seen(1, web="old"), seen(2, web="new", previous="old")],
    [seen(1, web=UUID), seen(2, user="new", web="w", previous=UUID)],
]


@pytest.mark.parametrize("facts", ALIASES)
@pytest.mark.parametrize("step", [1, -1])
def test_an_alias_ties_to_what_was_seen_whatever_it_looks_like_and_whenever(
    shop: Shop, facts: list[Fact], step: int
) -> None:
    for fact in facts[::step]:
        shop.see(fact)
    old, new = facts[0], facts[1]
    pairs = [
        shop.key(namespace, value)
        for fact in (old, new)
        for namespace, value in (("user_id", fact.user_id), ("anonymous_id", fact.anonymous_id))
        if value
    ]
    roots = shop.state().roots
    assert len({roots[key] for key in pairs}) == 1


def test_an_alias_to_nobody_makes_no_two_accounts_one(shop: Shop) -> None:
    """A kiosk's browser that two people signed up at: it is known as a browser, and no account is made of it."""
    shop.see(seen(1, web=UUID), seen(2, user="ada", previous=UUID), seen(3, user="bo", previous=UUID))
    assert not shop.together("ada", "bo")


@pytest.mark.parametrize(
    "value", ["", "0", "0000-0000", "-1", "null", "NULL", "anonymous", "undefined", "[object Object]"]
)
def test_blocked_values_name_nobody(shop: Shop, value: str) -> None:
    shop.see(seen(1, user=value, web="w1"), seen(2, user=value, web="w2"))
    assert shop.customers() == {frozenset({"w1"}), frozenset({"w2"})}


def test_a_shop_may_block_values_of_its_own(db: Database) -> None:
    shop = Shop(db, IdentifierPolicy(blocked=(*IdentifierPolicy().blocked, r"till-\d+")))
    shop.see(seen(1, user="till-7", web="w1"), seen(2, user="till-7", web="w2"), seen(3, user="still-7", web="w2"))
    assert shop.customers() == {frozenset({"w1"}), frozenset({"w2", "still-7"})}


def test_workspaces_do_not_meet(db: Database) -> None:
    one, other = Shop(db), Shop(db)
    one.see(seen(1, user="ada", web="w"))
    other.see(seen(1, web="w"))
    assert one.customers() == {frozenset({"ada", "w"})}
    assert other.customers() == {frozenset({"w"})}


def test_a_repeated_fact_writes_nothing(shop: Shop) -> None:
    fact = seen(1, user="ada", web="w")
    shop.see(fact)
    shop.see(fact, fact)
    shop.resolver = shop.new_resolver()
    assert shop.see(fact) == []


def test_after_a_rollback_and_abandon_the_batch_can_be_done_again(shop: Shop) -> None:
    fact = seen(1, user="ada", web="w")
    shop.resolver.observe(shop.workspace, fact, strand_of(shop.workspace, fact, shop.policy))
    with pytest.raises(ZeroDivisionError), shop.db.write() as conn:  # noqa: PT012
        shop.resolver.flush(conn)
        raise ZeroDivisionError
    shop.resolver.abandon()
    assert shop.customers() == set()
    shop.see(fact)
    assert shop.customers() == {frozenset({"ada", "w"})}


def test_what_was_forgotten_is_found_in_the_database(db: Database) -> None:
    shop = Shop(db)
    shop.resolver = type(shop.resolver)(lambda _: shop.policy, remember_at_most=4)
    facts = [seen(20 - n, user=f"u{n % 7}", web=f"w{n % 9}") for n in range(20)]
    for fact in facts + facts:
        shop.see(fact)
    assert shop.state() == expected(shop.workspace, facts, shop.policy)[0]


def test_numbers_and_truths_that_compare_equal_are_not_mixed_up(shop: Shop) -> None:
    number, truth = seen(1, user="ada"), seen(2, user="ada")
    number.context = {"externalIds": [{"type": "crm", "id": 1}]}
    truth.context = {"externalIds": [{"type": "crm", "id": True}]}
    shop.see(truth, number)
    assert shop.customers() == {frozenset({"ada", "1"})}


def test_unhashable_values_in_a_fact_do_no_harm(shop: Shop) -> None:
    odd = seen(1, user="ada")
    odd.traits = {"email": ["x"], "phone": {"a": 1}}
    odd.context = {"traits": [1], "device": "x", "externalIds": [7, {"type": [], "id": {}}]}
    shop.see(odd)
    shop.see(odd)
    assert shop.customers() == {frozenset({"ada"})}


def test_several_workers_at_once_agree_with_one(db: Database) -> None:
    """Four resolvers, each with a part of the facts about the same people, flush whenever they like."""
    shop = Shop(db, IdentifierPolicy(shared_after=6))
    facts = [
        seen(1 + n % 97, user=f"u{n % 13}", web=f"w{n % 31}", email=f"e{n % 17}@example.com" if n % 5 == 0 else None)
        for n in range(400)
    ]
    errors: list[BaseException] = []
    start = threading.Barrier(4)

    def work(part: int) -> None:
        try:
            resolver = shop.new_resolver()
            mine = facts[part::4]
            start.wait()
            for n in range(0, len(mine), 10):
                for fact in mine[n : n + 10]:
                    resolver.observe(shop.workspace, fact, strand_of(shop.workspace, fact, shop.policy))
                with db.write() as conn:
                    resolver.flush(conn)
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=work, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert shop.state() == expected(shop.workspace, facts, shop.policy)[0]


def test_history_names_the_merge_and_its_fact(shop: Shop) -> None:
    shop.see(seen(1, web="w"), seen(2, user="ada"))
    shop.see(seen(3, user="ada", web="w", ident="sign-in"))
    with shop.db.read() as conn:
        rows = conn.execute(sa.select(store.customer_changes).filter_by(workspace=shop.workspace)).all()
    assert [(row.kind, row.root_from, row.root_to, row.fact) for row in rows] == [
        ("merged", shop.key("user_id", "ada"), shop.key("anonymous_id", "w"), "sign-in")
    ]

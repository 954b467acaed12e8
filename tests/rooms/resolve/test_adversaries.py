"""Identifiers that many people share, and bots: nobody is merged by them, and a fact costs no more than others."""

from __future__ import annotations

import random
from collections.abc import Iterable

import sqlalchemy as sa

from rapport.kernel.facts import Fact
from rapport.kernel.identifiers import IdentifierPolicy
from rapport.resolve.reading import identities
from rapport.storage.engine import Database
from tests.rooms.resolve.shop import Shop, expected, seen


def feed(shop: Shop, facts: Iterable[Fact], *, batch: int = 200) -> None:
    facts = list(facts)
    for n in range(0, len(facts), batch):
        shop.see(*facts[n : n + batch])


def test_a_kiosk_with_five_hundred_users_merges_nobody(shop: Shop) -> None:
    facts = [seen(n, user=f"u{n}", web="kiosk") for n in range(500)]
    feed(shop, facts)
    assert shop.customers() == {frozenset({"kiosk"})} | {frozenset({f"u{n}"}) for n in range(500)}
    assert len(shop.evidence()) == shop.policy.shared_after + 1, "more evidence of a kiosk is not stored"
    assert shop.state().shared == {shop.key("anonymous_id", "kiosk")}


def test_a_tablet_of_fifty_users_belongs_to_the_first_until_one_more_signs_in(shop: Shop) -> None:
    feed(shop, [seen(n, user=f"u{n}", web="tablet") for n in range(50)])
    assert shop.together("u0", "tablet")
    shop.see(seen(100, user="u50", web="tablet"))
    assert not shop.together("u0", "tablet")


def test_one_browser_with_thousands_of_addresses_stays_alone(shop: Shop) -> None:
    feed(shop, [seen(n, web="bot", email=f"e{n}@example.com") for n in range(3000)], batch=500)
    assert shop.state().shared == {shop.key("anonymous_id", "bot")}
    assert len(shop.evidence()) == shop.policy.shared_after + 1
    assert all(len(group) == 1 for group in shop.customers())


def test_an_account_with_thousands_of_browsers_keeps_its_first_five(shop: Shop) -> None:
    facts = [seen(n + 1, user="till-7", web=f"w{n}") for n in range(2000)]
    random.Random(1).shuffle(facts)
    feed(shop, [*facts, seen(1, user="till-7", email="till@example.com")], batch=500)
    assert frozenset({"till-7", "till@example.com", "w0", "w1", "w2", "w3", "w4"}) in shop.customers()
    state = shop.state()
    assert len(state.linked) + len(state.refused) == shop.policy.window + 1, "the rest is surplus, and never read"


def test_a_chain_of_forged_identifiers_ends_at_the_bound(db: Database) -> None:
    shop = Shop(db, IdentifierPolicy(max_identifiers=20))
    feed(shop, [seen(n, external=[(f"t{n}", "x"), (f"t{n + 1}", "x")]) for n in range(300)], batch=50)
    assert max(len(group) for group in shop.customers()) <= 20


def test_fifty_aliases_are_one_account_and_one_more_is_nonsense(db: Database) -> None:
    shop = Shop(db)
    shop.see(*(seen(n, user="new", previous=f"old{n}") for n in range(50)))
    assert shop.together("new", "old0", "old49")
    shop.see(seen(99, user="new", previous="old50"))
    assert all(len(group) == 1 for group in shop.customers())


def test_shared_tablets_that_chain_a_whole_town_stay_exact(db: Database) -> None:
    rng = random.Random(7)
    shop = Shop(db, IdentifierPolicy(shared_after=12))
    facts = [seen(rng.randrange(500), user=f"u{rng.randrange(150)}", web=f"t{rng.randrange(30)}") for _ in range(600)]
    feed(shop, facts, batch=7)
    assert shop.state() == expected(shop.workspace, facts, shop.policy)[0]


def test_a_batch_with_something_new_costs_a_constant_number_of_statements(db: Database) -> None:
    shop = Shop(db)
    shop.see(seen(1, user="first", web="first-web"))
    counts = []
    for size in (4, 400):
        statements: list[str] = []

        def count(_c: object, _u: object, statement: str, *_: object, into: list[str] = statements) -> None:
            into.append(statement)

        sa.event.listen(db.engine, "before_cursor_execute", count)
        shop.see(*(seen(10 + n, user=f"u{size}.{n % (size // 2)}", web=f"w{size}.{n}") for n in range(size)))
        sa.event.remove(db.engine, "before_cursor_execute", count)
        counts.append(len([s for s in statements if "SELECT" in s]))
    assert counts[1] <= counts[0] + 4, "more only by chunks of 500 keys"


def test_no_statement_reads_a_whole_workspace(db: Database) -> None:
    """SQLite names the columns of the index it uses: each search is by more than the workspace."""
    if db.dialect != "sqlite":
        return
    shop = Shop(db)
    statements: dict[str, tuple[object, ...]] = {}

    def remember(_c: object, _u: object, statement: str, parameters: tuple[object, ...], *_: object) -> None:
        if statement.startswith("SELECT") and "forbidden_pairs" not in statement:
            statements[statement] = parameters

    sa.event.listen(db.engine, "before_cursor_execute", remember)
    shop.see(*(seen(n, user="till-7", web=f"w{n}", external=[("crm", "1"), ("crm", "2")]) for n in range(80)))
    shop.see(*(seen(n, user=f"u{n}", web="w1") for n in range(80)))
    with db.read() as conn:
        identities.graph(conn, shop.workspace, shop.key("user_id", "till-7"), shop.policy)
        identities.search(conn, shop.workspace, "wal", limit=5)
    sa.event.remove(db.engine, "before_cursor_execute", remember)
    with db.read() as conn:
        plans = [
            step[3]
            for statement, parameters in statements.items()
            for step in conn.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters)
        ]
    assert len(plans) > 20
    assert [plan for plan in plans if "SCAN" in plan or "(workspace=?)" in plan] == []

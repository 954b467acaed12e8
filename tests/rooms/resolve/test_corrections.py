"""What a person says about identity, and its undoing."""

from __future__ import annotations

import pytest

from rapport.kernel.errors import InvalidInput, NotFound
from rapport.kernel.ids import Key
from rapport.resolve.graph import corrections
from rapport.resolve.graph.model import Kind, Status, evidence_id
from rapport.resolve.reading import identities
from rapport.storage.engine import Database
from tests.rooms.resolve.shop import Shop, seen


def join(shop: Shop, a: Key, b: Key) -> None:
    with shop.db.write() as conn:
        corrections.join(conn, shop.workspace, a, b, shop.policy, author="ada", reason="same card", now=99)


def test_two_accounts_joined_by_hand_are_one_customer(shop: Shop) -> None:
    shop.see(seen(1, user="a", email="a@example.com"), seen(2, user="b", web="w"))
    join(shop, shop.key("user_id", "a"), shop.key("user_id", "b"))
    assert shop.together("a", "b", "w", "a@example.com")


def test_a_join_is_undone_by_withdrawing_it_and_redone_by_joining_again(shop: Shop) -> None:
    shop.see(seen(1, user="a"), seen(2, user="b"))
    before = shop.state()
    a, b = shop.key("user_id", "a"), shop.key("user_id", "b")
    join(shop, a, b)
    ident = evidence_id(a, b, Kind.JOINED)
    with shop.db.write() as conn:
        corrections.withdraw(conn, shop.workspace, [ident], shop.policy, author="bo", reason="twins", now=100)
    assert shop.state().roots == before.roots
    join(shop, a, b)
    assert shop.together("a", "b")


def test_withdrawn_evidence_stays_withdrawn_when_it_is_seen_again(shop: Shop) -> None:
    shop.see(seen(5, user="ada", web="w"))
    ident = evidence_id(shop.key("user_id", "ada"), shop.key("anonymous_id", "w"), Kind.SEEN)
    with shop.db.write() as conn:
        corrections.withdraw(conn, shop.workspace, [ident], shop.policy, author="bo", reason="borrowed", now=9)
    shop.see(seen(6, user="ada", web="w"), seen(1, user="ada", web="w"))
    assert not shop.together("ada", "w")
    with shop.db.read() as conn:
        edges = identities.graph(conn, shop.workspace, shop.key("user_id", "ada"), shop.policy).edges
    assert [(edge.status, edge.author, edge.reason) for edge in edges] == [(Status.WITHDRAWN, "bo", "borrowed")]


def test_a_forbidden_pair_parts_at_its_weakest_evidence(shop: Shop) -> None:
    shop.see(seen(1, user="ada", email="ada@example.com"), seen(2, user="ada", web="w"))
    a, b = shop.key("email", "ada@example.com"), shop.key("anonymous_id", "w")
    with shop.db.write() as conn:
        corrections.forbid(conn, shop.workspace, a, b, shop.policy, author="bo", reason="not hers", now=9)
    assert shop.customers() == {frozenset({"ada", "ada@example.com"}), frozenset({"w"})}
    with shop.db.read() as conn:
        edges = identities.graph(conn, shop.workspace, shop.key("anonymous_id", "w"), shop.policy).edges
        history = identities.changes(conn, shop.workspace, shop.key("anonymous_id", "w"))
    assert [edge.refused_because for edge in edges] == [("forbidden",)]
    assert [change.kind for change in history] == ["split"]
    with shop.db.write() as conn:
        corrections.allow(conn, shop.workspace, b, a, shop.policy, now=10)
    assert shop.together("ada", "ada@example.com", "w")


def test_what_was_never_seen_cannot_be_corrected(shop: Shop, db: Database) -> None:
    shop.see(seen(1, user="ada"))
    ada, nobody = shop.key("user_id", "ada"), shop.key("user_id", "nobody")
    with pytest.raises(NotFound):
        join(shop, ada, nobody)
    with pytest.raises(InvalidInput):
        join(shop, ada, ada)
    with pytest.raises(NotFound), db.write() as conn:
        corrections.withdraw(conn, shop.workspace, [bytes(16)], shop.policy, author="bo", reason="?", now=1)

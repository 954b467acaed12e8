"""Whose an identifier is, who a customer is, and the picture of why."""

from __future__ import annotations

import pytest

from rapport.kernel.errors import NotFound
from rapport.kernel.identifiers import Identifier
from rapport.kernel.ids import Key
from rapport.resolve import CustomerIds, load_customer_ids
from rapport.resolve.graph.model import Status
from rapport.resolve.graph.store import roots_of
from rapport.resolve.reading import identities
from rapport.storage.engine import Database
from tests.rooms.resolve.shop import Shop, seen


def test_a_merged_customers_old_id_still_answers(shop: Shop) -> None:
    shop.see(seen(1, web="w"), seen(2, user="ada"))
    with shop.db.read() as conn:
        ids = load_customer_ids(conn)
    old = ids.customer_id(shop.key("user_id", "ada"))
    shop.see(seen(3, user="ada", web="w"))
    with shop.db.read() as conn:
        root = identities.find_customer(conn, shop.workspace, old, ids)
        assert root == identities.root_of(conn, shop.workspace, Identifier("anonymous_id", "w"))
    assert ids.customer_id(root) != old


@pytest.mark.parametrize(
    "text", ["", "cus_", "ada", "cus_" + "z" * 26, "cus_" + "0" * 25, "cus_" + "u" * 26, "cus_\x00"]
)
def test_a_text_that_is_no_customer_id_is_not_found(text: str) -> None:
    with pytest.raises(NotFound):
        CustomerIds(b"secret").key(text)


def test_an_id_of_nobody_is_not_found(shop: Shop) -> None:
    shop.see(seen(1, user="ada"))
    with shop.db.read() as conn:
        ids = load_customer_ids(conn)
        unknown = ids.customer_id(Key(bytes(16)))
        with pytest.raises(NotFound):
            identities.find_customer(conn, shop.workspace, unknown, ids)


def test_customer_ids_tell_nothing_without_the_secret() -> None:
    key = Key(bytes(range(16)))
    assert CustomerIds(b"one").customer_id(key) != CustomerIds(b"two").customer_id(key)
    assert CustomerIds(b"one").customer_id(key) == CustomerIds(b"one").customer_id(key)


def test_members_come_earliest_first(shop: Shop) -> None:
    shop.see(seen(3, user="ada", email="ada@example.com"), seen(1, user="ada", web="w"))
    with shop.db.read() as conn:
        root = identities.root_of(conn, shop.workspace, Identifier("email", "ada@example.com"))
        assert root is not None
        members = identities.identifiers_of_customer(conn, shop.workspace, root)
    assert [member.value for member in members] == ["w", "ada", "ada@example.com"]
    assert {member.root for member in members} == {root}


def test_search_finds_by_the_beginning_of_any_identifier(shop: Shop) -> None:
    shop.see(
        seen(1, user="u-1", email="ada@example.com", phone="+4930123456"),
        seen(2, user="u-2", email="Adam@example.com"),
        seen(3, user="u-100%", email="bo_b@example.com"),
    )

    def found(prefix: str, region: str | None = None) -> set[str]:
        with shop.db.read() as conn:
            return {one.value for one in identities.search(conn, shop.workspace, prefix, limit=10, region=region)}

    assert found("ada") == {"ada@example.com", "adam@example.com"}
    assert found("ADA@") == {"ada@example.com"}
    assert found("030 123456", region="DE") == {"+4930123456"}
    assert found("u-") == {"u-1", "u-2", "u-100%"}
    assert found("%") == found("_") == found("") == found("\x00") == found("zzz") == set()
    assert found("\U0010ffff") == found("\ud7ff") == set()


def test_search_names_each_customer_once(shop: Shop) -> None:
    shop.see(seen(1, user="ada", web="ada-1"), seen(2, user="ada", web="ada-2"))
    with shop.db.read() as conn:
        assert len(identities.search(conn, shop.workspace, "ada", limit=10)) == 1


def test_the_picture_shows_what_holds_and_what_was_refused(shop: Shop) -> None:
    shop.see(seen(1, user="ada", web="tablet", ident="f1"), seen(2, user="bo", web="tablet", ident="f2"))
    with shop.db.read() as conn:
        root = identities.root_of(conn, shop.workspace, Identifier("user_id", "ada"))
        assert root is not None
        graph = identities.graph(conn, shop.workspace, root, shop.policy)
    assert [(e.first_fact, e.status, e.refused_because) for e in graph.edges] == [
        ("f1", Status.LINKED, ()),
        ("f2", Status.REFUSED, ("user_id",)),
    ]
    assert {node.value for node in graph.nodes} == {"ada", "tablet", "bo"}
    assert not graph.truncated


def test_the_picture_of_a_busy_account_is_cut(shop: Shop) -> None:
    shop.see(*(seen(n, user="till-7", web=f"w{n}") for n in range(300)))
    with shop.db.read() as conn:
        root = identities.root_of(conn, shop.workspace, Identifier("user_id", "till-7"))
        assert root is not None
        graph = identities.graph(conn, shop.workspace, root, shop.policy, limit=20)
    assert graph.truncated
    assert len(graph.edges) == 20
    assert sum(edge.status is Status.LINKED for edge in graph.edges) == 5


def test_unknown_identifiers_have_no_customer(db: Database, shop: Shop) -> None:
    with db.read() as conn:
        assert identities.root_of(conn, shop.workspace, Identifier("email", "no@example.com")) is None
        assert roots_of(conn, shop.workspace, [Key(bytes(16))]) == {}
        assert identities.identifiers_of_customer(conn, shop.workspace, Key(bytes(16))) == []

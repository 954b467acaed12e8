"""Somebody is merged or parted while what they asked is under way: who they are is what holds when it is done.

On PostgreSQL by two connections, of which the second waits for the first.
"""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection

from rapport.app.worker import drain, run_job_now
from rapport.collect.sources import identifier_policy
from rapport.compose.erasing import ERASING
from rapport.compose.erasure import Proof, erase
from rapport.compose.person import export_person
from rapport.compose.requests import RequestWanted, ask, find_request
from rapport.kernel.errors import NotFound
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import Key
from rapport.remember import customers
from rapport.resolve.graph import corrections
from rapport.resolve.graph.model import Kind, evidence_id
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.linking.units import members_of
from tests.beside import change_beside
from tests.shop import NOON, Shop


class Two:
    """Ada and Bo, whom somebody takes for one person, or has taken for one."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        for user in ("ada", "bo"):
            shop.send(shop.message("Order Completed", at=NOON, user=user, order_id=f"o-{user}", total=5))
        drain(shop.pipeline)
        self.ada, self.bo = (key_of(shop.id, Identifier("user_id", user)) for user in ("ada", "bo"))
        self.proofs: list[Proof] = []

    def join(self, conn: Connection) -> None:
        said: dict[str, Any] = {"author": "olga", "reason": "same card", "now": NOON}
        moved = corrections.join(conn, self.shop.id, self.ada, self.bo, self._policy(conn), **said)
        customers.mark_moved(conn, moved)

    def part(self, conn: Connection) -> None:
        said: dict[str, Any] = {"author": "olga", "reason": "twins", "now": NOON + 1}
        ident = evidence_id(self.ada, self.bo, Kind.JOINED)
        customers.mark_moved(conn, corrections.withdraw(conn, self.shop.id, [ident], self._policy(conn), **said))

    def joined(self) -> None:
        with self.shop.db.write() as conn:
            self.join(conn)

    def erase(self, conn: Connection) -> None:
        proof, _ = erase(conn, self.shop.pipeline.slices, self.shop.id, self.ada, now=NOON, told="then")
        self.proofs.append(proof)

    def kept_of(self, conn: Connection, key: Key) -> str:
        keys = [one.key for one in members_of(conn, self.shop.id, key)]
        return str(export_person(conn, self.shop.pipeline.slices, self.shop.id, keys))

    def orders(self) -> set[str]:
        with self.shop.db.read() as conn:
            kept = self.kept_of(conn, self.ada) + self.kept_of(conn, self.bo)
        return {order for order in ("o-ada", "o-bo") if order in kept}

    def _policy(self, conn: Connection) -> Any:
        return identifier_policy(settings_of(conn, self.shop.id))


@pytest.fixture
def two(any_shop: Shop) -> Two:
    return Two(any_shop)


def test_who_was_parted_before_the_erasure_began_to_write_is_left_whole(two: Two) -> None:
    two.joined()
    assert change_beside(two.shop.db, two.part, two.erase) is None
    assert (two.orders(), two.proofs[0].identifiers) == ({"o-bo"}, 1)


def test_who_was_merged_before_it_began_to_write_is_the_same_person_and_goes_with_them(two: Two) -> None:
    assert change_beside(two.shop.db, two.join, two.erase) is None
    assert (two.orders(), two.proofs[0].identifiers) == (set(), 2)


def test_who_is_parted_while_it_writes_finds_nobody_and_nothing_comes_back(two: Two) -> None:
    two.joined()

    def part(conn: Connection) -> None:
        with pytest.raises(NotFound):
            two.part(conn)

    assert change_beside(two.shop.db, two.erase, part) is None
    assert two.orders() == set()


def test_what_is_handed_out_is_of_one_moment_and_of_nobody_else_after_a_parting(two: Two) -> None:
    two.joined()
    with two.shop.db.read() as conn:
        members = members_of(conn, two.shop.id, two.ada)
        with two.shop.db.write() as other:
            two.part(other)
        assert [one.key for one in members_of(conn, two.shop.id, two.ada)] == [one.key for one in members]
        assert "o-bo" in two.kept_of(conn, two.ada)
    with two.shop.db.read() as conn:
        kept = two.kept_of(conn, two.ada)
    assert ("o-ada" in kept, "o-bo" in kept) == (True, False)


def test_a_request_that_waits_is_answered_for_who_they_are_by_then(two: Two) -> None:
    two.joined()
    with two.shop.db.write() as conn:
        wanted = RequestWanted(kind="erasure", customer="user_id:ada", verified="signed in")
        request = ask(conn, two.shop.id, wanted, by="test", now=NOON)
    with two.shop.db.write() as conn:
        two.part(conn)
    for _ in range(3):
        run_job_now(two.shop.pipeline, ERASING)
    with two.shop.db.read() as conn:
        assert find_request(conn, two.shop.id, request.id).status == "completed"
    assert two.orders() == {"o-bo"}

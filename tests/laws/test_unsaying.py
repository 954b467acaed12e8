"""Facts that are taken back leave the identities that there would be had they never come; put back, all of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.kernel.facts import Fact
from rapport.kernel.identifiers import IdentifierPolicy, identifiers_of
from rapport.resolve.graph import store
from rapport.resolve.graph.unsaying import unsay
from rapport.storage.engine import Database
from tests.laws.test_resolve_order import facts, small_policies
from tests.rooms.resolve.shop import Shop, emptied, expected


@pytest.fixture(scope="module")
def db(shared_db: Database) -> Database:
    """One database for all examples: each begins by emptying its workspace."""
    return shared_db


@pytest.mark.slow
@settings(max_examples=100)
@given(data=st.data(), several=st.lists(facts, min_size=1, max_size=25), policy=small_policies)
def test_what_is_taken_back_in_parts_leaves_what_the_rest_says(
    db: Database, data: st.DataObject, several: list[Fact], policy: IdentifierPolicy
) -> None:
    shop = Shop(db, policy, workspace=emptied(db))
    named = [fact for fact in several if identifiers_of(fact, policy)]
    shop.see(*named)
    order = data.draw(st.permutations(named), label="in this order")
    gone = order[: data.draw(st.integers(0, len(order)), label="so many")]
    cut = data.draw(st.integers(0, len(gone)), label="the first part")
    for part, still in ((gone[:cut], order[cut:]), (gone[cut:], order[len(gone) :])):
        with db.write() as conn:
            store.lock(conn, shop.workspace)
            unsay(conn, shop.workspace, policy, said=part, rest=still, now=1)
    left = order[len(gone) :]
    want, _ = expected(shop.workspace, left, policy)
    assert shop.state() == want
    shop.resolver = shop.new_resolver()
    shop.see(*gone)
    whole, _ = expected(shop.workspace, named, policy)
    assert shop.state() == whole

"""Identity is a function of the set of facts: order, batches, repeats, restarts and corrections leave no trace."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.kernel.facts import Fact
from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph import corrections
from rapport.resolve.graph.model import Evidence, Known, evidence_id, resolve
from rapport.storage.engine import Database
from tests.rooms.resolve.shop import Shop, emptied, expected, seen


@pytest.fixture(scope="module")
def db(shared_db: Database) -> Database:
    """One database for all examples: each begins by emptying its workspace."""
    return shared_db


def some(prefix: str, count: int) -> st.SearchStrategy[str | None]:
    return st.none() | st.sampled_from([f"{prefix}{number}" for number in range(count)])


facts = st.builds(
    seen,
    st.integers(1, 12),
    user=some("u", 4),
    web=some("w", 5),
    email=st.none() | st.sampled_from(["a@x.de", "b@x.de", "c@x.de", "d@x.de"]),
    phone=st.none() | st.sampled_from(["+49301234567", "+49301234568"]),
    name=st.none() | st.sampled_from(["Ada Lovelace", "A. Lovelace", "Bo Lovelace", "Ana Lovelace", "Boris Lovelace"]),
    born=st.none() | st.sampled_from(["1815-12-10", "1990-01-02"]),
    device=some("d", 3),
    external=st.lists(st.tuples(st.sampled_from(["crm", "erp"]), st.sampled_from("pqrs")), max_size=2),
    previous=st.one_of(some("u", 4), some("w", 5)),
    public=st.booleans(),
    received_at=st.none() | st.integers(1, 12),
)

small_policies = st.builds(
    IdentifierPolicy,
    limits=st.sampled_from([{"user_id": 1}, {"user_id": 2, "email": 1}, {"user_id": 1, "anonymous_id": 1}]),
    default_limit=st.integers(1, 3),
    max_identifiers=st.sampled_from([4, 8, 100]),
    shared_after=st.sampled_from([1, 2, 3, 50]),
)


def batches_of(data: st.DataObject, several: list[Fact]) -> list[list[Fact]]:
    order = data.draw(st.permutations(several + several[: len(several) // 3]), label="order with repeats")
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(order) - 1)), max_size=6), label="cuts"))
    return [order[i:j] for i, j in zip([0, *cuts], [*cuts, len(order)], strict=True) if order[i:j]]


@pytest.mark.slow
@settings(max_examples=120)
@given(data=st.data(), several=st.lists(facts, min_size=1, max_size=25), policy=small_policies)
def test_any_order_in_any_batches_gives_what_the_pure_rule_gives(
    db: Database, data: st.DataObject, several: list[Fact], policy: IdentifierPolicy
) -> None:
    shop = Shop(db, policy, workspace=emptied(db))
    for batch in batches_of(data, several):
        if data.draw(st.booleans(), label="a new process"):
            shop.resolver = shop.new_resolver()
        shop.see(*batch)
    want, _ = expected(shop.workspace, several, policy)
    assert shop.state() == want


@pytest.mark.slow
@settings(max_examples=80)
@given(data=st.data(), several=st.lists(facts, min_size=2, max_size=20), policy=small_policies)
def test_corrections_made_at_any_time_count_as_if_made_before_all_facts(
    db: Database, data: st.DataObject, several: list[Fact], policy: IdentifierPolicy
) -> None:
    policy = IdentifierPolicy(limits=policy.limits, default_limit=policy.default_limit, shared_after=50)
    shop = Shop(db, policy, workspace=emptied(db))
    withdrawn: set[bytes] = set()
    forbidden: set[tuple[Key, Key]] = set()
    for batch in batches_of(data, several):
        shop.see(*batch)
        pieces = sorted(shop.evidence())
        if not pieces:
            continue
        piece = data.draw(st.sampled_from(pieces), label="piece")
        ident = evidence_id(piece.a, piece.b, piece.kind)
        what = data.draw(st.sampled_from(["nothing", "withdraw", "restore", "forbid", "allow"]), label="correction")
        with db.write() as conn:
            if what == "withdraw":
                corrections.withdraw(conn, shop.workspace, [ident], policy, author="bo", reason="test", now=1)
                withdrawn.add(ident)
            elif what == "restore":
                corrections.restore(conn, shop.workspace, [ident], policy, now=1)
                withdrawn.discard(ident)
            elif what == "forbid":
                corrections.forbid(conn, shop.workspace, piece.a, piece.b, policy, author="bo", reason="test", now=1)
                forbidden.add((min(piece.a, piece.b), max(piece.a, piece.b)))
            elif what == "allow":
                corrections.allow(conn, shop.workspace, piece.a, piece.b, policy, now=1)
                forbidden.discard((min(piece.a, piece.b), max(piece.a, piece.b)))
    want, _ = expected(shop.workspace, several, policy, withdrawn=withdrawn, forbidden=forbidden)
    assert shop.state() == want


@settings(max_examples=40)
@given(several=st.lists(facts, min_size=2, max_size=20), policy=small_policies)
def test_withdrawing_all_evidence_of_a_fact_and_restoring_it_leaves_no_trace(
    db: Database, several: list[Fact], policy: IdentifierPolicy
) -> None:
    shop = Shop(db, policy, workspace=emptied(db))
    shop.see(*several)
    before = shop.state()
    idents = [evidence_id(piece.a, piece.b, piece.kind) for piece in shop.evidence()]
    if not idents:
        return
    with db.write() as conn:
        corrections.withdraw(conn, shop.workspace, idents, policy, author="bo", reason="test", now=1)
    alone = shop.state()
    assert all(key == root for key, root in alone.roots.items())
    with db.write() as conn:
        corrections.restore(conn, shop.workspace, idents, policy, now=1)
    assert shop.state() == before


@settings(max_examples=40)
@given(several=st.lists(facts, min_size=2, max_size=20), old=small_policies, new=small_policies)
def test_a_new_policy_makes_the_customers_it_would_have_made(
    db: Database, several: list[Fact], old: IdentifierPolicy, new: IdentifierPolicy
) -> None:
    """Only what was never stored cannot come back, so both policies find the same identifiers shared here."""
    old = IdentifierPolicy(limits=old.limits, default_limit=old.default_limit, max_identifiers=old.max_identifiers)
    new = IdentifierPolicy(
        limits=new.limits, default_limit=new.default_limit, priority=("email", "user_id", "anonymous_id", "device")
    )
    shop = Shop(db, old, workspace=emptied(db))
    shop.see(*several)
    strands_of_old = expected(shop.workspace, several, old)[0]
    with db.write() as conn:
        assert corrections.preview(conn, shop.workspace, old, now=5).roots == strands_of_old.roots
        would_be = corrections.preview(conn, shop.workspace, new, now=5)
        moved = corrections.rebuild(conn, shop.workspace, new, now=5)
    assert shop.state().roots == would_be.roots
    assert {one.identifier_key for one in moved} == {
        key for key, root in would_be.roots.items() if strands_of_old.roots[key] != root
    }
    shop.policy = new
    with db.write() as conn:
        assert corrections.rebuild(conn, shop.workspace, new, now=6) == []


@given(data=st.data(), several=st.lists(facts, min_size=1, max_size=25), policy=small_policies)
def test_the_rule_is_a_function_of_sets(data: st.DataObject, several: list[Fact], policy: IdentifierPolicy) -> None:
    one, answer = expected(WorkspaceId(1), several, policy)
    other, _ = expected(WorkspaceId(1), data.draw(st.permutations(several + several)), policy)
    assert one == other
    sizes: dict[bytes, int] = {}
    for root in answer.roots.values():
        sizes[root] = sizes.get(root, 0) + 1
    assert max(sizes.values(), default=0) <= policy.max_identifiers


@given(policy=small_policies)
def test_nothing_seen_gives_nothing(policy: IdentifierPolicy) -> None:
    no_identifiers: list[Known] = []
    no_evidence: list[Evidence] = []
    assert resolve(no_identifiers, no_evidence, policy).roots == {}

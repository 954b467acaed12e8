"""Un-merging is exact: what was merged and parted again has the Golden Records of those who were never merged."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.kernel.errors import Conflict, InvalidInput
from rapport.kernel.facts import Fact
from rapport.kernel.ids import Key
from rapport.kernel.principal import Principal
from rapport.remember import customers
from rapport.remember.golden import golden_record
from rapport.resolve.actions.outcome import Outcome
from rapport.resolve.actions.service import Identity
from rapport.resolve.actions.split import SplitWanted
from rapport.resolve.graph import store
from rapport.resolve.graph.model import Kind, evidence_id
from rapport.storage.engine import Database
from tests.remembered import REMEMBERED
from tests.rooms.remember.shop import START, Shop, bought, did

CARDS = ("k0", "k1", "k2")
PEOPLE = ("u0", "u1", "u2")


@pytest.fixture(scope="module")
def db(shared_db: Database) -> Database:
    """One database for all examples: each takes workspaces of its own."""
    return shared_db


def card(name: str) -> dict[str, object]:
    return {"externalIds": [{"type": "crm", "id": name}]}


@st.composite
def facts_and_ties(draw: st.DrawFn) -> tuple[list[Fact], dict[str, str]]:
    """Facts of people and of cards, and which of them carries somebody's card, too: fact id → card."""
    facts = [did("Store Visited", 0, ident=f"first-{name}", context=card(name)) for name in CARDS]
    ties: dict[str, str] = {}
    for number in range(draw(st.integers(2, 12))):
        # Of one moment no two: which evidence is stronger then, its key decides, and that is another in each shop.
        days = draw(st.integers(1, 30)) + number / 24
        ident = f"m{number}"
        kind = draw(st.sampled_from(["person", "card", "tie"]))
        if kind == "card":
            name = draw(st.sampled_from(CARDS))
            facts.append(bought(f"o{number}", 10.0 + number, days, ident=ident, context=card(name)))
            continue
        who = draw(st.sampled_from(PEOPLE))
        web = draw(st.none() | st.sampled_from(["w0", "w1"]))
        traits = {"name": f"Name {number}", "email": f"{who}@example.com"} if draw(st.booleans()) else {}
        facts.append(did("Identified", days, ident=ident, user=who, web=web, traits=traits))
        if kind == "tie":
            ties[ident] = draw(st.sampled_from(CARDS))
    return facts, ties


def with_cards(facts: Sequence[Fact], ties: dict[str, str]) -> list[Fact]:
    carrying = []
    for fact in facts:
        one = copy.deepcopy(fact)
        if fact.id in ties:
            one.context = {**fact.context, **card(ties[fact.id])}
        carrying.append(one)
    return carrying


def records(shop: Shop, *, with_ids: bool) -> dict[Key, bytes]:
    """The Golden Record of each customer as bytes, by its root; ids depend on the workspace."""
    columns = store.identifiers.c
    found = {}
    with shop.db.read() as conn:
        for root in conn.execute(store.identifiers.select().where(columns.workspace == shop.workspace)).all():
            record = golden_record(conn, shop.workspace, Key(root.root), now=START, remembered=REMEMBERED)
            found[root.root] = msgspec.json.encode(record if with_ids else msgspec.structs.replace(record, id=""))
    return found


def bo(shop: Shop) -> Principal:
    return Principal(workspace=shop.workspace, kind="user", id="bo", name="Bo", role="agent", scopes=frozenset())


@settings(max_examples=12)
@given(drawn=facts_and_ties(), data=st.data())
def test_merged_and_withdrawn_is_never_merged(
    db: Database, drawn: tuple[list[Fact], dict[str, str]], data: st.DataObject
) -> None:
    facts, ties = drawn
    merged, never = Shop(db), Shop(db)
    order = data.draw(st.permutations(with_cards(facts, ties)), label="order")
    cut = data.draw(st.integers(0, len(order)), label="batches")
    merged.take(*order[:cut])
    merged.take(*order[cut:])
    never.take(*facts)
    people = {fact.id: fact.user_id or "" for fact in facts}
    evidence = {
        evidence_id(merged.key("user_id", people[ident]), merged.key("crm", name), Kind.SEEN).hex()
        for ident, name in ties.items()
    }
    if evidence:
        Identity(db, on_moved=customers.mark_moved).withdraw(bo(merged), sorted(evidence), reason="not theirs")
        merged.refresh()
    assert sorted(records(merged, with_ids=False).values()) == sorted(records(never, with_ids=False).values())
    assert summaries(merged) == summaries(never), "the list of customers follows"


def summaries(shop: Shop) -> list[tuple[object, ...]]:
    return sorted(
        (one.label, one.orders, one.revenue_minor, one.identifiers, one.first_seen_at or "") for one in shop.listed()
    )


@settings(max_examples=12)
@given(drawn=facts_and_ties(), data=st.data())
def test_whatever_people_do_is_undone_without_a_trace(
    db: Database, drawn: tuple[list[Fact], dict[str, str]], data: st.DataObject
) -> None:
    facts, ties = drawn
    shop = Shop(db)
    shop.take(*with_cards(facts, ties))
    before, listed = records(shop, with_ids=True), summaries(shop)
    identity = Identity(db, on_moved=customers.mark_moved)
    names = [f"crm:{name}" for name in CARDS] + [f"user_id:{fact.user_id}" for fact in facts if fact.user_id]
    done: list[str] = []
    for _ in range(data.draw(st.integers(1, 4), label="corrections")):
        outcome = _correct(shop, identity, names, data)
        if outcome is not None and outcome.action is not None:
            done.append(outcome.action)
    for action in reversed(done):
        identity.undo(bo(shop), action)
    shop.refresh()
    assert records(shop, with_ids=True) == before
    assert summaries(shop) == listed


def _correct(shop: Shop, identity: Identity, names: list[str], data: st.DataObject) -> Outcome | None:
    """A correction by somebody, or None where it could not be."""
    one, other = data.draw(st.sampled_from(names)), data.draw(st.sampled_from(names))
    what = data.draw(st.sampled_from(["split", "join", "forbid"]))
    try:
        if what == "split":
            wanted = SplitWanted(keep_apart=data.draw(st.booleans()))
            return identity.split(bo(shop), one, wanted, reason="a mistake")
        if what == "join":
            return identity.join(bo(shop), one, other, reason="the same")
        return identity.forbid(bo(shop), one, other, reason="not the same")
    except (Conflict, InvalidInput):
        return None

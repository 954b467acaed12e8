"""Identity in time is a function of the facts and of the day: neither order nor the portions of a sweep matter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.kernel.clock import DAY, HOUR
from rapport.kernel.facts import Fact
from rapport.kernel.identifiers import Identifier, IdentifierPolicy, key_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph import corrections
from rapport.resolve.graph.forest import most_within
from rapport.resolve.graph.model import evidence_id
from rapport.resolve.graph.policy import PolicySettings, SlidingLimit
from rapport.storage.engine import Database
from tests.rooms.resolve.shop import Shop, emptied, expected, made_shop, seen

TODAY = 60


@pytest.fixture(scope="module")
def db(shared_db: Database) -> Database:
    """One database for all examples: each begins by emptying its workspace."""
    return shared_db


def on(day: int, hour: int, carried: Mapping[str, Any]) -> Fact:
    """A fact of that day which came in today, as an import brings it."""
    return seen(day * DAY + hour * HOUR, received_at=TODAY * DAY, **carried)


carriers = st.fixed_dictionaries(
    {},
    optional={
        "user": st.sampled_from(["u0", "u1", "u2"]),
        "web": st.sampled_from(["w0", "w1", "w2", "w3", "w4"]),
        "email": st.sampled_from(["a@x.de", "b@x.de", "c@x.de"]),
        "device": st.sampled_from(["d0", "d1"]),
        "external": st.lists(st.tuples(st.sampled_from(["crm", "erp"]), st.sampled_from("pqr")), max_size=2),
        "previous": st.sampled_from(["u0", "u1", "u2"]),
    },
)


@st.composite
def facts(draw: st.DrawFn) -> list[Fact]:
    """Some combinations of identifiers, each seen on some days."""
    carried = draw(st.lists(carriers, min_size=1, max_size=8))
    days = st.lists(st.integers(0, TODAY), min_size=1, max_size=4)
    return [on(day, draw(st.integers(0, 3)), one) for one in carried for day in draw(days)]


sliding = st.builds(SlidingLimit, at_most=st.integers(1, 2), within_days=st.sampled_from([1, 7, 30]))

policies = st.builds(
    PolicySettings,
    limits=st.fixed_dictionaries(
        {}, optional={name: sliding | st.integers(1, 2) for name in ("user_id", "anonymous_id", "email", "crm")}
    ),
    default_limit=st.integers(1, 3),
    max_identifiers=st.sampled_from([4, 8, 100]),
    shared_after=st.sampled_from([1, 2, 50]),
    evidence_days=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("seen", "alias", "anonymous_id", "email", "device", "crm"), st.integers(1, TODAY))
    ),
)


def batches_of(data: st.DataObject, several: list[Fact]) -> list[list[Fact]]:
    order = data.draw(st.permutations(several + several[: len(several) // 3]), label="order with repeats")
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(order) - 1)), max_size=5), label="cuts"))
    return [order[i:j] for i, j in zip([0, *cuts], [*cuts, len(order)], strict=True) if order[i:j]]


def sweep_all(shop: Shop, day: int, *, limit: int = 3) -> None:
    """Sweep in small portions until nothing is due."""
    while shop.sweep(day * DAY, limit=limit) or shop.due(day * DAY):
        pass


@pytest.mark.slow
@settings(max_examples=100)
@given(data=st.data(), several=facts(), wanted=policies)
def test_any_order_in_any_batches_with_any_sweeps_gives_what_the_pure_rule_gives(
    db: Database, data: st.DataObject, several: list[Fact], wanted: PolicySettings
) -> None:
    """Old history comes in today: what is too old does not count, whichever fact of it comes first."""
    shop = made_shop(db, wanted, workspace=emptied(db))
    for batch in batches_of(data, several):
        if data.draw(st.booleans(), label="a new process"):
            shop.resolver = shop.new_resolver()
        shop.see(*batch)
        if data.draw(st.booleans(), label="a sweep"):
            shop.sweep(TODAY * DAY, limit=data.draw(st.integers(1, 5), label="of at most"))
    assert not shop.due(TODAY * DAY), "nothing that came in today has to wait for a sweep"
    assert shop.state() == expected(shop.workspace, several, shop.policy, today=TODAY)[0]


@pytest.mark.slow
@settings(max_examples=100)
@given(data=st.data(), several=facts(), wanted=policies)
def test_as_days_go_by_evidence_expires_and_comes_back(
    db: Database, data: st.DataObject, several: list[Fact], wanted: PolicySettings
) -> None:
    """Facts come when they happen, some of them late; on each day the customers are those of the pure rule."""
    shop = made_shop(db, wanted, workspace=emptied(db))
    today = 0
    for batch in batches_of(data, sorted(several, key=lambda fact: fact.occurred_at)):
        today = max(today, *(fact.occurred_at // DAY for fact in batch))
        for fact in batch:
            fact.received_at = today * DAY
        shop.see(*batch)
        if data.draw(st.booleans(), label="a sweep"):
            today += data.draw(st.integers(0, 5), label="days later")
            shop.sweep(today * DAY, limit=data.draw(st.integers(1, 5), label="of at most"))
    for day in (today, TODAY, 2 * TODAY, 3 * TODAY):
        if day >= today:
            sweep_all(shop, day)
            assert shop.state() == expected(shop.workspace, several, shop.policy, today=day)[0]


@pytest.mark.slow
@settings(max_examples=60)
@given(data=st.data(), several=facts(), wanted=policies)
def test_what_people_took_back_stays_so_whatever_expires(
    db: Database, data: st.DataObject, several: list[Fact], wanted: PolicySettings
) -> None:
    wanted = msgspec.structs.replace(wanted, max_identifiers=100, shared_after=50)
    shop = made_shop(db, wanted, workspace=emptied(db))
    withdrawn: set[bytes] = set()
    forbidden: set[tuple[Key, Key]] = set()
    for day, batch in zip((20, 40, TODAY, TODAY, TODAY, TODAY), batches_of(data, several), strict=False):
        shop.see(*batch)
        pieces = sorted(shop.evidence())
        if not pieces:
            continue
        piece = data.draw(st.sampled_from(pieces), label="piece")
        ident = evidence_id(piece.a, piece.b, piece.kind)
        what = data.draw(st.sampled_from(["withdraw", "restore", "forbid", "nothing"]), label="correction")
        with db.write() as conn:
            if what == "withdraw":
                corrections.withdraw(
                    conn, shop.workspace, [ident], shop.policy, author="bo", reason="test", now=day * DAY
                )
                withdrawn.add(ident)
            elif what == "restore":
                corrections.restore(conn, shop.workspace, [ident], shop.policy, now=day * DAY)
                withdrawn.discard(ident)
            elif what == "forbid":
                corrections.forbid(
                    conn, shop.workspace, piece.a, piece.b, shop.policy, author="bo", reason="test", now=day * DAY
                )
                forbidden.add((min(piece.a, piece.b), max(piece.a, piece.b)))
    sweep_all(shop, TODAY)
    want, _ = expected(shop.workspace, several, shop.policy, withdrawn=withdrawn, forbidden=forbidden, today=TODAY)
    assert shop.state() == want


@settings(max_examples=40)
@given(several=facts(), old=policies, new=policies)
def test_a_new_policy_makes_the_customers_it_would_have_made(
    db: Database, several: list[Fact], old: PolicySettings, new: PolicySettings
) -> None:
    """Bounds and sliding limits, too; only what was never stored cannot come back, so nothing is shared here."""
    shop, other = (
        made_shop(db, msgspec.structs.replace(one, shared_after=50), workspace=emptied(db, number=number))
        for number, one in enumerate((old, new), start=1)
    )
    shop.see(*several)
    with db.write() as conn:
        corrections.rebuild(conn, shop.workspace, other.policy, now=TODAY * DAY)
    assert shop.state() == expected(shop.workspace, several, other.policy, today=TODAY)[0]
    assert shop.due(10 * TODAY * DAY) == bool(shop.bounded()), "whatever is bounded is waited for"


@given(several=facts(), wanted=policies)
def test_no_customer_has_more_first_seen_within_a_span_than_the_limit(
    several: list[Fact], wanted: PolicySettings
) -> None:
    policy = IdentifierPolicy(
        limits={"anonymous_id": 2, "email": 1}, limit_days={"anonymous_id": 7}, default_limit=wanted.default_limit
    )
    state, answer = expected(WorkspaceId(1), several, policy)
    members: dict[Key, list[tuple[int, ...]]] = {}
    webs = {key_of(WorkspaceId(1), Identifier("anonymous_id", f"w{n}")) for n in range(5)}
    for key, root in answer.roots.items():
        if key in webs:
            members.setdefault(root, []).append((state.first[key][0],))
    assert all(most_within(times, 7) <= 2 for times in members.values())

"""A membership is offered by chance, and what that changed is found; on both engines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from rapport.capabilities.loyalty import membership, store
from rapport.capabilities.loyalty.early import EARLY_ACCESS
from rapport.capabilities.loyalty.quoting import CartAsked, LineAsked, Quote, holder_of, quote
from rapport.capabilities.loyalty.trials import TrialShown, benefit_costs, trials_of
from rapport.capabilities.loyalty.versions import versions_of
from rapport.decide.model import Ask, Candidate
from rapport.kernel.clock import DAY, HOUR, to_iso
from rapport.kernel.ids import Key
from tests.databases import ENGINES, database_at
from tests.loyal import CLUB, begin, key, order, tell, wallet
from tests.shop import NOON, Shop

PEOPLE = [f"p{n}" for n in range(30)]


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with database_at(request.param, tmp_path_factory.mktemp("trials")) as url:
        made = Shop(url)
        begin(made, plans=[CLUB["plans"][0] | {"holdout_percent": 50}], pending_days=0, delivery={"fee_minor": 490})
        tell(made, *(made.message("Order Completed", at=NOON, user=one, order_id=f"{one}-0", currency="EUR", revenue=10)
                     for one in PEOPLE))  # fmt: skip
        yield made
        made.close()


def arms(shop: Shop) -> dict[bytes, int]:
    a = store.arms.c
    with shop.db.read() as conn:
        return {bytes(strand): arm for strand, arm in conn.execute(sa.select(a.strand, a.arm))}


def quoted(shop: Shop, who: Key | None) -> Quote:
    lines = [LineAsked(line_id="1", product_id="p", quantity=1, unit_price_minor=2_000)]
    with shop.db.read() as conn:
        versions = versions_of(conn, shop.id)["club"]
        holder = holder_of(conn, shop.id, versions, "club", who, now=NOON)
    return quote(holder, CartAsked(currency="EUR", lines=lines, shipping_minor=490), now=NOON)


def trial(shop: Shop) -> TrialShown:
    with shop.db.read() as conn:
        terms = versions_of(conn, shop.id)["club"][-1].programme
        [found] = trials_of(conn, shop.id, "club", terms)
    return found


def test_who_is_held_out_is_not_invited_and_nobody_unknown_is(shop: Shop) -> None:
    there = arms(shop)
    assert {key(shop, one) for one in PEOPLE} == set(there)
    assert set(there.values()) == {0, 1}
    for one in PEOPLE:
        invited = bool(there[key(shop, one)])
        assert quoted(shop, key(shop, one)).membership.would_save_minor == (590 if invited else 0)
        assert (wallet(shop, one).plans == ["plus"]) == invited
    assert quoted(shop, None).membership.plan == ""


def test_everybody_is_counted_where_chance_put_them_with_what_they_did_since(shop: Shop) -> None:
    there = arms(shop)
    given = [one for one in PEOPLE if there[key(shop, one)]]
    held = [one for one in PEOPLE if not there[key(shop, one)]]
    with shop.db.read() as conn:
        assigned = max(conn.execute(sa.select(store.arms.c.at)).scalars())
    membership.join(shop.db, shop.id, key(shop, given[0]), "plus", payment="pay-1", now=assigned + HOUR)
    membership.join(shop.db, shop.id, key(shop, held[0]), "plus", payment="pay-2", now=assigned + HOUR)
    for number, (user, spent) in enumerate([(given[0], 100), (given[0], 20), (given[1], 40), (held[0], 30)]):
        tell(shop, order(shop, user, f"later-{number}", spent, at=assigned + DAY + number, shipping=0))
    found = trial(shop)
    assert (found.given, found.held_out, found.both) == (len(given), len(held), 0)
    assert (found.joined_given, found.joined_held_out) == (1, 1)
    measures = {one.name: one for one in found.measures}
    assert measures["revenue"].given_mean == pytest.approx(16_000 / len(given))  # the order before it is not counted
    assert measures["revenue"].held_out_mean == pytest.approx(3_000 / len(held))
    assert measures["buyers"].given_mean == pytest.approx(2 / len(given))
    assert measures["orders"].given_mean == pytest.approx(3 / len(given))
    assert measures["net"].held_out_mean == pytest.approx((3_000 + 4_900 - 490) / len(held))
    assert found.is_enough is False
    with shop.db.read() as conn:
        terms = versions_of(conn, shop.id)["club"][-1].programme
        costs = {one.source: one for one in benefit_costs(conn, shop.id, "club", terms, since=0)}
    assert (costs["plan:plus"].orders, costs["plan:plus"].minor) == (2, 980)
    assert (costs["tier:friend"].orders, costs["tier:friend"].minor) == (1, 490)


def test_two_who_turn_out_to_be_one_and_were_apart_are_counted_in_neither(shop: Shop) -> None:
    before, there = trial(shop), arms(shop)
    one = next(p for p in PEOPLE[::-1] if there[key(shop, p)])
    other = next(p for p in PEOPLE[::-1] if not there[key(shop, p)])
    for user in (one, other):
        shop.send(shop.message("Signed In", at=NOON + HOUR, user=user, browser="the-same"))
    shop.fold()
    after = trial(shop)
    if after.both:  # the policy lets two accounts of one browser be one
        assert (after.both, after.given, after.held_out) == (1, before.given - 1, before.held_out - 1)


def test_what_is_not_there_for_all_is_decided_only_for_whom_a_membership_opens_it(shop: Shop) -> None:
    plan = {"name": "first", "title": "First", "fee_minor": 100, "trial_days": 30,
            "benefits": [{"kind": "access", "title": "New things first", "what": "new"}]}  # fmt: skip
    begin(shop, name="early", tiers=[], earning=[], plans=[plan],
          early=[{"what": "new", "products": ["p1", "p2"], "until": to_iso(NOON + 9 * DAY)}])  # fmt: skip
    membership.join(shop.db, shop.id, key(shop, PEOPLE[0]), "first", payment="", programme="early", now=NOON)
    candidates = [Candidate(kind="product", item_id=f"p{n}", score=1.0, reasons=[]) for n in (1, 2, 3)]

    def barred(*who: Key, now: int = NOON + DAY) -> set[str]:
        ask = Ask(workspace=shop.id, placement="x", kind="product", strands=who, context={}, limit=3, now=now)
        with shop.db.read() as conn:
            return set(EARLY_ACCESS.barred(conn, ask, candidates))

    assert barred(key(shop, PEOPLE[0])) == set()
    assert barred(key(shop, PEOPLE[1])) == barred() == {"p1", "p2"}
    assert barred(key(shop, PEOPLE[1]), now=NOON + 9 * DAY) == set()

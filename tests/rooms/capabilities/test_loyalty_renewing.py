"""How many memberships will be renewed, and what a programme's figures suggest; on both engines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rapport.capabilities.loyalty import membership
from rapport.capabilities.loyalty.advising import suggestions
from rapport.capabilities.loyalty.checking import read_programme
from rapport.capabilities.loyalty.effects import Effects, effects_of
from rapport.capabilities.loyalty.renewing import RenewalForecast
from rapport.capabilities.loyalty.trials import BenefitCost, Measured, TrialShown
from rapport.capabilities.loyalty.upgrading import change_plan
from rapport.capabilities.loyalty.versions import versions_of
from rapport.kernel.clock import DAY
from tests.databases import ENGINES, database_at
from tests.loyal import CLUB, begin, key, order, pass_time, tell
from tests.shop import NOON, Shop

MONTHLY = CLUB["plans"][0] | {"period": "month", "fee_minor": 500, "trial_days": 0}
GOLD = MONTHLY | {"name": "gold", "fee_minor": 900}
PEOPLE = [f"p{n}" for n in range(40)]
BEGAN = NOON - 40 * DAY


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Forty members of a month each, of whom thirty paid for a second one; ten of them have 5 % off an order of 200."""
    with database_at(request.param, tmp_path_factory.mktemp("renewing")) as url:
        made = Shop(url)
        begin(made, plans=[MONTHLY, GOLD], delivery={"fee_minor": 490})
        tell(made, *(order(made, one, f"{one}-first", 1, at=BEGAN - DAY) for one in PEOPLE))
        for n, one in enumerate(PEOPLE):
            id = membership.join(made.db, made.id, key(made, one), "plus", payment=f"{one}-1", now=BEGAN)
            if n < 30:
                membership.renew(made.db, made.id, id, payment=f"{one}-2", now=BEGAN + 20 * DAY)
            if n in (0, 1):
                membership.cancel(made.db, made.id, id, now=NOON)
        tell(made, *(order(made, one, f"{one}-big", 190, discount=10, at=BEGAN + DAY) for one in PEOPLE[:10]))
        pass_time(made, NOON)
        yield made
        made.close()


def effects(shop: Shop) -> Effects:
    with shop.db.read() as conn:
        terms = versions_of(conn, shop.id)["club"][-1].programme
        return effects_of(conn, shop.id, "club", terms, now=NOON)


def forecast(shop: Shop) -> RenewalForecast:
    return effects(shop).renewals[0]


def test_renewals_are_foretold_by_what_those_did_who_came_to_an_end(shop: Shop) -> None:
    there = forecast(shop)
    assert (there.ending, there.cancelled) == (28, 2)
    groups = {one.kind: one for one in there.groups}
    assert sum(one.ended for one in groups.values()) == 40
    assert sum(one.renewed for one in groups.values()) == 30
    assert groups["saved"].ended == 10  # 9.50 and the delivery, of a fee of 5
    assert groups["not_saved"].share == 20 / 30
    assert there.low is not None
    assert there.high is not None
    assert there.expected == round(28 * 20 / 30)  # in their second month nobody has saved the fee yet
    assert there.low < there.expected < there.high <= 28
    assert there.fees_minor == round(28 * 20 / 30 * 500)


def test_whoever_goes_to_another_plan_has_stayed_and_who_has_the_fee_back_is_not_counted(shop: Shop) -> None:
    before = {one.kind: (one.ended, one.renewed) for one in forecast(shop).groups}
    for one, plan in (("gone", "plus"), ("stays", "plus")):
        id = membership.join(shop.db, shop.id, key(shop, one), plan, payment=f"{one}-1", now=NOON - 2 * DAY)
        if one == "gone":
            membership.withdraw(shop.db, shop.id, id, now=NOON - DAY)
        else:
            change_plan(shop.db, shop.id, id, "gold", payment="stays-2", now=NOON - DAY)
    after = {one.kind: (one.ended, one.renewed) for one in forecast(shop).groups}
    ended, renewed = before["not_saved"]
    assert after == before | {"not_saved": (ended + 1, renewed + 1)}


def test_of_too_few_that_ended_nothing_is_foretold(shop: Shop) -> None:
    """One kind that ends and of which fewer than twenty have ended: the sum is not known, and none is made up."""
    tell(shop, order(shop, "p5", "p5-now", 190, discount=10, at=NOON - DAY))
    there = forecast(shop)
    assert {one.kind: one.ending for one in there.groups} == {"trial": 0, "saved": 1, "not_saved": 27}
    assert (there.expected, there.low, there.high, there.fees_minor) == (None, None, None, None)


def test_what_costs_the_most_and_is_not_measured_is_named(shop: Shop) -> None:
    [there] = [one for one in effects(shop).suggestions if one.kind == "unmeasured"]
    [dearest, *_] = effects(shop).costs
    assert (there.source, there.minor) == (dearest.source, dearest.minor + dearest.points_minor)


def measured(low: float, high: float) -> Measured:
    nothing = {"given_mean": 0.0, "held_out_mean": 0.0, "p": 0.01, "on_takers": None, "on_takers_low": None,
               "on_takers_high": None}  # fmt: skip
    return Measured(name="net", title="", unit="money", difference=(low + high) / 2, low=low, high=high, **nothing)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("low", "high", "enough", "kinds"),
    [(10, 90, True, ["pays"]), (-90, -10, True, ["does_not_pay"]), (-5, 90, True, []), (10, 90, False, [])],
)
def test_a_plan_pays_or_not_only_beyond_chance(low: float, high: float, enough: int, kinds: list[str]) -> None:
    trial = TrialShown(
        trial="plan:plus", title="Plus", since="", given=500, held_out=500, joined_given=50, joined_held_out=5, both=0,
        ratio_p=1.0, is_enough=bool(enough), measures=[measured(low, high)],
    )  # fmt: skip
    assert [one.kind for one in suggestions(read_programme(CLUB), [], [trial], {})] == kinds


def test_a_benefit_that_nobody_used_is_named_where_many_have_it() -> None:
    used = BenefitCost(kind="delivery", title="Always free delivery", source="tier:gold", orders=3, minor=1, points=0,
                       points_minor=0)  # fmt: skip
    people = {"tier:friend": 5, "tier:gold": 1_000, "plan:plus": 200}
    found = [one for one in suggestions(read_programme(CLUB), [used], [], people) if one.kind == "unused"]
    assert [(one.source, one.title) for one in found] == [
        ("tier:gold", "Double points"), ("plan:plus", "Always free delivery"), ("plan:plus", "5 % off"),
    ]  # fmt: skip

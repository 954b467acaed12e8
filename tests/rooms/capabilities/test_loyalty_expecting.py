"""What terms would cost is known before they hold, by the shop's own orders, and is what they then cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from rapport.capabilities.loyalty import expecting
from rapport.capabilities.loyalty.changing import change_programme
from rapport.capabilities.loyalty.checking import read_programme
from rapport.capabilities.loyalty.expecting import Expected, expectations_of, expected_of
from rapport.capabilities.loyalty.trials import benefit_costs
from rapport.capabilities.loyalty.versions import versions_of
from rapport.kernel.clock import DAY, HOUR, to_iso
from tests.databases import ENGINES, database_at
from tests.loyal import CLUB, begin, order, refund, tell
from tests.shop import NOON, Shop

TERMS: dict[str, Any] = CLUB | {"pending_days": 0, "tiers": [], "plans": [], "worth": {"points": 1, "minor": 2}}
PEOPLE = 60
BASE = {"name": "base", "title": "A point for each euro", "points": 1, "per_minor": 100}
WEEK = 7 * DAY


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Sixty people, each with an order of 100 twelve days ago; every second one with another a week before that."""
    with database_at(request.param, tmp_path_factory.mktemp("expecting")) as url:
        made = Shop(url)
        begin(made, **{name: value for name, value in TERMS.items() if name not in CLUB or CLUB[name] != value})
        ago = {0: NOON - 12 * DAY, 1: NOON - 12 * DAY - WEEK}
        tell(made, *(order(made, f"p{n}", f"o{n}-{which}", 100, at=at) for n in range(PEOPLE)
                     for which, at in ago.items() if which == 0 or n % 2))  # fmt: skip
        yield made
        made.close()


def expected(shop: Shop, **changes: Any) -> Expected:
    wanted = read_programme(TERMS | changes)
    with shop.db.read() as conn:
        return expected_of(conn, shop.id, versions_of(conn, shop.id)["club"], wanted, now=NOON)


def weekend(**changes: Any) -> dict[str, Any]:
    """Two days that begin in two days: their like were twelve and nineteen days ago."""
    since = NOON + 2 * DAY - HOUR
    return {"name": "weekend", "title": "A point more for each euro", "points": 1, "per_minor": 100,
            "since": to_iso(since), "until": to_iso(since + 2 * DAY)} | changes  # fmt: skip


def test_the_same_terms_cost_nothing_more(shop: Shop) -> None:
    there = expected(shop)
    assert (there.looked_at, there.of) == (PEOPLE, PEOPLE)
    assert there.before == there.after
    assert (there.more.minor, there.more.low_minor, there.more.high_minor) == (0, 0, 0)


def test_twice_the_points_cost_as_much_again(shop: Shop) -> None:
    there = expected(shop, earning=[BASE | {"points": 2}])
    assert there.more.points == there.before.points == round(90 * 100 * 30 / 84)
    assert there.more.minor == round(2 * 90 * 100 * 30 / 84)  # by what a point is worth


def test_points_that_are_worth_more_cost_more_without_a_point_more(shop: Shop) -> None:
    there = expected(shop, worth={"points": 1, "minor": 3})
    assert (there.more.points, there.more.minor) == (0, round(90 * 100 * 30 / 84))


def test_a_campaign_is_laid_upon_the_same_weekdays_before(shop: Shop) -> None:
    [there] = expected(shop, earning=[BASE, weekend()]).campaigns
    assert (there.rule, there.windows) == ("weekend", 4)
    assert there.cost.points == (60 + 30) * 100 // 4  # in two of the four times somebody ordered
    [late] = expected(shop, earning=[BASE, weekend(until=to_iso(NOON + 600 * DAY))]).campaigns
    assert late.windows == 0  # nobody can look back upon as long a time


def test_a_sample_says_how_far_it_may_be_off_and_is_right(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = expected(shop, earning=[BASE | {"points": 2}])
    monkeypatch.setattr(expecting, "SAMPLE", 25)
    there = expected(shop, earning=[BASE | {"points": 2}])
    assert there.looked_at == 25
    assert there.more.low_minor < whole.more.minor < there.more.high_minor
    assert there.more.low_minor < there.more.minor < there.more.high_minor


def test_a_campaign_shows_what_was_expected_beside_what_it_gave(shop: Shop) -> None:
    terms = TERMS | {"earning": [BASE, weekend()], "starts": CLUB["starts"], "notice_days": 0}
    with shop.db.read() as conn:
        seen = versions_of(conn, shop.id)["club"][-1].number
    change_programme(shop.db, shop.id, "club", terms, seen=seen, by="Cleo", reason="a weekend", now=NOON)
    during = NOON + 2 * DAY
    tell(shop, order(shop, "p1", "late-1", 50, at=during), order(shop, "p2", "late-2", 50, at=during))
    tell(shop, refund(shop, "p2", "late-2", at=during + HOUR))
    programme = read_programme(terms)
    with shop.db.read() as conn:
        [cost] = [one for one in benefit_costs(conn, shop.id, "club", programme, since=0) if one.kind == "rule"]
        assert cost.expected is not None
        assert (cost.source, cost.expected.points) == ("rule:weekend", 2_250)
        kept = expectations_of(conn, shop.id, "club")
    again = msgspec.structs.replace(programme, title="Another")
    change_programme(
        shop.db, shop.id, "club", msgspec.json.encode(again), seen=seen + 1, by="Cleo", reason="a name", now=during
    )  # fmt: skip
    with shop.db.read() as conn:
        assert expectations_of(conn, shop.id, "club") == kept  # once it has begun, what was expected stays

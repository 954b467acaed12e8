"""Laws of effects: the interval holds the truth as often as it says, nothing is found where nothing is."""

from __future__ import annotations

import numpy as np
import pytest

from rapport.measure.effects import Difference, Group, difference, effect_on_takers, sample_ratio_p

SEEDS = 100
PEOPLE = 4_000


def groups(seed: int, *, effect: float, joins: float = 0.3, joins_unasked: float = 0.04) -> tuple[Group, Group]:
    """Two arms of a shop whose truth is known: who joins spends so much more, and those who like the shop join."""
    rng = np.random.default_rng(seed)
    made = []
    for share in (joins, joins_unasked):
        liking = rng.random(PEOPLE)
        takes = liking > 1 - share  # the most loyal join first: comparing joiners with others would flatter
        spends = np.where(rng.random(PEOPLE) < 0.4 + 0.4 * liking, rng.exponential(4_000, PEOPLE), 0) + effect * takes
        made.append(Group(PEOPLE, float(spends.sum()), float((spends**2).sum()), int(takes.sum()),
                          float(spends[takes].sum())))  # fmt: skip
    return made[0], made[1]


def holds(found: Difference | None, truth: float) -> bool:
    assert found is not None
    return found.low <= truth <= found.high


@pytest.mark.parametrize("effect", [0.0, 1_500.0])
def test_the_truth_lies_within_the_interval_as_often_as_it_says(effect: float) -> None:
    of_all = sum(holds(difference(*groups(seed, effect=effect)), effect * 0.26) for seed in range(SEEDS))
    of_takers = sum(holds(effect_on_takers(*groups(seed, effect=effect)), effect) for seed in range(SEEDS))
    assert 90 <= of_all <= 99
    assert 90 <= of_takers <= 100


def test_looked_at_every_day_nothing_is_found_where_nothing_is() -> None:
    """One in ten buys, in both groups; 50 a day come into each, for 60 days, and each day somebody looks."""
    rng, runs = np.random.default_rng(7), 600
    bought = rng.binomial(50, 0.1, size=(runs, 2, 60)).cumsum(axis=2)
    found = {False: 0, True: 0}
    for run in bought:
        for often in found:
            looks = (
                difference(*(Group(50 * day, int(arm[day - 1]), int(arm[day - 1])) for arm in run), often=often)
                for day in range(2, 61)
            )
            found[often] += not all(holds(look, 0.0) for look in looks)
    assert found[True] / runs <= 0.05
    assert found[False] / runs > 0.2, "an interval for one look finds something in every fifth of them"


@pytest.mark.parametrize("effect", [0.03, -0.03])
def test_a_difference_that_is_there_is_found_and_its_p_says_when(effect: float) -> None:
    people = 20_000
    groups = [Group(people, total, total) for total in (people * (0.1 + effect), people * 0.1)]
    found = difference(*groups, often=True)
    assert found is not None
    assert found.p < 0.05
    assert found.low * found.high > 0
    small = [Group(200, total, total) for total in (20, 20 + 200 * effect)]
    unsure = difference(*small, often=True)
    assert unsure is not None
    assert unsure.low < 0 < unsure.high
    assert unsure.p > 0.05


def test_an_offer_that_moved_nobody_tells_nothing_of_takers() -> None:
    assert effect_on_takers(*groups(1, effect=900, joins=0.04)) is None
    assert difference(Group(1, 5, 25), Group(900, 5, 25)) is None


def test_groups_that_chance_does_not_make_are_found() -> None:
    assert sample_ratio_p(5_000, 5_000, share=0.5) == 1
    assert sample_ratio_p(5_200, 4_800, share=0.5) < 0.001
    assert sample_ratio_p(9_010, 990, share=0.9) > 0.5
    assert sample_ratio_p(27, 11, share=0.9) == 1  # too few to say

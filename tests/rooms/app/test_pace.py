"""Transactions of the worker are large, and become small while somebody waits to write."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rapport.app.pace import CALM, LEAST, TURN_SECONDS, Pace


def noted(pace: Pace, *, seconds_a_fact: float, waited_for: bool, turns: int = 1) -> Pace:
    for _ in range(turns):
        pace.note(pace.batch, pace.batch * seconds_a_fact, waited_for=waited_for)
    return pace


@given(st.floats(1e-6, 1e-2), st.integers(1, 20_000))
def test_after_one_turn_that_was_waited_for_the_next_is_as_short_as_was_promised(each: float, most: int) -> None:
    pace = noted(Pace(most), seconds_a_fact=each, waited_for=True)
    assert pace.batch * each <= TURN_SECONDS * (1 + 1e-9) or pace.batch == min(most, LEAST)


@given(st.floats(1e-6, 1e-2), st.integers(1, 20_000), st.integers(0, 20))
def test_when_nobody_waits_any_more_they_are_as_large_as_before(each: float, most: int, waited: int) -> None:
    pace = noted(Pace(most), seconds_a_fact=each, waited_for=True, turns=waited)
    assert noted(pace, seconds_a_fact=each, waited_for=False, turns=CALM + 6).batch == most


def test_who_writes_one_thing_after_the_other_does_not_have_to_stand_there_at_each_turns_end() -> None:
    pace = noted(Pace(5_000), seconds_a_fact=1e-4, waited_for=True, turns=3)
    short = pace.batch
    for _ in range(20):
        noted(pace, seconds_a_fact=1e-4, waited_for=False, turns=CALM - 1)
        assert noted(pace, seconds_a_fact=1e-4, waited_for=True).batch == short


def test_they_grow_again_beside_somebody_who_waits_once_the_disk_is_quick_again() -> None:
    pace = noted(Pace(5_000), seconds_a_fact=1e-2, waited_for=True, turns=3)
    assert pace.batch == LEAST
    assert noted(pace, seconds_a_fact=1e-5, waited_for=True, turns=9).batch > 2_000

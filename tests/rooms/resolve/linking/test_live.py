"""Blocking, live scoring and persons."""

from __future__ import annotations

import random
from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.resolve.linking.blocking import Blocks
from rapport.resolve.linking.clusters import WORTH_A_LOOK, Clusters
from rapport.resolve.linking.scorer import LiveIndex, Match
from tests.rooms.resolve.linking.people import Crowd, crowd, model


def persons_of(people: Crowd, *, seed: int) -> list[int]:
    index = LiveIndex(model())
    clusters = Clusters(index.score)
    order = list(range(len(people.rows)))
    random.Random(seed).shuffle(order)
    for record in order:
        clusters.add(record, index.put(record, people.rows[record], above=WORTH_A_LOOK))
    return [clusters.person_of(record) for record in range(len(people.rows))]


def together(persons: list[int]) -> set[tuple[int, int]]:
    return {(a, b) for a in range(len(persons)) for b in range(a) if persons[a] == persons[b]}


def test_people_the_model_never_saw_are_told_apart_and_put_together() -> None:
    people = crowd(300, seed=99)
    said, true = together(persons_of(people, seed=1)), together(people.truth)
    precision, recall = len(said & true) / len(said), len(said & true) / len(true)
    assert precision > 0.98
    assert recall > 0.95


def test_the_order_of_arrival_hardly_matters() -> None:
    people = crowd(300, seed=5)
    first, second = (together(persons_of(people, seed=seed)) for seed in (1, 2))
    assert len(first ^ second) <= 0.05 * len(first)


def test_a_record_put_again_replaces_itself_and_a_removed_one_is_forgotten() -> None:
    index = LiveIndex(model())
    ada = {"first_name": "ada", "last_name": "lordorberg", "birthday": "1980-03-04", "city": "york"}
    bo = {"first_name": "bo", "last_name": "pelosridge", "birthday": "1951-12-12", "city": "hull"}
    index.put(1, ada, above=0)
    assert [match.record for match in index.find(ada, above=0)] == [1]
    index.put(1, bo, above=0)
    assert index.find(ada, above=0) == []
    index.remove(1)
    assert index.find(bo, above=0) == []
    assert len(index) == 0


def test_a_block_that_grows_too_large_is_closed_and_candidates_are_bounded() -> None:
    blocks = Blocks(cap=10, most=5)
    for record in range(20):
        blocks.add(record, [7, 100 + record % 2])
    assert blocks.candidates([7]) == []
    assert len(blocks.candidates([100, 101])) == 5


def test_those_who_share_more_and_smaller_blocks_come_first() -> None:
    blocks = Blocks(cap=50, most=2)
    for record in range(30):
        blocks.add(record, [1])
    blocks.add(98, [1, 2])
    blocks.add(99, [1, 2, 3])
    assert blocks.candidates([1, 2, 3]) == [99, 98]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 5)), max_size=60))
def test_blocks_hold_what_was_added_and_not_removed(steps: list[tuple[int, int]]) -> None:
    blocks = Blocks(cap=1000, most=1000)
    held: set[tuple[int, int]] = set()
    for record, key in steps:
        if (record, key) in held:
            blocks.remove(record, [key])
            held.remove((record, key))
        else:
            blocks.add(record, [key])
            held.add((record, key))
    for key in range(6):
        assert set(blocks.candidates([key])) == {record for record, of in held if of == key}


def test_one_chance_resemblance_does_not_tie_two_families() -> None:
    """Ten of each; one record of each looks like the other's: the mean says no."""
    alike = {(a, b) for group in (range(10), range(10, 20)) for a in group for b in group}
    alike |= {(0, 10), (10, 0)}

    def score(a: int, b: int, *, above: float) -> float:
        return 9.0 if (a, b) in alike else -9.0

    clusters = Clusters(score)
    for record in range(20):
        clusters.add(record, [Match(other, 9.0) for other in range(record) if (record, other) in alike])
    assert Counter(len(members) for members in clusters.persons()) == {10: 2}


FATHER = {
    "first_name": "hugo", "last_name": "lordorberg", "birthday": "1951-12-12", "street": "4 elm close", "city": "truro",
    "postcode": "tr3 4gh", "phone": "7700900123",
}  # fmt: skip


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_father_and_son_of_one_name_stay_two_whoever_lacks_a_date_between_them(order: tuple[int, ...]) -> None:
    index = LiveIndex(model())
    clusters = Clusters(index.cautious, threshold=model().thresholds.automatic)
    nobody_knows = {column: text for column, text in FATHER.items() if column != "birthday"}
    rows = (FATHER, FATHER | {"birthday": "1979-03-28"}, nobody_knows)
    for record in order:
        clusters.add(record, index.put(record, rows[record], above=WORTH_A_LOOK))
    assert clusters.person_of(0) != clusters.person_of(1)


def test_a_machine_ties_by_no_more_than_the_contradictions_leave() -> None:
    index = LiveIndex(model())
    others: tuple[dict[str, str], ...] = (
        {},
        {"birthday": "1951-12-21"},
        {"birthday": "1979-03-28"},
        {"first_name": "walter"},
    )
    for record, other in enumerate(others):
        index.put(record, FATHER | other, above=0)
    assert index.score(0, 2) > 6.6
    assert [index.cautious(0, record, above=-12) > 6.6 for record in (1, 2, 3)] == [True, False, False]
    assert index.cautious(0, 2, above=-12) == index.cautious(0, 3, above=-12) == -12


def test_a_record_that_ties_two_halves_of_a_person_makes_them_one() -> None:
    def score(a: int, b: int, *, above: float) -> float:
        return 5.0

    clusters = Clusters(score)
    clusters.add(1, [])
    clusters.add(2, [])
    changed = clusters.add(3, [Match(1, 5.0), Match(2, 5.0)])
    assert changed == {1, 2, 3}
    assert len({clusters.person_of(record) for record in (1, 2, 3)}) == 1


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize(("others", "persons"), [(-3.0, 1), (-9.0, 2), (-12.0, 2)])
def test_where_the_best_pair_counts_two_records_may_share_nothing_but_not_contradict(
    order: tuple[int, ...], others: float, persons: int
) -> None:
    """A guest and a card, each surely an account's: one person, unless the two are hardly one or contradict."""

    def score(a: int, b: int, *, above: float) -> float:
        return 9.0 if 0 in (a, b) else others

    clusters = Clusters(score, threshold=5.0, mean=2.0)
    for at, record in enumerate(order):
        clusters.add(record, sorted((Match(o, score(record, o, above=0)) for o in order[:at]), key=lambda m: -m.score))
    assert len(list(clusters.persons())) == persons


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 12)), max_size=50),
    st.randoms(use_true_random=False),
    st.sampled_from([None, 2.0]),
)
def test_persons_always_partition_the_records(
    steps: list[tuple[bool, int]], rng: random.Random, mean: float | None
) -> None:
    odds = {(a, b): rng.uniform(-8, 8) for a in range(13) for b in range(a)}

    def score(a: int, b: int, *, above: float) -> float:
        return odds[max(a, b), min(a, b)]

    clusters = Clusters(score, mean=mean)
    present: set[int] = set()
    for remove, record in steps:
        if remove and record in present:
            clusters.remove(record)
            present.remove(record)
        elif not remove:
            others = present - {record}
            matches = [Match(other, score(record, other, above=0)) for other in others]
            clusters.add(record, sorted(matches, key=lambda match: -match.score))
            present.add(record)
        held = [record for members in clusters.persons() for record in members]
        assert sorted(held) == sorted(present)
        assert all(record in clusters.members(clusters.person_of(record)) for record in present)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_record_with_nothing_in_it_matches_nobody(seed: int) -> None:
    index = LiveIndex(model())
    for number, row in enumerate(crowd(50, seed=seed).rows):
        index.put(number, row, above=0)
    assert index.find({}, above=-100) == []

"""A whole table at once gives what live insertion gives."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from rapport.kernel.errors import InvalidInput
from rapport.resolve.linking.batch import link_table
from rapport.resolve.linking.clusters import WORTH_A_LOOK
from rapport.resolve.linking.comparer import Comparer, Prepared
from rapport.resolve.linking.forming import Group, form_persons, groups_of
from rapport.resolve.linking.kinds import detect
from rapport.resolve.linking.models import card_text
from rapport.resolve.linking.scorer import LiveIndex, Match
from rapport.resolve.linking.training import train
from tests.rooms.resolve.linking.people import Crowd, crowd, model, write_csv


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A model as JSON."""
    path = tmp_path / "model.json"
    path.write_bytes(model().to_json())
    return path


def test_a_table_is_linked_by_splink_as_it_is_live(tmp_path: Path, saved: Path) -> None:
    people = crowd(150, seed=31)
    table, out = write_csv(tmp_path / "people.csv", people.rows), tmp_path / "persons.parquet"
    report = link_table(table, str(out), model_path=saved)
    persons = pq.read_table(out)["person"].to_pylist()
    said = {(a, b) for a in range(len(persons)) for b in range(a) if persons[a] == persons[b]}
    true = {(a, b) for a in range(len(persons)) for b in range(a) if people.truth[a] == people.truth[b]}
    assert report.records == len(people.rows)
    assert report.persons == len(set(persons))
    assert len(said & true) >= 0.95 * len(true)
    assert len(said - true) <= 0.02 * len(said)


@pytest.mark.parametrize("seed", range(4))
def test_groups_that_no_match_ties_may_be_done_separately(seed: int) -> None:
    """So that each can be done on another machine, and the persons are those of the whole table."""
    matches, prepared, comparer = _weighed(crowd(60, seed=seed))
    everybody = range(len(prepared))
    whole = form_persons(model(), comparer, prepared, Group(list(everybody), WORTH_A_LOOK), matches)
    groups = list(groups_of(everybody, matches, largest=len(prepared)))
    apart: dict[int, int] = {}
    for group in random.Random(seed).sample(groups, len(groups)):
        apart |= form_persons(model(), comparer, prepared, group, matches)
    assert len(groups) > 20
    assert apart == whole


def test_a_group_that_is_too_large_is_cut_where_it_is_weakest() -> None:
    chain = {1: [Match(0, 9.0)], 2: [Match(1, -1.0)], 3: [Match(2, 3.0)], 4: [Match(3, 1.0)], 5: [Match(4, 20.0)]}
    assert list(groups_of(range(6), chain, largest=6)) == [Group([0, 1, 2, 3, 4, 5], -2.0)]
    assert list(groups_of(range(6), chain, largest=4)) == [Group([0, 1], 0.0), Group([2, 3, 4, 5], 0.0)]
    assert list(groups_of(range(6), chain, largest=3)) == [Group([0, 1], 0.0), Group([2, 3], 2.0), Group([4, 5], 2.0)]
    assert sorted(map(len, (group.records for group in groups_of(range(6), chain, largest=1)))) == [1, 1, 2, 2]


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "model.json"
    wrong.write_text("{}", encoding="utf-8")
    table = write_csv(tmp_path / "people.csv", [{"surname": "x"}])
    with pytest.raises(InvalidInput, match="is no model"):
        link_table(table, str(tmp_path / "out.parquet"), model_path=wrong)


def test_a_table_without_what_the_model_compares_is_refused(tmp_path: Path, saved: Path) -> None:
    rows = [{name: text for name, text in row.items() if name not in ("city", "phone")} for row in crowd(5).rows]
    with pytest.raises(InvalidInput, match="lacks columns that the model compares: city, phone"):
        link_table(write_csv(tmp_path / "people.csv", rows), str(tmp_path / "out.parquet"), model_path=saved)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("people.csv", None, "No such file"),
        ("people.csv", b"last_name\n", "holds no rows"),
        ("people.csv", "last_name\nMüller\n".encode("latin-1"), "cannot be read"),
        ("people.parquet", b"last_name\nadams\n", "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_read_is_named(
    tmp_path: Path, saved: Path, name: str, content: bytes | None, says: str
) -> None:
    table = tmp_path / name
    if content is not None:
        table.write_bytes(content)
    with pytest.raises(InvalidInput, match=f"people.*{says}"):
        link_table(str(table), str(tmp_path / "out.parquet"), model_path=saved)


def test_rows_that_share_nothing_are_persons_of_their_own(tmp_path: Path, saved: Path) -> None:
    empty = dict.fromkeys((column for c in model().comparisons for column in c.aspect.columns), "")
    table = write_csv(tmp_path / "people.csv", [empty, empty])
    assert link_table(table, str(tmp_path / "out.parquet"), model_path=saved)[:3] == (2, 0, 2)


def test_too_few_records_teach_nothing() -> None:
    few = crowd(5).rows
    with pytest.raises(InvalidInput, match="nothing reliable"):
        train(few, detect(few))


def test_where_nobody_is_there_twice_experience_stands_in_and_the_card_says_so() -> None:
    people = crowd(500, seed=6)
    alone = [row for number, row in enumerate(people.rows) if people.truth[number] not in people.truth[:number]]
    learned = train(alone, detect(alone), random_pairs=20_000, shipped=False)
    assert not any(anchor["taught"] for anchor in learned.card["anchors"])
    assert "not learned" in card_text(learned)
    index = LiveIndex(learned)
    for number, row in enumerate(alone):
        assert index.put(number, row, above=learned.thresholds.automatic) == []


def test_training_tells_how_far_it_is_and_writes_a_card() -> None:
    rows = crowd(200, seed=4).rows
    told: list[float] = []
    learned = train(
        rows, detect(rows), random_pairs=10_000, shipped=False, progress=lambda _, share: told.append(share)
    )
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)
    assert learned.card["rows"] == len(rows)
    assert len(learned.card["anchors"]) >= 2
    weights = {c.aspect.name: c.weights for c in learned.comparisons}
    assert weights["phone"][3] > 5 > 0 > weights["phone"][0]
    assert weights["birthday"][7] > weights["birthday"][4] > weights["birthday"][0]


def _weighed(people: Crowd) -> tuple[dict[int, list[Match]], list[Prepared], Comparer]:
    """Of each record its matches among those before it, without blocking."""
    comparer = Comparer.of_model(model())
    prepared = [comparer.prepare(row) for row in people.rows]
    matches = {
        record: [
            Match(other, odds)
            for other in range(record)
            if (odds := comparer.score(prepared[record], prepared[other], above=WORTH_A_LOOK)) >= WORTH_A_LOOK
        ]
        for record in range(len(prepared))
    }
    return matches, prepared, comparer

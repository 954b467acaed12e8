"""A whole table at once gives what live insertion gives."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from rapport.kernel.errors import InvalidInput
from rapport.resolve.linking.batch import link_table
from rapport.resolve.linking.kinds import detect
from rapport.resolve.linking.models import card_text
from rapport.resolve.linking.scorer import LiveIndex
from rapport.resolve.linking.training import train
from tests.rooms.resolve.linking.people import crowd, model


def test_a_table_is_linked_by_splink_as_it_is_live(tmp_path: Path) -> None:
    people = crowd(150, seed=31)
    table, out, saved = tmp_path / "people.csv", tmp_path / "persons.parquet", tmp_path / "model.json"
    names = sorted({name for row in people.rows for name in row})
    lines = [",".join(names), *(",".join(row.get(name, "") for name in names) for row in people.rows)]
    table.write_text("\n".join(lines), encoding="utf-8")
    saved.write_bytes(model().to_json())
    report = link_table(table, out, model_path=saved, map_path=None, progress=lambda doing, share: None)
    persons = pq.read_table(out)["person"].to_pylist()
    said = {(a, b) for a in range(len(persons)) for b in range(a) if persons[a] == persons[b]}
    true = {(a, b) for a in range(len(persons)) for b in range(a) if people.truth[a] == people.truth[b]}
    assert report.records == len(people.rows)
    assert report.persons == len(set(persons))
    assert len(said & true) >= 0.95 * len(true)
    assert len(said - true) <= 0.02 * len(said)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    table, wrong = tmp_path / "people.csv", tmp_path / "model.json"
    table.write_text("surname\nx\n", encoding="utf-8")
    wrong.write_text("{}", encoding="utf-8")
    with pytest.raises(InvalidInput, match="is no model"):
        link_table(table, tmp_path / "out.parquet", model_path=wrong, map_path=None, progress=lambda doing, share: None)


def test_too_few_records_teach_nothing() -> None:
    few = crowd(5).rows
    with pytest.raises(InvalidInput, match="nothing reliable"):
        train(few, detect(few))


def test_where_nobody_is_there_twice_experience_stands_in_and_the_card_says_so() -> None:
    people = crowd(500, seed=6)
    alone = [row for number, row in enumerate(people.rows) if people.truth[number] not in people.truth[:number]]
    learned = train(alone, detect(alone), random_pairs=20_000)
    assert not any(anchor["taught"] for anchor in learned.card["anchors"])
    assert "not learned" in card_text(learned)
    index = LiveIndex(learned)
    for number, row in enumerate(alone):
        assert index.put(number, row, above=learned.thresholds.automatic) == []


def test_training_tells_how_far_it_is_and_writes_a_card() -> None:
    rows = crowd(200, seed=4).rows
    told: list[float] = []
    learned = train(rows, detect(rows), random_pairs=10_000, progress=lambda doing, share: told.append(share))
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)
    assert learned.card["rows"] == len(rows)
    assert len(learned.card["anchors"]) >= 2
    weights = {c.aspect.name: c.weights for c in learned.comparisons}
    assert weights["phone"][3] > 5 > 0 > weights["phone"][0]
    assert weights["birthday"][7] > weights["birthday"][4] > weights["birthday"][0]

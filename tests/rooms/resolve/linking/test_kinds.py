"""Columns are known by their names and values."""

from __future__ import annotations

from pathlib import Path

import pytest

from rapport.kernel.errors import InvalidInput
from rapport.resolve.linking.kinds import Kind, date_digits, detect, fold, read_map, words
from tests.rooms.resolve.linking.people import crowd


def test_a_shops_columns_are_found_without_being_told() -> None:
    layout = detect(crowd(50).rows)
    assert {column.name: column.kind for column in layout.columns} == {
        "first_name": Kind.GIVEN_NAME, "last_name": Kind.SURNAME, "birthday": Kind.BIRTH_DATE, "phone": Kind.PHONE,
        "street": Kind.STREET, "postcode": Kind.POSTCODE, "city": Kind.PLACE,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "kind"),
    [
        ("ada{n}@example.com", Kind.EMAIL),
        ("1990-01-{n:02}", Kind.BIRTH_DATE),
        ("+44 7700 9001{n:02}", Kind.PHONE),
        ("{n}00417", Kind.NATIONAL_ID),
        ("100004{n}", Kind.NATIONAL_ID),
    ],
)
def test_a_column_whose_name_says_nothing_is_known_by_its_values(pattern: str, kind: Kind) -> None:
    rows = [{"column_7": pattern.format(n=n)} for n in range(10, 30)]
    assert [column.kind for column in detect(rows).columns] == [kind]


def test_ids_of_rows_and_nearly_empty_columns_are_left_out() -> None:
    rows = [{"unique_id": str(n), "surname": f"name{n}", "fax": None if n else "1"} for n in range(200)]
    assert [column.name for column in detect(rows).columns] == ["surname"]


def test_what_is_given_by_hand_stands(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text('[columns]\nnotes = "ignore"\nx = "surname"\n', encoding="utf-8")
    rows = [{"x": f"a{n}", "notes": f"b{n}"} for n in range(30)]
    assert [(c.name, c.kind) for c in detect(rows, given=read_map(path)).columns] == [("x", Kind.SURNAME)]


def test_a_kind_that_does_not_exist_is_named(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text('[columns]\nx = "shoe_size"\n', encoding="utf-8")
    with pytest.raises(InvalidInput, match="shoe_size"):
        read_map(path)


def test_texts_are_folded() -> None:
    assert fold("  ÉLAN ") == "elan"
    assert words("D'Arcy, the 2nd") == ["darcy", "the", "2nd"]
    assert date_digits("3/4/1990") == "19900403"
    assert date_digits("soon") == ""

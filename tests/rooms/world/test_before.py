"""Orders of before the past begins, as an older shop's export lists them."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from rapport.kernel.clock import from_iso
from rapport.world.before import COLUMNS, orders_before, write_orders_before
from rapport.world.timeline import Town
from tests.shop import NOON

TOWN = Town(seed=7, people=60, starts_at=NOON)


def test_an_older_order_is_of_before_the_town_and_the_same_each_time() -> None:
    lines = [*orders_before(TOWN)]
    assert lines
    assert lines == [*orders_before(TOWN)]
    assert all(from_iso(line[COLUMNS.index("Date")]) < NOON for line in lines)


def test_a_larger_town_has_the_same_first_people() -> None:
    lines = [*orders_before(TOWN)]
    assert [*orders_before(replace(TOWN, people=80))][: len(lines)] == lines


def test_the_table_is_written_in_order_of_time(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    number = write_orders_before(path, TOWN)
    with path.open(encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file)
    assert tuple(header) == COLUMNS
    assert len(lines) == number
    assert sorted(lines, key=lambda line: line[1]) == lines

"""Looking back finds what is wanted in bounded looks, each going on where the last one ended."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

from rapport.kernel.ids import WorkspaceId
from rapport.storage.log import StoredRow
from rapport.storage.lookback import look_back, named


def log_of(names: list[str]) -> list[StoredRow]:
    """Facts with these names, the newest first."""
    return [
        StoredRow(
            seq, WorkspaceId(1), "src", f"m-{seq}", b"k", 0, seq, seq, json.dumps({"id": "x", "name": name}).encode()
        )
        for seq, name in zip(range(len(names), 0, -1), names, strict=True)
    ]


def reader(rows: list[StoredRow], start: int | None = None) -> Callable[[StoredRow | None, int], list[StoredRow]]:
    """Reads them as a query would, and never more than asked for."""

    def older(row: StoredRow | None, most: int) -> list[StoredRow]:
        before = start if row is None else row.seq
        return [one for one in rows if before is None or one.seq < before][:most]

    return older


def test_looks_one_after_the_other_find_everything_once() -> None:
    """Whatever the page size and the bound of a look, and whether matches are many or few."""
    for seed in range(60):
        rng = random.Random(seed)
        rows = log_of(
            rng.choices(["Order Completed", "Page Viewed"], [rng.choice([0, 1, 30]), 30], k=rng.randrange(90))
        )
        wanted, limit, most = rng.choice([None, named("order")]), rng.randint(1, 9), rng.randint(1, 40)
        found: list[StoredRow] = []
        start, looks = None, 0
        while True:
            look = look_back(reader(rows, start), wanted, limit=limit, most=most)
            assert len(look.rows) <= limit
            assert look.looked_at <= most
            found += look.rows
            looks += 1
            if look.last is None:
                break
            start = look.last.seq
        assert found == [row for row in rows if wanted is None or wanted(row)], seed
        assert looks <= 2 + len(rows) // most + len(found) // limit + (len(rows) if most <= limit else 0)


def test_a_full_page_goes_on_after_its_last_fact_and_the_last_page_says_so() -> None:
    rows = log_of(["a"] * 6)
    look = look_back(reader(rows), None, limit=3)
    assert (look.rows, look.last, look.first) == (rows[:3], rows[2], rows[0])
    assert look_back(reader(rows, rows[2].seq), None, limit=3).last is None


def test_a_look_that_finds_nothing_tells_how_far_it_came() -> None:
    rows = log_of(["Page Viewed"] * 50)
    look = look_back(reader(rows), named("order"), limit=3, most=20)
    assert (look.rows, look.looked_at, look.last) == ([], 20, rows[19])
    assert look_back(reader([]), named("order"), limit=3).first is None


def test_a_name_is_known_by_any_part_in_any_case() -> None:
    order, page = log_of(["Order Completed", "Grüße Gesendet"])
    assert named("ORDER")(order)
    assert named("grüsse")(page)
    assert not named("refund")(order)

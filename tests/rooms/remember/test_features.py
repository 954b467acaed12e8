"""What was known at a moment: nothing of later, the same after a kill, and nobody's name."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rapport.kernel.clock import DAY, HOUR, to_iso
from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import Key
from rapport.remember.commands import features
from rapport.remember.features import Asked, write_features
from rapport.storage.workspaces import default_workspace
from tests.databases import ENGINES, database_at
from tests.installation import Opened
from tests.remembered import REMEMBERED
from tests.running import Engine
from tests.shop import NOON, Shop

MIDDLE = NOON + 10 * DAY


def live(shop: Shop, *, until: int) -> None:
    """Thirty people look and buy for twenty days; what happens at `until` or later is not told."""
    rng = random.Random(3)
    told = []
    for number in range(400):
        at, user = NOON + rng.randrange(20 * DAY), f"u{rng.randrange(30)}"
        event = rng.choice(["Product Viewed", "Product Added", "Order Completed"])
        more: dict[str, Any] = {"revenue": rng.randrange(1, 90), "order_id": f"o{number}"} if event[0] == "O" else {}
        product = {"product_id": f"p{rng.randrange(5)}", "category": "=wine"}
        told.append((at, shop.message(event, at=at, user=user, id=f"f{number}", **product, **more)))
    shop.send(*(message for at, message in told if at < until))
    shop.fold()


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    engine: Engine = request.param
    with database_at(engine, tmp_path_factory.mktemp("features")) as url:
        found = Shop(url)
        live(found, until=2**60)
        yield found
        found.close()


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The same shop as it was in the middle."""
    with database_at("sqlite", tmp_path_factory.mktemp("half")) as url:
        found = Shop(url)
        live(found, until=MIDDLE)
        yield found
        found.close()


def write(shop: Shop, out: Path, *, as_of: int = MIDDLE, **more: Any) -> list[dict[str, str]]:
    with shop.db.read() as conn:
        asked = Asked(default_workspace(conn), as_of)
    write_features(shop.db, REMEMBERED, asked, out, **more)
    with out.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def without_ids(rows: list[dict[str, str]]) -> list[str]:
    return sorted(json.dumps({name: row[name] for name in row if name != "customer"}) for row in rows)


def test_as_of_a_moment_is_what_the_shop_knew_that_had_heard_nothing_of_later(
    shop: Shop, half: Shop, tmp_path: Path
) -> None:  # fmt: skip
    then = write(shop, tmp_path / "then.csv")
    assert without_ids(then) == without_ids(write(half, tmp_path / "half.csv"))
    later = write(shop, tmp_path / "later.csv", as_of=NOON + 30 * DAY)
    assert sum(int(float(row["orders"] or 0)) for row in later) == len(shop.facts("Order Completed"))
    assert 0 < sum(int(float(row["orders"] or 0)) for row in then) < len(shop.facts("Order Completed"))
    assert not {"name", "email", "phone", "birthday"} & then[0].keys()


def test_a_call_that_was_killed_goes_on_behind_the_last_whole_row(shop: Shop, tmp_path: Path) -> None:
    whole, out = write(shop, tmp_path / "whole.csv"), tmp_path / "killed.csv"

    def killed(done: int, _: int) -> None:
        if done >= 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(shop, out, at_once=4, tell=killed)
    assert not out.exists()
    kept = tmp_path / "killed.csv.rows"
    with kept.open("ab") as file:
        file.write(b'{"root":"00aa","cust')
    seen: list[int] = []
    assert write(shop, out, at_once=4, tell=lambda done, _: seen.append(done)) == whole
    assert seen[0] > 12
    assert not kept.exists()
    assert [file.name for file in tmp_path.iterdir() if "killed" in file.name] == ["killed.csv"]


def test_rows_of_another_moment_are_not_gone_on_with(shop: Shop, tmp_path: Path) -> None:
    def killed(*_: int) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "t.csv"
    with pytest.raises(KeyboardInterrupt):
        write(shop, out, as_of=NOON + 30 * DAY, tell=killed)
    assert write(shop, out) == write(shop, tmp_path / "anew.csv")


def test_who_does_not_permit_it_is_left_out_and_no_cell_is_a_formula(shop: Shop, tmp_path: Path) -> None:
    def permitted(_: object, keys: list[Key]) -> dict[Key, bool]:
        return {key: key[0] % 2 == 0 for key in keys}

    every, some = write(shop, tmp_path / "e.csv"), write(shop, tmp_path / "s.csv", permitted=permitted)
    assert 0 < len(some) < len(every)
    assert not [cell for row in every for cell in row.values() if cell.startswith("=")]


def test_the_command_writes_typed_columns_of_a_day_of_the_shop(shop: Shop, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    out = tmp_path / "f.parquet"
    asked = ["--as-of", to_iso(MIDDLE)[:10], "--out", str(out), "--json"]
    told = CliRunner().invoke(features, asked, obj=_Installation(shop), catch_exceptions=False)
    made = json.loads(told.stdout)
    assert made["as_of"] == to_iso(MIDDLE - 12 * HOUR)
    types = {name: kind for name, kind, *_ in duckdb.sql(f"DESCRIBE FROM '{out}'").fetchall()}
    assert (types["orders"], types["last_seen_at"], types["customer"]) == (
        "DOUBLE",
        "TIMESTAMP WITH TIME ZONE",
        "VARCHAR",
    )
    latest = duckdb.sql(f"SELECT count(*), max(last_seen_at) < '{to_iso(MIDDLE)}' FROM '{out}'").fetchall()
    assert latest == [(made["customers"], True)]
    assert oct(out.stat().st_mode)[-3:] == "600"


@pytest.mark.parametrize("as_of", ["yesterday", "2026-13-01", "2026-11-27T25:00:00Z"])
def test_what_is_no_time_or_no_table_is_refused(shop: Shop, tmp_path: Path, as_of: str) -> None:
    out = str(tmp_path / "t.csv")
    with pytest.raises(InvalidInput, match="is no time"):
        CliRunner().invoke(features, ["--as-of", as_of, "--out", out], obj=_Installation(shop), catch_exceptions=False)
    with pytest.raises(InvalidInput, match="neither"):
        write(shop, tmp_path / "t.xlsx")


class _Installation(Opened):
    """What the command needs of it."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop.db)
        self.remembered = REMEMBERED
        self.gate = shop.pipeline.slices.gate

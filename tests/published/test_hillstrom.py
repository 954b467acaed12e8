"""Hillstrom's e-mail experiment: the page of effects finds what was published.

**Source:** MineThatData E-Mail Analytics And Data Mining Challenge, 2008; 64,000 customers, means and their intervals.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.changing import change_programme
from rapport.capabilities.loyalty.checking import read_programme
from rapport.capabilities.loyalty.trials import TrialShown, trials_of
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Connection
from rapport.measure.effects import Group, difference
from rapport.storage.bulk import insert_rows
from rapport.storage.engine import Database
from rapport.storage.workspaces import create_workspace
from tests.databases import sqlite_database
from tests.loyal import CLUB

MAILS = {"mens": "Mens E-Mail", "womens": "Womens E-Mail"}
NOBODY = "No E-Mail"


class Row(NamedTuple):
    arm: str
    visit: int
    bought: int
    spent_minor: int


@pytest.fixture(scope="module")
def rows(shared_data: Path) -> list[Row]:
    with gzip.open(shared_data / "uplift" / "hillstrom.csv.gz", "rt") as file:
        return [
            Row(one["treatment"], int(one["visit"]), int(one["conversion"]), round(float(one["spend"]) * 100))
            for one in csv.DictReader(file)
        ]  # fmt: skip


@pytest.fixture(scope="module")
def trials(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, TrialShown]]:
    """The experiment as two apologies beside people who got none."""
    db = Database.open(sqlite_database(Path(tmp_path_factory.mktemp("hillstrom"))))
    with db.write() as conn:
        shop = create_workspace(conn, slug="shop", name="Shop", now=1).id
        _keep(conn, shop, rows)
    rules = [{"name": one, "title": one, "on": "Promise Broken", "points": 1, "holdout_percent": 50} for one in MAILS]
    change_programme(db, shop, "club", CLUB | {"earning": rules}, seen=0, by="a test", reason="", now=1)
    with db.read() as conn:
        yield {one.title: one for one in trials_of(conn, shop, "club", read_programme(CLUB | {"earning": rules}))}
    db.close()


def _keep(conn: Connection, shop: WorkspaceId, rows: list[Row]) -> None:
    keys = [n.to_bytes(16, "big") for n in range(len(rows))]
    insert_rows(conn, store.arms, [
        {"workspace": shop, "programme": "club", "trial": f"rule:{name}", "strand": key, "arm": int(row.arm == mail),
         "at": 10}
        for name, mail in MAILS.items() for key, row in zip(keys, rows, strict=True) if row.arm in (mail, NOBODY)
    ])  # fmt: skip
    nothing = dict.fromkeys(("pending", "available", "held", "redeemed", "expired", "owed", "entries"), 0)
    insert_rows(conn, store.lots, [
        {"workspace": shop, "programme": "club", "lot": f"order:{n}", "strand": keys[n], "at": 20, "available_at": 20,
         "expires_at": 30, "counted_minor": row.spent_minor, "is_order": 1, "rule": "", "words": "", **nothing}
        for n, row in enumerate(rows) if row.bought
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("name", "measure", "value", "low", "high", "scale"),
    [
        ("mens", "buyers", 0.681, 0.500, 0.861, 100), ("mens", "revenue", 0.770, 0.485, 1.055, 0.01),
        ("womens", "buyers", 0.311, None, None, 100), ("womens", "revenue", 0.424, 0.169, 0.680, 0.01),
    ],
)  # fmt: skip
def test_the_page_of_effects_finds_the_published_figures(
    trials: dict[str, TrialShown], name: str, measure: str, value: float, low: float | None, high: float | None,
    scale: float,
) -> None:  # fmt: skip
    trial = trials[name]
    assert (trial.given, trial.held_out) == ({"mens": 21_307, "womens": 21_387}[name], 21_306)
    assert trial.ratio_p is not None
    assert trial.ratio_p > 0.5
    [found] = [one for one in trial.measures if one.name == measure]
    assert found.difference is not None
    assert found.low is not None
    assert found.high is not None
    assert found.difference * scale == pytest.approx(value, abs=6e-4)
    if low is not None and high is not None:
        assert (found.low + found.high) * scale / 2 == pytest.approx((low + high) / 2, abs=2e-3)
        # The page may be looked at every day: its interval is wider than the published one, which is for one look.
        assert 1.3 < (found.high - found.low) * scale / (high - low) < 2.5


@pytest.mark.parametrize(("name", "points", "low", "high"), [("mens", 7.66, 6.99, 8.32), ("womens", 4.52, None, None)])
def test_visits_differ_as_published(
    rows: list[Row], name: str, points: float, low: float | None, high: float | None
) -> None:
    groups = []
    for arm in (MAILS[name], NOBODY):
        visits = [row.visit for row in rows if row.arm == arm]
        groups.append(Group(len(visits), sum(visits), sum(visits)))
    found = difference(*groups)
    assert found is not None
    assert 100 * found.value == pytest.approx(points, abs=0.006)
    if low is not None:
        assert (100 * found.low, 100 * found.high) == pytest.approx((low, high), abs=0.011)

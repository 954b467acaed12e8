"""Open Bandit, men's campaign: what Thompson sampling would have brought, reckoned from random choices.

**Source:** Saito, Aihara, Matsutani, Narita (NeurIPS Datasets 2021). Their small set gives relative errors of .311
(IPW), .292 (DR), .160 (DRos), .157 (DM); the 10,000 rows here are another cut, in which 46 random rows were clicked.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from rapport.measure.off_policy import ESTIMATORS, Place, effective_size, estimate, logged_value

SHRUNK = 300


class Row(NamedTuple):
    position: int
    item: int
    click: int
    odds: float


def read(path: Path) -> list[Row]:
    with gzip.open(path, "rt") as lines:
        return [
            Row(int(row["position"]), int(row["item_id"]), int(row["click"]), float(row["propensity_score"]))
            for row in csv.DictReader(lines)
        ]


@pytest.fixture(scope="module")
def judged(shared_data: Path) -> tuple[list[list[Place]], float]:
    """Random choices weighed as Thompson sampling, and what that truly brought."""
    chosen, other = (read(shared_data / "open_bandit" / f"men_{name}.csv.gz") for name in ("random", "bts"))
    shown, there = Counter((row.position, row.item) for row in other), Counter(row.position for row in other)
    chance = {key: number / there[key[0]] for key, number in shown.items()}
    halves = (chosen[0::2], chosen[1::2])
    places = []
    for mine, learnt in ((halves[0], halves[1]), (halves[1], halves[0])):
        number, clicks = Counter(row.item for row in learnt), Counter(row.item for row in learnt if row.click)
        prior = sum(clicks.values()) / len(learnt)
        model = {item: (clicks[item] + SHRUNK * prior) / (number[item] + SHRUNK) for item in range(34)}
        expected = {at: sum(chance.get((at, item), 0.0) * model[item] for item in model) for at in there}
        places += [
            [Place(row.click, row.odds, chance.get((row.position, row.item), 0.0), model[row.item],
                   expected[row.position])]
            for row in mine
        ]  # fmt: skip
    return places, sum(row.click for row in other) / len(other)


def test_what_was_truly_clicked_lies_within_every_unbiased_interval(judged: tuple[list[list[Place]], float]) -> None:
    places, truth = judged
    for how in ("ips", "snips", "dr"):
        found = estimate(places, how)
        assert found.low < truth < found.high


def test_errors_are_no_worse_than_the_published_ones(judged: tuple[list[list[Place]], float]) -> None:
    places, truth = judged
    errors = {how: abs(estimate(places, how).value - truth) / truth for how in ESTIMATORS}
    assert errors["ips"] < 0.311
    assert errors["dr"] < 0.292
    assert 1_000 < effective_size(places) < len(places)


def test_the_other_policy_is_told_to_be_the_better_one(judged: tuple[list[list[Place]], float]) -> None:
    places, _ = judged
    assert estimate(places, "dr").value > logged_value(places).value

"""Descriptions that repeat each other are read once, and the outcome is the same."""

from __future__ import annotations

import random

from rapport.capabilities.catalog.model import describe, newest, once
from rapport.kernel.facts import Fact
from rapport.kernel.ids import WorkspaceId
from rapport.remember.inputs import ReadingSettings

SHOP = WorkspaceId(1)


def seen(number: int, rng: random.Random) -> Fact:
    said = {
        "product_id": rng.choice(["p1", "p2", 3]),
        "name": rng.choice(["Chianti", "Barolo", None, ["a list"]]),
        "price": rng.choice([9.5, "9.50", None, {"odd": 1}]),
        "url": rng.choice(["/p1", None]),
    }
    if rng.random() < 0.2:
        said = {"products": [said, said]}
    fact = Fact(id=f"m{number}", type="track", name="Product Viewed", properties=said)
    fact.occurred_at = rng.randrange(20)
    return fact


def test_only_the_latest_of_equal_descriptions_counts() -> None:
    for seed in range(200):
        rng = random.Random(seed)
        facts = [(SHOP, seen(number, rng)) for number in range(rng.randrange(40))]
        all_told = newest(d for ws, fact in facts for d in describe(ws, fact, ReadingSettings()))
        told_once = newest(d for ws, fact in once(facts) for d in describe(ws, fact, ReadingSettings()))
        assert told_once == all_told


def test_repetitions_are_left_out() -> None:
    facts = [
        (SHOP, Fact(id=f"m{n}", type="track", name="Product Viewed", properties={"product_id": "p"})) for n in range(50)
    ]
    assert len(once(facts)) == 1

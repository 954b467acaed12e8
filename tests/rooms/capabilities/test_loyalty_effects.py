"""In a hundred worlds whose truth is known the page of effects finds it within its interval."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.chance import arm_of
from rapport.capabilities.loyalty.changing import change_programme
from rapport.capabilities.loyalty.checking import read_programme
from rapport.capabilities.loyalty.trials import Measured, trials_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage.bulk import insert_rows
from rapport.storage.engine import Database
from rapport.storage.workspaces import create_workspace
from tests.databases import sqlite_database
from tests.loyal import CLUB

SEEDS, PEOPLE, HELD_OUT = 100, 400, 40
ORDERS = 1.2
"""Orders of each person in the time looked at, on average."""
BASKET_MINOR, SPREAD = 4_000, 0.8
JOIN_ANYWAY, JOIN_IF_INVITED = 0.1, 0.5
ONE_MORE = 0.6
"""Of whoever joins, so many order once more than they would have."""
TERMS: dict[str, Any] = CLUB | {"plans": [CLUB["plans"][0] | {"holdout_percent": HELD_OUT}], "earning": []}


class Truth(NamedTuple):
    """What an invitation does to each person who is invited, and joining to whoever joins because of it."""

    invited: float
    joined: float


_BOUGHT_MORE = exp(-ORDERS) * ONE_MORE
TRUTH = {
    name: Truth(JOIN_IF_INVITED * effect, effect)
    for name, effect in (("orders", ONE_MORE), ("revenue", ONE_MORE * BASKET_MINOR), ("buyers", _BOUGHT_MORE))
}


def poisson(rng: Random, mean: float) -> int:
    number, left = 0, exp(-mean)
    product = rng.random()
    while product > left:
        number, product = number + 1, product * rng.random()
    return number


def world(workspace: WorkspaceId, seed: int) -> tuple[list[dict[str, Any]], ...]:
    """The rows of one world: who was invited, who joined, what was ordered. Baskets are heavy on one side."""
    rng, name = Random(seed), f"club-{seed}"
    arms, members, lots = [], [], []
    for person in range(PEOPLE):
        key = Key(Random(f"{seed}:{person}").randbytes(16))
        arm = arm_of(workspace, f"plan:plus:{seed}", key, holdout_percent=HELD_OUT)
        kind = rng.random()
        joins = kind < JOIN_ANYWAY or (kind < JOIN_ANYWAY + JOIN_IF_INVITED and arm == 1)
        orders = poisson(rng, ORDERS) + (joins and rng.random() < ONE_MORE)
        here = {"workspace": workspace, "programme": name, "strand": key}
        arms.append({**here, "trial": "plan:plus", "arm": arm, "at": 10})
        if joins:
            members.append({**here, "id": f"{name}:{person}", "plan": "plus", "anchor": 15, "until": 10**15,
                            "cancelled_at": None, "ended_at": None})  # fmt: skip
        nothing = dict.fromkeys(("pending", "available", "held", "redeemed", "expired", "owed", "entries"), 0)
        lots += [
            {**here, "lot": f"order:{person}-{n}", "at": 20, "available_at": 20, "expires_at": 30, "is_order": 1,
             "counted_minor": round(BASKET_MINOR * exp(rng.gauss(-SPREAD**2 / 2, SPREAD))), "rule": "", "words": "",
             **nothing}
            for n in range(orders)
        ]  # fmt: skip
    return arms, members, lots


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Measured]]]:
    """What the page says in each world."""
    db = Database.open(sqlite_database(Path(tmp_path_factory.mktemp("effects"))))
    with db.write() as conn:
        shop = create_workspace(conn, slug="shop", name="Shop", now=1).id
        for seed in range(SEEDS):
            tables = (store.arms, store.memberships, store.lots)
            for table, rows in zip(tables, world(shop, seed), strict=True):
                insert_rows(conn, table, rows)
    change_programme(db, shop, "club", TERMS, seen=0, by="a test", reason="", now=1)
    terms = read_programme(TERMS)
    with db.read() as conn:
        yield [
            {one.name: one for one in trial.measures}
            for seed in range(SEEDS)
            for trial in trials_of(conn, shop, f"club-{seed}", terms)
        ]
    db.close()


@pytest.mark.parametrize("measure", ["buyers", "orders", "revenue"])
def test_in_95_of_100_worlds_the_truth_is_within_the_interval(found: list[dict[str, Measured]], measure: str) -> None:
    truth, each = TRUTH[measure], [one[measure] for one in found]
    assert len(each) == SEEDS
    within = sum(one.low is not None and one.high is not None and one.low <= truth.invited <= one.high for one in each)
    of_takers = sum(
        one.on_takers_low is not None
        and one.on_takers_high is not None
        and one.on_takers_low <= truth.joined <= one.on_takers_high
        for one in each
    )
    assert within >= 95
    assert of_takers >= 95
    # And not because they were as wide as the world: on average they are right.
    assert sum(one.difference or 0.0 for one in each) / SEEDS == pytest.approx(truth.invited, rel=0.15)
    assert sum(one.on_takers or 0.0 for one in each) / SEEDS == pytest.approx(truth.joined, rel=0.15)

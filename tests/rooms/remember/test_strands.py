"""States are read and written set-based, cached within bounds, and forgotten when they are uncertain."""

from __future__ import annotations

import copy
import random
from contextlib import suppress

import sqlalchemy as sa

from rapport.kernel.facts import Fact
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember.registry import Registry, Remembered, StrandState
from rapport.remember.store import strands
from rapport.remember.strands import Strands, decode_state
from rapport.remember.traits import PARTS, TRAITS
from rapport.storage.engine import Database
from tests.remembered import REMEMBERED
from tests.rooms.remember.shop import bought, did

HERE = WorkspaceId(900)

REMEMBERED_OF_ANYBODY = Remembered(PARTS, TRAITS)
"""What is left where neither catalogue nor orders are installed."""


def key(number: int) -> Key:
    return Key(number.to_bytes(16, "big"))


def in_memory(**bounds: int) -> Strands:
    return Strands(lambda workspace: REMEMBERED.registry(currency="EUR", region=None), **bounds)


class Brittle(Registry):
    """Counts facts, and raises once it has counted, until it is mended."""

    def __init__(self) -> None:
        super().__init__((), (), settings=REMEMBERED.registry(currency="EUR", region=None).settings)
        self.mended = False

    def fold(self, state: StrandState, fact: Fact) -> None:
        state["seen"] = [state.get("seen", [0])[0] + 1]
        if not self.mended:
            raise ZeroDivisionError


def fold(db: Database, made: Strands, workspace: WorkspaceId, *facts: tuple[int, Fact], commit: bool = True) -> None:
    with db.read() as conn:
        made.load(conn, [(workspace, key(number)) for number, _ in facts])
    for number, fact in facts:
        made.fold(workspace, key(number), fact)
    if commit:
        with db.write() as conn:
            made.flush(conn)
        made.committed()


def orders(db: Database, workspace: WorkspaceId) -> dict[int, int]:
    """Orders of each strand, as stored."""
    with db.read() as conn:
        rows = conn.execute(sa.select(strands.c.key, strands.c.state).where(strands.c.workspace == workspace)).all()
    registry = REMEMBERED.registry(currency="EUR", region=None)
    read = {row.key: registry.read(registry.merge([decode_state(row.state)]), now=0) for row in rows}
    return {int.from_bytes(which, "big"): traits["orders"].value for which, traits in read.items()}


def test_states_are_written_and_found_again_by_another_worker(db: Database) -> None:
    fold(db, in_memory(), HERE, (1, bought("o-1", 1)), (2, bought("o-2", 1)))
    fold(db, in_memory(), HERE, (1, bought("o-3", 1)))
    assert orders(db, HERE) == {1: 2, 2: 1}
    with db.read() as conn:
        dirty = conn.execute(sa.select(strands.c.dirty).where(strands.c.workspace == HERE)).scalars().all()
    assert dirty == [True, True]


def test_what_an_uninstalled_slice_remembered_is_kept_until_it_comes_back(db: Database) -> None:
    """Strands are folded into without it, and none of what it had counted is lost."""
    there = WorkspaceId(910)
    without = REMEMBERED_OF_ANYBODY.registry(currency="EUR", region=None)
    fold(db, in_memory(), there, (1, bought("o-1", 1)), (2, bought("o-2", 1)))
    fold(db, Strands(lambda workspace: without), there, (1, did("Page Viewed", 1)), (2, bought("o-3", 1)))
    fold(db, in_memory(), there, (1, bought("o-4", 1)))
    assert orders(db, there) == {1: 2, 2: 1}


def test_strands_are_merged_and_read_without_the_slice_that_remembered_some_of_them(db: Database) -> None:
    registry = REMEMBERED.registry(currency="EUR", region=None)
    states: list[StrandState] = [{}, {}]
    for number, state in enumerate(states):
        registry.fold(state, bought(f"o-{number}", 1, number))
    before = copy.deepcopy(states)
    read = REMEMBERED_OF_ANYBODY.read(REMEMBERED_OF_ANYBODY.merge(states), now=0)
    assert "orders" not in read
    assert "last_seen_at" in read
    foreign = {name for name in before[0] if name.startswith(("orders", "cart"))}
    assert len(foreign) == 2
    assert [{name: state[name] for name in foreign} for state in states] == [
        {name: state[name] for name in foreign} for state in before
    ]


def test_a_batch_that_failed_leaves_nothing_behind(db: Database) -> None:
    there = WorkspaceId(901)
    made = in_memory()
    fold(db, made, there, (1, bought("o-1", 1)))
    fold(db, made, there, (1, bought("o-2", 1)), commit=False)
    made.abandon()
    with db.engine.connect() as conn:
        made.load(conn, [(there, key(1))])
        made.fold(there, key(1), bought("o-3", 1))
        made.flush(conn)
        conn.rollback()
    made.abandon()
    fold(db, made, there, (1, bought("o-4", 1)))
    assert orders(db, there) == {1: 2}


def test_a_strand_half_folded_is_forgotten_with_the_rest(db: Database) -> None:
    """One trait has counted the view when the next one raises; trying again must not count it twice."""
    there = WorkspaceId(905)
    registry = Brittle()
    made = Strands(lambda workspace: registry)
    for _ in range(3):
        with suppress(ZeroDivisionError):
            fold(db, made, there, (1, bought("o-1", 1)))
        made.abandon()
    assert len(made) == 0
    registry.mended = True
    fold(db, made, there, (1, bought("o-1", 1)))
    with db.read() as conn:
        body = conn.execute(sa.select(strands.c.state).where(strands.c.workspace == there)).scalar_one()
    assert decode_state(body) == {"seen": [1]}


def test_the_cache_keeps_to_its_bounds_and_loses_nothing(db: Database) -> None:
    there = WorkspaceId(902)
    made = in_memory(max_strands=10)
    rng = random.Random(3)
    for batch in range(30):
        fold(db, made, there, *[(rng.randrange(40), bought(f"o-{batch}-{n}", 1)) for n in range(5)])
        assert len(made) <= 10
    assert sum(orders(db, there).values()) == 150
    small = in_memory(max_bytes=50_000)
    fold(db, small, WorkspaceId(904), *[(n, did("Page Viewed")) for n in range(100)])
    assert 0 < len(small) < 60


def test_a_strand_of_which_only_rapport_spoke_is_not_written(db: Database) -> None:
    there = WorkspaceId(903)
    fold(db, in_memory(), there, (1, did("Decision Made", source="rapport")))
    assert orders(db, there) == {}

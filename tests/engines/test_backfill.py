"""A part that is added, changed, taken out or brought back ends as if it had folded every fact from the first."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from rapport.app.filling import FILLING
from rapport.app.pipeline import Pipeline
from rapport.app.wiring import OWN
from rapport.app.worker import fill_all
from rapport.compose.installed import Installed
from rapport.compose.slice import Slice
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.mergeable import Count
from rapport.remember import backfill
from rapport.remember.commands import traits
from rapport.remember.golden import find_key, golden_record
from rapport.remember.registry import Part, StrandState, Trait, yes
from rapport.remember.store import strands
from rapport.remember.strands import decode_state
from rapport.storage import leases, log
from tests.filling import finish, kill_workers, worker
from tests.installation import Opened
from tests.shop import NOON, Shop

USERS = ["ada", "bo", "cleo", "dan"]
EVENTS = ["Product Viewed", "Order Completed", "Product Added"]


def late(version: int, *on: str) -> Installed:
    part = Part(name="late", version=version, kind=Count(), take=yes, on=on)
    trait = Trait(name="late", title="Late", type="integer", part="late", rule="How often.")
    return Installed([*OWN, Slice(name="late", title="Late", parts=(part,), traits=(trait,))])


WITHOUT, FIRST, SECOND = Installed(OWN), late(1, "Product Viewed"), late(2, "Product Viewed", "Order Completed")


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    found = Shop(database_url)
    with found.db.write() as conn:
        leases.ensure_buckets(conn)
    yield found
    found.close()


def send(shop: Shop, rng: random.Random, number: int) -> None:
    shop.send(
        *(
            shop.message(rng.choice(EVENTS), at=NOON + rng.randrange(10**9), user=rng.choice(USERS), product_id="p")
            for _ in range(number)
        )
    )


def replayed(shop: Shop, slices: Installed) -> dict[bytes, StrandState]:
    """The states of all strands, folded from the whole log."""
    registry = slices.remembered.registry(currency="EUR", region=None)
    found: dict[bytes, StrandState] = {}
    with shop.db.read() as conn:
        for row in log.read_after(conn, after=0, upto=2**60, buckets=None, limit=100_000):
            registry.fold(found.setdefault(row.strand, {}), log.to_fact(row))
    return {strand: state for strand, state in found.items() if state}


def kept(shop: Shop) -> dict[bytes, StrandState]:
    with shop.db.read() as conn:
        return {row.key: decode_state(row.state) for row in conn.execute(sa.select(strands))}


def trait(shop: Shop, slices: Installed, user: str) -> int | None:
    with shop.db.read() as conn:
        key: Key = find_key(conn, WorkspaceId(shop.id), f"user_id:{user}")
        record = golden_record(conn, WorkspaceId(shop.id), key, now=NOON, remembered=slices.remembered)
    return record.traits["late"].value if "late" in record.traits else None


@pytest.mark.parametrize("seed", range(4))
def test_what_is_filled_while_facts_arrive_and_workers_die_equals_a_replay(shop: Shop, seed: int) -> None:
    """Installed, taken out, brought back, and changed, each time in the middle of what went before."""
    rng = random.Random(seed)
    for slices in (WITHOUT, FIRST, rng.choice([WITHOUT, FIRST]), FIRST, SECOND, rng.choice([WITHOUT, SECOND])):
        working = worker(shop, slices, at_once=rng.choice([1, 3, 7]))
        for _ in range(rng.randrange(1, 5)):
            send(shop, rng, rng.randrange(12))
            working.step()
            if rng.random() < 0.5:
                working.run_job(FILLING)
    finish(shop, worker(shop, SECOND, at_once=3))
    merge = SECOND.remembered.merge
    states = kept(shop)
    assert {key: merge([state]) for key, state in states.items()} == {
        key: merge([state]) for key, state in replayed(shop, SECOND).items()
    }
    assert not [state for state in states.values() if "late" in state], "what the first version kept is gone"


def test_a_trait_is_left_out_until_it_is_whole(shop: Shop) -> None:
    shop.send(*(shop.message("Product Viewed", at=NOON + n, user="ada", product_id="p") for n in range(5)))
    finish(shop, worker(shop, WITHOUT))
    working = worker(shop, FIRST, at_once=2)
    shop.send(shop.message("Product Viewed", at=NOON + 9, user="ada", product_id="p"))
    working.step()
    assert trait(shop, FIRST, "ada") is None
    with shop.db.read() as conn:
        assert [(one.part, one.version) for one in backfill.progress(conn)] == [("late", 1)]
    finish(shop, working)
    assert trait(shop, FIRST, "ada") == 6
    with shop.db.read() as conn:
        assert backfill.progress(conn) == []


def test_the_command_says_which_traits_are_not_whole_and_how_far_they_are(shop: Shop) -> None:
    shop.send(*(shop.message("Product Viewed", at=NOON + n, user="ada", product_id="p") for n in range(5)))
    finish(shop, worker(shop, WITHOUT))
    others = sum(1 for one in WITHOUT.remembered.traits.values() if one.part)
    assert told(shop, FIRST) == [
        "late                       not begun; a worker begins when it starts",
        f"{others} of {others + 1} traits are whole",
    ]
    parts = FIRST.remembered.parts.values()
    with shop.db.write() as conn:
        backfill.install(conn, parts, {row.bucket: row.cursor for row in conn.execute(sa.select(leases.buckets))})
    assert told(shop, FIRST)[0] == "late                       0% of the log folded, at most 5 facts ahead"
    with shop.db.write() as conn:
        gap = backfill.next_gap(conn, parts, range(1_000))
        assert gap is not None
        backfill.advance(conn, gap, 2)
    assert told(shop, FIRST)[0] == "late                       40% of the log folded, at most 3 facts ahead"
    finish(shop, worker(shop, FIRST))
    assert told(shop, FIRST) == [f"{others + 1} of {others + 1} traits are whole"]
    listed = json.loads(told(shop, FIRST, "--json")[0])
    assert listed[-1] == {"trait": "late", "part": "late", "state": "whole", "left": 0, "folded": 1.0}


def told(shop: Shop, slices: Installed, *arguments: str) -> list[str]:
    """What `rapport traits status` answers where these slices are installed."""

    class Here(Opened):
        remembered = slices.remembered

    result = CliRunner().invoke(traits, ["status", *arguments], obj=Here(shop.db))
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


def test_a_command_fills_a_trait_at_once_and_goes_on_where_it_was_killed(shop: Shop) -> None:
    send(shop, random.Random(1), 60)
    finish(shop, worker(shop, WITHOUT))
    kill_workers(shop)

    def killed(found: Sequence[backfill.TraitStatus]) -> bool:
        if next(one for one in found if one.trait == "late").state == "filling":
            raise KeyboardInterrupt
        return False

    def whole(found: Sequence[backfill.TraitStatus]) -> bool:
        return next(one for one in found if one.trait == "late").state == "whole"

    for tell in (killed, whole):
        kill_workers(shop)
        try:
            fill_all(Pipeline(shop.db, slices=FIRST), ["late"], tell, at_once=20)
        except KeyboardInterrupt:
            continue
    whole_past = replayed(shop, FIRST)
    assert [key for key, state in whole_past.items() if "late" in state]
    assert kept(shop) == whole_past

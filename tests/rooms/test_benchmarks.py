"""The load of the benchmarks: whom it makes up, what it watches, and that nothing is lost on the way to the wire."""

from __future__ import annotations

import json

import pytest

from benchmarks.copies import multiply
from benchmarks.growth import median_and_p99, sizes
from benchmarks.load import Shop, ready
from benchmarks.steps import steps
from benchmarks.truth import watched_every
from rapport.remember import listing
from rapport.remember.golden import find_root, golden_record
from rapport.remember.listing import CustomerQuery
from rapport.remember.timeline import timeline
from rapport.storage.engine import Database
from tests.remembered import REMEMBERED
from tests.rooms.remember.shop import START, bought, did
from tests.rooms.remember.shop import Shop as RememberedShop


@pytest.mark.parametrize("every", [4, 20])
def test_somebody_new_comes_with_every_so_many_facts(every: int) -> None:
    """At any moment there are as many people as facts sent, divided by `facts_per_person` and rounded up."""
    shop = Shop(people=0, facts_per_person=every)
    seen: set[str] = set()
    for number in range(600):
        seen.add(shop.message()["anonymousId"])
        assert len(seen) == number // every + 1


def test_watching_some_people_changes_nothing_that_is_sent() -> None:
    """The messages are the same; of the truth those watched remain, with the same counts."""
    all_watched, some_watched = Shop(people=90), Shop(people=90, watched=4)
    sent = [[shop.message()["messageId"] for _ in range(2_000)] for shop in (all_watched, some_watched)]
    assert sent[0] == sent[1]
    assert 0 < len(some_watched.truth) < len(all_watched.truth) / 3
    assert some_watched.truth.items() <= all_watched.truth.items()


@pytest.mark.parametrize("people", [10, 3_000, 30_000, 50_000])
def test_those_watched_have_signed_in_or_not_like_all(people: int) -> None:
    """Every third person never signs in, so no multiple of three is skipped by."""
    every = watched_every(people, sample=1_000)
    assert every == 1 or every % 3
    assert every - 1 <= max(1, people // 1_000) <= every


def test_bodies_made_beforehand_are_those_that_were_made() -> None:
    bodies = list(Shop(people=5).batches(facts=300, size=100))
    assert [len(json.loads(body)["batch"]) for body in bodies] == [100, 100, 100]
    with ready(bodies) as kept:
        assert list(kept) == bodies


def test_sizes_grow_tenfold_and_end_with_the_last() -> None:
    assert sizes(1_000_000) == [10_000, 100_000, 1_000_000]
    assert sizes(250_000) == [10_000, 100_000, 250_000]
    assert sizes(500) == [500]


def test_the_p99_of_few_samples_is_not_above_the_slowest() -> None:
    assert median_and_p99([1.0, 2.0, 9.0]) == (2.0, 8.9)


def test_the_steps_of_a_batch_are_counted() -> None:
    """Each batch is one transaction at least, and says where its statements come from."""
    found, counts = steps("sqlite", batch=50, facts=250, facts_per_person=20)
    assert found["transactions"] >= 1
    assert found["statements"] > 10
    assert any(line.startswith("remember/strands.py") for line in counts.statements)


def test_a_copied_shop_has_so_many_customers_each_with_a_record_and_a_timeline_of_its_own(db: Database) -> None:
    shop = RememberedShop(db)
    shop.take(
        *[did("Identified", n, user=f"u{n}", web=f"w{n}", traits={"name": f"Ada {n}"}) for n in range(8)],
        *[bought(f"o{n}", n, 10 + n, user=f"u{n}") for n in range(8)], refresh=False,
    )  # fmt: skip
    before = sum(key > bytes([15] + [255] * 15) for key in (shop.key("user_id", f"u{n}") for n in range(8)))
    found = multiply(db, copies=2)
    assert found["customers"] >= 8 + 2 * (before - 1)
    assert found["facts"] > 16
    with db.read() as conn:
        (most,) = listing.list_customers(conn, shop.workspace, CustomerQuery(sort="revenue"), limit=1).customers
        assert most.orders == 1
        root = find_root(conn, shop.workspace, most.id)
        record = golden_record(conn, shop.workspace, root, now=START, remembered=REMEMBERED)
        assert record.traits["orders"].value == 1
        assert len(timeline(conn, shop.workspace, root).facts) == 2

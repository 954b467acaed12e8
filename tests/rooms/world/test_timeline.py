"""The town's past: the same for everybody who asks, in order of arrival, and quickly made."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import defaultdict
from itertools import islice, pairwise

import msgspec

from rapport.kernel.clock import DAY, HOUR, MINUTE, SECOND
from rapport.world.timeline import Town, World
from tests.rooms.world.conftest import NOW, Past

SCRIPT = """
import hashlib, msgspec, sys
from rapport.world.timeline import Town, World
world = World(Town.until(int(sys.argv[1]), seed=7, people=60, days=30))
print(hashlib.sha256(b"".join(msgspec.json.encode(d) for d in world.history(int(sys.argv[1])))).hexdigest())
"""


def messages_of(people: int, *, until: int = NOW) -> dict[str, list[object]]:
    world = World(Town.until(NOW, seed=7, people=people, days=30))
    found: dict[str, list[object]] = defaultdict(list)
    for delivery in world.history(until):
        found[delivery.person].append(delivery.message)
    return found


def test_the_same_seed_gives_the_same_messages_in_any_process() -> None:
    """No hash of Python, no clock, no order of a set takes part."""
    world = World(Town.until(NOW, seed=7, people=60, days=30))
    here = hashlib.sha256(b"".join(msgspec.json.encode(d) for d in world.history(NOW))).hexdigest()
    for hash_seed in ("1", "2"):
        there = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(NOW)], env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        assert there.stdout.strip() == here


def test_another_seed_gives_another_town() -> None:
    ids = [
        {d.message["messageId"] for d in World(Town.until(NOW, seed=seed, people=20)).history(NOW)} for seed in (1, 2)
    ]
    assert all(ids)
    assert not ids[0] & ids[1]


def test_a_larger_town_has_the_same_first_people() -> None:
    """Whoever does not live in the household that the smaller town cut off does exactly the same."""
    small, large = messages_of(100), messages_of(140)
    assert set(small) < set(large)
    changed = [person for person in small if small[person] != large[person]]
    assert len(changed) <= 4
    assert all(person >= "person-000096" for person in changed)


def test_a_later_end_only_adds_at_the_end() -> None:
    world = World(Town.until(NOW, seed=7, people=80, days=30))
    early = list(world.history(NOW - 5 * DAY))
    rest = list(world.history(NOW))
    whole = list(World(Town.until(NOW, seed=7, people=80, days=30)).history(NOW))
    assert early + rest == whole
    assert rest


def test_messages_come_in_order_of_arrival_and_never_before_they_happened(past: Past) -> None:
    assert all(one.arrives_at <= other.arrives_at for one, other in pairwise(past.deliveries))
    assert all(d.occurred_at <= d.arrives_at for d in past.deliveries)


def test_some_arrive_days_late_and_some_twice(past: Past) -> None:
    late = [d for d in past.deliveries if d.arrives_at - d.occurred_at > 6 * HOUR]
    assert 0.001 < len(late) / len(past.deliveries) < 0.05
    assert {d.channel for d in late} == {"app"}
    assert max(d.arrives_at - d.occurred_at for d in late) > DAY
    repeats = len(past.deliveries) - len({d.message["messageId"] for d in past.deliveries})
    assert 0.0005 < repeats / len(past.deliveries) < 0.02


def test_a_repeated_message_id_means_the_same_message(past: Past) -> None:
    known: dict[str, object] = {}
    for delivery in past.deliveries:
        assert known.setdefault(delivery.message["messageId"], delivery.message) == delivery.message


def test_two_thousand_people_and_ninety_days_are_some_two_hundred_thousand_facts(past: Past) -> None:
    a_person = sum(1 for d in past.deliveries if d.arrives_at < NOW) / 500
    assert 150_000 < a_person * 2_000 < 260_000


def test_the_live_trickle_starts_where_people_stand_and_keeps_its_rate() -> None:
    world = World(Town.until(NOW, seed=7, people=200, days=30))
    ids = {d.message["messageId"] for d in world.history(NOW)}
    live = list(islice(world.live(NOW, facts_per_second=3.0), 6_000))
    assert all(one.arrives_at <= other.arrives_at for one, other in pairwise(live))
    assert live[0].arrives_at >= NOW
    fresh = {d.message["messageId"] for d in live}
    assert not fresh & ids
    settled = [d for d in live if d.arrives_at > NOW + 10 * MINUTE]
    seconds = (settled[-1].arrives_at - settled[0].arrives_at) / SECOND
    assert 1.5 < len(settled) / seconds < 5.0
    assert any(d.message.get("userId") for d in live[:500])

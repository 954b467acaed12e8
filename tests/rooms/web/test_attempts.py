"""Who must wait after failed attempts: exactly as many pass as may, whoever tries at once and whatever clocks say."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from rapport.kernel.clock import DAY, HOUR, SECOND, now_us
from rapport.kernel.errors import RateLimited
from rapport.kernel.ids import new_id
from rapport.storage.engine import Database
from rapport.web import attempts

NOW = now_us()


def passes(db: Database, who: str, *, now: int = NOW, address: str = "192.0.2.7") -> bool:
    try:
        attempts.begin(db, who, user_id=None, address=address, device="", now=now)
    except RateLimited:
        return False
    return True


def test_of_many_tries_at_once_no_more_pass_than_one_after_the_other(shared_db: Database) -> None:
    who, at_once = new_id("who"), 12
    start = Barrier(at_once)

    def one(_: int) -> bool:
        start.wait()
        return passes(shared_db, who)

    with ThreadPoolExecutor(at_once) as pool:
        assert sum(pool.map(one, range(at_once))) == attempts.TRIES


def test_a_clock_that_is_set_back_keeps_nobody_out(shared_db: Database) -> None:
    who = new_id("who")
    for _ in range(attempts.TRIES + 3):
        passes(shared_db, who, now=NOW + DAY, address="192.0.2.8")
    assert not passes(shared_db, who, now=NOW + DAY, address="192.0.2.8")
    assert passes(shared_db, who, now=NOW, address="192.0.2.8")


def test_one_failure_on_a_server_whose_clock_is_ahead_makes_nobody_wait_on_another(shared_db: Database) -> None:
    who = new_id("who")
    assert passes(shared_db, who, now=NOW + SECOND, address="192.0.2.9")
    assert passes(shared_db, who, now=NOW, address="192.0.2.9")


def test_what_was_long_ago_is_forgotten(shared_db: Database) -> None:
    who = new_id("who")
    while passes(shared_db, who, address="192.0.2.10"):
        pass
    with pytest.raises(RateLimited, match="try again in 1 s"):
        attempts.begin(shared_db, who, user_id=None, address="192.0.2.10", device="", now=NOW)
    later = NOW + attempts.FORGET_AFTER + HOUR
    assert [passes(shared_db, who, now=later, address="192.0.2.10") for _ in range(attempts.TRIES + 1)].count(True) == 5

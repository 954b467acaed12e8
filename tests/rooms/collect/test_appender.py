"""Who sends much makes nobody else wait: what is written together is filled by each sender in turn."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from rapport.collect.appender import FEW_ROWS, Appender
from rapport.kernel.ids import WorkspaceId
from rapport.storage import log
from rapport.storage.log import LogRow
from tests.shop import Shop

WS = WorkspaceId(1)


class Slow:
    """A database whose writer waits until it is let go, and notes what is written together."""

    def __init__(self) -> None:
        self.go = threading.Semaphore(0)
        self.patient: list[bool] = []
        """How the writer began to wait, each time."""
        self.waiting_now = 0

    @contextmanager
    def write(self, *, patient: bool) -> Iterator[Any]:
        self.patient.append(patient)
        self.go.acquire()
        yield None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        self.waiting_now += 1
        yield
        self.waiting_now -= 1


class Noting(Appender):
    """The appender as it is, but for the rows, which are noted and not written."""

    def __init__(self, **given: Any) -> None:
        self.slow = Slow()
        self.groups: list[list[tuple[str, int]]] = []
        super().__init__(self.slow, **given)  # type: ignore[arg-type]

    def _write(self, conn: Connection, group: Any) -> list[int]:
        self.groups.append([(waiting.sender[1], waiting.count) for waiting in group])
        return [waiting.count for waiting in group]


def rows(source: str, number: int) -> list[LogRow]:
    return [LogRow(WS, source, f"{source}{n}", b"s", 0, 0, 0, b"{}") for n in range(number)]


def written(sent: list[tuple[str, int]], *, at_most: int, address: str = "") -> list[list[tuple[str, int]]]:
    """What is written together, where all of it is there when the writer has its turn; `address` sends the last."""
    appender = Noting(max_group_rows=at_most)
    addresses = [""] * (len(sent) - 1) + [address]
    waiting = [
        appender._submit(rows(source, number), (), by) for (source, number), by in zip(sent, addresses, strict=True)
    ]
    for _ in sent:
        appender.slow.go.release()
    assert [one.result() for one in waiting] == [number for _, number in sent]
    appender.close()
    assert appender.slow.waiting_now == 0
    return appender.groups


def test_who_comes_while_the_writer_waits_patiently_is_told_of_and_written_first() -> None:
    appender = Noting()
    for _ in range(3):
        appender._submit(rows("flood", 500), ())
    while not appender.slow.patient:
        threading.Event().wait(0.001)
    assert (appender.slow.patient, appender.slow.waiting_now) == ([True], 0)
    one = appender._submit(rows("shop", 1), ())
    appender._submit(rows("shop", 1), ())
    assert appender.slow.waiting_now == 1
    appender.slow.go.release()
    one.result()
    assert (appender.groups[0], appender.slow.waiting_now) == ([("shop", 1), ("shop", 1)], 0)
    appender.slow.go.release(5)
    appender.close()


def test_many_who_send_little_are_not_taken_for_somebody_who_sends_much() -> None:
    appender = Noting()
    for number in range(3 * FEW_ROWS):
        appender._submit(rows("web", 1), (), f"192.0.2.{number}")
    appender.slow.go.release(3 * FEW_ROWS)
    appender.close()
    assert sum(len(group) for group in appender.groups) == 3 * FEW_ROWS
    assert set(appender.slow.patient) == {False}


def test_one_fact_beside_a_flood_is_written_before_it_and_alone() -> None:
    groups = written([("flood", 500)] * 20 + [("shop", 1)], at_most=1_000)
    assert groups[:2] == [[("shop", 1)], [("flood", 500)]]


def test_a_visitor_is_not_held_up_by_another_who_floods_the_same_public_key() -> None:
    groups = written([("web", 500)] * 20 + [("web", 1)], at_most=1_000, address="192.0.2.7")
    assert groups[:2] == [[("web", 1)], [("web", 500)]]


def test_floods_alternate_with_each_other_and_with_those_who_send_little() -> None:
    groups = written([("flood", 4_000)] * 4 + [("gale", 300)] * 2 + [("shop", 1), ("shop", 2)], at_most=1_000)
    assert groups[:4] == [[("shop", 1), ("shop", 2)], [("flood", 4_000)], [("gale", 300)], [("flood", 4_000)]]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 30)), min_size=1, max_size=12), st.integers(1, 40))
def test_all_is_written_once_in_each_sources_order_and_groups_are_small(
    sent: list[tuple[str, int]], at_most: int
) -> None:
    groups = written(sent, at_most=at_most)
    for source in "abc":
        assert [one for group in groups for one in group if one[0] == source] == [o for o in sent if o[0] == source]
    assert all(len(group) == 1 or sum(number for _, number in group) <= at_most for group in groups)


def test_what_is_written_together_is_durable_for_each(any_shop: Shop) -> None:
    appender = Appender(any_shop.db, max_group_rows=3)
    told = [LogRow(any_shop.id, f"s{n % 3}", f"m{n}", b"k" * 16, 0, 1, 1, b"{}") for n in range(20)]
    futures = [appender._submit([row], ()) for row in told]
    assert [one.result() for one in futures] == [1] * 20
    appender.close()
    assert len(any_shop.rows(log.facts)) == 20

"""Stages are given what they listen to, keep it until the flush, and forget it where the batch did not happen."""

from __future__ import annotations

from collections.abc import Sequence

from rapport.act.stages import Stages
from rapport.act.work import BatchWork
from rapport.kernel.facts import Fact
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import EVERY_FACT, BatchStage, Connection, Seen, Work
from rapport.storage.settings import Cache


class Ear:
    """Notes the names of facts and writes them into a list."""

    def __init__(self, *listens_to: str) -> None:
        self.written: list[list[str]] = []
        self.stage = BatchStage[str](listens_to, read=self._read, write=self._write)

    def _read(self, seen: Seen) -> str | None:
        return None if seen.fact.name == "Silence" else seen.fact.name

    def _write(self, conn: Connection, work: Work, notes: Sequence[str], now: int) -> None:
        self.written.append(list(notes))


def tell(stages: Stages, *names: str, source: str = "website") -> None:
    for name in names:
        fact = Fact(id=name, type="track", name=name, source=source)
        for handle in stages.listening(fact):
            handle(Seen(WorkspaceId(1), Key(b"s" * 16), fact))


def flush(stages: Stages) -> None:
    stages.flush(None, BatchWork(stages, Cache()), 0)  # type: ignore[arg-type]  # these stages write nowhere


def test_a_fact_goes_to_those_who_hear_everything_and_those_who_named_it() -> None:
    everything, orders = Ear(EVERY_FACT), Ear("Order Completed")
    stages = Stages([everything.stage, orders.stage], own=())
    tell(stages, "Order Completed", "Product Viewed")
    flush(stages)
    assert everything.written == [["Order Completed", "Product Viewed"]]
    assert orders.written == [["Order Completed"]]


def test_a_stage_that_listens_to_a_name_and_to_everything_is_given_a_fact_once() -> None:
    ear = Ear(EVERY_FACT, "Order Completed")
    stages = Stages([ear.stage], own=())
    tell(stages, "Order Completed")
    flush(stages)
    assert ear.written == [["Order Completed"]]


def test_what_says_nothing_is_not_written_and_a_second_flush_writes_nothing_again() -> None:
    ear = Ear(EVERY_FACT)
    stages = Stages([ear.stage], own=())
    tell(stages, "Silence")
    flush(stages)
    assert ear.written == []
    tell(stages, "Order Completed")
    flush(stages)
    flush(stages)
    assert ear.written == [["Order Completed"]]


def test_an_abandoned_batch_leaves_nothing_for_the_next_flush() -> None:
    ear = Ear(EVERY_FACT)
    stages = Stages([ear.stage], own=())
    tell(stages, "Order Completed")
    stages.abandon()
    flush(stages)
    assert ear.written == []


def test_what_only_rapport_states_is_given_to_nobody_where_another_source_states_it() -> None:
    """The write key of a shop is public: anybody could send the name."""
    everything, decisions = Ear(EVERY_FACT), Ear("Decision Made")
    stages = Stages([everything.stage, decisions.stage], own={"Decision Made"})
    tell(stages, "Decision Made", "Order Completed")
    flush(stages)
    assert (everything.written, decisions.written) == ([["Order Completed"]], [])
    tell(stages, "Decision Made", source="rapport")
    flush(stages)
    assert decisions.written == [["Decision Made"]]

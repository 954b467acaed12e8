"""Slices are joined by name: who handles which fact, and no two that claim the same."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rapport.kernel.facts import Fact
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.plug import EVERY_FACT, Capability, Connection, Plugged, Timer, Work


def hear(work: Work, workspace: WorkspaceId, fact: Fact, strand: Key) -> None:
    work.note("a", fact)


def listen(work: Work, workspace: WorkspaceId, fact: Fact, strand: Key) -> None:
    work.note("b", fact)


def ring(work: Work, conn: Connection, due: Sequence[Timer], now: int) -> None:
    return


def test_a_fact_goes_to_those_who_hear_everything_and_those_who_named_it() -> None:
    plugged = Plugged([
        Capability(name="a", handlers={EVERY_FACT: hear}), Capability(name="b", handlers={"Order Completed": listen}),
    ])  # fmt: skip
    assert plugged.handlers("Order Completed") == (hear, listen)
    assert plugged.handlers("anything else") == (hear,)


def test_two_slices_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        Plugged([Capability(name="a"), Capability(name="a")])


def test_two_slices_with_one_kind_of_timer_are_refused() -> None:
    with pytest.raises(ValueError, match="declared twice"):
        Plugged([Capability(name="a", timers={"ring": ring}), Capability(name="b", timers={"ring": ring})])

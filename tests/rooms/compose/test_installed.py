"""Slices are joined by name, and no two may claim the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from rapport.compose.installed import Installed
from rapport.compose.slice import Slice
from rapport.decide.model import Ask, Offer, Placement
from rapport.decide.policies import EpsilonGreedy
from rapport.kernel.work import Connection, Timer, Work
from rapport.measure.model import Column, Measured, Metric


def ring(conn: Connection, work: Work, due: Sequence[Timer], now: int) -> None:
    return


def offer(conn: Connection, ask: Ask) -> Offer:
    return Offer(candidates=[], guardrails=[], details={})


PLACEMENT = Placement(
    name="home.hero",
    title="Hero",
    description="On top.",
    offer=offer,
    policy=EpsilonGreedy(name="any", version="1", epsilon=0.1, pool=5),
)
METRIC = Metric(name="smiles", title="Smiles", definition="All.", by=("day",), columns=(Column(name="n", title="N"),))
MEASURED = Measured(metric=METRIC, read=lambda conn, question: [])


@pytest.mark.parametrize(
    ("what", "brings"),
    [
        ("of kind timer are named 'ring'", {"timers": {"ring": ring}}),
        ("of kind placement are named 'home.hero'", {"placements": (PLACEMENT,)}),
        ("of kind metric are named 'smiles'", {"metrics": (MEASURED,)}),
    ],
)
def test_what_two_slices_bring_under_one_name_is_refused(what: str, brings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{what}: 'a' and 'b'"):
        Installed([Slice(name="a", title="A", **brings), Slice(name="b", title="B", **brings)])


def test_two_slices_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="of kind slice are named 'a': 'First' and 'Second'"):
        Installed([Slice(name="a", title="First"), Slice(name="a", title="Second")])

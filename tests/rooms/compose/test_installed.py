"""Slices are joined by name, and no two may claim the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from rapport.act.jobs import Job
from rapport.compose.installed import Installed
from rapport.compose.slice import Slice
from rapport.decide.model import CandidateSource, EligibilityRule, ItemKind, Placement, Scorer
from rapport.decide.policies import EpsilonGreedy
from rapport.kernel.work import Connection, Timer, Work
from rapport.measure.model import Column, Measured, Metric


def ring(conn: Connection, work: Work, due: Sequence[Timer], now: int) -> None:
    return


PLACEMENT = Placement(
    name="home.hero",
    title="Hero",
    description="On top.",
    policy=EpsilonGreedy(name="any", version="1", epsilon=0.1, pool=5),
)
BANNER = ItemKind(name="banner", title="Banner", details=lambda conn, workspace, ids, context, now: {})
ALL = CandidateSource(name="all", placements=("home.hero",), find=lambda conn, ask: [])
FIT = EligibilityRule(name="fit", title="Fits", order=1, barred=lambda conn, ask, candidates: set())
MARGIN = Scorer(name="margin", order=1, rate=lambda conn, ask, candidates: {})
METRIC = Metric(name="smiles", title="Smiles", definition="All.", by=("day",), columns=(Column(name="n", title="N"),))
JOB = Job(name="a.b", title="Do", due=lambda conn, turn: False, run=lambda turn: 0, at_most=1)
MEASURED = Measured(metric=METRIC, read=lambda conn, question: [])


@pytest.mark.parametrize(
    ("what", "brings"),
    [
        ("of kind timer are named 'ring'", {"timers": {"ring": ring}}),
        ("of kind placement are named 'home.hero'", {"placements": (PLACEMENT,)}),
        ("of kind item kind are named 'banner'", {"kinds": (BANNER,)}),
        ("of kind candidates are named 'all'", {"candidates": (ALL,)}),
        ("of kind eligibility rule are named 'fit'", {"eligibility": (FIT,)}),
        ("of kind scorer are named 'margin'", {"scorers": (MARGIN,)}),
        ("of kind metric are named 'smiles'", {"metrics": (MEASURED,)}),
        ("of kind job are named 'a.b'", {"jobs": (JOB,)}),
    ],
)
def test_what_two_slices_bring_under_one_name_is_refused(what: str, brings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{what}: 'a' and 'b'"):
        Installed([Slice(name="a", title="A", **brings), Slice(name="b", title="B", **brings)])


def test_two_slices_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="of kind slice are named 'a': 'First' and 'Second'"):
        Installed([Slice(name="a", title="First"), Slice(name="a", title="Second")])


def test_a_placement_of_things_nobody_knows_to_show_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the placement 'home\.hero' shows 'product', a kind no slice brings"):
        Installed([Slice(name="a", title="A", placements=(PLACEMENT,))])


def test_candidates_for_a_placement_that_is_none_are_refused() -> None:
    with pytest.raises(ValueError, match=r"the candidates 'all' are for the placement 'home\.hero', which is none"):
        Installed([Slice(name="a", title="A", candidates=(ALL,))])

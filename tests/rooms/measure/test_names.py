"""A name is given once: the second metric or placement of a name is refused, not put in the first one's place."""

from __future__ import annotations

import msgspec
import pytest

from rapport.kernel.named import by_name
from rapport.measure.metrics import DECISIONS
from rapport.measure.model import Measured
from rapport.measure.service import Metrics


def test_two_metrics_of_one_name_are_refused_and_both_are_named() -> None:
    measured = Measured(metric=DECISIONS, read=lambda conn, question: [])
    other = msgspec.structs.replace(measured, metric=msgspec.structs.replace(measured.metric, title="Takings"))
    with pytest.raises(ValueError, match=f"{measured.metric.name}.*{measured.metric.title}.*Takings"):
        Metrics([measured, other])


def test_things_of_different_names_are_all_found() -> None:
    assert by_name("placement", [("a", "A", 1), ("b", "B", 2)]) == {"a": 1, "b": 2}

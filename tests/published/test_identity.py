"""Linking people: the measures against worked examples, and febrl3 beside Splink's own pipeline."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.identity import measure_clusters, rates


def test_measures_of_a_perfect_answer_are_one() -> None:
    assert set(measure_clusters([7, 7, 9], ["ada", "ada", "bo"])) == {1.0}


def test_b_cubed_of_a_worked_example() -> None:
    """Bagga and Baldwin 1998, figure 1 and 2: one of three clusters wrongly joined to the second or to the third."""
    truth = ["a"] * 5 + ["b"] * 2 + ["c"] * 5
    small = measure_clusters([1] * 5 + [2] * 7, truth)
    large = measure_clusters([1] * 5 + [2] * 2 + [1] * 5, truth)
    assert round(small.b_precision, 2) == 0.76
    assert round(large.b_precision, 2) == 0.58
    assert small.b_recall == large.b_recall == 1.0


def test_rates_of_pairs() -> None:
    assert rates(3, 4, 6) == (0.75, 0.5, 0.6)
    assert rates(0, 0, 0) == (0.0, 0.0, 0.0)


@pytest.mark.slow
@pytest.mark.data
def test_febrl3_is_linked_at_least_as_well_as_by_splinks_own_example(shared_data: Path) -> None:
    """Published with Splink 5.0 and its example's settings: pairs F1 .9926, clusters F1 .9972."""
    command = [sys.executable, "-m", "benchmarks.identity", "--data", str(shared_data), "--quick", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout.strip().splitlines()[-1])["febrl3"]
    assert measured["pair_f1"] >= max(0.9926, measured["splink_pair_f1"])
    assert measured["cluster_f1"] >= max(0.9972, measured["splink_cluster_f1"])
    assert measured["b_cubed_f1"] >= 0.9986
    assert measured["order_agreement_f1"] >= 0.99

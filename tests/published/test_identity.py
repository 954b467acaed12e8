"""Linking people: the measures against worked examples, and febrl3 beside Splink's own pipeline."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.clusterings import measure_clusters, rates
from benchmarks.judged import Judged, honesty, totals


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


def test_a_judge_is_held_to_what_it_called_sure_tied_and_asked_about() -> None:
    """Records 0 and 1 are Ada, 2 is her sister: a sure right pair, a sure wrong one that was tied, an asked one."""
    judged = Judged(odds={(0, 1): 20.0, (0, 2): 20.0, (1, 2): 0.0}, tied={(0, 2)}, asked={(0, 1), (1, 2)})
    told = totals([honesty(judged, lambda a, b: "family" if b == 2 else None, true_pairs=1)])
    assert (told["over_999_pairs"], told["over_999_true_share"]) == (2, 0.5)
    assert (told["auto_precision"], told["auto_recall"], told["auto_wrong_by_relation"]) == (0.0, 0.0, {"family": 1})
    assert (told["queue_pairs"], told["queue_right_share"]) == (2, 0.5)
    assert told["ece"] == 0.5  # |2 - 1| among the two sure, |.5 - 0| for the third: 1.5 of 3 pairs


def test_figures_of_several_tables_are_those_of_all_their_pairs() -> None:
    right = honesty(Judged({(0, 1): 20.0}, {(0, 1)}, set()), lambda a, b: None, true_pairs=1)
    wrong = honesty(Judged({(0, 1): 20.0}, {(0, 1)}, set()), lambda a, b: "twins", true_pairs=2)
    told = totals([right, wrong, wrong])
    assert (told["auto_precision"], told["auto_recall"]) == (0.3333, 0.2)
    assert told["shop_pair_precision"] == 0.3333


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

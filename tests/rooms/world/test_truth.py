"""The truth beside the facts, and how well an answer matches it."""

from __future__ import annotations

from pathlib import Path

from rapport.kernel.identifiers import Identifier
from rapport.world.truth import Known, owners, read_truth, scores, truth_of, write_truth
from tests.rooms.world.conftest import Past

PHONE, MAIL, LOGIN, TABLET = (
    Identifier("anonymous_id", "phone"), Identifier("email", "ada@mail.example"), Identifier("user_id", "u-1"),
    Identifier("anonymous_id", "tablet"),
)  # fmt: skip
ADA = Known(person="ada", household=1, name="Ada Reid", identifiers=[PHONE, MAIL, LOGIN, TABLET])
BO = Known(person="bo", household=1, name="Bo Reid", identifiers=[TABLET, Identifier("user_id", "u-2")])


def test_the_right_answer_scores_one() -> None:
    found = scores({PHONE: "c1", MAIL: "c1", LOGIN: "c1", Identifier("user_id", "u-2"): "c2", TABLET: "c2"}, [ADA, BO])
    assert (found.precision, found.recall, found.f1) == (1.0, 1.0, 1.0)
    assert (found.identifiers, found.shared) == (4, 1)


def test_a_split_costs_recall_and_a_wrong_merge_precision() -> None:
    split = scores({PHONE: "c1", MAIL: "c2", LOGIN: "c2"}, [ADA, BO])
    assert (split.precision, split.recall) == (1.0, 1 / 3)
    merged = scores({PHONE: "c1", MAIL: "c1", LOGIN: "c1", Identifier("user_id", "u-2"): "c1"}, [ADA, BO])
    assert (merged.precision, merged.recall) == (0.5, 1.0)


def test_what_several_people_use_belongs_to_all_of_them(past: Past) -> None:
    used = owners(truth_of(past.world))
    shared = {identifier.namespace for identifier, people in used.items() if len(people) > 1}
    assert {"anonymous_id", "card"} <= shared
    assert not shared & {"user_id", "loyalty_card", "marketplace_buyer", "phone", "device"}


def test_it_is_written_and_read_again(past: Past, tmp_path: Path) -> None:
    known = truth_of(past.world)
    assert write_truth(tmp_path / "truth.jsonl", known) == len(known) == 500
    assert read_truth(tmp_path / "truth.jsonl") == known

"""The truth beside the facts: who was really who."""

from __future__ import annotations

from pathlib import Path

from rapport.kernel.identifiers import Identifier
from rapport.world.truth import Known, merged, owners, read_truth, truth_of, write_truth
from tests.rooms.world.conftest import Past


def test_what_several_people_use_belongs_to_all_of_them(past: Past) -> None:
    used = owners(truth_of(past.world))
    shared = {identifier.namespace for identifier, people in used.items() if len(people) > 1}
    assert {"anonymous_id", "card"} <= shared
    assert not shared & {"user_id", "loyalty_card", "marketplace_buyer", "phone", "device"}


def test_it_is_written_and_read_again(past: Past, tmp_path: Path) -> None:
    known = truth_of(past.world)
    assert write_truth(tmp_path / "truth.jsonl", known) == len(known) == 500
    assert read_truth(tmp_path / "truth.jsonl") == known


def test_what_an_earlier_run_saw_is_kept() -> None:
    """The simulation begins anew with each start; what it saw while it was live is in the file alone."""
    phone, mail, login = (
        Identifier("anonymous_id", "phone"),
        Identifier("email", "a@b.example"),
        Identifier("user_id", "u"),
    )
    ada = Known(person="person-1", household=1, name="Ada", identifiers=[mail])
    bo = Known(person="person-2", household=1, name="Bo", identifiers=[login])
    earlier = [Known(person="person-1", household=1, name="Ada", identifiers=[phone, mail]), bo]
    assert [each.identifiers for each in merged([ada], earlier)] == [[mail, phone], [login]]
    assert merged([ada, bo], []) == [ada, bo]

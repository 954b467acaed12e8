"""The walk through ASVS 5.0 says something of each requirement of levels 1 and 2, and names tests that there are."""

from __future__ import annotations

import re

from tests.running import ROOT

WALK = (ROOT / "docs" / "explanation" / "security.md").read_text(encoding="utf-8")

SECTIONS = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1, "3.2": 2, "3.3": 4,
    "3.4": 6, "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4, "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3,
    "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5,
    "7.5": 2, "7.6": 2, "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4,
    "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3, "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1,
    "12.1": 3, "12.2": 2, "12.3": 4, "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5, "14.1": 2, "14.2": 4, "14.3": 3,
    "15.1": 3, "15.2": 3, "15.3": 7, "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3,
    "17.1": 1, "17.2": 4, "17.3": 2,
}  # fmt: skip
"""How many requirements of levels 1 and 2 each section has; they are its first ones, but for 17.2.
**Source:** OWASP ASVS 5.0.0, May 2025."""

NUMBER = re.compile(r"\d+\.\d+(?:\.\d+)?")


def walked() -> dict[str, str]:
    """What is said of each requirement: the second cell of its row."""
    found: dict[str, str] = {}
    for line in WALK.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 5 and NUMBER.match(cells[1]):
            for part in cells[1].split(", "):
                found |= dict.fromkeys(named(part), cells[2])
    return found


def named(part: str) -> list[str]:
    """`1.2.6 – 1.2.8` is three, `10.3` all of its section."""
    first, _, last = part.partition(" – ")
    if first.count(".") == 1:
        return [f"{first}.{number}" for number in range(1, SECTIONS[first] + 1)]
    section, _, start = first.rpartition(".")
    end = last.rpartition(".")[2] or start
    return [f"{section}.{number}" for number in range(int(start), int(end) + 1)]


def test_each_requirement_of_levels_1_and_2_is_answered() -> None:
    wanted = {f"{section}.{number}" for section, most in SECTIONS.items() for number in range(1, most + 1)}
    said = walked()
    assert wanted - set(said) == set()
    assert {said[one] for one in wanted} <= {"holds", "none of it here", "operator", "open"}


def test_the_tests_that_are_named_are_there() -> None:
    paths = set(re.findall(r"`([a-z_/]+/test_[a-z_]+\.py)`", WALK))
    assert len(paths) > 20
    assert [path for path in sorted(paths) if not (ROOT / "tests" / path).is_file()] == []

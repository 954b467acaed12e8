"""How long the tests of each folder took, at the end of a run, beside the seconds they may take.

It only tells: whether a test passes never depends on the time it takes. CONTRIBUTING.md has the budget's reasons.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import PurePosixPath
from typing import Final

import pytest

SLICE_SECONDS: Final = 120
"""What one slice's own tests may take together."""
FOLDER_SECONDS: Final = {
    "src": 30,
    "tests/docs": 150,
    "tests/engines": 120,
    "tests/laws": 160,
    "tests/published": 150,
    "tests/stories": 400,
    "tests/rooms": 60,
}
"""What these folders may take; `tests/rooms` stands for each room."""
WORTH_TELLING: Final = 60.0
"""Shorter runs say nothing."""


def folder_of(file: str) -> str:
    """What a file's seconds are counted to: a slice, a room, or the folder beside the rooms.

    >>> folder_of("tests/rooms/capabilities/test_carts.py"), folder_of("tests/rooms/capabilities/loyalty/test_tiers.py")
    ('tests/rooms/capabilities/carts', 'tests/rooms/capabilities/loyalty')
    >>> folder_of("tests/rooms/web/test_app.py"), folder_of("tests/laws/test_decoder.py")
    ('tests/rooms/web', 'tests/laws')
    """
    path = PurePosixPath(file)
    if path.parts[0] != "tests":
        return "src"
    depth = {"rooms": 4 if "capabilities" in path.parts else 3}.get(path.parts[1], 2)
    return "/".join(path.with_suffix("").parts[:depth]).replace("test_", "")


def budget_of(folder: str) -> int:
    """The seconds a folder may take.

    >>> budget_of("tests/rooms/capabilities/loyalty"), budget_of("tests/rooms/web"), budget_of("tests/elsewhere")
    (120, 60, 60)
    """
    if folder.startswith("tests/rooms/capabilities/"):
        return SLICE_SECONDS
    return FOLDER_SECONDS.get(folder, FOLDER_SECONDS["tests/rooms"])


class Budget:
    """Adds up what each test took, with its fixtures, and tells it at the end of the run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test's setup, call or teardown."""
        self.seconds[folder_of(report.nodeid.partition("::")[0])] += report.duration

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell the seconds of each folder, the longest first."""
        if sum(self.seconds.values()) < WORTH_TELLING:
            return
        terminalreporter.section("seconds by folder (all workers together)")
        for folder, seconds in sorted(self.seconds.items(), key=lambda each: -each[1]):
            allowed = budget_of(folder)
            over = f"  over its budget of {allowed}" if seconds > allowed else ""
            terminalreporter.write_line(f"{seconds:8.1f}  {folder}{over}", yellow=bool(over))
        terminalreporter.write_line(f"{sum(self.seconds.values()):8.1f}  in all")

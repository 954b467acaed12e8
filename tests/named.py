"""Tests that a document or a list names: whether they are there."""

from __future__ import annotations

import re
from functools import cache

from tests.running import ROOT

__all__ = ["is_there"]


@cache
def _names(file: str) -> frozenset[str]:
    path = ROOT / "tests" / file
    return frozenset(re.findall(r"def (test_\w+)", path.read_text())) if path.is_file() else frozenset()


def is_there(named: str) -> bool:
    """Whether a test is there, named by its file below `tests` and itself: `rooms/app/test_doors.py::test_x`."""
    file, _, name = named.partition("::")
    return name in _names(file)

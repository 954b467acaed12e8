"""Every advisory lock of the program stands in one list, with a number of its own."""

from __future__ import annotations

import re
from pathlib import Path

import rapport
from rapport.storage.locks import Lock

SOURCE = Path(rapport.__file__).parent


def test_no_number_is_used_twice() -> None:
    assert len({int(lock) for lock in Lock.__members__.values()}) == len(Lock.__members__)


def test_no_lock_is_taken_outside_the_list() -> None:
    """Neither a number of the list's range nor PostgreSQL's function stands in another file."""
    found = [
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if re.search(r"\b7_?262_?0\d\d\b|pg_(try_)?advisory_", path.read_text(encoding="utf-8"))
    ]
    assert found == ["storage/locks.py"]

from __future__ import annotations

import resource

from hypothesis import given
from hypothesis import strategies as st

from rapport.adapters.files.lines import Row
from rapport.adapters.files.model import silent
from rapport.adapters.files.spill import Spill

keys = st.lists(st.sampled_from(["a", "b", "c", "ä:\x00", ""]), max_size=40)


@given(keys)
def test_groups_are_what_a_dictionary_would_hold(found: list[str]) -> None:
    """Every row is in exactly one group, rows in the file's order, groups in the order of their first rows."""
    rows = [(key, Row(line, [key, str(line)], "")) for line, key in enumerate(found, start=2)]
    expected: dict[str, list[Row]] = {}
    for key, row in rows:
        expected.setdefault(key, []).append(row)

    with Spill() as spill:
        assert spill.load("lines", rows) == len(rows)
        assert list(spill.groups("lines", progress=silent, what="")) == list(expected.items())
        assert all(spill.find("lines", key) == group for key, group in expected.items())


def test_a_damaged_row_keeps_its_fault() -> None:
    damaged = Row(2, ["a", "\udcff"], "not in the file's encoding")
    with Spill() as spill:
        spill.load("lines", [("a", damaged)])

        assert spill.find("lines", "a") == [damaged._replace(cells=["a", "?"])]


def test_memory_stays_bounded_however_many_rows_there_are() -> None:
    """400,000 rows of 200 characters are 80 MB of text; a tenth of that may stay in memory."""
    with Spill() as spill:
        spill.load("few", [("k", Row(1, ["x" * 200], ""))])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        spill.load("many", ((str(line % 50_000), Row(line, ["x" * 200], "")) for line in range(400_000)))
        groups = sum(1 for _ in spill.groups("many", progress=silent, what=""))
        grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    assert groups == 50_000
    assert grown_kib < 40 * 1024

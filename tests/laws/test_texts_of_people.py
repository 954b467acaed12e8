"""Texts that people write (maps of files, Liquid, segments) are read or refused with a reason, whatever stands in them.

A bounded fuzzer: a few hundred texts each, of the languages' own pieces in any order and of anything else. The decoder
and the envelope have theirs in `test_decoder.py`.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rapport.adapters.files import mapping
from rapport.adapters.files.mapping import parse_map
from rapport.capabilities.messages.rendering import check_liquid, fill, fill_line, fill_plain
from rapport.kernel.clock import from_iso
from rapport.kernel.errors import InvalidInput
from rapport.remember.segments.evaluating import Clock, Compiled
from rapport.remember.segments.fields import Fields
from rapport.remember.segments.parsing import parse
from tests.remembered import REMEMBERED

FIELDS = Fields(REMEMBERED).all
NOW = from_iso("2026-10-24T22:30:00Z")
ZONE = ZoneInfo("Europe/Berlin")
CLOCK = Clock(NOW, ZONE)
MAPS = [path.read_text() for path in sorted((Path(mapping.__file__).parent / "maps").glob("*.toml"))[:6]]
LONG = 2_000
"""Of what is nested, more than any parser's stack holds."""

anything = st.text(max_size=60)


def pieces(*of: str) -> st.SearchStrategy[str]:
    """The language's own words, in any order, with anything between them."""
    return st.lists(st.sampled_from(of) | anything, max_size=14).map(" ".join)


conditions = pieces(
    *list(FIELDS)[:30], "AND", "OR", "NOT", "(", ")", "=", "<>", "<=", "IN", "LIKE", "BETWEEN", "IS NULL", "'x'", "''",
    "now()", "today()", "INTERVAL 60 DAY", "INTERVAL 999999999999 YEAR", "1e400", "99999999999999999999", "-", "*", "/",
    "has(", "SELECT 1", "--", "/*", "CASE WHEN 1 THEN 2 END", "%", "0",
)  # fmt: skip
liquids = pieces(
    "{{", "}}", "{%", "%}", "name", "money.minor", "| money", "| upcase", "| date: '%Y'", "if name", "endif", "else",
    "for x in range", "for x in (1..999999999)", "endfor", "assign a = name", "capture b", "endcapture", "raw",
    "endraw", "include 'x'", "render '../x'", "<script>", "&amp;", "'", '"', "| append: name", "cycle 1, 2",
    "case name", "when 1", "endcase", "increment z", "tablerow x in range", "{#", "name[0]", "name['a']", "empty",
    "-%}", "{%-",
)  # fmt: skip


@settings(max_examples=300)
@given(text=conditions | anything)
@example("(" * LONG)
@example("NOT " * LONG + "orders > 1")
@example(" AND ".join(["orders > 1"] * LONG))
@example("orders > 1" + " + 1" * LONG)
def test_any_text_is_a_condition_or_refused(text: str) -> None:
    try:
        node = parse(text, FIELDS, currency="EUR", zone=ZONE)
    except InvalidInput:
        return
    said = Compiled(node)
    for record in ({}, {"orders": 3, "last_order_at": NOW}):
        assert said.holds(record, CLOCK) in (True, False)
        assert said.next_change(record, CLOCK) > NOW


@settings(max_examples=300)
@given(text=liquids | anything)
@example("{% if name %}" * LONG)
@example("{{ name" + " | append: name" * LONG + " }}")
@example("{% for x in (1..999999999) %}{% for y in (1..999999999) %}x{% endfor %}{% endfor %}")
@example("{{ " + "name[" * LONG + "]" * LONG + " }}")
def test_any_template_is_filled_within_its_budget_or_refused(text: str) -> None:
    values = {"name": "<Ada> & Sons\r\nBcc: eve@example.com", "range": list(range(50)), "money": {"minor": 100}}
    with suppress(InvalidInput):
        check_liquid(text)
    with suppress(InvalidInput):
        fill(text, values, language="en")
    try:
        line = fill_line(text, values, language="de")
        plain = fill_plain(text, values, language="de")
    except InvalidInput:
        return
    assert "\n" not in line
    assert "\r" not in line
    assert len(line) <= 200
    assert len(plain) <= 1_000


@pytest.mark.filterwarnings("ignore:Possible")  # of patterns, by the library; they mean what they mean today
@settings(max_examples=200)
@given(
    text=st.sampled_from(MAPS), cut=st.integers(0, 400), at=st.integers(0, 4_000),
    dirt=st.text(max_size=12) | st.sampled_from(["[[fact]]", '= "', "{", "[", "\n[person]\n", '"""', "= 1e400"]),
)  # fmt: skip
def test_a_map_that_somebody_damaged_is_read_or_refused(text: str, cut: int, at: int, dirt: str) -> None:
    at = min(at, len(text))
    _read((text[:at] + dirt + text[at + cut :]).encode("utf-8", "surrogatepass"))


@settings(max_examples=150)
@given(text=st.binary(max_size=200) | anything.map(lambda said: said.encode("utf-8", "surrogatepass")))
@example(b"{" + b'"a":{' * 100_000)
@example(b"a = " + b"[" * 100_000)
@example(b"a" + b".a" * 5_000 + b" = 1")
def test_any_bytes_are_a_map_or_refused(text: bytes) -> None:
    _read(text)


def _read(text: bytes) -> None:
    with suppress(InvalidInput):
        assert parse_map(text, "file.toml").table.fact

"""The strings of the advertising industry: what they say counts, what cannot be read is never a yes, and says why."""

from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.capabilities.consent.strings import gpp_answers, parse_gpp, parse_tcf, tcf_answers
from rapport.kernel.errors import InvalidInput
from rapport.kernel.moments import read_moment

OLD = "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"
"""Published in the documentation of consent tools: 2022, no purpose agreed to."""
NATIONAL = "DBABLA~BVQqAAAAAgA"
"""Published by the IAB Tech Lab as an example: US national, nobody opted out."""


def encoded(bits: str) -> str:
    padded = bits + "0" * (-len(bits) % 8)
    return urlsafe_b64encode(int(padded, 2).to_bytes(len(padded) // 8, "big")).decode().rstrip("=")


def tcf(created: str, purposes: set[int], *, disclosed: bool) -> str:
    """A string made bit by bit from the specification's table."""
    at = (read_moment(created) or 0) // 100_000
    core = f"{2:06b}{at:036b}{at:036b}{300:012b}{1:012b}{1:06b}{4:06b}{13:06b}{90:012b}{5:06b}" + "10" + "0" * 12
    core += "".join("1" if n in purposes else "0" for n in range(1, 25)) + "0" * 24 + "0" + "0" * 12 + "0" * 34
    return encoded(core) + (f".{encoded('001' + '0' * 17)}" if disclosed else "")


def gpp(sale: int, sharing: int, targeted: int) -> str:
    return "DBABLA~" + encoded(f"{1:06b}" + "01" * 6 + f"{sale:02b}{sharing:02b}{targeted:02b}" + "0" * 40)


def test_published_strings_are_read_as_they_were_meant() -> None:
    found = parse_tcf(OLD)
    assert (found.version, found.created_at[:4], found.language, found.purposes) == (2, "2022", "en", [])
    found_gpp = parse_gpp(NATIONAL)
    assert (found_gpp.sections, found_gpp.opted_out) == ([7], [])


def test_what_is_agreed_to_counts_by_purpose() -> None:
    text = tcf("2026-10-01T00:00:00Z", {1, 8, 9}, disclosed=True)
    found = parse_tcf(text)
    assert (found.purposes, found.language, found.tool, found.policy_version) == ([1, 8, 9], "en", 300, 5)
    answers = {one.category: one.state for one in tcf_answers(text)}
    assert {name for name, state in answers.items() if state == "granted"} == {"tcf:1", "tcf:8", "tcf:9"}
    assert answers["tcf:4"] == "denied"


@pytest.mark.parametrize(("created", "holds"), [("2026-02-27T00:00:00Z", True), ("2026-02-28T00:00:00Z", False)])
def test_without_the_disclosed_vendors_a_string_of_today_grants_nothing(created: str, *, holds: bool) -> None:
    text = tcf(created, set(range(1, 11)), disclosed=False)
    assert bool(parse_tcf(text).invalid) is not holds
    assert all((one.state == "granted") is holds for one in tcf_answers(text))


def test_an_opt_out_is_a_no_and_none_is_not_a_yes() -> None:
    assert {one.category for one in gpp_answers(gpp(1, 2, 1))} == {"gpp:sale", "gpp:targeted"}
    assert gpp_answers(gpp(2, 2, 2)) == []
    assert gpp_answers(gpp(0, 0, 0)) == []


@pytest.mark.parametrize(
    "text", ["", "x", "AAAA", OLD[:20], "é", OLD + "\x00", "B" + OLD[1:], "!!!!", "C" * 9_000, "DBABLA"]
)
def test_a_string_that_cannot_be_read_says_what_is_wrong_and_is_a_no(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_tcf(text)
    assert {one.state for one in tcf_answers(text)} == {"denied"}


@pytest.mark.parametrize("text", ["", "x", "DBABLA", "DBABLA~", "DBABLA~B", NATIONAL + "~B", "é", OLD])
def test_a_gpp_string_that_cannot_be_read_opts_out_of_all(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_gpp(text)
    assert {one.category for one in gpp_answers(text)} == {"gpp:sale", "gpp:sharing", "gpp:targeted"}


@given(st.one_of(st.none(), st.integers(), st.lists(st.text()), st.text(), st.text(alphabet="ABCDabcd019-_~.")))
def test_nothing_that_is_sent_makes_reading_fail(text: object) -> None:
    assert len(tcf_answers(text)) == 10
    assert len(gpp_answers(text)) <= 3

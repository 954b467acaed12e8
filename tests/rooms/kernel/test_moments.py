"""Moments are read with the offset they state, in any language's form, or not at all."""

from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from dateutil import parser  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from rapport.kernel.clock import from_iso
from rapport.kernel.moments import FORMS, read_moment

TEN = from_iso("2026-11-20T10:00:00Z")
HOUR = 3_600_000_000


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20T10:00:00Z", TEN), ("2026-11-20t10:00:00z", TEN), ("2026-11-20 10:00:00 UTC", TEN),
        ("2026-11-20 10:00:00 GMT", TEN), ("2026-11-20T10:00:00+01:00[Europe/Paris]", TEN - HOUR),
        ("2026-11-20T10:00:00Z[Europe/Paris]", TEN), ("2026-11-20 10:00:00 Europe/Paris", TEN - HOUR),
        ("2026-11-20 10:00:00,5 +0100", TEN - HOUR + 500_000), ("2026-11-19T24:00:00Z", TEN - 10 * HOUR),
        ("Fri Nov 20 2026 10:00:00 GMT-0500 (EST)", TEN + 5 * HOUR),
        ("Fri Nov 20 2026 10:00:00 GMT+0200 (Central European Summer Time)", TEN - 2 * HOUR),
        ("Fri Nov 20 10:00:00 CET 2026", TEN - HOUR), ("Fri Nov 20 10:00:00 GMT+01:00 2026", TEN - HOUR),
        ("2026-11-20 10:00:00.123456789 +0100 CET m=+0.1", TEN - HOUR + 123_456),
        ("Fri, 20 Nov 2026 10:00:00 +0100", TEN - HOUR), ("20 Nov 2026 10:00:00 GMT", TEN),
        ("2026-11-20 10:00:00 +0530 IST", TEN - 5 * HOUR - HOUR // 2), ("2026-11-20 10:00:00", TEN),
        ("٢٠٢٦-١١-٢٠T١٠:٠٠:٠٠Z", TEN), ("1795168800", TEN), (1795168800, TEN), ("1795168800000", TEN),
        (1795168800000.0, TEN), (1795168800000000, TEN), ("1795168800000000000", TEN), ("1795168800.5", TEN + 500_000),
        ("20261120100000", TEN), (20261120100000, TEN), ("202611201000", TEN), (20261120100000000, TEN),
        (20261120, TEN - 10 * HOUR), ("20261120", TEN - 10 * HOUR), ("2026-11-20T10:00:00+00:00Z", TEN),
        ("2026-W47-5T10:00:00Z", TEN), ("20261120T100000Z", TEN), ("2026-11-20T10:00:00+0530", TEN - 11 * HOUR // 2),
    ],
)  # fmt: skip
def test_a_moment_is_read_as_its_writer_meant_it(text: str | float, moment: int) -> None:
    assert read_moment(text) == moment


@pytest.mark.parametrize(
    "text",
    ["", "soon", "2026-11-20 10:00:00 IST", "2026-11-20 10:00:00 CST", "2026-11-20 10:00:00 Mars/Olympus",
     "20/11/2026 10:00", "11/20/2026, 10:00:00 AM", "2026-13-01T00:00:00Z", "2026-11-20T24:00:01Z",
     "2026-11-20T10:00:00+01:00Z", "2026-11-20T10:00:00Z+01:00", "2026-11-20 10:00:00 +0100 UTC", "20/11/26",
     "yesterday", 99_999_999_999_999, "20261399100000", "2026-11-20T10:00:00+99:99",
     "2026-11-20 10:00:00 ../../etc/passwd", "9" * 20, 1e300, float("nan"), "x" * 200],
)  # fmt: skip
def test_what_names_no_moment_or_could_name_two_is_unread(text: str | float) -> None:
    assert read_moment(text) is None


@pytest.mark.parametrize("text", [text for _, text in FORMS])
def test_every_form_of_the_documents_is_read(text: str) -> None:
    assert read_moment(text) is not None


WRITTEN = (
    lambda at: at.isoformat(),
    lambda at: at.strftime("%a %b %d %Y %H:%M:%S GMT%z (some words)"),
    lambda at: at.strftime("%a, %d %b %Y %H:%M:%S %z"),
    lambda at: at.strftime("%Y-%m-%d %H:%M:%S %z"),
    lambda at: at.strftime("%a %b %d %H:%M:%S %z %Y"),
)
ZONES = sorted(name for name in available_timezones() if "/" in name)
moments = st.integers(631_152_000, 2_145_916_800).map(lambda seconds: datetime.fromtimestamp(seconds, tz=UTC))


@given(moments, st.sampled_from(ZONES), st.sampled_from(WRITTEN))
def test_every_form_in_every_zone_leads_back_to_the_moment(at, zone, write) -> None:  # type: ignore[no-untyped-def]
    text = write(at.astimezone(ZoneInfo(zone)))
    assert read_moment(text) == from_iso(at.isoformat())
    bare = text.partition(" (")[0].replace("GMT", "")  # dateutil reads GMT+2 as POSIX does, west of Greenwich
    assert from_iso(parser.parse(bare).isoformat()) == from_iso(at.isoformat())


@given(moments, st.sampled_from(ZONES), st.sampled_from(["{:%Y-%m-%d %H:%M:%S} {}", "{:%Y-%m-%dT%H:%M:%S%z}[{}]"]))
def test_a_zone_by_its_name_leads_back_to_the_moment(at, zone, form) -> None:  # type: ignore[no-untyped-def]
    """Of an hour that clocks show twice, the first is meant, unless an offset stands beside it."""
    local = at.astimezone(ZoneInfo(zone))
    meant = local if "%z" in form else local.replace(fold=0)
    assert read_moment(form.format(local, zone)) == from_iso(meant.astimezone(UTC).isoformat())


DATES = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%a %d %b %Y", "%A, %d %B %Y", "%d-%b-%Y",
    "%Y.%m.%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y-%j", "%Y %b %d", "%y-%m-%d",
)  # fmt: skip
CLOCKS = ("%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M%p", "%H%M%S", "%H:%M:%S.%f", "%H.%M.%S")
OFFSETS = ("%z", " %z", "Z", " EST", " GMT", " UTC", "")


@pytest.mark.parametrize("day", [7, 20])
def test_what_dateutil_reads_too_it_reads_the_same(day: int) -> None:
    """Any form of date, clock and offset: of 7 November what is meant by its day or month may be taken for the other.

    Not asked: `GMT-0500`, which dateutil takes for five hours east as POSIX does and JavaScript writes for west. It
    guesses where a form means two dates or names no zone it knows; such a text is refused here, so both never read it.
    """
    at = datetime(2026, 11, day, 15, 4, 5, tzinfo=ZoneInfo("America/New_York"))
    both = 0
    for date, between, clock, offset in product(DATES, ("T", " ", ", "), CLOCKS, OFFSETS):
        text = at.strftime(date + between + clock + offset)
        if (ours := read_moment(text)) is not None:
            theirs = parser.parse(text, tzinfos={"EST": -5 * 3600})
            theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
            assert (text, ours) == (text, from_iso(theirs.astimezone(UTC).isoformat()))
            both += 1
    assert both > 150


@given(st.text(max_size=60) | st.integers() | st.floats())
def test_whatever_comes_is_a_moment_or_none(value: str | float) -> None:
    moment = read_moment(value)
    assert moment is None or isinstance(moment, int)


def test_the_reference_shows_each_form_that_is_read() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "reading.md").read_text()
    assert [text for _, text in FORMS if f"`{text}`" not in page] == []
